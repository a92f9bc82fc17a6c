import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from sklearn.base import clone

from astrofound.baselines import BASELINES, PhotutilsSegmentation, gaussian_score
from astrofound.baselines.filtering import filtered_tiles, natural_kernel
from astrofound.catalog import COLUMNS
from astrofound.evaluation import compare_catalogs
from astrofound.image import PixelBeam, SurveyImage
from astrofound.preprocess import noise_map
from astrofound.utils import NoDetectionsWarning

BEAM = PixelBeam(4.0, 4.0, 0.0)
POINTS = [(30, 40), (100, 35), (60, 110), (140, 130), (150, 60)]


def add_point(data, x, y, peak, fwhm=4.0):
    yy, xx = np.indices(data.shape)
    data += peak * np.exp(-4 * np.log(2) * ((xx - x) ** 2 + (yy - y) ** 2) / fwhm ** 2)


def make_image(points=POINTS, *, peak=40, fwhm=4.0, seed=1, shape=(160, 180), unit=u.ct):
    data = np.random.default_rng(seed).normal(0, 1, shape)
    for x, y in points:
        add_point(data, x, y, peak, fwhm)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ['RA---TAN', 'DEC--TAN']
    wcs.wcs.crval, wcs.wcs.cdelt = [20, -30], [-5e-4, 5e-4]
    return SurveyImage(data.astype(np.float32), wcs=wcs, unit=unit, beam=BEAM, name='field')


@pytest.fixture(params=list(BASELINES))
def finder(request):
    return BASELINES[request.param]()


def predict(finder, image, **keywords):
    return finder.predict(image, **({'rms': 1.0, 'background': 0.0} | keywords))


def test_every_baseline_finds_bright_points(finder):
    catalog = predict(finder, make_image())
    assert catalog.colnames == list(COLUMNS)
    truth = catalog[:0]['x_centroid', 'y_centroid'].copy()
    for x, y in POINTS:
        truth.add_row((x, y))
    comparison = compare_catalogs(catalog, truth, radius=1.0)
    assert comparison.n_matched == len(POINTS)
    assert len(catalog) - len(POINTS) <= 2       # the star finders' gate is loose
    assert (catalog['score'] >= 0).all()
    assert (catalog['score'] <= 1).all()


def test_contract_of_estimators(finder):
    copy = clone(finder)
    assert copy.get_params() == finder.get_params()
    copy.set_params(min_snr=20)
    image = make_image()
    one, two = predict(copy, image), predict(copy, image)
    assert len(one) == len(POINTS)
    assert (one['snr'] >= 20).all()
    assert all((one[name] == two[name]).all() for name in ('x_centroid', 'y_centroid', 'score'))
    assert 'min_snr=20' in one.meta['PARAMS']


def test_nothing_to_find(finder):
    finder.set_params(**{'peak_sigma' if hasattr(finder, 'peak_sigma') else 'n_sigma': 8.0})
    with pytest.warns(NoDetectionsWarning, match='no sources found in field'):
        catalog = predict(finder, make_image([]))
    assert len(catalog) == 0
    assert catalog.colnames == list(COLUMNS)


def test_nothing_in_blank_areas(finder):
    image = make_image()
    data = image.data.copy()
    data[:, 80:] = np.nan
    data[:, 76:80] += 3     # a raised edge
    catalog = predict(finder, SurveyImage(data, unit=u.ct, wcs=image.wcs, beam=BEAM))
    assert len(catalog) >= 2
    assert (catalog['x_centroid'] < 80).all()


@pytest.mark.parametrize('name', list(BASELINES))
@pytest.mark.parametrize('value', [-1, 0, np.nan, 'high'])
def test_bad_thresholds_are_told(name, value):
    finder = BASELINES[name]()
    threshold = 'peak_sigma' if name == 'photutils' else 'n_sigma'
    finder.set_params(**{threshold: value})
    with pytest.raises(ValueError, match=f"'{threshold}' must be a number greater than 0"):
        predict(finder, make_image())


def test_neighbours_are_deblended():
    image = make_image([(60, 60), (67, 60)], peak=60)
    together = predict(PhotutilsSegmentation(deblend=False), image)
    apart = predict(PhotutilsSegmentation(), image)
    assert len(together) == 1
    assert len(apart) == 2
    np.testing.assert_allclose(np.sort(apart['x_centroid']), [60, 67], atol=0.7)


def test_extended_sources_are_told_apart():
    image = make_image([(40, 40)], peak=50)
    data = image.data.copy()
    add_point(data, 120, 100, 40, fwhm=14)
    image = SurveyImage(data, unit=u.ct, beam=BEAM, wcs=image.wcs)
    catalog = predict(PhotutilsSegmentation(), image)
    order = np.argsort(catalog['x_centroid'])
    assert list(catalog['class_name'][order]) == ['point', 'extended']
    assert catalog['bbox_xmax'][order][1] - catalog['bbox_xmin'][order][1] > 14


def test_filter_depends_on_the_noise():
    assert natural_kernel(make_image()) == 1
    assert natural_kernel(make_image(unit=u.Jy / u.beam)) == 0.5


def test_filtered_noise_has_unit_width():
    image = make_image(peak=30, shape=(300, 300))
    noise = noise_map(image, background=0.0, rms=1.0)
    for kernel in (0, 0.5, 1):
        tile, = filtered_tiles(image, noise, kernel_beams=kernel)
        below = tile.filtered[tile.filtered < 0]
        assert np.median(-below) / 0.6745 == pytest.approx(1, rel=0.05)


def test_tiles_give_the_same_sources(monkeypatch):
    rng = np.random.default_rng(5)
    points = rng.uniform(10, 590, (60, 2))
    image = make_image(points, peak=30, shape=(600, 600))
    whole = predict(PhotutilsSegmentation(), image)
    monkeypatch.setattr('astrofound.baselines.filtering.TILE_SIDE', 250)
    monkeypatch.setattr('astrofound.baselines.filtering.HALO', 40)
    tiled = predict(PhotutilsSegmentation(), image)
    comparison = compare_catalogs(tiled, whole, radius=0.5)
    bright = whole['snr'] > 8      # at the threshold the noise measured on a tile decides
    assert comparison.n_matched >= bright.sum()
    assert abs(len(tiled) - len(whole)) <= 3


def test_score_rises_with_the_peak_and_falls_with_the_area():
    peaks = np.array([4.0, 9.0, 5.0, 3.0, 6.0])
    score = gaussian_score(peaks, 1e5)
    assert (np.diff(score[np.argsort(peaks)]) >= 0).all()
    assert score[1] == pytest.approx(1)
    assert (gaussian_score(peaks, 1e7) <= score).all()
    assert len(gaussian_score([], 1e5)) == 0


def test_score_knows_gaussian_noise():
    # peaks of pure noise are all expected, so none is believed
    image = make_image([], shape=(600, 600), seed=9)
    tile, = filtered_tiles(image, noise_map(image, background=0.0, rms=1.0))
    catalog = BASELINES['peaks'](n_sigma=3.0)._find(
        image, noise_map(image, background=0.0, rms=1.0), progress=False)
    assert len(catalog) > 50
    assert np.median(catalog.score) < 0.3
    assert tile.filtered.max() < 6


def test_reference_sources_of_parkes(real_data):
    from astropy.table import Table

    reference = Table.read(real_data / 'parkes_1904-66' / '1904_comp.fits')
    catalog = PhotutilsSegmentation().predict(real_data / 'parkes_1904-66' / '1904-66_SIN.fits')
    comparison = compare_catalogs(catalog, reference['ra', 'dec'], radius=14.4 * u.arcmin)
    assert comparison.completeness > 0.7
