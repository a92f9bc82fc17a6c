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
def _positions(start, n, n_cells, size, extend, index, fraction):
    """Cell and fraction of the way to the next one for ``n`` pixels from ``start`` on."""
    for k in range(n):
        place = (start + k + 0.5) * n_cells / size - 0.5
        left = math.floor(place)
        left = min(max(left, 0), max(n_cells - 2, 0))
        share = place - left
        if not extend:
            share = min(max(share, 0.0), 1.0)
        index[k] = left
        fraction[k] = share if n_cells > 1 else 0.0


@njit(cache=True, nogil=True)
def _row(mesh, j, share, row):
    """One line of the mesh between its rows ``j`` and ``j + 1``."""
    below = min(j + 1, mesh.shape[0] - 1)
    for i in range(mesh.shape[1]):
        row[i] = (1.0 - share) * mesh[j, i] + share * mesh[below, i]
    row[mesh.shape[1]] = row[mesh.shape[1] - 1]


@njit(cache=True, nogil=True)
def mesh_map(mesh, shape, y0, x0, extend, out, combine):
    """
    Interpolate a mesh linearly into ``out``, whose corner is pixel ``(y0, x0)`` of ``shape``.

    ``extend`` carries the slope on beyond the outermost cell centres, else the value stays.
    ``combine`` keeps the larger of ``out`` and the map, so that a second mesh can be laid over.
    """
    n_y, n_x = out.shape
    y_index, y_share = np.empty(n_y, np.int64), np.empty(n_y, np.float32)
    x_index, x_share = np.empty(n_x, np.int64), np.empty(n_x, np.float32)
    _positions(y0, n_y, mesh.shape[0], shape[0], extend, y_index, y_share)
    _positions(x0, n_x, mesh.shape[1], shape[1], extend, x_index, x_share)
    row = np.empty(mesh.shape[1] + 1, np.float32)
    for y in range(n_y):
        _row(mesh, y_index[y], y_share[y], row)
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
                    residual = data[y, x] - level[j, i]
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
