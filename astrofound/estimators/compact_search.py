"""How the compact network goes through an image: tiles for parts, then tiles for their pairs."""

import logging
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from astrofound.catalog import Detections
from astrofound.networks import decode, for_inference, load_weights, peak_snr
from astrofound.networks.compact import TOTAL_STRIDE
from astrofound.networks.pair_features import (
    MARGIN,
    N_TRAITS,
    REACH,
    near_pairs,
    pair_features,
    part_traits,
)
from astrofound.preprocess import DETECTION_CHANNELS, BeamSpace, TileGrid, TilingOptions
from astrofound.utils import (
    InputError,
    ReadError,
    has_fast_bfloat16,
    is_out_of_memory,
    resolve_device,
)

__all__ = ['PairSearch', 'PartSearch', 'memory_mb', 'pair_tiles', 'part_tiles', 'ready_weights']

logger = logging.getLogger(__name__)

# Measured: activations of a tile by the bytes of a number, with two tiles read ahead; maps of the
# search for diffuse emission; windows and stamps of the measurement. Each stage has the memory that
# the one before has freed.
_BYTES_PER_PIXEL = {2: 160, 4: 300}
_BYTES_PER_BLOCK = 560
_MEASURING_BYTES = 300e6
_SMALLEST_CORE = 128  # network pixels; where memory ends before, there is none
_PAIR_CORE = 1024  # network pixels


@lru_cache(maxsize=2)
def ready_weights(sha256, source, device, precision):
    """
    Return weights, network and device; once in a process for images one after the other.

    Parameters
    ----------
    sha256 : str
        Hash of the file of weights when the run began.
    source : str or path-like
        See `~astrofound.networks.load_weights`.
    device, precision : str
        As for `~astrofound.estimators.SourceDetector`.

    Returns
    -------
    weights : CompactWeights
        With calibration and pairs.
    network : CompactNetwork
        Theirs, ready on the device.
    device : `torch.device`
        Where it runs.

    Raises
    ------
    ReadError
        If the file was replaced.
    """
    weights = load_weights(source)
    if weights.sha256 != sha256:
        raise ReadError(f'the weights {source} are not those the run began with; start it again')
    device = resolve_device(device)
    if precision == 'auto':
        precision = 'bfloat16' if has_fast_bfloat16(device) else 'float32'
    return weights, for_inference(weights.network, device, getattr(torch, precision)), device


def part_tiles(shape, network, tile_size):
    """
    Tile the network frame for the search for parts.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the frame.
    network : CompactNetwork
        Decides the halo.
    tile_size : int
        Side of a tile with its halo.

    Returns
    -------
    tiles : TileGrid
        The tiles.
    """
    side = -(-tile_size // TOTAL_STRIDE) * TOTAL_STRIDE
    return TileGrid(shape, TilingOptions(shape=(side, side), halo=network.receptive_halo,
                                         align=TOTAL_STRIDE))


def pair_tiles(shape):
    """
    Tile the network frame for the search for pairs, each of which is of the tile of its middle.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the frame.

    Returns
    -------
    tiles : TileGrid
        The tiles.
    """
    halo = int(REACH / 2) + MARGIN
    side = _PAIR_CORE + 2 * halo
    return TileGrid(shape, TilingOptions(shape=(side, side), halo=halo))


def memory_mb(grid, network, n_blocks=0):
    """
    Tell what a process needs for its largest stage: network, diffuse emission or measuring.

    Parameters
    ----------
    grid : TileGrid
        Tiles.
    network : CompactNetwork
        Ready, in its precision.
    n_blocks : int, optional
        Blocks of the image that are searched for diffuse emission at a time.

    Returns
    -------
    memory : float
        MB of 10^6 bytes.
    """
    pixels = np.prod([min(side, of) for side, of in
                      zip(grid.options.shape, grid.shape, strict=True)])
    per_pixel = _BYTES_PER_PIXEL[network.stem[0].weight.dtype.itemsize]
    return max(per_pixel * pixels, _BYTES_PER_BLOCK * n_blocks, _MEASURING_BYTES) / 1e6


@dataclass
class PartSearch:
    """Looks for parts of sources in one tile of the network frame after the other."""

    space: BeamSpace
    kind: str
    source: tuple  # arguments of `ready_weights`: the network itself stays where it is

    def read(self, tile):
        """Read a tile as significance and as channels, with blank sky up to whole strides."""
        significance = self.space.read_window(tile.padded)
        ny, nx = significance.shape
        more = (-ny % TOTAL_STRIDE, -nx % TOTAL_STRIDE)
        if more != (0, 0):
            significance = np.pad(significance, ((0, more[0]), (0, more[1])),
                                  constant_values=np.nan)
        blank = not np.isfinite(significance).any()
        return tile, significance, None if blank else DETECTION_CHANNELS(significance)

    def work(self, prepared):
        """Find the parts in a tile: detections in image pixels, and their traits."""
        if prepared[2] is None:
            return vars(Detections.empty()) | {'traits': np.empty((0, N_TRAITS))}
        try:
            return self._find(*prepared)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # outside of the handler, whose traceback would keep the tensors alive
        halves = [self.work(half) for half in self._halve(*prepared)]
        return {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}

    def _find(self, tile, significance, channels):
        weights, network, device = ready_weights(*self.source)
        found, snr = _search(network, device, tile, significance, channels)
        resampler = self.space.resampler
        x, y = resampler.to_image(found.x, found.y)
        parts = Detections(x=x, y=y, boxes=resampler.boxes_to_image(found.boxes),
                           score=weights.calibration[self.kind](found.logit, snr),
                           class_code=found.class_code)
        return vars(parts) | {'traits': part_traits(found, snr)}

    def _halve(self, tile, significance, channels):
        """Cut a prepared tile into two that give the same together."""
        _, network, device = ready_weights(*self.source)
        if device.type == 'cuda':
            torch.cuda.empty_cache()
        lengths = [side.stop - side.start for side in tile.core]
        if max(lengths) < 2 * _SMALLEST_CORE:
            raise InputError(f'not enough memory on {device} for {lengths[1]} x {lengths[0]} '
                             "pixels at a time; end what else uses it, or pass device='cpu'")
        axis = int(np.argmax(lengths))
        core, padded = tile.core[axis], tile.padded[axis]
        middle = core.start + lengths[axis] // 2 // TOTAL_STRIDE * TOTAL_STRIDE
        logger.info('not enough memory on %s for a tile; going on with its halves', device)
        reach = middle + network.receptive_halo - padded.start
        offset = max(0, middle - network.receptive_halo - padded.start)
        for own, seen, window in (
                (slice(core.start, middle),
                 slice(padded.start, min(padded.stop, padded.start + reach)), slice(0, reach)),
                (slice(middle, core.stop),
                 slice(padded.start + offset, padded.stop), slice(offset, None))):
            cut = (slice(None),) * axis + (window,)
            half = replace(tile, core=_replaced(tile.core, axis, own),
                           padded=_replaced(tile.padded, axis, seen))
            yield half, significance[cut], channels[(slice(None), *cut)]


def _replaced(window, axis, side):
    """Give a window with another slice along one axis."""
    return tuple(side if number == axis else old for number, old in enumerate(window))


@torch.inference_mode()
def _search(network, device, tile, significance, channels):
    """Return the candidates of a tile that are not on blank sky, and the S/N of their peaks."""
    batch = torch.from_numpy(channels)[None].to(device, memory_format=torch.channels_last)
    origin = (tile.padded[0].start, tile.padded[1].start)
    found = decode(network(batch)[0], origin=origin, core=tile.core)
    # A centre on blank sky is the network's guess about what nobody has seen.
    found = found.select(np.isfinite(significance[found.pixels(significance.shape, origin)]))
    return found, peak_snr(significance, found, origin=origin)


@dataclass
class PairSearch:
    """Looks which parts belong together, in one tile of the network frame after the other."""

    space: BeamSpace
    places: np.ndarray  # (n, 2) of all parts, in network pixels
    traits: np.ndarray
    source: tuple       # arguments of `ready_weights`

    def read(self, tile):
        """Read the sky around the pairs of a tile, if it has any."""
        around = tuple(slice(side.start - int(1.5 * REACH) - 1, side.stop + int(1.5 * REACH) + 1)
                       for side in tile.core)
        near = np.flatnonzero(_inside(self.places, around))
        places = self.places[near]
        first, second = near_pairs(places)
        here = _inside(0.5 * (places[first] + places[second]), tile.core)
        first, second = first[here], second[here]
        sky = self.space.read_window(tile.padded) if len(first) else None
        return tile, sky, near, first, second

    def work(self, prepared):
        """Return the pairs of a tile, and the logit of belonging together of each for itself."""
        tile, sky, near, first, second = prepared
        if sky is None:
            return {'first': first, 'second': second, 'logit': np.empty(0, np.float32)}
        weights, _, _ = ready_weights(*self.source)
        origin = np.array([side.start for side in tile.padded])
        logit = weights.pairs.judge(pair_features(
            sky, origin, self.places[near], self.traits[near], first, second))
        return {'first': near[first], 'second': near[second], 'logit': logit}


def _inside(places, window):
    """Mask of the places whose pixels lie in a window."""
    row, column = np.floor(places[:, ::-1] + 0.5).T
    return ((row >= window[0].start) & (row < window[0].stop)
            & (column >= window[1].start) & (column < window[1].stop))
