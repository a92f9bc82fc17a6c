"""The detector most users meet: the bundled network, or one of their own."""

import numpy as np
import torch

from astrofound.catalog import Detections
from astrofound.networks import decode, fuse, load_weights
from astrofound.networks.compact import TOTAL_STRIDE
from astrofound.pipeline import run_tiles
from astrofound.preprocess import DETECTION_CHANNELS, TileGrid, TilingOptions, open_beam_space
from astrofound.utils import check_number, resolve_device

from .base import BaseDetector

__all__ = ['SourceDetector']


class SourceDetector(BaseDetector):
    """
    Detect sources with the compact beam-space network.

    Works at once with the bundled weights; no fitting is needed.

    Parameters
    ----------
    weights : str or path-like, optional
        ``'compact'`` for the bundled weights, or the file or run folder written by
        ``astrofound train detector``.
    threshold : float, optional
        Smallest ``score``, the calibrated probability that a source is real.
    min_snr : float, optional
        Smallest peak signal-to-noise ratio, measured on the original pixels; by default no
        limit of its own.
    tile_size : int, optional
        Side of a tile with its halo, in network pixels (4 a beam). The catalogue does not
        depend on it; memory does.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...

    Attributes
    ----------
    weights_sha256_ : str
        Hash of the weights used by the last `predict`.

    Examples
    --------
    >>> from astrofound import SourceDetector
    >>> from astrofound.datasets import make_field
    >>> field = make_field('radio', seed=0)
    >>> catalog = SourceDetector(threshold=0.8).predict(field.image)
    >>> bool((catalog['score'] >= 0.8).all())
    True
    """

    def __init__(self, weights='compact', *, threshold=0.5, min_snr=None, tile_size=2048,
                 device='auto'):
        self.weights = weights
        self.threshold = threshold
        self.min_snr = min_snr
        self.tile_size = tile_size
        self.device = device

    def _check_parameters(self):
        super()._check_parameters()
        check_number('threshold', self.threshold, minimum=0, maximum=1)
        check_number('tile_size', self.tile_size, minimum=512, integer=True)

    def _find(self, image, noise, *, progress):
        weights = load_weights(self.weights)
        self.weights_sha256_ = weights.sha256
        device = resolve_device(self.device)
        halo = weights.network.receptive_halo
        network = fuse(weights.network).to(device, memory_format=torch.channels_last)
        space = open_beam_space(image, noise, fwhm_pix=image.beam.fwhm,
                                target_fwhm_pix=weights.beam_pix)
        side = -(-self.tile_size // TOTAL_STRIDE) * TOTAL_STRIDE
        grid = TileGrid(space.shape, TilingOptions(shape=(side, side), halo=halo,
                                                   align=TOTAL_STRIDE))

        def prepare(tile):
            significance = _pad(space.read_window(tile.padded))
            return tile, significance, DETECTION_CHANNELS(significance)

        def work(prepared):
            tile, significance, channels = prepared
            return _candidates(network, device, tile, significance, channels)

        found = list(run_tiles(list(grid), prepare, work, progress=progress))
        return _to_detections(found, space.resampler, weights.calibration, self.threshold)

    def _provenance(self, image):
        return {**super()._provenance(image), 'WEIGHTS': self.weights_sha256_}


def _pad(significance):
    """Extend a window with blank sky to whole strides, as at the rim of the mosaic."""
    ny, nx = significance.shape
    more = (-ny % TOTAL_STRIDE, -nx % TOTAL_STRIDE)
    if more == (0, 0):
        return significance
    return np.pad(significance, ((0, more[0]), (0, more[1])), constant_values=np.nan)


@torch.inference_mode()
def _candidates(network, device, tile, significance, channels):
    batch = torch.from_numpy(channels)[None].to(device, memory_format=torch.channels_last)
    origin = (tile.padded[0].start, tile.padded[1].start)
    found = decode(network(batch)[0], origin=origin, core=tile.core)
    # A centre on blank sky is the network's guess about what nobody has seen.
    rows = np.rint(found.y).astype(int) - origin[0]
    columns = np.rint(found.x).astype(int) - origin[1]
    seen = np.isfinite(significance[rows.clip(0, significance.shape[0] - 1),
                                    columns.clip(0, significance.shape[1] - 1)])
    return found.select(seen)


def _to_detections(tiles, resampler, calibration, threshold):
    parts = []
    for found in tiles:
        score = calibration(found.logit)
        kept = score >= threshold
        found, score = found.select(kept), score[kept]
        x, y = resampler.to_image(found.x, found.y)
        parts.append(Detections(x=x, y=y, boxes=resampler.boxes_to_image(found.boxes),
                                score=score, class_code=found.class_code))
    return Detections.concatenate(parts)
