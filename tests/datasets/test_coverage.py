import numpy as np
import pytest
from scipy import fft

from astrofound.datasets import UVOptions
from astrofound.datasets.simulate import UVCoverage
from astrofound.datasets.simulate.coverage import ARRAYS

SHAPE = (180, 192)
HOURS = {'wye': 0.1, 'core': 2.0, 'east-west': 12.0, 'spiral': 1.0}


def make(beam=(5.0, 3.5, 30.0), seed=0, **options):
    return UVCoverage(UVOptions(**options), SHAPE, beam, np.random.default_rng(seed))


def sample(image, x, y):
    """Value of a periodic image between pixels, from its transform."""
    v, u = fft.fftfreq(SHAPE[0])[:, None], fft.fftfreq(SHAPE[1])[None, :]
    return np.real(np.sum(fft.fft2(image) * np.exp(2j * np.pi * (u * x + v * y)))) / image.size


@pytest.mark.parametrize('array', ARRAYS)
def test_dirty_beam_has_the_main_lobe_asked_for(array):
    coverage = make(array=array, hours=HOURS[array], declination=50.0)
    assert coverage.dirty_beam[0, 0] == pytest.approx(1.0)
    assert np.abs(coverage.dirty_beam).max() == pytest.approx(1.0)
    theta = np.deg2rad(30)
    for turn, half in ((theta, 2.5), (theta + np.pi / 2, 1.75)):
        value = sample(coverage.dirty_beam, half * np.cos(turn), half * np.sin(turn))
        assert value == pytest.approx(0.5, abs=0.06)


def test_natural_weighting_makes_the_dirty_beam_the_autocorrelation_of_the_noise():
    coverage = make(robust=3.0, hours=1.0)
    autocorrelation = fft.irfft2(coverage.noise_power, SHAPE)
    np.testing.assert_allclose(autocorrelation / autocorrelation[0, 0], coverage.dirty_beam,
                               atol=0.01)


def test_uniform_weighting_lowers_the_sidelobes():
    spread = [np.std(make(robust=r, hours=4.0, array='core', n_antennas=50).dirty_beam)
              for r in (-2.0, 2.0)]
    assert spread[0] < spread[1]


def test_perfect_gains_leave_nothing():
    coverage = make(array='core', n_antennas=20)
    assert np.abs(coverage.gain_error_transfer(np.zeros(20))).max() == 0
    one = coverage.gain_error_transfer(np.full(20, 0.1))
    # the same wrong gain everywhere is a wrong flux scale, (1.1^2 - 1), and nothing else
    np.testing.assert_allclose(one, 0.21 * coverage.transfer, atol=1e-9 * one.real.max())


def test_one_bad_baseline_makes_stripes():
    coverage = make(hours=0.05, bandwidth=0.0)
    stripes = fft.irfft2(coverage.bad_baseline_transfer(np.random.default_rng(2)), SHAPE)
    power = np.sort((np.abs(fft.rfft2(stripes)) ** 2).ravel())[::-1]
    assert power[:2].sum() > 0.9 * power.sum()


def test_same_seed_same_coverage():
    a, b = make(seed=3, array='core').transfer, make(seed=3, array='core').transfer
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(('options', 'message'), [
    ({'array': 'wey'}, "unknown array 'wey'; did you mean 'wye'"),
    ({'hours': 0}, "'hours' must be a number greater than 0"),
    ({'n_antennas': 2}, "'n_antennas' must be an integer of at least 4")])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        UVOptions(**options)
