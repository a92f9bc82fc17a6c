"""Hashes by which a run is known again."""

import hashlib

import numpy as np

from astrofound.datasets import LabelledImages

__all__ = ['fingerprint']

# Parameters that decide where and how fast, and not what comes out.
INERT = {'cache', 'device', 'n_jobs', 'run', 'verbose'}


def fingerprint(*parts):
    """
    Return a short hash of settings and data, by which a run is known again.

    Parameters
    ----------
    *parts : object
        Arrays count with all their numbers, objects of scikit-learn with the parameters that
        decide about the result, labelled images with labels, names, source and what is in
        memory, and everything else as it is written.

    Returns
    -------
    digest : str
        Twelve hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=6)
    for part in parts:
        _digest(digest, part)
    return digest.hexdigest()


def _digest(digest, part):
    if isinstance(part, np.ndarray) and part.dtype != object:
        digest.update(f'{part.shape}{part.dtype.str}'.encode())
        digest.update(np.ascontiguousarray(part).data.cast('B') if part.size else b'')
    elif isinstance(part, LabelledImages):
        _digest(digest, (part.labels, part.names, part.source))
        if isinstance(part.images, (list, tuple, np.ndarray)):  # others would all be read
            _digest(digest, part.images)
    elif hasattr(part, 'get_params') and not isinstance(part, type):
        digest.update(type(part).__name__.encode())
        for name, value in sorted(part.get_params(deep=False).items()):
            if name not in INERT:
                _digest(digest, (name, value))
    elif isinstance(part, (list, tuple, np.ndarray)):
        digest.update(f'{len(part)}['.encode())
        for one in part:
            _digest(digest, one)
    elif isinstance(getattr(part, 'data', None), np.ndarray):  # a survey image
        _digest(digest, part.data)
    else:
        digest.update(f'{part!r};'.encode())
