import dataclasses

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.datasets import DetectorOptions, OpticalMix, OpticalSky, SourceCounts
from astrofound.datasets.simulate.detector import RESAMPLINGS, resampling_kernel, saturate

PLAIN = OpticalSky(shape=(220, 260), detector=DetectorOptions(gradient=0.0))
RARE = SourceCounts(density=0.4, min_snr=50, max_snr=500)


def test_same_seed_same_field():
    field, again = PLAIN(1), PLAIN(1)
    assert_array_equal(again.image.data, field.image.data)
    assert field.image.unit == u.ct
    assert field.image.beam is None
    assert not np.array_equal(PLAIN(2).image.data, field.image.data)


@pytest.mark.parametrize('galaxies', [0.0, 1.0])
def test_fluxes_and_peaks_are_those_of_the_clean_image(galaxies):
    sky = dataclasses.replace(PLAIN, counts=RARE, beta=5.0, mix=OpticalMix(
        galaxies=galaxies, companions=0, clumps=0.0, radius=0.5, scatter=0.2))
    seen = 0
    for seed in range(8):
        field = sky(seed)
        edge = np.concatenate([field.clean[0], field.clean[-1], *field.clean.T[[0, -1]]])
        if len(field.truth) == 0 or edge.max() > 0.01 * field.clean.max():
            continue
        seen += 1
        total = field.truth['flux'].value.sum()
        assert field.clean.sum() == pytest.approx(total, rel=0.04)
        brightest = field.truth[np.argmax(field.truth['peak_flux'])]
        assert field.clean.max() == pytest.approx(brightest['peak_flux'].value, rel=0.12)
    assert seen


@pytest.mark.parametrize('resampling', RESAMPLINGS)
def test_rms_is_the_noise_of_the_sky(resampling):
    sky = dataclasses.replace(PLAIN, counts=SourceCounts(density=0),
                              detector=DetectorOptions(gradient=0.0, resampling=resampling))
    field = sky(3)
    assert field.image.data.mean() == pytest.approx(sky.sky, rel=0.01)
    assert field.image.data.std() == pytest.approx(field.rms.mean(), rel=0.03)


def test_kernels_keep_the_level():
    for kind in RESAMPLINGS[1:]:
        kernel = resampling_kernel(np.random.default_rng(0), kind)
        assert kernel.sum() == pytest.approx(1)
        assert np.sum(kernel**2) < 1
    assert resampling_kernel(np.random.default_rng(0), 'none') is None


def test_subtracted_sky():
    field = dataclasses.replace(PLAIN, subtracted=True, counts=SourceCounts(density=0))(0)
    assert abs(field.image.data.mean()) < 0.1 * field.rms.mean()


def test_saturation_clips_and_bleeds():
    image = np.zeros((100, 50))
    image[48:53, 20:25] = 1000.0
    over = saturate(image, 100.0, bleed=True)
    assert image.max() == 100
    columns = np.flatnonzero(over.any(axis=0))
    assert_array_equal(columns, np.arange(20, 25))
    assert 5 < over[:, 22].sum() <= 100
    still = np.full((10, 10), 5.0)
    assert not saturate(still, 100.0, bleed=True).any()


def test_saturated_stars_are_marked():
    sky = dataclasses.replace(
        PLAIN, counts=SourceCounts(density=2, min_snr=300, max_snr=3000),
        mix=OpticalMix(galaxies=0.0), detector=DetectorOptions(saturation=100.0, n_spikes=4))
    field = sky(1)
    assert field.truth['saturated'].all()
    noise = np.sqrt(sky.sky * sky.gain + sky.read_noise**2) / sky.gain
    assert field.image.data.max() == pytest.approx(sky.sky + 100 * noise, rel=1e-5)


def test_bad_columns_are_blank_in_image_and_rms():
    sky = dataclasses.replace(PLAIN, detector=DetectorOptions(bad_columns=30.0, hot_pixels=50,
                                                              cosmic_rays=100))
    field = sky(4)
    blank = np.isnan(field.image.data)
    assert blank.any()
    assert_array_equal(blank, np.isnan(field.rms))
    assert np.isfinite(field.truth['snr']).all()


def test_classes_follow_the_size():
    field = dataclasses.replace(PLAIN, mix=OpticalMix(galaxies=1.0, radius=3.0, scatter=0.1))(2)
    assert set(field.truth['class_name']) == {'extended'}
    field = dataclasses.replace(PLAIN, mix=OpticalMix(galaxies=0.0))(2)
    assert set(field.truth['class_name']) == {'point'}
    assert set(field.truth['kind']) == {'star'}
    assert_array_equal(field.components['parent_id'], field.truth['id'])


def test_moffat_width():
    sky = dataclasses.replace(PLAIN, counts=RARE, mix=OpticalMix(galaxies=0.0, companions=0),
                              fwhm_pix=6.0, ellipticity=0.0)
    for seed in range(5):
        field = sky(seed)
        if len(field.truth) == 1:
            break
    above = (field.clean > 0.5 * field.truth['peak_flux'].value.max()).sum()
    assert 2 * np.sqrt(above / np.pi) == pytest.approx(6.0, rel=0.05)


def test_positions_agree_with_the_wcs():
    field = dataclasses.replace(PLAIN, rotation=40.0)(1)
    sky = field.image.wcs.pixel_to_world(field.truth['x_centroid'], field.truth['y_centroid'])
    assert_allclose(sky.ra.deg, field.truth['ra'].to_value(u.deg), atol=1e-9)


@pytest.mark.parametrize(('options', 'message'), [
    ({'fwhm_pix': 0.2}, "'fwhm_pix' must be a number of at least 1"),
    ({'gain': 0}, "'gain' must be a number greater than 0"),
    ({'beta': 1}, "'beta' must be a number greater than 1")])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        OpticalSky(**options)


def test_bad_mix_and_detector():
    with pytest.raises(ValueError, match="'galaxies' must be a number of at least 0"):
        OpticalMix(galaxies=1.5)
    with pytest.raises(ValueError, match="unknown resampling 'drizzel'; did you mean 'drizzle'"):
        DetectorOptions(resampling='drizzel')


def test_matched_signal_to_noise_is_that_of_the_best_filter():
    sky = dataclasses.replace(PLAIN, counts=RARE, beta=5.0, mix=OpticalMix(
        galaxies=0.0, companions=0))
    field = next(f for f in map(sky, range(9)) if len(f.truth) == 1)
    row = field.truth[0]
    noise = np.nanmedian(field.rms)
    best = np.sqrt((field.clean.astype(float) ** 2).sum()) / noise
    assert row['snr_matched'] == pytest.approx(best, rel=0.15)
    assert row['snr_matched'] > row['snr']
