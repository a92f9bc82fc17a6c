"""Figures of merit of a compact network on simulated fields it has not seen."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from astrofound.catalog import CLASS_NAMES
from astrofound.networks.calibration import peak_snr
from astrofound.networks.compact import TOTAL_STRIDE
from astrofound.networks.decoding import decode
from astrofound.preprocess import DETECTION_CHANNELS

from .calibration import fit_calibration
from .targets import SNR_IGNORE

__all__ = ['MatchedCandidates', 'calibrate', 'figures_of_merit', 'match_fields', 'match_parts',
           'run_network']

_LOGIT_MIN = -5.0
_FOOTPRINT = 0.6  # boxes run to one FWHM from the middle; a source ends a little beyond half


@dataclass(frozen=True)
class MatchedCandidates:
    """
    Candidates of several fields with the truth of each.

    Attributes
    ----------
    logit : 1D `~numpy.ndarray`
        Raw scores.
    real : 1D `~numpy.ndarray` of bool
        Whether the candidate is the best one of a true part.
    on_source : 1D `~numpy.ndarray` of bool
        Whether it is that or lies on a true source.
    peak_snr : 1D `~numpy.ndarray`
        S/N of the peak of the candidate.
    snr : 1D `~numpy.ndarray`
        Detectability of that part; NaN for a false candidate.
    class_right : 1D `~numpy.ndarray` of bool
        Whether the class agrees too.
    distance : 1D `~numpy.ndarray`
        Distance to the true place in network pixels; NaN for a false candidate.
    n_demanded : int
        Number of true parts with ``snr >= 5``.
    """

    logit: np.ndarray
    real: np.ndarray
    on_source: np.ndarray
    peak_snr: np.ndarray
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
        Parts from here on count as missed when they are not found.

    Returns
    -------
    matched : MatchedCandidates
        All candidates of all fields.
    """
    rows, n_demanded = [], 0
    for field in fields:
        candidates, labels = run_network(network, field.significance), field.labels
        labels = labels.select(labels.snr >= SNR_IGNORE)
        part = match_parts(candidates, labels)
        found, row = np.flatnonzero(part >= 0), part[part >= 0]
        snr, distance = np.full((2, len(part)), np.nan)
        snr[found] = labels.snr[row]
        distance[found] = np.hypot(labels.x[row] - candidates.x[found],
                                   labels.y[row] - candidates.y[found])
        right = np.zeros(len(part), bool)
        right[found] = labels.class_code[row] == candidates.class_code[found]
        rows.append((candidates.logit, part >= 0, (part >= 0) | _on_source(candidates, labels),
                     peak_snr(field.significance, candidates), snr, right, distance))
        demanded = _is_seen(field) & (field.labels.snr >= snr_demanded)
        n_demanded += int(demanded.sum())
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return MatchedCandidates(*columns, n_demanded)


def _is_seen(field):
    """Mask of the parts that lie on pixels with data."""
    ny, nx = field.significance.shape
    x, y = np.rint(field.labels.x).astype(int), np.rint(field.labels.y).astype(int)
    seen = (x >= 0) & (y >= 0) & (x < nx) & (y < ny)
    seen[seen] = np.isfinite(field.significance[y[seen], x[seen]])
    return seen


@torch.inference_mode()
def run_network(network, significance):
    """
    Find the candidates of a field, on the CPU.

    Parameters
    ----------
    network : CompactNetwork
        In evaluation mode.
    significance : 2D `~numpy.ndarray` of float32
        In the network frame.

    Returns
    -------
    candidates : Candidates
        Also very doubtful ones.
    """
    ny, nx = significance.shape
    padded = np.full((-(-ny // TOTAL_STRIDE) * TOTAL_STRIDE, -(-nx // TOTAL_STRIDE) * TOTAL_STRIDE),
                     np.nan, np.float32)
    padded[:ny, :nx] = significance
    channels = torch.from_numpy(DETECTION_CHANNELS(padded))[None]
    outputs = network(channels.to(memory_format=torch.channels_last))[0]
    return decode(outputs, core=(slice(0, ny), slice(0, nx)), logit_min=_LOGIT_MIN)


def match_parts(candidates, labels):
    """
    Give each true part its best candidate, the surest choosing first.

    Parameters
    ----------
    candidates : Candidates
        What was found.
    labels : SourceLabels
        What is there.

    Returns
    -------
    part : 1D `~numpy.ndarray` of int
        Index of the true part of each candidate; -1 for none.
    """
    part = np.full(len(candidates), -1)
    if not len(candidates) or not len(labels):
        return part
    tree = cKDTree(np.stack([labels.x, labels.y], axis=1))
    # as far as a beam's HWHM-and-a-half for a peak, a quarter of its size for a smooth one
    smooth = labels.class_code == CLASS_NAMES.index('extended')
    radius = np.where(smooth, np.maximum(3.0, 0.25 * np.sqrt(labels.size.prod(axis=1))), 3.0)
    free = np.ones(len(labels), bool)
    for index in np.argsort(-candidates.logit, kind='stable'):
        here = (candidates.x[index], candidates.y[index])
        near = np.array(tree.query_ball_point(here, radius.max()), int)
        apart = np.hypot(labels.x[near] - here[0], labels.y[near] - here[1])
        good = free[near] & (apart <= radius[near])
        if good.any():
            part[index] = near[good][np.argmin((apart / radius[near])[good])]
            free[part[index]] = False
    return part


def _on_source(candidates, labels):
    """Mask of the candidates within the footprint of a source: its box, or an ellipse in it."""
    places = np.stack([candidates.x, candidates.y], axis=1)
    inside = np.zeros(len(places), bool)
    if not len(places) or not len(labels):
        return inside
    tree = cKDTree(places)
    half = 0.5 * labels.size
    near = tree.query_ball_point(labels.middle, np.hypot(*half.T))
    several = labels.class_code == CLASS_NAMES.index('multi')
    for index, rows in enumerate(near):
        away = np.abs(places[rows] - labels.middle[index]) / half[index]
        reach = away.max(axis=1) if several[index] else np.hypot(*away.T) / _FOOTPRINT
        inside[np.array(rows, int)[reach <= 1]] = True
    return inside


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
        Best F1 over all cuts with its cut, completeness at 95 % reliability, and share of right
        classes and median distance in network pixels of the parts found at that cut.
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


def calibrate(matched, *, n_knots=101):
    """
    Fit the probability of being real to the raw score and the S/N of the peak.

    Parameters
    ----------
    matched : MatchedCandidates
        Candidates with truth; what lies on a source of any strength counts as real.
    n_knots : int, optional
        Number of knots of the stored map.

    Returns
    -------
    calibration : ScoreCalibration
        A logistic regression that joins the two, and an isotonic fit of what comes of it.
    """
    return fit_calibration(matched.logit, matched.peak_snr, matched.on_source, n_knots=n_knots)
