import numpy as np
import pytest
from astropy.io import fits

from astrofound import SourceDetector, write_catalog
from astrofound.cli import main
from astrofound.datasets import make_field
from astrofound.estimators import FeatureExtractor, read_features


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('embed')
    field = make_field('radio', shape=(256, 256), seed=3)
    field.write(path / 'sky.fits')
    write_catalog(SourceDetector(threshold=0.8).predict(field.image), path / 'found.fits')
    for number in range(3):
        fits.writeto(path / f'small{number}.fits',
                     np.random.default_rng(number).normal(size=(32, 32)))
    return path


@pytest.fixture
def _inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures('_inside')
class TestEmbed:
    def test_images(self, capsys):
        assert main(['embed', 'small0.fits', 'small1.fits', 'small2.fits', '-o', 'a.fits',
                     '--backbone', 'toy_dino', '--cache', 'kept']) == 0
        assert '3 vectors of 24 features with toy_dino' in capsys.readouterr().out
        table = read_features('a.fits')
        assert list(table['name']) == ['small0.fits', 'small1.fits', 'small2.fits']
        assert table.meta['BACKBONE'] == 'toy_dino'
        expected = FeatureExtractor('toy_dino').transform(['small0.fits'])
        np.testing.assert_allclose(table['features'][:1], expected, atol=2e-5)
        assert main(['embed', 'small0.fits', '-o', 'b.npy', '--backbone', 'toy_dino',
                     '--cache', 'kept']) == 0
        assert '1 of them from the cache' in capsys.readouterr().out

    def test_catalogue(self, capsys):
        assert main(['embed', 'sky.fits', '--catalog', 'found.fits', '-o', 'c.fits']) == 0
        table = read_features('c.fits')
        assert table['features'].shape[1] == 656
        assert {'ra', 'dec', 'name'} <= set(table.colnames)

    @pytest.mark.parametrize(('words', 'message'), [
        (['small0.fits', 'sky.fits', '--catalog', 'found.fits'], '--catalog goes with one image'),
        (['small0.fits', '-o', 'x.csv'], 'must end in .fits or .npy'),
        (['small0.fits', '-o', 'absent/x.fits'], 'there is no folder absent'),
        (['small0.fits', '--cutout', 'wide'], "--cutout must be as '64'"),
        (['small0.fits', '--backbone', 'resnet'], "did you mean 'resnet"),
        (['small0.fits', '--batch', 'many'], "'batch_size' must be an integer"),
        (['absent.fits'], 'absent.fits'),
    ])
    def test_errors_are_one_line(self, capsys, words, message):
        assert main(['embed', *words]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert len(said.splitlines()) == 1


def test_list(capsys):
    assert main(['models', 'list']) == 0
    said = capsys.readouterr().out
    assert 'dinov2_vitb14' in said
    assert 'toy_' not in said
    assert main(['models', 'list', '--family', 'distilled']) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert main(['models', 'list', '--family', 'destilled']) == 2


def test_info(capsys):
    assert main(['models', 'info', 'siglip_vitb16']) == 0
    said = capsys.readouterr().out
    assert 'WebLI' in said
    assert 'Apache-2.0' in said
    assert 'no commit of it is known' not in said
    assert main(['models', 'info', 'am_radio_b']) == 0
    assert 'never' in capsys.readouterr().out
    assert main(['models', 'info', 'msn_vitb16']) == 0
    assert 'revision main (no commit of it is known here' in capsys.readouterr().out


def test_fetch_offline_is_one_line(capsys, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path))
    assert main(['models', 'fetch', 'mae_vitb16', '--to', str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert 'facebook/vit-mae-base' in said
    assert len(said.splitlines()) == 1
