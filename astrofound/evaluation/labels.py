"""Checks of class labels, whose messages say which class or row is in the way."""

import numpy as np

from astrofound.utils import InputError

__all__ = ['check_labels', 'check_trainable']


def check_labels(labels, *, name='labels', n_images=None):
    """
    Return labels as a plain array after checking that each is there.

    Parameters
    ----------
    labels : 1D array-like
        Names or whole numbers; bytes become text.
    name : str, optional
        Argument name for the messages.
    n_images : int, optional
        How many there must be.

    Returns
    -------
    labels : 1D `~numpy.ndarray`
        The labels.

    Raises
    ------
    InputError
        If they are not one-dimensional, too many or too few, or if one is missing.
    """
    mask = np.ma.getmaskarray(labels) if hasattr(labels, 'mask') else None
    array = np.ma.getdata(labels) if mask is not None else np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f'{name!r} must be a list of classes, one an image; got the shape '
                         f'{array.shape}')
    if n_images is not None and len(array) != n_images:
        raise InputError(f'{name!r} has {len(array)} entries for {n_images} images')
    missing = _missing(array) if mask is None else _missing(array) | mask
    if missing.any():
        rows = ', '.join(map(str, np.flatnonzero(missing)[:5]))
        raise InputError(f'{name!r} is missing for {missing.sum()} of {len(array)} images (rows '
                         f'{rows}{", ..." if missing.sum() > 5 else ""}); leave them out')
    return array.astype(str) if array.dtype.kind in 'SO' else array


def check_trainable(labels, *, name='labels', n_min=2):
    """
    Check that a classifier can learn from labels.

    Parameters
    ----------
    labels : 1D `~numpy.ndarray`
        As of `check_labels`.
    name : str, optional
        Argument name for the messages.
    n_min : int, optional
        Images that each class must have.

    Returns
    -------
    classes : 1D `~numpy.ndarray`
        The classes in order.

    Raises
    ------
    InputError
        If there is one class only, or one with too few images.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        held = f'only {classes[0]!s}' if len(classes) else 'nothing'
        raise InputError(f'{name!r} must hold at least two classes, got {held}')
    if (few := counts < n_min).any():
        listed = ', '.join(f'{one} ({count})' for one, count in
                           zip(classes[few], counts[few], strict=True))
        raise InputError(f'each class of {name!r} needs at least {n_min} images; too few: '
                         f'{listed}; leave these out, or merge them with others')
    return classes


def _missing(array):
    """Which labels are NaN, None or empty text."""
    if array.dtype.kind == 'f':
        return np.isnan(array)
    if array.dtype.kind == 'O':
        return np.array([one is None or one != one or one == '' for one in array], bool)
    if array.dtype.kind in 'SU':
        return np.char.str_len(array) == 0
    return np.zeros(len(array), bool)
