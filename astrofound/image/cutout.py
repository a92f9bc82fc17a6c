"""Find the pixels of a cutout."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from astrofound.utils import InputError

__all__ = ['cutout_window']


def cutout_window(image, position, size):
    """
    Give the window of a cutout, trimmed to the image.

    Parameters
    ----------
    image : SurveyImage
        The image to cut from.
    position : `~astropy.coordinates.SkyCoord` or (float, float)
        Centre on the sky or ``(x, y)`` in pixels.
    size : number, `~astropy.units.Quantity` or pair of them
        Side, or ``(height, width)``, in pixels or as an angle.

    Returns
    -------
    window : (slice, slice)
        Slices along y and x with at least one pixel.

    Raises
    ------
    InputError
        If an argument is not understood or no pixel lies inside the image.
    """
    x, y = _position_to_pixels(image, position)
    window = []
    for centre, length, n in zip((y, x), _size_to_pixels(image, size), image.shape, strict=True):
        # halves go up: an even side has its centre between two pixels
        start = int(np.ceil(centre - length / 2))
        stop = start + max(1, round(length))
        window.append(slice(max(start, 0), min(stop, n)))
    if any(part.stop <= part.start for part in window):
        raise InputError(f'the cutout of {image.name} at pixel ({x:.1f}, {y:.1f}) lies outside '
                         f'the image of {image.shape[1]} x {image.shape[0]} pixels')
    return tuple(window)


def _position_to_pixels(image, position):
    if isinstance(position, SkyCoord):
        if image.wcs is None:
            raise InputError(f'{image.name} has no celestial WCS; give the position in pixels')
        position = image.wcs.world_to_pixel(position)
    try:
        x, y = (float(value) for value in position)
    except (TypeError, ValueError):
        raise InputError("'position' must be a SkyCoord or (x, y) in pixels, got "
                         f'{position!r}') from None
    if not np.isfinite([x, y]).all():
        raise InputError(f'the position of the cutout does not lie on {image.name}')
    return x, y


def _size_to_pixels(image, size):
    pair = np.broadcast_to(np.atleast_1d(getattr(size, 'value', size)), 2).astype(float)
    unit = getattr(size, 'unit', u.pix)
    if unit.is_equivalent(u.pix):
        pair = pair * unit.to(u.pix)
    elif image.wcs is None or not unit.is_equivalent(u.arcsec):
        raise InputError(f"'size' must be in pixels, or an angle where {image.name} has a WCS, "
                         f'got {size!r}')
    else:
        pair = pair * unit.to(u.arcsec) / image.pixel_scale.value
    if not (np.isfinite(pair).all() and (pair > 0).all()):
        raise InputError(f"'size' must be greater than 0, got {size!r}")
    return pair
