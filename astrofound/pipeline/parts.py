"""Finished parts on disk, so that a stopped run goes on where it was."""

import hashlib
import io
import json
import logging
import shutil
import zipfile
import zlib
from pathlib import Path

import numpy as np

from astrofound.utils import WriteError, atomic_path

__all__ = ['PartFolder']

logger = logging.getLogger(__name__)

_FORMAT = 1


class PartFolder:
    """
    Folder of the parts of runs, each run in a folder of its own that its identity names.

    Only one process works in a folder at a time; the lock goes with the process, however it
    ends. Call `close` when done, or use it in a ``with`` block.

    Parameters
    ----------
    path : path-like
        The folder; it is made where it does not exist.

    Raises
    ------
    WriteError
        If the folder cannot be made or written to, or another process works in it.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.run = None
        self.started = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / 'lock', 'a', encoding='ascii')  # noqa: SIM115
        except OSError as error:
            raise WriteError(f'cannot use {path} for parts: {error.strerror or error}') from None
        try:
            _lock(self._lock)
        except OSError:
            self._lock.close()
            raise WriteError(f'another run works in {path}; wait for it or choose another '
                             'folder') from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Let other processes have the folder."""
        self._lock.close()

    def open_run(self, identity, started):
        """
        Turn to the run with an identity, a new one or one that was stopped.

        Parameters
        ----------
        identity : dict
            All that decides the results, as JSON can hold it.
        started : str
            When a new run began.

        Returns
        -------
        started : str
            When this run, or the one it goes on with, began.
        """
        text = json.dumps({'format': _FORMAT, **identity}, sort_keys=True)
        self.run = self.path / hashlib.sha256(text.encode()).hexdigest()[:16]
        self.run.mkdir(exist_ok=True)
        for half in self.run.glob('.astrofound-*'):  # of a process that was killed
            shutil.rmtree(half, ignore_errors=True)
        about = self.run / 'run.json'
        try:
            self.started = json.loads(about.read_text(encoding='utf-8'))['started']
            logger.info('going on with the run of %s in %s', self.started, self.run)
        except (OSError, ValueError, KeyError, TypeError):
            self.started = started
            with atomic_path(about) as temporary:
                temporary.write_text(json.dumps({'started': started, **identity}, indent=1),
                                     encoding='utf-8')
        return self.started

    def load(self, stage, number, total):
        """
        Give a finished part.

        Parameters
        ----------
        stage : str
            Name of the stage.
        number, total : int
            Which part of how many.

        Returns
        -------
        arrays : dict of str to `~numpy.ndarray`, or None
            `None` where the part is missing or damaged, so that it is to be done.
        """
        path = self._place(stage, number, total)
        try:
            # read first: np.load leaves files open that it cannot make sense of
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            logger.warning('%s is damaged (%s) and is done again', path, error)
            return None

    def save(self, stage, number, total, arrays):
        """
        Keep a finished part, wholly or not at all.

        Parameters
        ----------
        stage : str
            Name of the stage.
        number, total : int
            Which part of how many.
        arrays : dict of str to `~numpy.ndarray`
            The part.

        Raises
        ------
        WriteError
            If it cannot be written, as on a full disk.
        """
        path = self._place(stage, number, total)
        try:
            with atomic_path(path) as temporary, temporary.open('wb') as stream:
                np.savez(stream, **arrays)
        except WriteError as error:
            raise WriteError(f'{error}; the parts before are kept: mend that and run the same '
                             'again') from None

    def _place(self, stage, number, total):
        return self.run / f'{stage}-{number:06d}-of-{total:06d}.npz'


def _lock(file):
    """Take the lock of an open file, or raise OSError."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
