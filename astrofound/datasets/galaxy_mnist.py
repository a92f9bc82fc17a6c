"""GalaxyMNIST: 10 000 galaxies of four classes from the DECaLS of Galaxy Zoo."""

import os
from pathlib import Path

import numpy as np

from ..utils import InputError, ReadError, check_choice
from .labelled import LabelledImages, join_labelled
from .lazy import LazyImages

__all__ = ['GALAXY_MNIST_CLASSES', 'read_galaxy_mnist']

#: Classes of GalaxyMNIST in the order of their numbers.
GALAXY_MNIST_CLASSES = ('smooth_round', 'smooth_cigar', 'edge_on_disk', 'unbarred_spiral')
_PARTS = {'train': ('train',), 'test': ('test',), 'all': ('train', 'test')}


def read_galaxy_mnist(path, *, part='all'):
    """
    Read GalaxyMNIST at either of its resolutions.

    Parameters
    ----------
    path : path-like
        The folder with ``train_dataset.hdf5`` and ``test_dataset.hdf5``, in itself or below, or
        one such file.
    part : {'all', 'train', 'test'}, optional
        Which of the files of a folder; in ``'all'`` the 2000 test images come last.

    Returns
    -------
    data : LabelledImages
        Its images are read from the file one by one, the first row at the bottom.

    Raises
    ------
    ReadError
        If a file is missing, or no such file.
    InputError
        If ``part`` is given with a file.

    Examples
    --------
    >>> from astrofound.datasets import fetch_dataset, read_galaxy_mnist
    >>> folder = fetch_dataset('galaxy_mnist', 'data')  # doctest: +SKIP
    >>> data = read_galaxy_mnist(folder)  # doctest: +SKIP
    """
    path = Path(path)
    check_choice('part', part, _PARTS)
    if path.is_file():
        if part != 'all':
            raise InputError(f"'part' goes with a folder, and {path} is a file")
        return _read_file(path)
    files = [_find(path, f'{name}_dataset.hdf5') for name in _PARTS[part]]
    return join_labelled([_read_file(file) for file in files])


def _find(folder, name):
    found = sorted(folder.rglob(name)) if folder.is_dir() else []
    if not found:
        packed = any(folder.rglob(f'{name}.gz')) if folder.is_dir() else False
        hint = (f'unpack {name}.gz' if packed else
                "fetch_dataset('galaxy_mnist', ...) gets it")
        raise ReadError(f'{folder} holds no {name}; {hint}')
    return found[0]


def _read_file(path):
    import h5py

    try:
        with h5py.File(path) as file:
            labels = np.asarray(file['labels'])
            shape = file['images'].shape
    except (OSError, KeyError, AttributeError) as error:
        raise ReadError(f'{path} is no file of GalaxyMNIST: {error}') from None
    if len(shape) != 4 or shape[0] != len(labels) or shape[3] != 3 or labels.dtype.kind not in 'iu':
        raise ReadError(f"{path} is no file of GalaxyMNIST: 'images' has the shape {shape}, "
                        f"'labels' {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < len(GALAXY_MNIST_CLASSES):
        raise ReadError(f'{path} has labels outside 0 to 3')
    part = path.name.partition('_')[0]
    return LabelledImages(
        LazyImages(_RowsFromTop(path), len(labels)), np.array(GALAXY_MNIST_CLASSES)[labels],
        classes=GALAXY_MNIST_CLASSES, names=[f'{part}/{k}' for k in range(len(labels))],
        source=f'GalaxyMNIST ({shape[1]} pixels)')


class _RowsFromTop:
    """Read one image of a file; each process opens the file for itself."""

    def __init__(self, path):
        self._path = path
        self._opened = None

    def __call__(self, number):
        import h5py

        try:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = os.getpid(), h5py.File(self._path)['images']
            return self._opened[1][number][::-1]  # pictures run from the top
        except OSError as error:
            raise ReadError(f'cannot read image {number} of {self._path}: {error}') from None

    def __getstate__(self):
        return {'_path': self._path, '_opened': None}
