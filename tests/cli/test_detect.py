import errno
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from regions import Regions

from astrofound.baselines import BASELINES
from astrofound.catalog import write_catalog
from astrofound.cli import main
from astrofound.cli.detect import METHODS
from astrofound.datasets import make_field


@pytest.fixture(scope='module')
def mosaic(tmp_path_factory):
    path = tmp_path_factory.mktemp('field') / 'mosaic.fits'
    make_field('radio', shape=(256, 256), seed=3).write(path)
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


def complaint(capsys):
    """The error of the last run, which must be one line on standard error."""
    lines = [line for line in capsys.readouterr().err.splitlines() if 'warning:' not in line]
    assert len(lines) == 1
    assert lines[0].startswith('astrofound: error: ')
    return lines[0].removeprefix('astrofound: error: ')


def test_every_output_at_once(mosaic, tmp_path, capsys):
    names = ('s.fits', 's.vot', 's.ecsv', 's.csv', 's.reg', 's.crtf')
    outputs = [word for name in names for word in ('-o', tmp_path / name)]
    assert run('detect', mosaic, *outputs, '--plot', tmp_path / 's.png',
               '--report', tmp_path / 's.html') == 0
    report = capsys.readouterr().out
    table = Table.read(tmp_path / 's.fits')
    assert f'{len(table)} sources (' in report
    assert all(name in report for name in (*names, 's.png', 's.html'))
    assert len(Table.read(tmp_path / 's.vot')) == len(Table.read(tmp_path / 's.ecsv'))
    assert len(Regions.read(tmp_path / 's.reg')) == len(table) > 3
    assert len(Regions.read(tmp_path / 's.crtf', format='crtf')) == len(table)
    assert (tmp_path / 's.png').read_bytes()[:4] == b'\x89PNG'
    assert f'{len(table)} sources · 256 × 256 pixels' in (tmp_path / 's.html').read_text()


def test_report_and_hub_are_checked_before_the_image_is_read(tmp_path, capsys, monkeypatch):
    assert run('detect', 'gone.fits', '--report', tmp_path / 'r.pdf') == 2
    assert 'must end in .html' in complaint(capsys)
    monkeypatch.setenv('SAMP_HUB', f'std-lockurl:{(tmp_path / "none").as_uri()}')
    assert run('detect', 'gone.fits', '-o', tmp_path / 'r.fits', '--samp') == 2
    assert 'no SAMP hub is running' in complaint(capsys)


def test_catalogue_is_sent(mosaic, tmp_path, capsys, monkeypatch):
    sent = []
    monkeypatch.setattr('astrofound.catalog.check_samp', lambda: None)
    monkeypatch.setattr('astrofound.catalog.send_catalog', lambda catalog, name: sent.append(
        (len(catalog), name)) or ['table to topcat'])
    assert run('detect', mosaic, '-o', tmp_path / 's.fits', '--samp') == 0
    assert sent == [(len(Table.read(tmp_path / 's.fits')), 'mosaic.fits')]
    assert 'sent table to topcat' in capsys.readouterr().out


def test_default_output_carries_the_name_of_the_image(mosaic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run('detect', mosaic) == 0
    assert (tmp_path / 'mosaic_sources.fits').exists()


def test_several_images(mosaic, tmp_path, capsys):
    other = tmp_path / 'other.fits'
    other.write_bytes(mosaic.read_bytes())
    assert run('detect', mosaic, other, '-o', tmp_path / '{name}.csv') == 0
    assert {path.name for path in tmp_path.glob('*.csv')} == {'mosaic.csv', 'other.csv'}


def test_several_images_need_names(mosaic, capsys):
    assert run('detect', mosaic, mosaic, '-o', 'a.csv') == 2
    assert 'put {name} into it' in complaint(capsys)


def test_a_bad_image_is_skipped_and_told(mosaic, tmp_path, capsys):
    assert run('detect', tmp_path / 'gone.fits', mosaic, '-o', tmp_path / '{name}.csv') == 2
    assert 'gone.fits' in complaint(capsys)
    assert (tmp_path / 'mosaic.csv').exists()


def test_methods_are_those_of_the_package():
    assert ('compact', *BASELINES) == METHODS


def test_threshold_belongs_to_the_network(mosaic, capsys):
    assert run('detect', mosaic, '--method', 'daofind', '--threshold', 0.5) == 2
    assert '--threshold does not apply to --method daofind' in complaint(capsys)


def test_noise_and_background_as_numbers(mosaic, tmp_path):
    assert run('detect', mosaic, '--rms', '2e-5', '--background', 0,
               '-o', tmp_path / 's.fits') == 0
    table = Table.read(tmp_path / 's.fits')
    np.testing.assert_allclose(table['local_rms'], 2e-5, rtol=1e-5)


def test_pixel_leaves_the_wcs_aside(mosaic, tmp_path):
    assert run('detect', mosaic, '--pixel', '--beam', '4pix', '-o', tmp_path / 's.reg') == 0
    assert 'image' in (tmp_path / 's.reg').read_text()


GOOD = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)


def written(path, data, **cards):
    header = fits.Header()
    header.update(cards)
    fits.PrimaryHDU(data, header).writeto(path)
    return path


def truncated(path):
    written(path, GOOD)
    path.write_bytes(path.read_bytes()[:6000])
    return path


def damaged(path):
    """Compressed pixels with noise written over their middle."""
    hdu = fits.CompImageHDU(np.tile(GOOD, (4, 4)))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2:len(content) // 2 + 2000] = np.random.default_rng(1).bytes(2000)
    path.write_bytes(content)
    return path


BAD = {
    'missing': (lambda path: path, 'does not exist'),
    'empty': (lambda path: path.touch() or path, 'empty'),
    'truncated': (truncated, 'truncated'),
    'damaged compression': (damaged, 'damaged'),
    'FITS in name only': (lambda path: path.write_text('SIMPLE as that\n' * 400) and path,
                          'not a readable FITS file'),
    'text': (lambda path: path.write_text('RA Dec Flux\n1 2 3\n') and path, 'neither FITS nor'),
    'table': (lambda path: Table({'a': [1]}).write(path, format='fits') or path, 'no image'),
    'one axis': (lambda path: written(path, GOOD[0]), 'no image of two axes'),
    'five axes': (lambda path: written(path, np.zeros((2, 2, 2, 8, 8), np.float32)), '5 axes'),
    'all NaN': (lambda path: written(path, GOOD * np.nan), 'all pixels are blank'),
    'constant': (lambda path: written(path, GOOD * 0 + 1), 'constant image'),
    'smaller than the beam': (lambda path: written(path, GOOD[:3, :3]), 'larger than the image'),
    'broken WCS': (lambda path: written(path, GOOD, CTYPE1='RA---XXX', CTYPE2='DEC--XXX'),
                   'broken WCS'),
}


@pytest.mark.parametrize(('make', 'message'), BAD.values(), ids=BAD)
def test_bad_image_is_one_line_and_status_two(make, message, tmp_path, capsys):
    path = make(tmp_path / 'bad.fits')
    assert run('detect', path, '--beam', '4pix', '-o', tmp_path / 's.reg') == 2
    said = complaint(capsys)
    assert 'bad.fits' in said
    assert 'ignore_missing' not in said
    assert message.lower() in said.lower()
    assert not (tmp_path / 's.reg').exists()


@pytest.mark.parametrize(('options', 'message'), [
    (('--beam', '0pix'), 'beam'),
    (('--beam', '900pix'), 'larger than the image'),
    (('--beam', '0.1pix'), 'much smaller than a pixel'),
    (('--beam', 'wide'), 'beam'),
    (('--rms', '-1'), 'rms'),
    (('--rms', 'gone.fits'), 'gone.fits'),
    (('--mask', 'gone.fits'), 'gone.fits'),
    (('--within', 'gone.reg'), 'gone.reg'),
    (('--hdu', '7'), '7'),
    (('--plane', 'x'), '--plane'),
    (('--threshold', '2'), 'threshold'),
    (('--device', 'cuda:99'), 'cuda:99'),
    (('--weights', 'gone.safetensors'), 'gone.safetensors'),
    (('--plot', 'picture.xyz'), 'picture.xyz'),
    (('-o', 'sources.xyz'), '.xyz'),
    (('-o', 'sources'), "unknown extension ''; known are"),
    (('-o', 'nowhere/sources.reg'), 'nowhere'),
    (('--plot', 'nowhere/picture.png'), 'nowhere'),
    (('-o', 'a.reg', '-o', './a.reg'), 'written twice'),
    (('--method', 'magic'), 'magic'),
])
def test_bad_option_is_one_line_and_status_two(options, message, mosaic, tmp_path, capsys,
                                               monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run('detect', mosaic, *options) == 2
    assert message in complaint(capsys)
    assert not list(tmp_path.glob('*.fits'))


def test_everything_masked(mosaic, tmp_path, capsys):
    mask = written(tmp_path / 'mask.fits', np.ones((256, 256), np.uint8))
    assert run('detect', mosaic, '--mask', mask, '-o', tmp_path / 's.reg') == 2
    assert 'mask' in complaint(capsys)


@pytest.mark.parametrize('option', ['image', '--rms', '--mask', '--weights'])
def test_an_input_is_never_written_over(option, mosaic, tmp_path, capsys):
    path = tmp_path / 'precious.fits'
    path.write_bytes(mosaic.read_bytes())
    words = (path,) if option == 'image' else (mosaic, option, path)
    assert run('detect', *words, '-o', path) == 2
    assert f'{path} is an input and would be lost' in complaint(capsys)
    assert path.read_bytes() == mosaic.read_bytes()


def test_images_of_one_name_are_not_mixed_up(mosaic, tmp_path, capsys):
    (tmp_path / 'other').mkdir()
    other = tmp_path / 'other' / mosaic.name
    other.write_bytes(mosaic.read_bytes())
    assert run('detect', mosaic, other, '-o', tmp_path / '{name}.csv') == 2
    assert 'mosaic.csv would be written twice' in complaint(capsys)
    assert not list(tmp_path.glob('*.csv'))


def test_the_place_is_tried_before_the_work(mosaic, tmp_path, capsys, monkeypatch):
    device = tmp_path / 'device.reg'
    device.symlink_to('/dev/null')
    monkeypatch.setattr('astrofound.image.SurveyImage.read', None)  # never reached
    for option in ('-o', '--plot'):
        target = device if option == '-o' else device.with_suffix('.png')
        target.is_symlink() or target.symlink_to('/dev/null')
        assert run('detect', mosaic, option, target) == 2
        assert 'it is not a regular file' in complaint(capsys)


@pytest.mark.parametrize('name', ['s.fits', 's.reg', 's.png'])
def test_full_disk_is_one_line(name, mosaic, tmp_path, capsys):
    resource = pytest.importorskip('resource')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    option = '--plot' if name.endswith('png') else '-o'
    first = ('-o', tmp_path / 'first.csv') if option == '--plot' else ()
    # Writing beyond the limit fails in the middle of the file, as on a full disk.
    limit = 60_000 if option == '--plot' else 400
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        status = run('detect', mosaic, '--min-snr', 6, *first, option, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 2
    assert f'cannot write {tmp_path / name}' in complaint(capsys)
    assert not (tmp_path / name).exists()
    assert not list(tmp_path.glob('.*'))


def test_image_smaller_than_a_tile(tmp_path):
    path = written(tmp_path / 'small.fits', GOOD[:20, :30])
    assert run('detect', path, '--beam', '4pix', '--rms', 1, '-o', tmp_path / 's.csv') == 0
    assert (tmp_path / 's.csv').exists()


@pytest.mark.slow
def test_ctrl_c_leaves_no_half_file(tmp_path):
    mosaic = tmp_path / 'mosaic.fits'
    written(mosaic, np.random.default_rng(0).standard_normal((3000, 3000)).astype(np.float32))
    job = subprocess.Popen(
        [sys.executable, '-m', 'astrofound', '-v', 'detect', mosaic, '--beam', '2.5pix',
         '-o', tmp_path / 's.reg'], stderr=subprocess.PIPE, text=True)
    with job:
        for line in job.stderr:
            if 'detecting in mosaic' in line:
                break
        time.sleep(0.5)  # the tiles take several seconds
        job.send_signal(signal.SIGINT)
        said = job.communicate(timeout=60)[1]
    assert job.returncode == 130
    assert 'Traceback' not in said
    assert 'stopped' in said
    assert [path.name for path in tmp_path.iterdir()] == ['mosaic.fits']


def test_profile_names_the_stages_and_the_memory(mosaic, tmp_path, capsys):
    assert run('detect', mosaic, '-o', tmp_path / 's.csv', '--profile') == 0
    said = capsys.readouterr().out
    for word in ('noise', 'network', 'write', 'total', 'peak memory', 'were expected'):
        assert word in said


def test_resume_writes_the_same_file_again(mosaic, tmp_path):
    command = ('detect', mosaic, '-o', tmp_path / 's.fits', '--resume', tmp_path / 'parts')
    assert run(*command) == 0
    first = (tmp_path / 's.fits').read_bytes()
    assert run(*command) == 0
    assert (tmp_path / 's.fits').read_bytes() == first


def test_whatever_fails_for_one_image_the_next_is_done(mosaic, tmp_path, capsys, monkeypatch):
    write = write_catalog

    def full(catalog, path):
        if path.stem == 'mosaic':
            raise OSError(errno.ENOSPC, 'No space left on device')
        write(catalog, path)

    monkeypatch.setattr('astrofound.catalog.write_catalog', full)
    (tmp_path / 'other.fits').write_bytes(mosaic.read_bytes())
    assert run('detect', mosaic, tmp_path / 'other.fits', '-o', tmp_path / '{name}.csv') == 2
    said = complaint(capsys)
    assert 'mosaic.fits' in said
    assert 'No space left' in said
    assert [path.name for path in tmp_path.glob('*.csv')] == ['other.csv']


def test_two_runs_in_one_folder(mosaic, tmp_path, capsys):
    from astrofound.pipeline.parts import PartFolder

    with PartFolder(tmp_path / 'parts'):
        assert run('detect', mosaic, '-o', tmp_path / 's.fits', '--resume', tmp_path / 'parts') == 2
    assert 'another run works in' in complaint(capsys)


@pytest.mark.parametrize('folder', [None, 'parts'])
def test_a_stopped_run_says_how_to_go_on(mosaic, tmp_path, capsys, monkeypatch, folder):
    def stop(*given, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr('astrofound.catalog.write_catalog', stop)
    resume = () if folder is None else ('--resume', tmp_path / folder)
    assert run('detect', mosaic, '-o', tmp_path / 's.fits', *resume) == 130
    said = capsys.readouterr().err
    assert ('with --resume FOLDER' if folder is None else 'the same command goes on') in said


@pytest.mark.slow
def test_sigterm_and_sigkill_cost_only_what_was_not_finished(tmp_path):
    """As a batch system stops a job: kindly, then not; and the job is sent in again."""
    mosaic = tmp_path / 'mosaic.fits'
    make_field('radio', shape=(3000, 2500), seed=2).write(mosaic)
    command = [sys.executable, '-m', 'astrofound', 'detect', mosaic, '--threads', '1', '--resume',
               tmp_path / 'parts', '-o']
    for number in (signal.SIGTERM, signal.SIGKILL):
        before = len(list(tmp_path.rglob('*.npz')))
        job = subprocess.Popen([*command, tmp_path / 's.fits'], stderr=subprocess.PIPE, text=True)
        with job:
            while len(list(tmp_path.rglob('*.npz'))) == before:
                time.sleep(0.05)
                assert job.poll() is None
            job.send_signal(number)
            said = job.communicate(timeout=120)[1]
        assert job.returncode == (143 if number == signal.SIGTERM else -9)
        assert number == signal.SIGKILL or 'the same command goes on from the parts' in said
        assert not (tmp_path / 's.fits').exists()
    for name in ('s.fits', 't.fits'):
        subprocess.run([*command, tmp_path / name], check=True)
    assert (tmp_path / 's.fits').read_bytes() == (tmp_path / 't.fits').read_bytes()
