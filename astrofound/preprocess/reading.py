"""Windows of anything image-like, so that a step takes a survey image or a plain array."""

import numpy as np

from .._kernels.blocks import blank_ellipses
from ..utils import InputError

__all__ = ['ArrayReader', 'BlankedReader', 'full_window', 'open_reader']


class ArrayReader:
    """
    Give windows of a 2-D array the way a survey image does.

    Parameters
    ----------
    data : 2D array-like
        Image of shape ``(ny, nx)``; a masked array's masked pixels read as NaN.

    Raises
    ------
    InputError
        If the array is not two-dimensional, not numeric or empty.
    """

    def __init__(self, data):
        data = data if isinstance(data, np.ndarray) else np.asarray(data)
        if data.ndim != 2 or data.dtype.kind not in 'buif' or data.size == 0:
            msg = (f"'image' must be a 2D numeric array with pixels in it, got shape {data.shape} "
                   f'and type {data.dtype}')
            raise InputError(msg)
        self.data = data
        self.shape = data.shape

    def read_window(self, window):
        """
        Read one window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.

        Returns
        -------
        data : 2D `~numpy.ndarray` of float32
            C-contiguous; masked pixels are NaN.
        """
        part = self.data[window]
        with np.errstate(over='ignore', invalid='ignore'):  # beyond float32 is blank: infinite
            plain = np.ascontiguousarray(np.ma.getdata(part), dtype=np.float32)
        mask = np.ma.getmask(part)
        return plain if mask is np.ma.nomask else np.where(mask, np.float32(np.nan), plain)


class BlankedReader:
    """
    Give windows of an image in which ellipses are blank.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage` or 2D array-like
        What to read.
    x, y : (n,) `~numpy.ndarray`
        Centres of the ellipses in pixels.
    a, b : (n,) `~numpy.ndarray`
        Their semi-axes along x and y.
    """

    def __init__(self, image, x, y, a, b):
        self._reader = open_reader(image)
        self._ellipses = tuple(np.asarray(value, dtype=float) for value in (x, y, a, b))
        self.shape = self._reader.shape
        self.unit = getattr(image, 'unit', None)

    def read_window(self, window):
        """
        Read one window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.

        Returns
        -------
        data : 2D `~numpy.ndarray` of float32
            NaN in the ellipses.
        """
        data = np.array(self._reader.read_window(window), np.float32)
        x, y, a, b = self._ellipses
        x, y = x - window[1].start, y - window[0].start
        near = ((x + a >= 0) & (x - a <= data.shape[1]) & (y + b >= 0) & (y - b <= data.shape[0]))
        blank_ellipses(data, x[near], y[near], a[near], b[near])
        return data


def open_reader(image):
    """
    Return ``image`` itself when it can read windows, else a reader of the array.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage` or 2D array-like
        What to read.

    Returns
    -------
    reader : object
        Has ``shape`` and ``read_window``.
    """
    return image if hasattr(image, 'read_window') else ArrayReader(image)


def full_window(shape):
    """
    Return the window of a whole image.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)``.

    Returns
    -------
    window : tuple of slice
        ``(slice(0, ny), slice(0, nx))``.
    """
    return slice(0, shape[0]), slice(0, shape[1])
