"""Maps of an image smoothed to several beams, and their noise."""

import math
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import ClassVar

import numpy as np
from scipy import ndimage

from ..utils import usable_cores

__all__ = ['SmoothedMap', 'artefact_level', 'peak_density', 'smoothed_noise']

_FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))
_LEAST_SHARE = 0.4     # of a kernel's weight that must fall on pixels that are not blank
_AROUND = 6.0          # FWHM of the surroundings that the noise is taken from, in kernels
_PRIOR = 0.05          # weight of the image's noise against that of the surroundings
_CUT = 3.0             # S/N at which blocks are cut for the noise of their surroundings
_SAMPLE = 160          # side of the windows that the image's noise is measured in, in blocks
_COHERENT = 0.3        # mean over many beams of artefacts of unit rms
_BRIGHT = 100.0        # S/N of a peak round which artefacts are expected
_RESIDUAL = 1e-3       # their mean level beside the peak
_RANGE = 25.0          # beams over which it falls by e


def peak_density(snr):
    """
    Return how many peaks of smoothed Gaussian noise exceed a S/N, in a square of its FWHM.

    It is the Euler characteristic of the excursion set [1]_.

    Parameters
    ----------
    snr : array-like
        S/N, 1 or more.

    Returns
    -------
    number : `~numpy.ndarray`
        Peaks in the square of the FWHM of the Gaussian that smoothed the noise.

    References
    ----------
    .. [1] Worsley et al. 1992, J. Cereb. Blood Flow Metab. 12, 900.
    """
    snr = np.asarray(snr, dtype=float)
    return 4 * math.log(2) / (2 * math.pi)**1.5 * snr * np.exp(-0.5 * snr**2)


def smoothed_noise(blocks, widths):
    """
    Measure the noise of an image smoothed to several widths.

    It is that of the negative half of the smoothed map, or more where its deepest hole is
    deeper than Gaussian noise would dig it; of windows spread over the image the median counts.

    Parameters
    ----------
    blocks : BlockMap
        The image in blocks.
    widths : sequence of float
        FWHM of the Gaussians in blocks.

    Returns
    -------
    noise : list of float
        In units of the rms of the image; NaN where it cannot be measured.
    """
    spans = []
    for length in blocks.shape:
        size = min(length, _SAMPLE)
        starts = np.unique(np.linspace(0, length - size, 4).astype(int))
        spans.append([slice(int(start), int(start) + size) for start in starts])
    with ThreadPoolExecutor(usable_cores(4)) as threads:
        waiting = [threads.submit(copy_context().run, _noise_of, blocks, widths, window)
                   for window in product(*spans)]
        found = [future.result() for future in waiting]
    noise = []
    for values in zip(*found, strict=True):
        known = [value for value in values if value is not None]
        noise.append(float(np.median(known)) if known else math.nan)
    return noise


def _noise_of(blocks, widths, window):
    """Noise of a window smoothed to several widths, None where it is too small for one."""
    mean, share, _ = blocks.read_window(window)
    found = []
    for width in widths:
        smoothed, weight = _weighted(mean, share, width)
        below = smoothed[smoothed < 0].astype(float)
        if below.size > 4 * width**2:
            deepest = _deepest((weight > _LEAST_SHARE).sum() / width**2)
            found.append(max(np.sqrt(np.mean(below**2)), -below.min() / deepest))
        else:
            found.append(None)
    return found


def _deepest(n):
    """S/N that every second map of ``n`` squares of the FWHM exceeds somewhere."""
    snr = np.arange(1.5, 7.0, 0.01)
    return float(snr[np.argmax(n * peak_density(snr) < 0.5)])


def artefact_level(top, artefacts, beam):
    """
    Give the mean level that artefacts of bright sources may have over many beams.

    Two estimates are added in quadrature: a share of the rms that artefacts add where it was
    measured, and a share of the peak of each bright source, falling with the distance.

    Parameters
    ----------
    top : 2D `~numpy.ndarray`
        Largest significance of each block.
    artefacts : 2D `~numpy.ndarray`
        Share of the variance that is known to be artefacts.
    beam : float
        FWHM of the beam in blocks.

    Returns
    -------
    level : 2D `~numpy.ndarray`
        In units of the rms at the place.
    """
    quiet = np.sqrt(1 - artefacts)
    peaks = top / quiet
    highest = ndimage.maximum_filter(peaks, size=2 * math.ceil(3 * beam) + 1, mode='constant')
    reach = math.ceil(4 * _RANGE * beam)
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(offset, offset[:, None])
    fall = np.where(distance <= reach, _RESIDUAL * np.exp(distance / np.float32(-_RANGE * beam)),
                    np.float32(0))
    floor = np.zeros(top.shape, np.float32)
    for row, column in np.argwhere((peaks == highest) & (peaks > _BRIGHT)):
        rows, columns = (slice(max(at - reach, 0), at + reach + 1) for at in (row, column))
        part = floor[rows, columns]
        y, x = reach - row + rows.start, reach - column + columns.start
        np.maximum(part, peaks[row, column] * fall[y:y + part.shape[0], x:x + part.shape[1]],
                   out=part)
    return np.sqrt(_COHERENT**2 * artefacts + (floor * quiet)**2)


@dataclass(frozen=True)
class SmoothedMap:
    """
    A window of an image smoothed with one Gaussian.

    Parameters
    ----------
    width : float
        FWHM of the Gaussian in blocks.
    level : 2D `~numpy.ndarray`
        Smoothed significance.
    snr : 2D `~numpy.ndarray`
        The same in units of its noise, -inf where blank. Of the noise of the whole image and
        that of the surroundings the larger counts.
    ratio : 2D `~numpy.ndarray`
        In units of the noise of the whole image and of artefacts of bright sources, 0 where
        blank.
    used : 2D `~numpy.ndarray` of bool
        Blocks that count in the noise of the surroundings.
    squares, count : 2D `~numpy.ndarray`
        Mean of the squared ratio, cut, and of ``used`` in the surroundings.
    low : 2D `~numpy.ndarray`
        Noise of the surroundings as their negative blocks have it, at least 1.
    """

    width: float
    level: np.ndarray
    snr: np.ndarray
    ratio: np.ndarray
    used: np.ndarray
    squares: np.ndarray
    count: np.ndarray
    low: np.ndarray

    #: Windows must start at multiples of this, so that a block has the same value in all.
    align: ClassVar[int] = 8

    @classmethod
    def smooth(cls, mean, share, width, *, noise, doubt, covered):
        """
        Smooth a window of a block map.

        Parameters
        ----------
        mean, share : 2D `~numpy.ndarray`
            Mean significance of the blocks, and the share of pixels in it.
        width : float
            FWHM of the Gaussian in blocks.
        noise : float
            Noise of the smoothed image.
        doubt : 2D `~numpy.ndarray`
            Level that artefacts may have.
        covered : 2D `~numpy.ndarray` of bool
            Blocks on known sources, which say nothing about the noise.

        Returns
        -------
        smoothed : SmoothedMap
            A value depends on blocks within `reach` only.
        """
        smoothed, weight = _weighted(mean, share, width)
        seen = np.isfinite(smoothed)
        ratio = np.where(seen, smoothed, np.float32(0)) / np.float32(noise)
        if doubt.any():
            ratio /= np.sqrt(1 + _smooth(doubt**2, width) / np.float32(noise)**2)
        used = seen & ~covered
        around = partial(_smooth_coarsely, width=_AROUND * width)
        squares = around(np.where(used, np.minimum(ratio**2, np.float32(_CUT**2)),
                                  np.float32(0)))
        count = around(used.astype(np.float32))
        below = ratio < 0
        low = _mean_square(around(np.where(below, ratio**2, np.float32(0))),
                           around(below.astype(np.float32)))
        low = np.sqrt(np.maximum(low, 1))
        snr = ratio / np.maximum(low, np.sqrt(_mean_square(squares, count)))
        level = np.divide(smoothed, np.sqrt(weight), out=smoothed, where=seen)
        return cls(width, level, np.where(seen, snr, np.float32(-np.inf)), ratio, used, squares,
                   count, low)

    @staticmethod
    def reach(width):
        """
        Say how far the blocks lie that a value depends on.

        Parameters
        ----------
        width : float
            FWHM of the Gaussian in blocks.

        Returns
        -------
        reach : int
            In blocks.
        """
        return math.ceil((3 + 2 * _AROUND) * width / _FWHM_PER_SIGMA) + 2 * SmoothedMap.align

    def own_snr(self, rows, columns, at):
        """
        Give the S/N of a peak against surroundings from which its island is left out.

        Parameters
        ----------
        rows, columns : (n,) `~numpy.ndarray` of int
            Blocks of the island.
        at : tuple of int
            Row and column of the peak.

        Returns
        -------
        snr : float
            At least that of the map.
        """
        sigma = _AROUND * self.width / _FWHM_PER_SIGMA
        used = self.used[rows, columns]
        rows, columns = rows[used], columns[used]
        away2 = (rows - at[0])**2 + (columns - at[1])**2
        weight = np.exp(-0.5 * away2 / sigma**2) / (2 * math.pi * sigma**2)
        own = (weight * np.minimum(self.ratio[rows, columns]**2, _CUT**2)).sum()
        around = _mean_square(max(float(self.squares[at]) - own, 0.0),
                              max(float(self.count[at]) - weight.sum(), 0.0))
        return float(self.ratio[at] / max(self.low[at], math.sqrt(around)))


def _smooth(data, width, truncate=3.0):
    return ndimage.gaussian_filter(data, width / _FWHM_PER_SIGMA, mode='constant',
                                   truncate=truncate)


def _smooth_coarsely(data, width):
    """Smooth an average over squares an eighth of the kernel wide: all that a noise needs."""
    step = 2**min(int(math.log2(max(width / 8, 1))), 3)
    n_y, n_x = data.shape
    padded = np.pad(data, ((0, -n_y % step), (0, -n_x % step)))
    coarse = padded.reshape(padded.shape[0] // step, step, -1, step).mean(axis=(1, 3))
    coarse = _smooth(coarse, width / step, 2.0)
    return coarse.repeat(step, axis=0).repeat(step, axis=1)[:n_y, :n_x]


def _weighted(mean, share, width):
    """Smoothed significance whose noise does not depend on how much is blank; its weight."""
    weight = _smooth(share, width)
    total = _smooth(mean * share, width)
    out = np.full(mean.shape, np.nan, np.float32)
    return np.divide(total, np.sqrt(weight), out=out, where=weight > _LEAST_SHARE), weight


def _mean_square(squares, count):
    """Mean square of surroundings, drawn to that of the whole image where they are few."""
    return (squares + _PRIOR) / (count + _PRIOR)
