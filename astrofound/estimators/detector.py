"""The detector most users meet: the bundled network, or one of their own."""

import shutil

import numpy as np
import torch

from astrofound.catalog import Detections, associate
from astrofound.networks import decode, for_inference, load_weights, peak_snr
from astrofound.networks.compact import TOTAL_STRIDE
from astrofound.networks.weights import BUNDLED, locate_weights
from astrofound.pipeline import run_tiles
from astrofound.preprocess import DETECTION_CHANNELS, TileGrid, TilingOptions, open_beam_space
from astrofound.utils import (
    ReadError,
    atomic_path,
    check_choice,
    check_number,
    has_fast_bfloat16,
    resolve_device,
)

from .base import BaseDetector
from .diffuse import add_diffuse
from .reliability import score_cut

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
    reliability : float, optional
        Share of the catalogue that shall be real. The cut in ``score``, the calibrated
        probability that a source is real, is chosen for it in each image.
    threshold : float, optional
        Smallest ``score``, in place of ``reliability``.
    min_snr : float, optional
        Smallest peak signal-to-noise ratio, measured on the original pixels; by default no
        limit of its own.
    diffuse : bool, optional
        Whether to look for emission of several beams that the network does not see whole, in
        images whose unit is per beam (`add_diffuse`).
    tile_size : int, optional
        Side of a tile with its halo, in network pixels (4 a beam). The catalogue does not
        depend on it; memory does.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...
    precision : {'auto', 'float32', 'bfloat16'}, optional
        Arithmetic of the network. ``'auto'`` takes bfloat16 where the device has it, which is
        twice as fast and moves scores by about a per cent.

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

    def __init__(self, weights='compact', *, reliability=0.95, threshold=None, min_snr=None,
                 diffuse=True, tile_size=2304, device='auto', precision='auto'):
        self.weights = weights
        self.reliability = reliability
        self.threshold = threshold
        self.min_snr = min_snr
        self.tile_size = tile_size
        self.diffuse = diffuse
        self.device = device
        self.precision = precision

    def _check_parameters(self):
        super()._check_parameters()
        check_number('reliability', self.reliability, minimum=0, maximum=1)
        if self.threshold is not None:
            check_number('threshold', self.threshold, minimum=0, maximum=1)
        check_number('tile_size', self.tile_size, minimum=512, integer=True)
        check_choice('precision', self.precision, ('auto', 'float32', 'bfloat16'))

    def _find(self, image, noise, *, progress):
        weights = load_weights(self.weights)
        self.weights_sha256_ = weights.sha256
        device = resolve_device(self.device)
        network = for_inference(weights.network, device, self._dtype(device))
        space = open_beam_space(image, noise, fwhm_pix=image.beam.fwhm,
                                target_fwhm_pix=weights.beam_pix)
        side = -(-self.tile_size // TOTAL_STRIDE) * TOTAL_STRIDE
        grid = TileGrid(space.shape, TilingOptions(
            shape=(side, side), halo=network.receptive_halo, align=TOTAL_STRIDE))
        tiles = run_tiles(list(grid), lambda tile: _read(space, tile),
                          lambda prepared: _search(network, device, *prepared),
                          n_ahead=1, progress=progress)
        calibration = weights.calibration['radio' if image.is_per_beam else 'optical']
        parts = Detections.concatenate(
            [_to_detections(*found, space.resampler, calibration)
             for found in tiles if found is not None])
        cut = self.threshold
        if cut is None:
            cut = score_cut(parts.score, self.reliability)
        return associate(parts.select(parts.score >= cut), fwhm_pix=image.beam.fwhm)

    def _complete(self, image, noise, found, measure):
        if not (self.diffuse and image.is_per_beam):
            return found, noise
        threshold = self.threshold
        if threshold is None:
            # Islands are a tenth of a catalogue at most, so they may be wrong ten times as often.
            threshold = max(0.5, 1 - 10 * (1 - self.reliability))
        return add_diffuse(image, noise, found, threshold=threshold, remeasure=measure)

    def _save_weights(self, path):
        weights = load_weights(self.weights)
        if self.weights in BUNDLED:
            return {}, {'sha256': weights.sha256}
        with atomic_path(path) as temporary:
            shutil.copyfile(locate_weights(self.weights), temporary)
        return {'weights': path.name}, {'sha256': weights.sha256}

    def _check_loaded(self, path, learnt):
        found = load_weights(self.weights).sha256
        if found != learnt.get('sha256'):
            saved = str(learnt.get('sha256'))
            raise ReadError(f'the weights {self.weights} here (SHA-256 {found[:16]}...) are not '
                            f'those that {path} was saved with ({saved[:16]}...); install the '
                            'version of astrofound that it names')

    def _dtype(self, device):
        if self.precision == 'auto':
            return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
        return getattr(torch, self.precision)

    def _provenance(self, image):
        return {**super()._provenance(image), 'WEIGHTS': self.weights_sha256_}


def _read(space, tile):
    """Read a tile as significance and as channels, with blank sky up to whole strides."""
    significance = space.read_window(tile.padded)
    ny, nx = significance.shape
    more = (-ny % TOTAL_STRIDE, -nx % TOTAL_STRIDE)
    if more != (0, 0):
        significance = np.pad(significance, ((0, more[0]), (0, more[1])), constant_values=np.nan)
    blank = not np.isfinite(significance).any()
    return tile, significance, None if blank else DETECTION_CHANNELS(significance)


@torch.inference_mode()
def _search(network, device, tile, significance, channels):
    """Return the candidates of a tile that are not on blank sky, and the S/N of their peaks."""
    if channels is None:
        return None
    batch = torch.from_numpy(channels)[None].to(device, memory_format=torch.channels_last)
    origin = (tile.padded[0].start, tile.padded[1].start)
    found = decode(network(batch)[0], origin=origin, core=tile.core)
    # A centre on blank sky is the network's guess about what nobody has seen.
    found = found.select(np.isfinite(significance[found.pixels(significance.shape, origin)]))
    return found, peak_snr(significance, found, origin=origin)


def _to_detections(found, snr, resampler, calibration):
    x, y = resampler.to_image(found.x, found.y)
    return Detections(x=x, y=y, boxes=resampler.boxes_to_image(found.boxes),
                      score=calibration(found.logit, snr),
                      class_code=found.class_code)
