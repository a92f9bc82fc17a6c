import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from astrofound.image import PixelBeam, SurveyImage
from astrofound.preprocess import FixedNoise, MeshBackground, noise_map
from astrofound.utils import InputError

SHAPE = (200, 240)
WINDOW = (slice(20, 90), slice(5, 240))
ALL = (slice(0, 200), slice(0, 240))


@pytest.fixture
def data():
    return np.random.default_rng(0).normal(10, 2, SHAPE).astype(np.float32)


@pytest.fixture
def rms():
    rms = np.full(SHAPE, 3.0)
    rms[30, 40:60] = [0, -1, np.nan, np.inf] * 5
    return rms


def sizes(noise, window=WINDOW):
    background, rms = noise.read_window(window)
    assert background.dtype == rms.dtype == np.float32
    assert background.shape == rms.shape == (70, 235) if window is WINDOW else SHAPE
    return float(np.median(background)), float(np.nanmedian(rms))


def test_measured(data):
    noise = noise_map(data)
    np.testing.assert_allclose(sizes(noise), (10, 2), rtol=0.05)
    np.testing.assert_allclose(noise.rms_median, 2, rtol=0.03)


def test_numbers(data):
    noise = noise_map(data, background=1, rms=np.float32(4))
    assert sizes(noise) == (1, 4)
    assert noise.rms_median == 4
    assert noise.shape == SHAPE
    np.testing.assert_allclose(noise.significance(data[WINDOW], WINDOW), (data[WINDOW] - 1) / 4,
                               rtol=1e-6)


def test_only_the_background_is_known(data):
    slope = np.arange(240) * np.ones((200, 1))
    noise = noise_map(data + slope, background=slope + 9)
    background, rms = noise.read_window(WINDOW)
    np.testing.assert_array_equal(background, (slope + 9)[WINDOW])
    np.testing.assert_allclose(rms.mean(), 2, rtol=0.03)
    np.testing.assert_allclose(noise.rms_median, 2, rtol=0.03)


def test_only_the_rms_is_known(data, rms):
    noise = noise_map(data, rms=rms)
    assert np.isnan(noise.read_window(ALL)[1]).sum() == 20
    np.testing.assert_allclose(sizes(noise), (10, 3), rtol=0.05)
    assert noise.rms_median == 3


def test_pixels_without_rms_are_blank_and_have_no_say(data, rms):
    data[30, 40:60] = 1e6
    rms[:, 100:140], data[:, 100:140] = 0, 500
    noise = noise_map(data, rms=rms)
    significance = noise.significance(data, ALL)
    np.testing.assert_array_equal(np.isnan(significance), ~((rms > 0) & (rms < 1e9)))
    np.testing.assert_allclose(noise.read_window(ALL)[0].mean(), 10, atol=0.1)


def test_pixels_without_background_are_blank(data):
    background = np.full(SHAPE, 10.0)
    background[50:60] = np.nan
    for known in ({'rms': 2}, {}):
        noise = noise_map(data, background=background, **known)
        level, rms = noise.read_window(ALL)
        assert np.isfinite(level).all()
        np.testing.assert_array_equal(np.isnan(rms), np.isnan(background))


def test_masked_map(data):
    rms = np.ma.array(np.full(SHAPE, 2.0), mask=data > 13)
    np.testing.assert_array_equal(np.isnan(FixedNoise(rms=rms).read_window(ALL)[1]), rms.mask)


def test_maps_from_files_and_images(data, tmp_path):
    path = tmp_path / 'rms.fits'
    fits.writeto(path, np.full(SHAPE, 2.5, '>f4'))
    for given in (path, str(path), SurveyImage.read(path), fits.ImageHDU(np.full(SHAPE, 2.5))):
        noise = noise_map(data, background=SurveyImage(np.full(SHAPE, 9.0)), rms=given)
        assert sizes(noise) == (9, 2.5)


def test_units(data):
    image = SurveyImage(data, unit='mJy/beam', beam=PixelBeam(4, 4, 0))
    assert sizes(noise_map(image, background=0.01 * u.Jy / u.beam, rms=2)) == (10, 2)
    np.testing.assert_allclose(sizes(noise_map(image, background=0,
                                               rms=np.full(SHAPE, 3e-6) * u.kJy / u.beam)), (0, 3))
    in_jy = SurveyImage(np.full(SHAPE, 0.002), unit='Jy/beam', beam=PixelBeam(4, 4, 0))
    np.testing.assert_allclose(sizes(noise_map(image, background=in_jy, rms=1)), (2, 1))
    with pytest.raises(InputError, match="'rms' is in K, which cannot be converted to the mJy"):
        noise_map(image, rms=2 * u.K)


def test_the_cell_follows_the_beam(data):
    wide = np.tile(data, (5, 5))
    image = SurveyImage(wide, beam=PixelBeam(8, 8, 0))
    assert noise_map(image).rms_mesh.shape == (8, 9)
    assert noise_map(image, fwhm_pix=4).rms_mesh.shape == (16, 19)
    assert noise_map(wide).rms_mesh.shape == (16, 19)
    assert noise_map(image, options=MeshBackground(box_pix=100)).rms_mesh.shape == (10, 12)


@pytest.mark.parametrize('name', ['rms', 'background'])
@pytest.mark.parametrize(('value', 'message'), [
    (np.ones((3, 4)), r"has the shape \(3, 4\), the image \(200, 240\)"),
    (np.ones(4), 'must be a 2D numeric array'),
    (np.inf, 'must be a finite number'),
    (True + 1j, 'must be a finite number'),
])
def test_bad_maps(data, name, value, message):
    with pytest.raises(InputError, match=message):
        noise_map(data, **{name: value})


@pytest.mark.parametrize('rms', [0, -2.0])
def test_rms_of_zero(data, rms):
    with pytest.raises(InputError, match="'rms' must be greater than 0, got"):
        noise_map(data, rms=rms)


def test_map_without_a_positive_value(data):
    with pytest.raises(InputError, match="'rms' has no positive finite value"):
        FixedNoise(rms=np.zeros(SHAPE)).rms_median  # noqa: B018


def test_two_numbers_need_a_shape():
    with pytest.raises(InputError, match="'shape' is needed"):
        FixedNoise(0, rms=1)
    assert repr(FixedNoise(0, rms=1, shape=(3, 4))) == 'FixedNoise(shape=(3, 4), rms=1)'
