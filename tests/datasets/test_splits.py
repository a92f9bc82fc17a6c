"""Splits: nothing in two parts, the test part fixed, every class in its share."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from astrofound.datasets import (
    LabelledImages,
    check_leaks,
    fold_labelled,
    group_positions,
    split_labelled,
)
from astrofound.utils import InputError

# the training boxes of Radio Galaxy Zoo, by class
RGZ = np.repeat(['1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P'],
                [2323, 740, 888, 733, 753, 851])


@settings(max_examples=30)
@given(counts=st.lists(st.integers(2, 60), min_size=2, max_size=6), test=st.floats(0, 0.6),
       fraction=st.floats(0.05, 1), seed=st.integers(0, 9))
def test_parts_are_a_partition_with_every_class(counts, test, fraction, seed):
    labels = np.repeat([f'c{k}' for k in range(len(counts))], counts)
    split = split_labelled(labels, test=test, fraction=fraction, seed=seed)
    parts = np.concatenate([split.train, split.validation, split.test])
    assert_array_equal(np.sort(parts), np.arange(len(labels)))
    assert set(labels[split.train]) == set(labels)
    assert test == 0 or set(labels[split.test]) == set(labels)


def test_shares_are_those_of_the_paper():
    labels = np.repeat(list('abcd'), 2500)
    sizes = [len(split_labelled(labels, fraction=fraction).train)
             for fraction in (0.1, 0.3, 0.5, 1)]
    assert sizes == [800, 2400, 4000, 8000]
    split = split_labelled(RGZ, fraction=0.3)
    mix = np.unique(RGZ[split.train], return_counts=True)[1] / len(split.train)
    assert_array_equal(np.round(mix, 2), np.round(
        np.unique(RGZ, return_counts=True)[1] / len(RGZ), 2))
    assert len(split_labelled(RGZ).validation) == 0


def test_test_part_is_the_same_for_all():
    tests = {split_labelled(RGZ, fraction=fraction, seed=seed).test.tobytes()
             for fraction in (0.1, 0.5, 1) for seed in (0, 1)}
    assert len(tests) == 1
    other = split_labelled(RGZ, test_seed=1).test
    assert other.tobytes() not in tests


def test_larger_fractions_hold_smaller_ones():
    trains = [set(split_labelled(RGZ, fraction=fraction).train.tolist())
              for fraction in (0.1, 0.3, 0.5, 1)]
    assert trains[0] < trains[1] < trains[2] < trains[3]


def test_digest_says_who_is_where():
    split = split_labelled(RGZ, fraction=0.1)
    assert split.digest == split_labelled(RGZ, fraction=0.1).digest
    assert split.digest != split_labelled(RGZ, fraction=0.1, seed=1).digest
    assert repr(split).endswith(f'{split.digest}>')
    # names count, not the order of the rows
    names = np.array([f'image {k}' for k in range(20)])
    data = LabelledImages(np.zeros((20, 2, 2)), ['a', 'b'] * 10, names=names)
    backwards = data.select(slice(None, None, -1))
    test = np.arange(4)
    assert (split_labelled(data, test=test).digest
            == split_labelled(backwards, test=19 - test).digest)


def test_given_test_part():
    test = np.arange(0, len(RGZ), 5)
    split = split_labelled(RGZ, test=test, fraction=0.5)
    assert_array_equal(split.test, test)
    mask = np.zeros(len(RGZ), bool)
    mask[test] = True
    assert split_labelled(RGZ, test=mask, fraction=0.5).digest == split.digest


def test_one_class_and_single_images():
    with pytest.raises(InputError, match="all 5 images are of the class 'a'"):
        split_labelled(['a'] * 5)
    with pytest.raises(InputError, match='classes with a single image: c, d'):
        split_labelled(['a', 'a', 'b', 'b', 'c', 'd'])
    split = split_labelled(['a', 'a', 'b', 'b', 'c'], test=0.0, fraction=0.5)
    assert len(split.train) == 3
    with pytest.raises(InputError, match='the training part has no image of c'):
        split_labelled(['a', 'a', 'b', 'b', 'c'], test=[0, 2, 4])
    with pytest.raises(InputError, match="'fraction' must be a number greater than 0"):
        split_labelled(RGZ, fraction=0)
    with pytest.raises(InputError, match="'data' must be"):
        split_labelled(np.zeros((2, 2)))


@settings(max_examples=15)
@given(seed=st.integers(0, 20), fraction=st.sampled_from([0.1, 0.3, 0.5]))
def test_groups_stay_together(seed, fraction):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list('abc'), 300)
    groups = rng.integers(0, 150, 300)
    split = split_labelled(labels, fraction=fraction, seed=seed, test_seed=seed, groups=groups)
    parts = [set(groups[rows]) for rows in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert abs(len(split.test) - 60) <= 6


def test_groups_across_a_given_test_part():
    with pytest.raises(InputError, match="1 images outside the given 'test'"):
        split_labelled(list('ababab'), test=[0, 1], groups=[0, 1, 0, 2, 3, 4])
    with pytest.raises(InputError, match="'groups' must have one entry"):
        split_labelled(list('abab'), groups=[0, 1])


def test_folds():
    folds = fold_labelled(RGZ, 5, seed=1)
    assert_array_equal(np.sort(np.concatenate([fold.test for fold in folds])), np.arange(len(RGZ)))
    assert len({fold.digest for fold in folds}) == 5
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert set(RGZ[fold.test]) == set(RGZ)
    groups = np.arange(60) // 2
    for fold in fold_labelled(list('ab') * 30, 3, groups=groups):
        assert not set(groups[fold.train]) & set(groups[fold.test])
    with pytest.raises(InputError, match='3 folds need two classes of at least 3 images; got a 2'):
        fold_labelled(list('aabbb'), 3)


class TestLeaks:
    @pytest.fixture
    def data(self):
        images = np.random.default_rng(0).normal(size=(40, 4, 4))
        images[31] = images[2]
        ra = np.arange(40) * 1.0
        ra[35] = ra[5] + 1 / 3600
        return LabelledImages(images, ['a', 'b'] * 20, positions=SkyCoord(ra, 0 * ra, unit='deg'))

    def test_both_kinds_are_found(self, data):
        split = split_labelled(data, test=np.arange(30, 40))
        leaks = check_leaks(data, split, 5 * u.arcsec)
        assert leaks['reason'].tolist() == ['position', 'pixels']
        assert leaks['first'].tolist() == [5, 2]
        assert leaks['second'].tolist() == [35, 31]
        assert leaks['separation'].quantity[0].to_value(u.arcsec) == pytest.approx(1)
        assert set(leaks['second_part']) == {'test'}
        assert set(leaks['first_part']) == {'train'}

    def test_within_a_part_is_none(self, data):
        split = split_labelled(data, test=[5, 35, 2, 31, 0, 1])
        assert len(check_leaks(data, split, 5 * u.arcsec)) == 0

    def test_groups_leave_no_leak(self, data):
        groups = group_positions(data.positions, 5 * u.arcsec)
        assert len(set(groups)) == 39
        for seed in range(5):
            split = split_labelled(data, groups=groups, test_seed=seed, fraction=0.5, seed=seed)
            assert len(check_leaks(data.positions, split, 5 * u.arcsec)) == 0

    def test_needs_something_to_compare(self, data):
        split = split_labelled(data)
        with pytest.raises(InputError, match="'radius' needs positions"):
            check_leaks(LabelledImages(data.images, data.labels), split, 1 * u.arcsec)
        with pytest.raises(InputError, match="pass 'radius'"):
            check_leaks(data.positions, split)
        with pytest.raises(InputError, match='must be an angle'):
            check_leaks(data, split, 3 * u.m)
