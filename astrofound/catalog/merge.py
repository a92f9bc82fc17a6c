"""One detection a source: non-maximum suppression that knows astronomical sources."""

import numpy as np

from .._kernels.boxes import overlap_lists, suppress_boxes
from ..utils import check_number

__all__ = ['suppress']


def suppress(detections, *, fwhm_pix=None, radius_fwhm=0.5, iou=0.5, centre=0.3, contained=0.7,
             claim=0.5):
    """
    Keep one detection of each source, the one with the highest score.

    Two detections are the same source when their centres are nearer than ``radius_fwhm``
    beams, when their boxes overlap by more than ``iou``, or, for two that are not points,
    when their centres are nearer than ``centre`` times the side of the smaller box. A point
    beside or in front of an extended source fulfils none of these and stays.

    Points and extended detections whose box lies inside that of a ``multi`` source are its
    components and are dropped, unless their score says that they are sources of their own.

    Parameters
    ----------
    detections : `Detections`
        In any order; the result does not depend on it.
    fwhm_pix : float, optional
        Beam in pixels; by default the smallest side of a box, halved.
    radius_fwhm : float, optional
        Distance of two centres that are one source, in beams.
    iou : float, optional
        Intersection over union of two boxes that are one source.
    centre : float, optional
        Distance of two extended sources that are one, as a share of the smaller side.
    contained : float, optional
        Share of a component's box that lies inside that of its multi source.
    claim : float, optional
        A multi source claims components whose score is up to its own divided by this.

    Returns
    -------
    detections : `Detections`
        Those that stay, highest score first, ties by position.

    Raises
    ------
    InputError
        If a limit is out of range.
    """
    for name, value in (('radius_fwhm', radius_fwhm), ('centre', centre), ('claim', claim)):
        check_number(name, value, minimum=0)
    for name, value in (('iou', iou), ('contained', contained)):
        check_number(name, value, minimum=0, maximum=1)
    # A network that ran over blank sky may give NaN; such a detection is nowhere.
    finite = (np.isfinite(detections.x) & np.isfinite(detections.y)
              & np.isfinite(detections.boxes).all(axis=1) & np.isfinite(detections.score))
    found = detections.select(finite)
    if not len(found):
        return found
    if fwhm_pix is None:
        fwhm_pix = 0.5 * (found.boxes[:, 2:] - found.boxes[:, :2]).min()
    radius = radius_fwhm * check_number('fwhm_pix', float(fwhm_pix), minimum=0)
    # Every key takes part, so that equal scores never leave the order to the input.
    keys = (found.origin, *found.boxes.T, found.class_code, found.x, found.y, -found.score)
    found = found.select(np.lexsort(keys))
    reach = found.boxes.copy()
    centres = np.stack([found.x + 0.5, found.y + 0.5], axis=1)
    reach[:, :2] = np.minimum(reach[:, :2], centres - 0.5 * radius)
    reach[:, 2:] = np.maximum(reach[:, 2:], centres + 0.5 * radius)
    first, index = overlap_lists(reach, reach)
    keep = suppress_boxes(np.arange(len(found)), found.x, found.y, found.boxes, found.score,
                          found.class_code, first, index, radius, float(iou), float(centre),
                          float(contained), float(claim))
    return found.select(keep)
