"""Count what a noise-free model of a radio source shows, the way people label it."""

import numpy as np
from scipy import ndimage

__all__ = ['count_structure', 'fr_ratio', 'island_box']

_TOUCHING = np.ones((3, 3), int)
# Radio Galaxy Zoo draws contours at 4 sigma and then by factors of sqrt 3 (Banfield et al. 2015).
_STEP = np.sqrt(3.0)


def count_structure(model, level):
    """
    Count components and peaks of a source, as Radio Galaxy Zoo does.

    Components are the islands within the lowest contour; peaks are the contours that have no
    other inside.

    Parameters
    ----------
    model : 2D array
        Image of the source without noise.
    level : float
        The lowest contour, in the unit of the image.

    Returns
    -------
    n_components, n_peaks : int
        Both 0 where nothing reaches the level.
    """
    window = _window(model, level)
    if window is None:
        return 0, 0
    part = model[window]
    n_components = n_peaks = 0
    while (above := part > level).any():
        islands, n_islands = ndimage.label(above, _TOUCHING)
        n_components = n_components or n_islands
        level *= _STEP
        highest = ndimage.maximum(part, islands, np.arange(1, n_islands + 1))
        n_peaks += int((highest <= level).sum())
    return n_components, n_peaks


def island_box(model, level):
    """
    Give the box of all pixels above a level.

    Parameters
    ----------
    model : 2D array
        Image without noise.
    level : float
        The lowest contour.

    Returns
    -------
    box : (4,) `~numpy.ndarray` or None
        Edges ``[x1, y1, x2, y2]``; `None` where nothing reaches the level.
    """
    window = _window(model, level)
    if window is None:
        return None
    rows, columns = window
    return np.array([columns.start, rows.start, columns.stop, rows.stop], float)


def fr_ratio(model, level, host, fwhm):
    """
    Give the ratio by which Fanaroff & Riley (1974) tell their classes apart.

    It is the distance between the brightest places on both sides of the host over the whole
    extent; what lies on the host itself does not count. Below 0.5 it is class I.

    Parameters
    ----------
    model : 2D array
        Image of the source without noise.
    level : float
        The lowest contour.
    host : tuple of float
        Position ``(x, y)`` of the galaxy.
    fwhm : float
        Beam in pixels.

    Returns
    -------
    ratio : float
        NaN where a side has nothing to show.
    """
    y, x = np.nonzero(model > level)
    if x.size < 2:
        return np.nan
    value = model[y, x]
    dx, dy = x - host[0], y - host[1]
    distance = np.hypot(dx, dy)
    moments = np.cov(np.stack([dx, dy]), aweights=value)
    axis = np.linalg.eigh(moments)[1][:, 1]
    side = dx * axis[0] + dy * axis[1]
    peaks, reach = [], []
    for own in (side > 0, side < 0):
        lobe = own & (distance > fwhm)
        if not lobe.any():
            return np.nan
        brightest = np.flatnonzero(lobe)[np.argmax(value[lobe])]
        peaks.append((x[brightest], y[brightest]))
        reach.append(distance[lobe].max())
    (xa, ya), (xb, yb) = peaks
    return float(np.hypot(xa - xb, ya - yb) / sum(reach))


def _window(model, level):
    """Smallest window that holds all pixels above a level."""
    above = model > level
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
