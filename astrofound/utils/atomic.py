"""Write a file wholly or not at all."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .errors import WriteError

__all__ = ['atomic_path']


@contextmanager
def atomic_path(path):
    """
    Give a temporary path beside ``path`` that takes its place when the block succeeds.

    A block that raises (also on Ctrl-C) leaves an older file untouched and no half file.

    Parameters
    ----------
    path : path-like
        The file to write.

    Yields
    ------
    temporary : `~pathlib.Path`
        Path in the same folder with the same suffixes.

    Raises
    ------
    WriteError
        If the folder is missing, not writable or full.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix='.', suffix=f'-{path.name}', dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise WriteError(f'cannot write {path}: {error.strerror}') from error
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes files private
        temporary.replace(path)
    except OSError as error:
        raise WriteError(f'cannot write {path}: {error.strerror or error}') from error
    finally:
        temporary.unlink(missing_ok=True)
