import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound.catalog import SHAPES, measure_shapes
from astrofound.utils import InputError

SIDE = 64


def distance(side=SIDE):
    """From the middle, in pixels."""
    return np.hypot(*(np.indices((side, side)) - (side - 1) / 2))


def spiral(sense=1, *, n_arms=2, tilt=1.0, noise=0.02):
    """Arms in a disc that turn from x towards y on their way out where ``sense`` is 1."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    radius, angle = np.hypot(x, y / tilt), np.arctan2(y / tilt, x)
    phase = n_arms * (angle - sense * 2.0 * np.log(radius + 0.5))
    disc = np.exp(-radius / 8) * (1 + 0.7 * np.cos(phase))
    return disc + np.random.default_rng(0).normal(0, noise, (SIDE, SIDE))


def one(image):
    return measure_shapes([image])[0]


def as_rows(table):
    return np.stack([table[name] for name in SHAPES], axis=1)


@pytest.mark.parametrize('n_arms', [2, 3, 4])
@pytest.mark.parametrize('tilt', [1.0, 0.6])
def test_arms_wind_in_their_sense(n_arms, tilt):
    for sense in (1, -1):
        shapes = one(spiral(sense, n_arms=n_arms, tilt=tilt))
        assert sense * shapes['winding_all'] > 0.5
        assert sense * shapes[f'winding_{n_arms}'] > 0.5
        assert shapes['wound_all'] == abs(shapes['winding_all'])


def test_a_turn_changes_nothing_and_a_mirror_only_the_winding():
    bands = np.stack([spiral(), spiral(noise=0.03), 0.5 * spiral(n_arms=3)])
    first, turned, mirrored = as_rows(measure_shapes(
        [bands, np.rot90(bands, axes=(1, 2)), bands[:, :, ::-1]]))
    assert_allclose(turned, first, atol=1e-6)
    signs = np.array([-1 if name.startswith('winding') else 1 for name in SHAPES])
    assert_allclose(mirrored, signs * first, atol=1e-6)


def test_brightness_and_level_do_not_matter():
    rows = as_rows(measure_shapes([spiral(), 300 * spiral() + 1000]))
    assert_allclose(rows[1], rows[0], atol=1e-5)


@pytest.mark.parametrize('ratio', [0.35, 0.6, 1.0])
def test_axis_ratio_of_a_gaussian(ratio):
    y, x = np.indices((SIDE, SIDE)) - 31.0
    shapes = one(np.exp(-0.5 * ((x / 6)**2 + (y / (6 * ratio))**2)))
    for name in ('axis_ratio', 'axis_ratio_60', 'axis_ratio_15'):
        assert shapes[name] == pytest.approx(ratio, abs=0.05)
    assert np.exp(shapes['log_size']) * SIDE == pytest.approx(6, rel=0.05)
    assert shapes['half_light_radius'] == pytest.approx(np.sqrt(2 * np.log(2)), rel=0.1)
    assert shapes['asymmetry'] < 0.01
    assert (shapes['n_peaks'], shapes['second_peak'], shapes['second_distance']) == (1, 0, 8)


def test_what_sets_forms_apart():
    radius = distance(63)  # one pixel is the brightest
    cusp, core = np.exp(-3 * np.sqrt(radius)), np.exp(-radius**2 / 128)
    y, x = np.indices((63, 63))
    pair = core + 0.6 * np.exp(-((x - 49)**2 + (y - 31)**2) / 40)
    table = measure_shapes([cusp, core, pair])
    for name in ('concentration_80_20', 'gini', 'central_peak'):
        assert table[name][0] >= table[name][1]
    assert table['asymmetry'][2] > 0.1 > table['asymmetry'][1]
    assert table['n_peaks'].tolist() == [1, 1, 2]
    assert table['second_peak'][2] > 0.5
    assert table['m20'][0] < table['m20'][1]


def test_colours_are_those_of_the_zones():
    radius = distance()
    disc = np.exp(-radius / 6)
    red_core = np.stack([disc * (1 + np.exp(-radius / 3)), disc])
    shapes = one(red_core)
    assert shapes['first_band_inner'] > shapes['first_band_outer'] > 0.49
    assert shapes['first_band_inner'] + shapes['last_band_inner'] == pytest.approx(1)
    assert one(disc)['colour_scatter'] == 0


@pytest.mark.parametrize('image', [
    np.zeros((16, 20)), np.full((20, 16), np.nan), -np.ones((3, 24, 24)),
    np.random.default_rng(1).normal(size=(32, 32)), np.full((24, 24), np.inf),
    np.eye(32)[:, ::-1]])
def test_every_number_is_finite(image):
    assert np.isfinite(as_rows(measure_shapes([image]))).all()


def test_blank_pixels_are_sky():
    image = spiral(noise=0)
    holed = image.copy()
    holed[:6, :6] = np.nan
    assert one(holed)['axis_ratio'] == pytest.approx(one(image)['axis_ratio'], rel=0.02)
    assert one(holed)['winding_all'] == pytest.approx(one(image)['winding_all'], abs=0.05)


def test_columns_say_what_they_are():
    table = measure_shapes([spiral()])
    assert table.colnames == list(SHAPES)
    assert all(table[name].description == text for name, text in SHAPES.items())


@pytest.mark.parametrize(('images', 'message'), [
    ([], 'there are no images to measure'),
    ([np.zeros((32, 32)), np.zeros((32, 15))], 'image 1 has 32 x 15 pixels; .* from 16 on'),
])
def test_errors(images, message):
    with pytest.raises(InputError, match=message):
        measure_shapes(images)
