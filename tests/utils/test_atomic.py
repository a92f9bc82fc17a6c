"""Files appear wholly or not at all."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from astrofound.utils import ReadError, WriteError, atomic_path, check_place


def run_child(code, **keywords):
    return subprocess.run([sys.executable, '-c', textwrap.dedent(code)], capture_output=True,
                          text=True, check=False, **keywords)


def test_new_file_appears(tmp_path):
    path = tmp_path / 'sources.fits.gz'
    with atomic_path(path) as temporary:
        assert temporary.name == path.name
        assert not temporary.exists()
        temporary.write_text('all')
        assert not path.exists()
    assert path.read_text() == 'all'
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_hides_its_file(tmp_path):
    (tmp_path / 'plain').touch()
    with atomic_path(tmp_path / 'secret') as temporary:
        temporary.touch(mode=0o600)
    modes = [(tmp_path / name).stat().st_mode for name in ('plain', 'secret')]
    assert modes[0] == modes[1]


def test_mode_follows_umask_and_older_file(tmp_path):
    path = tmp_path / 'sources.csv'
    plain = tmp_path / 'plain'
    plain.touch()
    for mode in (plain.stat().st_mode, 0o100640):
        with atomic_path(path) as temporary:
            temporary.write_text('x')
        assert path.stat().st_mode == mode
        path.chmod(0o640)


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt, SystemExit])
def test_error_leaves_older_file(tmp_path, error):
    def stop_half_way():
        with atomic_path(path) as temporary:
            temporary.write_text('half')
            raise error

    path = tmp_path / 'sources.csv'
    path.write_text('old')
    with pytest.raises(error):
        stop_half_way()
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_os_error_becomes_one_line(tmp_path):
    path = tmp_path / 'sources.csv'
    with pytest.raises(WriteError, match=r'cannot write .*sources\.csv: No space left'), \
            atomic_path(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


def test_own_errors_pass_unchanged(tmp_path):
    with pytest.raises(ReadError, match=r'^mosaic is cut short$'), \
            atomic_path(tmp_path / 'sources.csv'):
        raise ReadError('mosaic is cut short')


def test_block_that_writes_nothing(tmp_path):
    with pytest.raises(WriteError, match='cannot write'), atomic_path(tmp_path / 'a.csv'):
        pass
    assert list(tmp_path.iterdir()) == []


def test_symbolic_link_is_followed(tmp_path):
    (tmp_path / 'disk').mkdir()
    target = tmp_path / 'disk' / 'real.csv'
    link = tmp_path / 'link.csv'
    link.symlink_to(target)
    with atomic_path(link) as temporary:
        temporary.write_text('x')
    assert link.is_symlink()
    assert target.read_text() == 'x'


@pytest.mark.parametrize(('name', 'reason'), [
    ('missing/sources.csv', 'No such file or directory'),
    ('file/sources.csv', 'Not a directory'),
    ('folder', 'it is a folder'),
    ('null', 'it is not a regular file'),
])
def test_places_that_cannot_be_written(tmp_path, name, reason):
    (tmp_path / 'file').touch()
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'null').symlink_to(os.devnull)
    with pytest.raises(WriteError, match=f'cannot write .*{reason}'), \
            atomic_path(tmp_path / name):
        pytest.fail('the block must not run')
    with pytest.raises(WriteError, match=f'cannot write .*{reason}'):
        check_place(tmp_path / name)
    assert not os.path.isfile(os.devnull)


def test_trying_a_place_leaves_nothing(tmp_path):
    (tmp_path / 'old.csv').write_text('old')
    for name in ('old.csv', 'new.csv'):
        check_place(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ['old.csv']
    assert (tmp_path / 'old.csv').read_text() == 'old'


@pytest.mark.skipif(hasattr(os, 'geteuid') and os.geteuid() == 0,
                    reason='permissions do not bind root')
def test_read_only_places(tmp_path):
    folder = tmp_path / 'folder'
    folder.mkdir()
    (folder / 'old.csv').write_text('old')
    (folder / 'old.csv').chmod(0o400)
    with pytest.raises(WriteError, match='read-only'), atomic_path(folder / 'old.csv'):
        pytest.fail('the block must not run')
    folder.chmod(0o500)
    try:
        with pytest.raises(WriteError, match='Permission denied'), \
                atomic_path(folder / 'new.csv'):
            pytest.fail('the block must not run')
    finally:
        folder.chmod(0o700)


def test_disk_that_takes_no_more(tmp_path):
    pytest.importorskip('resource', reason='limits on file size are a POSIX thing')
    done = run_child('''
        import resource
        from astrofound.utils import WriteError, atomic_path
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with atomic_path('sources.csv') as temporary:
                temporary.write_bytes(bytes(100_000))
        except WriteError as error:
            print(error)
    ''', cwd=tmp_path)
    assert done.stdout.strip() == 'cannot write sources.csv: File too large', done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == 'nt', reason='POSIX signals')
def test_control_c_leaves_nothing(tmp_path):
    child = subprocess.Popen([sys.executable, '-c', textwrap.dedent('''
        import time
        from astrofound.utils import atomic_path
        with atomic_path('sources.csv') as temporary:
            temporary.write_text('half')
            print('ready', flush=True)
            time.sleep(60)
    ''')], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with child:
        assert child.stdout.readline().strip() == 'ready'
        assert list(tmp_path.iterdir())
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert child.returncode != 0
    assert list(tmp_path.iterdir()) == []
