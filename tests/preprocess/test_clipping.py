import numpy as np
import pytest
from astropy import units as u
from astropy.stats import sigma_clip
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrofound.preprocess import clip_sigma, clip_to_zero
from astrofound.utils import InputError


@pytest.fixture
def data():
    data = np.random.default_rng(0).normal(5, 1, (60, 70))
    data[20:25, 30:36] += 50
    return data


@pytest.mark.parametrize('sigma', [2.0, 3.0])
def test_same_as_astropy(data, sigma):
    wanted = sigma_clip(data, sigma=sigma, maxiters=5, cenfunc='median', stdfunc='mad_std')
    assert (clip_sigma(data, sigma=sigma) != wanted.mask).mean() < 1e-3


def test_units_masks_and_blanks(data):
    mask = clip_sigma(data)
    np.testing.assert_array_equal(clip_sigma(data * u.Jy), mask)
    blank = data > 5.5
    blanked = np.where(blank, np.nan, data)
    np.testing.assert_array_equal(clip_sigma(np.ma.array(data, mask=blank)), clip_sigma(blanked))
    assert clip_sigma(blanked)[blank].all()


def test_clip_to_zero_leaves_the_source(data):
    clipped = clip_to_zero(data, sigma=5)
    assert clipped.dtype == np.float32
    np.testing.assert_array_equal(np.argwhere(clipped), np.argwhere(data > 30))
    np.testing.assert_allclose(clipped[clipped > 0], data[data > 30], rtol=1e-6)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9),
                  elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])))
def test_any_image(data):
    mask = clip_sigma(data)
    assert mask.shape == data.shape
    assert mask[~np.isfinite(data)].all()
    clipped = clip_to_zero(data)
    assert np.isfinite(clipped).all()
    assert (clipped[~np.isfinite(data)] == 0).all()


@pytest.mark.parametrize('function', [clip_sigma, clip_to_zero])
def test_bad_input(function, data):
    with pytest.raises(InputError, match="'data' must be a 2D image, got 1 dimensions"):
        function(data[0])
    with pytest.raises(InputError, match="'sigma' must be a number greater than 0"):
        function(data, sigma=0)
    with pytest.raises(InputError, match="'n_iter_max' must be an integer"):
        function(data, n_iter_max=0)
