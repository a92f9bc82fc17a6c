"""Images of one place on the sky, and such images on both sides of a split."""

import hashlib

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.table import Table

from ..utils import InputError
from .image_input import open_images
from .labelled import LabelledImages

__all__ = ['check_leaks', 'group_positions']

_PARTS = ('train', 'validation', 'test')


def check_leaks(data, split, radius=None, *, pixels=True):
    """
    Find images that are in two parts of a split at once.

    Parameters
    ----------
    data : LabelledImages or `~astropy.coordinates.SkyCoord`
        The images, or just their positions.
    split : LabelSplit
        The parts.
    radius : `~astropy.units.Quantity`, optional
        Images nearer to each other than this show the same sky; by default positions are not
        looked at.
    pixels : bool, optional
        Whether to look for images with equal pixels, for which all are read. A turned or
        rescaled copy is not found.

    Returns
    -------
    leaks : `~astropy.table.Table`
        One row a pair: the numbers ``first`` and ``second``, their ``first_part`` and
        ``second_part``, ``separation`` and ``reason``; no rows where all is well.

    Raises
    ------
    InputError
        If ``radius`` is given and there are no positions, or nothing is to be compared.
    """
    parts = np.full(max([part.max(initial=-1) for part in (
        split.train, split.validation, split.test)]) + 1, -1)
    for number, name in enumerate(_PARTS):
        parts[getattr(split, name)] = number
    positions = data if isinstance(data, SkyCoord) else data.positions
    rows = []
    if radius is not None:
        if positions is None:
            raise InputError("'radius' needs positions, and the data set has none")
        first, second, separation = _near_pairs(positions, radius)
        rows += [(*pair, 'position') for pair in zip(first, second, separation, strict=True)]
    if pixels and isinstance(data, LabelledImages):
        rows += [(*pair, np.nan, 'pixels') for pair in _equal_pairs(data.images)]
    elif radius is None:
        raise InputError("pass 'radius', or images whose pixels can be compared")
    rows = [row for row in rows if max(row[:2]) < len(parts) and -1 not in parts[list(row[:2])]
            and parts[row[0]] != parts[row[1]]]
    table = Table(rows=[(a, _PARTS[parts[a]], b, _PARTS[parts[b]], far, why)
                        for a, b, far, why in rows] or None,
                  names=['first', 'first_part', 'second', 'second_part', 'separation', 'reason'],
                  dtype=[int, str, int, str, float, str])
    table['separation'].unit = u.arcsec
    return table


def group_positions(positions, radius):
    """
    Number groups of images that show the same sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`
        One an image.
    radius : `~astropy.units.Quantity`
        Images nearer than this are of one group, and so are those that a chain of such images
        joins.

    Returns
    -------
    groups : 1D `~numpy.ndarray` of int
        Number of the group of each image, for `split_labelled`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second, _ = _near_pairs(positions, radius)
    n_images = len(positions)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n_images, n_images))
    return connected_components(graph, directed=False)[1]


def _near_pairs(positions, radius):
    radius = u.Quantity(radius)
    if not radius.unit.is_equivalent(u.arcsec) or not radius > 0:
        raise InputError(f"'radius' must be an angle greater than 0, got {radius}")
    if len(positions) < 2:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    first, second, separation, _ = search_around_sky(positions, positions, radius)
    once = first < second
    return first[once], second[once], separation[once].to_value(u.arcsec)


def _equal_pairs(images):
    stamps = open_images(images)
    seen, pairs = {}, []
    for number in range(len(stamps)):
        pixels = stamps[number].pixels
        key = hashlib.sha256(repr((pixels.shape, pixels.dtype)).encode()
                             + np.ascontiguousarray(pixels).tobytes()).digest()
        pairs += [(other, number) for other in seen.get(key, ())]
        seen.setdefault(key, []).append(number)
    return pairs
