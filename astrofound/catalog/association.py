"""From the parts that a network sees to whole sources: lobes, core and jets become one."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._kernels.boxes import overlap_lists
from .boxes import boxes_around
from .detections import CLASS_NAMES, Detections

__all__ = ['associate', 'group_parts']

_MULTI = CLASS_NAMES.index('multi')
_TOLERANCE = 0.6  # error of a guessed middle, as a share of the way to it
_MARGIN = 0.3     # share of a box's side by which a part may lie outside it


def associate(parts, *, fwhm_pix):
    """
    Join the parts of each source of several components.

    Parameters
    ----------
    parts : `Detections`
        What the network found; the boxes are those of the whole sources.
    fwhm_pix : float
        Beam in pixels.

    Returns
    -------
    detections : `Detections`
        Sources first: those of one part as they came, the others at the middle of their box
        with the score of their surest part and a ``group`` of their own. Then the parts of the
        latter with the same ``group``, `True` in ``is_part`` and a box of one beam to each side.
    """
    group = group_parts(parts, fwhm_pix=fwhm_pix)
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


def group_parts(parts, *, fwhm_pix):
    """
    Number the sources of several components that parts belong to.

    A part of class ``multi`` carries the box of its whole source, guessed by the network. Two
    of them belong together when the middles of their boxes agree, to within a beam and 0.6 of
    the way from the parts to them, and each lies in the other's box.

    Parameters
    ----------
    parts : `Detections`
        What the network found; the boxes are those of the whole sources.
    fwhm_pix : float
        Beam in pixels.

    Returns
    -------
    group : (n,) `~numpy.ndarray` of int
        From 1 on; 0 for a part that is a source of its own.
    """
    group = np.zeros(len(parts), np.int64)
    several = np.flatnonzero(parts.class_code == _MULTI)
    if len(several):
        members = parts.select(several)
        number = _linked(members, fwhm_pix)
        # Two guesses at one part are not two parts.
        joined = _extent(members, number)[number] > fwhm_pix
        group[several[joined]] = np.unique(number[joined], return_inverse=True)[1] + 1
    return group


def _linked(parts, fwhm_pix):
    """Return the number of the source of each part."""
    boxes = parts.boxes
    middle = 0.5 * (boxes[:, :2] + boxes[:, 2:]) - 0.5
    place = np.stack([parts.x, parts.y], axis=1)
    way = np.hypot(*(middle - place).T)
    margin = fwhm_pix / 2 + _MARGIN * (boxes[:, 2:] - boxes[:, :2])
    wide = np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
    first, index = overlap_lists(wide, wide)
    i, j = np.repeat(np.arange(len(parts)), np.diff(first)), index
    agree = np.hypot(*(middle[i] - middle[j]).T) < fwhm_pix + _TOLERANCE * (way[i] + way[j]) / 2
    here = place[j] + 0.5
    inside = ((here > wide[i, :2]) & (here < wide[i, 2:])).all(axis=1)
    pairs = coo_array((agree & inside, (i, j)), shape=(len(parts),) * 2).tocsr()
    return connected_components(pairs.multiply(pairs.T), directed=False)[1]


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
    weight = np.bincount(number, members.score, n)
    boxes = np.stack([np.bincount(number, members.score * edge, n) / weight
                      for edge in members.boxes.T], axis=1)
    own = boxes_around(members.x, members.y, 0.5 * fwhm_pix)
    for axis in (0, 1):
        np.minimum.at(boxes[:, axis], number, own[:, axis])
        np.maximum.at(boxes[:, axis + 2], number, own[:, axis + 2])
    score = np.zeros(n, np.float32)
    np.maximum.at(score, number, members.score)
    x, y = (0.5 * (boxes[:, axis] + boxes[:, axis + 2]) - 0.5 for axis in (0, 1))
    return Detections(x, y, boxes, score, np.full(n, _MULTI), None, np.arange(n) + 1)
