"""Prepare, train, evaluate and detect: a detector on a backbone from the command line."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astrofound.cli import main
from astrofound.datasets import BoxedImages, write_coco

TRAIN = ('--backbone', 'compact', '--recipe', 'smoke', '--device', 'cpu')


@pytest.fixture
def coco(tmp_path, blobs):
    """COCO file of four small tiles in Jy/beam, and the image of one."""
    rng = np.random.default_rng(2)
    paths, boxes = [], []
    for number in range(4):
        data, own = blobs(rng, (48, 48), 3)
        header = fits.Header({'BUNIT': 'Jy/beam', 'CTYPE1': 'RA---SIN', 'CTYPE2': 'DEC--SIN',
                              'CRVAL1': 10.0 + number, 'CRVAL2': -30.0, 'CDELT1': -1 / 3600,
                              'CDELT2': 1 / 3600, 'BMAJ': 4 / 3600, 'BMIN': 4 / 3600, 'BPA': 0.0})
        paths.append(tmp_path / f'{number}.fits')
        fits.writeto(paths[-1], 1e-4 * data, header)
        boxes.append(own)
    data = BoxedImages(paths, boxes, [np.zeros(3, int)] * 4, ['source'])
    write_coco(data, tmp_path / 'data.json')
    return tmp_path / 'data.json'


@pytest.mark.parametrize('head', ['rcnn', 'query'])
def test_train_evaluate_detect(head, coco, tmp_path, capsys):
    run = tmp_path / 'run'
    assert main(['train', 'detector', '--data', str(coco), '-o', str(run), '--head', head,
                 *TRAIN]) == 0
    assert 'the network sees significance' in capsys.readouterr().out
    for name in ('params.json', 'weights.safetensors', 'history.png'):
        assert (run / name).stat().st_size
    assert json.loads((run / 'params.json').read_text())['training']['domain']['per_beam']
    assert main(['evaluate', '--detector', str(run), '--data', str(coco), '--beside', 'mgcls',
                 '-o', str(tmp_path / 'judged')]) == 0
    out = capsys.readouterr().out
    assert 'refined' in out
    assert 'ViT-B from scratch' in out
    rates = Table.read(tmp_path / 'judged' / 'box_rates.ecsv')
    assert rates['n_true'].sum() == 12
    assert main(['evaluate', '--detector', str(run), '--data', str(coco), '--reference', str(run),
                 '-o', str(tmp_path / 'beside')]) == 0
    table = Table.read(tmp_path / 'beside' / 'box_scores.ecsv')
    assert table['reference'].tolist() == table['refined'].tolist()
    further = tmp_path / 'further'
    assert main(['train', 'detector', '--data', str(coco), '-o', str(further), '--start', str(run),
                 '--head', head, '--recipe', 'smoke', '--device', 'cpu', '--epochs', '1']) == 0
    assert 'the network sees significance' in capsys.readouterr().out
    regions = tmp_path / 'sources.reg'
    assert main(['detect', str(tmp_path / '0.fits'), '--detector', str(run), '--threshold', '0.01',
                 '-o', str(regions)]) == 0
    assert regions.exists()


@pytest.mark.parametrize(('words', 'message'), [
    (('--data', 'gone.json'), 'gone.json'),
    (('--tuning', 'lora'), '--tuning goes with --data'),
    (('--start', 'run'), '--start goes with --data'),
    (('--recipe', 'smok'), "did you mean 'smoke'"),
])
def test_bad_training(words, message, capsys, tmp_path):
    assert main(['train', 'detector', '-o', str(tmp_path), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_evaluate_needs_a_run(coco, tmp_path, capsys):
    assert main(['evaluate', '--detector', str(tmp_path), '--data', str(coco)]) == 2
    assert 'params.json' in capsys.readouterr().err
