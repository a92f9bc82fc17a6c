"""``astrofound prepare``: tiles and boxes of a mosaic, and a word on how it was understood."""

import numpy as np
import pytest
from astropy.table import Table

from astrofound.cli import main
from astrofound.datasets import make_field, read_coco
from astrofound.datasets.image_input import open_images


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('prepare')
    field = make_field('radio', shape=(128, 256), seed=1)
    field.image.to_hdu().writeto(path / 'sky.fits')
    bright = field.truth[field.truth['snr'] > 6]
    # a catalogue of a program that nobody knows
    Table({'Lon': bright['ra'], 'Lat': bright['dec'], 'sort': bright['class_name']}).write(
        path / 'odd.csv')
    Table(bright['ra', 'dec', 'class_name']).write(path / 'known.ecsv')
    return path


def run(folder, *words):
    return main(['prepare', str(folder / 'sky.fits'), *map(str, words)])


def test_two_parts(folder, tmp_path, capsys):
    assert run(folder, '--catalog', folder / 'known.ecsv', '-o', tmp_path / 'tiles', '--side',
               64, '--test', 0.25) == 0
    told = capsys.readouterr().out
    assert 'columns: ra=ra, dec=dec' in told
    assert 'note: the catalogue has no sizes: boxes are as large as the beam' in told
    assert 'train: 6 tiles, source ' in told
    assert f"-> {tmp_path / 'tiles' / 'test.json'}" in told
    train = read_coco(tmp_path / 'tiles' / 'train.json')
    assert len(train) == 6
    assert train.n_boxes > 0


def test_columns_and_classes(folder, tmp_path, capsys):
    assert run(folder, '--catalog', folder / 'odd.csv', '-o', tmp_path, '--column', 'ra=Lon',
               '--column', 'dec=Lat', '--label', 'sort', '--test', 0, '--side', 64) == 0
    assert 'ra=Lon, dec=Lat' in capsys.readouterr().out
    assert 'point' in read_coco(tmp_path / 'train.json').classes
    assert not (tmp_path / 'test.json').exists()


def test_pictures_show_the_same_sky(folder, tmp_path):
    words = ['--catalog', folder / 'known.ecsv', '--test', 0, '--side', 64]
    assert run(folder, *words, '-o', tmp_path / 'fits') == 0
    assert run(folder, *words, '-o', tmp_path / 'png', '--png', 'asinh') == 0
    tiles, pictures = (read_coco(tmp_path / kind / 'train.json') for kind in ('fits', 'png'))
    assert {path.suffix for path in pictures.images} == {'.png'}
    sky, shown = (open_images([data.images[0]])[0].pixels[0] for data in (tiles, pictures))
    assert shown.dtype == np.uint8
    bright = sky > np.nanpercentile(sky, 98)
    assert shown[bright].min() > np.median(shown)
    for one, other in zip(tiles.boxes, pictures.boxes, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    assert run(folder, *words, '-o', tmp_path / 'rgb', '--png', 'channels') == 0
    first = read_coco(tmp_path / 'rgb' / 'train.json').images[0]
    assert open_images([first])[0].pixels.shape == (3, 64, 64)


@pytest.mark.parametrize(('words', 'message'), [
    (['--png', 'gif'], "unknown scaling 'gif'"),
    (['--column', 'ra'], "--column must be like 'ra=RAJ2000', got 'ra'"),
    (['--label', 'moods'], "'label_column' 'moods' is no column"),
    (['--side', '4'], "'side' must be an integer of at least 16"),
    (['--test', '2'], "'test' must be a number"),
    ([], 'no position columns are known'),
])
def test_bad_words(folder, tmp_path, capsys, words, message):
    catalog = 'odd.csv' if not words else 'known.ecsv'
    assert run(folder, '--catalog', folder / catalog, '-o', tmp_path / 'x', *words) == 2
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.count('error') == 1
    assert not (tmp_path / 'x').exists()
