"""Add emission too wide and faint for the network: islands of the smoothed image."""

import math
from dataclasses import dataclass

import numpy as np

from astrofound._kernels.boxes import overlap_lists
from astrofound.catalog import Detections, boxes_around
from astrofound.pipeline import active_runner
from astrofound.preprocess import (
    BlankedReader,
    BlockMap,
    NoiseMap,
    SmoothedMap,
    TileGrid,
    TilingOptions,
    artefact_level,
    smoothed_noise,
)
from astrofound.utils import check_number

from .diffuse_scores import LARGEST_RISE, diffuse_density, score_diffuse
from .islands import find_islands, one_a_source, pack_islands, unpack_islands

__all__ = ['DiffuseOptions', 'add_diffuse', 'blocks_at_once']

_REMAINDER = 0.15      # of a compact source that may remain beside its hole
_EXPLAINED = 0.6       # of a smoothed peak that the detections make up where they are its source
_STANDS_OUT = 4.5      # S/N by which a source in front of an island is brighter
_ACROSS = 12           # least number of kernels along the longer side of an image
_EXTENT = 64           # blocks that an island may reach into the halo of a tile


@dataclass(frozen=True, kw_only=True)
class DiffuseOptions:
    """
    How diffuse emission is looked for; lengths are in beams (FWHM).

    Parameters
    ----------
    scales : tuple of float, optional
        FWHM of the Gaussians that the image is smoothed with. Those of which fewer than
        twelve fit along the image are left out, as its noise cannot be known.
    level : float, optional
        S/N of the smoothed image that bounds an island.
    limit : float, optional
        Pixels are clipped to this S/N before they are smoothed.
    compact : float, optional
        Detections whose box is narrower than this are left out of the image.
    density : float, optional
        Diffuse sources of S/N 5 and more expected in a square beam. Those that an image shows
        change it, up to eight times, and with it what those in doubt are worth.
    tile_size : int, optional
        Side of a tile with its halo in blocks of about a beam; no result depends on it.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    scales: tuple[float, ...] = (3.0, 6.0, 12.0)
    level: float = 3.0
    limit: float = 20.0
    compact: float = 4.0
    density: float = 5e-5
    tile_size: int = 1536

    def __post_init__(self):
        for scale in self.scales:
            check_number('scales', scale, minimum=2, maximum=16)
        check_number('level', self.level, minimum=1)
        check_number('limit', self.limit, minimum=1)
        check_number('compact', self.compact, minimum=2)
        check_number('density', self.density, above=0, maximum=1)
        check_number('tile_size', self.tile_size, minimum=256, integer=True)


def add_diffuse(image, noise, detections, *, threshold=0.5, remeasure=None, options=None):
    """
    Add islands of diffuse emission to the compact sources of an image.

    The significance of the image is averaged over blocks of a beam, compact detections left
    out, smoothed with Gaussians of several beams, and divided by the noise of the smoothed
    map: that of the whole image or of the surroundings, whichever is larger, and what
    artefacts of bright sources may add. What stands out is an island; of islands of several
    scales that overlap, the most significant one stays.

    A source is reported once. Where the detections explain the smoothed peak, or a ``multi``
    one covers it, they are the better account of the source and the island is dropped.
    Otherwise the detections on it that do not stand out of it are its fragments and are
    dropped, and those that do are sources in front of it and stay.

    Emission as wide as the cells of the noise map raises the background that is to be taken
    off it. With ``remeasure`` the map is therefore measured once more without the islands.
    Looking for them again in the new map found no more.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Image with a beam.
    noise : `~astrofound.preprocess.NoiseMap`
        Its background and noise.
    detections : `~astrofound.catalog.Detections`
        Sources found before.
    threshold : float, optional
        Smallest score of an island.
    remeasure : callable, optional
        Takes a reader of the image in which the islands are blank and returns its noise.
    options : DiffuseOptions, optional
        How to look.

    Returns
    -------
    detections : `~astrofound.catalog.Detections`
        Those that stay, then the islands: class ``extended``, boxes of one FWHM to each side.
    noise : `~astrofound.preprocess.NoiseMap`
        The noise to measure them with.
    """
    options = options or DiffuseOptions()
    fwhm = image.beam.fwhm
    side = max(1, round(fwhm))
    placed = (np.isfinite(detections.x) & np.isfinite(detections.y)
              & np.isfinite(detections.boxes).all(axis=1))
    sources = _Sources.of(detections.select(placed), fwhm, side, options.compact)
    islands, score = _find(image, noise, sources, side, threshold, options)
    fragment = np.zeros(len(detections), bool)
    fragment[placed] = sources.fragments(islands)
    diffuse = _to_detections(islands, score, side)
    if islands and remeasure is not None:
        half = 0.5 * (diffuse.boxes[:, 2:] - diffuse.boxes[:, :2])
        noise = remeasure(BlankedReader(image, diffuse.x, diffuse.y, *half.T))
    return Detections.concatenate([detections.select(~fragment), diffuse]), noise


def blocks_at_once(image, options=None):
    """
    Count the blocks that `add_diffuse` holds at a time.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Image with a beam.
    options : DiffuseOptions, optional
        How to look.

    Returns
    -------
    n_blocks : int
        Of the largest tile.
    """
    tile_size = (options or DiffuseOptions()).tile_size
    side = max(1, round(image.beam.fwhm))
    return math.prod(min(-(-size // side), tile_size) for size in image.shape)


@dataclass
class _Sources:
    """The detections as the blocks see them; lengths in blocks."""

    x: np.ndarray          # 0 at the middle of the first block
    y: np.ndarray
    half: np.ndarray       # FWHM along x and y
    boxes: np.ndarray
    is_multi: np.ndarray
    is_hole: np.ndarray    # left out of the image
    holes: np.ndarray      # x, y, FWHM along x and y in pixels
    peak: np.ndarray       # S/N, known when the image has been read

    @classmethod
    def of(cls, detections, fwhm, side, compact):
        """Take what is needed from the detections."""
        # a box reaches one FWHM to each side
        half = 0.5 * (detections.boxes[:, 2:] - detections.boxes[:, :2])
        is_hole = half.max(axis=1, initial=0) < 0.5 * compact * fwhm
        half = np.maximum(half, fwhm)
        return cls((detections.x + 0.5) / side - 0.5, (detections.y + 0.5) / side - 0.5,
                   half / side, detections.boxes / side, detections.class_code == 2, is_hole,
                   np.column_stack([detections.x, detections.y, half])[is_hole],
                   np.zeros(len(detections)))

    def rows_and_columns(self):
        """Block of each source."""
        return np.rint(self.y).astype(int), np.rint(self.x).astype(int)

    def peaks(self, top, tile):
        """Sources of a tile, and their peaks in the map of the largest pixels."""
        row, column = self.rows_and_columns()
        mine = np.ones(len(row), bool)
        for place, part in zip((row, column), tile.core, strict=True):
            mine &= (place >= part.start) & (place < part.stop)
        return np.flatnonzero(mine), top[row[mine] - tile.padded[0].start,
                                         column[mine] - tile.padded[1].start]

    def cover(self, window, width):
        """Blocks of a window on the sources that were not left out, smoothed by ``width``."""
        covered = np.zeros([part.stop - part.start for part in window], bool)
        top, left = window[0].start, window[1].start
        half = np.hypot(self.half, width)
        near = ~self.is_hole
        for place, part, reach in zip((self.y, self.x), window, half.T[::-1], strict=True):
            near &= (place + reach >= part.start - 1) & (place - reach <= part.stop)
        for k in np.flatnonzero(near):
            x, y = self.x[k] - left, self.y[k] - top
            rows, columns = (slice(max(math.floor(at - reach), 0), max(math.ceil(at + reach), 0))
                             for at, reach in ((y, half[k, 1]), (x, half[k, 0])))
            part = covered[rows, columns]
            row = np.arange(part.shape[0])[:, None] + rows.start
            column = np.arange(part.shape[1]) + columns.start
            part |= ((column - x) / half[k, 0])**2 + ((row - y) / half[k, 1])**2 < 1
        return covered

    def explain(self, islands):
        """Whether the sources make up most of each smoothed peak, or one of them covers it."""
        # beyond this many widths of both, less than 1e-12 of a source is left
        reach = 3.2 * np.sqrt(self.half.prod(axis=1))
        around = boxes_around(self.x, self.y, reach)
        np.minimum(around[:, :2], self.boxes[:, :2], out=around[:, :2])
        np.maximum(around[:, 2:], self.boxes[:, 2:], out=around[:, 2:])
        tops = np.array([[*island.peak[::-1], 3.2 * island.width] for island in islands])
        first, index = overlap_lists(boxes_around(*tops.reshape(-1, 3).T), around)
        return np.array([self._explain(island, index[first[k]:first[k + 1]])
                         for k, island in enumerate(islands)], bool)

    def _explain(self, island, near):
        row, column = island.peak
        x1, y1, x2, y2 = self.boxes[near].T - 0.5
        is_multi = self.is_multi[near]
        if (is_multi & (x1 < column) & (column < x2) & (y1 < row) & (row < y2)).any():
            return True
        area = self.half[near].prod(axis=1)
        wider = area + island.width**2
        share = np.exp(-4 * math.log(2) * ((self.x[near] - column)**2 + (self.y[near] - row)**2)
                       / wider)
        # of one that was left out, wings and artefacts may remain
        share *= np.where(self.is_hole[near], _REMAINDER, 1)
        level = self.peak[near] * area / wider * share
        return bool(level[~is_multi].sum() > _EXPLAINED * island.level)

    def fragments(self, islands):
        """Which sources lie on one of the islands and do not stand out of it."""
        fragment = np.zeros(len(self.x), bool)
        row, column = self.rows_and_columns()
        boxes = np.array([island.box for island in islands], float).reshape(-1, 4)
        first, index = overlap_lists(boxes, boxes_around(column, row, 0.0))
        for k, island in enumerate(islands):
            near = index[first[k]:first[k + 1]]
            width2 = island.width**2
            height = island.level_at(row[near], column[near])
            height *= 1 + width2 / max(island.half.prod(), width2)
            fragment[near] |= self.peak[near] < 1.3 * height + _STANDS_OUT  # never where NaN
        return fragment


def _find(image, noise, sources, side, threshold, options):
    """Islands that no detections explain, one a source, and their scores."""
    beam = image.beam.fwhm / side
    blocks = BlockMap(image, noise, side, options.limit, sources.holes)
    scales = [scale for scale in options.scales if _ACROSS * scale * beam <= max(blocks.shape)]
    if not scales:
        return [], np.empty(0)
    levels = smoothed_noise(blocks, [scale * beam for scale in scales])
    halo = _round_up(SmoothedMap.reach(max(scales) * beam) + _EXTENT)
    tile_size = _round_up(max(options.tile_size, 3 * halo))
    grid = TileGrid(blocks.shape, TilingOptions(shape=(tile_size, tile_size), halo=halo,
                                                align=SmoothedMap.align))
    kernels = [(scale, scale * beam, level) for scale, level in zip(scales, levels, strict=True)
               if level > 0]
    search = _IslandSearch(blocks, noise, sources, beam, kernels, threshold, options)
    islands, n_seen = [], 0
    for found in active_runner().map('diffuse', search, grid):
        sources.peak[found.pop('source')] = found.pop('peak_snr')
        n_seen += int(found.pop('n_seen'))
        islands += unpack_islands(found)
    islands = one_a_source(islands)
    explained = sources.explain(islands)
    islands = [islands[k] for k in np.flatnonzero(~explained)]
    snr, width = (np.array([getattr(island, name) for island in islands], float)
                  for name in ('snr', 'width'))
    density = diffuse_density(snr, width / beam, n_seen / beam**2, options.density)
    score = score_diffuse(snr, width / beam, density)
    kept = np.flatnonzero(score >= threshold)
    return [islands[k] for k in kept], score[kept]


@dataclass
class _IslandSearch:
    """Looks for islands in one tile of the block map after the other."""

    blocks: BlockMap
    noise: NoiseMap
    sources: _Sources
    beam: float            # FWHM in blocks
    kernels: list          # scale in beams, width in blocks, noise of the smoothed map
    threshold: float
    options: DiffuseOptions

    def read(self, tile):
        """Average a tile over blocks, and look the artefacts of bright sources up."""
        return (tile, *self.blocks.read_window(tile.padded),
                self.noise.read_artefacts(tile.padded, self.blocks.side))

    def work(self, prepared):
        """Find the islands of a tile on every scale, and the peaks of its sources."""
        tile, mean, share, top, artefacts = prepared
        if not share.any():
            return {**pack_islands([]), 'source': np.empty(0, np.int64), 'peak_snr': np.empty(0),
                    'n_seen': np.array(0)}
        source, peak = self.sources.peaks(top, tile)
        doubt = artefact_level(top, artefacts, self.beam)
        islands = []
        for scale, width, level in self.kernels:
            smoothed = SmoothedMap.smooth(mean, share, width, noise=level, doubt=doubt,
                                          covered=self.sources.cover(tile.padded, width))
            islands += find_islands(smoothed, tile, scale, level=self.options.level,
                                    density=LARGEST_RISE * self.options.density,
                                    threshold=self.threshold)
        core = tuple(slice(own.start - around.start, own.stop - around.start)
                     for own, around in zip(tile.core, tile.padded, strict=True))
        return {**pack_islands(islands), 'source': source, 'peak_snr': peak,
                'n_seen': np.array(np.count_nonzero(share[core]))}


def _round_up(length):
    return -(-length // SmoothedMap.align) * SmoothedMap.align


def _to_detections(islands, score, side):
    if not islands:
        return Detections.empty()
    x, y = (np.array([getattr(island, name) for island in islands]) for name in 'xy')
    half = side * np.array([island.half for island in islands])
    x, y = (x + 0.5) * side - 0.5, (y + 0.5) * side - 0.5
    return Detections(x, y, boxes_around(x, y, half[:, 0], half[:, 1]),
                      score, np.ones(len(islands)))
