"""How a run is carried out: where, on how many workers, with which parts kept."""

import logging
import time
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar

from astropy.time import Time

from astrofound.utils import (
    InputError,
    check_number,
    limit_threads,
    progress_bar,
    usable_cores,
)

from .clock import StageClock
from .parts import PartFolder
from .run import run_tiles
from .workers import Workers, peak_memory_mb

__all__ = ['Runner', 'active_runner']

logger = logging.getLogger(__name__)

_active = ContextVar('runner', default=None)


class Runner:
    """
    Carry out the runs within a ``with`` block: on workers, with parts kept, timed.

    Every detector whose ``predict`` is called within the block uses it. Results do not
    depend on it.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine; 1 works in this process, reading ahead in a thread.
    client : str or ``distributed.Client``, optional
        A dask scheduler, in place of ``workers``: its address or a client of it.
    folder : path-like, optional
        Where finished parts are kept. A run that was stopped, however hard, goes on from them
        when it is started again with the same image, settings and version.
    threads : int, optional
        Threads of torch, numba, BLAS and our own loops, in each worker; by default the cores
        there are, shared out. Between the stages that workers do, this process has the threads
        of all of them on this machine.

    Attributes
    ----------
    clock : StageClock
        What each stage has cost.
    expected_mb : float
        Peak memory of a process that was announced, 0 where none was.
    worker_peak_mb : float
        Largest resident size of a worker process, 0 without any.

    Raises
    ------
    InputError
        If an argument cannot be used.
    MissingDependencyError
        If workers are asked for and distributed is not installed.
    WorkerError
        If no scheduler answers.
    WriteError
        If the folder cannot be used or another process works in it.

    Examples
    --------
    >>> from astrofound import SourceDetector
    >>> from astrofound.datasets import make_field
    >>> from astrofound.pipeline import Runner
    >>> with Runner() as runner:
    ...     catalog = SourceDetector().predict(make_field('radio', seed=0).image)
    >>> list(runner.clock.stages)
    ['other', 'noise', 'network', 'pairs', 'diffuse', 'fit', 'islands']
    """

    def __init__(self, *, workers=1, client=None, folder=None, threads=None):
        check_number('workers', workers, minimum=1, integer=True)
        if workers > 1 and client is not None:
            raise InputError("'workers' and 'client' exclude each other; give one of the two")
        if threads is not None:
            check_number('threads', threads, minimum=1, integer=True)
        self.workers, self.client, self.folder, self.threads = workers, client, folder, threads
        self.clock = StageClock()
        self.expected_mb = self.worker_peak_mb = 0.0
        self._parts = self._cluster = self._token = self._limit = None

    @property
    def _n_threads(self):
        """Threads of this process; all of the workers' while these wait."""
        return self.threads and self.threads * self.workers

    def __enter__(self):
        if self.folder is not None:
            self._parts = PartFolder(self.folder)
        try:
            self._limit = limit_threads(self._n_threads)
            self._limit.__enter__()
            if self.workers > 1 or self.client is not None:
                with self.clock.stage('start workers'):
                    self._cluster = Workers(self.workers, client=self.client,
                                            n_threads=self.threads)
        except BaseException:
            self._close()
            raise
        self._token = _active.set(self)
        return self

    def __exit__(self, *error):
        _active.reset(self._token)
        self._close()

    def _close(self):
        if self._cluster is not None:
            self._cluster.close()
        if self._limit is not None:
            self._limit.__exit__(None, None, None)
        if self._parts is not None:
            self._parts.close()
        self._parts = self._cluster = self._limit = None

    @contextmanager
    def run(self, identity: Callable[[], dict]):
        """
        Work on one image within a block.

        Parameters
        ----------
        identity : callable
            Gives all that decides the results, as a dict that JSON can hold; called only where
            parts are kept.

        Yields
        ------
        started : str
            When the run began, in ISO 8601; for one that goes on, when that one began.
        """
        started = Time.now().isot
        with self.clock.stage('other'):
            if self._parts is not None:
                started = self._parts.open_run(identity(), started)
            yield started

    def stage(self, name):
        """
        Charge the time of a block to a stage.

        Parameters
        ----------
        name : str
            The stage.

        Returns
        -------
        context : context manager
            For a ``with`` statement.
        """
        return self.clock.stage(name)

    def map(self, stage, job, items, *, n_ahead=1, progress=False):
        """
        Work through the items of a stage, wherever this runner works.

        Parameters
        ----------
        stage : str
            Name of the stage; once in a run.
        job : object
            ``job.work(job.read(item))`` gives a dict of arrays, the same for the same item
            whenever and wherever it is called. ``read`` may run ahead in another thread; where
            the job has a true attribute ``parallel``, several threads do both at once. With
            several workers the job must be picklable; it is sent to each worker once.
        items : iterable
            What to work through.
        n_ahead : int, optional
            Items read ahead.
        progress : bool, optional
            Whether to show a progress bar.

        Yields
        ------
        arrays : dict of str to `~numpy.ndarray`
            In the order of the items.

        Raises
        ------
        WorkerError
            If workers are lost for good.
        WriteError
            If a part cannot be kept.
        """
        # again, for libraries that were loaded since
        with self.clock.stage(stage) as account, limit_threads(self._n_threads):
            items = list(items)
            total = len(items)
            done = self._kept(stage, total)
            account.n_parts += total
            account.n_kept += len(done)
            todo = {number: item for number, item in enumerate(items) if number not in done}
            del items
            work = self._here if self._cluster is None else self._there
            new = work(stage, job, todo, account, n_ahead)
            for number in progress_bar(range(total), label=stage, show=progress):
                while number not in done:
                    which, arrays = next(new)
                    if self._parts is not None:
                        self._parts.save(stage, which, total, arrays)
                    done[which] = arrays
                yield done.pop(number)

    def _kept(self, stage, total):
        """Load the parts of an earlier run that are whole."""
        if self._parts is None:
            return {}
        found = {number: self._parts.load(stage, number, total) for number in range(total)}
        return {number: arrays for number, arrays in found.items() if arrays is not None}

    def _here(self, stage, job, todo, account, n_ahead):
        parallel = getattr(job, 'parallel', False)

        def read(item):
            started = time.perf_counter()
            read = job.read(item)
            account.read += time.perf_counter() - started  # in one thread only
            return read

        ahead = usable_cores(1024) > 1 and not parallel
        yield from zip(todo, run_tiles(list(todo.values()), read if ahead else job.read, job.work,
                                       n_ahead=n_ahead, parallel=parallel), strict=True)

    def _there(self, stage, job, todo, account, n_ahead):
        with self.clock.stage('start workers'):
            self._cluster.wait()
        for number, arrays, cost in self._cluster.map(stage, job, todo):
            account.cpu += cost['cpu']
            self.worker_peak_mb = max(self.worker_peak_mb, cost['peak_mb'])
            yield number, arrays

    def announce_memory(self, more_mb):
        """
        Log how much memory the run will need at most.

        Parameters
        ----------
        more_mb : float
            What each process will hold beyond what it holds now, in MB.
        """
        self.expected_mb = peak_memory_mb() + more_mb
        where = '' if self._cluster is None else ' in each worker'
        logger.info('a peak of about %.0f MB of memory is expected%s', self.expected_mb, where)

    def report(self):
        """
        Say where the time went and how much memory was needed at most.

        Returns
        -------
        text : str
            The table of the stages, and a line about memory.
        """
        notes = [f'peak memory {peak_memory_mb():.0f} MB']
        notes += [f'{self.worker_peak_mb:.0f} MB in a worker'] if self.worker_peak_mb else []
        notes += [f'about {self.expected_mb:.0f} MB were expected'] if self.expected_mb else []
        return f'{self.clock.table()}\n{", ".join(notes)}'


def active_runner():
    """
    Return the runner of the innermost ``with`` block, else one that works in this process.

    Returns
    -------
    runner : Runner
        What to carry a run out with.
    """
    return _active.get() or Runner()
