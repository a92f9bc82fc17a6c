"""How many threads everything uses: torch, numba, BLAS, OpenMP and this package together."""

import os
import sys
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from .validation import check_number

__all__ = ['limit_threads', 'usable_cores']

_limit = ContextVar('n_threads', default=None)


def usable_cores(limit=8):
    """
    Count the cores that work may be spread over here.

    Parameters
    ----------
    limit : int, optional
        Upper limit; memory bandwidth is spent before more cores help.

    Returns
    -------
    n_cores : int
        What `limit_threads` says inside of it, else the cores this process may use.
    """
    n_cores = _limit.get()
    if n_cores is None:
        try:
            n_cores = len(os.sched_getaffinity(0))
        except AttributeError:  # macOS and Windows have no affinity
            n_cores = os.cpu_count() or 1
    return max(1, min(limit, n_cores))


@contextmanager
def limit_threads(n_threads):
    """
    Let every library that is loaded use so many threads and no more, until the block ends.

    Parameters
    ----------
    n_threads : int or None
        Threads of each library; `None` leaves all as they are.

    Raises
    ------
    InputError
        If it is no positive integer.
    """
    if n_threads is None:
        yield
        return
    n_threads = check_number('n_threads', n_threads, minimum=1, integer=True)
    with ExitStack() as stack:
        stack.callback(_limit.reset, _limit.set(n_threads))
        _limit_libraries(n_threads, stack)
        yield


def _limit_libraries(n_threads, stack):
    import threadpoolctl

    stack.enter_context(threadpoolctl.threadpool_limits(n_threads))
    for name in ('numba', 'torch'):  # numba, as it starts its threads, sets those of torch
        library = sys.modules.get(name)  # no reason to load what is not used
        if library is None:
            continue
        most = library.config.NUMBA_NUM_THREADS if name == 'numba' else n_threads
        stack.callback(library.set_num_threads, library.get_num_threads())
        library.set_num_threads(min(n_threads, most))
