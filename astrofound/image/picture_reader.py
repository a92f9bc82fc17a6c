"""Read PNG and JPEG pictures, with the sky position in their AVM tags where there is one."""

import warnings

import numpy as np
from astropy.io import fits
from PIL import Image, UnidentifiedImageError

from astrofound.utils import InputError, ReadError

from .geometry import finite_position
from .pixels import ArrayPixels, RawImage
from .wcs_input import as_celestial_wcs

__all__ = ['read_picture']

_BANDS = ('R', 'G', 'B')
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


def read_picture(path, *, plane=None, wcs='header'):
    """
    Open a picture file.

    Parameters
    ----------
    path : `~pathlib.Path`
        PNG, JPEG or TIFF.
    plane : {'R', 'G', 'B', 0, 1, 2, None}, optional
        Band of a colour picture; by default its luminance.
    wcs : 'header', `~astropy.wcs.WCS` or None
        `None` or another WCS leaves the AVM tags alone.

    Returns
    -------
    raw : RawImage
        Pixels with the first row at the bottom, as in FITS. Transparent pixels are NaN.

    Raises
    ------
    ReadError
        If the picture is damaged.
    InputError
        If there is no such band.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path, formats=('PNG', 'JPEG', 'TIFF')) as picture:
                array = _to_array(picture)
    except UnidentifiedImageError:
        raise ReadError(f'{path} is neither FITS nor PNG, JPEG or TIFF') from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ReadError(f'{path} is damaged or truncated: {error}; fetch it again') from error
    except Image.DecompressionBombError:
        raise ReadError(f'{path} is too large a picture; convert it to FITS, of which astrofound '
                        'reads only the part it needs') from None
    data = _choose_band(array, plane, path.name)[::-1]  # pictures run from the top
    raw = RawImage(ArrayPixels(data), fits.Header(), path=path)
    if isinstance(wcs, str) and wcs == 'header':
        raw.wcs, raw.notes = _avm_wcs(path, data.shape)
    else:
        raw.wcs = as_celestial_wcs(wcs, data.shape, raw.notes)
    return raw


def _to_array(picture):
    """Give ``(ny, nx)`` or ``(ny, nx, 3 or 4)`` numbers."""
    mode = picture.mode
    if mode in ('P', 'PA', 'CMYK', 'YCbCr', 'LAB', 'HSV'):
        picture = picture.convert('RGBA' if 'transparency' in picture.info else 'RGB')
    array = np.asarray(picture)
    if mode == 'LA':
        alpha = array[..., 1]
        return np.where(alpha > 0, array[..., 0], np.nan).astype(np.float32)
    return array


def _choose_band(array, plane, name):
    if isinstance(plane, tuple) and len(plane) == 1:
        plane = plane[0]
    if array.ndim == 2:
        if plane not in (None, 0, '0'):
            raise InputError(f"{name} is a grey picture, 'plane' must be left out, got {plane!r}")
        return array
    key = plane.strip().upper() if isinstance(plane, str) else plane
    if key is None:
        band = array[..., :3] @ np.array(_LUMINANCE, np.float32)
    elif key in _BANDS or str(key) in ('0', '1', '2'):
        band = array[..., _BANDS.index(key) if key in _BANDS else int(key)]
    else:
        raise InputError(f"'plane' of the colour picture {name} must be one of 'R', 'G', 'B', "
                         f'got {plane!r}')
    if array.shape[2] == 4:
        band = np.where(array[..., 3] > 0, band, np.nan)
    return band.astype(np.float32)


def _avm_wcs(path, shape):
    """Build a WCS of AVM tags; a picture without or with unusable ones stays in pixels."""
    from pyavm import AVM
    from pyavm.exceptions import NoXMPPacketFound

    with warnings.catch_warnings(record=True):
        warnings.simplefilter('always')
        try:
            avm = AVM.from_image(str(path))
        except NoXMPPacketFound:
            return None, []
        except Exception as error:  # pyavm raises bare exceptions of many kinds
            return None, [f'AVM tags cannot be read ({_short(error)}), positions stay in pixels']
        try:
            wcs = avm.to_wcs(target_shape=shape[::-1])
            wcs = wcs.celestial
            wcs.array_shape = shape
            finite_position(wcs, shape)
        except Exception as error:  # as above
            if avm.Spatial.ReferenceValue is None:
                return None, []  # tags about the picture, none about the sky
            return None, [f'AVM position cannot be used ({_short(error)}), positions stay in '
                          'pixels']
    return wcs, []


def _short(error):
    return ' '.join(str(error).split())[:120] or type(error).__name__
