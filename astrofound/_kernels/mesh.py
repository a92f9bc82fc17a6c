"""Statistics of mesh cells and the maps interpolated from them."""

import math

import numpy as np
from numba import njit

from .clip import N_BINS, clipped_statistics

__all__ = ['lower_rms', 'mesh_cells', 'mesh_map', 'mesh_significance', 'neighbour_median']


@njit(cache=True, nogil=True)
def mesh_cells(data, y_edges, x_edges, n_sub, sigma, n_iter_max, upper, stats, peaks):
    """
    Measure every cell of a strip.

    ``y_edges`` and ``x_edges`` bound the fine cells, ``n_sub`` of which make a cell along each
    axis. ``stats[j, i]`` takes the number of finite pixels and the four figures of
    `clipped_statistics`; ``peaks`` the largest finite pixel of each fine cell (else -inf).
    """
    n_y = (y_edges.shape[0] - 1) // n_sub
    n_x = (x_edges.shape[0] - 1) // n_sub
    tallest = 0
    for j in range(n_y):
        tallest = max(tallest, y_edges[(j + 1) * n_sub] - y_edges[j * n_sub])
    widest = 0
    for i in range(n_x):
        widest = max(widest, x_edges[(i + 1) * n_sub] - x_edges[i * n_sub])
    buffer = np.empty(tallest * widest, np.float32)
    work = np.empty(256, np.float32)
    counts = np.empty(N_BINS + 2, np.int64)
    out = np.empty(4)
    for j in range(n_y):
        for i in range(n_x):
            n = 0
            for fj in range(j * n_sub, (j + 1) * n_sub):
                for fi in range(i * n_sub, (i + 1) * n_sub):
                    peak = np.float32(-np.inf)
                    for y in range(y_edges[fj], y_edges[fj + 1]):
                        for x in range(x_edges[fi], x_edges[fi + 1]):
                            value = data[y, x]
                            buffer[n] = value
                            if value - value == 0.0:  # neither NaN nor infinite
                                n += 1
                                peak = max(peak, value)
                    peaks[fj, fi] = peak
            stats[j, i, 0] = n
            if n == 0:
                stats[j, i, 1:] = np.nan
                continue
            clipped_statistics(buffer, n, sigma, n_iter_max, upper, work, counts, out)
            for k in range(4):
                stats[j, i, k + 1] = out[k]


@njit(cache=True, nogil=True)
def _positions(start, n, n_cells, size, index, fraction):
    """Node of the padded mesh before each of ``n`` pixels from ``start`` on, and the way on."""
    for k in range(n):
        place = (start + k + 0.5) * n_cells / size + 0.5
        left = min(math.floor(place), n_cells)
        index[k] = left
        fraction[k] = place - left


@njit(cache=True, nogil=True)
def mesh_map(mesh, shape, y0, x0, out, combine):
    """
    Interpolate a mesh linearly into ``out``, whose corner is pixel ``(y0, x0)`` of ``shape``.

    The mesh has one row or column more on each side than the image has cells; nodes lie at the
    centres of the cells. ``combine`` keeps the larger of ``out`` and the map, so that a second
    mesh can be laid over the first.
    """
    n_y, n_x = out.shape
    y_index, y_share = np.empty(n_y, np.int64), np.empty(n_y, np.float32)
    x_index, x_share = np.empty(n_x, np.int64), np.empty(n_x, np.float32)
    _positions(y0, n_y, mesh.shape[0] - 2, shape[0], y_index, y_share)
    _positions(x0, n_x, mesh.shape[1] - 2, shape[1], x_index, x_share)
    if n_x == 0:
        return
    row = np.empty(mesh.shape[1], np.float32)
    for y in range(n_y):
        j, share = y_index[y], y_share[y]
        for i in range(x_index[0], x_index[n_x - 1] + 2):
            row[i] = mesh[j, i] + share * (mesh[j + 1, i] - mesh[j, i])
        if combine:
            for x in range(n_x):
                i = x_index[x]
                value = row[i] + x_share[x] * (row[i + 1] - row[i])
                out[y, x] = max(out[y, x], value)
        else:
            for x in range(n_x):
                i = x_index[x]
                out[y, x] = row[i] + x_share[x] * (row[i + 1] - row[i])


@njit(cache=True, nogil=True)
def mesh_significance(data, background, rms, out):
    """Write ``(data - background) / rms``, NaN where anything is not finite or rms not > 0."""
    for y in range(data.shape[0]):
        for x in range(data.shape[1]):
            if rms[y, x] > 0.0:
                value = (data[y, x] - background[y, x]) / rms[y, x]
                out[y, x] = value if value - value == 0.0 else np.nan
            else:
                out[y, x] = np.nan


@njit(cache=True, nogil=True)
def lower_rms(data, y_edges, x_edges, level, wanted, min_count, out):
    """
    Scatter below the level, ``sqrt(mean((data - level)**2))`` of the fainter pixels only.

    Artefacts swing both ways and raise it; sources are positive and do not. Cells that are not
    ``wanted`` keep ``out``; those with fewer than ``min_count`` fainter pixels become NaN.
    """
    for j in range(y_edges.shape[0] - 1):
        for i in range(x_edges.shape[0] - 1):
            if not wanted[j, i]:
                continue
            n = 0
            total = 0.0
            for y in range(y_edges[j], y_edges[j + 1]):
                for x in range(x_edges[i], x_edges[i + 1]):
                    # float64, since the square of 1e-25 is 0 in float32
                    residual = np.float64(data[y, x]) - level[j, i]
                    if residual < 0.0 and residual - residual == 0.0:
                        n += 1
                        total += residual * residual
            out[j, i] = math.sqrt(total / n) if n >= min_count else np.nan


@njit(cache=True, nogil=True)
def neighbour_median(mesh, radius, mirror, out):
    """
    Median of the cells within ``radius`` along both axes; NaN cells have no say.

    With ``mirror`` a missing neighbour (NaN or beyond the edge) is replaced by the mirror image
    of the opposite one through the centre, so that a slope keeps its value up to the rim.
    """
    n_y, n_x = mesh.shape
    found = np.empty((2 * radius + 1) ** 2, np.float64)
    for j in range(n_y):
        for i in range(n_x):
            centre = mesh[j, i]
            n = 0
            for dj in range(-radius, radius + 1):
                for di in range(-radius, radius + 1):
                    y, x = j + dj, i + di
                    value = np.nan
                    if 0 <= y < n_y and 0 <= x < n_x:
                        value = mesh[y, x]
                    y, x = j - dj, i - di
                    if mirror and value != value and 0 <= y < n_y and 0 <= x < n_x:
                        value = 2.0 * centre - mesh[y, x]
                    if value == value:
                        found[n] = value
                        n += 1
            out[j, i] = np.median(found[:n]) if n else np.nan
