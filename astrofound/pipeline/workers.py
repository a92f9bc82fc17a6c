"""Processes that work through parts: on this machine, or wherever a dask scheduler has them."""

import itertools
import logging
import signal
import sys
import time
from contextlib import ExitStack, suppress

from astrofound.utils import WorkerError, limit_threads, require, usable_cores

__all__ = ['Workers', 'peak_memory_mb']

logger = logging.getLogger(__name__)

_runs = itertools.count()  # keys of one client must differ from call to call


def peak_memory_mb():
    """
    Return the largest resident size this process has had.

    Returns
    -------
    peak : float
        In MB of 10^6 bytes; 0 where the system does not say (Windows).
    """
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 if sys.platform == 'darwin' else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class Workers:
    """
    A dask cluster to which jobs are sent; a worker that dies costs its parts only.

    Parameters
    ----------
    n_workers : int, optional
        Processes started on this machine, where there is no ``client``.
    client : str or `distributed.Client`, optional
        Address of a scheduler, or a client of it. The client is left open.
    n_threads : int, optional
        Threads of each worker; by default the cores of its machine, shared out.

    Raises
    ------
    MissingDependencyError
        If distributed is not installed.
    WorkerError
        If the scheduler cannot be reached.
    """

    def __init__(self, n_workers=None, *, client=None, n_threads=None):
        distributed = require('distributed', extra='scale', purpose='several workers')
        self._distributed = distributed
        self._stack = ExitStack()
        self._n_threads = n_threads
        self._keep_quiet()
        if client is None:
            self._n_threads = n_threads or max(1, usable_cores(1024) // n_workers)
            client = self._stack.enter_context(distributed.LocalCluster(
                n_workers=n_workers, threads_per_worker=1, memory_limit=0, preload=[__name__],
                dashboard_address='localhost:0', silence_logs=logging.ERROR))
        if not hasattr(client, 'submit'):
            try:
                client = self._stack.enter_context(distributed.Client(client,
                                                                      set_as_default=False))
            except (OSError, ValueError) as error:
                self._stack.close()
                raise WorkerError(f'no scheduler answers at {client} ({error})') from None
        self.client = client
        logger.info('working on %s, dashboard at %s', client, client.dashboard_link)

    def _keep_quiet(self):
        """Leave what dask says of connections that end to its own handlers."""
        log = logging.getLogger('distributed')
        self._stack.callback(setattr, log, 'propagate', log.propagate)
        log.propagate = False

    def close(self):
        """Stop what was started; a client that was given stays open."""
        self._stack.close()

    def map(self, stage, job, items):
        """
        Work through items anywhere.

        Parameters
        ----------
        stage : str
            Name for the dashboard.
        job : object
            Has ``read`` and ``work``; sent to each worker once.
        items : dict of int to object
            What to work through, by number.

        Yields
        ------
        number : int
            Of the item; in the order in which they are done.
        arrays : dict of str to `~numpy.ndarray`
            What ``job.work(job.read(item))`` gave.
        cost : dict
            ``cpu`` seconds and ``peak_mb`` of the worker.

        Raises
        ------
        WorkerError
            If a part took several workers with it, or the scheduler is gone.
        """
        prefix = f'{stage}-{next(_runs)}-{id(self):x}'
        distributed = self._distributed
        lost = (distributed.KilledWorker, distributed.CancelledError, TimeoutError,
                distributed.comm.CommClosedError)
        with require('dask', extra='scale').config.set(
                {'distributed.admin.large-graph-warning-threshold': '100 GB'}):
            # a task of its own and no scattered data: it is made again where its worker dies
            shared = self.client.submit(_hold, job, key=f'{prefix}-job')
            futures = {self.client.submit(_work, shared, item, self._n_threads, pure=False,
                                          key=f'{prefix}-{number}'): number
                       for number, item in items.items()}
        try:
            # with results: what is fetched at once is not lost with its worker
            for future, result in distributed.as_completed(
                    futures, loop=self.client.loop, with_results=True):
                if isinstance(result, lost):  # handed on as if it were one
                    raise result
                yield futures.pop(future), *result
                future.release()
            if futures:
                raise TimeoutError('the scheduler does not answer')
        except lost as error:
            raise WorkerError(f'the workers were lost ({type(error).__name__}: {error}); with '
                              'parts kept in a folder the same run goes on there') from error
        finally:
            with suppress(*lost):
                self.client.cancel([shared, *futures])


def dask_setup(worker):
    """Leave Ctrl-C, which a terminal sends to all, to the process that started the workers."""
    with suppress(ValueError):  # of a worker that is a thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hold(job):
    return job


def _work(job, item, n_threads):
    """Do one item in a worker; its result and its cost."""
    if n_threads is None:
        worker = require('distributed', extra='scale').get_worker()
        n_threads = max(1, usable_cores(1024) // worker.state.nthreads)
    started = time.process_time()
    with limit_threads(n_threads):
        arrays = job.work(job.read(item))
    return arrays, {'cpu': time.process_time() - started, 'peak_mb': peak_memory_mb()}
