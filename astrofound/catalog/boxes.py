"""
The one place that converts boxes.

Three forms of the same rectangle are in use:

- *edges*: float ``[x1, y1, x2, y2]`` running from 0 to ``nx`` and ``ny``, as networks give
  them; pixel ``i`` spans ``i`` to ``i + 1``.
- *inclusive pixels*: integers ``xmin, xmax, ymin, ymax`` as in photutils' ``bbox_*`` columns.
- *window*: ``(slice_y, slice_x)`` for cutting an array.

Positions have 0 at the centre of the first pixel, half a pixel below its edge.
"""

import numpy as np

__all__ = [
    'boxes_around', 'box_centres', 'box_window', 'inclusive_to_edges', 'edges_to_inclusive',
]


def box_centres(boxes):
    """
    Return the centres of boxes as positions.

    Parameters
    ----------
    boxes : (n, 4) `~numpy.ndarray`
        Edges ``[x1, y1, x2, y2]``.

    Returns
    -------
    x, y : `~numpy.ndarray`
        Positions, 0 at the centre of the first pixel.
    """
    boxes = np.asarray(boxes, dtype=float)
    return 0.5 * (boxes[:, 0] + boxes[:, 2]) - 0.5, 0.5 * (boxes[:, 1] + boxes[:, 3]) - 0.5


def boxes_around(x, y, half_width, half_height=None):
    """
    Return the boxes with given half sides round positions.

    Parameters
    ----------
    x, y : array-like
        Positions, 0 at the centre of the first pixel.
    half_width : array-like
        Half the side along x, in pixels.
    half_height : array-like, optional
        Half the side along y; by default the same.

    Returns
    -------
    boxes : (n, 4) `~numpy.ndarray`
        Edges ``[x1, y1, x2, y2]``.
    """
    x, y = np.asarray(x, dtype=float) + 0.5, np.asarray(y, dtype=float) + 0.5
    half_height = half_width if half_height is None else half_height
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=-1)


def edges_to_inclusive(boxes, shape):
    """
    Return the inclusive pixel limits of boxes, inside the image.

    Parameters
    ----------
    boxes : (n, 4) `~numpy.ndarray`
        Edges ``[x1, y1, x2, y2]``.
    shape : tuple of int
        Image shape ``(ny, nx)``.

    Returns
    -------
    xmin, xmax, ymin, ymax : `~numpy.ndarray` of int
        First and last pixel that the box touches; a box of no width keeps one pixel.
    """
    ny, nx = shape
    boxes = np.nan_to_num(np.asarray(boxes, dtype=float).reshape(-1, 4))
    low = np.floor(boxes[:, :2])
    high = np.maximum(np.ceil(boxes[:, 2:]) - 1, low)
    limit = np.array([nx - 1, ny - 1])
    low, high = (np.clip(value, 0, limit).astype(np.int64) for value in (low, high))
    return low[:, 0], high[:, 0], low[:, 1], high[:, 1]


def inclusive_to_edges(xmin, xmax, ymin, ymax):
    """
    Return the edges of boxes given by their first and last pixels.

    Parameters
    ----------
    xmin, xmax, ymin, ymax : array-like of int
        The ``bbox_*`` columns of a catalogue.

    Returns
    -------
    boxes : (n, 4) `~numpy.ndarray`
        Edges ``[x1, y1, x2, y2]``.
    """
    edges = [xmin, ymin, np.add(xmax, 1), np.add(ymax, 1)]
    return np.stack([np.asarray(edge, dtype=float) for edge in edges], axis=-1)


def box_window(box, shape, *, pad=0):
    """
    Return the window of pixels that a box touches.

    Parameters
    ----------
    box : (4,) array-like
        Edges ``[x1, y1, x2, y2]``.
    shape : tuple of int
        Image shape ``(ny, nx)``.
    pad : float, optional
        Margin in pixels on every side.

    Returns
    -------
    window : tuple of slice
        ``(slice_y, slice_x)`` with a start and a stop inside the image, at least one pixel.
    """
    x1, y1, x2, y2 = (float(edge) for edge in box)
    padded = np.array([[x1 - pad, y1 - pad, x2 + pad, y2 + pad]])
    xmin, xmax, ymin, ymax = (int(limit[0]) for limit in edges_to_inclusive(padded, shape))
    return slice(ymin, ymax + 1), slice(xmin, xmax + 1)
