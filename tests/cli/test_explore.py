import numpy as np
import pytest
from astropy.table import Table

from astrofound import SourceDetector, write_catalog
from astrofound.cli import main
from astrofound.datasets import make_field
from astrofound.estimators import write_features


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('explore')
    field = make_field('radio', shape=(256, 256), seed=3)
    field.write(path / 'sky.fits')
    found = SourceDetector(threshold=0.8).predict(field.image)
    write_catalog(found, path / 'found.fits')
    features = np.random.default_rng(0).normal(size=(len(found), 12))
    features[4] += 9
    labels = ['FR I', 'FR II', 'FR II'] * (len(found) // 3) + ['FR I'] * (len(found) % 3)
    write_features(path / 'labelled.fits', features, table=Table({'morphology': labels}))
    write_features(path / 'features.fits', features, table=found)
    write_features(path / 'bare.npy', features)
    return path


@pytest.fixture(autouse=True)
def _inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_map(capsys, folder):
    assert main(['explore', 'map', 'labelled.fits', '--label', 'morphology', '--method', 'pca',
                 '--balance']) == 0
    said = capsys.readouterr().out
    assert 'wrote map.png' in said
    labels = np.asarray(Table.read('labelled.fits')['morphology']).astype(str)
    assert f"{2 * min((labels == 'FR I').sum(), (labels == 'FR II').sum())} images, pca" in said
    assert (folder / 'map.png').stat().st_size > 1000
    assert main(['explore', 'map', 'bare.npy', '--method', 'pca', '-o', 'bare.pdf']) == 0


def test_anomalies(capsys):
    assert main(['explore', 'anomalies', 'features.fits', '-n', '3', '-o', 'odd.fits',
                 '--image', 'sky.fits', '--plot', 'page.png']) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[:2] == ['4', '1.0000']
    assert len(said) == 4
    table = Table.read('odd.fits')
    assert table['row'][0] == 4
    assert 'anomaly' in table.colnames
    assert 'features' not in table.colnames


def test_neighbors(capsys):
    assert main(['explore', 'neighbors', 'features.fits', '--row', '2', '-n', '4', '-o',
                 'near.ecsv']) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[:2] == ['2', '0.0000']
    assert len(said) == 5
    assert main(['explore', 'neighbors', 'bare.npy', '--row', '2', '-o', 'near.csv']) == 0
    assert Table.read('near.csv')['row'][0] == 2


def test_describe(capsys):
    assert main(['explore', 'describe', 'sky.fits', '--catalog', 'found.fits', '--backbone',
                 'mae_vitb16']) == 0
    said = capsys.readouterr().out
    assert 'fill factor' in said
    assert 'your sources span' in said


@pytest.mark.parametrize(('words', 'message'), [
    (['map', 'features.fits', '--label', 'clas_name'], "did you mean 'class_name'"),
    (['map', 'features.fits', '--balance'], '--balance needs the classes'),
    (['map', 'features.fits', '-o', 'a.fits'], 'the name must end in'),
    (['map', 'found.fits'], "no vector column 'features'"),
    (['neighbors', 'features.fits', '--row', '100000'], "'example' must be"),
    (['anomalies', 'features.fits', '--plot', 'a.png'], 'add --image'),
    (['describe', 'absent.fits'], 'absent.fits'),
])
def test_errors_are_one_line(capsys, words, message):
    assert main(['explore', *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
