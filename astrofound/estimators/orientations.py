"""An image as the sky might as well show it: turned by right angles, and in a mirror."""

import numpy as np
import torch

from astrofound.utils import InputError, check_choice

__all__ = ['ORIENTATIONS', 'check_orientations', 'mirrored_codes', 'turned']

ORIENTATIONS = (1, 4, 8)


def check_orientations(value, *, auto=True):
    """
    Make sure that images can be looked at in so many orientations.

    Parameters
    ----------
    value : object
        What was asked for.
    auto : bool, optional
        Whether ``'auto'`` is possible too.

    Raises
    ------
    InputError
        If it is none of these.
    """
    known = type(value) is int and value in ORIENTATIONS
    if not known and not (auto and value == 'auto'):
        raise InputError(f"'orientations' must be {'auto, ' if auto else ''}1, 4 (turned) or 8 "
                         f'(turned and mirrored), got {value!r}')


def turned(images, n_orientations):
    """
    Turn images by right angles and mirror them; nothing is interpolated.

    Parameters
    ----------
    images : `torch.Tensor`
        Shape ``(n, n_channels, size, size)``.
    n_orientations : {1, 4, 8}
        1 gives the images, 4 turns them, 8 turns and mirrors them.

    Yields
    ------
    view : `torch.Tensor`
        Same shape.
    """
    for number in range(n_orientations):
        view = torch.rot90(images, number % 4, (2, 3))
        yield view.flip(3) if number >= 4 else view


def mirrored_codes(pairs, classes):
    """
    Say which class a mirror image of each class is of.

    Parameters
    ----------
    pairs : sequence of (str, str) or None
        Classes that are each other's mirror image; `None` if there are none.
    classes : 1D `~numpy.ndarray` of str
        All classes.

    Returns
    -------
    codes : 1D `~numpy.ndarray` of int or None
        Index of the class of the mirror image; `None` without pairs.

    Raises
    ------
    InputError
        If a class is not there, or in two pairs.
    """
    if pairs is None:
        return None
    codes = np.arange(len(classes))
    names = classes.tolist()
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise InputError("'mirror' must be pairs of classes, as [('cw', 'acw')], "
                             f'got {pairs!r}')
        one, other = (names.index(check_choice('mirror', name, names)) for name in pair)
        if one == other or codes[one] != one or codes[other] != other:
            raise InputError(f"'mirror' must name each class once, got {pairs!r}")
        codes[[one, other]] = other, one
    return codes
