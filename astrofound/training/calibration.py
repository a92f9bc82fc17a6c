"""From raw scores of known outcome to the probability that a candidate is real."""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from astrofound.networks.calibration import ScoreCalibration

__all__ = ['fit_calibration']

_LOGIT_DOUBTFUL = -3.0  # weaker candidates are not shown to the fit: there are too many
_DOUBTFUL = 0.2  # the less probable are never listed: they must not decide how the rest ranks
_FEW = 200  # candidates below which a monotone fit would believe every accident


def fit_calibration(logit, snr, real, *, n_knots=101):
    """
    Fit the probability of being real to the raw score and the S/N of the peak.

    Parameters
    ----------
    logit, snr : 1D array_like
        Raw scores, and S/N of the peaks.
    real : 1D array_like of bool
        Which candidates are real.
    n_knots : int, optional
        Number of knots of the stored map.

    Returns
    -------
    calibration : ScoreCalibration
        A logistic regression that joins the two, and an isotonic fit of what comes of it; of
        fewer than 200 candidates the logistic curve itself. Without real and false ones to tell
        apart, the raw score's own probability.
    """
    logit, snr, real = (np.asarray(values, float) for values in (logit, snr, real))
    features = ScoreCalibration.features(logit, snr)
    weights = np.array(ScoreCalibration().weights)
    shown = logit > _LOGIT_DOUBTFUL
    few = len(real) < _FEW
    # Twice more for those that have a chance, where that leaves enough of them.
    for _ in range(1 if few else 3):
        if len(np.unique(real[shown])) < 2:  # there is nothing to tell apart
            break
        fit = LogisticRegression(C=1.0 if few else 10.0, max_iter=1000, fit_intercept=False)
        weights = fit.fit(features[shown], real[shown]).coef_[0]
        shown = shown & (fit.predict_proba(features)[:, 1] > _DOUBTFUL)
    joined = features @ weights
    if few:
        knots = np.linspace(-8, 8, n_knots)
        probability = 1 / (1 + np.exp(-knots))
    else:
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds='clip').fit(joined, real)
        knots = np.linspace(*np.percentile(joined, [0, 100]), n_knots)
        probability = fit.predict(knots)
    return ScoreCalibration(*(tuple(map(float, np.round(values, 4)))
                              for values in (weights, knots, probability)))
