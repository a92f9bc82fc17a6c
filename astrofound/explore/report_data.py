"""What the script of a report needs to know, as JSON can hold it."""

import astropy.units as u
import numpy as np

from astrofound.catalog import COLUMNS, decode_flags

from .figures import FIGURE_COLORS, OTHER_COLOR, display_unit
from .outlines import (
    box_edges,
    class_names,
    column_numbers,
    ellipse_axes,
    order_classes,
    source_positions,
)
from .pictures import read_cutouts

__all__ = ['choose_rows', 'report_data']

# Columns of the table, in this order, as far as the catalogue has them.
_SHOWN = ('id', 'name', 'ra', 'dec', 'x_centroid', 'y_centroid', 'class_name', 'snr', 'score',
          'peak_flux', 'flux', 'flux_err', 'major', 'minor', 'pa_sky', 'fwhm_major', 'fwhm_minor',
          'theta', 'n_components', 'parent_id', 'flags')
# Shown in pixels only where there is no sky to show them on.
_INSTEAD = {'x_centroid': 'ra', 'y_centroid': 'dec', 'fwhm_major': 'major',
            'fwhm_minor': 'minor', 'theta': 'pa_sky'}
_SCALED = {'peak_flux': 'peak_flux', 'flux': 'flux', 'flux_err': 'flux'}
_MOST_EXTRA = 12
# What a column holds where it says nothing, if that is not an empty value.
_NOTHING = {'parent_id': (0,), 'n_components': (0, 1)}


def choose_rows(catalog, n):
    """
    Choose the most significant sources, in the order of the catalogue.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Sources.
    n : int
        Largest number.

    Returns
    -------
    rows : `~numpy.ndarray` of int
        Row numbers; the first ones where there is no ``snr``.
    """
    if len(catalog) <= n:
        return np.arange(len(catalog))
    snr = column_numbers(catalog, 'snr')
    return np.sort(np.argsort(-np.nan_to_num(snr, nan=-np.inf), kind='stable')[:n])


def report_data(catalog, image, thumbnail, *, max_cutouts):
    """
    Gather all that the page shows of the sources.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Sources, all of them shown.
    image : `~astrofound.image.SurveyImage`
        Where they were found.
    thumbnail : `~astrofound.explore.figures.Thumbnail`
        The image as shown.
    max_cutouts : int
        Largest number of cutouts.

    Returns
    -------
    data : dict
        Numbers, texts and lists; `None` stands for NaN.
    """
    x, y = source_positions(image, catalog) if len(catalog) else (np.empty(0), np.empty(0))
    names = class_names(catalog)
    return {
        'shape': list(image.shape),
        'extent': list(thumbnail.extent),
        'sky': _sky_frame(image),
        'classes': [[name, FIGURE_COLORS.get(name, OTHER_COLOR)] for name in
                    order_classes(names)],
        'class': names.tolist(),
        'outlines': _outlines(image, catalog, x, y, names),
        'columns': _columns(catalog),
        'cutouts': _cutouts(image, catalog, x, y, thumbnail, max_cutouts),
    }


def _rounded(values, digits=2):
    """Plain numbers, `None` for NaN, of no more digits than are seen."""
    return [round(value, digits) if np.isfinite(value) else None
            for value in np.asarray(values, float).tolist()]


def _outlines(image, catalog, x, y, names):
    """Place, half axes and angle of the ellipses; angle `None` marks boxes."""
    major, minor, theta = ellipse_axes(image, catalog)
    half_x, half_y = 0.5 * major, 0.5 * minor
    boxed = (names == 'multi') & ('bbox_xmin' in catalog.colnames)
    if boxed.any():
        left, right, bottom, top = (edge for edge in box_edges(catalog))
        x, y = np.where(boxed, 0.5 * (left + right), x), np.where(boxed, 0.5 * (bottom + top), y)
        half_x = np.where(boxed, 0.5 * (right - left), half_x)
        half_y = np.where(boxed, 0.5 * (top - bottom), half_y)
    return {'x': _rounded(x), 'y': _rounded(y), 'a': _rounded(half_x), 'b': _rounded(half_y),
            'theta': _rounded(np.where(boxed, np.nan, theta), 1)}


def _columns(catalog):
    """Columns of the table: name, unit, meaning, how a number is printed, values."""
    chosen = [name for name in _SHOWN if name in catalog.colnames and not (
        name in _INSTEAD and np.isfinite(column_numbers(catalog, _INSTEAD[name])).any())]
    extra = [name for name in catalog.colnames if name not in COLUMNS and np.ndim(
        catalog[name]) == 1 and catalog[name].dtype.kind in 'biufU']
    columns = [_column(catalog, name) for name in [*chosen, *extra[:_MOST_EXTRA]]]
    # an empty column tells nothing; of an empty catalogue all are
    return [column for column in columns if not len(catalog) or any(
        value not in _NOTHING.get(column['name'], (None, '')) for value in column['values'])]


def _column(catalog, name):
    column, spec = catalog[name], COLUMNS.get(name)
    about = {'name': name, 'unit': '', 'form': None, 'title': _text(
        column.info.description or (spec.description if spec else ''))}
    if name == 'flags':
        texts = [', '.join(decode_flags(value)) for value in np.ma.filled(column, 0).tolist()]
        return about | {'values': texts}
    if column.dtype.kind == 'U':
        return about | {'values': [_text(value) for value in column.tolist()]}
    values = column_numbers(catalog, name)
    unit = getattr(column, 'unit', None)
    about['unit'] = unit.to_string() if unit is not None else ''
    if name in _SCALED:
        typical = np.abs(column_numbers(catalog, _SCALED[name]))
        factor, about['unit'] = display_unit(unit, np.nanmedian(typical) if np.isfinite(
            typical).any() else 0.0)
        values = values * factor
    form = spec.form if spec else '.4g'
    about['form'] = ['f', 0] if column.dtype.kind in 'biu' else [form[-1], int(form[1:-1])]
    return about | {'values': [float(format(value, form.replace('d', '.0f')))
                               if np.isfinite(value) else None for value in values.tolist()]}


def _text(value):
    return '' if value is None else str(value)


def _cutouts(image, catalog, x, y, thumbnail, max_cutouts):
    """One for each of the most significant sources, and `None` for the others."""
    rows = choose_rows(catalog, max_cutouts) if max_cutouts else np.empty(0, int)
    level, noise = column_numbers(catalog, 'local_background'), column_numbers(catalog, 'local_rms')
    level = np.where(np.isfinite(level), level, thumbnail.level)
    noise = np.where(noise > 0, noise, thumbnail.noise)
    found = read_cutouts(image, np.column_stack([x, y])[rows], _widths(image, catalog)[rows],
                         level[rows], noise[rows])
    cutouts = [None] * len(catalog)
    for row, cutout in zip(rows.tolist(), found, strict=True):
        cutouts[row] = cutout
    return cutouts


def _widths(image, catalog):
    """FWHM of each source in pixels, or the side of its box in proportion where it has parts."""
    widths = np.nan_to_num(column_numbers(catalog, 'fwhm_major'))
    if 'bbox_xmin' in catalog.colnames:
        left, right, bottom, top = box_edges(catalog)
        boxed = class_names(catalog) == 'multi'
        widths = np.where(boxed, 0.3 * np.maximum(right - left, top - bottom), widths)
    return widths


def _sky_frame(image):
    """Directions of north and east in pixels and the pixel's side in arcsec, at the centre."""
    if image.wcs is None:
        return None
    ny, nx = image.shape
    here = image.wcs.pixel_to_world(0.5 * (nx - 1), 0.5 * (ny - 1))
    arrows = []
    for angle in (0, 90):
        there = here.directional_offset_by(angle * u.deg, image.pixel_scale * u.pix)
        step = np.array(image.wcs.world_to_pixel(there)) - 0.5 * np.array([nx - 1, ny - 1])
        arrows.append((step / np.hypot(*step)).tolist())
    if not np.isfinite(arrows).all():
        return None
    return {'north': arrows[0], 'east': arrows[1],
            'arcsec': float(image.pixel_scale.to_value('arcsec/pix'))}
