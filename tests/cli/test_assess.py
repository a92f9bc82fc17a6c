import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

from astrofound.cli import main
from astrofound.datasets import make_field


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('assess')
    make_field('radio', shape=(192, 192), seed=3).write(path / 'sky.fits')
    return path


@pytest.fixture(autouse=True)
def _inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_all_it_writes(capsys, folder):
    assert main(['assess', 'sky.fits', '-o', 'bins.ecsv', '--injected', 'injected.fits', '--map',
                 'map.fits', '--plot', 'figure.png', '--rounds', '2', '--cells', '2']) == 0
    said = capsys.readouterr().out
    assert 'completeness' in said
    assert 'for 0.95 ask for --reliability 0.' in said
    assert 'wrote bins.ecsv, injected.fits, map.fits, figure.png' in said
    bins = QTable.read('bins.ecsv')
    injected = QTable.read('injected.fits')
    assert set(np.unique(injected['round'])) == {0, 1}
    assert bins['n_injected'].sum() == (~injected['confused']).sum()
    with fits.open('map.fits') as hdus:
        assert hdus['COMPLETENESS'].data.shape == (2, 2)
        assert hdus['N_INJECTED'].data.sum() == bins['n_injected'].sum()
        assert hdus['COMPLETENESS'].header['CTYPE1'].startswith('RA')
    assert (folder / 'figure.png').stat().st_size > 1000


def test_other_methods(capsys):
    assert main(['assess', 'sky.fits', '--method', 'peaks', '--rounds', '1']) == 0
    said = capsys.readouterr().out
    assert 'ask for' not in said
    assert 'reliability' in said


@pytest.mark.parametrize(('words', 'message'), [
    (['absent.fits'], 'absent.fits'),
    (['sky.fits', '-o', 'bins.reg'], 'choose .fits, .vot, .ecsv or .csv'),
    (['sky.fits', '--map', 'map.png'], 'the map is written as FITS'),
    (['sky.fits', '--plot', 'a.fits'], 'the name must end in'),
    (['sky.fits', '-o', 'sky.fits'], 'is an input and would be lost'),
    (['sky.fits', '-o', 'a.fits', '--injected', 'a.fits'], 'would be written twice'),
    (['sky.fits', '--rounds', '0'], "'n_rounds' must be"),
    (['sky.fits', '--method', 'peaks', '--reliability', '0.9'], 'does not apply to --method'),
])
def test_errors_are_one_line(capsys, words, message):
    assert main(['assess', *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
