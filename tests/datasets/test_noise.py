import numpy as np
import pytest
from scipy import fft

from astrofound.datasets import ArtefactOptions, NoiseOptions, RadioSky, SourceCounts, UVOptions
from astrofound.datasets.simulate.noise import (
    beam_noise_power,
    correlated_noise,
    field_noise,
    smooth_field,
)

SHAPE = (512, 500)
BEAM = (6.0, 4.0, 25.0)


def autocorrelation(noise):
    values = fft.irfft2(np.abs(fft.rfft2(noise)) ** 2, noise.shape)
    return values / values[0, 0]


def beam_at(x, y):
    angle = np.deg2rad(BEAM[2])
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.exp(-4 * np.log(2) * ((along / BEAM[0]) ** 2 + (across / BEAM[1]) ** 2))


def test_noise_is_correlated_as_the_beam():
    noise = correlated_noise(np.random.default_rng(0), SHAPE, beam_noise_power(SHAPE, BEAM))
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    found = autocorrelation(noise)
    for x, y in [(1, 0), (0, 2), (3, 0), (2, 2), (-3, 1), (4, 3)]:
        assert found[y, x] == pytest.approx(beam_at(x, y), abs=0.03)


def test_single_dish_noise_is_smoother_than_its_beam():
    noise = correlated_noise(np.random.default_rng(0), SHAPE,
                             beam_noise_power(SHAPE, BEAM, kernel_power=2.0))
    assert autocorrelation(noise)[0, 3] == pytest.approx(np.sqrt(beam_at(3, 0)), abs=0.03)


@pytest.mark.parametrize('shape', [(64, 64), (63, 65), (64, 81)])
def test_unit_variance_for_any_shape(shape):
    rng = np.random.default_rng(3)
    draws = [correlated_noise(rng, shape, beam_noise_power(shape, (2.0, 2.0, 0.0)))
             for _ in range(40)]
    assert np.std(draws) == pytest.approx(1.0, abs=0.02)


def test_white_part():
    options = NoiseOptions(kind='beam', white_fraction=0.25)
    noise = field_noise(np.random.default_rng(0), SHAPE, SHAPE, BEAM, options)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert autocorrelation(noise)[0, 1] == pytest.approx(0.75 * beam_at(1, 0), abs=0.03)


def test_smooth_field():
    values = [smooth_field(np.random.default_rng(k), (200, 200), 20.0) for k in range(30)]
    assert np.std(values) == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.diff(values, axis=1)).max() < 0.5


@pytest.mark.parametrize('kind', ['coverage', 'beam'])
def test_rms_of_a_field_is_the_noise_in_it(kind):
    sky = RadioSky(shape=(400, 400), counts=SourceCounts(density=0), artefacts=None,
                   noise=NoiseOptions(kind=kind, variation=0.3, gradient=0.5))
    field = sky(4)
    significance = field.image.data / field.rms
    assert significance.std() == pytest.approx(1.0, abs=0.05)
    left, right = significance[:, :200].std(), significance[:, 200:].std()
    assert left == pytest.approx(right, abs=0.1)


def test_first_like_noise_is_correlated_as_real_noise(real_data):
    from astropy.io import fits

    def compact_noise(data):
        data = data - np.median(data)
        sigma = 1.4826 * np.median(np.abs(data))
        return autocorrelation(np.where(np.abs(data) < 3.5 * sigma, data, 0.0))[0, :4]

    files = sorted((real_data / 'first_rgz' / 'fits').glob('*.fits.gz'))[:12]
    if not files:
        pytest.skip('no FIRST images')
    real = np.median([compact_noise(fits.getdata(f, ignore_missing_end=True).squeeze())
                      for f in files], axis=0)
    simulated = []
    for seed in range(12):
        sky = RadioSky(shape=(300, 300), beam=(3.0, 3.0, 0.0), counts=SourceCounts(density=0.3),
                       noise=NoiseOptions(ripple=0.3, variation=0.05),
                       uv=UVOptions(hours=0.05, robust=1.0, bandwidth=0.02,
                                    declination=5.0 * seed),
                       artefacts=ArtefactOptions(gain_error=0.005, limit=10))
        simulated.append(compact_noise(sky(seed).image.data))
    np.testing.assert_allclose(np.median(simulated, axis=0), real, atol=0.08)


@pytest.mark.parametrize(('options', 'message'), [
    ({'kind': 'white'}, "unknown kind 'white'"),
    ({'stretch': 0}, "'stretch' must be a number of at least 0.3"),
    ({'white_fraction': 2}, "'white_fraction' must be a number of at least 0 and at most 1")])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        NoiseOptions(**options)
