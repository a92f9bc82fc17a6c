import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrofound.preprocess import DETECTION_CHANNELS, Asinh, ComposeChannels, Linear
from astrofound.utils import InputError


def test_each_stretch_is_a_channel():
    data = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    stretches = (Linear(-1, 1), Asinh(0.1), Linear(scale=3.0))
    channels = ComposeChannels(stretches)
    assert channels.n_channels == 3
    np.testing.assert_array_equal(channels(data), [stretch(data) for stretch in stretches])


def test_names_and_single_stretch():
    assert ComposeChannels(('linear', 'asinh')) == ComposeChannels((Linear(), Asinh()))
    assert ComposeChannels('log').n_channels == 1
    with pytest.raises(InputError, match='unknown stretch'):
        ComposeChannels(('linaer',))
    with pytest.raises(InputError, match='at least one stretch'):
        ComposeChannels(())


def test_output_array():
    data = np.ones((4, 6), np.float32)
    out = np.full((2, 4, 6), np.nan, np.float32)
    assert DETECTION_CHANNELS(data, out=out) is out
    np.testing.assert_array_equal(out, DETECTION_CHANNELS(data))


def test_detection_channels():
    significance = np.array([[np.nan, -50, -2, 0, 2, 8, 1e5]], np.float32)
    faint, bright = DETECTION_CHANNELS(significance)[:, 0]
    np.testing.assert_allclose(faint, [0, -1, -0.5, 0, 0.5, 2, 2])
    np.testing.assert_allclose(bright, np.arcsinh(np.nan_to_num(significance[0])) / 4, rtol=1e-5)
    assert np.abs(bright).max() < 3.1


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
                  elements=st.floats(-1e5, 1e5, width=32) | st.just(np.nan)))
def test_blank_pixels_are_zero_and_move_nothing(data):
    channels = DETECTION_CHANNELS(data)
    assert np.isfinite(channels).all()
    assert (channels[:, np.isnan(data)] == 0).all()
    np.testing.assert_array_equal(channels, DETECTION_CHANNELS(np.nan_to_num(data)))
