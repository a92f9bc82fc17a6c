import numpy as np
import pytest

from astrofound.cli import main
from astrofound.image import SurveyImage


def run(*arguments):
    return main(['simulate', *map(str, arguments)])


@pytest.mark.parametrize('kind', ['radio', 'optical'])
def test_writes_image_and_truth(kind, tmp_path, capsys):
    path = tmp_path / 'sky.fits'
    assert run(kind, '-o', path, '--size', '160x128', '--seed', 3) == 0
    out = capsys.readouterr().out
    assert '160 x 128 pixels' in out
    assert out.count('\n') == 1
    assert (tmp_path / 'sky_truth.fits').exists()
    assert SurveyImage.read(path).shape == (128, 160)


def test_beam_and_scale(tmp_path):
    path = tmp_path / 'sky.fits'
    assert run('radio', '-o', path, '--size', 128, '--beam', '6"x4.5"@30deg', '--pixel-scale',
               1.0, '--rms', 1e-4, '--array', 'east-west', '--footprint', 'mosaic') == 0
    image = SurveyImage.read(path)
    assert (image.beam.major, image.beam.minor) == pytest.approx((6, 4.5), rel=1e-3)
    assert image.sky_beam.pa.to_value('deg') == pytest.approx(30, abs=0.1)
    assert np.isnan(image.data).any()


def test_seeing(tmp_path):
    assert run('optical', '-o', tmp_path / 'sky.fits', '--size', 128, '--seeing', '4pix',
               '--galaxies', 0, '--clean', '--density', 1, '--sky', 500) == 0
    header = SurveyImage.read(tmp_path / 'sky.fits').header
    assert 'fwhm_pix=4.0' in ''.join(header['HISTORY'])


@pytest.mark.parametrize('extra', [(), ('--artefacts', 'none'), ('--artefacts', 'strong')])
def test_random_is_repeatable(extra, tmp_path):
    for name in ('a', 'b'):
        assert run('radio', '-o', tmp_path / f'{name}.fits', '--size', 96, '--random',
                   '--seed', 5, *extra) == 0
    first, second = ((tmp_path / f'{name}.fits').read_bytes() for name in 'ab')
    assert first == second


@pytest.mark.parametrize(('arguments', 'message'), [
    (('--size', 'huge'), "--size must be pixels such as '1024' or '1024x768', got 'huge'"),
    (('--size', '4'), "'shape' must be an integer of at least 32"),
    (('--density', '-1'), "'density' must be a number of at least 0"),
    (('--beam', '5 apples'), "beam '5 apples' is not understood"),
    (('--seed', '-3'), "'seed' must be an integer of at least 0")])
def test_bad_input_is_one_line(arguments, message, tmp_path, capsys):
    assert run('radio', '-o', tmp_path / 'sky.fits', *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith('astrofound: error: ')
    assert message in error
    assert error.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept(tmp_path, capsys):
    path = tmp_path / 'sky.fits'
    path.write_text('precious')
    assert run('radio', '-o', path, '--size', 64) == 2
    assert 'exists; choose another name or add --overwrite' in capsys.readouterr().err
    assert path.read_text() == 'precious'
    assert run('radio', '-o', path, '--size', 64, '--overwrite') == 0


@pytest.mark.parametrize('name', ['sky.png', 'missing/sky.fits'])
def test_bad_output(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('astrofound.datasets.OpticalSky.__call__', None)  # told before the work
    assert run('optical', '-o', tmp_path / name, '--size', 64) == 2
    assert capsys.readouterr().err.startswith('astrofound: error: ')
