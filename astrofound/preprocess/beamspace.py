"""An image as the network sees it: significance, resampled to beam units."""

from dataclasses import dataclass

import numpy as np

from ..image import SurveyImage
from .background import NoiseMap
from .resizing import BeamResampler

__all__ = ['BeamSpace', 'open_beam_space']

_N_SAMPLES = 4  # windows along each axis that the noise gain is measured in
_SAMPLE_PIX = 128


@dataclass(frozen=True)
class BeamSpace:
    """
    Significance of an image in a frame where the beam spans a fixed number of pixels.

    Attributes
    ----------
    image : SurveyImage
        Source of the pixels.
    noise : NoiseMap
        Background and rms of the image.
    resampler : BeamResampler
        Geometry; the one object with both directions.
    gain : float
        Factor that restores unit scatter: averaging uncorrelated pixels lowers the noise.
    """

    image: SurveyImage
    noise: NoiseMap
    resampler: BeamResampler
    gain: float = 1.0

    @property
    def shape(self):
        """Shape ``(ny, nx)`` of the network frame."""
        return self.resampler.network_shape

    def read_window(self, window):
        """
        Return the significance in a window of the network frame.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` in network pixels.

        Returns
        -------
        significance : 2D `~numpy.ndarray` of float32
            ``(data - background) / rms``; NaN where the image is blank.
        """
        resampled = self.resampler.resample(self._significance, window)
        return resampled if self.gain == 1.0 else resampled * np.float32(self.gain)

    def _significance(self, window):
        return self.noise.significance(self.image.read_window(window), window)


def open_beam_space(image, noise, *, fwhm_pix, target_fwhm_pix=4.0):
    """
    Join image, noise and geometry, and measure the noise gain of the resampling.

    Parameters
    ----------
    image : SurveyImage
        Image.
    noise : NoiseMap
        Its background and rms.
    fwhm_pix : float
        FWHM of the beam in image pixels.
    target_fwhm_pix : float, optional
        FWHM of the beam in network pixels.

    Returns
    -------
    beam_space : BeamSpace
        Ready to be read window by window.
    """
    plain = BeamSpace(image, noise, BeamResampler(
        shape=image.shape, fwhm_pix=fwhm_pix, target_fwhm_pix=target_fwhm_pix))
    ratios = []
    for window in _sample_windows(plain.shape):
        before = _scatter(plain._significance(plain.resampler.image_window(window)))
        after = _scatter(plain.read_window(window))
        if before > 0 and after > 0:
            ratios.append(before / after)
    gain = float(np.median(ratios)) if ratios else 1.0
    return BeamSpace(image, noise, plain.resampler, gain)


def _sample_windows(shape):
    """Windows on a regular grid, the same for every run over an image of this shape."""
    def spans(length):
        side = min(length, _SAMPLE_PIX)
        starts = np.unique(np.linspace(0, length - side, _N_SAMPLES).astype(int))
        return [slice(int(start), int(start) + side) for start in starts]

    return [(rows, columns) for rows in spans(shape[0]) for columns in spans(shape[1])]


def _scatter(significance):
    """Scatter below the median, which sources do not reach."""
    valid = significance[np.isfinite(significance)]
    if valid.size < 64:
        return 0.0
    low, middle = np.percentile(valid, [15.865, 50.0])
    return middle - low
