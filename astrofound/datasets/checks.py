"""Find missing and unreadable images before a training finds them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..utils import AstrofoundError, ReadError
from .image_input import open_images

__all__ = ['check_files', 'check_images']


def check_files(paths, *, what='images'):
    """
    Make sure that all files are there.

    Parameters
    ----------
    paths : sequence of path-like
        The files.
    what : str, optional
        What to call them in the message.

    Raises
    ------
    ReadError
        If some are missing, with their number and the first ten.
    """
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        raise ReadError(f"{len(missing)} of {len(paths)} {what} are missing: "
                        f"{', '.join(missing[:10])}{', ...' if len(missing) > 10 else ''}")


def check_images(data):
    """
    Read every image once, and sort out those that cannot be used.

    Parameters
    ----------
    data : LabelledImages or BoxedImages
        The images.

    Returns
    -------
    good : LabelledImages or BoxedImages
        Those that can be read and hold more than one value.
    bad : `~astropy.table.Table`
        The others: their ``number``, ``name`` and the ``reason``.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.datasets import LabelledImages, check_images
    >>> images = [np.eye(8), np.zeros((8, 8)), 'lost.png']
    >>> good, bad = check_images(LabelledImages(images, ['a', 'b', 'b']))
    >>> good
    <LabelledImages of 1: a 1, b 0>
    >>> print(bad['reason'][0])
    all pixels have the same value
    """
    stamps = open_images(data.images)
    rows = []
    for number in range(len(stamps)):
        try:
            reason = _fault(stamps[number].pixels)
        except AstrofoundError as error:
            reason = str(error)
        if reason:
            rows.append((number, data.names[number], reason))
    bad = Table(rows=rows or None, names=['number', 'name', 'reason'], dtype=[int, str, str])
    good = np.setdiff1d(np.arange(len(stamps)), np.array(bad['number'], int))
    return (data.select(good) if len(bad) else replace(data)), bad


def _fault(pixels):
    seen = pixels[np.isfinite(pixels)] if pixels.dtype.kind == 'f' else pixels
    if seen.size == 0:
        return 'all pixels are blank'
    return 'all pixels have the same value' if seen.min() == seen.max() else ''
