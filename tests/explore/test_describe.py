import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter

from astrofound.datasets import make_field
from astrofound.explore import describe
from astrofound.image import SurveyImage


def smooth_noise(shape, fwhm, seed=0):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), fwhm / 2.3548)
    return (noise / noise.std()).astype(np.float32)


@pytest.mark.parametrize('fwhm', [3.0, 6.0])
def test_noise_length(fwhm):
    # the autocorrelation of smoothed noise is wider than the smoothing
    expected = fwhm * np.sqrt(2)
    found = describe([smooth_noise((300, 300), fwhm)]).noise_length
    assert found == pytest.approx(expected, rel=0.1)
    assert describe([smooth_noise((300, 300), 0.1)]).noise_length < 1


def test_sources_are_counted_and_sized():
    data = smooth_noise((300, 300), 2.0)
    y, x = np.mgrid[:300, :300]
    for x0 in range(30, 300, 60):
        for y0 in range(30, 300, 60):
            data += 100 * np.exp(-4 * np.log(2) * ((x - x0)**2 + (y - y0)**2) / 6.0**2)
    data[:, :30] = np.nan
    found = describe(SurveyImage(data))
    assert found.n_images == 1
    assert found.blank == pytest.approx(0.1)
    assert 20 <= found.n_sources <= 27
    assert found.snr == pytest.approx(100, rel=0.25)
    assert found.source_pix == pytest.approx(6, rel=0.2)
    assert 0.02 < found.fill_factor < 0.1
    assert found.dynamic_range == pytest.approx(100, rel=0.3)


def test_data_set_of_cutouts():
    images = np.stack([smooth_noise((40, 60), 2.0, seed) for seed in range(5)])
    found = describe(images)
    assert (found.n_images, found.image_pix) == (5, 60)
    colour = np.stack([images] * 3, axis=1)
    assert_allclose(describe(colour).noise_length, found.noise_length, rtol=1e-5)


def test_catalogue_gives_the_size():
    field = make_field('radio', shape=(256, 256), seed=0)
    from astrofound import SourceDetector

    catalog = SourceDetector().predict(field.image)
    found = describe(field.image, catalog=catalog)
    assert found.source_pix == pytest.approx(np.nanmedian(catalog['fwhm_major']))
    assert 'too small' in str(found.resolution('dino_vitb16'))
    assert 'span' in str(found.resolution('dino_vitb16', cutout_pix=30))
    assert 'noise correlation' in found.summary()


def test_nothing_to_describe():
    with pytest.raises(ValueError, match='there are no images'):
        describe([])
    blank = describe(np.full((1, 9, 9), np.nan))
    assert blank.blank == 1
    assert blank.n_sources == 0
    with pytest.raises(ValueError, match='no source was seen'):
        blank.resolution('compact')
