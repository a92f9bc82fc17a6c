"""From the output planes of the compact network to lists of candidates."""

from dataclasses import dataclass

import numpy as np
import torch

from astrofound.catalog import CLASS_NAMES
from astrofound.utils import Rows

from .compact import HEAD_CHANNELS, STRIDE

__all__ = ['Candidates', 'decode', 'fold_vector', 'unfold_vector']

_FOLD = 2.0  # cells from which on distances are told relatively


def fold_vector(cells):
    """
    Fold a distance so that its error counts relatively where it is long.

    Parameters
    ----------
    cells : array_like
        Distance along one axis, in cells.

    Returns
    -------
    folded : `~numpy.ndarray` or float
        Its inverse hyperbolic sine.
    """
    return np.arcsinh(np.asarray(cells) / _FOLD)


def unfold_vector(folded):
    """
    Invert `fold_vector`.

    Parameters
    ----------
    folded : array_like
        What `fold_vector` gave.

    Returns
    -------
    cells : `~numpy.ndarray` or float
        Distance in cells, of a thousand at most.
    """
    return _FOLD * np.sinh(np.clip(folded, -6.9, 6.9))


@dataclass(frozen=True)
class Candidates(Rows):
    """
    Local maxima of the score plane, in network pixels.

    Attributes
    ----------
    x, y : 1D `~numpy.ndarray`
        Places of the parts; 0 is the centre of the first pixel of the frame.
    boxes : 2D `~numpy.ndarray`
        ``(n, 4)`` edges ``[x1, y1, x2, y2]`` of the whole source each part belongs to.
    logit : 1D `~numpy.ndarray`
        Raw score.
    class_logits : 2D `~numpy.ndarray`
        ``(n, 3)``, in the order of `astrofound.catalog.CLASS_NAMES`.
    way : 2D `~numpy.ndarray`
        ``(n, 2)`` from each part to the middle of its source, if that has several.
    ln_size : 2D `~numpy.ndarray`
        ``(n, 2)`` ln of the width and height of the whole source.
    """

    x: np.ndarray
    y: np.ndarray
    boxes: np.ndarray
    logit: np.ndarray
    class_logits: np.ndarray
    way: np.ndarray
    ln_size: np.ndarray

    @property
    def class_code(self):
        """Index of the likeliest class into `astrofound.catalog.CLASS_NAMES`."""
        return self.class_logits.argmax(axis=1).astype(np.int8)

    def pixels(self, shape, origin=(0, 0)):
        """
        Return the pixel of a window that each candidate lies on.

        Parameters
        ----------
        shape : tuple of int
            ``(ny, nx)`` of the window; what lies beyond it counts to the pixels at its border.
        origin : tuple of int, optional
            ``(y, x)`` of its first pixel in the frame of the candidates.

        Returns
        -------
        rows, columns : 1D `~numpy.ndarray` of int
            Indices into the window.
        """
        rows, columns = (np.clip(np.rint(place).astype(int) - first, 0, length - 1)
                         for place, first, length in zip((self.y, self.x), origin, shape,
                                                         strict=True))
        return rows, columns


def decode(outputs, *, origin=(0, 0), core=None, logit_min=-3.0):
    """
    Read the candidates off the output planes of one tile.

    A candidate is a cell whose score is the largest of its 3x3 neighbourhood, so that two
    sources are told apart from one beam of separation on.

    Parameters
    ----------
    outputs : `torch.Tensor`
        Planes ``(10, n_rows, n_columns)``; see ``HEAD_CHANNELS``.
    origin : tuple of int, optional
        ``(y, x)`` of the tile's first pixel in the network frame; multiples of the stride.
    core : tuple of slice, optional
        Part of the network frame this tile answers for; a cell outside it belongs to a
        neighbouring tile. By default the whole tile.
    logit_min : float, optional
        Weaker maxima are not returned.

    Returns
    -------
    candidates : Candidates
        In the network frame, in row order.
    """
    score = outputs[HEAD_CHANNELS['score']].float()
    highest = torch.nn.functional.max_pool2d(score[None], 3, stride=1, padding=1)[0]
    peaks = (score == highest) & (score > logit_min)
    row, column = (index.cpu().numpy() for index in torch.nonzero(peaks[0], as_tuple=True))
    cell_y, cell_x = origin[0] // STRIDE + row, origin[1] // STRIDE + column
    if core is not None:
        inside = ((cell_y * STRIDE >= core[0].start) & (cell_y * STRIDE < core[0].stop)
                  & (cell_x * STRIDE >= core[1].start) & (cell_x * STRIDE < core[1].stop))
        row, column = row[inside], column[inside]
        cell_y, cell_x = cell_y[inside], cell_x[inside]
    at_peaks = outputs[:, torch.from_numpy(row), torch.from_numpy(column)].float().cpu().numpy()
    offset = at_peaks[HEAD_CHANNELS['offset']]
    # A cell's centre lies half a pixel below the middle of its STRIDE pixels' indices.
    x = (cell_x + 0.5 + offset[0]) * STRIDE - 0.5
    y = (cell_y + 0.5 + offset[1]) * STRIDE - 0.5
    class_logits = at_peaks[HEAD_CHANNELS['class']].T.astype(np.float64)
    way = STRIDE * unfold_vector(at_peaks[HEAD_CHANNELS['whole']]).T.astype(np.float64)
    ln_size = np.log(STRIDE) + np.clip(at_peaks[HEAD_CHANNELS['size']].T.astype(np.float64), -2, 7)
    place = np.stack([x, y], axis=1).astype(np.float64)
    # A source of one part has its middle there, whatever that channel says.
    several = class_logits.argmax(axis=1) == CLASS_NAMES.index('multi')
    middle = place + np.where(several[:, None], way, 0.0) + 0.5
    half = 0.5 * np.exp(ln_size)
    return Candidates(
        x=place[:, 0], y=place[:, 1], boxes=np.concatenate([middle - half, middle + half], axis=1),
        logit=at_peaks[HEAD_CHANNELS['score']][0].astype(np.float64), class_logits=class_logits,
        way=way, ln_size=ln_size)
