"""Processes that work through parts: on this machine, or wherever a dask scheduler has them."""

import itertools
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress

from astrofound.utils import WorkerError, limit_threads, require, usable_cores

from .local import local_cluster

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
        Processes started on this machine, where there is no ``client``. They start while this
        process goes on, up to the first job.
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
        self._distributed = require('distributed', extra='scale', purpose='several workers')
        self._stack = ExitStack()
        self._n_threads = n_threads
        self._keep_quiet()
        if client is None:
            self._n_threads = n_threads or max(1, usable_cores(1024) // n_workers)
            starter = ThreadPoolExecutor(1, thread_name_prefix='astrofound-start')
            self._starting = starter.submit(self._start, n_workers)
            starter.shutdown(wait=False)
        else:
            self._starting = None
            self._connect(client)

    def _start(self, n_workers):
        self._connect(self._stack.enter_context(local_cluster(n_workers)))

    def _connect(self, client):
        if not hasattr(client, 'submit'):
            try:
                client = self._stack.enter_context(self._distributed.Client(
                    client, set_as_default=False))
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

    def wait(self):
        """Wait until workers on this machine have started."""
        if self._starting is not None:
            self._starting.result()

    def close(self):
        """Stop what was started; a client that was given stays open."""
        if self._starting is not None:
            wait([self._starting])
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
        self.wait()
        prefix = f'{stage}-{next(_runs)}-{id(self):x}'
        distributed = self._distributed
        lost = (distributed.KilledWorker, distributed.CancelledError, TimeoutError,
                distributed.comm.CommClosedError, distributed.client.ClosedClientError)
        futures = {}
        try:
            self._carry(prefix, job)
            futures = {self.client.submit(_work, prefix, item, self._n_threads, pure=False,
                                          key=f'{prefix}-{number}'): number
                       for number, item in items.items()}
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
            with suppress(*lost, OSError, ValueError):  # of a worker or a scheduler that is gone
                self.client.cancel(list(futures))
                self.client.unregister_worker_plugin(prefix)

    def _carry(self, name, job):
        """Put a job onto all workers; one that dies meanwhile gets it when it is started anew."""
        from .carrying import CarriedJob

        for last in (False, False, True):
            try:
                return self.client.register_plugin(CarriedJob(job), name=name)
            except OSError:
                if last:
                    raise


def _work(name, item, n_threads):
    """Do one item in a worker; its result and its cost."""
    from .carrying import carried_job

    if n_threads is None:
        worker = require('distributed', extra='scale').get_worker()
        n_threads = max(1, usable_cores(1024) // worker.state.nthreads)
    job = carried_job(name)
    started = time.process_time()
    with limit_threads(n_threads):
        arrays = job.work(job.read(item))
    return arrays, {'cpu': time.process_time() - started, 'peak_mb': peak_memory_mb()}
