"""Fit many Gaussian sources at once, each on its stamp with its neighbours taken away."""

import math

import numpy as np
from numba import njit

from .gaussian import OUT_OF_BOUNDS, add_gaussian, ellipse_window, shape_from_precision
from .groups import FREE_POSITION, FREE_SHAPE, fit_group

__all__ = [
    'FIXED', 'FREE', 'N_OUT', 'OUT_BLANK', 'OUT_CHI2', 'OUT_CROWDED', 'OUT_N', 'OUT_STATUS',
    'OUT_TOP', 'copy_stamp', 'fit_stamps',
]

#: First column of the two fits in the output of `fit_stamps`: beam shape, and free shape.
FIXED, FREE = 0, 10
#: Columns after the six parameters of each fit.
OUT_STATUS, OUT_CHI2, OUT_N = 6, 7, 8
#: Columns about the stamp: blank pixels, neighbours' share, pixels as bright as the top.
OUT_BLANK, OUT_CROWDED, OUT_TOP = 20, 21, 22
N_OUT = 23

_LIMIT_PER_RADIUS = 8 * math.log(2)  # squared radius in sigmas of one FWHM
_WIDE = 3.0  # beams across a source whose every pixel says what its neighbours say


@njit(cache=True, nogil=True)
def copy_stamp(tile, y0, x0, flat, begin, top, left, height, width):
    """
    Copy a window of a tile into the flat store of stamps.

    Parameters
    ----------
    tile : 2D array
        Pixels.
    y0, x0 : int
        Image position of the tile's first pixel.
    flat : 1D array
        Store of all stamps, filled from ``begin`` on.
    begin : int
        Where this stamp starts.
    top, left, height, width : int
        Window in the image, inside the tile.
    """
    for j in range(height):
        row = top - y0 + j
        for i in range(width):
            flat[begin + j * width + i] = tile[row, left - x0 + i]


@njit(cache=True, nogil=True)
def _ellipse_weight(weight, x, y, a, b, c, limit, spacing):
    """Weigh the pixels inside an ellipse: each by 1, or one in ``spacing**2`` for all of them."""
    ny, nx = weight.shape
    top, bottom, left, right = ellipse_window(ny, nx, x, y, a, b, c, limit)
    for j in range(top, bottom):
        dy = j - y
        for i in range(left, right):
            dx = i - x
            if a * dx * dx + 2 * b * dx * dy + c * dy * dy <= limit:
                counts = j % spacing == 0 and i % spacing == 0
                weight[j, i] = spacing * spacing if counts else 0.0


@njit(cache=True, nogil=True)
def _weigh(weight, p, radius, beam_minor, spacing):
    """Weigh the pixels of a group: all of its narrow members, and as few as do of the wide."""
    weight[:] = 0
    limit = _LIMIT_PER_RADIUS * radius**2
    for narrow in (False, True):
        for m in range(len(p)):
            a, b, c = p[m, 3], p[m, 4], p[m, 5]
            if (shape_from_precision(a, b, c)[1] < _WIDE * beam_minor) == narrow:
                _ellipse_weight(weight, p[m, 1], p[m, 2], a, b, c, limit, 1 if narrow else spacing)


@njit(cache=True, nogil=True)
def _value_at(stamp, x, y):
    """Brightest finite pixel within one pixel of a position, else of the stamp, else 0."""
    ny, nx = stamp.shape
    best = -math.inf
    ci, cj = round(x), round(y)
    for j in range(max(cj - 1, 0), min(cj + 2, ny)):
        for i in range(max(ci - 1, 0), min(ci + 2, nx)):
            if math.isfinite(stamp[j, i]) and stamp[j, i] > best:
                best = stamp[j, i]
    return best if math.isfinite(best) else 0.0


@njit(cache=True, nogil=True)
def _count_top(stamp, weight):
    """Count the pixels of the fit within half a percent of the brightest one."""
    best = -math.inf
    ny, nx = stamp.shape
    for j in range(ny):
        for i in range(nx):
            if weight[j, i] > 0 and stamp[j, i] > best:
                best = stamp[j, i]
    n = 0
    for j in range(ny):
        for i in range(nx):
            if weight[j, i] > 0 and stamp[j, i] >= best - 0.005 * abs(best):
                n += 1
    return n


@njit(cache=True, nogil=True)
def _group_of(s, close_first, close_index, start, model, top, left, free_position, max_shift):
    """Members of a source's group in stamp coordinates, itself first, and their freedoms."""
    members = close_index[close_first[s]:close_first[s + 1]]
    k = 1 + len(members)
    group = np.empty((k, 6))
    kind = np.empty(k, np.int64)
    shift = np.empty(k)
    for m in range(k):
        t = s if m == 0 else members[m - 1]
        group[m] = model[t] if model[t, 0] > 0 else start[t]
        # The bound on shifts counts from the detection, not from the pass before.
        shift[m] = max_shift[t]
        if model[t, 0] > 0:
            away = math.hypot(model[t, 1] - start[t, 1], model[t, 2] - start[t, 2])
            shift[m] = max(max_shift[t] - away, 0.05 * max_shift[t])
        group[m, 1] -= left
        group[m, 2] -= top
        if not model[t, 0] > 0:
            group[m, 0] = 0.0
        kind[m] = FREE_POSITION if free_position else 0
    return group, kind, shift


@njit(cache=True, nogil=True)
def _fit_pair(stamp, s, first_shape, beam, group, kind, shift, radius, max_fwhm, spacing, weight,
              out):
    """Fit the beam, then a free shape, to the first member of a group, the others alongside."""
    _, beam_minor, _ = shape_from_precision(beam[0], beam[1], beam[2])
    for fit in range(2):
        column = FIXED if fit == 0 else FREE
        p = group.copy()
        if fit == 0:
            p[0, 3], p[0, 4], p[0, 5] = beam
        else:
            p[0, 3], p[0, 4], p[0, 5] = first_shape
            kind[0] = FREE_SHAPE
        _weigh(weight, p, radius[fit], beam_minor, spacing)
        for m in range(len(p)):
            if p[m, 0] == 0:
                p[m, 0] = _value_at(stamp, p[m, 1], p[m, 2])
        best, status, chi2, n = fit_group(stamp, weight, p, kind, shift, 0.6 * beam_minor,
                                          max_fwhm)
        for c in range(6):
            out[s, column + c] = best[0, c]
        out[s, column + OUT_STATUS] = status
        out[s, column + OUT_CHI2] = chi2
        out[s, column + OUT_N] = n


@njit(cache=True, nogil=True)
def _look_around(raw, stamp, weight, s, out):
    """Note blank pixels, the neighbours' share and how flat the top is."""
    height, width = stamp.shape
    n_blank, own, other = 0, 0.0, 0.0
    for j in range(height):
        for i in range(width):
            if weight[j, i] > 0:
                if math.isfinite(stamp[j, i]):
                    own += abs(stamp[j, i])
                    other += abs(raw[j, i] - stamp[j, i])
                else:
                    n_blank += 1
    out[s, OUT_BLANK] = n_blank
    out[s, OUT_CROWDED] = other / own if own > 0 else 0.0
    out[s, OUT_TOP] = _count_top(stamp, weight)


@njit(cache=True, nogil=True)
def fit_stamps(todo, flat, begin, window, start, model, first, index, close_first, close_index,
               beam, radius, spacing, max_shift, max_fwhm, free_position, out):
    """
    Fit the beam and a free Gaussian to each source, its neighbours accounted for.

    Neighbours so close that each would take flux from the other are fitted together with the
    source; the models of all others are subtracted.

    Parameters
    ----------
    todo : array of int64
        Sources to fit.
    flat : 1D array of float32
        Pixels of all stamps, background subtracted.
    begin : (n,) array of int64
        Where each stamp starts in ``flat``.
    window : (n, 4) array of int64
        Top, left, height and width of each stamp in the image.
    start : (n, 6) array
        Amplitude (not used), x, y in the image as detected, and shape to start from.
    model : (n, 6) array
        Current model of every source; amplitude 0 for none.
    first, index : arrays of int64
        Neighbours of each source.
    close_first, close_index : arrays of int64
        Those of them that are fitted together with it.
    beam : (3,) array
        Precision matrix of the beam.
    radius : (2,) array
        Semi-axes of the ellipse of pixels used, in FWHM, for both fits.
    spacing : int
        Distance of the pixels used of a source of several beams.
    max_shift, max_fwhm : (n,) arrays
        Limits of the fits in pixels.
    free_position : bool
        Whether the centre is fitted.
    out : (n, N_OUT) array
        Filled for the sources in ``todo``.
    """
    for s in todo:
        top, left, height, width = window[s]
        raw = flat[begin[s]:begin[s] + height * width].reshape(height, width)
        stamp, alone = raw.astype(np.float64), raw.astype(np.float64)
        close = close_index[close_first[s]:close_first[s + 1]]
        for k in range(first[s], first[s + 1]):
            t = index[k]
            if t == s or model[t, 0] == 0:
                continue
            x, y = model[t, 1] - left, model[t, 2] - top
            add_gaussian(alone, model[t, 0], x, y, model[t, 3], model[t, 4], model[t, 5], -1.0)
            together = False
            for m in close:
                together = together or m == t
            if not together:
                add_gaussian(stamp, model[t, 0], x, y, model[t, 3], model[t, 4], model[t, 5],
                             -1.0)
        weight = np.zeros((height, width))
        _ellipse_weight(weight, start[s, 1] - left, start[s, 2] - top, beam[0], beam[1], beam[2],
                        _LIMIT_PER_RADIUS * radius[0]**2, 1)
        _look_around(raw, alone, weight, s, out)
        group, kind, shift = _group_of(s, close_first, close_index, start, model, top, left,
                                       free_position, max_shift)
        if len(group) == 1:
            group[0, 0] = 0.0  # alone it starts anew from its pixels
            group[0, 1], group[0, 2] = start[s, 1] - left, start[s, 2] - top
            shift[0] = max_shift[s]
        _fit_pair(stamp, s, start[s, 3:6], beam, group, kind, shift, radius,
                  max(max_fwhm[s], 1.0), spacing, weight, out)
        if out[s, FIXED + OUT_STATUS] == OUT_OF_BOUNDS and free_position:
            # A source that would wander off is held where it was detected.
            p = group[:1].copy()
            p[0, 1], p[0, 2] = start[s, 1] - left, start[s, 2] - top
            p[0, 3], p[0, 4], p[0, 5] = beam
            p[0, 0] = _value_at(alone, p[0, 1], p[0, 2])
            _weigh(weight, p, radius[0], shape_from_precision(beam[0], beam[1], beam[2])[1], 1)
            best, _, _, _ = fit_group(alone, weight, p, np.zeros(1, np.int64), shift[:1], 0.0,
                                         1e9)
            for c in range(6):
                out[s, FIXED + c] = best[0, c]
        for column in (FIXED, FREE):
            out[s, column + 1] += left
            out[s, column + 2] += top
