import time

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.testing import assert_allclose

from astrofound.catalog import (
    CLASS_NAMES,
    COLUMNS,
    Detections,
    MeasureOptions,
    boxes_around,
    decode_flags,
    force_photometry,
    measure_sources,
)
from astrofound.utils import InputError

BEAM = 4.0


class ConstantNoise:
    """Noise map of two numbers."""

    def __init__(self, shape, rms=1.0, background=0.0):
        self.shape, self.rms_median, self.background = shape, rms, background

    def read_window(self, window):
        size = [part.stop - part.start for part in window]
        return (np.full(size, self.background, np.float32),
                np.full(size, self.rms_median, np.float32))


def gaussian(shape, peak, x, y, major, minor, theta):
    """Elliptical Gaussian of FWHM axes in pixels."""
    j, i = np.indices(shape)
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    along, across = (i - x) * cos + (j - y) * sin, (j - y) * cos - (i - x) * sin
    return peak * np.exp(-4 * np.log(2) * ((along / major)**2 + (across / minor)**2))


def add_sources(data, x, y, peaks, shape=(4, 4, 0), half=12):
    """Add Gaussians in place, each on its own small patch."""
    for a, b, peak in zip(x, y, np.broadcast_to(peaks, np.shape(x)), strict=True):
        top, left = max(int(b) - half, 0), max(int(a) - half, 0)
        part = data[top:top + 2 * half + 1, left:left + 2 * half + 1]
        part += gaussian(part.shape, peak, a - left, b - top, *shape)
    return data


def correlated_noise(rng, shape, fwhm):
    """Noise of unit rms whose autocorrelation is a Gaussian beam of this FWHM."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.normal(size=shape), fwhm / np.sqrt(2) / 2.3548, mode='wrap')
    return noise / noise.std()


def detections_of(sources, code=0):
    """Detections of rows (x, y, fwhm)."""
    x, y, fwhm = np.array(sources, dtype=float).T
    return Detections(x, y, boxes_around(x, y, fwhm), None, np.full(len(x), code))


def measure(image, found, rms=1.0, **options):
    return measure_sources(image, ConstantNoise(image.shape, rms), found,
                           options=MeasureOptions(noise_fwhm=BEAM / np.sqrt(2), **options))


def has(catalog, flag):
    return np.array([flag in decode_flags(value) for value in catalog['flags']])


def test_point_source(make_image):
    image = make_image(gaussian((60, 60), 50, 30.3, 28.6, 4, 4, 0))
    row = measure(image, detections_of([(30, 29, 4)]))[0]
    assert_allclose([row['x_centroid'], row['y_centroid']], [30.3, 28.6], atol=1e-3)
    assert_allclose(row['flux'].to_value(u.Jy), 50, rtol=2e-3)
    assert_allclose(row['peak_flux'].to_value(u.Jy / u.beam), 50, rtol=2e-3)
    assert_allclose(row['snr'], 50, rtol=1e-3)
    assert np.isnan(row['deconvolved_major'])
    assert 'point' in decode_flags(row['flags'])
    assert row['class_name'] == 'point'


@pytest.mark.parametrize('kind', ['plain', 'rotated', 'flipped'])
@pytest.mark.parametrize('theta', [20.0, 110.0])
def test_resolved_source_on_the_sky(make_image, kind, theta):
    image = make_image(gaussian((80, 80), 50, 40.2, 39.1, 10, 6, theta), kind=kind)
    row = measure(image, detections_of([(40, 39, 9)], code=1))[0]
    assert_allclose(row['flux'].to_value(u.Jy), 50 * 60 / BEAM**2, rtol=5e-3)
    assert_allclose([row['fwhm_major'], row['fwhm_minor']], [10, 6], rtol=2e-3)
    assert_allclose(row['theta'].value, theta, atol=0.3)
    assert_allclose(u.Quantity([row['major'], row['minor']]).value, [20, 12], rtol=3e-3)
    assert_allclose(row['deconvolved_major'].value, 2 * np.sqrt(100 - 16), rtol=3e-3)
    assert_allclose(row['deconvolved_minor'].value, 2 * np.sqrt(36 - 16), rtol=6e-3)
    wcs = image.wcs
    # The position angle is where the end of the major axis lies on the sky.
    step = 2 * np.array([np.cos(np.radians(theta)), np.sin(np.radians(theta))])
    centre, end = (wcs.pixel_to_world(40.2 + k * step[0], 39.1 + k * step[1]) for k in (0, 1))
    expected = centre.position_angle(end).deg % 180
    assert_allclose(row['pa_sky'].value, expected, atol=0.4)
    assert_allclose(row['deconvolved_pa'].value, expected, atol=0.6)
    sky = SkyCoord(row['ra'], row['dec'])
    assert sky.separation(centre) < 0.01 * u.arcsec


def test_beam_of_the_image_counts(make_image):
    image = make_image(gaussian((60, 60), 50, 30, 30, 6, 3, 40), beam=(6.0, 3.0, 40.0))
    row = measure(image, detections_of([(30, 30, 5)]))[0]
    assert_allclose(row['flux'].to_value(u.Jy), 50, rtol=2e-3)
    assert_allclose(row['theta'].value, 40, atol=1e-6)


def test_blend_is_shared_out(make_image):
    data = gaussian((60, 60), 40, 27, 30, 4, 4, 0) + gaussian((60, 60), 20, 32, 30, 4, 4, 0)
    catalog = measure(make_image(data), detections_of([(27.4, 30, 4), (31.6, 30, 4)]))
    assert_allclose(catalog['flux'].value, [40, 20], rtol=0.03)
    assert has(catalog, 'blended').all()


def test_multi_component_source_is_one(make_image):
    data = gaussian((100, 140), 30, 40, 50, 6, 5, 0) + gaussian((100, 140), 20, 90, 50, 6, 5, 0)
    found = Detections([65.0], [50.0], boxes_around([65.0], [50.0], [34.0], [9.0]), [0.9], [2])
    row = measure(make_image(data), found)[0]
    assert_allclose(row['flux'].to_value(u.Jy), 50 * 30 / BEAM**2, rtol=0.02)
    assert_allclose([row['x_centroid'], row['y_centroid']], [60, 50], atol=0.3)
    assert row['n_components'] == 2
    assert row['class_name'] == 'multi'
    assert 'island' in decode_flags(row['flags'])


def test_ring_is_summed_and_not_fitted(make_image):
    j, i = np.indices((120, 120))
    ring = 1e-6 + 10 * np.exp(-0.5 * ((np.hypot(i - 60, j - 60) - 25) / 3)**2)
    row = measure(make_image(ring), detections_of([(60, 60, 34)], code=1))[0]
    assert_allclose(row['flux'].value, ring.sum() / (1.1331 * BEAM**2), rtol=0.03)
    assert 'island' in decode_flags(row['flags'])


def test_point_in_front_of_extended(make_image):
    data = gaussian((120, 120), 10, 60, 60, 30, 24, 20) + gaussian((120, 120), 30, 70, 62, 4, 4, 0)
    found = Detections([60.0, 70.0], [60.0, 62.0],
                       boxes_around([60.0, 70.0], [60.0, 62.0], [28.0, 4.0]), None, [1, 0])
    catalog = measure(make_image(data), found, n_passes=8)
    assert_allclose(catalog['flux'].value, [10 * 720 / 16, 30], rtol=0.08)


def test_counts_are_summed(make_image):
    j, i = np.indices((200, 200))
    alpha = 2.0 / np.sqrt(2**(1 / 3) - 1)
    rng = np.random.default_rng(1)
    places = [(x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5))
              for x in range(25, 200, 50) for y in range(25, 200, 50)]
    flux = np.geomspace(3e3, 2e5, len(places))
    data = rng.normal(size=(200, 200))
    for (x, y), f in zip(places, flux, strict=True):
        data += f * 2 / np.pi / alpha**2 * (1 + ((i - x)**2 + (j - y)**2) / alpha**2)**-3.0
    image = make_image(data, unit=u.ct)
    found = detections_of([(x, y, 4) for x, y in places])
    catalog = measure_sources(image, ConstantNoise(image.shape), found)
    assert catalog['flux'].unit == u.ct
    assert_allclose(catalog['flux'].value, flux, rtol=0.03)


def test_galaxy_flux_is_nearly_complete(make_image):
    j, i = np.indices((160, 160))
    disc = np.exp(-np.hypot((i - 80) / 1.0, (j - 80) / 0.6) / 6.0)
    image = make_image(100 * disc, unit=u.ct)
    catalog = measure_sources(image, ConstantNoise(image.shape), detections_of([(80, 80, 12)], 1))
    assert_allclose(catalog['flux'].value, 100 * disc.sum(), rtol=0.05)
    assert has(catalog, 'aperture').all()


@pytest.mark.parametrize(('unit', 'code', 'resolved'), [
    (u.ct, 1, True), (u.ct, 0, False), (u.Jy / u.beam, 1, False)])
def test_least_excess_makes_a_galaxy_of_what_looks_extended(make_image, unit, code, resolved):
    data = add_sources(np.zeros((100, 100)), [50.0], [50.0], 10.0, shape=(4.3, 4.3, 0))
    image = make_image(data, unit=unit)
    found = detections_of([(50, 50, 4.3)], code)
    catalog = measure_sources(image, ConstantNoise(image.shape), found)
    assert has(catalog, 'point').all() != resolved
    given = measure_sources(image, ConstantNoise(image.shape), found,
                            options=MeasureOptions(significance=(9.0, 9.0, 9.0)))
    assert has(given, 'point').all()


def test_flags_instead_of_failures(make_image):
    data = gaussian((60, 60), 50, 30, 30, 4, 4, 0) + gaussian((60, 60), 50, 1, 30, 4, 4, 0)
    data[28:31, 27:29] = np.nan
    data[40:, 40:] = np.nan
    found = detections_of([(30, 30, 4), (1, 30, 4), (52, 52, 4), (15, 10, 4)])
    catalog = measure(make_image(data), found)
    assert has(catalog, 'blank').tolist() == [True, False, True, False]
    assert has(catalog, 'edge').tolist() == [False, True, False, False]
    assert has(catalog, 'no_data').tolist() == [False, False, True, False]
    assert_allclose(catalog['flux'].value[:2], 50, rtol=0.02)
    assert np.isnan(catalog['flux'][2])
    assert_allclose([catalog['x_centroid'][2], catalog['y_centroid'][2]], [52, 52])


def test_saturated_star_is_flagged(make_image):
    data = np.minimum(gaussian((60, 60), 500, 30, 30, 5, 5, 0), 200)
    catalog = measure(make_image(data), detections_of([(30, 30, 4)]))
    assert has(catalog, 'saturated').all()


def test_huge_source_is_capped(make_image):
    data = gaussian((300, 300), 20, 150, 150, 120, 120, 0)
    found = detections_of([(150, 150, 120)], code=2)
    catalog = measure(make_image(data), found, max_island=100)
    assert has(catalog, 'capped').all()
    assert np.isfinite(catalog['flux']).all()


def test_windows_and_order_do_not_matter(make_image):
    rng = np.random.default_rng(7)
    shape, n = (300, 300), 120
    x, y = rng.uniform(0, 299, (2, n))
    data = correlated_noise(rng, shape, BEAM)
    add_sources(data, x, y, rng.uniform(5, 50, n))
    code = rng.integers(0, 3, n)
    found = Detections(x, y, boxes_around(x, y, 4.0 + 3 * code), rng.random(n), code)
    image = make_image(data)
    first = measure(image, found)
    order = rng.permutation(n)
    for catalog, rows in ((measure(image, found, tile_side=64), np.arange(n)),
                          (measure(image, found.select(order)), order)):
        for name, spec in COLUMNS.items():
            if name == 'id':
                continue
            a, b = np.asarray(first[name])[rows], np.asarray(catalog[name])
            if spec.kind == 'f':
                assert_allclose(b, a, rtol=1e-9, err_msg=name)
            else:
                np.testing.assert_array_equal(b, a, err_msg=name)


def test_batches_do_not_matter(make_image, monkeypatch):
    rng = np.random.default_rng(8)
    x, y = rng.uniform(0, 199, (2, 150))  # crowded: chains of neighbours
    data = rng.normal(size=(200, 200))
    add_sources(data, x, y, 20)
    found, image = detections_of(np.stack([x, y, np.full(150, 4.0)], 1)), make_image(data)
    first = measure(image, found)
    monkeypatch.setattr('astrofound.catalog.fitting._STAMP_PIXELS', 2000)
    assert_allclose(measure(image, found)['flux'].value, first['flux'].value, rtol=1e-12)


@pytest.mark.parametrize('snr', [5.0, 8.0, 20.0])
def test_noise_bias_and_pulls(make_image, snr):
    rng = np.random.default_rng(int(snr))
    side, step = 900, 30
    data = correlated_noise(rng, (side, side), BEAM)
    x, y = (grid.ravel() + rng.uniform(-0.5, 0.5, grid.size)
            for grid in np.meshgrid(*[np.arange(step / 2, side, step)] * 2))
    add_sources(data, x, y, snr)
    jitter = rng.normal(scale=0.3, size=(2, len(x)))
    found = detections_of(np.stack([x + jitter[0], y + jitter[1], np.full(len(x), 4.0)], 1))
    image = make_image(data)
    catalog = measure_sources(image, ConstantNoise(image.shape), found)
    flux = catalog['flux'].value
    assert_allclose(np.mean(flux) / snr, 1, atol=0.03)
    pull = (flux - snr) / catalog['flux_err'].value
    assert abs(np.median(pull)) < 0.2
    assert 0.8 < np.std(np.clip(pull, -4, 4)) < 1.25
    for axis, truth in (('x', x), ('y', y)):
        pull = (catalog[f'{axis}_centroid'] - truth) / catalog[f'{axis}_err']
        assert abs(np.mean(pull)) < 0.2
        assert 0.8 < np.std(np.clip(pull, -4, 4)) < 1.3
    sky = SkyCoord(catalog['ra'], catalog['dec'])
    truth = image.wcs.pixel_to_world(x, y)
    east, north = truth.spherical_offsets_to(sky)
    assert 0.8 < np.std(np.clip(east / catalog['ra_err'], -4, 4)) < 1.3
    assert 0.8 < np.std(np.clip(north / catalog['dec_err'], -4, 4)) < 1.3


def test_pulls_of_resolved_sources(make_image):
    rng = np.random.default_rng(11)
    side, step, snr = 1000, 50, 15.0
    data = correlated_noise(rng, (side, side), BEAM)
    x, y = (grid.ravel() + rng.uniform(-0.5, 0.5, grid.size)
            for grid in np.meshgrid(*[np.arange(step / 2, side, step)] * 2))
    add_sources(data, x, y, snr, (10, 6, 30), half=22)
    found = detections_of(np.stack([x, y, np.full(len(x), 8.0)], 1), code=1)
    catalog = measure_sources(make_image(data), ConstantNoise((side, side)), found)
    truth = {'flux': snr * 60 / 16, 'fwhm_major': 10, 'fwhm_minor': 6, 'theta': 30}
    for name, value in truth.items():
        column, error = np.asarray(catalog[name]), np.asarray(catalog[f'{name}_err'])
        pull = (column - value) / error
        assert abs(np.median(pull)) < 0.3, name
        assert 0.7 < np.std(np.clip(pull, -4, 4)) < 1.3, name
    assert_allclose(np.mean(catalog['flux'].value) / truth['flux'], 1, atol=0.02)


def test_noise_correlation_is_measured():
    from astrofound.catalog.uncertainty import noise_fwhm
    from astrofound.image import SurveyImage

    rng = np.random.default_rng(3)
    for data, expected in ((correlated_noise(rng, (400, 400), 5.0), 5 / np.sqrt(2)),
                           (rng.normal(size=(400, 400)), 0.0)):
        image = SurveyImage(data.astype(np.float32))
        assert_allclose(noise_fwhm(image, ConstantNoise(image.shape), 5.0), expected, rtol=0.06)


def test_forced_photometry(make_image):
    data = gaussian((60, 60), 50, 30, 30, 4, 4, 0) - gaussian((60, 60), 7, 10, 10, 4, 4, 0)
    image = make_image(data)
    noise = ConstantNoise(image.shape)
    pixels = np.array([(30, 30), (10, 10), (50, 50), (200, 5), (np.nan, 3)])
    catalog = force_photometry(image, noise, pixels)
    assert_allclose(catalog['flux'].value[:3], [50, -7, 0], atol=0.02)
    assert has(catalog, 'forced').all()
    assert has(catalog, 'no_data').tolist() == [False] * 3 + [True] * 2
    assert_allclose(catalog['x_centroid'][:3], pixels[:3, 0])
    sky = image.wcs.pixel_to_world(*pixels[:3].T)
    table = Table({'RAJ2000': sky.ra, 'DEJ2000': sky.dec})
    for positions in (sky, table):
        again = force_photometry(image, noise, positions)
        assert_allclose(again['flux'].value, catalog['flux'].value[:3], atol=1e-3)


def test_forced_photometry_needs_positions(make_image):
    image = make_image(np.zeros((20, 20)), wcs=False)
    noise = ConstantNoise(image.shape)
    with pytest.raises(InputError, match='no celestial WCS'):
        force_photometry(image, noise, SkyCoord([1], [2], unit='deg'))
    with pytest.raises(InputError, match='no position columns'):
        force_photometry(image, noise, Table({'a': [1]}))
    with pytest.raises(InputError, match="'positions' must be"):
        force_photometry(image, noise, 'here')


def test_without_wcs_the_sky_is_nan(make_image):
    image = make_image(gaussian((40, 40), 50, 20, 20, 4, 4, 0), wcs=False)
    catalog = measure(image, detections_of([(20, 20, 4)]))
    assert catalog.colnames == list(COLUMNS)
    for name in ('ra', 'dec', 'major', 'pa_sky', 'ra_err'):
        assert np.isnan(catalog[name]).all()
    assert catalog['name'][0] == 'x20.0_y20.0'
    assert_allclose(catalog['fwhm_major'], 4)


def test_no_beam():
    from astrofound.image import SurveyImage

    image = SurveyImage(np.ones((20, 20)))
    with pytest.raises(InputError, match='has no beam'):
        measure_sources(image, ConstantNoise(image.shape), detections_of([(5, 5, 4)]))


def test_no_detections(make_image):
    image = make_image(np.zeros((20, 20)))
    catalog = measure(image, Detections.empty())
    assert len(catalog) == 0
    assert catalog.colnames == list(COLUMNS)
    assert len(CLASS_NAMES) == 3


def test_three_thousand_sources_are_fast(make_image):
    rng = np.random.default_rng(9)
    side, n = 1500, 3000
    data = correlated_noise(rng, (side, side), BEAM)
    x, y = rng.uniform(5, side - 5, (2, n))
    add_sources(data, x, y, 10, half=8)
    image, found = make_image(data), detections_of(np.stack([x, y, np.full(n, 4.0)], 1))
    measure(image, found.select(slice(10)))
    started = time.process_time()
    measure(image, found)
    assert time.process_time() - started < 6  # 1 s on a quiet machine
