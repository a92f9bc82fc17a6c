"""What a detector hands on before anything is measured."""

from dataclasses import dataclass, fields

import numpy as np

from ..utils import Rows

__all__ = ['CLASS_NAMES', 'Detections']

#: Names of the source classes; a class code is an index into this tuple.
CLASS_NAMES = ('point', 'extended', 'multi')


@dataclass(frozen=True)
class Detections(Rows):
    """
    Positions, boxes, scores and classes of ``n`` detections in pixels of one image.

    Parameters
    ----------
    x, y : (n,) `~numpy.ndarray` of float64
        Positions, 0 at the centre of the first pixel.
    boxes : (n, 4) `~numpy.ndarray` of float64
        Edges ``[x1, y1, x2, y2]`` running from 0 to ``nx`` and ``ny``.
    score : (n,) `~numpy.ndarray` of float32, optional
        Probability of being real; by default 1.
    class_code : (n,) `~numpy.ndarray` of int8, optional
        Index into `CLASS_NAMES`; by default 0, a point.
    origin : (n,) `~numpy.ndarray` of int32, optional
        Where a detection came from, such as the number of its tile; by default 0.
    group : (n,) `~numpy.ndarray` of int32, optional
        Number that a source shares with its parts; by default 0, for none.
    is_part : (n,) `~numpy.ndarray` of bool, optional
        Whether a detection is but a part of the source of its group; by default not.
    label : (n,) `~numpy.ndarray` of int16, optional
        Class in a scheme of the detector's own; by default -1, for none.

    Raises
    ------
    ValueError
        If the lengths differ.
    """

    x: np.ndarray
    y: np.ndarray
    boxes: np.ndarray
    score: np.ndarray = None
    class_code: np.ndarray = None
    origin: np.ndarray = None
    group: np.ndarray = None
    is_part: np.ndarray = None
    label: np.ndarray = None

    def __post_init__(self):
        n = np.size(self.x)
        for name, dtype, default in (('x', np.float64, 0), ('y', np.float64, 0),
                                     ('boxes', np.float64, 0), ('score', np.float32, 1),
                                     ('class_code', np.int8, 0), ('origin', np.int32, 0),
                                     ('group', np.int32, 0), ('is_part', bool, False),
                                     ('label', np.int16, -1)):
            value = getattr(self, name)
            value = np.full(n, default, dtype) if value is None else np.asarray(value, dtype)
            value = value.reshape((-1, 4) if name == 'boxes' else -1)
            if len(value) != n:
                msg = f'{name!r} must hold {n} detections as x does, got {len(value)}'
                raise ValueError(msg)
            object.__setattr__(self, name, np.ascontiguousarray(value))

    @classmethod
    def concatenate(cls, parts):
        """
        Join several sets of detections in the order given.

        Parameters
        ----------
        parts : iterable of `Detections`
            The sets; none at all gives an empty one.

        Returns
        -------
        detections : `Detections`
            All of them.
        """
        parts = list(parts)
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts])
                     for field in fields(cls)))

    @classmethod
    def empty(cls):
        """Return a set of no detections."""
        return cls(np.empty(0), np.empty(0), np.empty((0, 4)))
