"""Overlaps of many boxes, and non-maximum suppression, in time linear in their number."""

import math

import numpy as np
from numba import njit

__all__ = ['overlap_lists', 'suppress_boxes']


@njit(cache=True, nogil=True)
def _cells_of(box, x0, y0, size, nx, ny):
    """Return the range of grid cells that a box covers."""
    i1 = min(max(int((box[0] - x0) / size), 0), nx - 1)
    i2 = min(max(int((box[2] - x0) / size), 0), nx - 1)
    j1 = min(max(int((box[1] - y0) / size), 0), ny - 1)
    j2 = min(max(int((box[3] - y0) / size), 0), ny - 1)
    return i1, i2, j1, j2


@njit(cache=True, nogil=True)
def _grid_of(boxes):
    """Choose a grid of about as many cells as boxes, and not finer than the mean box."""
    n = len(boxes)
    x0, y0 = boxes[:, 0].min(), boxes[:, 1].min()
    width = max(boxes[:, 2].max() - x0, 1e-6)
    height = max(boxes[:, 3].max() - y0, 1e-6)
    side = 0.0
    for k in range(n):
        side += math.sqrt(max(boxes[k, 2] - boxes[k, 0], 0.0)
                          * max(boxes[k, 3] - boxes[k, 1], 0.0))
    size = max(side / n, math.sqrt(width * height / (2.0 * n)), max(width, height) / (8.0 * n + 64))
    nx = int(width / size) + 1
    ny = int(height / size) + 1
    return x0, y0, size, nx, ny


@njit(cache=True, nogil=True)
def overlap_lists(queries, targets):
    """
    List, for each query box, the target boxes that overlap it.

    Parameters
    ----------
    queries, targets : (n, 4) and (m, 4) arrays of float64
        Finite edges ``[x1, y1, x2, y2]``; touching counts as overlapping.

    Returns
    -------
    first : (n + 1,) array of int64
        The targets of query ``k`` are ``index[first[k]:first[k + 1]]``.
    index : array of int64
        Rows of ``targets``, ascending within each query.
    """
    n, m = len(queries), len(targets)
    first = np.zeros(n + 1, np.int64)
    if n == 0 or m == 0:
        return first, np.empty(0, np.int64)
    x0, y0, size, nx, ny = _grid_of(targets)
    start = np.zeros(nx * ny + 1, np.int64)
    for t in range(m):
        i1, i2, j1, j2 = _cells_of(targets[t], x0, y0, size, nx, ny)
        for j in range(j1, j2 + 1):
            for i in range(i1, i2 + 1):
                start[j * nx + i + 1] += 1
    for cell in range(nx * ny):
        start[cell + 1] += start[cell]
    fill = start[:-1].copy()
    content = np.empty(start[-1], np.int64)
    for t in range(m):
        i1, i2, j1, j2 = _cells_of(targets[t], x0, y0, size, nx, ny)
        for j in range(j1, j2 + 1):
            for i in range(i1, i2 + 1):
                content[fill[j * nx + i]] = t
                fill[j * nx + i] += 1
    seen = np.full(m, -1, np.int64)
    capacity = 4 * n + 16
    index = np.empty(capacity, np.int64)
    count = 0
    for q in range(n):
        i1, i2, j1, j2 = _cells_of(queries[q], x0, y0, size, nx, ny)
        begin = count
        for j in range(j1, j2 + 1):
            for i in range(i1, i2 + 1):
                for k in range(start[j * nx + i], start[j * nx + i + 1]):
                    t = content[k]
                    if seen[t] == q:
                        continue
                    seen[t] = q
                    if (targets[t, 0] > queries[q, 2] or targets[t, 2] < queries[q, 0]
                            or targets[t, 1] > queries[q, 3] or targets[t, 3] < queries[q, 1]):
                        continue
                    if count == capacity:
                        capacity *= 2
                        grown = np.empty(capacity, np.int64)
                        grown[:count] = index[:count]
                        index = grown
                    index[count] = t
                    count += 1
        index[begin:count].sort()
        first[q + 1] = count
    return first, index[:count].copy()


@njit(cache=True, nogil=True)
def _shared_area(a, b):
    """Return the area that two boxes share, and the area of each."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    return (width * height, max((a[2] - a[0]) * (a[3] - a[1]), 1e-12),
            max((b[2] - b[0]) * (b[3] - b[1]), 1e-12))


@njit(cache=True, nogil=True)
def suppress_boxes(order, x, y, boxes, score, kind, first, index, radius, iou, centre, contained,
                   claim):
    """
    Mark which detections stay.

    Parameters
    ----------
    order : (n,) array of int64
        Detections from the one to trust most to the one to trust least.
    x, y : (n,) arrays
        Positions.
    boxes : (n, 4) array
        Edges ``[x1, y1, x2, y2]``.
    score : (n,) array
        Scores.
    kind : (n,) array of int
        0 point, 1 extended, 2 multi.
    first, index : arrays of int64
        Overlapping detections, from `overlap_lists`.
    radius : float
        Two centres nearer than this are one source.
    iou : float
        Two boxes with a larger intersection over union are one source.
    centre : float
        Two extended boxes whose centres are nearer than this share of the smaller one's
        side are one source.
    contained : float
        Share of a box that must lie inside a multi box for it to be a component of it.
    claim : float
        A multi claims components up to its own score divided by this.

    Returns
    -------
    keep : (n,) array of bool
        Which ones stay.
    """
    n = len(order)
    keep = np.ones(n, np.bool_)
    done = np.zeros(n, np.bool_)
    for k in order:
        done[k] = True
        if not keep[k]:
            continue
        for m in index[first[k]:first[k + 1]]:
            if done[m] or not keep[m]:
                continue
            if (kind[k] == 2) != (kind[m] == 2) and (kind[k] == 0 or kind[m] == 0):
                continue  # components are settled below, by what contains what
            distance = math.hypot(x[m] - x[k], y[m] - y[k])
            shared, area_k, area_m = _shared_area(boxes[k], boxes[m])
            same = distance < radius or shared > iou * (area_k + area_m - shared)
            if kind[k] > 0 and kind[m] > 0 and not same:
                same = distance < centre * math.sqrt(min(area_k, area_m))
            keep[m] = not same
    for k in order:
        if kind[k] != 2 or not keep[k]:
            continue
        for m in index[first[k]:first[k + 1]]:
            if kind[m] == 2 or not keep[m] or score[m] * claim > score[k]:
                continue
            shared, area_k, area_m = _shared_area(boxes[k], boxes[m])
            inside = (boxes[k, 0] <= x[m] + 0.5 <= boxes[k, 2]
                      and boxes[k, 1] <= y[m] + 0.5 <= boxes[k, 3])
            if inside and area_m < area_k and shared > contained * area_m:
                keep[m] = False
    return keep
