"""The compact detector's encoder as a backbone that comes with the package."""

import torch

from ..networks import CompactNetwork, load_weights
from ..preprocess import DETECTION_CHANNELS, Asinh, Linear
from .backbone import Backbone

__all__ = ['CompactBackbone', 'build_compact', 'new_compact']


class CompactBackbone(Backbone):
    """
    Encoder and upward path of the compact detector.

    It takes significance, ``(data - background) / rms``, with 4 pixels a beam, and stretches
    it into the two channels of the detector itself. Its own pooling is the mean and the
    maximum of the maps at every scale.

    Parameters
    ----------
    spec : BackboneSpec
        What it is.
    model : `~astrofound.networks.CompactNetwork`
        The detector; its head is not used.
    beam_pix : float, optional
        FWHM of the beam in pixels for which it was trained.
    """

    def __init__(self, spec, model, beam_pix=4.0):
        super().__init__(spec, model)
        self.beam_pix = beam_pix

    def _maps(self, significance):
        """Maps from the finest to the coarsest; all but the last have seen the coarser ones."""
        channels = torch.cat([_stretch(significance, stretch)
                              for stretch in DETECTION_CHANNELS.stretches], dim=1)
        x = self.model.stem(channels).relu_()
        maps = []
        for level, stage in enumerate(self.model.stages):
            x = stage(x)
            maps.append(x)
            if level < len(self.model.downs):
                x = self.model.downs[level](x).relu_()
        for level in reversed(range(len(self.model.merges))):
            maps[level] = self.model.merges[level](maps[level + 1], maps[level])
        return maps

    def _tokens(self, pixels, grid):
        maps = self._maps(pixels)
        own = torch.cat([part for one in maps for part in (one.mean(dim=(2, 3)),
                                                           one.amax(dim=(2, 3)))], dim=1)
        dense = maps[-1]
        return dense, dense.new_zeros(len(dense), 0, dense.shape[1]), own

    def _stages(self, pixels, grid):
        return {pixels.shape[-1] // one.shape[-1]: one for one in self._maps(pixels)}

    @property
    def n_own(self):
        """Length of the vector that it pools itself."""
        return 2 * sum(self.model.widths)

    @property
    def blocks(self):
        """The blocks from the image upwards."""
        return list(self.model.stages)


def _stretch(significance, stretch):
    """Apply a stretch of `astrofound.preprocess` where the images are, on any device."""
    if isinstance(stretch, Linear):
        return torch.clamp(significance, stretch.low, stretch.high) / stretch.scale
    if isinstance(stretch, Asinh):
        return torch.asinh(significance / stretch.softening) / stretch.scale
    raise AssertionError(stretch)


def build_compact(spec, source='compact'):
    """
    Build the encoder of a compact detector.

    Parameters
    ----------
    spec : BackboneSpec
        Its record; widths and number of parameters are those of the weights.
    source : str or path-like, optional
        As for `~astrofound.networks.load_weights`.

    Returns
    -------
    backbone : CompactBackbone
        In evaluation mode.
    """
    weights = load_weights(source)
    network = weights.network
    parts = (network.stem, network.stages, network.downs, network.merges)
    spec = spec.replace(
        n_features=network.widths[-1], sha256=weights.sha256,
        options=(('widths', network.widths), ('depths', network.depths),
                 ('beam_pix', weights.beam_pix)),
        n_parameters=sum(p.numel() for part in parts for p in part.parameters()))
    return CompactBackbone(spec, network, weights.beam_pix)


def new_compact(spec):
    """
    Build the encoder of a compact detector with random weights.

    Parameters
    ----------
    spec : BackboneSpec
        Its record; ``options`` can give ``widths``, ``depths`` and ``beam_pix``.

    Returns
    -------
    backbone : CompactBackbone
        In evaluation mode.
    """
    options = dict(spec.options)
    beam_pix = options.pop('beam_pix', 4.0)
    network = CompactNetwork(**options)
    return CompactBackbone(spec.replace(n_features=network.widths[-1]), network, beam_pix)
