import numpy as np
import pytest
import torch

from astrofound.networks import PairNetwork
from astrofound.networks.pair_features import (
    N_FEATURES,
    N_TRAITS,
    REACH,
    REVERSED,
    near_pairs,
    pair_features,
)
from astrofound.networks.pairs import rival_features

PLACES = np.array([[30.0, 60.0], [90.0, 70.0], [61.0, 64.0], [200.0, 200.0]])


@pytest.fixture
def traits():
    return np.random.default_rng(1).normal(size=(len(PLACES), N_TRAITS))


@pytest.fixture
def sky():
    return np.random.default_rng(2).normal(size=(128, 128)).astype(np.float32)


def test_pairs_are_those_within_reach(traits):
    first, second = near_pairs(PLACES)
    assert list(zip(first, second, strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert len(near_pairs(PLACES[:1])[0]) == 0
    assert len(near_pairs(np.array([[5.0, 5], [5.2, 5]]))[0]) == 0  # one place, guessed twice
    assert len(near_pairs(np.array([[0.0, 0], [REACH + 0.1, 0]]))[0]) == 0


def test_features_of_the_other_order_are_the_same_ones_reversed(traits, sky):
    first, second = near_pairs(PLACES)
    there = pair_features(sky, (0, 0), PLACES, traits, first, second)
    back = pair_features(sky, (0, 0), PLACES, traits, second, first)
    assert there.shape == (3, N_FEATURES)
    np.testing.assert_allclose(there[:, REVERSED], back, atol=1e-4)
    assert not np.allclose(there, back, atol=1e-4)


def test_features_do_not_depend_on_the_window(traits, sky):
    wide = np.pad(sky, 40, constant_values=np.nan)
    args = (PLACES, traits, np.array([0]), np.array([1]))
    here = pair_features(sky, (0, 0), *args)
    there = pair_features(wide, (-40, -40), *args)
    np.testing.assert_allclose(there, here, atol=1e-4)


def test_a_bridge_shows_in_the_features(traits):
    y, x = np.mgrid[:128, :128]
    ridge = 60 + (x - 30) / 6 + 6 * np.sin((x - 30) / 60 * np.pi)  # bent, through both
    sky = np.where(np.abs(y - ridge) < 3, 5.0, 0.0).astype(np.float32)
    args = ((0, 0), PLACES[:2], traits[:2], np.array([0]), np.array([1]))
    with_bridge = pair_features(sky, *args)[0]
    cut = np.where((x > 55) & (x < 65), 0, sky)
    without = pair_features(cut, *args)[0]
    lowest = N_FEATURES - 6
    assert with_bridge[lowest] > np.arcsinh(3)
    assert without[lowest] == 0
    assert with_bridge[lowest + 1] > without[lowest + 1] > 0


def test_a_core_between_two_lobes_is_seen(traits, sky):
    args = ((0, 0), PLACES, traits, np.array([0, 0]), np.array([1, 2]))
    between, number = pair_features(sky, *args)[:, 3:5].T
    assert between[0] == pytest.approx(traits[2, 1] + 0.5)
    assert between[1] == number[1] == 0
    assert number[0] == pytest.approx(np.log(2))


def test_the_order_of_the_two_does_not_matter():
    torch.manual_seed(0)
    network = PairNetwork(width=8).eval()
    features = np.random.default_rng(3).normal(size=(6, N_FEATURES)).astype(np.float32)
    np.testing.assert_allclose(network.judge(features[:, REVERSED]), network.judge(features),
                               rtol=1e-5, atol=1e-6)
    assert network.judge(features[:0]).shape == (0,)


def test_rivals_of_a_pair_are_the_other_pairs_of_its_parts():
    first, second = np.array([0, 0, 1, 3]), np.array([1, 2, 2, 4])
    logit = np.array([2.0, 1.0, -1.0, 3.0])
    half = 1 / (1 + np.exp(-logit))
    expected = [[2, 1, -1, half[1], half[2]],
                [1, 2, -1, half[0], half[2]],
                [-1, 2, 1, half[0], half[1]],
                [3, -12, -12, 0, 0]]  # the only pair of its parts
    np.testing.assert_allclose(rival_features(first, second, logit), expected, atol=1e-6)
    np.testing.assert_allclose(rival_features(second, first, logit), expected, atol=1e-6)
    assert rival_features(first[:0], second[:0], logit[:0]).shape == (0, 5)


def test_of_two_pairs_as_likely_each_is_the_rival_of_the_other():
    features = rival_features(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 1.0]))
    np.testing.assert_array_equal(features[:, 1], [1, 1])


def test_comparing_does_not_depend_on_the_order_of_pairs():
    torch.manual_seed(0)
    network = PairNetwork(width=8).eval()
    rng = np.random.default_rng(5)
    first, second = np.triu_indices(8, 1)
    logit = rng.normal(size=len(first))
    order = rng.permutation(len(first))
    np.testing.assert_allclose(network.compare(first[order], second[order], logit[order]),
                               network.compare(first, second, logit)[order], rtol=1e-5, atol=1e-6)
