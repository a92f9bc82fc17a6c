"""The streaming run: parts through any job, on threads or dask, kept and timed."""

from .clock import StageClock, StageTime
from .local import preload_workers
from .run import run_tiles
from .runner import Runner, active_runner
from .workers import peak_memory_mb

__all__ = ['Runner', 'StageClock', 'StageTime', 'active_runner', 'peak_memory_mb',
           'preload_workers', 'run_tiles']
