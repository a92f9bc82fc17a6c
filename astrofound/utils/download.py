"""Fetch a file from the network wholly or not at all, and only the right one."""

import hashlib
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .atomic import atomic_path
from .errors import InputError, ReadError
from .progress import progress_bar

__all__ = ['download_file', 'file_digest']

_CHUNK = 1 << 20


def download_file(url, path, *, md5=None, sha256=None, timeout=60, progress=None):
    """
    Fetch a file and check its hash.

    A file that is there already with the right hash is not fetched again.

    Parameters
    ----------
    url : str
        Where it is, by http or https.
    path : path-like
        Where it goes; its folder must exist.
    md5, sha256 : str, optional
        The hash that it must have.
    timeout : float, optional
        Seconds to wait for an answer.
    progress : bool, optional
        As in `progress_bar`.

    Returns
    -------
    path : `~pathlib.Path`
        The file.

    Raises
    ------
    ReadError
        If it cannot be fetched, or has another hash; nothing is then kept.
    WriteError
        If it cannot be written.
    """
    path = Path(path)
    kind, wanted = ('sha256', sha256) if sha256 else ('md5', md5)
    if urllib.parse.urlsplit(url).scheme not in ('http', 'https'):
        raise InputError(f"'url' must start with http:// or https://, got {url!r}")
    if wanted and path.is_file() and file_digest(path, kind) == wanted:
        return path
    with atomic_path(path) as temporary:
        try:
            _fetch(url, temporary, timeout, progress)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.filename is not None and (
                    not isinstance(error, urllib.error.HTTPError)):
                raise  # the disk, not the network
            reason = getattr(error, 'reason', None) or error
            raise ReadError(f'cannot fetch {url}: {reason}') from None
        if wanted and (found := file_digest(temporary, kind)) != wanted:
            raise ReadError(f'what came from {url} has the {kind} {found} in place of {wanted}: it '
                            'is damaged or was replaced, and was not kept')
    return path


def file_digest(path, kind='sha256'):
    """
    Compute the hash of a file.

    Parameters
    ----------
    path : path-like
        The file.
    kind : {'sha256', 'md5'}, optional
        Which hash.

    Returns
    -------
    digest : str
        Hexadecimal.
    """
    with Path(path).open('rb') as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _fetch(url, path, timeout, progress):
    with urllib.request.urlopen(url, timeout=timeout) as answer, path.open('wb') as file:
        length = answer.headers.get('Content-Length')
        n_chunks = -(-int(length) // _CHUNK) if length else None
        chunks = iter(lambda: answer.read(_CHUNK), b'')
        n_bytes = 0
        for chunk in progress_bar(chunks, total=n_chunks, label=path.name, show=progress):
            file.write(chunk)
            n_bytes += len(chunk)
    if length and n_bytes != int(length):
        raise ReadError(f'{url} broke off after {n_bytes} of {length} bytes; try again')
