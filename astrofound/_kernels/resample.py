"""Separable resampling with weights in absolute coordinates; NaN is left out of every sum."""

import numpy as np
from numba import njit

__all__ = ['resample_rows', 'resample_columns']


@njit(cache=True, nogil=True)
def resample_rows(data, first, weights, offset, middle, lost):
    """
    Resample every row of ``data``.

    Output pixel ``i`` is the sum of ``weights[i, k] * data[y, first[i] - offset + k]``;
    ``offset`` is the column of the image at which ``data`` begins. ``middle`` takes the sums
    and ``lost`` the weight that fell on pixels without a value. Rows without such a pixel
    leave ``lost`` at 0. Returns whether any pixel had no value.
    """
    n_taps = weights.shape[1]
    any_lost = False
    row = np.empty(data.shape[1], np.float32)
    bad = np.empty(data.shape[1], np.float32)
    zero = np.float32(0.0)
    one = np.float32(1.0)
    for y in range(data.shape[0]):
        n_bad = 0
        for x in range(data.shape[1]):
            value = data[y, x]
            good = value - value == zero  # neither NaN nor infinite
            row[x] = value if good else zero
            bad[x] = zero if good else one
            n_bad += not good
        for i in range(first.shape[0]):
            start = first[i] - offset
            total = zero
            for k in range(n_taps):
                weight = weights[i, k]
                if weight != zero:
                    total += weight * row[start + k]
            middle[y, i] = total
        if n_bad == 0:
            lost[y, :] = zero
            continue
        any_lost = True
        for i in range(first.shape[0]):
            start = first[i] - offset
            total = zero
            for k in range(n_taps):
                weight = weights[i, k]
                if weight != zero:
                    total += weight * bad[start + k]
            lost[y, i] = total
    return any_lost


@njit(cache=True, nogil=True)
def resample_columns(middle, lost, any_lost, first, weights, offset, out):
    """
    Resample the columns of ``middle`` into ``out`` and renormalise for lost weight.

    A pixel half of whose weight is lost becomes NaN.
    """
    n_x = middle.shape[1]
    zero = np.float32(0.0)
    one = np.float32(1.0)
    total = np.empty(n_x, np.float32)
    gone = np.empty(n_x, np.float32)
    for j in range(first.shape[0]):
        start = first[j] - offset
        total[:] = zero
        for k in range(weights.shape[1]):
            weight = weights[j, k]
            if weight != zero:
                line = middle[start + k]
                for x in range(n_x):
                    total[x] += weight * line[x]
        if not any_lost:
            out[j, :] = total
            continue
        gone[:] = zero
        for k in range(weights.shape[1]):
            weight = weights[j, k]
            if weight != zero:
                line = lost[start + k]
                for x in range(n_x):
                    gone[x] += weight * line[x]
        for x in range(n_x):
            kept = one - gone[x]
            # nothing lost divides by exactly 1, so that tiles agree bit for bit
            out[j, x] = total[x] / kept if kept >= np.float32(0.5) else np.float32(np.nan)
