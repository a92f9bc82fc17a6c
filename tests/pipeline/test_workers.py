"""Parts on dask: the same results, whatever becomes of the workers."""

import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from astrofound.pipeline import Runner
from astrofound.utils import WorkerError

distributed = pytest.importorskip('distributed')

# distributed warns of ports and closing files that are none of the tests' business
pytestmark = pytest.mark.filterwarnings('ignore::ResourceWarning')


class Cube:
    def read(self, item):
        return np.arange(item)

    def work(self, values):
        if len(values) == 99:
            raise ValueError('broken part')
        return {'cube': values**3}


@pytest.fixture(scope='module')
def client():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                                  dashboard_address=':0') as cluster, \
            distributed.Client(cluster, set_as_default=False) as client:
        yield client


def cubes(client, n=7, **given):
    with Runner(client=client, **given) as runner, runner.run(lambda: {'image': 'a'}):
        return [part['cube'].sum() for part in runner.map('cube', Cube(), range(n))]


def test_same_results_as_in_this_process(client):
    assert cubes(client) == cubes(None)


def test_parts_are_kept_whoever_made_them(client, tmp_path):
    whole = cubes(client, folder=tmp_path)
    [part] = tmp_path.rglob('cube-000003-of-*.npz')
    part.unlink()
    assert cubes(None, folder=tmp_path) == whole


def test_an_error_of_a_part_reaches_the_caller(client):
    with Runner(client=client) as runner, pytest.raises(ValueError, match='broken part'):
        list(runner.map('cube', Cube(), [1, 99, 3]))
    assert cubes(client, 2) == [0, 0]


class Named:
    """Says which worker did an item."""

    def read(self, item):
        return item

    def work(self, item):
        time.sleep(0.1)
        name = distributed.get_worker().name
        return {'name': np.array(str(name))}


def names(runner, n):
    return [str(part['name']) for part in runner.map('named', Named(), range(n))]


def test_no_worker_looks_on_while_another_does_everything(client):
    with Runner(client=client) as runner:
        done = names(runner, 4)
    assert len(set(done)) == 2


def test_a_worker_that_comes_late_works_along(tmp_path):
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                  dashboard_address=':0') as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, \
            Runner(client=client) as runner:
        parts = runner.map('named', Named(), range(12))
        first = next(parts)['name']
        cluster.scale(2)
        assert {str(part['name']) for part in parts} > {str(first)}


def test_a_job_is_gone_from_the_workers_when_it_is_done(client):
    cubes(client)
    left = client.run(lambda dask_worker: list(dask_worker.plugins))
    assert not [name for plugins in left.values() for name in plugins if 'cube' in name]


def test_the_dashboard_tells_the_stages_apart(client):
    cubes(client)
    names = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    assert [name for name in names if name.startswith('cube')] == ['cube']
    assert client.dashboard_link.startswith('http')


def test_no_scheduler_answers():
    import dask

    with dask.config.set({'distributed.comm.timeouts.connect': '0.2s'}), \
            pytest.raises(WorkerError, match=r'no scheduler answers at tcp'), \
            Runner(client='tcp://127.0.0.1:9'):
        pass


@pytest.mark.parametrize('given_up', [
    lambda futures: [(next(iter(futures)), distributed.CancelledError('scheduler gone'))],
    lambda futures: [],
], ids=['told', 'silent'])
def test_a_lost_scheduler_is_told_and_the_run_goes_on_elsewhere(client, tmp_path, monkeypatch,
                                                                given_up):
    as_completed = distributed.as_completed

    def lose(futures, **given):
        done = as_completed(futures, **given)
        yield from (next(done) for _ in range(3))
        yield from given_up(futures)

    with monkeypatch.context() as patch:
        patch.setattr(distributed, 'as_completed', lose)
        with pytest.raises(WorkerError, match='the workers were lost'):
            cubes(client, folder=tmp_path)
    assert 1 <= len(list(tmp_path.rglob('*.npz'))) <= 3
    assert cubes(None, folder=tmp_path) == cubes(None)


def start_cluster():
    return distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                    dashboard_address=':0')


def test_a_scheduler_that_is_restarted_costs_what_was_not_finished(tmp_path):
    with start_cluster() as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, \
            Runner(client=client, folder=tmp_path) as runner, runner.run(lambda: {'image': 'a'}):
        parts = runner.map('named', Named(), range(30))
        next(parts)
        cluster.close()
        with pytest.raises(WorkerError, match='the workers were lost'):
            list(parts)
    with start_cluster() as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, \
            Runner(client=client, folder=tmp_path) as runner, runner.run(lambda: {'image': 'a'}):
        assert len(names(runner, 30)) == 30
    assert 1 <= runner.clock['named'].n_kept < 30


KILLED = """
    import os, signal, sys, time
    from pathlib import Path
    import numpy as np
    from astrofound.pipeline import Runner
    from astrofound.utils import AstrofoundError

    class Deadly:
        def read(self, item):
            return item

        def work(self, item):
            number, marks = item
            mark = Path(marks) / str(number)
            if number == 3 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.3)
            with open(Path(marks) / 'done', 'a') as file:
                file.write(f'{number}\\n')
            return {'double': np.array(2 * number)}

    if __name__ == '__main__':
        with Runner(workers=2) as runner:
            items = [(number, sys.argv[1]) for number in range(8)]
            print([int(part['double']) for part in runner.map('deadly', Deadly(), items)])
"""


@pytest.mark.slow
def test_a_killed_worker_costs_its_parts_only(tmp_path):
    (tmp_path / 'script.py').write_text(textwrap.dedent(KILLED))
    done = subprocess.run([sys.executable, tmp_path / 'script.py', tmp_path], check=False,
                          capture_output=True, text=True, timeout=300,
                          env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert done.stdout.strip() == str([2 * number for number in range(8)]), done.stderr
    numbers = (tmp_path / 'done').read_text().split()
    assert sorted(set(numbers)) == [str(number) for number in range(8)]
    assert len(numbers) <= 10  # those of the dead worker are done again, no others
