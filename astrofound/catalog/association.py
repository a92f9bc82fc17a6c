"""From the parts that a network sees to whole sources: lobes, core and jets become one."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .boxes import boxes_around
from .detections import CLASS_NAMES, Detections

__all__ = ['associate']

_MULTI = CLASS_NAMES.index('multi')


def associate(parts, first, second, *, fwhm_pix):
    """
    Join the parts of each source of several components.

    Parameters
    ----------
    parts : `Detections`
        What the network found. The boxes of those of class ``multi`` are guesses at the whole
        source.
    first, second : (m,) array_like of int
        Pairs of parts that belong together; a source is all that hangs together.
    fwhm_pix : float
        Beam in pixels.

    Returns
    -------
    detections : `Detections`
        Sources first: those of one part as they came, the others at the middle of their box
        with the score of their surest part and a ``group`` of their own. Then the parts of the
        latter with the same ``group``, `True` in ``is_part`` and a box of one beam to each side.
    """
    group = _group(parts, first, second, fwhm_pix)
    # One part of a source whose others are not seen: all that is known is where it is, and that
    # it is no point.
    lonely = parts.class_code == _MULTI
    code = np.where(lonely, _MULTI - 1, parts.class_code)
    boxes = np.where(lonely[:, None], boxes_around(parts.x, parts.y, fwhm_pix), parts.boxes)
    alone = Detections(parts.x, parts.y, boxes, parts.score, code, parts.origin)
    members, number = parts.select(group > 0), group[group > 0]
    return Detections.concatenate([
        alone.select(group == 0), _wholes(members, number - 1, fwhm_pix),
        Detections(members.x, members.y, boxes_around(members.x, members.y, fwhm_pix),
                   members.score, None, members.origin, number, np.ones(len(members), bool)),
    ])


def _group(parts, first, second, fwhm_pix):
    """Number the sources of several parts from 1 on; 0 for a part that is a source of its own."""
    n = len(parts)
    if not n:
        return np.zeros(0, np.int64)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(n, n))
    number = connected_components(links, directed=False)[1]
    # Two guesses at one part are not two parts.
    joined = _extent(parts, number)[number] > fwhm_pix
    group = np.zeros(n, np.int64)
    group[joined] = np.unique(number[joined], return_inverse=True)[1] + 1
    return group


def _extent(parts, number):
    """Larger of the distances in x and in y that the parts of each source span."""
    span = np.zeros(number.max(initial=-1) + 1)
    for place in (parts.x, parts.y):
        low, high = np.full(len(span), np.inf), np.full(len(span), -np.inf)
        np.minimum.at(low, number, place)
        np.maximum.at(high, number, place)
        np.maximum(span, high - low, out=span)
    return span


def _wholes(members, number, fwhm_pix):
    """One detection a group: its box is the mean of the guesses and holds all of the parts."""
    n = number.max(initial=-1) + 1
    guess = members.score * (members.class_code == _MULTI)
    weight = np.maximum(np.bincount(number, guess, n), 1e-9)
    boxes = np.stack([np.bincount(number, guess * edge, n) / weight
                      for edge in members.boxes.T], axis=1)
    boxes[weight <= 1e-9] = np.inf, np.inf, -np.inf, -np.inf  # nobody has guessed
    several = members.class_code == _MULTI
    own = np.where(several[:, None], boxes_around(members.x, members.y, 0.5 * fwhm_pix),
                   members.boxes)
    for axis in (0, 1):
        np.minimum.at(boxes[:, axis], number, own[:, axis])
        np.maximum.at(boxes[:, axis + 2], number, own[:, axis + 2])
    score = np.zeros(n, np.float32)
    np.maximum.at(score, number, members.score)
    x, y = (0.5 * (boxes[:, axis] + boxes[:, axis + 2]) - 0.5 for axis in (0, 1))
    return Detections(x, y, boxes, score, np.full(n, _MULTI), None, np.arange(n) + 1)
