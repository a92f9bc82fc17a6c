"""What the baselines share: tiles of filtered significance, and a score for what they find."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from astrofound.preprocess import TileGrid, TilingOptions

__all__ = ['FilteredTile', 'filtered_tiles', 'gaussian_score', 'natural_kernel']

TILE_SIDE = 4096
HALO = 256
FWHM_PER_SIGMA = 2.354820045030949


@dataclass(frozen=True, eq=False)
class FilteredTile:
    """
    A part of an image ready to detect in.

    Parameters
    ----------
    index : int
        Number of the tile.
    core : tuple of slice
        The part it answers for, in pixels of the image.
    origin : tuple of int
        Position ``(x, y)`` of the tile's first pixel in the image.
    significance : 2D `~numpy.ndarray` of float32
        Pixels over their noise, 0 where blank.
    filtered : 2D `~numpy.ndarray` of float32
        The same through the detection filter, in units of its own noise; 0 where blank.
    blank : 2D `~numpy.ndarray` of bool
        Pixels without a value.
    """

    index: int
    core: tuple
    origin: tuple
    significance: np.ndarray
    filtered: np.ndarray
    blank: np.ndarray

    def owns(self, x, y):
        """
        Tell which positions of the image lie in the core.

        Parameters
        ----------
        x, y : `~numpy.ndarray`
            Positions in the image.

        Returns
        -------
        mask : `~numpy.ndarray` of bool
            A position belongs to one tile only.
        """
        rows, columns = self.core
        column, row = np.floor(x + 0.5), np.floor(y + 0.5)
        return ((column >= columns.start) & (column < columns.stop)
                & (row >= rows.start) & (row < rows.stop))


def natural_kernel(image):
    """
    Width of the detection filter in beams that suits the noise of an image.

    In uncorrelated noise the beam itself is the best filter for points. The noise of an
    interferometer has passed the beam already, and the best filter for points is none; half
    a beam costs them 2 % and gains on everything larger.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.

    Returns
    -------
    kernel_beams : float
        FWHM of the filter over that of the beam.
    """
    return 0.5 if image.is_per_beam else 1.0


def filtered_tiles(image, noise, *, kernel_beams=None):
    """
    Go through an image in large tiles that overlap, so that memory stays bounded.

    An image up to 4096 pixels wide is one tile, and nothing differs from treating it whole.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Image with a beam.
    noise : `~astrofound.preprocess.NoiseMap`
        Its background and rms.
    kernel_beams : float, optional
        FWHM of the Gaussian filter in beams, 0 for none; by default `natural_kernel`.

    Yields
    ------
    tile : `FilteredTile`
        One tile after the other; tiles that are wholly blank are left out.
    """
    kernel_beams = natural_kernel(image) if kernel_beams is None else kernel_beams
    sigma = kernel_beams * image.beam.fwhm / FWHM_PER_SIGMA
    fits_whole = max(image.shape) <= TILE_SIDE
    side = max(image.shape) + 2 if fits_whole else TILE_SIDE
    halo = 0 if fits_whole else max(HALO, int(np.ceil(8 * image.beam.major)))
    options = TilingOptions(shape=(side, side), halo=min(halo, side // 4), align=1)
    for tile in TileGrid(image.shape, options):
        significance = noise.significance(image.read_window(tile.padded), tile.padded)
        blank = ~np.isfinite(significance)
        if blank.all():
            continue
        significance[blank] = 0
        filtered = _filter(significance, blank, sigma) if sigma > 0 else significance
        origin = (tile.padded[1].start, tile.padded[0].start)
        yield FilteredTile(tile.index, tile.core, origin, significance, filtered, blank)


def _filter(significance, blank, sigma):
    """Smooth and divide by the noise that is left, robustly measured on the tile itself."""
    # beyond the border there is nothing: the filtered value fades, it is never made up
    smooth = ndimage.gaussian_filter(significance, sigma, mode='constant', truncate=3.5)
    smooth[blank] = 0
    # a million pixels tell the noise to 0.1 %
    step = max(1, int(np.sqrt(smooth.size / 1e6)))
    sample = smooth[::step, ::step][~blank[::step, ::step]]
    # the faint half alone: sources raise the other one
    below = np.median(sample) - sample if len(sample) else sample
    below = below[below > 0]
    scale = np.median(below) / 0.67449 if len(below) else 1.0
    smooth /= scale
    return smooth


def gaussian_score(peaks, n_beams):
    """
    Probability that a peak is no noise peak, for Gaussian noise and what was found.

    The expected number of noise peaks above each peak, from the theory of Gaussian random
    fields, over the number of peaks found above it. Artefacts are not noise peaks: round
    bright sources this score is too high.

    Parameters
    ----------
    peaks : 1D `~numpy.ndarray`
        Peaks in units of the noise of the map they were found in.
    n_beams : float
        Independent resolution elements searched.

    Returns
    -------
    score : `~numpy.ndarray` of float32
        Between 0 and 1, rising with the peak.

    References
    ----------
    .. [1] Bardeen, Bond, Kaiser & Szalay 1986, ApJ 304, 15.
    """
    peaks = np.asarray(peaks, dtype=float)
    if not len(peaks):
        return np.empty(0, np.float32)
    order = np.argsort(-peaks)
    high = np.clip(peaks[order], 1, 38)
    # peaks above u a beam area of a Gaussian-correlated field: (4 ln 2) (2 pi)^-1.5 u e^(-u^2/2)
    false = n_beams * 4 * np.log(2) * (2 * np.pi) ** -1.5 * high * np.exp(-0.5 * high ** 2)
    purity = np.clip(1 - false / np.arange(1, len(peaks) + 1), 0, 1)
    score = np.empty(len(peaks))
    score[order] = np.minimum.accumulate(purity)
    return score.astype(np.float32)
