import json
import re

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image

from astrofound.cli import main
from astrofound.datasets import make_field


@pytest.fixture(scope='module')
def cutouts(tmp_path_factory):
    """A folder of PNG cutouts of small and large blobs, one folder a class."""
    folder = tmp_path_factory.mktemp('cutouts')
    y, x = np.mgrid[:40, :40] - 20.0
    rng = np.random.default_rng(0)
    for name, size in (('compact', 1.5), ('extended', 5.0)):
        (folder / name).mkdir()
        for number in range(12):
            image = rng.normal(20, 3, (40, 40)) + 200 * np.exp(-(x**2 + y**2) / (2 * size**2))
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(
                folder / name / f'{number}.png')
    return folder


@pytest.fixture(scope='module')
def model(cutouts, tmp_path_factory):
    run = tmp_path_factory.mktemp('run')
    assert main(['train', 'classifier', str(cutouts), '-o', str(run), '--crop', 'segmentation',
                 '--size', '32', '--test', str(cutouts)]) == 0
    return run


def test_training_says_what_it_did(model, capsys):
    scores = Table.read(model / 'test_scores.ecsv')
    assert scores['class_name'].tolist() == ['compact', 'extended']
    assert (scores['f1'] > 0.9).all()


def test_boxes_of_the_test_images_are_used(tmp_path, capsys):
    assert main(['train', 'classifier', 'simulated:mirabest:20', '--crop', 'box', '--backbone',
                 'toy_vit', '--test', 'simulated:mirabest:10', '-o', str(tmp_path)]) == 0
    assert 'macro F1' in capsys.readouterr().out


def test_training_a_network_says_how_fast_it_was(cutouts, tmp_path, capsys):
    assert main(['train', 'classifier', str(cutouts), '--backbone', 'toy_vit', '--strategy',
                 'scratch', '--epochs', '1', '--size', '32', '--orientations', '4', '--mirror',
                 'compact,extended', '--precision', 'float32', '-o', str(tmp_path)]) == 0
    assert re.search(r'parameters learnt, at [1-9]\d* images/s', capsys.readouterr().out)
    chosen = json.loads((tmp_path / 'params.json').read_text())['parameters']
    assert chosen['mirror'] == [['compact', 'extended']]
    assert (chosen['orientations'], chosen['precision']) == (4, 'float32')


def test_shapes_are_measured_on_request(cutouts, tmp_path):
    assert main(['train', 'classifier', str(cutouts), '--backbone', 'toy_vit', '--shapes',
                 '--size', '32', '-o', str(tmp_path)]) == 0
    assert json.loads((tmp_path / 'params.json').read_text())['parameters']['shapes'] is True


def test_classify_a_folder(model, cutouts, tmp_path, capsys):
    output = tmp_path / 'classes.ecsv'
    assert main(['classify', str(cutouts / 'compact'), str(cutouts / 'extended'),
                 '--model', str(model), '-o', str(output)]) == 0
    table = Table.read(output)
    expected = ['compact'] * 12 + ['extended'] * 12
    assert (table['morphology'] == expected).mean() > 0.9
    np.testing.assert_allclose(table['p_compact'] + table['p_extended'], 1, rtol=1e-5)
    assert '24 classified' in capsys.readouterr().out


def test_classify_a_catalogue(model, tmp_path, capsys):
    field = make_field(shape=(128, 128), seed=1)
    field.write(tmp_path / 'mosaic.fits')
    catalog = tmp_path / 'sources.fits'
    Table(field.truth['id', 'x_centroid', 'y_centroid', 'ra', 'dec'][:5]).write(catalog)
    output = tmp_path / 'classified.vot'
    assert main(['classify', str(tmp_path / 'mosaic.fits'), '--catalog', str(catalog),
                 '--model', str(model), '-o', str(output)]) == 0
    table = Table.read(output)
    assert len(table) == 5
    assert {'ra', 'morphology', 'morphology_probability', 'p_compact'} <= set(table.colnames)


def test_what_goes_wrong(model, cutouts, tmp_path, capsys):
    one = str(cutouts / 'compact' / '0.png')
    for words, message in (
            (['classify', one, '--model', str(tmp_path), '-o', str(tmp_path / 'x.ecsv')],
             'no saved MorphologyClassifier in'),
            (['classify', one, '--model', str(model), '-o', str(tmp_path / 'x.doc')],
             'unknown extension'),
            (['classify', str(tmp_path / 'no.png'), '--model', str(model), '-o',
              str(tmp_path / 'x.ecsv')], '1 of 1 images are missing'),
            (['train', 'classifier', str(tmp_path / 'none'), '-o', str(tmp_path / 'r')],
             'none'),
            (['train', 'classifier', str(cutouts), '--strategy', 'tuned', '-o',
              str(tmp_path / 'r')], "unknown strategy 'tuned'")):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert message in error
        assert 'Traceback' not in error
