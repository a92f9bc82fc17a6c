"""Read FITS images lazily: headers now, pixels when a window is asked for."""

import bz2
import gzip
import lzma
import re
import warnings
import zlib
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits

from astrofound.utils import InputError, ReadError, nearest_name

from .header import clean_header, header_beam, header_wcs
from .pixels import CompressedPixels, FilePixels, RawImage, array_pixels
from .planes import image_index, parse_plane
from .units import parse_unit
from .wcs_input import as_celestial_wcs

__all__ = ['choose_hdu', 'parse_header', 'raw_from_hdus', 'read_fits']

_PACKERS = {b'\x1f\x8b': gzip.open, b'BZ': bz2.open, b'\xfd7': lzma.open}
_DTYPES = {8: 'u1', 16: '>i2', 32: '>i4', 64: '>i8', -32: '>f4', -64: '>f8'}
# extensions that accompany an image in the products of HST, JWST, Rubin and others
_COMPANIONS = re.compile(r'ERR|DQ|VAR|WHT|WT|WEIGHT|CON|CTX|MASK|FLAG|RMS|NOISE|BKG|BACK|PSF|'
                         r'SIGMA|EXP|AREA|WMAP|SKY|MODEL|RESID', re.IGNORECASE)


def read_fits(path, *, hdu=None, plane=None, wcs='header', unit=None):
    """
    Open an image of a FITS file.

    Parameters
    ----------
    path : `~pathlib.Path`
        Plain, tile-compressed, or packed with gzip, bzip2 or xz.
    hdu : int, str, (str, int) or None
        Index or EXTNAME; by default the first image with at least two axes.
    plane : int, sequence of int or None
        Plane of a cube.
    wcs : 'header', `~astropy.wcs.WCS` or None
        `None` or another WCS leaves the header's alone.
    unit : `~astropy.units.UnitBase`, optional
        Unit of a pixel where the caller knows better than BUNIT.

    Returns
    -------
    raw : RawImage
        Lazy pixels and everything the header says.

    Raises
    ------
    ReadError
        If the file is damaged or holds no FITS.
    InputError
        If it holds no such image.
    """
    packed = _unpack(path)
    with _open_quietly(path if packed is None else BytesIO(packed), path) as (hdus, caught):
        raw = raw_from_hdus(hdus, hdu=hdu, plane=plane, wcs=wcs, unit=unit, name=path.name,
                            path=path, packed=packed)
        raw.notes += _open_notes(caught)
    raw.path = path
    return raw


def _unpack(path):
    with path.open('rb') as stream:
        magic = stream.read(2)
    if magic not in _PACKERS:
        return None
    try:
        with _PACKERS[magic](path) as stream:
            return stream.read()
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise ReadError(f'{path} is damaged or truncated: {error}; fetch it again') from error


@contextmanager
def _open_quietly(source, path):
    """Open FITS with every warning recorded rather than shown."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            # scaled integers become floats, so that BLANK works for unsigned ones too
            hdus = fits.open(source, uint=False)
        except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
            raise ReadError(f'{path} is not a readable FITS file: {_first_line(error)}') from error
        with hdus:
            try:
                yield hdus, caught
            except (InputError, ReadError):
                raise
            except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError,
                    fits.VerifyError) as error:
                msg = f'{path} is damaged or truncated: {_first_line(error)}'
                raise ReadError(msg) from error


def _first_line(error):
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.partition(' If this is really')[0]  # the rest speaks of an option of astropy


def _open_notes(caught):
    notes = []
    for warning in caught:
        text = ' '.join(str(warning.message).split())
        if 'unrecognized non-standard' in text or 'Unprintable' in text or 'ASCII' in text:
            continue  # counted by clean_header
        if issubclass(warning.category, (ResourceWarning, DeprecationWarning)):
            continue
        if text.startswith(('Verification reported', 'Note:', 'HDU ', 'Card ')):
            continue
        if text not in notes:
            notes.append(text[:200])
    return notes


def raw_from_hdus(hdus, *, hdu=None, plane=None, wcs='header', unit=None, name='image',
                  path=None, packed=None):
    """
    Make a lazy image of one HDU of an open list.

    Parameters
    ----------
    hdus : `~astropy.io.fits.HDUList`
        Open file or a list in memory.
    hdu, plane, wcs, unit : optional
        As in `read_fits`.
    name : str, optional
        For messages.
    path : `~pathlib.Path`, optional
        The file; without it the pixels are taken from ``hdu.data``.
    packed : bytes, optional
        Unpacked content of the file.

    Returns
    -------
    raw : RawImage
        Pixels, header and notes.
    """
    number = choose_hdu(hdus, hdu, name)
    notes = _mention_others(hdus, number) if hdu is None else []
    chosen = hdus[number]
    header, header_notes = clean_header(chosen.header)
    shape = tuple(chosen.shape)
    index, plane_notes = image_index(shape, parse_plane(plane), header=header, name=name)
    pixels = _pixels(chosen, number, shape, index, path, packed)
    raw = parse_header(header, pixels, wcs=wcs, unit=unit, hdus=hdus, index=index, name=name)
    raw.notes = header_notes + notes + plane_notes + raw.notes
    raw.hdu_index = number
    return raw


def parse_header(header, pixels, *, wcs='header', unit=None, hdus=None, index=None,
                 name='image'):
    """
    Read WCS, unit and beam from a clean header.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        From `~astrofound.image.header.clean_header`.
    pixels : pixels
        Pixels of the image.
    wcs : 'header', `~astropy.wcs.WCS` or None
        `None` or another WCS leaves the header's alone.
    unit : `~astropy.units.UnitBase`, optional
        Unit of a pixel where the caller knows better than BUNIT.
    hdus : `~astropy.io.fits.HDUList`, optional
        The open file, for distortions and beam tables.
    index : tuple, optional
        From `~astrofound.image.planes.image_index`.
    name : str, optional
        For messages.

    Returns
    -------
    raw : RawImage
        Pixels with what the header says of them.
    """
    notes = []
    hdus = hdus if isinstance(hdus, fits.HDUList) else None
    if isinstance(wcs, str) and wcs == 'header':
        wcs, notes = header_wcs(header, pixels.shape, hdus=hdus, name=name)
    else:
        wcs = as_celestial_wcs(wcs, pixels.shape, notes)
    if unit is None:
        unit, note = parse_unit(header.get('BUNIT'))
        notes += [note] if note else []
    beam, origin, beam_notes = header_beam(header, wcs, pixels.shape)
    if beam is None:
        beam = _table_beam(hdus, header, index)
        origin = 'header' if beam is not None else None
    notes += beam_notes
    if beam is not None and unit is None and not str(header.get('BUNIT', '')).strip():
        unit = u.Jy / u.beam
        notes.append('BUNIT is missing; Jy/beam assumed because the header states a beam')
    plane = tuple(part for part in index or () if not isinstance(part, slice))
    return RawImage(pixels, header, wcs, unit, beam, origin, plane=plane, notes=notes)


def choose_hdu(hdus, hdu=None, name='image'):
    """
    Find the HDU a caller means.

    Parameters
    ----------
    hdus : `~astropy.io.fits.HDUList`
        The file.
    hdu : int, str, (str, int) or None
        Index or EXTNAME; by default the first image with at least two axes.
    name : str, optional
        For messages.

    Returns
    -------
    number : int
        Index of an image HDU.

    Raises
    ------
    InputError
        If there is no such HDU or it holds no image.
    """
    if hdu is None:
        for number, item in enumerate(hdus):
            if item.is_image and len(item.shape) >= 2:
                return number
        raise InputError(f'{name} holds no image of two axes or more: {_list_hdus(hdus)}')
    if isinstance(hdu, str) and hdu.strip().lstrip('-').isdigit():
        hdu = int(hdu)
    try:
        number = hdus.index_of(hdu) if not isinstance(hdu, int) else hdu
        if not -len(hdus) <= number < len(hdus):
            raise KeyError(hdu)
    except (KeyError, TypeError, ValueError):
        near = nearest_name(hdu, [item.name for item in hdus if item.name])
        hint = f', did you mean {near!r}?' if near and isinstance(hdu, str) else ';'
        raise InputError(f'{name} has no HDU {hdu!r}{hint} it has {_list_hdus(hdus)}') from None
    number %= len(hdus)
    if not hdus[number].is_image or len(hdus[number].shape) == 0:
        raise InputError(f'HDU {hdu!r} of {name} is no image; the file has {_list_hdus(hdus)}')
    return number


def _list_hdus(hdus):
    lines = []
    for number, item in enumerate(hdus):
        kind = f'image {item.shape}' if item.is_image and item.shape else 'no pixels'
        kind = kind if item.is_image else 'table'
        lines.append(f'{number} {item.name} ({kind})'.replace('  ', ' '))
    more = f' and {len(lines) - 8} more' if len(lines) > 8 else ''
    return ', '.join(lines[:8]) + more


def _mention_others(hdus, number):
    """Say it when a mosaic camera's other chips are left out, not for weights and masks."""
    others = [item.name or str(i) for i, item in enumerate(hdus)
              if i != number and item.is_image and len(item.shape) >= 2
              and tuple(item.shape) == tuple(hdus[number].shape)
              and not _COMPANIONS.search(item.name)]
    if not others:
        return []
    listed = ', '.join(others[:4]) + (', ...' if len(others) > 4 else '')
    return [f'HDU {number} read of {len(others) + 1} like images (others: {listed}); '
            'choose with hdu=']


def _pixels(hdu, number, shape, index, path, packed):
    compressed = isinstance(hdu, fits.CompImageHDU)
    if path is None or (compressed and packed is not None):
        return array_pixels(hdu.data, index)
    _check_size(hdu, path, packed)
    if compressed:
        return CompressedPixels(path, number, shape, index)
    header = hdu.header
    scaling = (_float(header, 'BSCALE', 1.0), _float(header, 'BZERO', 0.0), header.get('BLANK'))
    dtype = np.dtype(_DTYPES[int(header['BITPIX'])])
    return FilePixels(path if packed is None else packed, hdu.fileinfo()['datLoc'], shape, dtype,
                      index, scaling)


def _float(header, key, default):
    try:
        return float(header.get(key, default))
    except (TypeError, ValueError):
        return default


def _check_size(hdu, path, packed):
    info = hdu.fileinfo()
    there = (Path(path).stat().st_size if packed is None else len(packed)) - info['datLoc']
    wanted = hdu._bintable.size if isinstance(hdu, fits.CompImageHDU) else hdu.size
    if there < wanted:
        raise ReadError(f'{path} is truncated: HDU {hdu.name or 0} needs {wanted} bytes of data '
                        f'and {max(there, 0)} are there; fetch it again')


def _table_beam(hdus, header, index):
    """Look the beam of a plane up in the BEAMS table that CASA writes for cubes."""
    if hdus is None or index is None or 'BEAMS' not in hdus:
        return None
    table = hdus['BEAMS'].data
    axes = {str(header.get(f'CTYPE{len(index) - axis}', '')).strip()[:4]: part
            for axis, part in enumerate(index) if not isinstance(part, slice)}
    rows = np.ones(len(table), bool)
    for column, names in (('CHAN', ('FREQ', 'VRAD', 'VOPT', 'VELO', 'WAVE')), ('POL', ('STOK',))):
        wanted = [axes[name] for name in names if name in axes]
        if column in table.names and wanted:
            rows &= np.asarray(table[column]) == wanted[0]
    widths = np.array([[table[name][row] for name in ('BMAJ', 'BMIN', 'BPA')]
                       for row in np.flatnonzero(rows)], float)
    widths = widths[(widths[:, :2] > 0).all(axis=1)] if len(widths) else widths
    if not len(widths):
        return None
    from radio_beam import Beam

    units = [u.Unit(hdus['BEAMS'].columns[name].unit or default)
             for name, default in (('BMAJ', 'arcsec'), ('BMIN', 'arcsec'), ('BPA', 'deg'))]
    major, minor, pa = (value * unit for value, unit in zip(widths[0], units, strict=True))
    return Beam(major=major, minor=minor, pa=pa)
