"""Know the columns of other programs' catalogues by their names and units."""

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle, SkyCoord
from astropy.table import MaskedColumn

from ..utils import InputError
from .columns import COLUMNS

__all__ = ['STYLES', 'find_positions', 'guess_columns', 'plain_values', 'standardize']

_SIGMA = np.sqrt(8 * np.log(2))

#: Catalogue styles: our column to ``(their column, their unit, scale, offset)``, where
#: ours = theirs * scale + offset; several candidates are tried in order. A style applies
#: where all columns of its first entry are there.
STYLES = {
    'pybdsf': (('Total_flux', 'E_Total_flux', 'Maj'), {
        'id': [('Gaus_id',), ('Source_id',)], 'ra': [('RA', u.deg)], 'dec': [('DEC', u.deg)],
        'ra_err': [('E_RA', u.deg)], 'dec_err': [('E_DEC', u.deg)],
        'x_centroid': [('Xposn',)], 'y_centroid': [('Yposn',)],
        'x_err': [('E_Xposn',)], 'y_err': [('E_Yposn',)],
        'peak_flux': [('Peak_flux', u.Jy / u.beam)],
        'peak_flux_err': [('E_Peak_flux', u.Jy / u.beam)],
        'flux': [('Total_flux', u.Jy)], 'flux_err': [('E_Total_flux', u.Jy)],
        'local_rms': [('Isl_rms', u.Jy / u.beam)],
        'local_background': [('Isl_mean', u.Jy / u.beam)],
        'major': [('Maj', u.deg)], 'major_err': [('E_Maj', u.deg)],
        'minor': [('Min', u.deg)], 'minor_err': [('E_Min', u.deg)],
        'pa_sky': [('PA', u.deg)], 'pa_sky_err': [('E_PA', u.deg)],
        'deconvolved_major': [('DC_Maj', u.deg)], 'deconvolved_minor': [('DC_Min', u.deg)],
        'deconvolved_pa': [('DC_PA', u.deg)],
    }),
    'aegean': (('int_flux', 'peak_flux', 'local_rms'), {
        'id': [], 'ra': [('ra', u.deg)], 'dec': [('dec', u.deg)],
        'ra_err': [('err_ra', u.deg)], 'dec_err': [('err_dec', u.deg)],
        'peak_flux': [('peak_flux', u.Jy / u.beam)],
        'peak_flux_err': [('err_peak_flux', u.Jy / u.beam)],
        'flux': [('int_flux', u.Jy)], 'flux_err': [('err_int_flux', u.Jy)],
        'local_rms': [('local_rms', u.Jy / u.beam)],
        'local_background': [('background', u.Jy / u.beam)],
        'major': [('a', u.arcsec)], 'major_err': [('err_a', u.arcsec)],
        'minor': [('b', u.arcsec)], 'minor_err': [('err_b', u.arcsec)],
        'pa_sky': [('pa', u.deg)], 'pa_sky_err': [('err_pa', u.deg)],
    }),
    'sextractor': (('NUMBER',), {
        'id': [('NUMBER',)],
        'ra': [('ALPHAWIN_J2000', u.deg), ('ALPHA_J2000', u.deg), ('ALPHA_SKY', u.deg)],
        'dec': [('DELTAWIN_J2000', u.deg), ('DELTA_J2000', u.deg), ('DELTA_SKY', u.deg)],
        # SExtractor counts pixels from 1, as FITS does.
        'x_centroid': [('XWIN_IMAGE', None, 1, -1), ('X_IMAGE', None, 1, -1)],
        'y_centroid': [('YWIN_IMAGE', None, 1, -1), ('Y_IMAGE', None, 1, -1)],
        'peak_flux': [('FLUX_MAX', None)], 'local_background': [('BACKGROUND', None)],
        'flux': [('FLUX_AUTO', None), ('FLUX_BEST', None), ('FLUX_ISO', None),
                 ('FLUX_APER', None)],
        'flux_err': [('FLUXERR_AUTO', None), ('FLUXERR_BEST', None), ('FLUXERR_ISO', None),
                     ('FLUXERR_APER', None)],
        # Its A and B are the rms of the profile, not full widths.
        'fwhm_major': [('AWIN_IMAGE', None, _SIGMA, 0), ('A_IMAGE', None, _SIGMA, 0)],
        'fwhm_minor': [('BWIN_IMAGE', None, _SIGMA, 0), ('B_IMAGE', None, _SIGMA, 0)],
        'theta': [('THETAWIN_IMAGE', u.deg), ('THETA_IMAGE', u.deg)],
        'bbox_xmin': [('XMIN_IMAGE', None, 1, -1)], 'bbox_xmax': [('XMAX_IMAGE', None, 1, -1)],
        'bbox_ymin': [('YMIN_IMAGE', None, 1, -1)], 'bbox_ymax': [('YMAX_IMAGE', None, 1, -1)],
    }),
    'photutils': (('segment_flux',), {
        'id': [('label',), ('id',)], 'x_centroid': [('x_centroid',), ('xcentroid',)],
        'y_centroid': [('y_centroid',), ('ycentroid',)],
        'peak_flux': [('max_value', None)],
        'flux': [('kron_flux', None), ('segment_flux', None)],
        'flux_err': [('kron_flux_err', None), ('kron_fluxerr', None),
                     ('segment_flux_err', None), ('segment_fluxerr', None)],
        'local_background': [('local_background', None)],
        'fwhm_major': [('semimajor_axis', None, _SIGMA, 0), ('semimajor_sigma', None, _SIGMA, 0)],
        'fwhm_minor': [('semiminor_axis', None, _SIGMA, 0), ('semiminor_sigma', None, _SIGMA, 0)],
        'theta': [('orientation', u.deg)],
        'ra': [('sky_centroid.ra', u.deg)], 'dec': [('sky_centroid.dec', u.deg)],
    }),
    'star finder': (('xcentroid', 'sharpness'), {
        'x_centroid': [('xcentroid',)], 'y_centroid': [('ycentroid',)],
        'peak_flux': [('peak', None)],
    }),
}

# Names that mean a position in any catalogue; compared without case.
_ANY_RA = ('ra', 'raj2000', '_raj2000', 'ra_icrs', 'ra_deg', 'radeg', 'ra_j2000', 'alpha_j2000',
           'alphawin_j2000', 'right_ascension', 'sky_centroid.ra')
_ANY_DEC = ('dec', 'dej2000', '_dej2000', 'decj2000', 'de_icrs', 'dec_deg', 'dedeg', 'decdeg',
            'dec_j2000', 'delta_j2000', 'deltawin_j2000', 'declination', 'sky_centroid.dec')
_ANY_X = ('x_centroid', 'xcentroid', 'x_fit', 'x')
_ANY_Y = ('y_centroid', 'ycentroid', 'y_fit', 'y')


def guess_columns(table):
    """
    Say which columns of a table mean what.

    Parameters
    ----------
    table : `~astropy.table.Table`
        A catalogue of any program.

    Returns
    -------
    style : str
        ``'astrofound'``, one of ``STYLES``, or ``'unknown'``.
    column_map : dict
        Our column name to theirs.
    """
    names = set(table.colnames)
    if {'x_centroid', 'peak_flux', 'flux', 'snr', 'class_name', 'flags'} <= names:
        return 'astrofound', {name: name for name in COLUMNS if name in names}
    for style, (signs, entries) in STYLES.items():
        if names.issuperset(signs):
            found = {ours: next((theirs[0] for theirs in candidates if theirs[0] in names), None)
                     for ours, candidates in entries.items()}
            return style, {ours: theirs for ours, theirs in found.items() if theirs}
    lower = {name.lower(): name for name in reversed(table.colnames)}
    found = {name: name for name in COLUMNS if name in names}
    for ours, candidates in (('ra', _ANY_RA), ('dec', _ANY_DEC), ('x_centroid', _ANY_X),
                             ('y_centroid', _ANY_Y)):
        theirs = next((lower[name] for name in candidates if name in lower), None)
        theirs = theirs or _by_ucd(table, COLUMNS[ours].ucd)
        if theirs:
            found[ours] = theirs
    if ('ra' in found) != ('dec' in found):
        found = {ours: theirs for ours, theirs in found.items() if ours not in ('ra', 'dec')}
    return 'unknown', found


def _by_ucd(table, ucd):
    for name in table.colnames:
        if table[name].info.meta and table[name].info.meta.get('ucd', '').lower() == ucd:
            return name
    return None


def plain_values(column, unit=None):
    """
    Return a column as plain floats in a unit.

    Parameters
    ----------
    column : column of a table
        Numbers, with or without a unit, masked or not.
    unit : `~astropy.units.UnitBase`, optional
        Unit to convert to; a column without a unit is taken to have it.

    Returns
    -------
    values : `~numpy.ndarray` of float64
        Masked values are NaN.
    """
    own = getattr(column, 'unit', None)
    values = getattr(column, 'value', column)
    if isinstance(values, np.ma.MaskedArray) or isinstance(column, MaskedColumn):
        values = np.ma.filled(np.ma.asarray(values).astype(float), np.nan)
    elif hasattr(column, 'unmasked'):
        values = np.where(column.mask, np.nan, column.unmasked.value)
    values = np.array(values, dtype=float)
    if unit is not None and own is not None and not isinstance(own, u.UnrecognizedUnit):
        own = u.Unit(own)
        if own != unit and own.is_equivalent(unit):
            values = values * own.to(unit)
    return values


def standardize(table, *, column_map=None):
    """
    Rename and convert the known columns of a catalogue to this package's names and units.

    Parameters
    ----------
    table : `~astropy.table.Table`
        A catalogue of any program; it is not changed.
    column_map : dict, optional
        Our column name to theirs, for what is not guessed or guessed wrongly.

    Returns
    -------
    table : `~astropy.table.Table`
        Same class and rows. Columns that mean something else under one of our names are
        renamed to ``<style>_<name>``; all others stay. ``meta['COLMAP']`` shows what came
        from where.

    Raises
    ------
    InputError
        If ``column_map`` names a column that is not there.
    """
    style, guessed = guess_columns(table)
    chosen = {**guessed, **(column_map or {})}
    for ours, theirs in chosen.items():
        if ours not in COLUMNS:
            raise InputError(f'unknown column {ours!r} in column_map; choose from: '
                             f"{', '.join(COLUMNS)}")
        if theirs not in table.colnames:
            raise InputError(f"column_map says {ours!r} is {theirs!r}, but the table has "
                             f"{', '.join(table.colnames)}")
    out = table.copy(copy_data=False)
    if style == 'astrofound' and not column_map:
        return _own_columns(out)
    entries = STYLES.get(style, ((), {}))[1]
    converted = {ours: _convert(table[theirs], ours, _rule(entries, ours, theirs))
                 for ours, theirs in chosen.items()}
    for theirs in set(chosen.values()):
        out.remove_column(theirs)
    prefix = style.replace(' ', '_').replace('unknown', 'other')
    for name in list(out.colnames):
        if name in COLUMNS and (style != 'unknown' or name in converted):
            out.rename_column(name, f'{prefix}_{name}')
    for position, name in enumerate(name for name in COLUMNS if name in converted):
        out.add_column(converted[name], name=name, index=position)
    out.meta['COLMAP'] = ', '.join(f'{ours}={theirs}' for ours, theirs in chosen.items())
    out.meta['STYLE'] = style
    return out


def _rule(entries, ours, theirs):
    """How their column becomes ours: unit, scale, offset."""
    for candidate in entries.get(ours, ()):
        if candidate[0] == theirs:
            return (*candidate[1:], *(None, 1, 0)[len(candidate) - 1:])
    return None, 1, 0


def _convert(column, ours, rule):
    unit, scale, offset = rule
    spec = COLUMNS[ours]
    if spec.kind == 'U' or (spec.kind == 'i' and scale == 1 and offset == 0):
        return column
    if getattr(column, 'dtype', np.dtype(float)).kind in 'SU':
        return _sexagesimal(column, ours)
    own = getattr(column, 'unit', None) or unit
    target = None
    if spec.unit not in ('', 'pix', 'peak', 'flux'):
        target = u.Unit(spec.unit)
    elif spec.unit in ('peak', 'flux') and own is not None:
        target = u.Unit(own)
    values = plain_values(column, None if spec.unit == 'pix' else own)
    if target is not None and own is not None and u.Unit(own) != target:
        values = values * u.Unit(own).to(target)
    values = values * scale + offset
    if spec.kind == 'i':
        return np.nan_to_num(np.round(values)).astype(np.int64)
    return values if target is None else u.Quantity(values, target)


def _sexagesimal(column, ours):
    """Positions written as text, hours in right ascension."""
    unit = u.hourangle if ours == 'ra' else u.deg
    text = [str(value) for value in column]
    try:
        return u.Quantity(Angle(text, unit=unit).to(u.deg))
    except ValueError as error:
        raise InputError(f'column {ours!r} is text that is no angle: {error}') from None


def _own_columns(table):
    """Pixels are plain numbers in memory and have a unit in files only."""
    for name, spec in COLUMNS.items():
        if name in table.colnames and spec.unit in ('pix', ''):
            column = table[name]
            if getattr(column, 'unit', None) is not None:
                values = getattr(column, 'value', column)
                description = column.info.description
                table[name] = values
                table[name].info.description = description
        elif name in table.colnames and getattr(table[name], 'unit', None) is None:
            # CSV has no units, and no format keeps that of a number without one.
            unit = '' if spec.unit in ('peak', 'flux') else spec.unit
            table[name].unit = u.Unit(unit)
    return table


def find_positions(table, *, prefer_sky=True):
    """
    Find the positions in a catalogue of any program.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The catalogue.
    prefer_sky : bool, optional
        Which to take where there are both; the other is taken where there is only that.

    Returns
    -------
    positions : `~astropy.coordinates.SkyCoord` or (n, 2) `~numpy.ndarray`
        On the sky, or pixels ``(x, y)`` counted from 0.

    Raises
    ------
    InputError
        If no position columns are known.
    """
    for name in table.colnames:
        if isinstance(table[name], SkyCoord) and prefer_sky:
            return table[name]
    known = standardize(table)
    has_sky = 'ra' in known.colnames and 'dec' in known.colnames
    has_pixels = 'x_centroid' in known.colnames and 'y_centroid' in known.colnames
    if has_sky and (prefer_sky or not has_pixels):
        ra, dec = (plain_values(known[name], u.deg) for name in ('ra', 'dec'))
        return SkyCoord(ra, np.where(np.abs(dec) <= 90, dec, np.nan), unit='deg')
    if has_pixels:
        return np.stack([plain_values(known[name]) for name in ('x_centroid', 'y_centroid')],
                        axis=1)
    msg = ("no position columns are known; rename them to 'ra' and 'dec' (degrees) or "
           f"'x_centroid' and 'y_centroid'; the table has {', '.join(table.colnames[:12])}")
    raise InputError(msg)
