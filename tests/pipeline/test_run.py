import threading
import time

import pytest

from astrofound.pipeline import run_tiles
from astrofound.utils import limit_threads


def test_results_come_in_the_order_of_the_tiles():
    def prepare(tile):
        time.sleep(0.002 * (5 - tile))
        return tile

    for options in ({}, {'parallel': True}, {'n_ahead': 0}):
        found = run_tiles(range(5), prepare, lambda tile: tile * 10, **options)
        assert list(found) == [0, 10, 20, 30, 40]


def test_prepares_only_a_few_tiles_ahead():
    prepared = []
    results = run_tiles(range(20), prepared.append, lambda tile: tile, n_ahead=2)
    next(results)
    time.sleep(0.05)
    assert len(prepared) <= 4
    results.close()


def threads_of(n_threads, n_tiles=2, **options):
    """Threads that prepared the tiles and worked on them; each waits for that of another tile."""
    together = threading.Barrier(n_tiles if options.get('parallel') else 1)

    def work(prepared):
        together.wait(timeout=60)
        return prepared, threading.get_ident()

    with limit_threads(n_threads):
        return list(run_tiles(range(n_tiles), lambda tile: threading.get_ident(), work, **options))


def test_preparing_runs_beside_the_work():
    for prepared, worked in threads_of(2):
        assert prepared != worked == threading.get_ident()


def test_each_core_has_tiles_of_its_own():
    (first, *same_first), (second, *same_second) = threads_of(2, parallel=True)
    assert same_first == [first]
    assert same_second == [second]
    assert len({first, second, threading.get_ident()}) == 3


@pytest.mark.parametrize('parallel', [False, True])
def test_a_single_core_has_a_single_thread(parallel):
    here = threading.get_ident()
    assert threads_of(1, 1, parallel=parallel) == [(here, here)]


@pytest.mark.parametrize('parallel', [False, True])
@pytest.mark.parametrize('stage', ['prepare', 'work'])
def test_an_error_reaches_the_caller(stage, parallel):
    def fail(tile):
        raise ValueError('broken tile')

    stages = {'prepare': lambda tile: tile, 'work': lambda tile: tile} | {stage: fail}
    with pytest.raises(ValueError, match='broken tile'):
        list(run_tiles(range(3), **stages, parallel=parallel))
