"""Feature vectors in files that other programs open."""

from pathlib import Path

import numpy as np
from astropy.table import Table

from astrofound.utils import InputError, ReadError, atomic_path

__all__ = ['check_feature_path', 'read_features', 'write_features']

_ENDINGS = ('.fits', '.npy')


def check_feature_path(path):
    """
    Make sure that features can be written to a file of this name.

    Parameters
    ----------
    path : path-like
        The file.

    Raises
    ------
    InputError
        If the ending is not known or the folder is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(f"cannot write features to {path}: the name must end in "
                         f"{' or '.join(_ENDINGS)}")
    if not path.parent.is_dir():
        raise InputError(f'cannot write {path}: there is no folder {path.parent}')


def write_features(path, features, *, table=None, meta=None):
    """
    Write feature vectors, wholly or not at all.

    Parameters
    ----------
    path : path-like
        ``.fits`` for a table with a vector column ``features``, ``.npy`` for the vectors alone.
    features : 2D `~numpy.ndarray`
        One row an image.
    table : `~astropy.table.Table`, optional
        What else is known of each row; a catalogue, or a column ``name``.
    meta : dict, optional
        Header cards of the FITS file.

    Raises
    ------
    InputError
        If the ending is not known or table and features differ in length.
    WriteError
        If the file cannot be written.
    """
    check_feature_path(path)
    table = Table() if table is None else Table(table, copy=False)
    if len(table.colnames) and len(table) != len(features):
        raise InputError(f'there are {len(features)} vectors for {len(table)} rows')
    table['features'] = np.asarray(features, np.float32)
    table.meta = {**(meta or {})}
    with atomic_path(path) as temporary:
        if Path(path).suffix.lower() == '.npy':
            np.save(temporary, table['features'].data, allow_pickle=False)
        else:
            table.write(temporary, format='fits')


def read_features(path):
    """
    Read feature vectors.

    Parameters
    ----------
    path : path-like
        File that `write_features` made, or any FITS table with a vector column ``features``.

    Returns
    -------
    table : `~astropy.table.Table`
        With a column ``features`` of shape ``(n, n_features)``.

    Raises
    ------
    ReadError
        If the file is missing or holds something else.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == '.npy':
            table = Table({'features': np.load(path, allow_pickle=False)})
        else:
            with path.open('rb') as file:
                if file.read(6) != b'SIMPLE':  # astropy would read on and complain of characters
                    raise ValueError('it is not a FITS file')
            table = Table.read(path, format='fits', hdu=1)
    except (OSError, ValueError) as error:
        raise ReadError(f'cannot read features from {path}: {error}') from None
    if 'features' not in table.colnames or table['features'].ndim != 2:
        raise ReadError(f"{path} has no vector column 'features'; make it with astrofound embed")
    return table
