"""Stream the tiles of a mosaic through a function, reading ahead."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from astrofound.utils import progress_bar

__all__ = ['run_tiles']


def run_tiles(tiles, prepare, work, *, n_ahead=2, progress=False):
    """
    Apply ``work(prepare(tile))`` to every tile, preparing some tiles ahead.

    Preparing (reading, background, resampling) runs in a thread of its own while the caller's
    thread works, so that the two overlap; at most ``n_ahead + 1`` prepared tiles exist at once.

    Parameters
    ----------
    tiles : sequence
        What is worked through.
    prepare : callable
        Takes a tile; runs in another thread.
    work : callable
        Takes what ``prepare`` returned; runs in the caller's thread.
    n_ahead : int, optional
        Tiles prepared ahead.
    progress : bool, optional
        Whether to show a progress bar.

    Yields
    ------
    result : object
        What ``work`` returned, in the order of the tiles.
    """
    with ThreadPoolExecutor(1, thread_name_prefix='astrofound-read') as reader:
        waiting, coming = deque(), iter(tiles)
        try:
            for _ in progress_bar(tiles, label='detecting', show=progress):
                while len(waiting) <= n_ahead and (ahead := next(coming, None)) is not None:
                    waiting.append(reader.submit(copy_context().run, prepare, ahead))
                yield work(waiting.popleft().result())
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
