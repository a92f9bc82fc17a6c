"""A detector on a backbone as an estimator: the same way to the same catalogue."""

import json
import shutil

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from astrofound import SourceDetector
from astrofound.catalog import COLUMNS
from astrofound.estimators import box_finder
from astrofound.image import SurveyImage
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


def with_side(run, folder, side):
    """Copy a run as if it had been trained on tiles of another side."""
    shutil.copytree(run, folder)
    parameters = json.loads((folder / 'params.json').read_text())
    network = parameters['network'] | {'n_detections': 4000, 'n_proposals': 12000}
    parameters |= {'tile_side': side, 'network': network}
    (folder / 'params.json').write_text(json.dumps(parameters))
    return folder


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


def test_tiles_change_nothing(box_run, field, tmp_path, monkeypatch):
    image, _ = field
    whole = SourceDetector(box_run, threshold=0.3).predict(image)
    monkeypatch.setattr(box_finder, '_LEAST_SIDE', 0)
    tiled = SourceDetector(with_side(box_run, tmp_path / 'run', 400), threshold=0.3).predict(image)
    away = np.hypot(whole['x_centroid'][:, None] - tiled['x_centroid'],
                    whole['y_centroid'][:, None] - tiled['y_centroid'])
    step = 400 - 2 * 128  # cores start at multiples of this
    near = [np.abs((whole[name] + step / 2) % step - step / 2) for name in (
        'x_centroid', 'y_centroid')]
    far = (np.minimum(*near) > 16) & (whole['score'] > 0.4)
    assert (away.min(axis=1)[far] < 0.05).all()
    assert len(tiled) == pytest.approx(len(whole), abs=1)
    apart = np.hypot(tiled['x_centroid'][:, None] - tiled['x_centroid'],
                     tiled['y_centroid'][:, None] - tiled['y_centroid'])
    assert (apart[np.triu_indices(len(tiled), 1)] > 1).all()  # nothing twice at a seam


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
