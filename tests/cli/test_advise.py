import numpy as np
import pytest
from astropy.io import fits

from astrofound.cli import main
from astrofound.datasets import make_field, make_labelled


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Cutouts in folders of their classes, and one image without any class."""
    path = tmp_path_factory.mktemp('advise')
    data = make_labelled('mirabest', 12, seed=1, pixels='float')
    for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (path / 'cutouts' / label).mkdir(parents=True, exist_ok=True)
        fits.writeto(path / 'cutouts' / label / f'{number}.fits', image)
    fits.writeto(path / 'sky.fits', np.random.default_rng(0).normal(size=(64, 64)))
    return path


def test_advice_for_labelled_cutouts(folder, capsys):
    assert main(['advise', str(folder / 'cutouts'), '--domain', 'radio', '-n', '3']) == 0
    said = capsys.readouterr().out
    assert 'size of a source' in said
    assert '  3. ' in said
    assert '  4. ' not in said
    assert 'Table 4' in said
    assert 'GFLOP/s' in said


def test_advice_for_images_without_labels(folder, capsys):
    assert main(['advise', str(folder / 'sky.fits'), '--task', 'detection']) == 0
    assert 'SourceDetector' in capsys.readouterr().out
    assert main(['advise', str(folder / 'cutouts' / 'FRI'), '--n-labels', '5000']) == 0
    assert '5000' in capsys.readouterr().out


def test_advice_for_sources_of_a_mosaic(folder, capsys):
    field = make_field(shape=(192, 192), seed=1)
    field.write(folder / 'field.fits')
    table = field.truth[field.truth['snr'] > 5]['ra', 'dec', 'class_name']
    table.write(folder / 'sources.ecsv', overwrite=True)
    assert main(['advise', str(folder / 'sources.ecsv'), '--mosaic', str(folder / 'field.fits'),
                 '--labels', 'class_name', '-n', '1']) == 0
    assert f'labels             {len(table)}' in capsys.readouterr().out


def test_candidates_are_tried(folder, capsys):
    runs = folder / 'runs.ecsv'
    assert main(['advise', 'simulated:mirabest:16', '--backbones', 'toy_vit', '--try', '1',
                 '--folds', '2', '-o', str(runs)]) == 0
    said = capsys.readouterr().out
    assert 'toy_vit 32 frozen' in said
    assert "best: backbone='toy_vit'" in said
    assert runs.exists()


@pytest.mark.parametrize(('words', 'message'), [
    (['absent'], 'absent is neither a file nor a folder'),
    (['sky.fits', '--task', 'detect'], "did you mean 'detection'"),
    (['sky.fits', '--try', '2'], '--try needs labels'),
    (['sky.fits', '--try', '0'], "'--try' must be"),
    (['simulated:rgz:many'], "as 'simulated:rgz' or 'simulated:rgz:500'"),
    (['simulated:rzg'], "did you mean 'rgz'"),
    (['sky.fits', '--backbones', 'dinov2'], "unknown backbone 'dinov2'"),
])
def test_errors_are_one_line(folder, capsys, monkeypatch, words, message):
    monkeypatch.chdir(folder)
    assert main(['advise', *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
