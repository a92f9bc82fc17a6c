"""Read catalogues of this and other programs."""

import contextlib
import json
import warnings
from pathlib import Path

import astropy.units as u
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import QTable, Table
from astropy.utils.exceptions import AstropyWarning

from ..utils import InputError, ReadError
from .guess import standardize

__all__ = ['read_catalog']

_FORMATS = {'.fits': 'fits', '.fit': 'fits', '.vot': 'votable', '.xml': 'votable',
            '.votable': 'votable', '.ecsv': 'ascii.ecsv', '.csv': 'ascii.csv',
            '.tsv': 'ascii.tab'}


def read_catalog(path, *, column_map=None, format=None, hdu=None):
    """
    Read a catalogue written by this package, or by any other program.

    PyBDSF, Aegean, SExtractor and photutils are known: their positions, fluxes and sizes come
    back under this package's names, in its units and pixels counted from 0.

    Parameters
    ----------
    path : path-like
        FITS, VOTable, ECSV, CSV, SExtractor ``.cat``, or any other text table.
    column_map : dict, optional
        Our column name to the file's, for what is not guessed or guessed wrongly.
    format : str, optional
        Any format of `astropy.table.Table.read`; by default from extension and content.
    hdu : int or str, optional
        Which table of a FITS file; by default the first.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        All columns of the file; ``meta['COLMAP']`` shows which of ours came from which.
        Masked numbers are NaN.

    Raises
    ------
    ReadError
        If the file is missing or no table.
    InputError
        If ``column_map`` does not fit.

    Examples
    --------
    >>> from astrofound.catalog import read_catalog
    >>> catalog = read_catalog('survey.fits', column_map={'flux': 'S_INT'})  # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        raise ReadError(f'{path}: no such file')
    if path.stat().st_size == 0:
        raise ReadError(f'{path} is empty')
    try:
        with warnings.catch_warnings():
            # Foreign units and headers are odd; what matters of them is converted below.
            warnings.simplefilter('ignore', AstropyWarning)
            table, meta = _read(path, format, hdu)
    except (InputError, ReadError):
        raise
    except Exception as error:  # every reader of astropy has exceptions of its own
        reason = str(error).strip().partition('\n')[0] or type(error).__name__
        raise ReadError(f'{path} is not a table that can be read: {reason}') from error
    table = _known_units(_fill_masked(table))
    table.meta = meta
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AstropyWarning)
        return QTable(standardize(table, column_map=column_map), copy=False)


def _read(path, form, hdu):
    """Read table and metadata."""
    with path.open('rb') as stream:
        head = stream.read(2048)
    if form is None:
        form = _guess_format(path, head)
    if form == 'fits':
        return _read_fits(path, hdu)
    if form == 'votable':
        return _read_votable(path)
    table = Table.read(path, format=form) if form else Table.read(path, format='ascii')
    return table, dict(table.meta)


def _guess_format(path, head):
    suffix = path.suffixes[-2] if path.suffix == '.gz' and path.suffixes[:-1] else path.suffix
    if head.startswith(b'SIMPLE  ='):
        return 'fits'
    if b'<VOTABLE' in head[:2000]:
        return 'votable'
    if head.startswith(b'# %ECSV'):
        return 'ascii.ecsv'
    if head.lstrip(b'# ').startswith(b'1 '):
        return 'ascii.sextractor'
    return _FORMATS.get(suffix.lower())


def _read_fits(path, hdu):
    with fits.open(path) as hdus:
        tables = [i for i, item in enumerate(hdus)
                  if isinstance(item, (fits.BinTableHDU, fits.TableHDU))
                  and not isinstance(item, fits.CompImageHDU)
                  and item.name != 'LDAC_IMHEAD']
        if not tables:
            raise ReadError(f'{path} holds no table')
        if hdu is None:
            hdu = tables[0]
        try:
            chosen = hdus[hdu]
        except (KeyError, IndexError):
            names = ', '.join(f'{i} {hdus[i].name}' for i in tables)
            raise InputError(f'{path} has no HDU {hdu!r}; its tables are {names}') from None
        stored = chosen.header.get('AFMETA')
        table = Table.read(chosen)
    for column in table.itercols():
        if column.dtype.kind == 'S':
            column.convert_bytestring_to_unicode()
    if stored is None:
        return table, dict(table.meta)
    return table, json.loads(stored)


def _read_votable(path):
    votable = parse(path, verify='ignore')
    found = votable.get_first_table()
    table = found.to_table(use_names_over_ids=True)
    meta = {}
    for info in (*found.infos, *votable.infos, *(i for r in votable.resources for i in r.infos)):
        if info.name == 'astrofound_meta':
            with contextlib.suppress(ValueError):
                return table, json.loads(info.value)
        if info.name and info.value:
            meta[info.name] = info.value
    return table, meta


def _known_units(table):
    """Parse the units that are not in the standard of the file's format but are known."""
    for column in table.itercols():
        if getattr(column, 'unit', None) is not None:
            with contextlib.suppress(ValueError):
                column.unit = u.Unit(column.unit.to_string(), parse_strict='silent')
    return table


def _fill_masked(table):
    """Turn masked numbers into NaN, masked whole numbers into floats, masked text into ''."""
    out = table.copy(copy_data=False)
    for name in table.colnames:
        column = table[name]
        if not hasattr(column, 'mask') or column.dtype.names:
            continue
        if column.dtype.kind in 'iub' and not column.mask.any():
            out[name] = column.filled()
        elif column.dtype.kind in 'iubf':
            out.replace_column(name, column.astype(float).filled(float('nan')))
        elif column.dtype.kind in 'SUO':
            out.replace_column(name, column.astype(str).filled(''))
    return Table(out, masked=False)
