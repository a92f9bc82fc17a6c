"""Images with a box round each of their objects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..utils import InputError
from .labelled import LabelledImages, check_lengths, default_names, per_image_boxes
from .lazy import join_images, take_images

__all__ = ['BoxedImages', 'clean_boxes', 'join_boxed']


@dataclass(frozen=True, eq=False, repr=False)
class BoxedImages:
    """
    Images with a box and a class for each of their objects.

    Nothing here opens a file: images stay what they were given as.

    Parameters
    ----------
    images : sequence
        Whatever `open_images` takes: paths, arrays, survey images, `LazyImages`.
    boxes : sequence of (n, 4) array
        For each image the edges ``[x1, y1, x2, y2]`` of its objects in pixels, from 0 at the
        outer edge of the first pixel, whose row is at the bottom; empty where there are none.
    labels : sequence of (n,) array of int
        For each image the classes of its objects, as numbers into ``classes`` from 0.
    classes : sequence of str
        The classes in their order.
    ignored : sequence of (n,) array of bool, optional
        For each image which boxes are regions that neither reward nor punish a detection, such
        as crowds and what nobody has labelled; by default none.
    names : sequence of str, optional
        What to call each image; by default the file name or the number.
    source : str, optional
        Where it all comes from.
    notes : sequence of str, optional
        What was repaired when it was read.

    Raises
    ------
    InputError
        If these do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.datasets import BoxedImages
    >>> data = BoxedImages(np.zeros((2, 32, 32)), [[[4, 4, 9, 8], [0, 0, 5, 5]], []],
    ...                    [[0, 1], []], ['compact', 'extended'])
    >>> data
    <BoxedImages of 2 with 2 boxes: compact 1, extended 1>
    """

    images: Sequence
    boxes: Sequence
    labels: Sequence
    classes: Sequence
    ignored: Sequence | None = None
    names: np.ndarray | None = None
    source: str = ''
    notes: Sequence = ()

    def __post_init__(self):
        names = np.asarray(default_names(self.images) if self.names is None else self.names, str)
        boxes = per_image_boxes(self.boxes)
        ignored = ([np.zeros(len(own), bool) for own in boxes] if self.ignored is None
                   else self.ignored)
        check_lengths(len(self.images), boxes=boxes, labels=self.labels, ignored=ignored,
                      names=names)
        labels = _per_box('labels', self.labels, boxes, int)
        ignored = _per_box('ignored', ignored, boxes, bool)
        classes = tuple(map(str, self.classes))
        for number, (own, codes) in enumerate(zip(boxes, labels, strict=True)):
            if not (np.isfinite(own).all() and (own[:, 2:] > own[:, :2]).all()):
                raise InputError(f'image {names[number]} has a box without an area; leave it out')
            if codes.size and (codes.min() < 0 or codes.max() >= len(classes)):
                raise InputError(f'image {names[number]} has a label outside 0 to '
                                 f"{len(classes) - 1}, the numbers of {', '.join(classes)}")
        for name, value in (('boxes', boxes), ('labels', labels), ('classes', classes),
                            ('ignored', ignored), ('names', names), ('notes', tuple(self.notes))):
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.boxes)

    def __repr__(self):
        counts = ', '.join(f'{name} {n}' for name, n in self.counts().items())
        n_ignored = sum(int(own.sum()) for own in self.ignored)
        more = f', and {n_ignored} to ignore' if n_ignored else ''
        source = f'; {self.source}' if self.source else ''
        return (f'<BoxedImages of {len(self)} with {self.n_boxes} boxes: {counts}{more}{source}>')

    @property
    def n_boxes(self):
        """Number of boxes that are not to be ignored."""
        return sum(int((~own).sum()) for own in self.ignored)

    def counts(self):
        """
        Count the objects of each class, without those to be ignored.

        Returns
        -------
        counts : dict
            Number by class, in the order of ``classes``.
        """
        codes = np.concatenate([np.empty(0, int), *(
            own[~skip] for own, skip in zip(self.labels, self.ignored, strict=True))])
        numbers = np.bincount(codes, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    def select(self, index):
        """
        Take some of the images.

        Parameters
        ----------
        index : array of int or bool, or slice
            Which ones, in this order.

        Returns
        -------
        data : BoxedImages
            The same classes, also where one has no object left.
        """
        rows = np.arange(len(self))[index]
        if rows.ndim != 1:
            raise InputError(f"'index' must pick several images, as in [{index!r}]")
        return replace(self, images=take_images(self.images, rows), names=self.names[rows],
                       **{name: [getattr(self, name)[row] for row in rows]
                          for name in ('boxes', 'labels', 'ignored')})

    def to_labelled(self, *, single=True):
        """
        Give each image the class of its largest box.

        Parameters
        ----------
        single : bool, optional
            Whether images with more than one object are left out, as in the paper; those
            without any always are.

        Returns
        -------
        data : LabelledImages
            Its ``boxes`` hold the largest box of each image.
        """
        kept, labels, boxes = [], [], []
        for number, (own, codes, skip) in enumerate(zip(self.boxes, self.labels, self.ignored,
                                                        strict=True)):
            own, codes = own[~skip], codes[~skip]
            if len(own) == 1 or (len(own) and not single):
                largest = int(np.argmax(np.prod(own[:, 2:] - own[:, :2], axis=1)))
                kept.append(number)
                labels.append(self.classes[codes[largest]])
                boxes.append(own[largest:largest + 1])
        return LabelledImages(take_images(self.images, np.array(kept, int)),
                              np.array(labels, str), classes=self.classes,
                              names=self.names[kept], boxes=boxes, source=self.source)


def join_boxed(parts):
    """
    Put data sets behind one another.

    Parameters
    ----------
    parts : sequence of BoxedImages
        With the same classes in the same order.

    Returns
    -------
    data : BoxedImages
        All their images.

    Raises
    ------
    InputError
        If there is none, or their classes differ.
    """
    parts = list(parts)
    if len({part.classes for part in parts}) != 1:
        raise InputError("'parts' must be data sets of the same classes, got "
                         + ('none' if not parts else ' and '.join(
                             dict.fromkeys(', '.join(part.classes) for part in parts))))
    return BoxedImages(
        join_images([part.images for part in parts]), classes=parts[0].classes,
        names=np.concatenate([part.names for part in parts]),
        source=' + '.join(dict.fromkeys(part.source for part in parts if part.source)),
        notes=[note for part in parts for note in part.notes],
        **{name: [own for part in parts for own in getattr(part, name)]
           for name in ('boxes', 'labels', 'ignored')})


def clean_boxes(boxes, shape):
    """
    Clip boxes to their image, and tell which of them can be used.

    Parameters
    ----------
    boxes : (n, 4) array-like
        Edges ``[x1, y1, x2, y2]``.
    shape : tuple of int
        Shape ``(ny, nx)`` of the image.

    Returns
    -------
    boxes : (n, 4) `~numpy.ndarray`
        Clipped edges; as they came where they cannot be used.
    fault : (n,) `~numpy.ndarray` of str
        Empty for a good box, ``'clipped'``, ``'outside'``, ``'no area'`` or ``'no number'``.
    """
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    ny, nx = shape
    inside = np.clip(boxes, 0, [nx, ny, nx, ny])
    with np.errstate(invalid='ignore'):
        had_area = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        has_area = (inside[:, 2:] > inside[:, :2]).all(axis=1)
        # files round to a hundredth of a pixel: that is no fault
        moved = (np.abs(inside - boxes) > 0.02).any(axis=1)
    fault = np.select([~np.isfinite(boxes).all(axis=1), ~had_area, ~has_area, moved],
                      ['no number', 'no area', 'outside', 'clipped'], default='')
    usable = (fault == '') | (fault == 'clipped')
    return np.where(usable[:, None], inside, boxes), fault


def _per_box(name, values, boxes, dtype):
    """Bring one value a box into arrays."""
    out = []
    for number, (own, edges) in enumerate(zip(values, boxes, strict=True)):
        own = np.asarray(own, dtype).reshape(-1)
        if len(own) != len(edges):
            raise InputError(f'{name!r} must have one value a box: got {len(own)} for '
                             f'{len(edges)} boxes of image {number}')
        out.append(own)
    return tuple(out)
