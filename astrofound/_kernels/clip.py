"""Sigma clipping on a histogram: medians and clipped moments of one buffer in a single pass."""

import math

import numpy as np
from numba import njit

__all__ = ['N_BINS', 'clipped_statistics', 'truncation_factors']

N_BINS = 256
_N_START = 255  # pixels looked at to place the histogram; never enters a statistic
_MAD_TO_SIGMA = 1.4826  # turns a MAD into a Gaussian sigma


@njit(cache=True, nogil=True)
def truncation_factors(low, high):
    """
    Give mean and standard deviation of a unit Gaussian cut at ``low`` and ``high``.

    Dividing a clipped standard deviation by the second, and taking the first times the
    width off a clipped mean, undoes what the cut did to pure noise.
    """
    root = math.sqrt(2.0 * math.pi)
    p_low = math.exp(-0.5 * low * low) / root
    p_high = math.exp(-0.5 * high * high) / root
    area = 0.5 * (math.erf(high / math.sqrt(2.0)) - math.erf(low / math.sqrt(2.0)))
    mean = (p_low - p_high) / area
    variance = 1.0 + (low * p_low - high * p_high) / area - mean * mean
    return mean, math.sqrt(variance)


@njit(cache=True, nogil=True)
def _start(values, n, work):
    """Median and MAD sigma of a strided look at the buffer."""
    stride = max(1, n // _N_START)
    if stride > 1 and stride % 2 == 0:
        stride += 1  # an odd step does not fall in with stripes
    m = 0
    i = 0
    while i < n and m < work.shape[0]:
        work[m] = values[i]
        m += 1
        i += stride
    part = np.sort(work[:m])
    middle = part[m // 2]
    for i in range(m):
        part[i] = abs(part[i] - middle)
    part.sort()
    return middle, _MAD_TO_SIGMA * part[m // 2]


@njit(cache=True, nogil=True)
def _plain_clip(values, n, sigma, n_iter_max):
    """Mean and standard deviation clipped around the mean, for data without a MAD."""
    low, high = -np.inf, np.inf
    centre = float(values[0])
    spread = 0.0
    for _ in range(n_iter_max):
        m = 0
        mean = 0.0
        for i in range(n):
            if low <= values[i] <= high:
                m += 1
                mean += values[i]
        mean /= m
        square = 0.0
        for i in range(n):
            if low <= values[i] <= high:
                square += (values[i] - mean) ** 2
        std = math.sqrt(square / m)
        if std <= 1e-6 * abs(mean):
            break  # nothing but the common value is left: the pass before was the last good one
        centre, done = mean, std == spread
        spread = std
        low, high = centre - sigma * spread, centre + sigma * spread
        if done:
            break
    return centre, spread


@njit(cache=True, nogil=True)
def _fill(values, n, low, width, counts):
    """Histogram of the buffer; the first and last bin take what lies beyond."""
    counts[:] = 0
    scale = np.float32(1.0 / width)
    low = np.float32(low)
    top = np.float32(N_BINS + 0.5)
    for i in range(n):
        # bins 1 .. N_BINS lie inside, 0 and N_BINS + 1 outside
        place = (values[i] - low) * scale + np.float32(1.0)
        place = min(max(place, np.float32(0.5)), top + np.float32(1.0))
        counts[int(place)] += 1


@njit(cache=True, nogil=True)
def _quantile(counts, total, fraction):
    """Position, in bins from the lower limit, below which ``fraction`` of all pixels lie."""
    wanted = fraction * total
    below = 0.0
    for i in range(counts.shape[0]):
        if below + counts[i] >= wanted and counts[i] > 0:
            return i - 1.0 + (wanted - below) / counts[i]
        below += counts[i]
    return counts.shape[0] - 2.0


@njit(cache=True, nogil=True)
def _moments(counts, first, last):
    """Number, mean and standard deviation, in bins, of the bins first .. last - 1."""
    first = min(max(first, 0), N_BINS)
    last = min(max(last, 0), N_BINS)
    n = 0
    one = 0.0
    two = 0.0
    for i in range(first, last):
        c = counts[i + 1]
        n += c
        one += c * (i - first + 0.5)
        two += c * (i - first + 0.5) * (i - first + 0.5)
    if n == 0:
        return 0, 0.0, 0.0
    one /= n
    # Sheppard: a bin of width 1 adds 1/12 to the variance
    return n, one + first, math.sqrt(max(two / n - one * one - 1.0 / 12.0, 0.0))


@njit(cache=True, nogil=True)
def _clip_loop(counts, centre, spread, below, above, n_iter_max):
    """Clip and re-centre until the limits stay; a Gaussian keeps its mean and width."""
    shift, shrink = truncation_factors(-below, above)
    first, last = -1, -1
    for _ in range(n_iter_max):
        new_first = round(centre - below * spread)
        new_last = round(centre + above * spread)
        if new_first == first and new_last == last:
            break
        first, last = new_first, new_last
        n, mean, std = _moments(counts, first, last)
        if n < 2 or std <= 0.0:
            break
        spread = std / shrink
        centre = mean - shift * spread
    return centre, spread


@njit(cache=True, nogil=True)
def clipped_statistics(values, n, sigma, n_iter_max, upper, work, counts, out):
    """
    Clip ``values[:n]`` (all finite) twice: evenly, and hard on the bright side only.

    ``out`` takes level and rms of the clip at ``median -+ sigma``, then level and rms of the
    clip at ``-sigma, +upper``, whose Gaussian is fitted to the side that sources do not reach.
    Both are corrected by `truncation_factors`. A buffer without spread gives rms 0.
    """
    middle, spread = _start(values, n, work)
    few_values = spread <= 0.0  # most pixels share one value: counts, or a blank written as 0
    if few_values:
        middle, spread = _plain_clip(values, n, sigma, n_iter_max)
    if spread <= 0.0:
        out[0], out[1], out[2], out[3] = middle, 0.0, middle, 0.0
        return
    low = width = median = sigma_bins = 0.0
    settled = few_values
    for _ in range(20):
        # room for the start's own error of some 10 %
        half = 1.3 * (sigma + 1.0) * spread
        low = middle - half
        width = 2.0 * half / N_BINS
        _fill(values, n, low, width, counts)
        median = _quantile(counts, n, 0.5)
        quarter = _quantile(counts, n, 0.25)
        upper_quarter = _quantile(counts, n, 0.75)
        # half the interquartile range is the MAD of a symmetric distribution; with sources
        # on the bright side the lower half is the safer one
        sigma_bins = _MAD_TO_SIGMA * min(0.5 * (upper_quarter - quarter), median - quarter)
        ratio = sigma_bins * width / spread
        inside = quarter > 0.0 and median < N_BINS
        settled = few_values or (inside and 0.4 < ratio < 2.0)
        if settled or ratio <= 0.0:
            break
        middle = low + width * min(max(median, 0.0), float(N_BINS))
        spread *= min(max(ratio, 0.1), 10.0) if inside else 4.0
    if not settled:
        few_values = True
        middle, spread = _plain_clip(values, n, sigma, n_iter_max)
        low = middle - 1.3 * (sigma + 1.0) * spread
        width = 2.6 * (sigma + 1.0) * spread / N_BINS
        if width <= 0.0:
            out[0], out[1], out[2], out[3] = middle, 0.0, middle, 0.0
            return
        _fill(values, n, low, width, counts)
    if few_values:
        median = (middle - low) / width
        sigma_bins = spread / width
    even, even_rms = _clip_loop(counts, median, sigma_bins, sigma, sigma, n_iter_max)
    lower, lower_rms = _clip_loop(counts, median, sigma_bins, sigma, upper, 4 * n_iter_max)
    out[0] = low + width * even
    out[1] = width * even_rms
    out[2] = low + width * lower
    out[3] = width * lower_rms
