import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.catalog import cross_match
from astrofound.utils import InputError


def test_nearest_pair_first():
    a, b = [(0, 0), (3, 0)], [(2, 0)]
    i, j, distance = cross_match(a, b, radius=2.5)
    assert (i.tolist(), j.tolist(), distance.tolist()) == ([1], [0], [1.0])


def test_on_the_sky_across_zero_and_pole():
    a = SkyCoord([359.9999, 10], [0, 89.999], unit='deg')
    b = SkyCoord([190, 0.0001], [89.999, 0], unit='deg')
    i, j, distance = cross_match(a, b, radius=10 * u.arcsec)
    assert (i.tolist(), j.tolist()) == ([0, 1], [1, 0])
    assert_allclose(distance.to_value(u.arcsec), [0.72, 7.2], rtol=1e-5)


def test_tables_of_two_programs():
    ours = Table({'ra': [10.0], 'dec': [5.0], 'x_centroid': [1.0], 'y_centroid': [1.0]})
    theirs = Table({'RAJ2000': [10.0 + 1 / 3600], 'DEJ2000': [5.0]})
    assert len(cross_match(ours, theirs, radius=2 * u.arcsec)[0]) == 1
    assert len(cross_match(ours, Table({'x': [1.5], 'y': [1.0]}), radius=2)[0]) == 1


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.tuples(st.integers(0, 30), st.just(2)), elements=st.floats(0, 20)),
       arrays(float, st.tuples(st.integers(0, 30), st.just(2)), elements=st.floats(0, 20)))
def test_one_to_one_and_symmetric(a, b):
    i, j, distance = cross_match(a, b, radius=3.0)
    assert len(set(i)) == len(i)
    assert len(set(j)) == len(j)
    assert_allclose(distance, np.hypot(*(a[i] - b[j]).T), atol=1e-9)
    k, m, _ = cross_match(b, a, radius=3.0)
    order = np.argsort(m)
    if len(np.unique(distance)) == len(distance):
        assert len(k) == len(i)
    assert_array_equal(m[order], np.sort(m))
    # Nothing left over could still be paired.
    left_a, left_b = np.delete(a, i, axis=0), np.delete(b, j, axis=0)
    assert len(cross_match(left_a, left_b, radius=3.0)[0]) == 0


def test_swap_gives_the_same_pairs():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 50, (2, 200, 2))
    i, j, _ = cross_match(a, b, radius=4)
    k, m, _ = cross_match(b, a, radius=4)
    assert set(zip(i, j, strict=True)) == set(zip(m, k, strict=True))


def test_nan_and_empty():
    i, _, _ = cross_match([(np.nan, 0), (1, 1)], [(1, 1), (0, np.nan)], radius=5)
    assert i.tolist() == [1]
    assert len(cross_match(np.empty((0, 2)), [(1, 1)], radius=1)[0]) == 0
    empty = Table({'ra': np.empty(0), 'dec': np.empty(0)})
    assert len(cross_match(empty, empty, radius=1 * u.arcsec)[0]) == 0


@pytest.mark.parametrize('radius', [0, -1, np.nan, 'far', 3 * u.s, -2 * u.arcsec])
def test_bad_radius(radius):
    with pytest.raises(InputError, match="'radius' must be"):
        cross_match([(1, 1)], [(1, 1)], radius=radius)


def test_wrong_kind_of_positions():
    sky = SkyCoord([1], [1], unit='deg')
    with pytest.raises(InputError, match='need pixel positions'):
        cross_match(sky, sky, radius=3)
    with pytest.raises(InputError, match='need sky positions'):
        cross_match([(1, 1)], sky, radius=3 * u.arcsec)
