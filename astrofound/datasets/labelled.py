"""Images with a class each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord, concatenate

from ..utils import InputError
from .label_schemes import map_labels
from .lazy import join_images, take_images

__all__ = ['LabelledImages', 'check_lengths', 'default_names', 'join_labelled', 'per_image_boxes']


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """
    Images with a class each, and what else is known about them.

    Any classifier with the interface of scikit-learn takes ``data.images`` and
    ``data.labels``. Nothing here opens a file: images stay what they were given as.

    Parameters
    ----------
    images : sequence
        Whatever `open_images` takes: paths, arrays, survey images, cutouts, `LazyImages`.
    labels : 1D array of str
        The class of each image; numbers become text.
    classes : sequence of str, optional
        All classes in their order, also those of no image here; by default those of
        ``labels``, sorted.
    names : sequence of str, optional
        What to call each image; by default the file name or the number.
    positions : `~astropy.coordinates.SkyCoord`, optional
        Where each image is on the sky.
    boxes : sequence of (n, 4) array, optional
        For each image the edges ``[x1, y1, x2, y2]`` of its objects in pixels, from 0 at the
        outer edge of the first pixel, whose row is at the bottom.
    source : str, optional
        Where it all comes from.

    Raises
    ------
    InputError
        If these do not fit together, or a label is blank or not among ``classes``.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.datasets import LabelledImages
    >>> data = LabelledImages(np.zeros((3, 8, 8)), ['FRII', 'FRI', 'FRII'], source='a survey')
    >>> data
    <LabelledImages of 3: FRI 1, FRII 2; a survey>
    >>> data.select(data.labels == 'FRII').counts()
    {'FRI': 0, 'FRII': 2}
    """

    images: Sequence
    labels: np.ndarray
    classes: Sequence | None = None
    names: np.ndarray | None = None
    positions: SkyCoord | None = None
    boxes: Sequence | None = None
    source: str = ''

    def __post_init__(self):
        labels = _as_text(self.labels)
        found = np.unique(labels).tolist()
        classes = tuple(map(str, found if self.classes is None else self.classes))
        names = np.asarray(default_names(self.images) if self.names is None else self.names, str)
        check_lengths(len(self.images), labels=labels, names=names, positions=self.positions,
                      boxes=self.boxes)
        if len(set(classes)) < len(classes):
            raise InputError(f"'classes' has a name twice: {', '.join(classes)}")
        if strange := sorted(set(found) - set(classes)):
            raise InputError(f"labels that are not among 'classes': {', '.join(strange[:20])}; "
                             f"the classes are {', '.join(classes)}")
        boxes = None if self.boxes is None else per_image_boxes(self.boxes)
        for name, value in (('labels', labels), ('classes', classes), ('names', names),
                            ('boxes', boxes)):
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        counts = ', '.join(f'{name} {n}' for name, n in list(self.counts().items())[:12])
        more = f', and {len(self.classes) - 12} more classes' if len(self.classes) > 12 else ''
        source = f'; {self.source}' if self.source else ''
        return f'<LabelledImages of {len(self)}: {counts}{more}{source}>'

    def counts(self):
        """
        Count the images of each class.

        Returns
        -------
        counts : dict
            Number by class, in the order of ``classes``.
        """
        return {name: int((self.labels == name).sum()) for name in self.classes}

    def select(self, index):
        """
        Take some of the images.

        Parameters
        ----------
        index : array of int or bool, or slice
            Which ones, in this order.

        Returns
        -------
        data : LabelledImages
            The same classes in the same order, also where one has no image left.
        """
        rows = np.arange(len(self))[index]
        if rows.ndim != 1:
            raise InputError(f"'index' must pick several images, as in [{index!r}]")
        return replace(
            self, images=take_images(self.images, rows), labels=self.labels[rows],
            names=self.names[rows],
            positions=None if self.positions is None else self.positions[rows],
            boxes=None if self.boxes is None else [self.boxes[row] for row in rows])

    def relabel(self, scheme):
        """
        Give the images labels of another scheme.

        Parameters
        ----------
        scheme : str or mapping
            As for `map_labels`; images that it leaves out are gone.

        Returns
        -------
        data : LabelledImages
            Its classes are in the order in which those that become them had.
        """
        labels = map_labels(self.labels, scheme)
        used = [name for name in self.classes if name in set(self.labels.tolist())]
        classes = tuple(name for name in dict.fromkeys(map_labels(used, scheme).tolist()) if name)
        if isinstance(scheme, str) and scheme == 'original':
            return self
        kept = np.flatnonzero(labels != '')
        return replace(self.select(kept), labels=labels[kept], classes=classes)


def join_labelled(parts):
    """
    Put data sets behind one another.

    Parameters
    ----------
    parts : sequence of LabelledImages
        With the same kind of image; positions and boxes are kept where all have them.

    Returns
    -------
    data : LabelledImages
        Its classes are those of the first, then the others'.

    Raises
    ------
    InputError
        If there is none.
    """
    parts = list(parts)
    if not parts:
        raise InputError("'parts' is empty")
    with_positions = all(part.positions is not None for part in parts)
    with_boxes = all(part.boxes is not None for part in parts)
    return LabelledImages(
        join_images([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        classes=tuple(dict.fromkeys(name for part in parts for name in part.classes)),
        names=np.concatenate([part.names for part in parts]),
        positions=concatenate([part.positions for part in parts]) if with_positions else None,
        boxes=[boxes for part in parts for boxes in part.boxes] if with_boxes else None,
        source=' + '.join(dict.fromkeys(part.source for part in parts if part.source)))


def check_lengths(n_images, **values):
    """
    Make sure that there is one value an image.

    Parameters
    ----------
    n_images : int
        Number of images.
    **values : sequence or None
        What must have that length, by the name to say in a message.

    Raises
    ------
    InputError
        If something has another length.
    """
    for name, value in values.items():
        if value is None:
            continue
        length = len(value) if getattr(value, 'shape', (1,)) else 'a single one'
        if length != n_images:
            raise InputError(f'{name!r} must have one entry an image: got {length} for '
                             f'{n_images} images')


def per_image_boxes(boxes):
    """
    Bring boxes into their one form.

    Parameters
    ----------
    boxes : sequence of array-like
        Edges of the objects of each image; an empty list where there are none.

    Returns
    -------
    boxes : tuple of (n, 4) `~numpy.ndarray` of float64
        Edges ``[x1, y1, x2, y2]``.

    Raises
    ------
    InputError
        If something in it is no list of four edges.
    """
    out = []
    for number, edges in enumerate(boxes):
        edges = np.asarray(edges, float)
        edges = edges.reshape(0, 4) if edges.size == 0 else edges
        if edges.ndim != 2 or edges.shape[1] != 4:
            raise InputError("'boxes' must have the shape (n, 4) for each image, got "
                             f'{edges.shape} for image {number}')
        out.append(edges)
    return tuple(out)


def _as_text(labels):
    """Give labels as text, and refuse blank ones."""
    values = np.ma.asarray(labels) if np.ma.isMaskedArray(labels) else np.asarray(labels)
    if values.ndim != 1:
        raise InputError(f"'labels' must be one label an image, got the shape {values.shape}")
    blank = np.array(np.ma.getmaskarray(values))
    plain = np.ma.getdata(values)
    if plain.dtype.kind == 'f':
        blank |= ~np.isfinite(plain)
        whole = np.where(blank, 0, plain)
        if (whole == np.round(whole)).all():  # classes 0 and 1 of a column with gaps
            plain = whole.astype(int)
    elif plain.dtype.kind == 'O':
        blank |= [value is None or value != value for value in plain]
    text = plain.astype(str)
    blank |= np.char.strip(text) == ''
    if blank.any():
        rows = np.flatnonzero(blank)
        raise InputError(f'{rows.size} of {len(text)} labels are blank (rows '
                         f"{', '.join(map(str, rows[:10]))}{', ...' if rows.size > 10 else ''}); "
                         'leave those images out')
    return text


def default_names(images):
    """Name images by their files, or by their numbers."""
    if isinstance(images, (list, tuple)):
        return [Path(image).name if isinstance(image, (str, Path))
                else getattr(image, 'name', str(number)) for number, image in enumerate(images)]
    return [str(number) for number in range(len(images))]
