import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from astrofound.networks import load_weights
from astrofound.networks.pair_features import N_FEATURES
from astrofound.training import (
    PairSample,
    choose_link,
    fit_pairs,
    make_pair_field,
    sample_pairs,
)
from astrofound.training.pairs import judge_pairs


def made_pairs(n=600, seed=0):
    """Pairs that are together where a feature which the order does not change is high."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, N_FEATURES)).astype(np.float16)
    first = 2 * np.arange(n)  # no pair has a rival
    return PairSample(features, first, first + 1, features[:, -1] > 0.8)


def test_what_can_be_learnt_is_learnt():
    network = fit_pairs(made_pairs(4000), n_passes=10, batch_size=64)
    judged = made_pairs(1000, seed=1)
    cut = choose_link(network, judged)
    figures = judge_pairs(network, judged, cut)
    assert figures['average_precision'] > 0.9
    assert figures['precision'] >= 0.9
    assert figures['recall'] > 0.7


def test_rivals_decide_between_pairs_that_look_alike():
    # Parts 3k and 3k + 1 belong together, as the features say; 3k + 1 and 3k + 2 look nearly as
    # much as if they did, but only where 3k is there already.
    rng = np.random.default_rng(0)
    n = 1000
    looks = rng.normal(1.5, 1, n)
    features = np.zeros((2 * n, N_FEATURES))
    features[:, -1] = np.append(looks + 0.3, looks - 0.3)
    lonely = rng.random(n) < 0.5  # their first pair is between other parts
    first = np.append(np.where(lonely, 3 * n + 2 * np.arange(n), 3 * np.arange(n)),
                      3 * np.arange(n) + 1)
    second = np.append(np.where(lonely, 3 * n + 2 * np.arange(n) + 1, 3 * np.arange(n) + 1),
                       3 * np.arange(n) + 2)
    sample = PairSample(features.astype(np.float16), first, second,
                        np.append(np.ones(n, bool), lonely))
    network = fit_pairs(sample, n_passes=12, batch_size=64)
    alone = network.judge(sample.features)
    logit = network.compare(first, second, alone)
    rate = [average_precision_score(sample.together[n:], score[n:]) for score in (alone, logit)]
    assert rate[1] > 0.95 > rate[0] + 0.1


def test_seed_decides():
    one, other, third = (fit_pairs(made_pairs(), n_passes=1, seed=seed) for seed in (1, 1, 2))
    features = made_pairs(5).features
    np.testing.assert_array_equal(one.judge(features), other.judge(features))
    assert not np.array_equal(one.judge(features), third.judge(features))


@pytest.mark.parametrize('sample', [
    PairSample(np.empty((0, N_FEATURES), np.float16), *np.empty((2, 0), int), np.empty(0, bool)),
    PairSample(np.zeros((40, N_FEATURES), np.float16), np.arange(40), np.arange(40) + 1,
               np.zeros(40, bool)),
])
def test_where_nothing_belongs_together_nothing_is_linked(sample):
    network = fit_pairs(sample, n_passes=1, batch_size=16)
    assert choose_link(network, sample) == np.inf


def test_fields_depend_on_their_number_alone():
    one, other = (make_pair_field(4, shape=(128, 128)) for _ in range(2))
    np.testing.assert_array_equal(one.significance, other.significance)
    assert not np.array_equal(make_pair_field(6, shape=(128, 128)).significance[:50, :50],
                              one.significance[:50, :50])


def test_pairs_of_a_field_have_its_truth():
    weights = load_weights()
    fields = [make_pair_field(number, shape=(256, 256)) for number in range(4)]
    sample = sample_pairs(weights.network, fields)
    assert sample.features.shape == (len(sample), N_FEATURES)
    assert 0 < sample.together.sum() < len(sample) / 2
    logit = weights.pairs.judge(sample.features)
    assert np.median(logit[sample.together]) > np.median(logit[~sample.together]) + 2
