"""Worker processes on this machine."""

import logging
import signal
import sys
from contextlib import ExitStack, contextmanager, suppress

from astrofound.utils import require, tune_process

__all__ = ['dask_setup', 'local_cluster', 'preload_workers']


@contextmanager
def local_cluster(n_workers):
    """
    Start a dask cluster of processes of one thread each.

    On Linux they are forks of the process that `preload_workers` starts.

    Parameters
    ----------
    n_workers : int
        How many.

    Yields
    ------
    cluster : `distributed.LocalCluster`
        With all its workers; they end with the block.
    """
    distributed = require('distributed', extra='scale', purpose='several workers')
    with ExitStack() as stack:
        if preload_workers():
            # as long as the cluster lives: a worker that dies is started anew
            stack.enter_context(require('dask', extra='scale').config.set(
                {'distributed.worker.multiprocessing-method': 'forkserver'}))
        yield stack.enter_context(distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, memory_limit=0, preload=[__name__],
            dashboard_address='localhost:0', silence_logs=logging.ERROR))


def preload_workers(modules=None):
    """
    Start loading what worker processes on this machine will need, once for all of them.

    A process of its own does it while this one goes on, and workers are forks of it: to be
    called before the same modules are loaded here. Where there is such a process already, or on
    other systems than Linux, nothing happens.

    Parameters
    ----------
    modules : sequence of str, optional
        Names; by default the modules of astrofound that are loaded here, and those that one of
        them names in ``LOADED_LATER``.

    Returns
    -------
    forked : bool
        Whether workers are forks.
    """
    if sys.platform != 'linux':
        return False
    from multiprocessing import forkserver

    if modules is None:
        modules = [name for name in sys.modules if name.startswith('astrofound.')]
        modules += [later for name in modules
                    for later in getattr(sys.modules[name], 'LOADED_LATER', ())]
    # dask would have libraries of its own choice loaded, and comes too late
    forkserver.set_forkserver_preload(['distributed', __name__, *modules])
    forkserver.ensure_running()
    return True


def dask_setup(worker):
    """
    Prepare a worker process.

    Parameters
    ----------
    worker : `distributed.Worker`
        The worker that runs in it.
    """
    tune_process()
    with suppress(ValueError):  # of a worker that is a thread
        # a terminal sends Ctrl-C to all; the process that started the workers sees to it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
