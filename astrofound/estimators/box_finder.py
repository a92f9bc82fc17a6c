"""Find sources with a detector on a backbone, tile by tile."""

import logging
import math
import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from astrofound.catalog import CLASS_NAMES, Detections, box_centres, suppress
from astrofound.pipeline import active_runner
from astrofound.preprocess import NetworkView, TileGrid, TilingOptions
from astrofound.training.box_judging import peaks_in, raw_logit
from astrofound.training.box_model import load_box_model
from astrofound.utils import DomainWarning, ReadError, has_fast_bfloat16, resolve_device

__all__ = ['find_with_boxes', 'warn_if_far']

logger = logging.getLogger(__name__)

_BATCH = 8          # tiles at once on a GPU
_LEAST_SIDE = 1024  # of a tile for convolutional backbones, which take any size
_HALO = 128         # beyond its core that a tile of theirs sees
_POINT = 3.0        # sides in beams up to which a box of another scheme counts as compact
_FAR = 2.0          # factor by which another beam or band calls for a warning


def find_with_boxes(image, noise, source, *, progress=False):
    """
    Look at an image with a detector on a backbone.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        With a beam.
    noise : `~astrofound.preprocess.NoiseMap`
        Its background and rms.
    source : tuple
        Hash of the weights, run folder, device and precision.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    detections : `~astrofound.catalog.Detections`
        One for each source, with calibrated scores and the detector's own ``label``.
    class_names : tuple of str
        What these labels mean.

    Raises
    ------
    ReadError
        If the folder holds no such detector.
    """
    model, device, _ = _ready(*source)
    warn_if_far(model.training.get('domain') or {}, image)
    view = model.network_input.open(image, noise)
    grid = TileGrid(view.shape, _tiling(model))
    _raise_limits(model, grid.options.shape[0])
    side = grid.options.shape[0]
    # what depends on surroundings only shall not feel how far a tile reaches beyond the image
    search = _TileSearch(view, side, model.network.align if model.network.is_local else side,
                         source)
    chunks = search.chunks(grid, _BATCH if device.type == 'cuda' else 1)
    found = Detections.concatenate([Detections(**part) for part in active_runner().map(
        'network', search, chunks, progress=progress)])
    boxes = view.resampler.boxes_to_image(found.boxes)
    x, y = box_centres(boxes)
    detections = Detections(x, y, boxes, found.score,
                            _codes(found.label, boxes, image.beam.fwhm, model.classes),
                            label=found.label)
    return suppress(detections, fwhm_pix=image.beam.fwhm), model.classes


@lru_cache(maxsize=1)
def _ready(sha256, run, device, precision):
    """Return model, device and whether to compute in bfloat16; once in a process."""
    device = resolve_device(device)
    model = load_box_model(run, device=device)
    if model.sha256 != sha256:
        raise ReadError(f'the weights in {run} are not those the run began with; start it again')
    return model, device, precision == 'bfloat16' or (
        precision == 'auto' and has_fast_bfloat16(device))


def _tiling(model):
    """Tiles as in the training where all of one decides; else of a good size."""
    align, side = model.network.align, model.tile_side
    if not model.network.is_local:
        halo = min(model.network.reach, side / 4)  # to see whole what is centred in the core
    else:
        side, halo = max(side, _LEAST_SIDE), _HALO
    side, halo = (math.ceil(value / align) * align for value in (side, halo))
    return TilingOptions(shape=(side, side), halo=halo if side > 2 * halo else 0, align=align)


def _raise_limits(model, side):
    """Let a tile larger than those of the training have more sources by its area."""
    model.network.allow(max(1.0, (side / model.tile_side)**2))


def _codes(labels, boxes, fwhm_pix, class_names):
    """Class codes that decide how sources are measured."""
    codes = ((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) > _POINT * fwhm_pix).astype(int)
    for label, name in enumerate(class_names):
        if name in CLASS_NAMES:
            codes[labels == label] = CLASS_NAMES.index(name)
    return codes


@dataclass
class _TileSearch:
    """Looks for sources in some tiles of the network frame at once."""

    view: NetworkView
    side: int
    multiple: int  # pixels to which tiles at the edge of an image are filled up
    source: tuple  # arguments of `_ready`: the network itself stays where it is

    def chunks(self, tiles, size):
        """Bring together tiles of one shape, so that none is filled up for another's sake."""
        groups = {}
        for tile in tiles:
            shape = tuple(-(-(part.stop - part.start) // self.multiple) for part in tile.padded)
            groups.setdefault(shape, []).append(tile)
        return [group[start:start + size] for group in groups.values()
                for start in range(0, len(group), size)]

    def read(self, tiles):
        """Read tiles as channels, filled up with blank sky."""
        prepared = []
        for tile in tiles:
            raw, significance = self.view.read_window(tile.padded)
            if np.isfinite(raw).any():
                more = tuple((0, -n % self.multiple) for n in raw.shape)
                channels = np.pad(self.view.to_channels(raw), ((0, 0), *more),
                                  constant_values=np.nan)
                prepared.append((tile, significance, channels))
        return prepared

    @torch.inference_mode()
    def work(self, prepared):
        """Find the sources that tiles answer for, as detections in network pixels."""
        if not prepared:
            return vars(Detections.empty())
        model, device, mixed = _ready(*self.source)
        _raise_limits(model, self.side)
        images = [torch.from_numpy(channels).to(device) for _, _, channels in prepared]
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            results = model.network(images)
        return vars(Detections.concatenate(
            [_own(model, tile, significance, result)
             for (tile, significance, _), result in zip(prepared, results, strict=True)]))


def _own(model, tile, significance, result):
    """Calibrate and refine what was found in a tile, and keep what is centred in its core."""
    boxes = result['boxes'].float().cpu().numpy().astype(float)
    if len(boxes) >= model.network.n_allowed:
        logger.warning('a tile has as many detections as the network can give, %d: some may be '
                       'missing', len(boxes))
    snr = peaks_in(significance, boxes)
    score = model.calibration(raw_logit(result['scores'].float().cpu().numpy()), snr)
    boxes = model.refiner(significance, boxes)
    boxes += np.tile([tile.padded[1].start, tile.padded[0].start], 2)
    middle = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    own = ((middle[:, 0] >= tile.core[1].start) & (middle[:, 0] < tile.core[1].stop)
           & (middle[:, 1] >= tile.core[0].start) & (middle[:, 1] < tile.core[0].stop)
           & np.isfinite(snr))  # a box over blank sky is a guess about what nobody has seen
    label = result['labels'].cpu().numpy()[own] - 1
    return Detections(*box_centres(boxes[own]), boxes[own], score[own], label=label)


def warn_if_far(domain, image):
    """
    Warn where an image is of another kind than those of a training.

    Parameters
    ----------
    domain : dict
        From `~astrofound.training.describe_domain`; may be empty.
    image : `~astrofound.image.SurveyImage`
        What the detector is to look at.

    Warns
    -----
    DomainWarning
        If beams or frequencies differ by more than a factor of 2, or brightness is per beam in
        one only.
    """
    if not domain:
        return
    if domain['per_beam'] != image.is_per_beam:
        kinds = ['not per beam', 'per beam']
        warnings.warn(DomainWarning(
            f'the detector was trained on images whose brightness is {kinds[domain["per_beam"]]}, '
            f'that of {image.name} is {kinds[image.is_per_beam]}: scores mean little there'),
            stacklevel=4)
    hertz = domain.get('frequency_hz')
    if hertz is not None and image.frequency is not None:
        factor = image.frequency.to_value('Hz') / hertz
        if max(factor, 1 / factor) > _FAR:
            warnings.warn(DomainWarning(
                f'the frequency of {image.name}, {1e-9 * factor * hertz:.3g} GHz, is '
                f'{max(factor, 1 / factor):.1f} times {"higher" if factor > 1 else "lower"} than '
                f'the {1e-9 * hertz:.3g} GHz of the training: sources may look different there'),
                stacklevel=4)
    beam = domain['beam_arcsec']
    if beam is None or image.sky_beam is None:
        return
    own = float(np.sqrt(image.sky_beam.major * image.sky_beam.minor).to_value('arcsec'))
    factor = max(own / beam, beam / own)
    if factor > _FAR:
        warnings.warn(DomainWarning(
            f'the beam of {image.name}, {own:.3g}", is {factor:.1f} times '
            f'{"larger" if own > beam else "smaller"} than the {beam:.3g}" of the training: '
            'scores may be wrong for what looks different at that resolution'), stacklevel=4)
