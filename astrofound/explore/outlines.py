"""Where the sources of a catalogue lie on an image, and how large they are drawn."""

import numpy as np

from astrofound.catalog import CLASS_NAMES
from astrofound.catalog.guess import plain_values
from astrofound.evaluation import SourceList
from astrofound.utils import InputError

__all__ = [
    'box_edges', 'class_names', 'column_numbers', 'ellipse_axes', 'order_classes',
    'source_positions',
]

# An outline stands this many times the FWHM away, so that the source stays visible.
OUTLINE = 2.2


def source_positions(image, catalog):
    """
    Give the places of sources in pixels.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    catalog : `~astropy.table.Table`
        With ``x_centroid`` and ``y_centroid``, or positions on the sky.

    Returns
    -------
    x, y : `~numpy.ndarray`
        Positions in pixels.

    Raises
    ------
    InputError
        If there are only positions on the sky and the image has no WCS.
    """
    if {'x_centroid', 'y_centroid'} <= set(catalog.colnames):
        return tuple(np.asarray(catalog[name], dtype=float)
                     for name in ('x_centroid', 'y_centroid'))
    sources = SourceList.from_table(catalog)
    if image.wcs is None:
        raise InputError(f'{image.name} has no WCS to place sources that have only ra and dec')
    return image.wcs.world_to_pixel(sources.sky)


def class_names(catalog):
    """
    Give the class of each source.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        With ``class_name`` where it has one.

    Returns
    -------
    names : `~numpy.ndarray` of str
        ``'source'`` where the catalogue does not say.
    """
    if 'class_name' in catalog.colnames:
        return np.asarray(catalog['class_name']).astype(str)
    return np.full(len(catalog), 'source')


def order_classes(names):
    """
    Give the classes that occur, our own first.

    Parameters
    ----------
    names : `~numpy.ndarray` of str
        Class of each source.

    Returns
    -------
    ordered : list of str
        Each once.
    """
    found = set(names.tolist())
    return [name for name in CLASS_NAMES if name in found] + sorted(found - set(CLASS_NAMES))


def column_numbers(catalog, name):
    """
    Give a column as plain numbers.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Sources.
    name : str
        The column.

    Returns
    -------
    values : `~numpy.ndarray` of float
        NaN where values are masked or the column is missing.
    """
    if name not in catalog.colnames:
        return np.full(len(catalog), np.nan)
    return plain_values(catalog[name])


def ellipse_axes(image, catalog, *, smallest=0.0):
    """
    Give the ellipses drawn around sources.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Its beam stands in for sizes that are not known.
    catalog : `~astropy.table.Table`
        With ``fwhm_major``, ``fwhm_minor`` and ``theta`` where it has them.
    smallest : float, optional
        Least full axis in pixels.

    Returns
    -------
    major, minor : `~numpy.ndarray`
        Full axes in pixels.
    theta : `~numpy.ndarray`
        Degrees, counter-clockwise from +x.
    """
    beam = image.beam
    axes = []
    for name, fallback in (('fwhm_major', beam.major if beam else 0),
                           ('fwhm_minor', beam.minor if beam else 0)):
        size = column_numbers(catalog, name)
        size = np.where(np.isfinite(size) & (size > 0), size, fallback)
        axes.append(np.maximum(OUTLINE * size, smallest))
    return *axes, np.nan_to_num(column_numbers(catalog, 'theta'))


def box_edges(catalog, *, smallest=0.0):
    """
    Give the boxes drawn around sources of several components.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        With the columns ``bbox_...``.
    smallest : float, optional
        Least side in pixels.

    Returns
    -------
    left, right, bottom, top : `~numpy.ndarray`
        Edges in pixels.
    """
    xmin, xmax, ymin, ymax = (np.asarray(catalog[f'bbox_{name}'], dtype=float)
                              for name in ('xmin', 'xmax', 'ymin', 'ymax'))
    half_x = 0.5 * np.maximum(xmax - xmin + 1, smallest)
    half_y = 0.5 * np.maximum(ymax - ymin + 1, smallest)
    x, y = 0.5 * (xmin + xmax), 0.5 * (ymin + ymax)
    return x - half_x, x + half_x, y - half_y, y + half_y
