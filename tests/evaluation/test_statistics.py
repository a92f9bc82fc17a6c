import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from astrofound.evaluation import f1_score, fraction, median_scatter
from astrofound.evaluation.statistics import check_edges, running_sums


@given(n_all=st.integers(1, 10_000), share=st.floats(0, 1))
def test_interval_encloses_fraction(n_all, share):
    value, low, high = fraction(round(share * n_all), n_all)
    assert -1e-12 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1 + 1e-12


def test_wilson_interval_of_the_textbook():
    # Brown, Cai & DasGupta: (p + z2/2n +- z sqrt(pq/n + z2/4n2)) / (1 + z2/n)
    n, p, z = 50, 0.8, 1.959964
    middle, half = p + z ** 2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
    _, low, high = fraction(40, n, confidence=0.95)
    assert_allclose([low, high], np.array([middle - half, middle + half]) / (1 + z ** 2 / n),
                    rtol=1e-5)


def test_fraction_without_trials():
    value, low, high = fraction([0, 3], [0, 4])
    assert np.isnan([value[0], low[0], high[0]]).all()
    assert value[1] == 0.75
    assert np.isnan(fraction(0, 0)[0])


def test_fraction_narrows_with_numbers():
    widths = [np.subtract(*fraction(n, 2 * n)[:0:-1]) for n in (5, 50, 500)]
    assert widths[0] > widths[1] > widths[2]


def test_fraction_wants_a_probability():
    with pytest.raises(ValueError, match="'confidence' must be"):
        fraction(1, 2, confidence=68)


def test_f1():
    assert f1_score(0.5, 1.0) == pytest.approx(2 / 3)
    assert f1_score(0, 0) == 0
    assert_allclose(f1_score([1, 0.5, np.nan], [1, 0.5, 1]), [1, 0.5, np.nan])


def test_median_scatter_ignores_outliers():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 0.2, 1000)
    values[:50] = 1e6
    median, scatter = median_scatter([*values, np.nan, np.inf])
    assert median == pytest.approx(3, abs=0.05)
    assert scatter == pytest.approx(0.2, rel=0.15)
    assert np.isnan(median_scatter([])).all()
    assert np.isnan(median_scatter([2.0])[1])


@given(values=st.lists(st.floats(0, 1) | st.just(np.nan), max_size=30),
       cuts=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_running_sums_match_a_plain_loop(values, cuts):
    weights = np.arange(1, len(values) + 1)
    plain = [sum(w for v, w in zip(values, weights, strict=True) if v >= cut) for cut in cuts]
    assert_allclose(running_sums(values, weights, cuts), plain)


@pytest.mark.parametrize('edges', [[1], [2, 1], [[0, 1]], [0, np.nan]])
def test_edges_must_rise(edges):
    with pytest.raises(ValueError, match="'snr_edges' must be"):
        check_edges(edges)
