"""Learn which parts belong to one source, from pairs that a trained network found."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from astrofound.networks.calibration import peak_snr
from astrofound.networks.pair_features import (
    N_FEATURES,
    near_pairs,
    pair_features,
    part_traits,
)
from astrofound.networks.pairs import PairNetwork, rival_features

from .fields import make_pair_field
from .targets import SNR_IGNORE
from .validate import match_parts, run_network

__all__ = ['PairSample', 'choose_link', 'fit_pairs', 'judge_pairs', 'pair_fields', 'sample_pairs']

_LOGIT_MIN = -0.5      # raw score; parts that are less sure are hardly ever kept
_LINK_PRECISION = 0.9  # share of the links between parts that shall be right
_RATE = 4e-3


@dataclass(frozen=True)
class PairSample:
    """
    Pairs of parts with the truth of each.

    Attributes
    ----------
    features : (m, N_FEATURES) `~numpy.ndarray` of float16
        See ``astrofound.networks.pair_features``.
    first, second : (m,) `~numpy.ndarray` of int
        Numbers of the two parts; no two fields share one.
    together : (m,) `~numpy.ndarray` of bool
        Whether both are of the same source.
    """

    features: np.ndarray
    first: np.ndarray
    second: np.ndarray
    together: np.ndarray

    def __len__(self):
        return len(self.together)


def pair_fields(n_fields, *, n_workers=0, **options) -> Iterator:
    """
    Simulate the fields of `make_pair_field` in order.

    Parameters
    ----------
    n_fields : int
        How many.
    n_workers : int, optional
        Processes that simulate; 0 does it in this one.
    **options
        Keywords of `make_pair_field`.

    Yields
    ------
    field : TrainingField
        One after the other.
    """
    make = partial(make_pair_field, **options)
    if not n_workers:
        yield from map(make, range(n_fields))
        return
    with ProcessPoolExecutor(n_workers, mp_context=get_context('spawn')) as pool:
        yield from pool.map(make, range(n_fields))


def sample_pairs(network, fields):
    """
    Find the parts of fields and describe all pairs of them.

    Parameters
    ----------
    network : CompactNetwork
        Trained, in evaluation mode.
    fields : iterable of TrainingField
        Radio fields with truth.

    Returns
    -------
    sample : PairSample
        Their pairs.
    """
    features = [np.empty((0, N_FEATURES), np.float16)]
    pairs = [np.empty((2, 0), np.int64)]
    together = [np.empty(0, bool)]
    n_parts = 0
    for field in fields:
        candidates = run_network(network, field.significance)
        snr = peak_snr(field.significance, candidates)
        kept = (candidates.logit > _LOGIT_MIN) & np.isfinite(snr)
        parts = candidates.select(kept)
        places = np.stack([parts.x, parts.y], axis=1)
        first, second = near_pairs(places)
        if len(first):
            features.append(pair_features(
                field.significance, (0, 0), places, part_traits(parts, snr[kept]), first,
                second).astype(np.float16))
            pairs.append(np.stack([first, second]) + n_parts)
            owner = _owners(parts, field.labels.select(field.labels.snr >= SNR_IGNORE))
            together.append((owner[first] == owner[second]) & (owner[first] >= 0))
        n_parts += len(parts)
    return PairSample(np.concatenate(features), *np.concatenate(pairs, axis=1),
                      np.concatenate(together))


def _owners(parts, labels):
    """Number of the true source of each part, or of the one in whose box it lies; -1 for none."""
    match = match_parts(parts, labels)
    owner = np.where(match >= 0, np.append(labels.source, -1)[match], -1)
    for index in np.flatnonzero(match < 0) if len(labels) else ():
        away = np.abs((parts.x[index], parts.y[index]) - labels.middle) / (0.5 * labels.size)
        reach = away.max(axis=1)
        if reach.min() <= 1:
            owner[index] = labels.source[reach.argmin()]
    return owner


def fit_pairs(sample, *, n_passes=12, batch_size=1024, seed=0):
    """
    Train a network on pairs: first each for itself, then among its rivals.

    Parameters
    ----------
    sample : PairSample
        Pairs with truth.
    n_passes : int, optional
        Passes over all of them, for either step.
    batch_size : int, optional
        Pairs a step.
    seed : int, optional
        Decides weights and order.

    Returns
    -------
    network : PairNetwork
        In evaluation mode.
    """
    torch.manual_seed(seed)
    network = PairNetwork()
    if not len(sample):
        return network.eval()
    network.alone.set_scale(sample.features)
    _fit(network, sample.features, sample.together, n_passes, batch_size)
    # Dropout and the many pairs leave so little learnt by heart that the same ones can serve again.
    rivals = rival_features(sample.first, sample.second, network.judge(sample.features))
    network.among_rivals.set_scale(rivals)
    _fit(network.among_rivals, rivals, sample.together, n_passes, batch_size)
    return network


def _fit(module, features, together, n_passes, batch_size):
    """Train a module that gives logits; the learning rate rises, then falls to zero."""
    features = torch.from_numpy(features)
    together = torch.from_numpy(together.astype(np.float32))
    n_steps = max(1, len(together) // batch_size)
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=_RATE, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, max(2, n_passes * n_steps))
    for _ in range(n_passes):
        order = torch.randperm(len(together))
        for batch in order[:n_steps * batch_size].split(batch_size):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                module(features[batch]), together[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
    module.eval()


def choose_link(network, sample):
    """
    Choose the logit from which on two parts are linked.

    Parameters
    ----------
    network : PairNetwork
        Trained.
    sample : PairSample
        Pairs of fields that it was not trained on, of a usual mix of sources.

    Returns
    -------
    cut : float
        The loosest at which nine of ten links are right; infinite where none is.
    """
    logit = _judge(network, sample)
    order = np.argsort(-logit, kind='stable')
    precision = np.cumsum(sample.together[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= _LINK_PRECISION)
    return float(logit[order[good[-1]]]) if len(good) else float('inf')


def judge_pairs(network, sample, cut):
    """
    Say how well a network tells pairs.

    Parameters
    ----------
    network : PairNetwork
        Trained.
    sample : PairSample
        Pairs with truth.
    cut : float
        Logit from which on two parts are linked.

    Returns
    -------
    figures : dict of str to float
        ``average_precision``, and ``recall`` and ``precision`` of the links.
    """
    logit = _judge(network, sample)
    right, linked = sample.together[logit >= cut].sum(), (logit >= cut).sum()
    n_true = sample.together.sum()
    return {'average_precision': float(average_precision_score(sample.together, logit))
            if n_true else float('nan'),
            'recall': float(right / n_true) if n_true else float('nan'),
            'precision': float(right / linked) if linked else float('nan')}


def _judge(network, sample):
    return network.compare(sample.first, sample.second, network.judge(sample.features))
