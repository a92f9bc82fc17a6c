"""Readers of the sets of the paper, on small files of their forms."""

import copy
import functools
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading

import astropy.units as u
import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from astrofound.datasets import (
    GALAXY_MNIST_CLASSES,
    catalog_boxes,
    cut_tiles,
    fetch_dataset,
    fetching,
    join_boxed,
    make_boxed,
    make_field,
    prepare_tiles,
    read_coco,
    read_galaxy_mnist,
    read_mgcls,
    read_mirabest,
    read_radio_galaxy_zoo,
    split_area,
    split_labelled,
)
from astrofound.image import SurveyImage
from astrofound.utils import InputError, ReadError


def write_galaxies(path, n=8, side=64, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.zeros((n, side, side, 3), np.uint8)
    images[:, 0, 0] = np.arange(n)[:, None]
    with h5py.File(path, 'w') as file:
        for name, value in ({'images': images, 'labels': np.arange(n) % 4} | changes).items():
            if value is not None:
                file[name] = value
    return path


class TestGalaxyMnist:
    @pytest.fixture
    def folder(self, tmp_path):
        write_galaxies(tmp_path / 'raw' / 'train_dataset.hdf5')
        write_galaxies(tmp_path / 'raw' / 'test_dataset.hdf5', n=4)
        return tmp_path

    def test_both_parts(self, folder):
        data = read_galaxy_mnist(folder)
        assert data.classes == GALAXY_MNIST_CLASSES
        assert repr(data).endswith('GalaxyMNIST (64 pixels)>')
        assert data.counts() == dict.fromkeys(GALAXY_MNIST_CLASSES, 3)
        assert data.names[8] == 'test/0'
        assert_array_equal(data.images[5][-1, 0], [5, 5, 5])  # the first row of a picture is on top
        split = split_labelled(data, test=np.arange(8, 12), fraction=0.5)
        assert_array_equal(data.select(split.test).images[3][-1, 0], [3, 3, 3])

    def test_one_part_or_file(self, folder):
        assert len(read_galaxy_mnist(folder, part='train')) == 8
        path = write_galaxies(folder / 'test_dataset.hdf5', n=4, side=224)
        assert read_galaxy_mnist(path).images[0].shape == (224, 224, 3)
        with pytest.raises(InputError, match="'part' goes with a folder"):
            read_galaxy_mnist(path, part='train')

    def test_copies_for_other_processes_open_the_file_anew(self, folder):
        images = read_galaxy_mnist(folder, part='test').images
        images[0]
        assert_array_equal(copy.deepcopy(images)[2][-1, 0], [2, 2, 2])

    def test_bad_files(self, folder, tmp_path):
        with pytest.raises(ReadError, match=r'no train_dataset\.hdf5; fetch_dataset'):
            read_galaxy_mnist(tmp_path / 'lost')
        (tmp_path / 'packed').mkdir()
        (tmp_path / 'packed' / 'train_dataset.hdf5.gz').write_bytes(b'')
        with pytest.raises(ReadError, match=r'unpack train_dataset\.hdf5\.gz'):
            read_galaxy_mnist(tmp_path / 'packed')
        path = tmp_path / 'x.hdf5'
        path.write_text('text')
        with pytest.raises(ReadError, match='is no file of GalaxyMNIST'):
            read_galaxy_mnist(path)
        for changes, message in (({'labels': None}, 'is no file'), ({'labels': np.zeros(3, int)},
                                 "'labels' \\(3,\\)"), ({'labels': np.full(8, 4)}, '0 to 3')):
            with pytest.raises(ReadError, match=message):
                read_galaxy_mnist(write_galaxies(tmp_path / 'y.hdf5', **changes))


def test_radio_galaxy_zoo(tmp_path):
    for k in range(4):
        Image.fromarray(np.full((132, 132), k, np.uint8)).save(tmp_path / f'{k}.png')
    boxes = [(0, 2, [10, 20, 30, 40]), (1, 10, [0, 0, 5, 5]), (2, 3, [5, 5, 5, 5]),
             (2, 7, [50, 50, 20, 20])]
    (tmp_path / 'rgz.json').write_text(json.dumps({
        'images': [{'id': k, 'file_name': f'{k}.png', 'width': 132, 'height': 132}
                   for k in range(4)],
        'categories': [{'id': k, 'name': f'category {k}'} for k in range(11)],
        'annotations': [{'id': n, 'image_id': image, 'category_id': category, 'bbox': box}
                        for n, (image, category, box) in enumerate(boxes)]}))
    data = read_radio_galaxy_zoo(tmp_path / 'rgz.json')
    assert data.labels.tolist() == ['1C-1P', '3C-3P']
    assert_array_equal(data.boxes[0], [[10, 132 - 60, 40, 132 - 20]])
    assert data.classes == ('1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P')
    every = read_radio_galaxy_zoo(tmp_path / 'rgz.json', single=False)
    assert every.labels.tolist() == ['1C-1P', '3C-3P', '2C-3P']  # the largest box decides


def rotated(shape=(300, 420), turn=30.0, flip=False, **more):
    """An image whose WCS is turned, with a beam of 4 pixels of 2 arcsec."""
    header = fits.Header({'CTYPE1': 'RA---SIN', 'CTYPE2': 'DEC--SIN', 'CRVAL1': 40.0,
                          'CRVAL2': -35.0, 'CRPIX1': 200.0, 'CRPIX2': 150.0})
    scale, angle = 2 / 3600, np.deg2rad(turn)
    header['CD1_1'], header['CD1_2'] = -scale * np.cos(angle), scale * np.sin(angle)
    header['CD2_1'], header['CD2_2'] = scale * np.sin(angle), scale * np.cos(angle)
    if flip:
        header['CD1_1'], header['CD2_1'] = -header['CD1_1'], -header['CD2_1']
    data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return SurveyImage(data, header=header, unit='Jy/beam', beam='8arcsec', name='field', **more)


class TestTiles:
    @pytest.mark.parametrize('flip', [False, True])
    @pytest.mark.parametrize('turn', [0, 30, 75])
    def test_boxes_follow_the_sky(self, turn, flip):
        image = rotated(turn=turn, flip=flip)
        x, y = np.array([100.0, 250.0]), np.array([80.0, 200.0])
        sky = image.wcs.pixel_to_world(x, y)
        table = Table({'ra': sky.ra, 'dec': sky.dec, 'major': [40, 20] * u.arcsec,
                       'minor': [10, 20] * u.arcsec, 'pa_sky': [35, 0] * u.deg})
        boxes, origin = catalog_boxes(table, image)
        assert origin == 'sky'
        # the outline of the ellipse, drawn on the sky
        around = np.linspace(0, 2 * np.pi, 721)
        for k in range(2):
            along, across = (table[name][k] / 2 for name in ('major', 'minor'))
            north = along * np.cos(around) * np.cos(np.deg2rad(table['pa_sky'][k])) - (
                across * np.sin(around) * np.sin(np.deg2rad(table['pa_sky'][k])))
            east = along * np.cos(around) * np.sin(np.deg2rad(table['pa_sky'][k])) + (
                across * np.sin(around) * np.cos(np.deg2rad(table['pa_sky'][k])))
            outline = sky[k].spherical_offsets_by(east * u.arcsec, north * u.arcsec)
            px, py = image.wcs.world_to_pixel(outline)
            assert_allclose(boxes[k], [px.min() + 0.5, py.min() + 0.5, px.max() + 0.5,
                                       py.max() + 0.5], atol=0.01)

    def test_other_sizes(self):
        image = rotated()
        place = {'x_centroid': [50.0], 'y_centroid': [60.0]}
        boxes, origin = catalog_boxes(Table(place), image)
        assert origin == 'beam'
        assert_allclose(boxes, [[48.5, 58.5, 52.5, 62.5]], atol=1e-3)
        ellipse = {'fwhm_major': [10.0], 'fwhm_minor': [2.0], 'theta': [90.0]}
        boxes, origin = catalog_boxes(Table(place | ellipse), image)
        assert origin == 'pixels'
        assert_allclose(boxes, [[48.5, 55.5, 52.5, 65.5]], atol=1e-3)  # not below the beam
        limits = {'bbox_xmin': [3], 'bbox_ymin': [3], 'bbox_xmax': [8], 'bbox_ymax': [8]}
        boxes, origin = catalog_boxes(Table(place | limits), image)
        assert_array_equal(boxes, [[3, 3, 9, 9]])
        bare = SurveyImage(image.data, name='bare')
        with pytest.raises(InputError, match='no sizes, and the beam of bare is not known'):
            catalog_boxes(Table(place), bare)

    def test_what_is_far_away_is_left_alone(self):
        table = Table({'ra': [40.0, 220.0, np.nan], 'dec': [-35.0, 35.0, 0.0]})
        boxes, _ = catalog_boxes(table, rotated())
        assert np.isfinite(boxes).all(axis=1).tolist() == [True, False, False]
        assert cut_tiles(rotated(), table).notes[0] == '1 sources without a position left out'

    def test_tiles_cover_the_image(self):
        image = rotated()
        table = Table({'x_centroid': [10.0, 210.0, 415.0], 'y_centroid': [10.0, 150.0, 290.0],
                       'kind': ['a', 'b', 'a']})
        data = cut_tiles(image, table, side=128, label_column='kind')
        assert len(data) == 3 * 4
        assert data.images[0].shape == (128, 128)
        covered = np.zeros(image.shape, int)
        for name in data.names:
            y0, x0 = (int(word[1:]) for word in name.split()[1:])
            covered[y0:y0 + 128, x0:x0 + 128] += 1
        assert covered.min() == 1
        assert data.counts()['a'] == 2
        assert data.classes == ('a', 'b')

    def test_a_tile_is_the_image_there(self):
        image = rotated()
        table = Table({'x_centroid': [400.0], 'y_centroid': [280.0]})
        data = cut_tiles(image, table, side=128)
        tile = data.images[len(data) - 1]
        assert_array_equal(tile.data, image.data[-128:, -128:])
        x1, y1, x2, y2 = data.boxes[-1][0]
        here = tile.wcs.pixel_to_world((x1 + x2) / 2 - 0.5, (y1 + y2) / 2 - 0.5)
        assert here.separation(image.wcs.pixel_to_world(400, 280)).arcsec < 1e-3
        assert tile.beam == image.beam

    def test_what_an_edge_cuts_is_ignored(self):
        table = Table({'x_centroid': [127.0, 60.0], 'y_centroid': [60.0, 60.0],
                       'fwhm_major': [20.0, 20.0], 'fwhm_minor': [20.0, 20.0]})
        data = cut_tiles(rotated((128, 256)), table, side=128)
        assert data.ignored[0].tolist() == [True, False]
        assert data.ignored[1].tolist() == [True]
        assert_allclose(data.boxes[0][0], [117.5, 50.5, 128, 70.5])
        easy = cut_tiles(rotated((128, 256)), table, side=128, min_visible=0.3)
        assert not easy.ignored[0].any()

    def test_blank_tiles(self):
        image = rotated()
        holed = image.data
        holed[:10, :10] = np.nan
        image = SurveyImage(holed, beam='4pix', name='holed')
        table = Table({'x_centroid': [400.0], 'y_centroid': [280.0]})
        assert len(cut_tiles(image, table, side=128)) == 11
        assert len(cut_tiles(image, table, side=128, max_blank=0.1)) == 12
        with pytest.raises(InputError, match='every tile of holed has more than 0% blank'):
            cut_tiles(image, table, side=512)

    @pytest.mark.parametrize('shape', [(100, 400), (400, 100)])
    def test_areas_do_not_meet(self, shape):
        data = np.ones(shape)
        data[:50, :60] = np.nan
        image = SurveyImage(data, beam='4pix', name='holed')
        train, test = split_area(image, 0.25)
        seen = np.zeros(shape, int)
        seen[train] += 1
        seen[test] += 1
        assert (seen == 1).all()
        good = np.isfinite(data)
        assert good[test].sum() / good.sum() == pytest.approx(0.25, abs=0.01)
        table = Table({'x_centroid': [80.0], 'y_centroid': [80.0]})
        tiles = cut_tiles(image, table, side=32, area=test, max_blank=1.0)
        covered = np.zeros(shape, int)
        for name in tiles.names:
            y0, x0 = (int(word[1:]) for word in name.split()[1:])
            covered[y0:y0 + 32, x0:x0 + 32] += 1
        outside = covered.copy()
        outside[test] = 0
        assert outside.sum() == 0
        assert (covered[test] > 0).all()
        with pytest.raises(InputError, match="'test' must be a number greater than 0"):
            split_area(image, 0)

    def test_prepared_tiles(self, tmp_path):
        image = rotated((150, 300))
        x, y = np.random.default_rng(1).uniform(10, 140, (2, 30))
        sky = image.wcs.pixel_to_world(2 * x, y)
        table = Table({'ra': sky.ra, 'dec': sky.dec, 'kind': ['a', 'b'] * 15,
                       'major': [12.0] * 30 * u.arcsec, 'minor': [8.0] * 30 * u.arcsec})
        parts = prepare_tiles(image, table, tmp_path / 'set', side=64, label_column='kind')
        assert sorted(path.name for path in (tmp_path / 'set').iterdir()) == [
            'test', 'test.json', 'train', 'train.json']
        assert parts['train'].classes == parts['test'].classes == ('a', 'b')
        again = read_coco(tmp_path / 'set' / 'train.json')
        tile = SurveyImage.read(again.images[0])
        assert tile.shape == (64, 64)
        assert tile.beam.fwhm == pytest.approx(image.beam.fwhm, rel=1e-3)
        # a box in a file lies where its source is on the sky
        number = next(k for k in range(len(again)) if again.n_boxes and (~again.ignored[k]).any())
        box = again.boxes[number][~again.ignored[number]][0]
        tile = SurveyImage.read(again.images[number])
        here = tile.wcs.pixel_to_world((box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2)
        assert sky.separation(here).arcsec.min() < 1.5
        alone = prepare_tiles(image, table, tmp_path / 'all', side=64, test=0)
        assert list(alone) == ['train']

    def test_bad_arguments(self):
        table = Table({'x_centroid': [4.0], 'y_centroid': [2.0], 'kind': ['a']})
        with pytest.raises(InputError, match="'label_column' 'sort' is no column"):
            cut_tiles(rotated(), table, label_column='sort')
        with pytest.raises(InputError, match="not among 'classes': a"):
            cut_tiles(rotated(), table, label_column='kind', classes=['b'])
        with pytest.raises(InputError, match="'side' must be an integer of at least 16"):
            cut_tiles(rotated(), table, side=4)

    def test_brightest_sources_lie_in_their_boxes(self):
        field = make_field('radio', shape=(256, 256), seed=5)
        bright = field.truth[field.truth['snr'] > 8]
        data = cut_tiles(field.image, bright, side=128)
        for tile, boxes, ignored in zip(data.images, data.boxes, data.ignored, strict=True):
            for x1, y1, x2, y2 in boxes[~ignored].astype(int):
                assert np.nanmax(tile.data[y1:y2 + 1, x1:x2 + 1]) > np.nanpercentile(tile.data, 95)

    def test_join(self):
        parts = [make_boxed('rgz', 1, seed=seed) for seed in (0, 1)]
        assert len(join_boxed(parts)) == 2
        with pytest.raises(InputError, match='of the same classes'):
            join_boxed([parts[0], make_boxed('mgcls', 1)])
        with pytest.raises(InputError, match='got none'):
            join_boxed([])


def test_mgcls(tmp_path):
    image = rotated((280, 280), turn=0)
    hdu = image.to_hdu()
    cube = np.stack([image.data, *np.full((4, 280, 280), np.nan, np.float32)])
    paths = [tmp_path / 'a.fits', tmp_path / 'b.fits']
    for path in paths:
        fits.PrimaryHDU(cube, hdu.header).writeto(path)
    sky = image.wcs.pixel_to_world([100, 200], [90, 210])
    catalog = tmp_path / 'compact.fits'
    # as PyBDSF writes it: angles in degrees
    Table({'Source_id': [0, 1], 'RA': sky.ra.deg, 'DEC': sky.dec.deg, 'Total_flux': [1e-3, 2e-3],
           'E_Total_flux': [1e-5, 1e-5], 'Maj': [10 / 3600] * 2, 'Min': [9 / 3600] * 2,
           'PA': [0.0, 90.0]}).write(catalog)
    data = read_mgcls(paths, catalog)
    assert repr(data) == '<BoxedImages of 8 with 16 boxes: compact 16; MGCLS>'
    assert_allclose(data.boxes[0][0, 2:] - data.boxes[0][0, :2], [4.5, 5], rtol=1e-3)
    assert data.images[5].shape == (256, 256)
    with pytest.raises(ReadError, match=r'1 of 2 images are missing: .*c\.fits'):
        read_mgcls([paths[0], tmp_path / 'c.fits'], catalog)


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Files of a set on this machine in place of those at its addresses."""
    folder = tmp_path / 'www'
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    files = {}

    def put(name, file_name, content, md5=None):
        (folder / file_name).write_bytes(content)
        url = f'http://127.0.0.1:{server.server_port}/{file_name}'
        files.setdefault(name, {})[file_name] = url, md5 or hashlib.md5(content).hexdigest()

    monkeypatch.setattr(fetching, '_FILES', files)
    yield put
    server.shutdown()
    thread.join()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class TestFetching:
    def test_galaxies(self, serve, tmp_path):
        for part in ('train', 'test'):
            path = write_galaxies(tmp_path / 'made' / f'{part}_dataset.hdf5', n=4, side=8)
            serve('galaxy_mnist', f'{path.name}.gz', gzip.compress(path.read_bytes()))
        folder = fetch_dataset('galaxy_mnist', tmp_path / 'data')
        assert folder == tmp_path / 'data' / 'galaxy_mnist'
        assert len(read_galaxy_mnist(folder)) == 8

    def test_again_fetches_nothing(self, serve, tmp_path):
        serve('galaxy_mnist', 'x.hdf5.gz', gzip.compress(b'content'))
        folder = fetch_dataset('galaxy_mnist', tmp_path)
        (tmp_path / 'www' / 'x.hdf5.gz').unlink()
        assert (fetch_dataset('galaxy_mnist', tmp_path) / 'x.hdf5').read_bytes() == b'content'
        (folder / 'x.hdf5.gz').write_bytes(b'damaged')
        with pytest.raises(ReadError, match=r'cannot fetch .*: File not found'):
            fetch_dataset('galaxy_mnist', tmp_path)

    def test_wrong_hash_keeps_nothing(self, serve, tmp_path):
        serve('mirabest', 'x.tar.gz', b'not what it was', md5='0' * 32)
        with pytest.raises(ReadError, match='is damaged or was replaced, and was not kept'):
            fetch_dataset('mirabest', tmp_path)
        assert list((tmp_path / 'mirabest').iterdir()) == []

    def test_archive_gives_batches_only(self, serve, tmp_path):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode='w:gz') as archive:
            for name in ('F_batches/data_batch_1', 'F_batches/test_batch', '../../evil', 'notes',
                         '/abs/batches.meta'):
                member = tarfile.TarInfo(name)
                member.size = 4
                archive.addfile(member, io.BytesIO(b'data'))
            link = tarfile.TarInfo('data_batch_2')
            link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
            archive.addfile(link)
        serve('mirabest', 'x.tar.gz', buffer.getvalue())
        folder = fetch_dataset('mirabest', tmp_path)
        assert sorted(path.name for path in folder.iterdir()) == [
            'batches.meta', 'data_batch_1', 'test_batch', 'x.tar.gz']
        assert not (tmp_path.parent / 'evil').exists()

    def test_damaged_archives(self, serve, tmp_path):
        serve('mirabest', 'x.tar.gz', b'no archive')
        with pytest.raises(ReadError, match=r'x\.tar\.gz is damaged'):
            fetch_dataset('mirabest', tmp_path)
        serve('galaxy_mnist', 'x.hdf5.gz', gzip.compress(b'content' * 99)[:-6])
        with pytest.raises(ReadError, match=r'x\.hdf5\.gz is damaged'):
            fetch_dataset('galaxy_mnist', tmp_path)

    def test_what_is_not_public_as_a_file(self, tmp_path):
        with pytest.raises(InputError, match=r"on request; .*make_labelled\('rgz'\)"):
            fetch_dataset('rgz', tmp_path)
        with pytest.raises(InputError, match=r'10\.48479/7epd-w356'):
            fetch_dataset('mgcls', tmp_path)
        with pytest.raises(InputError, match="did you mean 'mirabest'"):
            fetch_dataset('mirabset', tmp_path)

    def test_addresses_are_whole(self):
        for files in fetching._FILES.values():
            for name, (url, md5) in files.items():
                assert url.endswith(name)
                assert len(md5) == 32


@pytest.mark.remote_data
def test_mirabest_as_it_is(tmp_path):
    data = read_mirabest(fetch_dataset('mirabest', tmp_path))
    assert len(data) == 1256
    assert data.images.shape[1:] == (150, 150)
    assert data.relabel('fr').classes == ('FRI', 'FRII')
