"""Write a file wholly or not at all; tell whether one has changed."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .errors import AstrofoundError, WriteError

__all__ = ['atomic_path', 'check_place', 'file_state']


@contextmanager
def atomic_path(path):
    """
    Give a temporary path beside ``path`` that takes its place when the block succeeds.

    A block that raises (also on Ctrl-C) leaves an older file untouched and no half file.
    The block must create the file; it has the same name as ``path``, in a hidden folder of
    its own, so that writers which look at the name or refuse to overwrite work unchanged.

    Parameters
    ----------
    path : path-like
        The file to write. A symbolic link is followed; an older file keeps its permissions,
        a new one has the usual ones.

    Yields
    ------
    temporary : `~pathlib.Path`
        Where to write, on the same disk.

    Raises
    ------
    WriteError
        If the folder is missing, not writable or full, or ``path`` is a folder or device.
    """
    path = Path(path)
    target = path.resolve()
    with _open_folder(path, target) as folder:
        temporary = Path(folder) / target.name
        try:
            yield temporary
            _put_in_place(temporary, target)
        except AstrofoundError:
            raise  # says already what is wrong, and need not be about this file
        except OSError as error:
            raise WriteError(f'cannot write {path}: {error.strerror or error}') from error


def check_place(path):
    """
    Raise what `atomic_path` would raise for a place where nothing can be written.

    It tries: permissions alone say too little of network disks and of what root may do.

    Parameters
    ----------
    path : path-like
        The file to be written later.

    Raises
    ------
    WriteError
        If the folder is missing or not writable, or ``path`` is a folder or device.
    """
    path = Path(path)
    _open_folder(path, path.resolve()).cleanup()


def file_state(path):
    """
    Say which state of a file this is.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    state : list
        Absolute path, size in bytes and time of the last change in nanoseconds.
    """
    path = Path(path).resolve()
    state = path.stat()
    return [str(path), state.st_size, state.st_mtime_ns]


def _open_folder(path, target):
    try:
        return _make_folder(target)
    except OSError as error:
        raise WriteError(f'cannot write {path}: {error.strerror}') from error


def _make_folder(target):
    """Make the hidden folder, once it is clear that the target may be replaced."""
    if target.is_dir():
        raise IsADirectoryError(0, 'it is a folder')
    if target.exists() and not target.is_file():
        raise FileExistsError(0, 'it is not a regular file')  # /dev/null must survive root
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(0, 'the file there is read-only')
    return tempfile.TemporaryDirectory(prefix='.astrofound-', dir=target.parent,
                                       ignore_cleanup_errors=True)


def _put_in_place(temporary, target):
    """Move a finished file over the target, after the disk has really taken it."""
    with temporary.open('rb+') as file:
        os.fsync(file.fileno())  # a full disk or quota may show only here
    temporary.chmod(_wanted_mode(temporary, target))
    temporary.replace(target)


def _wanted_mode(temporary, target):
    """Permissions of the older file, else those that any new file gets, whoever wrote this one."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    probe = temporary.with_name('mode')  # some writers make files that only their owner can read
    probe.touch()
    return probe.stat().st_mode & 0o7777
