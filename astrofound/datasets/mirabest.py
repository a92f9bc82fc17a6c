"""MiraBest and other sets of batches in the form of CIFAR."""

import math
import re
from pathlib import Path

import numpy as np

from ..utils import InputError, ReadError, check_choice
from .batch_files import read_batch
from .image_names import name_positions
from .labelled import LabelledImages

__all__ = ['read_mirabest']

_PARTS = {'train': ('data_batch_*',), 'test': ('test_batch',),
          'all': ('data_batch_*', 'test_batch')}


def read_mirabest(folder, *, part='all'):
    """
    Read MiraBest (Porter & Scaife 2023), or another set of batches in the form of CIFAR.

    The files are read without running anything in them: see the error of a file that holds
    more than numbers, text and arrays.

    Parameters
    ----------
    folder : path-like
        Holds ``data_batch_1`` and so on, ``test_batch`` and ``batches.meta``, itself or in a
        folder.
    part : {'all', 'train', 'test'}, optional
        Which batches; in ``'all'`` the test images come last.

    Returns
    -------
    data : LabelledImages
        8-bit arrays, the first row at the bottom. Labels are MiraBest's codes such as ``'102'``
        where the file names begin with them (``relabel('fr')`` gives FR I and II), else the
        names in ``batches.meta``, else numbers. Positions are those of the file names.

    Raises
    ------
    ReadError
        If there are no batches or one cannot be read.
    InputError
        If the images are not square.
    """
    check_choice('part', part, _PARTS)
    folder = Path(folder)
    places = [folder, *sorted(path for path in folder.glob('*') if path.is_dir())]
    files = next((found for place in places if (found := sorted(
        (path for pattern in _PARTS[part] for path in place.glob(pattern) if path.is_file()),
        key=lambda path: (path.name == 'test_batch', path.name)))), [])
    if not files:
        raise ReadError(f"{folder} holds no batches ({', '.join(_PARTS[part])}); fetch_dataset("
                        "'mirabest', ...) gets them")
    images, numbers, names = [], [], []
    for path in files:
        content = read_batch(path)
        pixels, labels = _batch_parts(content, path)
        images.append(_to_images(pixels, path))
        numbers += labels
        names += _file_names(content, path, len(labels))
    codes = [re.match(r'(\d{3})_', name) for name in names]
    if all(codes):
        labels = [match[1] for match in codes]
        classes = None
    else:
        classes = _class_names(files[0].with_name('batches.meta'), max(numbers) + 1)
        labels = [classes[number] for number in numbers]
    return LabelledImages(np.concatenate(images), labels, classes=classes, names=names,
                          positions=_positions(names), source=f'{folder.name} ({part})')


def _batch_parts(content, path):
    if not isinstance(content, dict) or 'data' not in content:
        raise ReadError(f"{path} is no batch: it has no 'data'")
    labels = content.get('labels', content.get('fine_labels'))
    labels = None if labels is None else np.asarray(labels)
    if labels is None or labels.dtype.kind not in 'iu' or len(labels) != len(content['data']):
        raise ReadError(f"{path} has no 'labels' for its images")
    return np.asarray(content['data']), labels.tolist()


def _to_images(pixels, path):
    """Give ``(n, ny, nx)`` or ``(n, ny, nx, 3)`` with the first row at the bottom."""
    if pixels.ndim != 2 or pixels.dtype.kind not in 'uif':
        raise ReadError(f'{path}: images must be rows of numbers, got {pixels.dtype} of shape '
                        f'{pixels.shape}')
    for n_bands in (1, 3):
        side = math.isqrt(pixels.shape[1] // n_bands)
        if n_bands * side**2 == pixels.shape[1]:
            images = pixels.reshape(-1, n_bands, side, side)[:, :, ::-1]
            return images[:, 0] if n_bands == 1 else np.moveaxis(images, 1, 3)
    raise InputError(f'{path}: rows of {pixels.shape[1]} numbers are no square images')


def _file_names(content, path, n_images):
    names = content.get('filenames')
    if names is None or len(names) != n_images:
        return [f'{path.name} {number}' for number in range(n_images)]
    return [name.decode('latin1') if isinstance(name, bytes) else str(name) for name in names]


def _class_names(path, n_classes):
    names = read_batch(path).get('label_names', []) if path.is_file() else []
    names = [name.decode('latin1') if isinstance(name, bytes) else str(name) for name in names]
    return names if len(names) >= n_classes else [str(number) for number in range(n_classes)]


def _positions(names):
    try:
        return name_positions(names)
    except InputError:
        return None
