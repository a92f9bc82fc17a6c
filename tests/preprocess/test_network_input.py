import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound.datasets import make_field
from astrofound.image import SurveyImage
from astrofound.preprocess import NetworkInput, noise_map
from astrofound.utils import InputError


@pytest.fixture(scope='module')
def image():
    return make_field(shape=(96, 128), seed=3).image


def whole(view):
    return tuple(slice(0, side) for side in view.shape)


def test_significance_becomes_three_channels_in_beam_units(image):
    view = NetworkInput(beam_pix=8.0).open(image, noise_map(image))
    assert view.resampler.zoom == pytest.approx(8 / image.beam.fwhm)
    raw, significance = view.read_window(whole(view))
    assert raw is significance
    channels = view.to_channels(raw)
    assert channels.shape == (3, *view.shape)
    assert np.nanmin(channels) >= 0
    assert np.nanmax(channels) <= 1


def test_contrast_is_that_of_the_whole_image(image):
    view = NetworkInput(scaling='contrast', zoom=2.0).open(image, noise_map(image))
    assert view.shape == (192, 256)
    raw, significance = view.read_window(whole(view))
    assert raw is not significance
    channels = view.to_channels(raw)
    assert channels.shape == (1, 192, 256)
    assert channels.min() == 0
    assert channels.max() == 1
    low, high = np.percentile(image.data, [2, 98])
    plain = NetworkInput(scaling='contrast').open(image, noise_map(image))
    assert_allclose(plain.read_window(whole(plain))[0], (image.data - low) / (high - low),
                    rtol=1e-4, atol=1e-4)


def test_a_beam_is_needed_where_it_sets_the_scale():
    data = np.random.default_rng(0).standard_normal((64, 64))
    with pytest.raises(InputError, match='has no beam, which sets the scale'):
        NetworkInput(beam_pix=8.0).open(SurveyImage(data), noise_map(data))


def test_settings_are_checked():
    with pytest.raises(InputError, match='zoom'):
        NetworkInput(zoom=0)
    with pytest.raises(InputError, match='scaling'):
        NetworkInput(scaling='minmax')
