"""Settings of a process that is ours alone: the command, and the workers it starts."""

import ctypes
import gc
import sys

__all__ = ['tune_process']

# mallopt of glibc. By default blocks of 32 MB and more go back to the system when they are freed,
# so that each layer of a network pays for fresh pages: a third of the time of detection.
_MALLOC_OPTIONS = (
    (-4, 0),   # M_MMAP_MAX: large blocks from the heap as well
    (-1, -1),  # M_TRIM_THRESHOLD: which never shrinks
    (-8, 1),   # M_ARENA_MAX: and is the same for all threads, so that each reuses what others freed
)

# Objects made between two searches for unreachable ones: loading the libraries makes half a
# million that all stay.
_GC_THRESHOLDS = (100_000, 20, 50)


def tune_process():
    """
    Have this process keep the memory it frees, and look for garbage less often.

    Both hold for all that runs in the process, so that only its owner may decide them: the
    command and the workers that it starts call this, nothing that is called from Python does.
    Where the C library is not glibc, memory is left alone.
    """
    gc.set_threshold(*_GC_THRESHOLDS)
    if not sys.platform.startswith('linux'):
        return
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)  # musl has none
    if mallopt is not None:
        for option, value in _MALLOC_OPTIONS:
            mallopt(option, value)
