import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound.preprocess import SCALINGS, UnitRange, to_significance


@pytest.fixture
def image():
    data = np.random.default_rng(0).normal(100, 5, (60, 50)).astype(np.float32)
    data[30, 25] = 5000
    data[0, :7] = np.nan
    return data


@pytest.mark.parametrize('scaling', set(SCALINGS) - {'none', 'significance'})
def test_comes_to_unit_range(image, scaling):
    scaled = UnitRange(scaling)(image)
    assert scaled.dtype == np.float32
    assert scaled.shape == (3 if scaling == 'channels' else 1, 60, 50)
    assert (np.isnan(scaled) == np.isnan(image)).all()
    assert np.nanmin(scaled) >= 0
    assert np.nanmax(scaled) <= 1
    assert scaled[-1, 30, 25] == np.nanmax(scaled[-1])


@pytest.mark.parametrize('scaling', ['asinh', 'linear', 'log', 'channels', 'significance'])
def test_unit_of_the_image_is_no_matter(image, scaling):
    assert_allclose(UnitRange(scaling)(image), UnitRange(scaling)(image * 1e-6 + 3e-6), atol=2e-3)


def test_significance(image):
    significance = to_significance(image)
    assert np.nanmedian(significance) == pytest.approx(0, abs=0.1)
    assert np.nanstd(significance[significance < 10]) == pytest.approx(1, abs=0.1)
    assert significance[30, 25] == pytest.approx(980, rel=0.1)
    assert_allclose(UnitRange('asinh')(significance, is_significance=True),
                    UnitRange('asinh')(image), atol=1e-6)


def test_images_without_noise_or_pixels():
    flat = np.full((5, 5), 7.0)
    assert (to_significance(flat) == 0).all()
    flat[2, 2] = 9
    assert to_significance(flat).max() == 1
    assert np.isnan(to_significance(np.full((5, 5), np.nan))).all()
    assert np.isnan(UnitRange('minmax')(np.full((5, 5), np.nan))).all()


def test_bytes_and_several_bands(image):
    picture = np.arange(75, dtype=np.uint8).reshape(3, 5, 5)
    assert_allclose(UnitRange('none')(picture), picture / 255)
    assert UnitRange('asinh')(picture).shape == (3, 5, 5)
    with pytest.raises(ValueError, match='the image has 3 already'):
        UnitRange('channels')(picture)
    with pytest.raises(ValueError, match=r"takes bytes or pixels in 0\.\.1, these run from"):
        UnitRange('none')(image)
    with pytest.raises(ValueError, match="did you mean 'asinh'"):
        UnitRange('asin')
