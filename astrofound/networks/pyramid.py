"""From the maps of a backbone to a feature pyramid that a detector can look at."""

from collections import OrderedDict

import torch
from torch import nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import FeaturePyramidNetwork

from .windows import BlockWindows

__all__ = ['FeaturePyramid', 'SimplePyramid', 'map_channels']

_FACTORS = (4, 2, 1, 0.5)


class SimplePyramid(nn.Module):
    """
    Pyramid from one map alone, for plain vision transformers [1]_.

    Parameters
    ----------
    n_in : int
        Channels of the map.
    width : int
        Channels of the pyramid.
    stride : int
        Pixels a cell of the map.
    factors : tuple of float, optional
        How much finer than the map each level is.

    References
    ----------
    .. [1] Li, Mao, Girshick & He 2022, Exploring Plain Vision Transformer Backbones for
       Object Detection, arXiv:2203.16527.
    """

    def __init__(self, n_in, width, stride, factors=_FACTORS):
        super().__init__()
        self.levels = nn.ModuleList()
        self.strides = tuple(stride / factor for factor in factors)
        for factor in factors:
            layers, n_channels = _resize(n_in, factor)
            self.levels.append(nn.Sequential(
                *layers, nn.Conv2d(n_channels, width, 1, bias=False), LayerNorm2d(width, eps=1e-6),
                nn.Conv2d(width, width, 3, padding=1, bias=False), LayerNorm2d(width, eps=1e-6)))

    def forward(self, maps):
        """
        Make the levels.

        Parameters
        ----------
        maps : dict of str to `torch.Tensor`
            One map ``(n, n_in, ny, nx)``.

        Returns
        -------
        pyramid : `~collections.OrderedDict` of str to `torch.Tensor`
            Finest first.
        """
        (one,) = maps.values()
        return OrderedDict((str(index), level(one)) for index, level in enumerate(self.levels))


def _resize(n_in, factor):
    """Layers that change the scale of a map, and the number of channels that leave them."""
    if factor == 4:
        half, quarter = max(1, n_in // 2), max(1, n_in // 4)
        return [nn.ConvTranspose2d(n_in, half, 2, 2), LayerNorm2d(half, eps=1e-6), nn.GELU(),
                nn.ConvTranspose2d(half, quarter, 2, 2)], quarter
    if factor == 2:
        return [nn.ConvTranspose2d(n_in, max(1, n_in // 2), 2, 2)], max(1, n_in // 2)
    if factor == 1:
        return [], n_in
    return [nn.MaxPool2d(2)], n_in


class _LateralPyramid(FeaturePyramidNetwork):
    """The hierarchical pyramid of convolutional networks, by level instead of by name."""

    def __init__(self, channels, width, strides):
        super().__init__(channels, width)
        self.strides = tuple(strides)

    def forward(self, maps):
        return OrderedDict(zip(map(str, range(len(maps))), super().forward(maps).values(),
                               strict=True))


class _LastMap(nn.Module):
    """No pyramid at all: the last map, as the paper's ResNet-18."""

    def __init__(self, stride):
        super().__init__()
        self.strides = (stride,)

    def forward(self, maps):
        return OrderedDict([('0', list(maps.values())[-1])])


class FeaturePyramid(nn.Module):
    """
    A backbone and the pyramid on top of it.

    A backbone with one map gets a `SimplePyramid`, one with several a hierarchical pyramid. A
    frozen backbone stays in evaluation mode, whatever is asked of the whole, and builds no
    graph; so does every batch normalisation of one that is not trained from scratch.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Its ``stages`` give the maps.
    width : int, optional
        Channels of the pyramid.
    extra : bool, optional
        Whether a level coarser than all is added by taking every second cell.
    last_only : bool, optional
        Whether the last map alone is used, as it is.
    from_scratch : bool, optional
        Whether batch normalisations of the backbone average over the batches of a training.
    window : int, optional
        Tokens along the side of a window within which most blocks of a transformer attend; 0
        attends globally. Convolutional networks have no use for it.
    """

    def __init__(self, backbone, width=256, *, extra=False, last_only=False, from_scratch=False,
                 window=0):
        super().__init__()
        self.body = backbone
        channels = map_channels(backbone)
        strides = list(channels)
        if last_only:
            self.neck = _LastMap(strides[-1])
            width = channels[strides[-1]]
        elif len(channels) == 1:
            self.neck = SimplePyramid(channels[strides[0]], width, strides[0])
        else:
            self.neck = _LateralPyramid(list(channels.values()), width, strides)
        self.extra = nn.MaxPool2d(1, 2) if extra else None
        self.strides = self.neck.strides
        if extra:
            self.strides = (*self.strides, 2 * self.strides[-1])
        self.out_channels = width
        self.from_scratch = from_scratch
        self.windows = BlockWindows(backbone, window) if window and len(channels) == 1 else None

    @property
    def is_frozen(self):
        """Whether no parameter of the backbone learns."""
        return not any(parameter.requires_grad for parameter in self.body.parameters())

    def train(self, mode=True):
        """
        Change mode, which a frozen backbone does not.

        Parameters
        ----------
        mode : bool, optional
            Whether to train.

        Returns
        -------
        pyramid : FeaturePyramid
            Itself.
        """
        super().train(mode)
        if self.is_frozen:
            self.body.eval()
        elif not self.from_scratch:
            for module in self.body.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def forward(self, images):
        """
        Make the pyramid of a batch.

        Parameters
        ----------
        images : `torch.Tensor`
            As the backbone takes them.

        Returns
        -------
        pyramid : `~collections.OrderedDict` of str to `torch.Tensor`
            Level to map, finest first.
        """
        if self.windows is not None:
            self.windows.grid = self.body.spec.grid_shape(images.shape[-2:])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            maps = self.body.stages(images)
        pyramid = self.neck(OrderedDict((str(stride), one) for stride, one in maps.items()))
        if self.extra is not None:
            pyramid[str(len(pyramid))] = self.extra(next(reversed(pyramid.values())))
        return pyramid


@torch.no_grad()
def map_channels(backbone):
    """
    Look what maps a backbone gives.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        In evaluation mode.

    Returns
    -------
    channels : dict of int to int
        Stride in pixels to number of channels, finest first.
    """
    spec = backbone.spec
    side = spec.native_size if spec.fixed_size else 2 * spec.patch_size
    blank = torch.zeros(1, 1, side, side, device=backbone.device)
    return {stride: one.shape[1] for stride, one in backbone.stages(blank).items()}
