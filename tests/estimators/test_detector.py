import inspect

import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from sklearn.base import clone

from astrofound.baselines import BASELINES, PhotutilsSegmentation
from astrofound.catalog import (
    COLUMNS,
    Detections,
    boxes_around,
    read_catalog,
    write_catalog,
)
from astrofound.datasets import RadioSky, SourceCounts, SourceMix, make_field
from astrofound.estimators import BaseDetector, SourceDetector, compact_search
from astrofound.image import PixelBeam, SurveyImage
from astrofound.utils import InputError, NoDetectionsWarning, NoWCSWarning, ReadError

DETECTORS = {'compact': SourceDetector, **BASELINES}


@pytest.fixture(scope='module')
def field():
    return make_field('radio', shape=(256, 256), seed=3)


def point_image(*sources, shape=(200, 300), rms=1.0, fwhm=4.0, seed=0):
    """White noise smoothed to half a beam, with points of given (x, y, peak) on it."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.standard_normal(shape), fwhm / 2.3548 / np.sqrt(2))
    data = noise * rms / noise.std()
    y, x = np.mgrid[:shape[0], :shape[1]]
    for x0, y0, peak in sources:
        data += peak * np.exp(-4 * np.log(2) * ((x - x0)**2 + (y - y0)**2) / fwhm**2)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'RA---SIN', 'DEC--SIN'
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    wcs.wcs.crval = 150, -30
    wcs.wcs.crpix = shape[1] / 2, shape[0] / 2
    return SurveyImage(data.astype(np.float32), wcs=wcs, unit=u.Jy / u.beam,
                       beam=PixelBeam(fwhm, fwhm, 0.0))


@pytest.mark.parametrize('detector', DETECTORS.values(), ids=DETECTORS)
class TestContract:
    def test_constructor_stores_its_arguments_verbatim(self, detector):
        for name, parameter in inspect.signature(detector).parameters.items():
            assert getattr(detector(), name) is parameter.default

    def test_clone_and_repr(self, detector):
        estimator = detector(min_snr=6.5)
        assert clone(estimator).get_params() == estimator.get_params()
        assert repr(estimator) == f'{detector.__name__}(min_snr=6.5)'

    def test_finds_a_bright_point(self, detector):
        image = point_image((120.3, 80.6, 40.0))
        catalog = detector(min_snr=10).predict(image)
        assert len(catalog) == 1
        assert catalog['x_centroid'][0] == pytest.approx(120.3, abs=0.2)
        assert catalog['y_centroid'][0] == pytest.approx(80.6, abs=0.2)
        assert catalog['flux'][0].to_value(u.Jy) == pytest.approx(40, rel=0.1)

    def test_same_answer_twice_and_input_untouched(self, detector, field):
        before = field.image.data.copy()
        first, second = detector().predict(field.image), detector().predict(field.image)
        np.testing.assert_array_equal(field.image.data, before)
        np.testing.assert_array_equal(first['x_centroid'], second['x_centroid'])
        np.testing.assert_array_equal(first['flux'], second['flux'])

    def test_min_snr_cuts_and_rows_are_ranked(self, detector, field):
        catalog = detector(min_snr=8).predict(field.image)
        assert (catalog['snr'] >= 8).all()
        assert (np.diff(catalog['snr']) <= 0).all()
        np.testing.assert_array_equal(catalog['id'], np.arange(1, len(catalog) + 1))

    def test_nothing_found_is_an_empty_table_with_every_column(self, detector):
        with pytest.warns(NoDetectionsWarning, match='no sources found'):
            catalog = detector(min_snr=1e6).predict(point_image((120, 80, 9)))
        assert len(catalog) == 0
        assert set(catalog.colnames) <= set(COLUMNS)
        assert {'ra', 'dec', 'flux', 'score', 'flags'} <= set(catalog.colnames)

    def test_masked_source_is_not_reported(self, detector):
        image = point_image((120, 80, 60), (220, 120, 60))
        mask = np.zeros(image.shape, bool)
        mask[60:100, 100:140] = True
        catalog = detector(min_snr=10).predict(image, mask=mask)
        assert len(catalog) == 1
        assert catalog['x_centroid'][0] == pytest.approx(220, abs=0.5)

    def test_within_keeps_a_region(self, detector, tmp_path):
        image = point_image((120, 80, 60), (220, 120, 60))
        (tmp_path / 'part.reg').write_text('image\nbox(221,121,40,40,0)\n')
        catalog = detector(min_snr=10).predict(image, within=tmp_path / 'part.reg')
        assert len(catalog) == 1
        assert catalog['x_centroid'][0] == pytest.approx(220, abs=0.5)

    def test_provenance(self, detector, field):
        meta = detector().predict(field.image).meta
        assert meta['METHOD'] == detector.__name__
        assert meta['CREATOR'].startswith('astrofound ')
        assert meta['BEAMFROM'] == field.image.beam_origin
        assert (meta['BMAJ'], meta['RMSFROM']) == (
            pytest.approx(field.image.sky_beam.major.to_value(u.deg)), 'measured')
        assert meta['RMS'] == pytest.approx(np.nanmedian(field.rms), rel=0.2)

    def test_negative_min_snr(self, detector, field):
        with pytest.raises(InputError, match="'min_snr' must be a number of at least 0"):
            detector(min_snr=-1).predict(field.image)


class BlankFinder(BaseDetector):
    """Sees one source, and one more where the image has no pixels."""

    def __init__(self, min_snr=None):
        self.min_snr = min_snr

    def _find(self, image, noise, *, progress):
        x, y = np.array([120.0, 250.0]), np.array([80.0, 100.0])
        return Detections(x, y, boxes_around(x, y, 4.0))


def test_what_cannot_be_measured_is_no_source():
    image = point_image((120, 80, 40))
    data = image.data.copy()
    data[:, 200:] = np.nan
    blanked = SurveyImage(data, wcs=image.wcs, unit=image.unit, beam=image.beam)
    catalog = BlankFinder().predict(blanked)
    assert len(catalog) == 1
    assert np.isfinite(catalog['snr']).all()


def test_detectors_share_one_base():
    assert all(issubclass(detector, BaseDetector) for detector in DETECTORS.values())


def test_catalogue_does_not_depend_on_the_tiles():
    field = make_field('radio', shape=(700, 640), seed=5)
    whole = SourceDetector(tile_size=2048).predict(field.image)
    tiled = SourceDetector(tile_size=512).predict(field.image)
    assert len(whole) == len(tiled) > 10
    np.testing.assert_allclose(tiled['x_centroid'], whole['x_centroid'], atol=1e-2)
    np.testing.assert_allclose(tiled['score'], whole['score'], atol=1e-2)


def test_the_observation_is_remembered(tmp_path):
    image = point_image((120, 80, 40))
    hdu = image.to_hdu()
    hdu.data = hdu.data[None]
    hdu.header['OBJECT'], hdu.header['TELESCOP'] = 'A2256', 'WSRT'
    hdu.writeto(tmp_path / 'cube.fits')
    (tmp_path / 'all.reg').write_text('image\nbox(150,100,300,200,0)\n')
    mask = np.zeros(image.shape, bool)
    catalog = PhotutilsSegmentation().predict(
        tmp_path / 'cube.fits', rms=1.0, mask=mask, within=tmp_path / 'all.reg')
    write_catalog(catalog, tmp_path / 's.fits')
    meta = read_catalog(tmp_path / 's.fits').meta
    assert (meta['OBJECT'], meta['TELESCOP']) == ('A2256', 'WSRT')
    assert (meta['HDU'], meta['PLANE'], meta['PIXUNIT']) == (0, '0', 'Jy / beam')
    assert (meta['RMSFROM'], meta['BKGFROM'], meta['MASK']) == ('1.0', 'measured', 'ndarray')
    assert meta['WITHIN'].endswith('all.reg')


def test_most_true_sources_are_found(field):
    catalog = SourceDetector().predict(field.image)
    truth = field.truth[field.truth['snr'] > 8]
    apart = np.hypot(np.subtract.outer(truth['x_centroid'], catalog['x_centroid']),
                     np.subtract.outer(truth['y_centroid'], catalog['y_centroid']))
    assert (apart.min(axis=1) < field.image.beam.fwhm).mean() > 0.8


def test_threshold_is_a_probability(field):
    strict, lax = (SourceDetector(threshold=p).predict(field.image) for p in (0.9, 0.3))
    assert (strict['score'] >= 0.9).all()
    assert len(strict) <= len(lax)
    with pytest.raises(InputError, match="'threshold' must be a number of at least 0 and at most"):
        SourceDetector(threshold=1.5).predict(field.image)


def test_components_follow_their_sources():
    doubles = SourceMix(gaussian=0, double=0.9, bent=0, diffuse=0, companions=0)
    image = RadioSky(shape=(512, 512), mix=doubles,
                     counts=SourceCounts(density=1.0, min_snr=40))(1).image
    plain = SourceDetector().predict(image)
    both = SourceDetector().predict(image, components=True)
    assert not plain['parent_id'].any()
    n = len(plain)
    np.testing.assert_array_equal(both['flux'][:n], plain['flux'])
    parts = both[n:]
    assert set(parts['class_name']) == {'component'}
    multi = plain['id'][plain['class_name'] == 'multi']
    parents, count = np.unique(parts['parent_id'], return_counts=True)
    np.testing.assert_array_equal(parents, np.sort(multi))
    assert (count >= 2).all()
    assert len(np.unique(both['id'])) == len(both)


def test_pairs_do_not_depend_on_their_tiles(monkeypatch):
    doubles = SourceMix(gaussian=0, double=0.6, bent=0, diffuse=0, companions=0)
    image = RadioSky(shape=(640, 512), mix=doubles,
                     counts=SourceCounts(density=2.0, min_snr=20))(3).image
    whole = SourceDetector().predict(image)
    monkeypatch.setattr(compact_search, '_PAIR_CORE', 160)
    assert len(compact_search.pair_tiles((640, 512))) > 9
    tiled = SourceDetector().predict(image)
    assert (whole['class_name'] == 'multi').sum() > 3
    for name in ('x_centroid', 'y_centroid', 'flux', 'class_name'):
        np.testing.assert_array_equal(tiled[name], whole[name])


def test_points_far_apart_are_not_joined():
    image = point_image((100, 100, 30), (160, 100, 30))
    assert list(SourceDetector().predict(image)['class_name']) == ['point', 'point']


def test_reliability_decides_how_much_is_listed(field):
    strict, lax = (SourceDetector(reliability=p).predict(field.image) for p in (0.99, 0.7))
    assert len(strict) <= len(lax)
    with pytest.raises(InputError, match="'reliability' must be a number of at least 0 and at"):
        SourceDetector(reliability=-0.5).predict(field.image)


def test_nothing_on_blank_sky_or_along_its_edge():
    image = point_image((150, 100, 30))
    data = image.data
    y, x = np.mgrid[:200, :300]
    data[np.hypot(x - 150, y - 100) > 90] = np.nan
    blanked = SurveyImage(data, wcs=image.wcs, unit=image.unit, beam=image.beam)
    catalog = SourceDetector().predict(blanked)
    radius = np.hypot(catalog['x_centroid'] - 150, catalog['y_centroid'] - 100)
    assert len(catalog) >= 1
    assert (radius < 90).all()


def test_no_wcs_gives_a_pixel_catalogue():
    image = point_image((120, 80, 40))
    plain = SurveyImage(image.data, unit=image.unit, beam=image.beam)
    with pytest.warns(NoWCSWarning, match='no celestial WCS'):
        catalog = SourceDetector().predict(plain)
    assert catalog['x_centroid'][0] == pytest.approx(120, abs=0.2)


def test_missing_weights(field):
    with pytest.raises(ReadError, match='no detector weights at'):
        SourceDetector('nowhere.safetensors').predict(field.image)
