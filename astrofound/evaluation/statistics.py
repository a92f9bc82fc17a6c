"""Fractions with their confidence intervals, F1 and robust scatter."""

import numpy as np
from astropy.stats import binom_conf_interval, mad_std

from astrofound.utils import InputError, check_number

__all__ = ['SNR_EDGES', 'check_edges', 'f1_score', 'fraction', 'median_scatter', 'running_sums']

#: Limits of the bins in S/N, where no others are given.
SNR_EDGES = (0.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0, np.inf)


def fraction(n_good, n_all, *, confidence=0.6827):
    """
    Return a fraction of counts and its Wilson confidence interval.

    Parameters
    ----------
    n_good, n_all : int or array-like of int
        Successes and trials.
    confidence : float, optional
        Probability content of the interval, between 0 and 1; by default one sigma.

    Returns
    -------
    value, low, high : float or `~numpy.ndarray`
        All NaN where there was no trial.

    References
    ----------
    .. [1] Brown, Cai & DasGupta 2001, Statistical Science 16, 101.
    """
    check_number('confidence', confidence, above=0, maximum=0.999999)
    n_good, n_all = np.broadcast_arrays(np.asarray(n_good), np.asarray(n_all))
    low, high = binom_conf_interval(n_good, np.maximum(n_all, 1), confidence, interval='wilson')
    value = n_good / np.maximum(n_all, 1)
    empty = n_all == 0
    out = [np.where(empty, np.nan, part) for part in (value, low, high)]
    return tuple(float(part) for part in out) if value.ndim == 0 else tuple(out)


def f1_score(completeness, reliability):
    """
    Return the harmonic mean of completeness and reliability.

    Parameters
    ----------
    completeness, reliability : float or array-like
        Between 0 and 1; NaN gives NaN.

    Returns
    -------
    f1 : float or `~numpy.ndarray`
        0 where both are 0.
    """
    total = np.add(completeness, reliability)
    product = np.multiply(completeness, reliability)
    f1 = 2 * product / np.where(total == 0, 1, total)
    return float(f1) if np.ndim(f1) == 0 else f1


def median_scatter(values):
    """
    Return the median and the robust standard deviation of the finite values.

    Parameters
    ----------
    values : array-like
        Plain numbers; NaN and infinity are left out.

    Returns
    -------
    median, scatter : float
        The scatter is 1.4826 times the median absolute deviation; both are NaN without a
        finite value, the scatter also with a single one.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    return float(np.median(values)), float(mad_std(values)) if len(values) > 1 else np.nan


def check_edges(edges):
    """
    Return bin limits as an array after checking them.

    Parameters
    ----------
    edges : sequence of float
        Rising limits; the last may be infinite.

    Returns
    -------
    edges : `~numpy.ndarray`
        The limits.

    Raises
    ------
    InputError
        If there are fewer than two or they do not rise.
    """
    array = np.asarray(edges, dtype=float)
    if array.ndim != 1 or len(array) < 2 or not (np.diff(array) > 0).all():
        msg = f"'snr_edges' must be at least two rising numbers, got {edges!r}"
        raise InputError(msg)
    return array


def running_sums(values, weights, cuts):
    """
    Return for each cut the sum of the weights of all values at or above it.

    Parameters
    ----------
    values, weights : 1D array-like
        A ranking quantity and what is summed; NaN values are never above a cut.
    cuts : 1D array-like
        Thresholds.

    Returns
    -------
    sums : `~numpy.ndarray`
        One sum for each cut.
    """
    values, weights = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    good = ~np.isnan(values)
    order = np.argsort(values[good])
    ranked = values[good][order]
    above = np.append(np.cumsum(weights[good][order][::-1])[::-1], 0)
    return above[np.searchsorted(ranked, cuts, side='left')]
