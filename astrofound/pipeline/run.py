"""Stream the tiles of a mosaic through a function, several at a time or reading ahead."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice

from astrofound.utils import progress_bar, usable_cores

__all__ = ['run_tiles']

_MOST_AT_ONCE = 4  # each has a tile in memory


def run_tiles(tiles, prepare, work, *, n_ahead=2, parallel=False, progress=False):
    """
    Apply ``work(prepare(tile))`` to every tile, on as many cores as the process may use.

    Preparing (reading, background, resampling) runs in a thread of its own while the caller's
    thread works, so that the two overlap; at most ``n_ahead + 1`` prepared tiles exist at once.
    With ``parallel`` each core, up to four, works through tiles of its own. A single core has no
    thread beside the caller's.

    Parameters
    ----------
    tiles : sequence
        What is worked through.
    prepare : callable
        Takes a tile; runs in another thread.
    work : callable
        Takes what ``prepare`` returned; runs in the caller's thread, unless ``parallel``.
    n_ahead : int, optional
        Tiles prepared ahead.
    parallel : bool, optional
        Whether both may run in several threads at once.
    progress : bool, optional
        Whether to show a progress bar.

    Yields
    ------
    result : object
        What ``work`` returned, in the order of the tiles.
    """
    bar = progress_bar(tiles, label='detecting', show=progress)
    n_cores = usable_cores(1024)
    if n_cores == 1:
        for tile in bar:
            yield work(prepare(tile))
        return

    def whole(tile):
        return work(prepare(tile))

    n_threads, ahead, finish = 1, prepare, work
    if parallel:
        n_threads, ahead, finish = min(n_cores, _MOST_AT_ONCE), whole, _same
    with ThreadPoolExecutor(n_threads, thread_name_prefix='astrofound-tile') as threads:
        waiting, coming = deque(), iter(tiles)
        try:
            for _ in bar:
                for tile in islice(coming, n_ahead + n_threads - len(waiting)):
                    waiting.append(threads.submit(copy_context().run, ahead, tile))
                yield finish(waiting.popleft().result())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _same(result):
    return result
