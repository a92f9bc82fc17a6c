"""Write catalogues and region files, wholly or not at all."""

import base64
import csv
import io
import json
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import Column, Table
from astropy.utils.exceptions import AstropyWarning

from ..utils import InputError, WriteError, atomic_path, check_place, nearest_name
from .columns import COLUMNS, ucd_of
from .region_text import crtf_text, ds9_text

__all__ = ['FORMATS', 'check_writable', 'write_catalog', 'write_table']

#: Extensions that catalogues are written by, and what they hold.
FORMATS = {
    '.reg': 'DS9 regions', '.crtf': 'CASA and CARTA regions', '.fits': 'FITS table',
    '.vot': 'VOTable', '.xml': 'VOTable', '.ecsv': 'ECSV', '.csv': 'CSV',
}
_REGIONS = {'.reg': ds9_text, '.crtf': crtf_text}


def check_writable(path, *, overwrite=True):
    """
    Check, before hours of work, that a catalogue can be written to a path.

    Parameters
    ----------
    path : path-like
        The output.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Returns
    -------
    suffix : str
        The extension in lower case.

    Raises
    ------
    InputError
        If the extension is not known.
    WriteError
        If the folder does not exist or cannot be written to, or the file must not be replaced.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        near = nearest_name(suffix, FORMATS)
        hint = f'did you mean {near!r}? Known' if near else 'known'
        known = ', '.join(f'{ending} ({text})' for ending, text in FORMATS.items())
        raise InputError(f'{path}: unknown extension {suffix!r}; {hint} are {known}')
    folder = path.parent
    if not folder.is_dir():
        raise WriteError(f'cannot write {path}: the folder {folder} does not exist')
    if path.exists() and not overwrite:
        raise WriteError(f'{path} exists; remove it or pass overwrite=True')
    check_place(path)
    return suffix


def write_catalog(catalog, path, *, overwrite=True, label='id'):
    """
    Write a catalogue or its regions in the format that the extension says.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        A catalogue; any table with positions will do.
    path : path-like
        Ends in ``.reg`` (DS9), ``.crtf`` (CASA, CARTA), ``.fits``, ``.vot``, ``.xml``,
        ``.ecsv`` or ``.csv``. Regions are in sky coordinates where the catalogue has them.
    overwrite : bool, optional
        Whether an existing file is replaced.
    label : {'id', 'name'}, optional
        What the label of a region begins with; class and score follow.

    Raises
    ------
    InputError
        If the extension is not known.
    WriteError
        If the file cannot be written; an older one then stays as it was.
    """
    suffix = check_writable(path, overwrite=overwrite)
    if suffix not in _REGIONS:
        write_table(catalog, path, overwrite=overwrite)
        return
    text = _REGIONS[suffix](catalog, label=label)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_table(table, path, *, overwrite=True):
    """
    Write any table in the format that the extension says.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The table. Columns with the names of `COLUMNS` get descriptions, UCDs and pixel units.
    path : path-like
        Ends in ``.fits``, ``.vot``, ``.xml``, ``.ecsv`` or ``.csv``.
    overwrite : bool, optional
        Whether an existing file is replaced.

    Raises
    ------
    InputError
        If the extension is not that of a table.
    WriteError
        If the file cannot be written; an older one then stays as it was.
    """
    suffix = check_writable(path, overwrite=overwrite)
    if suffix in _REGIONS:
        raise InputError(f'{path}: a table that is no catalogue cannot be written as regions')
    writer = {'.fits': _write_fits, '.ecsv': _write_ecsv, '.csv': _write_csv}.get(
        suffix, _write_votable)
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # Units that a format cannot spell are written as text; nothing the user can mend.
        warnings.simplefilter('ignore', AstropyWarning)
        writer(_for_files(table), temporary)


def _for_files(table):
    """Plain columns with units, descriptions and metadata that any format can hold."""
    out = Table(table, copy=False)
    for name in list(out.colnames):
        column = out[name]
        if hasattr(column, 'ra') and hasattr(column, 'dec'):  # a SkyCoord column
            at = out.colnames.index(name)
            sky = column.icrs
            out.remove_column(name)
            out.add_columns([sky.ra.deg * u.deg, sky.dec.deg * u.deg], indexes=[at, at],
                            names=[f'{name}.ra', f'{name}.dec'])
    out = Table({name: np.asarray(getattr(out[name], 'value', out[name])) if not hasattr(
        out[name], 'mask') else out[name] for name in out.colnames}, copy=False)
    for name in out.colnames:
        source = table[name] if name in table.colnames else None
        column, spec = out[name], COLUMNS.get(name)
        column.unit = getattr(source, 'unit', None) if source is not None else u.deg
        if column.unit == u.dimensionless_unscaled:
            column.unit = None
        if source is not None:
            column.description = source.info.description
        if spec is not None:
            column.description = column.description or spec.description
            if spec.unit == 'pix':
                column.unit = u.pix
    out.meta = _plain_meta(table.meta)
    return out


def _plain_meta(meta):
    """Metadata as text, numbers, lists and dicts."""
    def plain(value):
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [plain(item) for item in value]
        if isinstance(value, (np.generic, np.ndarray)) and not hasattr(value, 'unit'):
            return plain(value.tolist())
        if isinstance(value, (bool, int, float, str)) or value is None:
            return value
        return str(value)

    return {str(key): plain(value) for key, value in (meta or {}).items()
            if str(key) not in ('comments', '__attributes__')}


def _write_fits(table, path):
    meta, table.meta = table.meta, {}
    descriptions = {}
    for name in table.colnames:
        # Written as TCOMM, which other programs read, instead of astropy's own comments.
        descriptions[name], table[name].description = table[name].description, None
        if table[name].dtype.kind in 'OU':
            table[name] = np.char.encode(table[name].astype(str), 'ascii', 'replace')
    hdu = fits.table_to_hdu(table)
    hdu.header['EXTNAME'] = 'CATALOG'
    for number, name in enumerate(table.colnames, start=1):
        spec, unit = COLUMNS.get(name), table[name].unit
        if unit is not None and f'TUNIT{number}' not in hdu.header:
            hdu.header[f'TUNIT{number}'] = unit.to_string()  # not in the standard, yet a unit
        if descriptions[name]:
            hdu.header[f'TCOMM{number}'] = _ascii(descriptions[name])
        if spec is not None:
            hdu.header[f'TUCD{number}'] = ucd_of(spec, unit)
    for key, value in meta.items():
        key = key.upper()
        if len(key) <= 8 and key.replace('_', '').replace('-', '').isalnum() and (
                key not in hdu.header and isinstance(value, (bool, int, float, str))):
            finite = not isinstance(value, float) or np.isfinite(value)
            hdu.header[key] = _ascii(value) if isinstance(value, str) else (
                value if finite else str(value))
    hdu.header['AFMETA'] = json.dumps(meta)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _ascii(text):
    """FITS cards hold one line of ASCII."""
    return ' '.join(text.encode('ascii', 'replace').decode().split())


def _write_votable(table, path):
    # astropy writes row by row, which takes minutes for 1e5 rows: it writes the frame only.
    rows = _packed_rows(table)
    votable = VOTableFile.from_table(table[:1] if rows is not None else table)
    found = votable.get_first_table()
    for field in found.fields:
        spec = COLUMNS.get(field.name)
        if spec is not None:
            field.ucd = ucd_of(spec, table[field.name].unit)
    resource = votable.resources[0]
    for key, value in table.meta.items():
        if isinstance(value, (bool, int, float, str)):
            resource.infos.append(Info(name=key, value=str(value)))
    resource.infos.append(Info(name='astrofound_meta', value=json.dumps(table.meta)))
    frame = io.BytesIO()
    votable.to_xml(frame, tabledata_format='binary2' if rows is None else 'tabledata')
    text = frame.getvalue()
    if rows is not None:
        stream = (b'<BINARY><STREAM encoding="base64">' + base64.encodebytes(rows.tobytes())
                  + b'</STREAM></BINARY>')
        head, _, tail = text.partition(b'<DATA>')
        text = head + b'<DATA>' + stream + b'</DATA>' + tail.partition(b'</DATA>')[2]
    Path(path).write_bytes(text)


def _packed_rows(table):
    """Rows as the VOTable BINARY stream wants them, or None where a column is not simple."""
    kinds = {'f8', 'f4', 'i8', 'i4', 'i2', 'u1'}
    dtypes = []
    for name in table.colnames:
        column = table[name]
        if column.ndim > 1 or hasattr(column, 'mask'):
            return None
        if column.dtype.kind == 'U':
            try:
                column = Column(np.char.encode(column, 'ascii'), description=column.description)
            except UnicodeEncodeError:
                return None
            table[name] = column
        if column.dtype.kind != 'S' and column.dtype.str[1:] not in kinds:
            return None
        dtypes.append((name, column.dtype.newbyteorder('>')))
    if not len(table):
        return None
    rows = np.empty(len(table), dtype=dtypes)
    for name in table.colnames:
        rows[name] = table[name]
    return rows


def _write_ecsv(table, path):
    # As above: the header by astropy, the rows by the csv module, ten times faster.
    frame = io.StringIO()
    table[:0].write(frame, format='ascii.ecsv', delimiter=',')
    _write_rows(table, path, frame.getvalue().rstrip('\n') + '\n')


def _write_csv(table, path):
    frame = io.StringIO()
    csv.writer(frame, lineterminator='\n').writerow(table.colnames)
    _write_rows(table, path, frame.getvalue())


def _write_rows(table, path, head):
    columns = [['' if value is None else value for value in table[name].tolist()]
               for name in table.colnames]
    with open(path, 'w', encoding='utf-8', newline='') as stream:
        stream.write(head)
        csv.writer(stream, lineterminator='\n').writerows(zip(*columns, strict=True))
