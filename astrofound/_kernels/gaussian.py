"""
Elliptical Gaussians on pixels: evaluate, and fit with Levenberg-Marquardt.

The shape is held as the precision matrix (a, b, c) of
``A exp(-(a dx^2 + 2 b dx dy + c dy^2) / 2)``: unlike axes and an angle it has no singular
point at a circular source, and its derivatives cost no extra exponential.
"""

import math

import numpy as np
from numba import njit

__all__ = [
    'CONVERGED', 'FWHM_PER_SIGMA', 'NO_PIXELS', 'OUT_OF_BOUNDS', 'TOO_MANY_STEPS',
    'add_gaussian', 'ellipse_window', 'fit_gaussian', 'precision_from_shape',
    'shape_from_precision',
]

#: Outcomes of `fit_gaussian`.
CONVERGED, TOO_MANY_STEPS, OUT_OF_BOUNDS, NO_PIXELS = 0, 1, 2, 3

FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))


@njit(cache=True, nogil=True)
def precision_from_shape(major, minor, theta):
    """
    Turn FWHM axes and an angle into a precision matrix.

    Parameters
    ----------
    major, minor : float
        Full widths at half maximum in pixels.
    theta : float
        Angle of the major axis in degrees, counter-clockwise from +x.

    Returns
    -------
    a, b, c : float
        Elements xx, xy and yy.
    """
    cos, sin = math.cos(math.radians(theta)), math.sin(math.radians(theta))
    p, q = 8 * math.log(2) / major**2, 8 * math.log(2) / minor**2
    return p * cos * cos + q * sin * sin, (p - q) * sin * cos, p * sin * sin + q * cos * cos


@njit(cache=True, nogil=True)
def shape_from_precision(a, b, c):
    """
    Turn a positive definite precision matrix into FWHM axes and an angle.

    Parameters
    ----------
    a, b, c : float
        Elements xx, xy and yy.

    Returns
    -------
    major, minor : float
        Full widths at half maximum in pixels.
    theta : float
        Angle of the major axis in degrees, counter-clockwise from +x, in [0, 180).
    """
    mean, half = 0.5 * (a + c), math.hypot(0.5 * (a - c), b)
    major = FWHM_PER_SIGMA / math.sqrt(max(mean - half, 1e-12))
    minor = FWHM_PER_SIGMA / math.sqrt(mean + half)
    # The major axis is the eigenvector of the smaller eigenvalue, hence the signs.
    theta = math.degrees(0.5 * math.atan2(-2 * b, c - a))
    return major, minor, theta % 180.0


@njit(cache=True, nogil=True)
def ellipse_window(ny, nx, x0, y0, a, b, c, limit):
    """
    Find the part of an array that an ellipse can reach.

    Parameters
    ----------
    ny, nx : int
        Shape of the array.
    x0, y0 : float
        Centre in pixels of the array.
    a, b, c : float
        Precision matrix.
    limit : float
        Squared radius in sigmas.

    Returns
    -------
    top, bottom, left, right : int
        First row and column, and those after the last; no rows where there is no ellipse.
    """
    det = a * c - b * b
    if not det > 0:
        return 0, 0, 0, 0
    reach_y = math.sqrt(limit * a / det)
    reach_x = math.sqrt(limit * c / det)
    if not (abs(x0) < 1e9 and abs(y0) < 1e9 and reach_x < 1e9 and reach_y < 1e9):
        return 0, 0, 0, 0
    return (max(0, math.ceil(y0 - reach_y)), min(ny, int(y0 + reach_y) + 1),
            max(0, math.ceil(x0 - reach_x)), min(nx, int(x0 + reach_x) + 1))


@njit(cache=True, nogil=True)
def add_gaussian(stamp, amplitude, x0, y0, a, b, c, factor=1.0, limit=18.0):
    """
    Add ``factor`` times a Gaussian to an array in place.

    Parameters
    ----------
    stamp : 2D array
        Changed in place; NaN pixels stay NaN.
    amplitude : float
        Peak.
    x0, y0 : float
        Centre in pixels of the array.
    a, b, c : float
        Precision matrix.
    factor : float, optional
        Minus one subtracts.
    limit : float, optional
        Squared radius in sigmas beyond which nothing is added.
    """
    ny, nx = stamp.shape
    top, bottom, left, right = ellipse_window(ny, nx, x0, y0, a, b, c, limit)
    for j in range(top, bottom):
        dy = j - y0
        for i in range(left, right):
            dx = i - x0
            q = a * dx * dx + 2 * b * dx * dy + c * dy * dy
            if q < limit:
                stamp[j, i] += factor * amplitude * math.exp(-0.5 * q)


@njit(cache=True, nogil=True)
def _normal_equations(stamp, weight, p, use, matrix, gradient):
    """Fill J'J and J'r of the parameters in ``use``; return chi2 (sum of squares) and pixels."""
    ny, nx = stamp.shape
    n = len(use)
    jac = np.zeros(7)
    matrix[:] = 0
    gradient[:] = 0
    chi2 = 0.0
    n_pixels = 0
    for j in range(ny):
        dy = j - p[2]
        for i in range(nx):
            value = stamp[j, i]
            w = weight[j, i]
            if not (w > 0) or not math.isfinite(value):
                continue
            dx = i - p[1]
            q = p[3] * dx * dx + 2 * p[4] * dx * dy + p[5] * dy * dy
            e = math.exp(-0.5 * q)
            model = p[0] * e
            residual = value - model - p[6]
            chi2 += w * residual * residual
            n_pixels += 1
            jac[0] = e
            jac[1] = model * (p[3] * dx + p[4] * dy)
            jac[2] = model * (p[4] * dx + p[5] * dy)
            jac[3] = -0.5 * model * dx * dx
            jac[4] = -model * dx * dy
            jac[5] = -0.5 * model * dy * dy
            jac[6] = 1.0
            for k in range(n):
                dk = w * jac[use[k]]
                gradient[k] += dk * residual
                for m in range(k + 1):
                    matrix[k, m] += dk * jac[use[m]]
    for k in range(n):
        for m in range(k):
            matrix[m, k] = matrix[k, m]
    return chi2, n_pixels


@njit(cache=True, nogil=True)
def _chi2(stamp, weight, p):
    """Return the weighted sum of squared residuals."""
    ny, nx = stamp.shape
    chi2 = 0.0
    for j in range(ny):
        dy = j - p[2]
        for i in range(nx):
            value = stamp[j, i]
            w = weight[j, i]
            if not (w > 0) or not math.isfinite(value):
                continue
            dx = i - p[1]
            q = p[3] * dx * dx + 2 * p[4] * dx * dy + p[5] * dy * dy
            residual = value - p[0] * math.exp(-0.5 * q) - p[6]
            chi2 += w * residual * residual
    return chi2


@njit(cache=True, nogil=True)
def _solve_damped(matrix, gradient, damping, step):
    """Solve (M + damping diag M) step = gradient by Cholesky; False when singular."""
    n = len(gradient)
    lower = np.zeros((n, n))
    for k in range(n):
        for m in range(k + 1):
            total = matrix[k, m]
            if k == m:
                total += damping * matrix[k, k]
            for i in range(m):
                total -= lower[k, i] * lower[m, i]
            if k == m:
                if not total > 1e-14 * matrix[k, k]:
                    return False
                lower[k, k] = math.sqrt(total)
            else:
                lower[k, m] = total / lower[m, m]
    for k in range(n):
        total = gradient[k]
        for i in range(k):
            total -= lower[k, i] * step[i]
        step[k] = total / lower[k, k]
    for k in range(n - 1, -1, -1):
        total = step[k]
        for i in range(k + 1, n):
            total -= lower[i, k] * step[i]
        step[k] = total / lower[k, k]
    return True


@njit(cache=True, nogil=True)
def _inside(p, x_start, y_start, max_shift, min_fwhm, max_fwhm):
    """Whether parameters keep to the bounds and the shape is an ellipse."""
    det = p[3] * p[5] - p[4] * p[4]
    if not (det > 0 and p[3] > 0 and p[5] > 0):
        return False
    if not (p[1] - x_start)**2 + (p[2] - y_start)**2 <= max_shift * max_shift:
        return False
    major, minor, _ = shape_from_precision(p[3], p[4], p[5])
    return min_fwhm <= minor and major <= max_fwhm and math.isfinite(p[0])


@njit(cache=True, nogil=True)
def fit_gaussian(stamp, weight, start, free_shape=True, free_position=True, free_offset=False,
                 max_shift=1e6, min_fwhm=0.5, max_fwhm=1e6, n_iter_max=30, tolerance=1e-4):
    """
    Fit one elliptical Gaussian to a stamp by weighted least squares.

    Parameters
    ----------
    stamp : 2D array
        Pixels; NaN is left out.
    weight : 2D array
        Weight of each pixel, same shape; 0 leaves a pixel out.
    start : (7,) array of float64
        Amplitude, x, y, a, b, c, offset to start from; x and y in pixels of the stamp.
    free_shape, free_position, free_offset : bool, optional
        Which parameters are fitted beside the amplitude; the others keep their start.
    max_shift : float, optional
        Largest distance of the centre from its start, in pixels.
    min_fwhm, max_fwhm : float, optional
        Limits of the axes in pixels.
    n_iter_max : int, optional
        Largest number of steps.
    tolerance : float, optional
        The fit has converged when no parameter moves by more than this, relative to the
        amplitude, to the size and to one pixel.

    Returns
    -------
    parameters : (7,) array of float64
        As ``start``; the start itself where nothing could be fitted.
    status : int
        `CONVERGED`, `TOO_MANY_STEPS`, `OUT_OF_BOUNDS` (stopped at a bound) or `NO_PIXELS`.
    chi2 : float
        Weighted sum of squared residuals.
    n_pixels : int
        Pixels used.
    """
    use = np.empty(7, np.int64)
    n = 1
    use[0] = 0
    if free_position:
        use[n], use[n + 1] = 1, 2
        n += 2
    if free_shape:
        use[n], use[n + 1], use[n + 2] = 3, 4, 5
        n += 3
    if free_offset:
        use[n] = 6
        n += 1
    use = use[:n]
    p = start.copy()
    trial = p.copy()
    matrix, gradient, step = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    chi2, n_pixels = _normal_equations(stamp, weight, p, use, matrix, gradient)
    if n_pixels <= n or not math.isfinite(chi2):
        return p, NO_PIXELS, chi2, n_pixels
    damping = 1e-3
    status = TOO_MANY_STEPS
    refused = False
    for _ in range(n_iter_max):
        if not _solve_damped(matrix, gradient, damping, step):
            damping = max(10 * damping, 1e-6)
            if damping > 1e8:
                break
            continue
        trial[:] = p
        for k in range(n):
            trial[use[k]] += step[k]
        if not _inside(trial, start[1], start[2], max_shift, min_fwhm, max_fwhm):
            refused = True
            damping *= 10
            if damping > 1e8:
                status = OUT_OF_BOUNDS
                break
            continue
        new = _chi2(stamp, weight, trial)
        small = _small_step(p, trial, tolerance)
        if new <= chi2:
            p[:] = trial
            damping = max(0.1 * damping, 1e-9)
            if small:
                chi2 = new
                # A step can be small only because a bound forced heavy damping on it.
                status = OUT_OF_BOUNDS if refused and damping > 1.0 else CONVERGED
                break
            chi2, _ = _normal_equations(stamp, weight, p, use, matrix, gradient)
        else:
            if small:
                status = OUT_OF_BOUNDS if refused and damping > 1.0 else CONVERGED
                break
            damping *= 10
    return p, status, chi2, n_pixels


@njit(cache=True, nogil=True)
def _small_step(p, trial, tolerance):
    """Whether two sets of parameters agree within the tolerance."""
    size = p[3] + p[5]
    return (abs(trial[0] - p[0]) <= tolerance * (abs(p[0]) + 1e-300)
            and abs(trial[1] - p[1]) <= tolerance and abs(trial[2] - p[2]) <= tolerance
            and abs(trial[3] - p[3]) <= tolerance * size
            and abs(trial[4] - p[4]) <= tolerance * size
            and abs(trial[5] - p[5]) <= tolerance * size
            and abs(trial[6] - p[6]) <= tolerance * (abs(p[0]) + abs(p[6]) + 1e-300))
