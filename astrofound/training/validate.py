"""Figures of merit of a compact network on simulated fields it has not seen."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from sklearn.isotonic import IsotonicRegression

from astrofound.networks.compact import TOTAL_STRIDE
from astrofound.networks.decode import ScoreCalibration, decode
from astrofound.preprocess import DETECTION_CHANNELS

__all__ = ['MatchedCandidates', 'calibrate', 'figures_of_merit', 'match_fields']

_LOGIT_MIN = -5.0


@dataclass(frozen=True)
class MatchedCandidates:
    """
    Candidates of several fields with the truth of each.

    Attributes
    ----------
    logit : 1D `~numpy.ndarray`
        Raw scores.
    real : 1D `~numpy.ndarray` of bool
        Whether the candidate is the best one of a true source.
    snr : 1D `~numpy.ndarray`
        Detectability of that source; NaN for a false candidate.
    class_right : 1D `~numpy.ndarray` of bool
        Whether the class agrees too.
    distance : 1D `~numpy.ndarray`
        Distance to the true centre in network pixels; NaN for a false candidate.
    n_demanded : int
        Number of true sources with ``snr >= 5``.
    """

    logit: np.ndarray
    real: np.ndarray
    snr: np.ndarray
    class_right: np.ndarray
    distance: np.ndarray
    n_demanded: int


def match_fields(network, fields, *, snr_demanded=5.0):
    """
    Run a network over fields and match its candidates to the truth.

    Parameters
    ----------
    network : CompactNetwork
        In evaluation mode.
    fields : sequence of TrainingField
        Fields with truth.
    snr_demanded : float, optional
        Sources from here on count as missed when they are not found.

    Returns
    -------
    matched : MatchedCandidates
        All candidates of all fields.
    """
    rows, n_demanded = [], 0
    for field in fields:
        rows.append(_match(_run(network, field.significance), field.labels))
        ny, nx = field.significance.shape
        labels = field.labels
        x, y = np.rint(labels.x).astype(int), np.rint(labels.y).astype(int)
        on = (x >= 0) & (y >= 0) & (x < nx) & (y < ny)
        on[on] = np.isfinite(field.significance[y[on], x[on]])
        n_demanded += int((on & (labels.snr >= snr_demanded)).sum())
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return MatchedCandidates(*columns, n_demanded=n_demanded)


@torch.inference_mode()
def _run(network, significance):
    ny, nx = significance.shape
    padded = np.full((-(-ny // TOTAL_STRIDE) * TOTAL_STRIDE, -(-nx // TOTAL_STRIDE) * TOTAL_STRIDE),
                     np.nan, np.float32)
    padded[:ny, :nx] = significance
    channels = torch.from_numpy(DETECTION_CHANNELS(padded))[None]
    outputs = network(channels.to(memory_format=torch.channels_last))[0]
    return decode(outputs, core=(slice(0, ny), slice(0, nx)), logit_min=_LOGIT_MIN)


def _match(candidates, labels, snr_min=1.5):
    """Give each true source its best candidate, the surest candidates choosing first."""
    n = len(candidates)
    real, right = np.zeros(n, bool), np.zeros(n, bool)
    snr, distance = np.full(n, np.nan), np.full(n, np.nan)
    labels = labels.select(labels.snr >= snr_min)
    if n and len(labels):
        tree = cKDTree(np.stack([labels.x, labels.y], axis=1))
        # as far as a beam's HWHM-and-a-half for a point, a quarter of its size for a large one
        radius = np.maximum(3.0, 0.25 * np.sqrt(labels.size.prod(axis=1)))
        free = np.ones(len(labels), bool)
        for index in np.argsort(-candidates.logit, kind='stable'):
            here = (candidates.x[index], candidates.y[index])
            near = np.array(tree.query_ball_point(here, radius.max()), int)
            apart = np.hypot(labels.x[near] - here[0], labels.y[near] - here[1])
            good = free[near] & (apart <= radius[near])
            if good.any():
                chosen = near[good][np.argmin((apart / radius[near])[good])]
                free[chosen] = False
                real[index], snr[index] = True, labels.snr[chosen]
                right[index] = labels.class_code[chosen] == candidates.class_code[index]
                distance[index] = np.hypot(labels.x[chosen] - here[0], labels.y[chosen] - here[1])
    return candidates.logit, real, snr, right, distance


def figures_of_merit(matched, *, snr_demanded=5.0):
    """
    Summarise matched candidates.

    Parameters
    ----------
    matched : MatchedCandidates
        Output of `match_fields`.
    snr_demanded : float, optional
        Fainter true sources count neither as found nor as false.

    Returns
    -------
    figures : dict of str to float
        Best F1 over all cuts with its cut, completeness at 95 % reliability, share of right
        classes and median distance in network pixels of the sources found at that cut.
    """
    counted = ~matched.real | (matched.snr >= snr_demanded)
    order = np.argsort(-matched.logit[counted], kind='stable')
    real, logit = matched.real[counted][order], matched.logit[counted][order]
    found = np.cumsum(real)
    completeness = found / max(1, matched.n_demanded)
    reliability = found / np.arange(1, len(real) + 1)
    f1 = 2 * completeness * reliability / np.maximum(completeness + reliability, 1e-9)
    if not len(f1):
        return {'f1': 0.0, 'logit_cut': 0.0, 'completeness_95': 0.0, 'class_right': 0.0,
                'distance': float('nan')}
    best = int(np.argmax(f1))
    kept = matched.real & (matched.snr >= snr_demanded) & (matched.logit >= logit[best])
    at_95 = completeness[reliability >= 0.95]
    return {
        'f1': float(f1[best]), 'logit_cut': float(logit[best]),
        'completeness_95': float(at_95.max()) if len(at_95) else 0.0,
        'class_right': float(matched.class_right[kept].mean()) if kept.any() else 0.0,
        'distance': float(np.median(matched.distance[kept])) if kept.any() else float('nan'),
    }


def calibrate(matched, *, n_knots=33):
    """
    Fit the probability of being real as a monotone function of the raw score.

    Parameters
    ----------
    matched : MatchedCandidates
        Candidates with truth; a source of any strength counts as real.
    n_knots : int, optional
        Number of knots of the stored map.

    Returns
    -------
    calibration : ScoreCalibration
        Isotonic fit, thinned to knots.
    """
    fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds='clip')
    fit.fit(matched.logit, matched.real.astype(float))
    knots = np.linspace(matched.logit.min(), matched.logit.max(), n_knots)
    return ScoreCalibration(tuple(map(float, np.round(knots, 4))),
                            tuple(map(float, np.round(fit.predict(knots), 4))))
