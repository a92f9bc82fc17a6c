"""The same catalogue, however and wherever the work is done, and however often it is stopped."""

import shutil

import numpy as np
import pytest
import torch

from astrofound.catalog import Detections, write_catalog
from astrofound.datasets import make_field
from astrofound.estimators import SourceDetector, compact_search
from astrofound.image import SurveyImage
from astrofound.networks import locate_weights
from astrofound.pipeline import Runner
from astrofound.pipeline.parts import PartFolder
from astrofound.preprocess import TileGrid, TilingOptions, noise_map, open_beam_space
from astrofound.utils import InputError, ReadError, file_digest

DETECTOR = SourceDetector(tile_size=512)


@pytest.fixture(scope='module')
def mosaic(tmp_path_factory):
    path = tmp_path_factory.mktemp('field') / 'mosaic.fits'
    make_field('radio', shape=(500, 480), seed=5).write(path)
    return path


@pytest.fixture(scope='module')
def expected(mosaic):
    return DETECTOR.predict(mosaic, components=True)


def assert_same(catalog, expected):
    assert len(catalog) == len(expected) > 10
    for name in expected.colnames:
        np.testing.assert_array_equal(catalog[name], expected[name])


def test_same_catalogue_on_workers(mosaic, expected):
    distributed = pytest.importorskip('distributed')
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                                  dashboard_address=':0') as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, \
            Runner(client=client) as runner:
        assert_same(DETECTOR.predict(mosaic, components=True), expected)
    assert runner.clock['network'].n_parts == 4


class Travelling(Runner):
    """Sends every job and item through the wire, and does the last item first."""

    def map(self, stage, job, items, **given):
        pickle = pytest.importorskip('distributed.protocol.pickle')
        done = []
        for item in reversed(list(items)):
            there, sent = pickle.loads(pickle.dumps((job, item)))
            done.append(there.work(there.read(sent)))
        return super().map(stage, Given(), done[::-1])


class Given:
    def read(self, item):
        return item

    work = read


def test_jobs_travel_and_their_order_does_not_matter(mosaic, expected):
    with Travelling():
        assert_same(DETECTOR.predict(mosaic, components=True), expected)


def stop_after(monkeypatch, n_parts):
    """Stop the run as Ctrl-C does, once some parts are written."""
    keep, kept = PartFolder.save, []

    def save(self, stage, number, total, arrays):
        if len(kept) == n_parts:
            raise KeyboardInterrupt
        kept.append(stage)
        keep(self, stage, number, total, arrays)

    monkeypatch.setattr(PartFolder, 'save', save)


def test_stopped_at_any_moment_the_file_is_the_same(mosaic, expected, tmp_path, monkeypatch):
    with Runner(folder=tmp_path / 'whole') as runner:
        catalog = DETECTOR.predict(mosaic, components=True)
    write_catalog(catalog, tmp_path / 'whole.fits')
    assert_same(catalog, expected)
    n_parts = sum(stage.n_parts for stage in runner.clock.stages.values())
    for step in (1, 3, n_parts):
        with monkeypatch.context() as patch, Runner(folder=tmp_path / 'run'):
            stop_after(patch, step)
            if step < n_parts:
                with pytest.raises(KeyboardInterrupt):
                    DETECTOR.predict(mosaic, components=True)
            else:
                catalog = DETECTOR.predict(mosaic, components=True)
    catalog.meta['DATE'] = expected.meta['DATE']
    write_catalog(catalog, tmp_path / 'run.fits')
    write_catalog(expected, tmp_path / 'expected.fits')
    assert (tmp_path / 'run.fits').read_bytes() == (tmp_path / 'expected.fits').read_bytes()
    with Runner(folder=tmp_path / 'whole') as runner:
        write_catalog(DETECTOR.predict(mosaic, components=True), tmp_path / 'again.fits')
    assert (tmp_path / 'again.fits').read_bytes() == (tmp_path / 'whole.fits').read_bytes()
    assert sum(stage.n_kept for stage in runner.clock.stages.values()) == n_parts


def kept(detector, image, folder, **given):
    """How many parts of an earlier run a prediction takes over."""
    with Runner(folder=folder) as runner:
        detector.predict(image, **given)
    return sum(stage.n_kept for stage in runner.clock.stages.values())


def test_parts_belong_to_one_image_and_one_setting(tmp_path):
    image = make_field('radio', shape=(128, 128), seed=1).image
    detector = SourceDetector(diffuse=False)
    folder = tmp_path / 'run'
    assert kept(detector, image, folder) == 0
    assert kept(detector, image, folder) > 0
    other = SurveyImage(image.data * 1.5, wcs=image.wcs, unit=image.unit, beam=image.beam)
    assert kept(detector, other, folder) == 0
    assert kept(detector, image.replace(beam='4.5pix'), folder) == 0
    assert kept(SourceDetector(diffuse=False, threshold=0.7), image, folder) == 0
    rms = np.full(image.shape, 2e-5, np.float32)
    assert kept(detector, image, folder, rms=rms) == 0
    assert kept(detector, image, folder, rms=2 * rms) == 0
    assert kept(detector, image, folder, rms=2e-5) == 0
    assert kept(detector, image, folder, rms=rms) > 0
    mask = np.zeros(image.shape, bool)
    mask[:5] = True
    assert kept(detector, image, folder, mask=mask) == 0
    (tmp_path / 'all.reg').write_text('image\nbox(64,64,300,300,0)\n')
    assert kept(detector, image, folder, within=tmp_path / 'all.reg') == 0


class Lazy:
    """Neither a file nor an array in memory."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, 2

    def __getitem__(self, window):
        return self.array[window]


def test_pixels_without_a_name_cannot_be_taken_up_again(tmp_path):
    image = make_field('radio', shape=(128, 128), seed=1).image
    lazy = SurveyImage(Lazy(image.data), wcs=image.wcs, unit=image.unit, beam=image.beam)
    with Runner(folder=tmp_path), pytest.raises(InputError, match='image: parts cannot be kept'):
        SourceDetector().predict(lazy)


def test_an_image_replaced_in_the_middle_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / 'mosaic.fits'
    field = make_field('radio', shape=(128, 128), seed=1)
    field.write(path)

    def associate(found, *links, **given):
        path.write_bytes(path.read_bytes())
        return found

    monkeypatch.setattr('astrofound.estimators.detector.associate', associate)
    with pytest.raises(ReadError, match=r'mosaic.fits: the file has changed since'):
        SourceDetector().predict(path)


@pytest.fixture
def little_memory(monkeypatch):
    """Let tiles be searched up to so many pixels only; gives the shapes of all tries."""
    search, tried = compact_search._search, []

    def limit(n_pixels):
        def limited(network, device, tile, significance, channels):
            tried.append(significance.shape)
            if significance.size > n_pixels:
                raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
            return search(network, device, tile, significance, channels)

        monkeypatch.setattr(compact_search, '_search', limited)
        return tried

    return limit


def test_a_tile_that_memory_does_not_hold_is_halved(mosaic, expected, little_memory):
    tried = little_memory(140_000)
    halved = DETECTOR.predict(mosaic, components=True)
    assert max(np.prod(shape) for shape in tried) > 140_000
    assert_same(halved, expected)


def test_no_memory_at_all_is_one_sentence(mosaic, little_memory):
    little_memory(0)
    with pytest.raises(InputError, match=r'not enough memory on cpu for .* pixels at a time'):
        DETECTOR.predict(mosaic)


@pytest.mark.parametrize('seed', range(3))
def test_any_tiling_finds_what_the_whole_image_holds(seed):
    """Parts found tile by tile are those of the whole image, each of them once."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(330, 560, 2))
    image = make_field('radio', shape=shape, seed=seed).image
    space = open_beam_space(image, noise_map(image), fwhm_pix=image.beam.fwhm)
    sha256 = file_digest(locate_weights('compact'))
    source = (sha256, 'compact', 'cpu', 'float32')
    halo = compact_search.ready_weights(*source)[1].receptive_halo
    search = compact_search.PartSearch(space, 'radio', source)

    def found(**tiling):
        grid = TileGrid(space.shape, TilingOptions(halo=halo, **tiling))
        tiles = [search.work(search.read(grid[index])) for index in rng.permutation(len(grid))]
        parts = Detections.concatenate([Detections(**{
            name: tile[name] for name in tile if name != 'traits'}) for tile in tiles])
        return len(grid), parts.select(np.lexsort((parts.x, parts.y)))

    _, whole = found(shape=(2048, 2048))
    side = [2 * halo + 16 * int(rng.integers(2, 12)) for _ in range(2)]
    n_tiles, tiled = found(shape=tuple(side))
    assert n_tiles > 4
    assert len(tiled) == len(whole) > 20
    for name in ('x', 'y', 'boxes', 'score'):
        np.testing.assert_allclose(getattr(tiled, name), getattr(whole, name), atol=1e-3)
    np.testing.assert_array_equal(tiled.class_code, whole.class_code)


def test_an_image_is_only_read(mosaic, expected, tmp_path):
    path = tmp_path / 'archive' / 'mosaic.fits'
    path.parent.mkdir()
    shutil.copy(mosaic, path)
    before = path.read_bytes()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert_same(DETECTOR.predict(path, components=True), expected)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
    finally:
        path.parent.chmod(0o755)


def test_memory_is_announced_and_reported(mosaic, caplog):
    with caplog.at_level('INFO', 'astrofound.pipeline'), Runner() as runner:
        DETECTOR.predict(mosaic)
    assert 'MB of memory is expected' in caplog.text
    assert 'were expected' in runner.report()
    assert {'noise', 'network', 'diffuse', 'fit'} <= set(runner.clock.stages)
