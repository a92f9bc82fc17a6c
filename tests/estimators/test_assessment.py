"""Completeness and reliability on an image, checked where the truth is known."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.wcs import WCS
from scipy.spatial.distance import pdist

from astrofound.baselines import PhotutilsSegmentation
from astrofound.datasets import make_field
from astrofound.estimators import (
    Assessment,
    InjectionOptions,
    SourceDetector,
    assess_detector,
)
from astrofound.estimators.injecting import draw_sources, inject_sources, with_pixels
from astrofound.evaluation import compare_catalogs
from astrofound.image import PixelBeam, SurveyImage
from astrofound.utils import InputError


@pytest.fixture(scope='module')
def field():
    return make_field('radio', shape=(320, 320), seed=3)


@pytest.fixture(scope='module')
def found(field):
    return assess_detector(field.image, options=InjectionOptions(n_rounds=3))


def blank_image(shape=(120, 150), fwhm=4.0):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'RA---SIN', 'DEC--SIN'
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    data[:40, :50] = np.nan
    return SurveyImage(data, wcs=wcs, unit=u.Jy / u.beam, beam=PixelBeam(fwhm, fwhm, 0.0))


class TestInjecting:
    def draw(self, image, **options):
        rms = np.where(np.isfinite(image.data), 2.0, np.nan)
        return draw_sources(image, rms, InjectionOptions(**options), np.random.default_rng(1))

    def test_places_are_apart_and_away_from_blanks(self):
        sources = self.draw(blank_image(), n_sources=12)
        x, y = np.array(sources['x_centroid']), np.array(sources['y_centroid'])
        assert 5 < len(sources) <= 12
        assert pdist(np.stack([x, y], axis=1)).min() > 30
        assert (np.hypot(np.maximum(x - 49, 0), np.maximum(y - 39, 0)) > 5).all()
        assert (x > 4).all() and (x < 145).all() and (y < 115).all()  # noqa: PT018

    def test_fluxes_are_those_in_the_image(self):
        image = blank_image()
        sources = self.draw(image, n_sources=3, extended=1.0, snr_range=(50, 60))
        pixels = np.zeros(image.shape, np.float32)
        added = inject_sources(image, pixels, sources).data
        total = added.sum() * image.flux_per_sum
        assert total == pytest.approx(sources['flux'].to_value(u.Jy).sum(), rel=1e-3)
        rows, columns = (np.rint(np.array(sources[f'{axis}_centroid'])).astype(int)
                         for axis in 'yx')
        np.testing.assert_allclose(added[rows, columns], sources['peak_flux'].value, rtol=0.15)
        np.testing.assert_allclose(sources['peak_flux'].value, 2 * sources['snr'])
        assert (pixels == 0).all()

    def test_points_have_the_beam(self):
        sources = self.draw(blank_image(), extended=0.0)
        np.testing.assert_allclose(sources['fwhm_major'], 4)
        assert set(sources['class_name']) == {'point'}

    def test_no_room(self):
        with pytest.raises(InputError, match=r'no pixel is 1\.5 beams away from blank'):
            self.draw(blank_image(shape=(44, 54), fwhm=7.0))

    @pytest.mark.parametrize(('options', 'message'), [
        ({'n_rounds': 0}, 'n_rounds'), ({'n_sources': 0}, 'n_sources'),
        ({'extended': 2}, 'extended'), ({'snr_range': (0, 3)}, 'snr_range'),
        ({'snr_range': (5, 3)}, 'snr_range')])
    def test_wrong_options(self, options, message):
        with pytest.raises(InputError, match=message):
            InjectionOptions(**options)


class TestAssessment:
    def test_completeness_rises_to_one(self, found):
        bins = found.bins()
        assert found.completeness(found.injected['snr'] > 12)[0] > 0.9
        assert found.completeness(found.injected['snr'] < 2)[0] < 0.2
        assert (bins['n_found'] <= bins['n_injected']).all()
        assert bins['n_injected'].sum() == len(found.clear)

    def test_same_twice_and_image_untouched(self, found, field):
        before = field.image.data.copy()
        again = assess_detector(field.image, options=InjectionOptions(n_rounds=3))
        assert (field.image.data == before).all()
        assert (again.injected['found'] == found.injected['found']).all()
        other = assess_detector(field.image, options=InjectionOptions(n_rounds=1, seed=1))
        assert other.injected['x_centroid'][0] != found.injected['x_centroid'][0]

    def test_catalogue_is_the_detectors(self, found, field):
        np.testing.assert_array_equal(SourceDetector().predict(field.image)['x_centroid'],
                                      found.catalog['x_centroid'])
        assert found.asked == 0.95
        assert len(found.candidates) > len(found.catalog)

    def test_measured_fluxes_are_the_injected(self, found):
        bright = found.injected[found.injected['found'] & (found.injected['snr'] > 15)]
        ratio = (bright['found_flux'] / bright['flux']).to_value(u.one)
        assert np.median(ratio) == pytest.approx(1, abs=0.05)
        missed = found.injected[~found.injected['found']]
        assert np.isnan(missed['found_flux']).all()

    def test_bins_in_flux_have_its_unit(self, found):
        bins = found.bins('flux')
        assert bins['low'].unit == u.Jy
        assert bins['n_injected'].sum() == len(found.clear)
        assert len(found.bins('snr', [5, 10])) == 1
        with pytest.raises(InputError, match='rising'):
            found.bins('snr', [5, 5])

    def test_cells_cover_the_image(self, found):
        cells = found.cells(2)
        assert len(cells) == 4
        assert cells['n_injected'].sum() == len(found.clear)
        assert cells['x_high'].max() == found.shape[1] - 0.5

    def test_map_has_the_sky_of_the_image(self, found):
        hdus = found.map_hdus(2)
        wcs = WCS(hdus['COMPLETENESS'].header)
        there = wcs.pixel_to_world(1, 0)
        expected = found.wcs.pixel_to_world(0.75 * found.shape[1] - 0.5,
                                            0.25 * found.shape[0] - 0.5)
        assert there.separation(expected) < 0.01 * u.arcsec
        assert hdus['N_INJECTED'].data.sum() == len(found.clear)
        found.map_hdus(2)[1].verify('exception')

    def test_detectors_without_scores(self, field):
        found = assess_detector(field.image, PhotutilsSegmentation(),
                                options=InjectionOptions(n_rounds=1))
        assert found.candidates is None
        assert np.isnan(found.reliability_needed())
        assert found.completeness(found.injected['snr'] > 12)[0] > 0.8

    def test_a_threshold_of_ones_own(self, field):
        found = assess_detector(field.image, SourceDetector(threshold=0.999),
                                options=InjectionOptions(n_rounds=1))
        assert np.isnan(found.asked)
        assert (found.catalog['score'] >= 0.999).all()

    def test_added_sources_do_not_move_the_cut(self, field):
        detector = SourceDetector()
        catalog = detector.predict(field.image)
        held = detector.holding_cut()
        assert held.get_params() == detector.get_params()
        rng = np.random.default_rng(0)
        rms = np.full(field.image.shape, np.median(field.rms))
        more = draw_sources(field.image, rms, InjectionOptions(snr_range=(90, 99)), rng)
        assert len(more) > len(catalog) / 2
        held.predict(inject_sources(field.image, field.image.data, more))
        assert held.score_cut_ == detector.score_cut_


def table(scores):
    return QTable({'score': np.array(scores, float), 'x_centroid': np.zeros(len(scores)),
                   'y_centroid': np.zeros(len(scores)), 'snr': np.full(len(scores), 5.0)})


class TestReliability:
    def assessment(self, scores, spurious, asked=0.9):
        injected = QTable({'confused': np.zeros(0, bool), 'found': np.zeros(0, bool)})
        return Assessment(injected, table(scores), table(spurious), table(scores),
                          table(spurious), asked, (10, 10))

    def test_share_of_what_is_not_in_the_inverted_image(self):
        value, low, high = self.assessment([0.9] * 40, [0.8] * 4).reliability()
        assert value == pytest.approx(0.9)
        assert low < 0.9 < high
        assert self.assessment([0.9], [0.8] * 4).reliability()[0] == 0
        assert np.isnan(self.assessment([], []).reliability()[0])

    def test_more_is_asked_for_where_scores_are_too_high(self):
        scores = np.concatenate([np.full(80, 0.999), np.linspace(0.3, 0.95, 40)])
        clean = self.assessment(scores, []).reliability_needed()
        dirty = self.assessment(scores, np.linspace(0.3, 0.95, 30)).reliability_needed()
        assert clean < 0.9 < dirty
        assert self.assessment(scores, []).reliability_needed(sure=True) >= clean
        assert np.isnan(self.assessment([0.9, 0.8], [0.999]).reliability_needed(0.99))
        with pytest.raises(InputError, match='wanted'):
            self.assessment(scores, []).reliability_needed(2)


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['radio', 'optical'])
def test_agrees_with_the_truth(kind):
    """Points of the simulation itself are found as often as injected ones of the same S/N."""
    edges, n_true, n_found = [4, 7, 12, 25], np.zeros(3), np.zeros(3)
    tables = []
    for seed in range(4):
        field = make_field(kind, shape=(384, 384), seed=10 + seed)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the PSF of the optical field is measured
            assessment = assess_detector(field.image, options=InjectionOptions(
                n_rounds=2, extended=0.0, seed=seed))
        tables.append(assessment)
        truth = field.truth[field.truth['class_name'] == 'point']
        pairs = compare_catalogs(assessment.catalog, truth, truth=True).pairs
        seen = np.zeros(len(truth), bool)
        seen[np.asarray(pairs['second_row'][pairs['status'] == 'both'])] = True
        n_true += np.histogram(truth['snr'], edges)[0]
        n_found += np.histogram(truth['snr'][seen], edges)[0]
    bins = [assessment.bins('snr', edges) for assessment in tables]
    n_injected = sum(np.array(one['n_injected']) for one in bins)
    ours = sum(np.array(one['n_found']) for one in bins) / n_injected
    theirs = n_found / n_true
    pooled = np.clip((ours + theirs) / 2, 0.05, 0.95)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_injected + 1 / n_true))
    assert (np.abs(ours - theirs) < 3 * error).all(), (ours, theirs, error, n_true)


def test_image_with_other_pixels_keeps_its_sky():
    image = blank_image()
    other = with_pixels(image, -image.data, name='inverted')
    assert (other.beam, other.unit, other.name) == (image.beam, image.unit, 'inverted')
    assert other.wcs.wcs.cdelt[0] == image.wcs.wcs.cdelt[0]
