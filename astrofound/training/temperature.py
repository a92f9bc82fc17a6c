"""Probabilities that can be trusted: one temperature, fitted where nothing was learnt."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

__all__ = ['fit_temperature']


def fit_temperature(logits, codes):
    """
    Fit the factor that makes the probabilities of a classifier as sure as they are right.

    Parameters
    ----------
    logits : 2D `~numpy.ndarray`
        Shape ``(n, n_classes)``, of images that took no part in the training.
    codes : 1D `~numpy.ndarray` of int
        Their classes.

    Returns
    -------
    temperature : float
        Divide logits by it; from 0.05 to 20, and 1 where there is nothing to fit to.

    References
    ----------
    .. [1] Guo et al. 2017, On Calibration of Modern Neural Networks, ICML.
    """
    logits, codes = np.asarray(logits, float), np.asarray(codes)
    if not len(codes):
        return 1.0

    def loss(log_temperature):
        likely = log_softmax(logits / np.exp(log_temperature), axis=1)
        # a weak pull to 1, so that a few images, all right, do not give certainty
        return -likely[np.arange(len(codes)), codes].sum() + 0.5 * log_temperature**2

    limits = np.log(0.05), np.log(20.0)
    return float(np.exp(minimize_scalar(loss, bounds=limits, method='bounded').x))
