"""How likely a smoothed peak is no noise, and how common real ones are in an image."""

import numpy as np

from astrofound.preprocess import peak_density

__all__ = ['LARGEST_RISE', 'diffuse_density', 'score_diffuse']

LARGEST_RISE = 8.0     # of the density over what is expected: what an image shows may be artefacts
_STRONG = 5.0          # S/N from which real ones are counted
_SLOPE = 1.5           # of the number of real ones above an S/N
_WEIGHT = 2.0          # sources that what is expected counts for
_NOISE_FWHM = 0.7      # of the noise's own smoothing, in beams
_N_STEPS = 30


def score_diffuse(snr, scale, density):
    """
    Turn the S/N of a smoothed peak into the probability that it is no noise.

    The peaks of Gaussian noise are counted by `~astrofound.preprocess.peak_density`; real ones
    above an S/N are taken to fall as its power -1.5, as Euclidean counts do.

    Parameters
    ----------
    snr : array-like
        S/N of the peaks.
    scale : array-like
        FWHM of the Gaussian the image was smoothed with, in beams.
    density : float
        Real ones of S/N 5 and more in a square beam.

    Returns
    -------
    score : `~numpy.ndarray`
        Between 0 and 1.
    """
    snr = np.maximum(np.asarray(snr, dtype=float), 1.0)
    area = np.square(scale) + _NOISE_FWHM**2
    noise = peak_density(snr) * (snr - 1 / snr) / area    # minus the derivative
    real = density * _SLOPE * _STRONG**_SLOPE / snr**(_SLOPE + 1)
    return real / (real + noise)


def diffuse_density(snr, scale, area, expected):
    """
    Estimate the density of real sources from the peaks of an image.

    Where many are beyond doubt, those in doubt are likelier to be real. The density is that at
    which the scores of the peaks from S/N 5 on add up to it, drawn to what is expected as by
    two sources more.

    Parameters
    ----------
    snr, scale : 1D `~numpy.ndarray`
        The peaks, as for `score_diffuse`.
    area : float
        Of the image, in square beams.
    expected : float
        Density where nothing is known of the image.

    Returns
    -------
    density : float
        Real ones of S/N 5 and more in a square beam, at most eight times the expected.
    """
    strong = snr >= _STRONG
    snr, scale = snr[strong], scale[strong]
    density = expected
    for _ in range(_N_STEPS):
        n_real = score_diffuse(snr, scale, density).sum()
        density = min((_WEIGHT + n_real) / (_WEIGHT / expected + area), LARGEST_RISE * expected)
    return float(density)
