"""Fit many Gaussian sources at once, each on its stamp with its neighbours taken away."""

import math

import numpy as np
from numba import njit

from .gaussian import CONVERGED, NO_PIXELS, add_gaussian, fit_gaussian, shape_from_precision

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
def _ellipse_weight(weight, x, y, a, b, c, limit):
    """Set the pixels inside an ellipse to 1 and the others to 0."""
    ny, nx = weight.shape
    for j in range(ny):
        dy = j - y
        for i in range(nx):
            dx = i - x
            inside = a * dx * dx + 2 * b * dx * dy + c * dy * dy <= limit
            weight[j, i] = 1.0 if inside else 0.0


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
def fit_stamps(todo, flat, begin, window, start, model, first, index, beam, radius, max_shift,
               max_fwhm, free_position, out):
    """
    Fit the beam and a free Gaussian to each source, neighbours' models subtracted.

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
        Amplitude (0: take it from the pixels), x, y in the image and shape to start from.
    model : (n, 6) array
        Current model of every source; amplitude 0 for none.
    first, index : arrays of int64
        Neighbours of each source.
    beam : (3,) array
        Precision matrix of the beam.
    radius : (2,) array
        Semi-axes of the ellipse of pixels used, in FWHM, for both fits.
    max_shift, max_fwhm : (n,) arrays
        Limits of the fits in pixels.
    free_position : bool
        Whether the centre is fitted.
    out : (n, N_OUT) array
        Filled for the sources in ``todo``.
    """
    none = np.zeros(7)
    for s in todo:
        top, left, height, width = window[s]
        raw = flat[begin[s]:begin[s] + height * width].reshape(height, width)
        stamp = raw.astype(np.float64)
        for k in range(first[s], first[s + 1]):
            t = index[k]
            if t != s and model[t, 0] != 0:
                add_gaussian(stamp, model[t, 0], model[t, 1] - left, model[t, 2] - top,
                             model[t, 3], model[t, 4], model[t, 5], -1.0)
        weight = np.empty((height, width))
        for fit in range(2):
            column = FIXED if fit == 0 else FREE
            p = none.copy()
            p[1], p[2] = start[s, 1] - left, start[s, 2] - top
            if fit == 0:
                p[3], p[4], p[5] = beam
            else:
                p[3], p[4], p[5] = start[s, 3], start[s, 4], start[s, 5]
            _ellipse_weight(weight, p[1], p[2], p[3], p[4], p[5],
                            _LIMIT_PER_RADIUS * radius[fit]**2)
            if fit == 0:
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
            p[0] = start[s, 0] if start[s, 0] != 0 else _value_at(stamp, p[1], p[2])
            fwhm, minor, _ = shape_from_precision(beam[0], beam[1], beam[2])
            best, status, chi2, n = fit_gaussian(
                stamp, weight, p, fit == 1, free_position, False, max_shift[s],
                0.6 * minor if fit == 1 else 1e-3, max(max_fwhm[s], fwhm) if fit == 1 else 1e9)
            if fit == 0 and status != CONVERGED and status != NO_PIXELS:
                # A source that would wander off is held where it was detected.
                best, _, chi2, n = fit_gaussian(stamp, weight, p, False, False)
            for k in range(6):
                out[s, column + k] = best[k]
            out[s, column + 1] += left
            out[s, column + 2] += top
            out[s, column + OUT_STATUS] = status
            out[s, column + OUT_CHI2] = chi2
            out[s, column + OUT_N] = n
