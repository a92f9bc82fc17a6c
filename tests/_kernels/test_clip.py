import math

import numpy as np
import pytest
from scipy.stats import truncnorm

from astrofound._kernels.clip import N_BINS, clipped_statistics, truncation_factors


@pytest.fixture
def rng():
    return np.random.default_rng(42)


def run(values, *, sigma=3.0, n_iter_max=20, upper=1.0):
    out = np.empty(4)
    values = np.asarray(values, np.float32)
    clipped_statistics(values, values.size, sigma, n_iter_max, upper, np.empty(256, np.float32),
                       np.empty(N_BINS + 2, np.int64), out)
    return out


def twin(values, below, above, n_iter_max=80):
    """Clip the numbers themselves, one by one, as the histogram does in bins."""
    values = np.asarray(values, np.float64)
    cut = truncnorm(-below, above)
    shift, shrink = cut.mean(), cut.std()
    centre = np.median(values)
    quarter, upper_quarter = np.percentile(values, [25, 75])
    spread = 1.4826 * min(0.5 * (upper_quarter - quarter), centre - quarter)
    kept = None
    for _ in range(n_iter_max):
        new = (values >= centre - below * spread) & (values <= centre + above * spread)
        if kept is not None and (new == kept).all():
            break
        kept = new
        spread = values[kept].std() / shrink
        centre = values[kept].mean() - shift * spread
    return centre, spread


@pytest.mark.parametrize(('low', 'high'), [(-3, 3), (-3, 1), (-2, 0.5)])
def test_truncation_factors(low, high):
    cut = truncnorm(low, high)
    np.testing.assert_allclose(truncation_factors(low, high), (cut.mean(), cut.std()), atol=1e-9)


@pytest.mark.parametrize('sources', [0, 0.05, 0.2])
@pytest.mark.parametrize(('level', 'width'), [(0, 1), (1000, 3), (-2e-3, 1e-5)])
def test_same_as_clipping_one_by_one(rng, sources, level, width):
    values = rng.normal(size=4096)
    values[:int(sources * values.size)] += rng.pareto(1.0, int(sources * values.size)) * 4
    values = (level + width * rng.permutation(values)).astype(np.float32)
    even, even_rms, low, low_rms = run(values)
    # a bin is 0.04 rms, and a limit between two of them lets in a handful of pixels
    for got, wanted in ((even, even_rms), twin(values, 3, 3)), ((low, low_rms),
                                                                twin(values, 3, 1)):
        np.testing.assert_allclose(got[0], wanted[0], atol=0.03 * width)
        np.testing.assert_allclose(got[1], wanted[1], rtol=0.03)


@pytest.mark.parametrize('sigma', [2.0, 3.0, 5.0])
def test_pure_noise_keeps_level_and_rms(rng, sigma):
    found = np.array([run(rng.normal(5, 2, 4096), sigma=sigma) for _ in range(60)])
    np.testing.assert_allclose(found.mean(axis=0), [5, 2, 5, 2], atol=0.02)


def test_the_hard_clip_is_less_pulled_by_sources(rng):
    values = rng.normal(size=20000)
    values[:4000] += rng.exponential(3, 4000)
    even, even_rms, low, low_rms = run(rng.permutation(values))
    assert 0 < low < 0.7 * even
    assert 1 < low_rms < even_rms


def test_start_in_a_source(rng):
    # the first look sees the source only; the histogram has to move to the sky by itself
    values = rng.normal(size=5000)
    values[::19] += 500
    values[0:1600] = rng.normal(800, 5, 1600)
    even, even_rms, *_ = run(values)
    np.testing.assert_allclose([even, even_rms], [0, 1], atol=0.1)


@pytest.mark.parametrize('n', [1, 2, 3, 7])
def test_few_values(rng, n):
    assert np.isfinite(run(rng.normal(size=n))).all()


def test_constant_has_no_rms():
    np.testing.assert_array_equal(run(np.full(500, 7.5)), [7.5, 0, 7.5, 0])


@pytest.mark.parametrize('mean', [0.02, 0.2, 0.5])
def test_counts_without_a_mad(rng, mean):
    values = rng.poisson(mean, 20000)
    _, even_rms, _, low_rms = run(values)
    assert 0.5 * math.sqrt(mean) < even_rms < 1.2 * math.sqrt(mean)
    assert low_rms > 0


def test_integers_are_not_biased(rng):
    even, even_rms, low, _ = run(np.rint(rng.normal(100, 1.5, 50000)))
    np.testing.assert_allclose([even, low], 100, atol=0.1)
    np.testing.assert_allclose(even_rms, math.hypot(1.5, 1 / math.sqrt(12)), rtol=0.02)
