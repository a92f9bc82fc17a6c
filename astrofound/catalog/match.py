"""Pair the sources of two catalogues, each at most once."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from scipy.spatial import cKDTree

from ..utils import InputError
from .guess import find_positions

__all__ = ['cross_match']


def cross_match(first, second, *, radius):
    """
    Pair sources one to one, nearest pairs first.

    Of all pairs within the radius the closest is taken, both its members are set aside, and
    so on. Swapping the two catalogues gives the same pairs, and so does any order of the rows
    as long as no two distances are equal; then the lower rows win.

    Parameters
    ----------
    first, second : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord` or (n, 2) array-like
        Catalogues of any program, sky positions, or pixels ``(x, y)``. Positions that are NaN
        match nothing.
    radius : `~astropy.units.Quantity` or float
        Largest distance: an angle matches on the sky, a plain number in pixels.

    Returns
    -------
    index_first, index_second : `~numpy.ndarray` of int
        Rows of the pairs, by rising row of ``first``.
    distance : `~astropy.units.Quantity` or `~numpy.ndarray`
        Arcsec on the sky, else pixels.

    Raises
    ------
    InputError
        If the radius is not positive, or positions of its kind are missing.
    """
    on_sky = isinstance(radius, u.Quantity) and not radius.unit.is_equivalent(u.pix)
    try:
        limit = float(radius.to_value(u.arcsec) if on_sky else getattr(radius, 'value', radius))
    except (u.UnitConversionError, TypeError, ValueError):
        limit = np.nan
    if not (np.isfinite(limit) and limit > 0):
        raise InputError("'radius' must be an angle or a number of pixels greater than 0, got "
                         f'{radius!r}')
    a, b = (_points(catalog, on_sky) for catalog in (first, second))
    # On the unit sphere a chord stands for an angle; at survey radii they hardly differ.
    reach = 2 * np.sin(np.radians(min(limit / 3600, 180.0)) / 2) if on_sky else limit
    i, j, chord = _candidates(a, b, reach * (1 + 1e-12))
    order = np.lexsort((np.maximum(i, j), np.minimum(i, j), chord))
    i, j, chord = i[order], j[order], chord[order]
    keep = _greedy(i, j, len(a), len(b))
    i, j, chord = i[keep], j[keep], chord[keep]
    order = np.argsort(i, kind='stable')
    distance = chord[order]
    if on_sky:
        distance = np.degrees(2 * np.arcsin(np.minimum(distance / 2, 1))) * 3600 * u.arcsec
    return i[order], j[order], distance


def _points(catalog, on_sky):
    """Points of a catalogue in the plane or on the unit sphere; NaN rows stay NaN."""
    if hasattr(catalog, 'colnames'):
        if not len(catalog):
            return np.empty((0, 3 if on_sky else 2))
        catalog = find_positions(catalog, prefer_sky=on_sky)
    if isinstance(catalog, SkyCoord) != on_sky:
        if np.size(catalog) == 0 and not isinstance(catalog, SkyCoord):
            return np.empty((0, 3 if on_sky else 2))
        msg = ('the radius is an angle, so both catalogues need sky positions' if on_sky else
               'the radius is in pixels, so both catalogues need pixel positions; give an angle '
               'such as 2 * u.arcsec to match on the sky')
        raise InputError(msg)
    if not on_sky:
        try:
            return np.asarray(catalog, dtype=float).reshape(-1, 2)
        except (TypeError, ValueError):
            raise InputError('pixel positions must be an (n, 2) array of (x, y)') from None
    sky = catalog.icrs.reshape(-1)
    ra, dec = sky.ra.rad, sky.dec.rad
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def _candidates(a, b, reach):
    """All pairs within reach: rows of a, rows of b, distances."""
    good_a, good_b = (np.flatnonzero(np.isfinite(points).all(axis=1)) for points in (a, b))
    if not len(good_a) or not len(good_b):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    near = cKDTree(a[good_a]).sparse_distance_matrix(cKDTree(b[good_b]), reach,
                                                     output_type='ndarray')
    return good_a[near['i']], good_b[near['j']], near['v']


def _greedy(i, j, n_a, n_b):
    """Mark the pairs, in the order given, whose members are both still free."""
    free_a, free_b = np.ones(n_a, bool), np.ones(n_b, bool)
    keep = np.zeros(len(i), bool)
    for k, (p, q) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        if free_a[p] and free_b[q]:
            keep[k] = True
            free_a[p] = free_b[q] = False
    return keep
