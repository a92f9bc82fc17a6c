"""Fit several overlapping Gaussians together."""

import math

import numpy as np
from numba import njit

from .gaussian import (
    CONVERGED,
    NO_PIXELS,
    OUT_OF_BOUNDS,
    TOO_MANY_STEPS,
    _solve_damped,
    shape_from_precision,
)

__all__ = ['FREE_POSITION', 'FREE_SHAPE', 'fit_group']

#: What is fitted of a member beside its amplitude.
FREE_POSITION, FREE_SHAPE = 1, 2


@njit(cache=True, nogil=True)
def _used_pixels(stamp, weight):
    """List value, weight, x and y of the pixels that count, which may be few of a large stamp."""
    ny, nx = stamp.shape
    pixels = np.empty((ny * nx, 4))
    n = 0
    for j in range(ny):
        for i in range(nx):
            if weight[j, i] > 0 and math.isfinite(stamp[j, i]):
                pixels[n, 0], pixels[n, 1] = stamp[j, i], weight[j, i]
                pixels[n, 2], pixels[n, 3] = i, j
                n += 1
    return pixels[:n]


@njit(cache=True, nogil=True)
def _equations(pixels, p, slot, kind, n, matrix, gradient, with_matrix):
    """Return chi2; fill J'J and J'r when asked."""
    k = len(p)
    jac = np.empty(n)
    if with_matrix:
        matrix[:] = 0
        gradient[:] = 0
    chi2 = 0.0
    for j in range(len(pixels)):
        residual, weight, x, y = pixels[j]
        for m in range(k):
            dx, dy = x - p[m, 1], y - p[m, 2]
            q = p[m, 3] * dx * dx + 2 * p[m, 4] * dx * dy + p[m, 5] * dy * dy
            e = math.exp(-0.5 * q) if q < 60.0 else 0.0
            model = p[m, 0] * e
            residual -= model
            if with_matrix:
                s = slot[m]
                jac[s] = e
                if kind[m] >= 1:
                    jac[s + 1] = model * (p[m, 3] * dx + p[m, 4] * dy)
                    jac[s + 2] = model * (p[m, 4] * dx + p[m, 5] * dy)
                if kind[m] >= 2:
                    t = s + 3
                    jac[t] = -0.5 * model * dx * dx
                    jac[t + 1] = -model * dx * dy
                    jac[t + 2] = -0.5 * model * dy * dy
        chi2 += weight * residual * residual
        if with_matrix:
            for a in range(n):
                if jac[a] == 0:
                    continue
                wa = weight * jac[a]
                gradient[a] += wa * residual
                for b in range(a + 1):
                    matrix[a, b] += wa * jac[b]
    if with_matrix:
        for a in range(n):
            # A member whose pixels are blank has no row: a tiny diagonal holds it in place.
            matrix[a, a] = max(matrix[a, a], 1e-30)
            for b in range(a):
                matrix[b, a] = matrix[a, b]
    return chi2


@njit(cache=True, nogil=True)
def _allowed(p, start, kind, shift, min_fwhm, max_fwhm):
    """Whether all members keep to their bounds."""
    for m in range(len(p)):
        if not math.isfinite(p[m, 0]):
            return False
        if kind[m] >= 1:
            away = (p[m, 1] - start[m, 1])**2 + (p[m, 2] - start[m, 2])**2
            if not away <= shift[m] * shift[m]:
                return False
        if kind[m] >= 2:
            if not (p[m, 3] > 0 and p[m, 5] > 0 and p[m, 3] * p[m, 5] > p[m, 4]**2):
                return False
            major, minor, _ = shape_from_precision(p[m, 3], p[m, 4], p[m, 5])
            if not (min_fwhm <= minor and major <= max_fwhm):
                return False
    return True


@njit(cache=True, nogil=True)
def _settled(p, trial, kind, tolerance):
    """Whether the first member, the one asked for, has stopped moving."""
    size = p[0, 3] + p[0, 5]
    good = abs(trial[0, 0] - p[0, 0]) <= tolerance * (abs(p[0, 0]) + 1e-300)
    for c in range(1, 3):
        good = good and abs(trial[0, c] - p[0, c]) <= tolerance
    for c in range(3, 6):
        good = good and abs(trial[0, c] - p[0, c]) <= tolerance * size
    return good


@njit(cache=True, nogil=True)
def fit_group(stamp, weight, start, kind, shift, min_fwhm, max_fwhm, n_iter_max=30,
              tolerance=2e-4):
    """
    Fit overlapping Gaussians to a stamp by least squares with Levenberg-Marquardt.

    Parameters
    ----------
    stamp, weight : 2D arrays
        Pixels and their weights; NaN pixels and weight 0 are left out.
    start : (k, 6) array of float64
        Amplitude, x, y and precision matrix of each member, the one asked for first.
    kind : (k,) array of int64
        0 amplitude only, `FREE_POSITION`, or `FREE_SHAPE` (position too).
    shift : (k,) array of float64
        Largest distance of each centre from its start in pixels.
    min_fwhm, max_fwhm : float
        Limits of fitted axes.
    n_iter_max : int, optional
        Largest number of steps.
    tolerance : float, optional
        Converged when the first member moves by less.

    Returns
    -------
    parameters : (k, 6) array of float64
        As ``start``.
    status : int
        As in `fit_gaussian`.
    chi2 : float
        Weighted sum of squared residuals.
    n_pixels : int
        Sum of the weights.
    """
    k = len(start)
    slot = np.empty(k, np.int64)
    n = 0
    for m in range(k):
        slot[m] = n
        n += 1 + 2 * (kind[m] >= 1) + 3 * (kind[m] >= 2)
    p, trial = start.copy(), start.copy()
    matrix, gradient, step = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    pixels = _used_pixels(stamp, weight)
    n_pixels = round(pixels[:, 1].sum())
    chi2 = _equations(pixels, p, slot, kind, n, matrix, gradient, True)
    if len(pixels) <= n or not math.isfinite(chi2):
        return p, NO_PIXELS, chi2, n_pixels
    damping, status, refused = 1e-3, TOO_MANY_STEPS, False
    for _ in range(n_iter_max):
        if damping > 1e8:
            status = OUT_OF_BOUNDS if refused else TOO_MANY_STEPS
            break
        if not _solve_damped(matrix, gradient, damping, step):
            damping = max(10 * damping, 1e-6)
            continue
        trial[:] = p
        for m in range(k):
            trial[m, 0] += step[slot[m]]
            if kind[m] >= 1:
                trial[m, 1] += step[slot[m] + 1]
                trial[m, 2] += step[slot[m] + 2]
            if kind[m] >= 2:
                for c in range(3):
                    trial[m, 3 + c] += step[slot[m] + 3 + c]
        if not _allowed(trial, start, kind, shift, min_fwhm, max_fwhm):
            refused = True
            damping *= 10
            continue
        new = _equations(pixels, trial, slot, kind, n, matrix, gradient, False)
        settled = _settled(p, trial, kind, tolerance)
        if new <= chi2:
            p[:] = trial
            chi2 = new
        if settled:
            status = OUT_OF_BOUNDS if refused and damping > 1.0 else CONVERGED
            break
        if new > chi2:
            damping *= 10
            continue
        damping = max(0.1 * damping, 1e-9)
        chi2 = _equations(pixels, p, slot, kind, n, matrix, gradient, True)
    return p, status, chi2, n_pixels
