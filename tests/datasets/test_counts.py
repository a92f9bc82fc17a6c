import numpy as np
import pytest

from astrofound.datasets import SourceCounts


def test_density_counts_sources_above_five_sigma():
    counts = SourceCounts(density=3.0, faint_slope=1.6, bright_slope=2.5, break_snr=30)
    snr = counts.draw(np.random.default_rng(0), 2_000_000)
    assert (snr > 5).sum() == pytest.approx(6000, abs=5 * np.sqrt(6000))
    assert snr.min() >= counts.min_snr
    assert snr.max() <= counts.max_snr


@pytest.mark.parametrize(('low', 'high', 'slope'), [(1, 20, 1.6), (40, 400, 2.5)])
def test_slopes(low, high, slope):
    counts = SourceCounts(density=5, faint_slope=1.6, bright_slope=2.5, break_snr=30)
    snr = counts.draw(np.random.default_rng(1), 4_000_000)
    chosen = np.log(snr[(snr > low) & (snr < high)] / low)
    # mean of a truncated exponential of rate slope - 1
    rate, length = slope - 1, np.log(high / low)
    expected = 1 / rate - length / np.expm1(rate * length)
    assert chosen.mean() == pytest.approx(expected, rel=0.05)


def test_empty_sky():
    assert SourceCounts(density=0.0).draw(np.random.default_rng(0), 1e6).size == 0
    assert SourceCounts(max_snr=3.0).draw(np.random.default_rng(0), 1e6).size == 0


@pytest.mark.parametrize(('options', 'message'), [
    ({'density': -1}, "'density' must be a number of at least 0"),
    ({'faint_slope': 0}, "'faint_slope' must be a number greater than 0"),
    ({'min_snr': 10, 'max_snr': 5}, "'min_snr' must be smaller than 'max_snr', got 10 and 5")])
def test_bad_counts(options, message):
    with pytest.raises(ValueError, match=message):
        SourceCounts(**options)
