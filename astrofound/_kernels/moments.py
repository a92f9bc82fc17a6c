"""Sums of pixels in elliptical apertures."""

import math

import numpy as np
from numba import njit

__all__ = ['elliptical_sum', 'first_radius', 'mirror_neighbours']


@njit(cache=True, nogil=True)
def _radius2(dx, dy, a, b, c):
    return a * dx * dx + 2 * b * dx * dy + c * dy * dy


@njit(cache=True, nogil=True)
def first_radius(data, x, y, a, b, c, limit):
    """
    Return the first moment of the elliptical radius, Kron's r1.

    Parameters
    ----------
    data : 2D array
        Pixels; NaN is left out.
    x, y : float
        Centre in pixels of the array.
    a, b, c : float
        Quadratic form whose root is the elliptical radius.
    limit : float
        Largest radius.

    Returns
    -------
    radius : float
        Mean radius weighted by the pixels, 0 where their sum is not positive.
    """
    ny, nx = data.shape
    moment, total = 0.0, 0.0
    for j in range(ny):
        for i in range(nx):
            value = data[j, i]
            r2 = _radius2(i - x, j - y, a, b, c)
            if r2 < limit * limit and math.isfinite(value):
                moment += math.sqrt(r2) * value
                total += value
    return moment / total if total > 0 and moment > 0 else 0.0


@njit(cache=True, nogil=True)
def elliptical_sum(data, x, y, a, b, c, radius, n_sub=5):
    """
    Sum the pixels inside an ellipse, those on its rim by the share inside.

    Parameters
    ----------
    data : 2D array
        Pixels; NaN counts as missing.
    x, y : float
        Centre in pixels of the array.
    a, b, c : float
        Quadratic form whose root is the elliptical radius.
    radius : float
        Elliptical radius of the aperture.
    n_sub : int, optional
        A pixel on the rim is divided into this many squared.

    Returns
    -------
    total : float
        Sum over the valid pixels.
    area, missing : float
        Pixels inside that are valid, and that are NaN or beyond the array.
    """
    ny, nx = data.shape
    det = a * c - b * b
    total, area, missing = 0.0, 0.0, 0.0
    if not det > 0 or not radius > 0:
        return total, area, missing
    half_x, half_y = radius * math.sqrt(c / det), radius * math.sqrt(a / det)
    # The rim crosses a pixel only within half its diagonal.
    reach = 0.71 * math.sqrt(0.5 * (a + c) + math.hypot(0.5 * (a - c), b))
    for j in range(math.floor(y - half_y), math.ceil(y + half_y) + 1):
        for i in range(math.floor(x - half_x), math.ceil(x + half_x) + 1):
            r = math.sqrt(_radius2(i - x, j - y, a, b, c))
            if r > radius + reach:
                continue
            share = 1.0
            if r > radius - reach:
                n = 0
                for k in range(n_sub):
                    dy = j - y + (k + 0.5) / n_sub - 0.5
                    for m in range(n_sub):
                        dx = i - x + (m + 0.5) / n_sub - 0.5
                        n += _radius2(dx, dy, a, b, c) <= radius * radius
                share = n / (n_sub * n_sub)
            if 0 <= j < ny and 0 <= i < nx and math.isfinite(data[j, i]):
                total += share * data[j, i]
                area += share
            else:
                missing += share
    return total, area, missing


@njit(cache=True, nogil=True)
def mirror_neighbours(data, x, y, own, others):
    """
    Replace the pixels where a neighbour is brighter by those on the other side of the source.

    Parameters
    ----------
    data : 2D array
        Changed in place: NaN where both sides are covered.
    x, y : float
        Centre of the source in pixels of the array.
    own : 2D array
        Model of the source.
    others : 2D array
        Sum of its neighbours' models.

    Returns
    -------
    n : int
        Pixels replaced.
    """
    ny, nx = data.shape
    source = data.copy()
    n = 0
    for j in range(ny):
        for i in range(nx):
            if not others[j, i] > own[j, i]:
                continue
            mj, mi = int(np.rint(2 * y - j)), int(np.rint(2 * x - i))
            if (0 <= mj < ny and 0 <= mi < nx and not others[mj, mi] > own[mj, mi]):
                data[j, i] = source[mj, mi]
            else:
                data[j, i] = math.nan
            n += 1
    return n
