"""A detector on a backbone as an estimator: the same way to the same catalogue."""

import shutil

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from astrofound import SourceDetector
from astrofound.catalog import COLUMNS
from astrofound.estimators import box_finder
from astrofound.image import SurveyImage
from astrofound.pipeline import Runner
from astrofound.preprocess import NetworkInput, TilingOptions, noise_map
from astrofound.training import BOX_RECIPES, BoxTile, load_box_model, train_boxes
from astrofound.utils import DomainWarning, NoDetectionsWarning, NoWCSWarning, ReadError


@pytest.fixture(scope='module')
def field(blobs):
    """Image of blobs in Jy/beam, and their boxes."""
    data, boxes = blobs(np.random.default_rng(7), (320, 256), 40)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'RA---SIN', 'DEC--SIN'
    wcs.wcs.crpix, wcs.wcs.crval = (128, 160), (150, -30)
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    return SurveyImage(1e-4 * data, wcs=wcs, unit='Jy/beam', beam='4arcsec'), boxes


def test_catalog_is_like_that_of_the_compact_detector(box_run, field):
    image, boxes = field
    catalog = SourceDetector(box_run, threshold=0.5).predict(image)
    assert catalog.colnames[:len(COLUMNS)] == list(SourceDetector().predict(image).colnames)[
        :len(COLUMNS)]
    assert set(catalog['class_name']) <= {'red', 'blue'}
    assert catalog.meta['WEIGHTS']
    assert (catalog['score'] >= 0.5).all()
    x, y = 0.5 * (boxes[:, 0] + boxes[:, 2]) - 0.5, 0.5 * (boxes[:, 1] + boxes[:, 3]) - 0.5
    away = np.hypot(catalog['x_centroid'][:, None] - x, catalog['y_centroid'][:, None] - y)
    assert (away.min(axis=0) < 1).mean() > 0.9  # of those there
    assert (away.min(axis=1) < 1.5).mean() > 0.9  # of those listed


WHOLE = TilingOptions(shape=(256, 256), halo=0, align=16)


@pytest.fixture(scope='module')
def search(box_run, field):
    """Function that finds sources with a tiling, by default all of the image in one tile."""
    image, _ = field
    image = SurveyImage(image.data[:256, :224], wcs=None, unit='Jy/beam', beam='4pix')
    source = (load_box_model(box_run).sha256, str(box_run), 'cpu', 'float32')
    noise = noise_map(image)

    def find(options=WHOLE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(box_finder, '_tiling', lambda model: options)
            found, _ = box_finder.find_with_boxes(image, noise, source)
        return found.select(found.score > 0.3)

    return find


@given(core=st.tuples(*[st.integers(5, 12)] * 2), halo=st.integers(6, 8))
@settings(max_examples=4, phases=[Phase.generate])
def test_tilings_agree_away_from_seams(search, core, halo):
    ny, nx = (16 * (side + 2 * halo) for side in core)
    whole, tiled = search(), search(TilingOptions(shape=(ny, nx), halo=16 * halo, align=16))
    away = np.hypot(whole.x[:, None] - tiled.x, whole.y[:, None] - tiled.y)
    seams = [np.abs((place + 8 * side) % (16 * side) - 8 * side)
             for place, side in ((whole.y, core[0]), (whole.x, core[1]))]
    clear = (np.minimum(*seams) > 4) & (whole.score > 0.4)
    assert clear.sum() > 5
    assert (away.min(axis=1)[clear] < 0.05).all()
    apart = np.hypot(tiled.x[:, None] - tiled.x, tiled.y[:, None] - tiled.y)
    assert (apart[np.triu_indices(len(tiled), 1)] > 2).all()  # nothing twice at a seam
    assert abs(len(tiled) - len(whole)) <= 1  # scores near the limit


class Backwards(Runner):
    """Does the last item first."""

    def map(self, stage, job, items, **options):
        return super().map(stage, job, list(items)[::-1], **options)


def test_workers_and_order_change_nothing(search):
    distributed = pytest.importorskip('distributed')
    options = TilingOptions(shape=(320, 320), halo=128, align=16)
    expected = vars(search(options))
    with Backwards():
        backwards = vars(search(options))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                                  dashboard_address=':0') as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, \
            Runner(client=client):
        shared = vars(search(options))
    assert len(expected['x']) > 10
    for name, value in expected.items():
        np.testing.assert_array_equal(backwards[name], value)
        assert_allclose(shared[name], value, atol=1e-4)  # other threads may round otherwise


def test_queries_give_the_same_catalog(field, blobs, tmp_path):
    rng, tiles = np.random.default_rng(1), []
    for number in range(3):
        data, boxes = blobs(rng, (64, 64), 3)
        tiles.append(BoxTile(data, data, boxes, np.zeros(3, int), np.zeros((0, 4)), str(number)))
    recipe = BOX_RECIPES['smoke'].change(head='query', n_epochs=1, mixed_precision=False)
    train_boxes(tmp_path, tiles[:2], tiles[2:], classes=('source',), recipe=recipe, device='cpu',
                network_input=NetworkInput(scaling='significance', beam_pix=4.0))
    image, _ = field
    catalog = SourceDetector(tmp_path, threshold=0.0).predict(image)  # untaught: all of it false
    assert set(catalog['class_name']) == {'source'}
    assert catalog.meta['WEIGHTS']
    assert np.isfinite(catalog['score']).all()
    assert (catalog['x_centroid'] < 256).all()
    assert (catalog['y_centroid'] < 320).all()


def test_blank_sky_has_no_sources(box_run, field):
    image, _ = field
    data = image.data.copy()
    data[:, :128] = np.nan
    half = SurveyImage(data, wcs=image.wcs, unit='Jy/beam', beam='4arcsec')
    catalog = SourceDetector(box_run, threshold=0.3).predict(half)
    assert len(catalog) > 5
    assert (catalog['x_centroid'] > 125).all()


def test_nothing_found_is_an_empty_catalog(box_run):
    noise = np.random.default_rng(0).standard_normal((96, 96)).astype(np.float32)
    image = SurveyImage(noise, unit='Jy/beam', beam='4pix', wcs=None)
    with pytest.warns(NoWCSWarning), pytest.warns(NoDetectionsWarning):
        catalog = SourceDetector(box_run, threshold=0.9999).predict(image, rms=50.0)
    assert len(catalog) == 0
    assert 'class_name' in catalog.colnames


def test_images_of_another_kind_are_told_of(box_run, field):
    image, _ = field
    other = SurveyImage(image.data, wcs=image.wcs, unit='Jy/beam', beam='10arcsec')
    with pytest.warns(DomainWarning, match=r'10", is 2.5 times larger than the 4"'):
        SourceDetector(box_run, threshold=0.2).predict(other)
    counts = SurveyImage(image.data, wcs=image.wcs, unit='adu', beam='4arcsec')
    band = SurveyImage(image.data, wcs=image.wcs, unit='Jy/beam', beam='4arcsec',
                       header={'OBSFREQ': 1.5e8})
    with pytest.warns(DomainWarning, match=r'0\.15 GHz, is 9\.3 times lower than the 1\.4 GHz'):
        box_finder.warn_if_far({'per_beam': True, 'beam_arcsec': 4.0, 'frequency_hz': 1.4e9}, band)
    with pytest.warns(DomainWarning, match='per beam, that of image is not per beam'):
        SourceDetector(box_run, threshold=0.2).predict(counts)


def test_reliability_cuts_by_calibrated_scores(box_run, field):
    image, _ = field
    strict = SourceDetector(box_run, reliability=0.99).predict(image)
    loose = SourceDetector(box_run, reliability=0.5).predict(image)
    assert len(strict) <= len(loose)
    assert_allclose(np.sort(loose['score'])[-len(strict):], np.sort(strict['score']), atol=1e-6)


def test_damaged_run(box_run, field, tmp_path):
    shutil.copytree(box_run, tmp_path / 'run')
    (tmp_path / 'run' / 'weights.safetensors').write_bytes(b'nonsense')
    with pytest.raises(ReadError, match='cannot read weights from'):
        SourceDetector(tmp_path / 'run').predict(field[0])
