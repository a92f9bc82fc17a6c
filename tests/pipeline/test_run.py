import threading
import time

import pytest

from astrofound.pipeline import run_tiles


def test_results_come_in_the_order_of_the_tiles():
    def prepare(tile):
        time.sleep(0.002 * (5 - tile))
        return tile

    assert list(run_tiles(range(5), prepare, lambda tile: tile * 10)) == [0, 10, 20, 30, 40]


def test_prepares_only_a_few_tiles_ahead():
    prepared = []
    results = run_tiles(range(20), prepared.append, lambda tile: tile, n_ahead=2)
    next(results)
    time.sleep(0.05)
    assert len(prepared) <= 4
    results.close()


def test_preparing_runs_beside_the_work():
    threads = list(run_tiles(range(2), lambda tile: threading.get_ident(), lambda here: here))
    assert threading.get_ident() not in threads


@pytest.mark.parametrize('stage', ['prepare', 'work'])
def test_an_error_reaches_the_caller(stage):
    def fail(tile):
        raise ValueError('broken tile')

    stages = {'prepare': lambda tile: tile, 'work': lambda tile: tile} | {stage: fail}
    with pytest.raises(ValueError, match='broken tile'):
        list(run_tiles(range(3), **stages))
