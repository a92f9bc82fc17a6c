"""Islands of a smoothed map: peaks, footprints and sizes."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from astrofound._kernels.boxes import overlap_lists

from .diffuse_scores import score_diffuse

__all__ = ['Island', 'find_islands', 'one_a_source', 'pack_islands', 'unpack_islands']

_EIGHT = np.ones((3, 3), bool)
_VALLEY = 3.0          # S/N by which two peaks stand above the valley between them
_PART = 4.0            # S/N of a narrow island from which it may be a source on a wide one
_NUMBERS = ('snr', 'width', 'level', 'x', 'y')


@dataclass(frozen=True, eq=False)
class Island:
    """
    A peak of a smoothed map and what belongs to it.

    Parameters
    ----------
    snr : float
        Of the peak.
    width : float
        FWHM of the Gaussian that smoothed the map, in blocks.
    level : float
        Smoothed significance at the peak.
    x, y : float
        Centre in blocks, 0 at the middle of the first.
    half : (2,) `~numpy.ndarray`
        FWHM along x and y in blocks, without the smoothing.
    peak : tuple of int
        Row and column.
    corner : tuple of int
        Row and column of the first block of ``levels``.
    levels : 2D `~numpy.ndarray`
        Smoothed significance, NaN beside the island.
    """

    snr: float
    width: float
    level: float
    x: float
    y: float
    half: np.ndarray
    peak: tuple
    corner: tuple
    levels: np.ndarray

    def level_at(self, row, column):
        """
        Look up the smoothed significance of blocks.

        Parameters
        ----------
        row, column : array-like of int
            Blocks.

        Returns
        -------
        level : `~numpy.ndarray`
            NaN beside the island.
        """
        row, column = np.asarray(row) - self.corner[0], np.asarray(column) - self.corner[1]
        n_y, n_x = self.levels.shape
        inside = (row >= 0) & (row < n_y) & (column >= 0) & (column < n_x)
        return np.where(inside, self.levels[row.clip(0, n_y - 1), column.clip(0, n_x - 1)],
                        np.nan)

    def holds(self, other):
        """
        Say whether the peak of another island lies on this one.

        Parameters
        ----------
        other : Island
            The other one.

        Returns
        -------
        holds : bool
            `True` if it does.
        """
        row, column = other.peak[0] - self.corner[0], other.peak[1] - self.corner[1]
        n_y, n_x = self.levels.shape
        return (0 <= row < n_y and 0 <= column < n_x
                and not math.isnan(self.levels[row, column]))

    @property
    def box(self):
        """Edges ``[x1, y1, x2, y2]`` of ``levels`` in blocks."""
        (top, left), (n_y, n_x) = self.corner, self.levels.shape
        return left, top, left + n_x, top + n_y


def find_islands(smoothed, tile, scale, *, level, density, threshold):
    """
    Find the islands of a map whose peak the tile answers for.

    Parameters
    ----------
    smoothed : `~astrofound.preprocess.SmoothedMap`
        The padded tile.
    tile : `~astrofound.preprocess.Tile`
        Where it lies.
    scale : float
        FWHM of the smoothing in beams.
    level : float
        S/N that bounds an island.
    density, threshold : float
        The largest density of real ones that may come out, and the smallest score with it.

    Returns
    -------
    islands : list of Island
        In the frame of all blocks.
    """
    labels = ndimage.label(smoothed.snr > level, _EIGHT)[0]
    found = []
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        whole = np.where(labels[box] == k, smoothed.snr[box], -np.inf)
        corner = tuple(part.start + outer.start
                       for part, outer in zip(box, tile.padded, strict=True))
        for inside in _split(whole, level):
            rows, columns = np.nonzero(np.isfinite(inside))
            first = np.argmax(inside[rows, columns])
            peak = int(rows[first]) + corner[0], int(columns[first]) + corner[1]
            if not all(part.start <= place < part.stop
                       for place, part in zip(peak, tile.core, strict=True)):
                continue
            at = int(rows[first]) + box[0].start, int(columns[first]) + box[1].start
            snr = smoothed.own_snr(rows + box[0].start, columns + box[1].start, at)
            if score_diffuse(snr, scale, density) < threshold:
                continue
            x, y, half = _shape(inside, smoothed.width, level)
            levels = np.where(np.isfinite(inside), smoothed.level[box], np.nan)
            found.append(Island(snr, smoothed.width, float(smoothed.level[at]),
                                x + corner[1], y + corner[0], half, peak, corner, levels))
    return found


def _split(inside, level):
    """Divide an island whose peaks are separated by valleys that are no noise."""
    peak = inside.max()
    while (level := max(1.15 * level, level + 0.5)) < peak - _VALLEY:
        labels, n = ndimage.label(inside > level, _EIGHT)
        if n < 2:
            continue
        tops = ndimage.maximum(inside, labels, np.arange(1, n + 1))
        high = 1 + np.flatnonzero(tops > max(level + _VALLEY, 1.3 * level))
        if len(high) < 2:
            continue
        # the slopes go to the nearest peak
        seeds = np.where(np.isin(labels, high), labels, 0)
        near = ndimage.distance_transform_edt(seeds == 0, return_distances=False,
                                              return_indices=True)
        owner = seeds[tuple(near)]
        parts = [np.where(owner == k, inside, -np.inf) for k in high]
        return [piece for part in parts for piece in _split(part, level)]
    return [inside]


def _shape(inside, width, level):
    """Centre and FWHM along x and y of an island, the smoothing taken off."""
    peak = inside.max()
    level = max(level, 0.5 * peak)
    labels = ndimage.label(inside > level, _EIGHT)[0]
    y, x = np.nonzero(labels == labels[np.unravel_index(np.argmax(inside), inside.shape)])
    value = inside[y, x]
    # a Gaussian as wide as this at this level, which is not always half of the peak
    stretch = 1 / math.sqrt(math.log(max(peak / level, 1.25)) / math.log(2))
    full = stretch * np.array([x.max() - x.min() + 1, y.max() - y.min() + 1])
    half = np.sqrt(np.maximum(full**2 - width**2, (0.5 * width)**2))
    # no product of vectors: BLAS gives another last digit for other threads
    total = value.sum()
    return (value * x).sum() / total, (value * y).sum() / total, half


def pack_islands(islands):
    """
    Turn islands into plain arrays, which travel and are kept.

    Parameters
    ----------
    islands : list of Island
        The islands.

    Returns
    -------
    arrays : dict of str to `~numpy.ndarray`
        For `unpack_islands`.
    """
    packed = {name: np.array([getattr(island, name) for island in islands], float)
              for name in _NUMBERS}
    packed |= {name: np.array([getattr(island, name) for island in islands], kind).reshape(-1, 2)
               for name, kind in (('half', float), ('peak', np.int64), ('corner', np.int64))}
    packed['shape'] = np.array([island.levels.shape for island in islands],
                               np.int64).reshape(-1, 2)
    levels = [island.levels.ravel() for island in islands]
    packed['levels'] = np.concatenate(levels) if levels else np.empty(0, np.float32)
    return packed


def unpack_islands(arrays):
    """
    Invert `pack_islands`.

    Parameters
    ----------
    arrays : dict of str to `~numpy.ndarray`
        What it gave.

    Returns
    -------
    islands : list of Island
        The islands.
    """
    ends = np.cumsum(arrays['shape'].prod(axis=1))
    levels = np.split(arrays['levels'], ends[:-1]) if len(ends) else []
    return [Island(**{name: float(arrays[name][k]) for name in _NUMBERS}, half=arrays['half'][k],
                   peak=tuple(arrays['peak'][k].tolist()),
                   corner=tuple(arrays['corner'][k].tolist()),
                   levels=flat.reshape(arrays['shape'][k]))
            for k, flat in enumerate(levels)]


def one_a_source(islands):
    """
    Keep one island a source: the most significant of those that overlap.

    A wide island gives way to narrower ones on it that do not overlap and whose S/N, added in
    squares, exceed its own: then it is several sources seen as one.

    Parameters
    ----------
    islands : iterable of Island
        Of several scales, in any order.

    Returns
    -------
    islands : list of Island
        The most significant first.
    """
    islands = list(islands)
    boxes = np.array([island.box for island in islands], dtype=float).reshape(-1, 4)
    first, index = overlap_lists(boxes, boxes)
    single = []
    for k, island in enumerate(islands):
        near = (islands[m] for m in index[first[k]:first[k + 1]])
        parts = _without_overlaps([other for other in near if other.width < island.width
                                   and other.snr > _PART and island.holds(other)])
        if len(parts) < 2 or sum(part.snr**2 for part in parts) <= island.snr**2:
            single.append(island)
    return _without_overlaps(single)


def _without_overlaps(islands):
    """Keep the most significant of the islands that overlap, and sort them by it."""
    islands = sorted(islands, key=lambda i: (-i.snr, i.width, i.peak))
    boxes = np.array([island.box for island in islands], dtype=float).reshape(-1, 4)
    first, index = overlap_lists(boxes, boxes)
    kept = np.zeros(len(islands), bool)
    for k, island in enumerate(islands):
        others = (islands[m] for m in index[first[k]:first[k + 1]] if kept[m])
        kept[k] = not any(other.holds(island) or island.holds(other) for other in others)
    return [islands[k] for k in np.flatnonzero(kept)]
