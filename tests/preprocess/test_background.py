import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import gaussian_filter, maximum_filter

from astrofound.preprocess import MeshBackground
from astrofound.utils import InputError

FWHM = 4.0
SIGMA = FWHM / 2.3548


def whole(shape):
    return slice(0, shape[0]), slice(0, shape[1])


def measure(data, **options):
    noise = MeshBackground(**options)(data, fwhm_pix=FWHM)
    return noise, *noise.read_window(whole(data.shape))


def beam_noise(shape, seed=0):
    """Noise whose autocorrelation is the beam, as natural weighting gives it, with rms 1."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), SIGMA / np.sqrt(2),
                            mode='wrap')
    return noise / noise.std()


def add_gaussian(image, x, y, peak, fwhm=FWHM):
    yy, xx = np.indices(image.shape)
    image += peak * np.exp(-4 * np.log(2) * ((xx - x) ** 2 + (yy - y) ** 2) / fwhm**2)


def add_rings(image, x, y, peak):
    """Sidelobes of 3 % of the peak, as deconvolution leaves them round a bright source."""
    yy, xx = np.indices(image.shape)
    radius = np.hypot(xx - x, yy - y)
    rings = np.cos(2 * np.pi * radius / (3.5 * FWHM)) * np.exp(-radius / 25)
    image += 0.03 * peak * np.where(radius > 1.5 * FWHM, rings, 0)


def peaks(significance, limit=5):
    top = significance == maximum_filter(significance, 5)
    y, x = np.nonzero(top & (significance > limit))
    return x, y


@pytest.mark.parametrize('shape', [(1024, 1024), (300, 700)])
def test_rms_of_beam_correlated_noise(shape):
    rms = np.mean([measure(beam_noise(shape, seed))[2].mean() for seed in range(4)])
    assert abs(rms - 1) < 0.02


@pytest.mark.parametrize('sigma', [2.5, 3.0, 4.0])
def test_clipping_does_not_shrink_white_noise(sigma):
    data = np.random.default_rng(1).normal(100, 5, (512, 512))
    _, background, rms = measure(data, sigma=sigma)
    np.testing.assert_allclose(background, 100, atol=0.7)
    np.testing.assert_allclose(rms.mean(), 5, rtol=0.01)


def test_follows_rms_and_gradient():
    y, x = np.indices((768, 768)) / 768
    true = 1 + 0.3 * np.sin(5 * x) * np.cos(4 * y)
    data = beam_noise(true.shape) * true + 20 * x - 10 * y
    _, background, rms = measure(data)
    assert np.abs(rms / true - 1).mean() < 0.03
    assert np.abs(background - (20 * x - 10 * y)).max() < 0.4


@pytest.mark.parametrize(('fwhm', 'peak', 'limit'), [(60, 10, 0.2), (150, 10, 0.3), (150, 50, 0.4)])
def test_extended_source_is_not_background(fwhm, peak, limit):
    data = beam_noise((768, 768))
    add_gaussian(data, 400, 350, peak, fwhm)
    _, background, rms = measure(data)
    assert background[350, 400] < limit
    assert rms[330:370, 380:420].max() < 1.15


def test_rings_hide_no_source_far_away_and_make_none():
    data = beam_noise((768, 768), 3)
    position = (300, 420)
    add_gaussian(data, *position, 3000)
    add_rings(data, *position, 3000)
    far = [(60, 60), (700, 80), (60, 700), (700, 700), (720, 300)]
    for place in far:
        add_gaussian(data, *place, 9)
    counts = {}
    for limit in (75.0, None):
        noise, _, _ = measure(data, refine_snr=limit)
        x, y = peaks(noise.significance(data, whole(data.shape)))
        known = np.zeros(len(x), bool)
        for place in [position, *far]:
            near = np.hypot(x - place[0], y - place[1]) < 5
            assert near.any()
            known |= near
        counts[limit] = np.count_nonzero(~known)
    assert counts[75.0] <= 1
    assert counts[None] > 20


def test_nothing_is_refined_in_noise_nor_by_bright_points():
    data = beam_noise((512, 512))
    assert measure(data)[0].refined_mesh is None
    add_gaussian(data, 200, 300, 1000)
    noise, _, rms = measure(data)
    assert noise.refined_mesh is None or (rms > 1.5).mean() < 0.01
    assert rms[300, 200] < 1.6


@pytest.mark.parametrize('shape', [(2, 3), (1, 50), (40, 33), (129, 129), (192, 192), (256, 256)])
def test_small_images(shape):
    rng = np.random.default_rng(2)
    data = rng.normal(3, 2, shape)
    if shape == (192, 192):
        data[rng.random(shape) < 0.4] = np.nan
    _, background, rms = measure(data)
    assert background.shape == rms.shape == shape
    assert np.isfinite(background).all()
    assert (rms > 0).all()
    if min(shape) > 100:
        np.testing.assert_allclose([background.mean(), rms.mean()], [3, 2], rtol=0.05)


@pytest.mark.parametrize('value', [0.0, 3.7, -1e9])
def test_constant_image(value):
    with pytest.raises(InputError, match='constant image'):
        measure(np.full((80, 90), value))


def test_blank_image():
    with pytest.raises(InputError, match='no finite pixel'):
        measure(np.full((80, 90), np.nan))
    with pytest.raises(InputError, match='no finite pixel'):
        measure(np.ma.masked_all((80, 90)))


def test_windows_are_windows_of_the_whole():
    data = beam_noise((400, 300))
    add_gaussian(data, 200, 150, 2000)
    add_rings(data, 200, 150, 2000)
    noise, background, rms = measure(data)
    assert noise.refined_mesh is not None
    part = noise.read_window((slice(37, 251), slice(101, 300)))
    np.testing.assert_array_equal(part[0], background[37:251, 101:])
    np.testing.assert_array_equal(part[1], rms[37:251, 101:])


def test_threads_do_not_matter(monkeypatch):
    monkeypatch.setattr('astrofound.preprocess.background._STRIP_PIXELS', 20_000)
    data = beam_noise((500, 300))
    add_gaussian(data, 200, 150, 2000)
    one, *maps = measure(data, n_threads=1)
    _, *others = measure(data, n_threads=3)
    np.testing.assert_array_equal(maps, others)
    monkeypatch.undo()
    np.testing.assert_array_equal(measure(data)[0].rms_mesh, one.rms_mesh)


def test_strips_keep_memory_flat(monkeypatch):
    monkeypatch.setattr('astrofound.preprocess.background._STRIP_PIXELS', 20_000)
    data = beam_noise((600, 200)).astype(np.float32)

    class Image:
        shape = data.shape
        tallest = 0

        def read_window(self, window):
            self.tallest = max(self.tallest, window[0].stop - window[0].start)
            return data[window]

    image = Image()
    MeshBackground(box_pix=50)(image)
    assert image.tallest == 100


@pytest.mark.parametrize('scale', [1e-25, 1e-6, 1e20])
def test_unit_does_not_matter(scale):
    data = beam_noise((256, 256))
    add_gaussian(data, 100, 120, 3000)
    add_rings(data, 100, 120, 3000)
    _, background, rms = measure(data)
    _, scaled_background, scaled_rms = measure(data * scale)
    np.testing.assert_allclose(scaled_rms / scale, rms, rtol=1e-3)
    np.testing.assert_allclose(scaled_background / scale, background, atol=5e-3)


def test_level_does_not_matter():
    data = beam_noise((256, 256))
    np.testing.assert_allclose(measure(data + 500)[1] - 500, measure(data)[1], atol=0.01)


def test_zeros_in_place_of_blanks_fill_whole_cells_without_harm():
    data = beam_noise((512, 512))
    data[:, :200] = 0
    noise, _, rms = measure(data)
    assert noise.filled.any()
    assert rms.min() > 0.8


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.6))
@settings(max_examples=20)
def test_blank_pixels_never_move_a_statistic(seed, share):
    rng = np.random.default_rng(seed)
    data = rng.normal(10, 2, (150, 170))
    blank = rng.random(data.shape) < share
    dirty = data.copy()
    dirty[blank] = rng.choice([1e6, -1e6, 0, np.inf, -np.inf], blank.sum())
    _, *masked = measure(np.ma.array(dirty, mask=blank))
    data[blank] = np.nan
    noise, *plain = measure(data)
    np.testing.assert_array_equal(masked, plain)
    np.testing.assert_allclose([plain[0].mean(), plain[1].mean()], [10, 2], atol=0.15)
    significance = noise.significance(data, whole(data.shape))
    np.testing.assert_array_equal(np.isnan(significance), blank)


@given(hnp.arrays(
    st.sampled_from(['f4', 'f8', '>f4', '>f8', 'i2', '>i2', 'u1', 'i4', 'f2', '?']),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=70),
    elements=None, fill=st.nothing(),
) | st.builds(
    lambda shape, seed: np.where(
        np.random.default_rng(seed).random(shape) < 0.5, np.nan,
        np.random.default_rng(seed + 1).standard_cauchy(shape)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)), st.integers(0, 999)))
@settings(max_examples=60)
def test_any_image_has_a_noise_map_or_one_clear_error(data):
    try:
        _, background, rms = measure(data)
    except InputError as error:
        assert 'constant image' in str(error) or 'no finite pixel' in str(error)  # noqa: PT017
        return
    assert background.shape == rms.shape == data.shape
    assert np.isfinite(background).all()
    assert (rms > 0).all()


def test_read_only_and_transposed_arrays():
    data = beam_noise((200, 150))
    data.flags.writeable = False
    np.testing.assert_array_equal(measure(data.T.copy())[2], measure(data.T)[2])


@pytest.mark.parametrize(('option', 'value'), [
    ('box_beams', 0), ('box_pix', 3), ('box_pix', 40.5), ('sigma', 0.5), ('n_iter_max', 0),
    ('min_valid', 0), ('refine_snr', -1), ('refine_beams', np.nan), ('n_threads', 0),
])
def test_bad_options(option, value):
    with pytest.raises(InputError, match=f"'{option}' must be"):
        dataclasses.replace(MeshBackground(), **{option: value})


@pytest.mark.parametrize('data', [np.zeros(5), np.zeros((2, 3, 4)), np.zeros((0, 4)),
                                  np.array([['a']]), np.zeros((3, 3), complex)])
def test_not_an_image(data):
    with pytest.raises(InputError, match="'image' must be a 2D numeric array"):
        MeshBackground()(data)


def test_bad_fwhm():
    with pytest.raises(InputError, match="'fwhm_pix' must be"):
        MeshBackground()(np.zeros((4, 4)), fwhm_pix=0)


def test_repr():
    noise, *_ = measure(beam_noise((256, 256)))
    assert repr(noise).startswith('MeshNoiseMap(shape=(256, 256), cells=4x4, rms=')
