"""
What the compact network should answer on a field whose truth is known.

It finds parts: every source is one, save that each separate peak of a radio galaxy is a part
of its own, which says where the middle of the whole source is and how large that is.
"""

from dataclasses import dataclass

import numpy as np

from astrofound.catalog import CLASS_NAMES
from astrofound.networks.compact import STRIDE
from astrofound.networks.decoding import fold_vector
from astrofound.utils import Rows

__all__ = ['SNR_DEMAND', 'SNR_IGNORE', 'SourceLabels', 'Targets', 'encode_targets']

SNR_IGNORE = 1.5  # fainter sources count as noise
SNR_DEMAND = 3.0  # fainter ones may be found or not

_MAX_SPREAD = 4.0  # largest Gaussian of a centre, in cells
_REGRESSION_FLOOR = 0.3  # share of the heat from which on a cell also learns box and class


@dataclass(frozen=True)
class SourceLabels(Rows):
    """
    Parts of the true sources of a field, in network pixels.

    Attributes
    ----------
    x, y : 1D `~numpy.ndarray`
        Places of the parts: centres of sources of one part, else peaks.
    middle : 2D `~numpy.ndarray`
        ``(n, 2)`` middle ``(x, y)`` of the box of the whole source.
    size : 2D `~numpy.ndarray`
        ``(n, 2)`` full width and height of the box of the whole source.
    class_code : 1D `~numpy.ndarray` of int
        Index into `astrofound.catalog.CLASS_NAMES` of the whole source.
    snr : 1D `~numpy.ndarray`
        Detectability: peak over noise, raised for sources much larger than the beam.
    source : 1D `~numpy.ndarray` of int
        Number of the whole source.
    """

    x: np.ndarray
    y: np.ndarray
    middle: np.ndarray
    size: np.ndarray
    class_code: np.ndarray
    snr: np.ndarray
    source: np.ndarray


@dataclass(frozen=True)
class Targets:
    """
    Target planes on the output grid ``(n_rows, n_columns)``.

    Attributes
    ----------
    heat : `~numpy.ndarray` of float32
        1 in the cell of a part, a Gaussian round it.
    trust : `~numpy.ndarray` of float32
        0 where the answer is left open (blank sky, sources too faint to demand).
    offset, size, whole : `~numpy.ndarray` of float32
        ``(2, n_rows, n_columns)`` regression targets, see ``HEAD_CHANNELS``.
    class_code : `~numpy.ndarray` of int64
        Class of the source that owns the cell.
    weight : `~numpy.ndarray` of float32
        Weight of box and class in each cell; 0 far from every source.
    """

    heat: np.ndarray
    trust: np.ndarray
    offset: np.ndarray
    size: np.ndarray
    whole: np.ndarray
    class_code: np.ndarray
    weight: np.ndarray


def encode_targets(labels, valid, *, snr_ignore=SNR_IGNORE, snr_demand=SNR_DEMAND):
    """
    Draw the targets of one crop.

    Parameters
    ----------
    labels : SourceLabels
        Parts, also those that lie outside the crop.
    valid : 2D `~numpy.ndarray` of bool
        `False` on blank pixels; gives the size of the crop in network pixels.
    snr_ignore, snr_demand : float, optional
        Fainter sources than the first count as noise; between the two the answer is left
        open, because no finder can be asked for them.

    Returns
    -------
    targets : Targets
        Planes at half the resolution of the crop.
    """
    n_rows, n_columns = valid.shape[0] // STRIDE, valid.shape[1] // STRIDE
    blocks = valid.reshape(n_rows, STRIDE, n_columns, STRIDE)
    targets = Targets(
        heat=np.zeros((n_rows, n_columns), np.float32),
        trust=blocks.all(axis=(1, 3)).astype(np.float32),
        offset=np.zeros((2, n_rows, n_columns), np.float32),
        size=np.zeros((2, n_rows, n_columns), np.float32),
        whole=np.zeros((2, n_rows, n_columns), np.float32),
        class_code=np.zeros((n_rows, n_columns), np.int64),
        weight=np.zeros((n_rows, n_columns), np.float32),
    )
    seen = targets.trust.copy()
    margin = 3 * _MAX_SPREAD * STRIDE
    labels = labels.select(
        (labels.snr >= snr_ignore)
        & (labels.x > -margin) & (labels.x < valid.shape[1] + margin)
        & (labels.y > -margin) & (labels.y < valid.shape[0] + margin))
    for index in np.argsort(labels.snr):  # the brightest is drawn last and owns its cells
        _draw(targets, seen, labels, index, demanded=labels.snr[index] >= snr_demand)
    return targets


def _draw(targets, seen, labels, index, *, demanded):
    n_rows, n_columns = targets.heat.shape
    # cell coordinates: 0 is the centre of the first cell
    x = (labels.x[index] + 0.5) / STRIDE - 0.5
    y = (labels.y[index] + 0.5) / STRIDE - 0.5
    width, height = labels.size[index] / STRIDE
    # the peaks of a source of several parts are as sharp as points
    many = labels.class_code[index] == CLASS_NAMES.index('multi')
    spread = 0.7 if many else np.clip(0.1 * np.sqrt(width * height), 0.7, _MAX_SPREAD)
    reach = 3 * spread
    x1, x2 = max(0, int(x - reach)), min(n_columns, int(x + reach) + 2)
    y1, y2 = max(0, int(y - reach)), min(n_rows, int(y + reach) + 2)
    if x1 >= x2 or y1 >= y2:
        return
    part = (slice(y1, y2), slice(x1, x2))
    dy = y - np.arange(y1, y2)[:, None]
    dx = x - np.arange(x1, x2)[None, :]
    heat = np.exp(-0.5 * (dx**2 + dy**2) / spread**2).astype(np.float32)
    if not demanded:
        targets.trust[part][heat > 0.1] = 0
        return
    centre_y, centre_x = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    if y1 <= centre_y < y2 and x1 <= centre_x < x2:
        heat[centre_y - y1, centre_x - x1] = 1.0
    owned = (heat >= targets.heat[part]) & (heat > _REGRESSION_FLOOR)
    np.maximum(targets.heat[part], heat, out=targets.heat[part])
    targets.trust[part][owned] = seen[part][owned]  # a faint neighbour must not hide it
    targets.offset[0][part][owned] = np.broadcast_to(dx, heat.shape)[owned]
    targets.offset[1][part][owned] = np.broadcast_to(dy, heat.shape)[owned]
    targets.size[0][part][owned] = np.log(width)
    targets.size[1][part][owned] = np.log(height)
    for axis, place in enumerate((labels.x[index], labels.y[index])):
        targets.whole[axis][part][owned] = fold_vector(
            (labels.middle[index, axis] - place) / STRIDE)
    targets.class_code[part][owned] = labels.class_code[index]
    # One vote a part, however many cells it covers: few are large, most are points.
    targets.weight[part][owned] = heat[owned] / max(1e-6, heat[owned].sum())
