import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from astrofound.pipeline import Runner, active_runner
from astrofound.pipeline.parts import PartFolder
from astrofound.utils import InputError, WriteError, usable_cores

DATE = '2026-01-01T00:00:00.000'


class Square:
    """Squares numbers, and remembers which; stops at one of them."""

    def __init__(self, stop_at=None):
        self.stop_at, self.done = stop_at, []

    def read(self, item):
        return np.arange(item)

    def work(self, values):
        if len(values) == self.stop_at:
            raise KeyboardInterrupt
        self.done.append(len(values))
        return {'square': values**2, 'empty': np.empty((0, 2))}


def squares(folder, job, n=6, **identity):
    """Results of a run, and when it began."""
    with Runner(folder=folder) as runner, runner.run(lambda: {'image': 'a', **identity}) as date:
        return [part['square'].sum() for part in runner.map('square', job, range(n))], date


def test_results_come_in_order():
    assert squares(None, Square())[0] == [(np.arange(k)**2).sum() for k in range(6)]


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    whole, _ = squares(None, Square())
    with pytest.raises(KeyboardInterrupt):
        squares(tmp_path, Square(stop_at=3))
    [run] = [path for path in tmp_path.iterdir() if path.is_dir()]
    (run / '.astrofound-half').mkdir()  # what a SIGKILL leaves
    job = Square()
    again, date = squares(tmp_path, job)
    assert again == whole
    assert job.done == [3, 4, 5]
    assert not (run / '.astrofound-half').exists()
    job = Square()
    assert squares(tmp_path, job) == (whole, date)
    assert job.done == []


def test_another_identity_is_another_run(tmp_path):
    squares(tmp_path, Square(), image='a')
    job = Square()
    squares(tmp_path, job, image='b')
    assert job.done == list(range(6))


@pytest.mark.parametrize('harm', [
    lambda content: content[:len(content) // 2],
    lambda content: b'',
    lambda content: content[:70] + bytes([content[70] ^ 255]) + content[71:],
], ids=['truncated', 'empty', 'one bit'])
def test_a_damaged_part_is_done_again(tmp_path, harm, caplog):
    whole, _ = squares(tmp_path, Square())
    [part] = tmp_path.rglob('square-000004-of-*.npz')
    part.write_bytes(harm(part.read_bytes()))
    job = Square()
    assert squares(tmp_path, job)[0] == whole
    assert job.done == [4]
    assert 'is damaged' in caplog.text


def test_a_part_is_never_unpickled(tmp_path):
    squares(tmp_path, Square())
    [part] = tmp_path.rglob('square-000002-of-*.npz')
    np.savez(part, square=np.array([{}], object))
    job = Square()
    squares(tmp_path, job)
    assert job.done == [2]


def test_two_runs_in_one_folder(tmp_path):
    with PartFolder(tmp_path), pytest.raises(WriteError, match='another run works in'):
        PartFolder(tmp_path)
    PartFolder(tmp_path).close()


def test_the_lock_of_a_killed_process_is_gone(tmp_path):
    script = ('import os, signal, sys; from astrofound.pipeline.parts import PartFolder; '
              'held = PartFolder(sys.argv[1]); os.kill(os.getpid(), signal.SIGKILL)')
    assert subprocess.run([sys.executable, '-c', script, tmp_path], check=False).returncode < 0
    PartFolder(tmp_path).close()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with PartFolder(tmp_path) as parts:
        parts.open_run({'image': 'a'}, DATE)
        monkeypatch.setattr(np, 'savez', full)
        with pytest.raises(WriteError, match='No space left on device; the parts before are kept'):
            parts.save('square', 0, 1, {'a': np.zeros(3)})
    assert not list(tmp_path.rglob('*.npz'))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(WriteError, match=r'cannot use .*run for parts'):
        PartFolder(tmp_path / 'file' / 'run')


def test_innermost_runner_counts():
    with Runner() as outer:
        with Runner() as inner:
            assert active_runner() is inner
        assert active_runner() is outer
    assert active_runner() is not outer


def test_identity_is_asked_for_only_where_parts_are_kept():
    with Runner() as runner, runner.run(lambda: 1 / 0):
        pass


def test_stages_are_timed():
    with Runner() as runner, runner.run(dict):
        list(runner.map('square', Square(), range(6)))
    account = runner.clock['square']
    assert account.n_parts == 6
    assert account.wall > 0
    assert 'peak memory' in runner.report()


def test_threads_are_limited_together():
    import numba
    import torch

    before = torch.get_num_threads()
    with Runner(threads=1):
        assert usable_cores() == torch.get_num_threads() == numba.get_num_threads() == 1
    assert torch.get_num_threads() == before


class Threads:
    """Says how many threads a library has that is loaded within the run."""

    def read(self, item):
        return item

    def work(self, item):
        import torch

        return {'threads': np.array(torch.get_num_threads())}


def test_libraries_loaded_within_the_run_keep_to_the_limit():
    script = ('import sys; from astrofound.pipeline import Runner\n'
              'from test_runner import Threads\n'
              'with Runner(threads=1) as runner:\n'
              "    assert 'torch' not in sys.modules\n"
              '    import torch\n'
              "    print(*[part['threads'] for part in runner.map('ask', Threads(), range(2))])")
    done = subprocess.run([sys.executable, '-c', script], cwd=Path(__file__).parent, check=True,
                          capture_output=True, text=True)
    assert done.stdout.split() == ['1', '1']


@pytest.mark.parametrize(('given', 'message'), [
    ({'workers': 0}, "'workers' must be"),
    ({'threads': 0}, "'threads' must be"),
    ({'workers': 2, 'client': 'tcp://nowhere:1'}, "'workers' and 'client' exclude each other"),
])
def test_arguments(given, message):
    with pytest.raises(InputError, match=message):
        Runner(**given)
