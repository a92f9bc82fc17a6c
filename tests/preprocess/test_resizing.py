import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrofound.preprocess import BeamResampler
from astrofound.utils import InputError


def gaussian(shape, x, y, fwhm):
    yy, xx = np.indices(shape)
    return np.exp(-4 * np.log(2) * ((xx - x) ** 2 + (yy - y) ** 2) / fwhm**2).astype(np.float32)


def resampled(resampler, data, window=None):
    full = tuple(slice(0, side) for side in resampler.network_shape)
    return resampler.resample(lambda part: data[part], full if window is None else window)


@pytest.mark.parametrize('fwhm', [3.0, 3.5, 4.5, 5.0, 6.0, 7.3, 12.0, 20.0])
def test_gaussian_keeps_peak_and_centroid(fwhm):
    rng = np.random.default_rng(int(10 * fwhm))
    shape = (int(12 * fwhm) + 20,) * 2
    resampler = BeamResampler(shape, fwhm)
    for _ in range(10):
        x, y = shape[0] / 2 + rng.uniform(-1, 1, 2)
        out = resampled(resampler, gaussian(shape, x, y, fwhm))
        wanted = gaussian(out.shape, *resampler.to_network(x, y), 4.0)
        np.testing.assert_allclose(out, wanted, atol=0.01)
        yy, xx = np.indices(out.shape)
        bright = wanted > 0.3
        for axis in (xx, yy):
            shift = [(axis * image * bright).sum() / (image * bright).sum()
                     for image in (out, wanted)]
            np.testing.assert_allclose(*shift, atol=0.01)


@pytest.mark.parametrize('fwhm', [2.5, 4.9, 9.1])
def test_background_keeps_its_level(fwhm):
    resampler = BeamResampler((90, 70), fwhm)
    out = resampled(resampler, np.full((90, 70), 1234.5, np.float32))
    np.testing.assert_allclose(out, 1234.5, rtol=1e-6)


@pytest.mark.parametrize('fwhm', [3.961, 4.0, 4.039])
def test_copy_within_a_percent(fwhm):
    data = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    data[3, 4], data[5, 6] = np.nan, np.inf
    resampler = BeamResampler(data.shape, fwhm)
    assert resampler.zoom == 1
    assert resampler.network_shape == data.shape
    np.testing.assert_array_equal(resampled(resampler, data),
                                  np.where(np.isfinite(data), data, np.nan))


@settings(max_examples=40)
@given(shape=st.tuples(st.integers(1, 80), st.integers(1, 80)), fwhm=st.floats(1.5, 20),
       share=st.sampled_from([0, 0.02, 0.5]), data=st.data())
def test_tiles_agree_bit_for_bit(shape, fwhm, share, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    image = rng.normal(size=shape).astype(np.float32)
    image[rng.random(shape) < share] = np.nan
    resampler = BeamResampler(shape, fwhm)
    whole = resampled(resampler, image)
    assert whole.shape == resampler.network_shape
    window = []
    for side in whole.shape:
        start = data.draw(st.integers(0, side - 1))
        window.append(slice(start, data.draw(st.integers(start + 1, side))))
    part = resampled(resampler, image, tuple(window))
    np.testing.assert_array_equal(part, whole[tuple(window)])
    inside = resampler.image_window(tuple(window))
    for side, bounds in zip(shape, inside, strict=True):
        assert 0 <= bounds.start < bounds.stop <= side


@settings(max_examples=40)
@given(st.integers(0, 999), st.floats(0, 0.9), st.floats(1.5, 15))
def test_blank_pixels_take_no_part(seed, share, fwhm):
    rng = np.random.default_rng(seed)
    image = np.full((50, 40), 7.0, np.float32)
    image[rng.random(image.shape) < share] = np.nan
    out = resampled(BeamResampler(image.shape, fwhm), image)
    np.testing.assert_allclose(out[np.isfinite(out)], 7, rtol=1e-4)
    dirty = np.where(np.isnan(image), np.inf, image)
    np.testing.assert_array_equal(resampled(BeamResampler(image.shape, fwhm), dirty), out)


@pytest.mark.parametrize('fwhm', [2.7, 6.0])
def test_blank_border_keeps_its_place(fwhm):
    image = np.ones((60, 60), np.float32)
    image[:, :21] = np.nan
    resampler = BeamResampler(image.shape, fwhm)
    blank = np.isnan(resampled(resampler, image))
    x = resampler.to_image(np.arange(blank.shape[1]), 0)[0]
    np.testing.assert_array_equal(blank, np.broadcast_to(x < 20.5, blank.shape))


@given(st.floats(0.5, 40), st.floats(-10, 1e4), st.floats(-10, 1e4))
def test_positions_and_boxes_go_there_and_back(fwhm, x, y):
    resampler = BeamResampler((1000, 900), fwhm)
    np.testing.assert_allclose(resampler.to_image(*resampler.to_network(x, y)), (x, y), atol=1e-6)
    boxes = np.array([[x, y, x + 3, y + 5]])
    np.testing.assert_allclose(resampler.boxes_to_image(resampler.boxes_to_network(boxes)), boxes,
                               atol=1e-6)
    # an edge is half a pixel from the centre beside it, in both frames
    edge_x, edge_y = resampler.to_network(x - 0.5, y - 0.5)
    corner = resampler.boxes_to_network(boxes)[0, :2]
    np.testing.assert_allclose(corner, (edge_x + 0.5, edge_y + 0.5), atol=1e-6)


def test_network_shape():
    assert BeamResampler((300, 301), 8.0).network_shape == (150, 151)
    assert BeamResampler((300, 300), 6.0).network_shape == (200, 200)
    assert BeamResampler((1, 1), 400.0).network_shape == (1, 1)
    assert BeamResampler((100, 100), 8.0, 16.0).zoom == 2


def test_frozen_and_equal():
    assert BeamResampler((30, 20), 8.0) == BeamResampler((30, 20), 8.0)
    assert hash(BeamResampler((30, 20), 8.0)) == hash(BeamResampler((30, 20), 8.0))


@pytest.mark.parametrize(('arguments', 'message'), [
    (((10, 10), 0), "'fwhm_pix' must be"), (((10, 10), np.nan), "'fwhm_pix' must be"),
    (((10, 10), 4, -1), "'target_fwhm_pix' must be"), (((10,), 4), "'shape' must be two"),
    (((0, 5), 4), "'shape' must be two"),
])
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        BeamResampler(*arguments)
