"""Draw Gaussians, Moffat stars and Sersic galaxies into an image, stamp by stamp."""

import math

import numpy as np
from numba import njit

__all__ = ['add_gaussians', 'add_moffats', 'add_sersics', 'mixture_modes', 'mixture_peak']


@njit(cache=True, nogil=True)
def _quadratic_form(major, minor, theta):
    """Coefficients a, b, c so that a Gaussian is exp(-(a dx^2 + 2 b dx dy + c dy^2))."""
    angle = math.radians(theta)
    cos2, sin2 = math.cos(angle) ** 2, math.sin(angle) ** 2
    p = 4.0 * math.log(2.0) / (major * major)
    q = 4.0 * math.log(2.0) / (minor * minor)
    return p * cos2 + q * sin2, 0.5 * (p - q) * math.sin(2.0 * angle), p * sin2 + q * cos2


@njit(cache=True, nogil=True)
def add_gaussians(image, x, y, peak, major, minor, theta, floor):
    """
    Add elliptical Gaussians, sampled at pixel centres, to ``image`` in place.

    Parameters
    ----------
    image : 2D array of float64
        Changed in place.
    x, y, peak, major, minor, theta : 1D arrays of float64
        Centre, peak, FWHM along both axes (pixels) and angle from +x (degrees).
    floor : float
        A Gaussian is drawn out to where it has fallen to this value.
    """
    ny, nx = image.shape
    for k in range(x.size):
        height = abs(peak[k])
        if height <= floor:
            continue
        a, b, c = _quadratic_form(major[k], minor[k], theta[k])
        reach = math.log(height / floor)
        det = a * c - b * b
        half_x, half_y = math.sqrt(reach * c / det), math.sqrt(reach * a / det)
        first_row = max(0, math.ceil(y[k] - half_y))
        last_row = min(ny - 1, math.floor(y[k] + half_y))
        left = max(0, math.ceil(x[k] - half_x))
        right = min(nx - 1, math.floor(x[k] + half_x))
        step = math.exp(-2.0 * a)
        for row in range(first_row, last_row + 1):
            dy = row - y[k]
            dx = left - x[k]
            # exp(-quadratic) along a row obeys a recurrence: one exp a row, not one a pixel
            value = peak[k] * math.exp(-(a * dx * dx + 2.0 * b * dx * dy + c * dy * dy))
            ratio = math.exp(-(a * (2.0 * dx + 1.0) + 2.0 * b * dy))
            for col in range(left, right + 1):
                image[row, col] += value
                value *= ratio
                ratio *= step


@njit(cache=True, nogil=True)
def _mixture_at(px, py, x, y, peak, a, b, c, first, last):
    """Sum of Gaussians ``first:last`` at a point."""
    total = 0.0
    for j in range(first, last):
        dx, dy = px - x[j], py - y[j]
        total += peak[j] * math.exp(-(a[j] * dx * dx + 2 * b[j] * dx * dy + c[j] * dy * dy))
    return total


@njit(cache=True, nogil=True)
def _climb(px, py, x, y, peak, a, b, c, first, last, n_iter):
    """Mean-shift uphill from a point: where it ends and how high that is."""
    height = _mixture_at(px, py, x, y, peak, a, b, c, first, last)
    for _ in range(n_iter):
        sxx = sxy = syy = tx = ty = 0.0
        for j in range(first, last):
            dx, dy = px - x[j], py - y[j]
            w = peak[j] * math.exp(-(a[j] * dx * dx + 2 * b[j] * dx * dy + c[j] * dy * dy))
            sxx += w * a[j]
            sxy += w * b[j]
            syy += w * c[j]
            tx += w * (a[j] * x[j] + b[j] * y[j])
            ty += w * (b[j] * x[j] + c[j] * y[j])
        det = sxx * syy - sxy * sxy
        if det <= 0.0:
            break
        qx, qy = (syy * tx - sxy * ty) / det, (sxx * ty - sxy * tx) / det
        reached = _mixture_at(qx, qy, x, y, peak, a, b, c, first, last)
        if reached <= height * (1.0 + 1e-9):
            break
        px, py, height = qx, qy, reached
    return px, py, height


@njit(cache=True, nogil=True)
def mixture_peak(x, y, peak, major, minor, theta, first, last, n_iter):
    """
    Highest point of each sum of Gaussians, by mean-shift from its best centre.

    Parameters
    ----------
    x, y, peak, major, minor, theta : 1D arrays of float64
        The Gaussians, grouped by source.
    first, last : 1D arrays of int
        Source ``k`` owns the Gaussians ``first[k]:last[k]``.
    n_iter : int
        Number of mean-shift steps.

    Returns
    -------
    x_peak, y_peak, height : 1D arrays of float64
        Where the sum is highest, and how high.
    """
    n_sources = first.size
    x_peak, y_peak = np.zeros(n_sources), np.zeros(n_sources)
    height = np.zeros(n_sources)
    a, b, c = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    for j in range(x.size):
        a[j], b[j], c[j] = _quadratic_form(major[j], minor[j], theta[j])
    for k in range(n_sources):
        best = -1.0
        for i in range(first[k], last[k]):
            total = _mixture_at(x[i], y[i], x, y, peak, a, b, c, first[k], last[k])
            if total > best:
                best, x_peak[k], y_peak[k] = total, x[i], y[i]
        height[k] = best
        if last[k] - first[k] > 1:
            x_peak[k], y_peak[k], height[k] = _climb(x_peak[k], y_peak[k], x, y, peak, a, b, c,
                                                     first[k], last[k], n_iter)
    return x_peak, y_peak, height


@njit(cache=True, nogil=True)
def mixture_modes(x, y, peak, major, minor, theta, separation, depth):
    """
    All peaks of one sum of Gaussians that an observer could tell apart.

    Parameters
    ----------
    x, y, peak, major, minor, theta : 1D arrays of float64
        The Gaussians.
    separation : float
        Of two peaks nearer than this the higher one counts, in pixels.
    depth : float
        How far the sum must fall between two peaks, in the unit of ``peak``.

    Returns
    -------
    x_mode, y_mode, height : 1D arrays of float64
        The peaks, highest first.
    """
    n = x.size
    a, b, c = np.empty(n), np.empty(n), np.empty(n)
    for j in range(n):
        a[j], b[j], c[j] = _quadratic_form(major[j], minor[j], theta[j])
    ends = np.empty((n, 3))
    for i in range(n):
        ends[i, 0], ends[i, 1], ends[i, 2] = _climb(x[i], y[i], x, y, peak, a, b, c, 0, n, 60)
    modes, n_modes = np.empty((n, 3)), 0
    for i in np.argsort(-ends[:, 2]):
        own = True
        for m in range(n_modes):
            dx, dy = ends[i, 0] - modes[m, 0], ends[i, 1] - modes[m, 1]
            if math.hypot(dx, dy) < separation:
                own = False
                break
            lowest = ends[i, 2]
            for step in range(1, 12):
                lowest = min(lowest, _mixture_at(modes[m, 0] + dx * step / 12,
                                                 modes[m, 1] + dy * step / 12,
                                                 x, y, peak, a, b, c, 0, n))
            if ends[i, 2] - lowest < depth:
                own = False
                break
        if own:
            modes[n_modes] = ends[i]
            n_modes += 1
    return modes[:n_modes, 0].copy(), modes[:n_modes, 1].copy(), modes[:n_modes, 2].copy()


@njit(cache=True, nogil=True)
def add_moffats(image, x, y, flux, fwhm, beta, axis_ratio, theta, floor, max_radius, n_sub):
    """
    Add Moffat profiles, averaged over each pixel near the core, to ``image`` in place.

    Parameters
    ----------
    image : 2D array of float64
        Changed in place.
    x, y, flux : 1D arrays of float64
        Centre in pixels and total flux of each star.
    fwhm, beta, axis_ratio, theta : float
        The point-spread function all stars share: geometric-mean FWHM in pixels, exponent,
        minor over major axis, angle of the major axis in degrees.
    floor : float
        A star is drawn out to where it has fallen to this value.
    max_radius : float
        Largest radius drawn, in pixels.
    n_sub : int
        Samples along each axis within a core pixel.
    """
    ny, nx = image.shape
    alpha = 0.5 * fwhm / math.sqrt(2.0 ** (1.0 / beta) - 1.0)
    angle = math.radians(theta)
    cos, sin = math.cos(angle), math.sin(angle)
    stretch = math.sqrt(axis_ratio)
    core = 1.5 * fwhm
    for k in range(x.size):
        peak = flux[k] * (beta - 1.0) / (math.pi * alpha * alpha)
        if peak <= floor:
            continue
        radius = alpha * math.sqrt((peak / floor) ** (1.0 / beta) - 1.0) / stretch
        radius = min(radius, max_radius)
        for row in range(max(0, math.ceil(y[k] - radius)),
                         min(ny - 1, math.floor(y[k] + radius)) + 1):
            for col in range(max(0, math.ceil(x[k] - radius)),
                             min(nx - 1, math.floor(x[k] + radius)) + 1):
                dx0, dy0 = col - x[k], row - y[k]
                r2 = dx0 * dx0 + dy0 * dy0
                if r2 > radius * radius:
                    continue
                n = n_sub if r2 < core * core else 1
                total = 0.0
                for i in range(n):
                    dy = dy0 + (i + 0.5) / n - 0.5
                    for j in range(n):
                        dx = dx0 + (j + 0.5) / n - 0.5
                        along = (dx * cos + dy * sin) * stretch
                        across = (-dx * sin + dy * cos) / stretch
                        total += (1.0 + (along * along + across * across)
                                  / (alpha * alpha)) ** (-beta)
                image[row, col] += peak * total / (n * n)


@njit(cache=True, nogil=True)
def add_sersics(image, x, y, flux, r_e, index, axis_ratio, theta, reach, n_sub, fwhm, beta):
    """
    Add Sersic profiles, truncated and normalised to their flux, to ``image`` in place.

    Parameters
    ----------
    image : 2D array of float64
        Changed in place.
    x, y, flux : 1D arrays of float64
        Centre in pixels and flux within the truncation ellipse.
    r_e, index, axis_ratio, theta : 1D arrays of float64
        Half-light semi-major axis in pixels, Sersic index, minor over major axis, angle of
        the major axis in degrees.
    reach : float
        Truncation in half-light radii.
    n_sub : int
        Samples along each axis within a core pixel; the innermost pixels take four times
        as many, since a de Vaucouleurs cusp is narrower than a pixel.
    fwhm, beta : float
        Moffat point-spread function, for the result only.

    Returns
    -------
    concentration : 1D array of float64
        Peak of each galaxy once convolved with the point-spread function, for unit flux.
    """
    ny, nx = image.shape
    concentration = np.zeros(x.size)
    alpha2 = (0.5 * fwhm) ** 2 / (2.0 ** (1.0 / beta) - 1.0)
    psf_peak = (beta - 1.0) / (math.pi * alpha2)
    for k in range(x.size):
        n = index[k]
        b_n = 2.0 * n - 1.0 / 3.0 + 4.0 / (405.0 * n)  # Ciotti & Bertin 1999
        angle = math.radians(theta[k])
        cos, sin = math.cos(angle), math.sin(angle)
        radius = reach * r_e[k] + 1.0
        x0, y0 = round(x[k]), round(y[k])
        side = math.ceil(radius)
        stamp = np.zeros((2 * side + 1, 2 * side + 1))
        total = 0.0
        for row in range(2 * side + 1):
            dy0 = y0 + row - side - y[k]
            for col in range(2 * side + 1):
                dx0 = x0 + col - side - x[k]
                r2 = dx0 * dx0 + dy0 * dy0
                if r2 > radius * radius:
                    continue
                m = 1
                if r2 < 2.0:
                    m = 4 * n_sub
                elif r2 < 16.0 or r2 < r_e[k] * r_e[k]:
                    m = n_sub
                value = 0.0
                for i in range(m):
                    dy = dy0 + (i + 0.5) / m - 0.5
                    for j in range(m):
                        dx = dx0 + (j + 0.5) / m - 0.5
                        along = dx * cos + dy * sin
                        across = (-dx * sin + dy * cos) / axis_ratio[k]
                        r = math.sqrt(along * along + across * across) / r_e[k]
                        if r <= reach:
                            value += math.exp(-b_n * r ** (1.0 / n))
                value /= m * m
                stamp[row, col] = value
                total += value
                concentration[k] += value * psf_peak * (1.0 + r2 / alpha2) ** (-beta)
        if total <= 0.0:
            continue
        concentration[k] /= total
        scale = flux[k] / total
        for row in range(2 * side + 1):
            i = y0 + row - side
            if 0 <= i < ny:
                for col in range(2 * side + 1):
                    j = x0 + col - side
                    if 0 <= j < nx:
                        image[i, j] += scale * stamp[row, col]
    return concentration
