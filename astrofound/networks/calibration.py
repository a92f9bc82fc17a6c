"""From the raw score of a candidate to the probability that it is real."""

from dataclasses import dataclass

import numpy as np

__all__ = ['ScoreCalibration', 'peak_snr']

_FAINTEST = 0.5  # peaks below this S/N are told no further apart


def peak_snr(significance, candidates, *, origin=(0, 0)):
    """
    Return the S/N of the brightest pixel at each candidate.

    Parameters
    ----------
    significance : 2D `~numpy.ndarray`
        In the network frame; NaN where blank.
    candidates : Candidates
        What was found in it.
    origin : tuple of int, optional
        ``(y, x)`` of the first pixel of ``significance`` in the frame of the candidates.

    Returns
    -------
    snr : 1D `~numpy.ndarray`
        Largest significance of the 3x3 pixels around each place; -inf where all are blank.
    """
    ny, nx = significance.shape
    row, column = candidates.pixels(significance.shape, origin)
    near = np.arange(-1, 2)
    rows = np.clip(row[:, None] + near, 0, ny - 1)
    columns = np.clip(column[:, None] + near, 0, nx - 1)
    around = significance[rows[:, :, None], columns[:, None, :]]
    return np.where(np.isfinite(around), around, -np.inf).max(axis=(1, 2))


@dataclass(frozen=True)
class ScoreCalibration:
    """
    Map from a raw score and the S/N of the peak to the probability that a source is real.

    The two are first joined, since the same raw score means more for a bright source, whose
    place is all that the network doubts; a monotone map of the result follows.

    Attributes
    ----------
    weights : tuple of float
        Constant, and factors of the score, ``ln(snr)``, its square, and score times ``ln(snr)``.
    knots : tuple of float
        Increasing values of the joined score.
    probability : tuple of float
        Fraction of real sources at each knot; linear in between, constant beyond.
    """

    weights: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0)
    knots: tuple[float, ...] = (-8.0, 0.0, 8.0)
    probability: tuple[float, ...] = (0.0, 0.5, 1.0)

    @staticmethod
    def features(logit, snr):
        """
        Return what the weights multiply.

        Parameters
        ----------
        logit, snr : 1D array_like
            Raw scores, and S/N of the peaks.

        Returns
        -------
        features : 2D `~numpy.ndarray`
            ``(n, 5)``, the first column being 1.
        """
        logit = np.asarray(logit, float)
        bright = np.log(np.maximum(np.asarray(snr, float), _FAINTEST))
        return np.stack([np.ones_like(logit), logit, bright, bright**2, logit * bright], axis=-1)

    def __call__(self, logit, snr):
        """
        Return the probability of being real.

        Parameters
        ----------
        logit, snr : 1D array_like
            Raw scores, and S/N of the peaks.

        Returns
        -------
        probability : `~numpy.ndarray` of float32
            Between 0 and 1, same shape.
        """
        joined = self.features(logit, snr) @ np.array(self.weights)
        return np.interp(joined, self.knots, self.probability).astype(np.float32)
