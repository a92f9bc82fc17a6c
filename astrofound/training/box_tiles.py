"""Images with boxes as a detector learns from them: in its own frame, turned and cut."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage

from astrofound.image import as_survey_image
from astrofound.preprocess import UnitRange, noise_map
from astrofound.preprocess.network_input import to_channels
from astrofound.utils import InputError, check_number

__all__ = [
    'BoxTile', 'collate_tiles', 'crop_tile', 'orient_tile', 'prepare_tile', 'unlabelled_emission',
]


@dataclass(frozen=True, eq=False)
class BoxTile:
    """
    One image in the network frame with the boxes of its sources.

    Attributes
    ----------
    raw : 2D `~numpy.ndarray` of float32
        Significance, or the image between its percentiles; NaN where blank.
    significance : 2D `~numpy.ndarray` of float32
        In units of the noise; the same array where that is what the network sees.
    boxes : 2D `~numpy.ndarray`
        ``(n, 4)`` edges ``[x1, y1, x2, y2]``.
    labels : 1D `~numpy.ndarray` of int
        Class of each box, counted from 0.
    ignore : 2D `~numpy.ndarray`
        ``(m, 4)`` regions that neither reward nor punish.
    name : str
        For messages.
    """

    raw: np.ndarray
    significance: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignore: np.ndarray
    name: str = ''

    @property
    def shape(self):
        """Shape ``(ny, nx)`` in network pixels."""
        return self.raw.shape


def prepare_tile(image, boxes, labels, *, network_input, ignored=None, beam=None, background=None,
                 rms=None, min_visible=0.7, ignore_unlabelled=False, name=None):
    """
    Bring one image and its boxes into the frame of the network.

    Parameters
    ----------
    image : path-like, `~astrofound.image.SurveyImage` or array
        The image.
    boxes : 2D array_like
        ``(n, 4)`` edges in its pixels. Boxes without an area are left out; those that reach
        over the edge are cut, and ignored where less than ``min_visible`` of them is inside.
    labels : 1D array_like of int
        Class of each, counted from 0.
    network_input : `~astrofound.preprocess.NetworkInput`
        Scale and channels.
    ignored : 1D array_like of bool, optional
        Boxes that are regions to be ignored.
    beam : optional
        As for `~astrofound.image.as_survey_image`.
    background, rms : optional
        As for `~astrofound.preprocess.noise_map`.
    min_visible : float, optional
        Share of a box's area.
    ignore_unlabelled : bool, optional
        Whether extended emission without a box is a region to be ignored, for catalogues of
        compact sources alone.
    name : str, optional
        For messages; by default the image's own.

    Returns
    -------
    tile : BoxTile
        The whole image.

    Raises
    ------
    InputError
        If boxes and labels do not fit together, or the image cannot be used.
    """
    check_number('min_visible', min_visible, minimum=0, maximum=1)
    image = as_survey_image(image, beam=beam)
    if network_input.beam_pix is not None:
        image = image.with_beam()
    fwhm_pix = 4.0 if image.beam is None else image.beam.fwhm
    noise = noise_map(image, background=background, rms=rms, fwhm_pix=fwhm_pix)
    view = network_input.open(image, noise)
    raw, significance = view.read_window(tuple(slice(0, side) for side in view.shape))
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    labels = np.asarray(labels, int).reshape(-1)
    ignored = np.zeros(len(boxes), bool) if ignored is None else np.asarray(ignored, bool)
    if not len(boxes) == len(labels) == len(ignored):
        raise InputError(f'{image.name}: {len(boxes)} boxes, {len(labels)} labels and '
                         f"{len(ignored)} values of 'ignored'; there must be one for each box")
    boxes = view.resampler.boxes_to_network(boxes)
    if ignore_unlabelled:
        more = unlabelled_emission(significance, boxes, fwhm_pix * view.resampler.zoom)
        boxes = np.concatenate([boxes, more])
        labels = np.append(labels, np.zeros(len(more), int))
        ignored = np.append(ignored, np.ones(len(more), bool))
    tile = BoxTile(raw, significance, boxes[~ignored], labels[~ignored], boxes[ignored],
                   name or image.name)
    return crop_tile(tile, (slice(0, raw.shape[0]), slice(0, raw.shape[1])),
                     min_visible=min_visible)


def unlabelled_emission(significance, boxes, fwhm_pix):
    """
    Find extended emission that no box covers.

    Parameters
    ----------
    significance : 2D `~numpy.ndarray`
        In units of the noise.
    boxes : 2D `~numpy.ndarray`
        ``(n, 4)`` edges of what is labelled.
    fwhm_pix : float
        Beam in these pixels.

    Returns
    -------
    regions : 2D `~numpy.ndarray`
        ``(m, 4)`` boxes of islands above 3 sigma of at least five beam areas, 5 sigma
        somewhere, whose brightest pixel lies in no box.
    """
    data = np.nan_to_num(significance)
    islands, _ = ndimage.label(data > 3, structure=np.ones((3, 3)))
    regions = []
    for number, window in enumerate(ndimage.find_objects(islands), start=1):
        own = np.where(islands[window] == number, data[window], 0)
        if (own > 0).sum() < 5 * 1.133 * fwhm_pix**2 or own.max() < 5:
            continue
        row, column = np.unravel_index(own.argmax(), own.shape)
        y, x = row + window[0].start + 0.5, column + window[1].start + 0.5
        inside = ((boxes[:, 0] <= x) & (x <= boxes[:, 2])
                  & (boxes[:, 1] <= y) & (y <= boxes[:, 3]))
        if not inside.any():
            regions.append([window[1].start, window[0].start, window[1].stop, window[0].stop])
    return np.array(regions, float).reshape(-1, 4)


def crop_tile(tile, window, *, min_visible=0.7):
    """
    Cut a window out of a tile.

    Parameters
    ----------
    tile : BoxTile
        The tile.
    window : tuple of slice
        ``(slice_y, slice_x)`` in its pixels.
    min_visible : float, optional
        A box of which a smaller share of the area is inside becomes a region to be ignored.

    Returns
    -------
    tile : BoxTile
        In the pixels of the window.
    """
    (y1, y2), (x1, x2) = ((part.start, part.stop) for part in window)
    inside, share = _clip(tile.boxes, x1, y1, x2, y2)
    ignore, ignore_share = _clip(tile.ignore, x1, y1, x2, y2)
    kept = share >= max(min_visible, 1e-3)
    ignore = np.concatenate([ignore[ignore_share > 0], inside[(share > 0) & ~kept]])
    same = tile.significance is tile.raw
    raw = tile.raw[window]
    return replace(tile, raw=raw, significance=raw if same else tile.significance[window],
                   boxes=inside[kept], labels=tile.labels[kept], ignore=ignore)


def _clip(boxes, x1, y1, x2, y2):
    """Cut boxes to a window; the boxes in its pixels, and the share of each that is inside."""
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    cut = np.clip(boxes, (x1, y1, x1, y1), (x2, y2, x2, y2))
    left = np.clip(cut[:, 2:] - cut[:, :2], 0, None).prod(axis=1)
    with np.errstate(invalid='ignore', divide='ignore'):
        share = np.where(area > 0, left / area, 0.0)
    return cut - (x1, y1, x1, y1), np.nan_to_num(share)


def orient_tile(tile, turn):
    """
    Apply one of the eight symmetries of the square.

    Parameters
    ----------
    tile : BoxTile
        The tile.
    turn : int
        0 to 7: bit 0 flips x, bit 1 flips y, bit 2 swaps the axes (last).

    Returns
    -------
    tile : BoxTile
        Views of the same pixels, and the boxes at their new places.
    """
    ny, nx = tile.shape

    def move(boxes):
        x1, y1, x2, y2 = boxes.T
        if turn & 1:
            x1, x2 = nx - x2, nx - x1
        if turn & 2:
            y1, y2 = ny - y2, ny - y1
        edges = [y1, x1, y2, x2] if turn & 4 else [x1, y1, x2, y2]
        return np.stack(edges, axis=1)

    def turned(pixels):
        pixels = pixels[:, ::-1] if turn & 1 else pixels
        pixels = pixels[::-1] if turn & 2 else pixels
        return pixels.T if turn & 4 else pixels

    same = tile.significance is tile.raw
    raw = turned(tile.raw)
    return replace(tile, raw=raw, significance=raw if same else turned(tile.significance),
                   boxes=move(tile.boxes), ignore=move(tile.ignore))


def collate_tiles(tiles, scaling):
    """
    Turn tiles into what a `~astrofound.networks.BoxNetwork` takes.

    Parameters
    ----------
    tiles : sequence of BoxTile
        The tiles.
    scaling : str
        As in `~astrofound.preprocess.NetworkInput`.

    Returns
    -------
    images : list of `torch.Tensor`
        ``(n_channels, ny, nx)``.
    targets : list of dict of str to `torch.Tensor`
        ``boxes``, ``labels`` counted from 1, and ``ignore``.
    """
    stretch = None if scaling == 'contrast' else UnitRange(scaling)
    images = [torch.from_numpy(np.ascontiguousarray(to_channels(tile.raw, stretch)))
              for tile in tiles]
    targets = [{'boxes': torch.from_numpy(tile.boxes.astype(np.float32)),
                'labels': torch.from_numpy(tile.labels.astype(np.int64) + 1),
                'ignore': torch.from_numpy(tile.ignore.astype(np.float32))} for tile in tiles]
    return images, targets
