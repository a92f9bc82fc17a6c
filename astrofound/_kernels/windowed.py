"""Centres and widths of sources from pixels weighted by a Gaussian that follows them."""

import math

import numpy as np
from numba import njit

__all__ = ['windowed_moments']

_REACH = 3.0      # pixels farther than this many sigma of the window are left out
_NARROWEST = 0.3  # sigma in pixels below which nothing can be told


@njit(cache=True, nogil=True)
def windowed_moments(data, boxes, n_iter, window=0.5):
    """
    Measure centre and width of the source in each box.

    The window is a Gaussian along the axes; its centre and width follow those measured, whose
    narrowing by the window is taken back, until they agree. Both are right for a Gaussian
    source. A source that its window cannot hold on to stays NaN: one too faint, or whose window
    leaves its box or doubles it.

    Parameters
    ----------
    data : 2D array
        Pixels above the background; NaN is left out.
    boxes : 2D array
        ``(n, 4)`` edges ``[x1, y1, x2, y2]`` in pixels from 0.
    n_iter : int
        Number of passes.
    window : float, optional
        Sigma of the window in units of the source's. Noise that is as smooth as the beam says
        least about the centre where the window is narrow.

    Returns
    -------
    moments : 2D array
        ``(n, 5)``: x and y as edges are, the sigmas along x and y, and the brightest pixel near
        the centre.
    """
    ny, nx = data.shape
    moments = np.full((len(boxes), 5), np.nan)
    for k in range(len(boxes)):
        x1, y1, x2, y2 = boxes[k]
        middle_x, middle_y = 0.5 * (x1 + x2), 0.5 * (y1 + y2)
        half_x, half_y = 0.5 * (x2 - x1), 0.5 * (y2 - y1)
        if not (half_x > 0 and half_y > 0):
            continue
        x, y = middle_x, middle_y
        sx, sy = max(0.6 * half_x, 0.7), max(0.6 * half_y, 0.7)
        good = True
        for _ in range(n_iter):
            wx, wy = max(window * sx, 0.6), max(window * sy, 0.6)
            total, mx, my, mxx, myy = 0.0, 0.0, 0.0, 0.0, 0.0
            j1, j2 = max(0, int(y - _REACH * wy)), min(ny, int(y + _REACH * wy) + 1)
            i1, i2 = max(0, int(x - _REACH * wx)), min(nx, int(x + _REACH * wx) + 1)
            for j in range(j1, j2):
                dy = j + 0.5 - y
                for i in range(i1, i2):
                    value = data[j, i]
                    if math.isfinite(value):
                        dx = i + 0.5 - x
                        value *= math.exp(-0.5 * (dx * dx / (wx * wx) + dy * dy / (wy * wy)))
                        total += value
                        mx += value * dx
                        my += value * dy
                        mxx += value * dx * dx
                        myy += value * dy * dy
            if not total > 0:
                good = False
                break
            mx, my = mx / total, my / total
            vx, vy = mxx / total - mx * mx, myy / total - my * my
            # a Gaussian seen through a Gaussian: 1/v = 1/own + 1/window, and the same for shifts
            if not (0 < vx < 0.98 * wx * wx and 0 < vy < 0.98 * wy * wy):
                good = False
                break
            own_x, own_y = 1 / (1 / vx - 1 / (wx * wx)), 1 / (1 / vy - 1 / (wy * wy))
            x += mx * own_x / vx
            y += my * own_y / vy
            sx, sy = math.sqrt(own_x), math.sqrt(own_y)
            if not (abs(x - middle_x) < half_x and abs(y - middle_y) < half_y
                    and _NARROWEST < sx < 2 * half_x + 1 and _NARROWEST < sy < 2 * half_y + 1):
                good = False
                break
        if good:
            peak = -math.inf
            for j in range(max(0, int(y) - 1), min(ny, int(y) + 2)):
                for i in range(max(0, int(x) - 1), min(nx, int(x) + 2)):
                    if math.isfinite(data[j, i]):
                        peak = max(peak, data[j, i])
            moments[k, 0], moments[k, 1], moments[k, 2], moments[k, 3] = x, y, sx, sy
            moments[k, 4] = peak
    return moments
