import numpy as np
import pytest

from astrofound.preprocess import CropToSource
from astrofound.utils import InputError


def blob(x, y, *, sigma=2.0, shape=(100, 100)):
    rows, columns = np.indices(shape)
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


@pytest.fixture
def double():
    """Two lobes round the centre, another source far away, in noise."""
    noise = np.random.default_rng(0).normal(0, 1, (100, 100))
    return (noise + 100 * (blob(42, 50) + blob(54, 56) + blob(90, 8)))[None]


def test_fraction_keeps_the_middle():
    image = np.arange(35.0).reshape(1, 5, 7)
    np.testing.assert_array_equal(CropToSource(crop=0.6)(image)[0], image[0, 1:4, 1:6])


@pytest.mark.parametrize(('side', 'crop'), [(423, 0.35), (424, 0.35), (7, 0.5), (4, 0.001), (9, 1)])
def test_fraction_leaves_off_as_much_on_either_side(side, crop):
    y, x = CropToSource(crop=crop).window(np.zeros((1, side, side + 1)))
    assert y.start == side - y.stop
    assert x.start == side + 1 - x.stop
    assert abs(y.stop - y.start - max(1, crop * side)) <= 1.5


def test_none_keeps_all(double):
    assert CropToSource()(double) is not None
    assert CropToSource()(double).shape == double.shape


def test_segmentation_keeps_both_lobes_and_leaves_the_neighbour(double):
    y, x = CropToSource(crop='segmentation', margin=0.2).window(double)
    assert x.start < 36
    assert x.stop > 58
    assert y.start < 46
    assert y.stop > 60
    assert x.stop < 85
    assert x.stop - x.start == y.stop - y.start


def test_segmentation_is_the_same_for_significance_and_pixels(double):
    crop = CropToSource(crop='segmentation')
    assert crop.window(double, is_significance=True) == crop.window(double * 3e-5 + 1e-3)


def test_segmentation_of_an_image_whose_sky_was_clipped(double):
    clipped = np.where(double > 4, double, 0)
    near, far = (CropToSource(crop='segmentation').window(image) for image in (clipped, double))
    for a, b in zip(near, far, strict=True):
        assert abs(a.start - b.start) <= 2
        assert abs(a.stop - b.stop) <= 2


def test_a_point_does_not_fill_the_crop():
    image = 100 * blob(50, 50, sigma=1)[None]
    assert CropToSource(crop='segmentation', smallest=0.3)(image).shape == (1, 30, 30)


def test_empty_sky_is_kept():
    assert CropToSource(crop='segmentation')(np.zeros((1, 20, 20))).shape == (1, 20, 20)
    assert CropToSource(crop='segmentation')(np.full((1, 20, 20), np.nan)).shape == (1, 20, 20)


def test_box_at_the_edge_is_moved_inside(double):
    y, x = CropToSource(crop='box', margin=0.5).window(double, box=(90, 0, 100, 10))
    assert (x.stop, y.start) == (100, 0)
    assert x.stop - x.start == y.stop - y.start == 20


def test_box_must_be_given(double):
    with pytest.raises(InputError, match='needs the box'):
        CropToSource(crop='box')(double)


@pytest.mark.parametrize('crop', [0, 1.5, 'middle', True])
def test_impossible_crop(crop):
    with pytest.raises(InputError, match="'crop' must be"):
        CropToSource(crop=crop)
