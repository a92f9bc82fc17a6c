"""Tell image files apart by their content and hand them to their reader."""

from pathlib import Path

from astrofound.utils import InputError, ReadError

from .fits_reader import read_fits
from .picture_reader import read_picture

__all__ = ['read_file']

_FITS_MAGIC = (b'SIMPLE', b'\x1f\x8b', b'BZ', b'\xfd7zXZ')
_PICTURE_MAGIC = (b'\x89PNG', b'\xff\xd8\xff', b'II*\0', b'MM\0*')


def read_file(path, *, hdu=None, plane=None, wcs='header', unit=None):
    """
    Open an image file of any known kind.

    Parameters
    ----------
    path : path-like
        FITS, PNG, JPEG or TIFF.
    hdu : int, str, (str, int) or None
        HDU of a FITS file.
    plane : int, sequence of int, str or None
        Plane of a cube or band of a picture.
    wcs : 'header', `~astropy.wcs.WCS` or None
        `None` or another WCS leaves the file's alone.
    unit : `~astropy.units.UnitBase`, optional
        Unit of a pixel where the caller knows better than the file.

    Returns
    -------
    raw : RawImage
        Lazy pixels and everything the file says of them.

    Raises
    ------
    ReadError
        If the file is missing, empty, damaged or of another kind.
    InputError
        If it holds no such image.
    """
    path = Path(path).expanduser()
    if _file_kind(path) == 'fits':
        return read_fits(path, hdu=hdu, plane=plane, wcs=wcs, unit=unit)
    if hdu is not None:
        raise InputError(f"'hdu' goes with FITS files, {path.name} is a picture")
    raw = read_picture(path, plane=plane, wcs=wcs)
    raw.unit = unit
    return raw


def _file_kind(path):
    """Tell FITS from pictures by content, since names lie."""
    if not path.exists():
        raise ReadError(f'{path} does not exist')
    if path.is_dir():
        raise ReadError(f'{path} is a folder, not an image file')
    try:
        with path.open('rb') as stream:
            magic = stream.read(8)
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from error
    if not magic:
        raise ReadError(f'{path} is empty')
    if magic.startswith(_FITS_MAGIC):
        return 'fits'
    if magic.startswith(_PICTURE_MAGIC):
        return 'picture'
    raise ReadError(f'{path} is neither FITS nor PNG, JPEG or TIFF')
