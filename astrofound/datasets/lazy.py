"""Images that are read when they are looked at."""

from collections.abc import Sequence

import numpy as np

__all__ = ['LazyImages', 'join_images', 'take_images']


class LazyImages(Sequence):
    """
    A sequence of images of which each is read when it is asked for.

    A number gives an image; a slice, an array of numbers or a mask gives another such sequence,
    with nothing read. Scikit-learn can therefore split it.

    Parameters
    ----------
    read : callable
        Gives the image of a number, in a form that `open_images` takes.
    rows : int or 1D array of int
        How many images there are, or the numbers of those wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.datasets import LazyImages
    >>> images = LazyImages(lambda number: np.full((8, 8), number), 1000)
    >>> len(images[::10])
    100
    >>> int(images[::10][3].max())
    30
    """

    def __init__(self, read, rows):
        self._read = read
        self._rows = np.arange(rows) if np.ndim(rows) == 0 else np.asarray(rows, int)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, key):
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # how scikit-learn takes rows of what has a shape
        rows = self._rows[key]
        return self._read(int(rows)) if np.ndim(rows) == 0 else LazyImages(self._read, rows)

    def __repr__(self):
        return f'<LazyImages {len(self)} images>'

    @property
    def shape(self):
        """``(n_images,)``."""
        return self._rows.shape


def take_images(images, rows):
    """
    Take some images of a sequence, reading none.

    Parameters
    ----------
    images : sequence
        An array, a list or anything that gives an image for a number.
    rows : 1D array of int
        Which ones.

    Returns
    -------
    taken : sequence
        An array of an array, a list of a list, else `LazyImages`.
    """
    if isinstance(images, (np.ndarray, LazyImages)):
        return images[rows]
    if isinstance(images, (list, tuple)):
        return [images[row] for row in rows]
    return LazyImages(images.__getitem__, rows)


def join_images(parts):
    """
    Put sequences of images behind one another, reading none.

    Parameters
    ----------
    parts : list of sequence
        Each as for `take_images`.

    Returns
    -------
    images : sequence
        An array of arrays of one shape, a list of lists, else `LazyImages`.
    """
    if all(isinstance(part, np.ndarray) for part in parts) and len(
            {(part.shape[1:], part.dtype) for part in parts}) == 1:
        return np.concatenate(parts)
    if all(isinstance(part, (list, tuple)) for part in parts):
        return [image for part in parts for image in part]
    starts = np.cumsum([0, *(len(part) for part in parts)])

    def read(number):
        which = int(np.searchsorted(starts, number, side='right')) - 1
        return parts[which][int(number - starts[which])]

    return LazyImages(read, int(starts[-1]))
