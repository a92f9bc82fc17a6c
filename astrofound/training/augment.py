"""Crops of a field in a random orientation: the sky has no up and no left."""

from dataclasses import replace

import numpy as np

__all__ = ['orient', 'random_crop']


def orient(image, labels, turn):
    """
    Apply one of the eight symmetries of the square.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`
        Square or not, shape ``(ny, nx)``.
    labels : SourceLabels
        Parts of sources in its pixels.
    turn : int
        0 to 7: bit 0 flips x, bit 1 flips y, bit 2 swaps the axes (last).

    Returns
    -------
    image : 2D `~numpy.ndarray`
        View of the input.
    labels : SourceLabels
        The same parts at their new places.
    """
    x, y, size, (middle_x, middle_y) = labels.x, labels.y, labels.size, labels.middle.T
    if turn & 1:
        image, x, middle_x = image[:, ::-1], *(image.shape[1] - 1 - v for v in (x, middle_x))
    if turn & 2:
        image, y, middle_y = image[::-1], *(image.shape[0] - 1 - v for v in (y, middle_y))
    middle = np.stack([middle_x, middle_y], axis=1)
    if turn & 4:
        image, x, y, size, middle = image.T, y, x, size[:, ::-1], middle[:, ::-1]
    return image, replace(labels, x=x, y=y, size=size, middle=middle)


def random_crop(field, side, rng):
    """
    Cut a square from a field, at random in place, orientation and noise scale.

    Parameters
    ----------
    field : TrainingField
        Field to cut from; where it is smaller than the crop the rest is blank.
    side : int
        Side of the crop in network pixels.
    rng : `numpy.random.Generator`
        Source of chance.

    Returns
    -------
    significance : 2D `~numpy.ndarray` of float32
        ``(side, side)``, NaN where blank.
    labels : SourceLabels
        All parts of the field, in the pixels of the crop; many lie outside it.
    """
    ny, nx = field.significance.shape
    y0 = int(rng.integers(0, max(1, ny - side + 1)))
    x0 = int(rng.integers(0, max(1, nx - side + 1)))
    crop = np.full((side, side), np.nan, np.float32)
    part = field.significance[y0:y0 + side, x0:x0 + side]
    crop[:part.shape[0], :part.shape[1]] = part
    labels = field.labels
    moved = replace(labels, x=labels.x - x0, y=labels.y - y0, middle=labels.middle - (x0, y0))
    crop, moved = orient(crop, moved, int(rng.integers(8)))
    # The rms of a real image is known to some per cent, its background to a twentieth sigma.
    gain = np.exp(0.04 * rng.standard_normal())
    level = 0.05 * rng.standard_normal()
    return np.ascontiguousarray(crop * gain + level, dtype=np.float32), moved
