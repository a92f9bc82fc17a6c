"""Masks in any form: non-zero marks a pixel to ignore."""

from pathlib import Path

import numpy as np

from astrofound.utils import InputError, ReadError

from .pixels import ArrayPixels

__all__ = ['BothMasks', 'as_mask_pixels']


class BothMasks:
    """
    Two masks as one; a pixel masked in either is masked.

    Parameters
    ----------
    first, second : pixels
        The masks.
    """

    def __init__(self, first, second):
        self.first, self.second = first, second
        self.shape = first.shape

    def identity(self):
        """Return what tells this mask from others, or None."""
        both = [self.first.identity(), self.second.identity()]
        return None if None in both else both

    def read(self, window):
        """Return 1 where masked, else 0."""
        masked = (self.first.read(window) != 0) | (self.second.read(window) != 0)
        return masked.astype(np.float32)


def as_mask_pixels(mask, shape, name='image'):
    """
    Make a lazily read mask.

    Parameters
    ----------
    mask : array-like, path-like, HDU or None
        Non-zero or NaN marks a pixel to ignore.
    shape : (int, int)
        Shape the mask must have, apart from axes of length one.
    name : str, optional
        Name of the image for messages.

    Returns
    -------
    pixels : pixels or None
        `None` where there is no mask.

    Raises
    ------
    InputError
        If the shape differs or the mask holds no numbers.
    ReadError
        If the file cannot be read.
    """
    if mask is None or mask is np.ma.nomask:
        return None
    if isinstance(mask, (str, Path)):
        pixels = _read_mask(Path(mask).expanduser())
    else:
        array = mask if hasattr(mask, 'ndim') else np.asarray(getattr(mask, 'data', mask))
        if array.dtype.kind not in 'biuf':
            raise InputError(f"'mask' of {name} must be a boolean or number array, got dtype "
                             f'{array.dtype}')
        if array.ndim > 2:
            array = array.reshape([n for n in array.shape[:-2] if n > 1] + list(array.shape[-2:]))
        pixels = ArrayPixels(array) if array.ndim == 2 else None
        if pixels is None:
            raise InputError(f"'mask' of {name} must have shape {shape}, got {array.shape}")
    if tuple(pixels.shape) != tuple(shape):
        raise InputError(f"'mask' of {name} must have the image's shape {tuple(shape)}, got "
                         f'{tuple(pixels.shape)}')
    return pixels


def _read_mask(path):
    from .fits_reader import read_fits

    if not path.is_file():
        raise ReadError(f'mask {path} does not exist')
    return read_fits(path, wcs=None).pixels
