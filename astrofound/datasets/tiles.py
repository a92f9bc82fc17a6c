"""Cut a mosaic with a catalogue into tiles with boxes."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from ..catalog import find_positions, read_catalog
from ..catalog.guess import plain_values, standardize
from ..image import as_survey_image
from ..preprocess import UnitRange
from ..utils import InputError, WriteError, check_number
from .boxed import BoxedImages
from .coco import read_coco, write_coco
from .lazy import LazyImages

__all__ = ['catalog_boxes', 'cut_tiles', 'prepare_tiles', 'split_area']


def catalog_boxes(catalog, image):
    """
    Give the boxes of the sources of a catalogue: their ellipses at half maximum.

    Parameters
    ----------
    catalog : `~astropy.table.Table` or path-like
        Of any program that `~astrofound.catalog.read_catalog` knows. Sizes come from the
        ellipse on the sky, else from that in pixels, else from pixel limits; without any, each
        source is as large as the beam, and no ellipse is smaller.
    image : `~astrofound.image.SurveyImage`
        The image.

    Returns
    -------
    boxes : (n, 4) `~numpy.ndarray`
        Edges ``[x1, y1, x2, y2]`` in pixels; NaN for a row without a position or size, or far
        away from the image.
    origin : str
        ``'sky'``, ``'pixels'``, ``'limits'`` or ``'beam'``.

    Raises
    ------
    InputError
        If there are no positions, or neither sizes nor a beam.
    """
    table = standardize(catalog if isinstance(catalog, Table) else read_catalog(catalog))
    x, y, sky = _pixel_positions(table, image)
    names = set(table.colnames)
    if {'bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax'} <= names and not (
            {'major', 'fwhm_major'} & names):
        xmin, xmax, ymin, ymax = (plain_values(table[f'bbox_{name}']) for name in (
            'xmin', 'xmax', 'ymin', 'ymax'))
        return np.stack([xmin, ymin, xmax + 1, ymax + 1], axis=1), 'limits'
    half, origin = np.full((2, len(x)), np.nan), 'beam'
    if sky is not None and {'major', 'minor'} <= names:
        near = np.isfinite(x)
        ellipse = [_column(table, name, unit)[near] for name, unit in (
            ('major', u.arcsec), ('minor', u.arcsec), ('pa_sky', u.deg))]
        half[:, near] = _half_sides_on_sky(image, sky[near], x[near], y[near], *ellipse)
        origin = 'sky'
    elif {'fwhm_major', 'fwhm_minor'} <= names:
        half = np.stack(_half_sides(*(_column(table, name, unit) for name, unit in (
            ('fwhm_major', None), ('fwhm_minor', None), ('theta', u.deg)))))
        origin = 'pixels'
    elif image.beam is None:
        raise InputError('the catalogue has no sizes, and the beam of '
                         f'{image.name} is not known; pass the image with a beam')
    if image.beam is not None:
        beam = image.beam
        half = np.fmax(half, np.array(_half_sides(beam.major, beam.minor, beam.theta))[:, None])
    return np.stack([x - half[0], y - half[1], x + half[0], y + half[1]], axis=1) + 0.5, origin


def cut_tiles(image, catalog, *, side=256, label_column=None, classes=None, max_blank=0.0,
              min_visible=0.7, area=None):
    """
    Cut an image into tiles that overlap as little as can be, with the boxes of a catalogue.

    Parameters
    ----------
    image : path-like or `~astrofound.image.SurveyImage`
        The mosaic.
    catalog : path-like or `~astropy.table.Table`
        The sources, of any program.
    side : int, optional
        Side of a tile in pixels.
    label_column : str, optional
        Column of the class; by default all sources are of one class, ``'source'``.
    classes : sequence of str, optional
        All classes in their order; by default those of the column, sorted.
    max_blank : float, optional
        Largest share of blank pixels in a tile; tiles with more are left out.
    min_visible : float, optional
        Share of its area with which a source must be in a tile. Where less of it is, the part
        is a region to be ignored.
    area : (slice, slice), optional
        Part of the image, along y and x, in which all tiles lie, as from `split_area`; by
        default the whole.

    Returns
    -------
    data : BoxedImages
        The tiles as survey images with their WCS and beam, cut when they are looked at.

    Raises
    ------
    InputError
        If an argument does not fit, or there is no tile left.
    """
    check_number('side', side, minimum=16, integer=True)
    check_number('max_blank', max_blank, minimum=0, maximum=1)
    check_number('min_visible', min_visible, minimum=0, maximum=1)
    image = as_survey_image(image)
    table = catalog if isinstance(catalog, Table) else read_catalog(catalog)
    boxes, origin = catalog_boxes(table, image)
    classes, codes = _classes(table, label_column, classes)
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    boxes, codes = boxes[usable], codes[usable]
    windows = [window for window in _windows(image.shape, side, area) if max_blank == 1 or (
        np.isnan(image.read_window(window)).mean() <= max_blank)]
    if not windows:
        raise InputError(f'every tile of {image.name} has more than {max_blank:.0%} blank pixels; '
                         "raise 'max_blank'")
    parts = [_boxes_in(boxes, window, min_visible) for window in windows]
    n_blank = _count_blank(table)
    notes = [f'{n_blank} sources without a position left out'] if n_blank else []
    if origin == 'beam':
        notes.append('the catalogue has no sizes: boxes are as large as the beam')
    return BoxedImages(
        LazyImages(_Windows(image, windows), len(windows)), [part[0] for part in parts],
        [codes[part[1]] for part in parts], classes, ignored=[part[2] for part in parts],
        names=[f'{image.name} y{rows.start} x{columns.start}' for rows, columns in windows],
        source=image.name, notes=notes)


def split_area(image, test=0.2):
    """
    Split an image by a straight line into a part to train on and one to test on.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The mosaic.
    test : float, optional
        Share of its pixels that are not blank for the test part, which lies at the end of
        the longer side.

    Returns
    -------
    train, test : (slice, slice)
        Areas for `cut_tiles`, along y and x.

    Raises
    ------
    InputError
        If a share is not between 0 and 1.
    """
    check_number('test', test, above=0, maximum=0.9)
    ny, nx = image.shape
    along_x = nx >= ny
    valid = np.zeros(nx if along_x else ny)
    for start in range(0, ny, 1024):
        rows = slice(start, min(start + 1024, ny))
        good = np.isfinite(image.read_window((rows, slice(0, nx))))
        if along_x:
            valid += good.sum(axis=0)
        else:
            valid[rows] = good.sum(axis=1)
    cut = int(np.searchsorted(np.cumsum(valid), (1 - test) * valid.sum()))
    cut = min(max(cut, 1), len(valid) - 1)
    whole = slice(0, ny if along_x else nx)
    parts = slice(0, cut), slice(cut, len(valid))
    return tuple((whole, part) if along_x else (part, whole) for part in parts)


def prepare_tiles(image, catalog, folder, *, test=0.2, pictures=None, side=256, label_column=None,
                  classes=None, max_blank=0.0, min_visible=0.7):
    """
    Write a mosaic with its catalogue as tiles to train a detector on and to test it.

    Parameters
    ----------
    image : path-like or `~astrofound.image.SurveyImage`
        The mosaic.
    catalog : path-like or `~astropy.table.Table`
        The sources, of any program.
    folder : path-like
        Where to write ``train.json``, ``test.json`` and the tiles as FITS files, which keep
        their WCS, unit and beam; made where missing.
    test : float, optional
        Share of the sky for the test part, as for `split_area`; 0 for none.
    pictures : str, optional
        Write tiles as 8-bit PNG files, which other programs read but which know neither WCS nor
        beam, scaled as `~astrofound.preprocess.UnitRange` of this name does; blank sky is 0.
    side, label_column, classes, max_blank, min_visible : optional
        As for `cut_tiles`.

    Returns
    -------
    parts : dict of BoxedImages
        ``'train'`` and ``'test'``, as written.

    Raises
    ------
    InputError
        If an argument does not fit, or a part has no tile.
    WriteError
        If a file cannot be written.
    """
    image, folder = as_survey_image(image), Path(folder)
    table = catalog if isinstance(catalog, Table) else read_catalog(catalog)
    if label_column is not None and classes is None:
        classes = _classes(table, label_column, None)[0]
    areas = {'train': None} if test == 0 else dict(zip(('train', 'test'), split_area(image, test),
                                                       strict=True))
    parts = {name: cut_tiles(image, table, side=side, label_column=label_column, classes=classes,
                             max_blank=max_blank, min_visible=min_visible, area=area)
             for name, area in areas.items()}
    if pictures is not None:
        scale = _Bytes(UnitRange(pictures))
        parts = {name: replace(part, images=LazyImages(partial(scale, part.images), len(part)))
                 for name, part in parts.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f'cannot make the folder {folder}: {error.strerror}') from None
    for name, part in parts.items():
        write_coco(part, folder / f'{name}.json')
    return {name: replace(read_coco(folder / f'{name}.json'), notes=part.notes)
            for name, part in parts.items()}


def _windows(shape, side, area):
    """Windows of the tiles that cover an area."""
    rows, columns = (part.indices(n) for part, n in zip(area or (slice(None),) * 2, shape,
                                                        strict=True))
    return [(slice(y0, min(y0 + side, rows[1])), slice(x0, min(x0 + side, columns[1])))
            for y0 in _starts(rows[0], rows[1], side) for x0 in _starts(columns[0], columns[1],
                                                                       side)]


def _starts(first, last, side):
    """First pixels of as few tiles as cover a side, evenly spread."""
    n_tiles = max(1, -(-(last - first) // side))
    return np.rint(np.linspace(first, max(last - side, first), n_tiles)).astype(int).tolist()


class _Windows:
    """Cut windows out of an image."""

    def __init__(self, image, windows):
        self._image, self._windows = image, windows

    def __call__(self, number):
        return self._image[self._windows[number]]


@dataclass(frozen=True)
class _Bytes:
    """Scale survey images to bytes."""

    scaling: UnitRange

    def __call__(self, images, number):
        scaled = np.nan_to_num(self.scaling(np.asarray(images[number].data)))
        return np.rint(255 * scaled.clip(0, 1)).astype(np.uint8)


def _boxes_in(boxes, window, min_visible):
    """Boxes in the pixels of a tile, the rows they are of, and which are too little of it."""
    rows, columns = window
    moved = boxes - [columns.start, rows.start] * 2
    inside = np.clip(moved, 0, [columns.stop - columns.start, rows.stop - rows.start] * 2)
    sides = inside[:, 2:] - inside[:, :2]
    found = np.flatnonzero((sides > 0).all(axis=1))
    share = (sides[found].prod(axis=1) / (moved[found, 2:] - moved[found, :2]).prod(axis=1))
    return inside[found], found, share < min_visible


def _classes(table, label_column, classes):
    if label_column is None:
        return ('source',), np.zeros(len(table), int)
    if label_column not in table.colnames:
        raise InputError(f"'label_column' {label_column!r} is no column of the table; it has "
                         f"{', '.join(table.colnames[:20])}")
    labels = np.asarray(table[label_column]).astype(str)
    classes = tuple(map(str, np.unique(labels) if classes is None else classes))
    if strange := sorted(set(labels.tolist()) - set(classes)):
        raise InputError(f"labels that are not among 'classes': {', '.join(strange[:20])}")
    return classes, np.array([classes.index(label) for label in labels], int)


def _pixel_positions(table, image):
    """Positions in pixels, NaN for what is far off, and on the sky where that is known."""
    found = find_positions(table, prefer_sky=image.wcs is not None)
    if not isinstance(found, SkyCoord):
        return *found.T, None
    if image.wcs is None:
        raise InputError(f'{image.name} has no celestial WCS to place sources with only ra and '
                         'dec')
    # a survey's catalogue is mostly elsewhere, where a projection may have no answer or a wrong one
    ny, nx = image.shape
    centre = image.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2)
    reach = np.hypot(nx, ny) * u.pix * image.pixel_scale
    near = found.separation(centre) < reach
    x, y = np.full((2, len(found)), np.nan)
    x[near], y[near] = image.wcs.world_to_pixel(found[near])
    return x, y, found


def _count_blank(table):
    found = find_positions(table)
    values = found.ra.deg + found.dec.deg if isinstance(found, SkyCoord) else found.sum(axis=1)
    return int((~np.isfinite(values)).sum())


def _column(table, name, unit):
    """One value a row; an angle that is not there or blank is 0."""
    if name not in table.colnames:
        return np.zeros(len(table))
    values = plain_values(table[name], unit)
    return np.nan_to_num(values) if name in ('pa_sky', 'theta') else values


def _half_sides(major, minor, theta):
    """Half the sides of the boxes of ellipses given by full axes and angle in degrees."""
    cos, sin = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
    return 0.5 * np.hypot(major * cos, minor * sin), 0.5 * np.hypot(major * sin, minor * cos)


def _half_sides_on_sky(image, sky, x, y, major, minor, angle):
    """Half the sides of the boxes of ellipses on the sky, through the WCS at each place."""
    step = 1 * u.arcsec
    north = np.stack(image.wcs.world_to_pixel(sky.directional_offset_by(0 * u.deg, step))) - (x, y)
    east = np.stack(image.wcs.world_to_pixel(sky.directional_offset_by(90 * u.deg, step))) - (x, y)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    along, across = cos * north + sin * east, cos * east - sin * north
    return 0.5 * np.hypot(major * along, minor * across)
