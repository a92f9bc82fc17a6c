"""The compact detector: a small fully convolutional network in beam space."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = [
    'HEAD_CHANNELS', 'N_CHANNELS', 'STRIDE', 'TOTAL_STRIDE', 'CompactNetwork', 'for_inference',
]

N_CHANNELS = 2  # linear and asinh significance, preprocess.DETECTION_CHANNELS
STRIDE = 2  # network pixels per output cell: half a beam, so that neighbours keep a cell each
TOTAL_STRIDE = 16  # sides of the input are multiples of this

# Slices of the output channels.
HEAD_CHANNELS = {
    'score': slice(0, 1),   # logit that a source, or a part of one, is centred in this cell
    'offset': slice(1, 3),  # centre minus cell centre, (x, y), in cells
    'size': slice(3, 5),    # ln of the sides (width, height) of the source's box, in cells
    'class': slice(5, 8),   # logits of catalog.CLASS_NAMES
    'whole': slice(8, 10),  # from the part to the middle of its whole source, (x, y), folded
}
_N_FINE = 3     # score and offset, which need the finest scale
_N_CONTEXT = 7  # size, class and whole, which need surroundings
_N_ROWS = 32    # of cells that are turned into float32 at a time


class _ConvNorm(nn.Sequential):
    def __init__(self, n_in, n_out, kernel=3, stride=1):
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel, stride, padding=(kernel - stride + 1) // 2, bias=False),
            nn.BatchNorm2d(n_out),
        )


class _Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = _ConvNorm(width, width)
        self.second = _ConvNorm(width, width)

    def forward(self, x):
        # In place, since these passes over memory cost as much as the convolutions.
        return self.second(self.first(x).relu_()).add_(x).relu_()


class _Merge(nn.Module):
    """Bring a coarse map to the scale of a fine one and mix the two."""

    def __init__(self, n_coarse, n_fine):
        super().__init__()
        self.coarse = _ConvNorm(n_coarse, n_fine, kernel=1)
        self.mix = _ConvNorm(n_fine, n_fine)

    def forward(self, coarse, fine):
        # The 1x1 convolution runs before the enlargement: a quarter of the work.
        raised = nn.functional.interpolate(self.coarse(coarse), scale_factor=2.0, mode='nearest')
        return self.mix(raised.add_(fine).relu_()).relu_()


def _head(width, n_outputs):
    return nn.Sequential(_ConvNorm(width, 2 * width), nn.ReLU(inplace=True),
                         nn.Conv2d(2 * width, n_outputs, 1))


def _answer(head, features):
    """Apply a head, its last layer as a matrix product: a 1x1 convolution takes a slow path."""
    last = head[-1]
    weight = last.weight[:, :, 0, 0]
    cells = head[:-1](features).permute(0, 2, 3, 1)
    if cells.dtype == weight.dtype:
        planes = nn.functional.linear(cells, weight, last.bias)
    else:  # a few rows at a time: all of them in float32 are the largest array of the network
        planes = torch.cat([nn.functional.linear(rows.to(weight.dtype), weight, last.bias)
                            for rows in cells.split(_N_ROWS, dim=1)], dim=1)
    return planes.permute(0, 3, 1, 2)


class CompactNetwork(nn.Module):
    """
    U-shaped residual network with one output cell every half beam.

    The scales are 2, 4, 8 and 16 network pixels; with 4 pixels a beam the field of view of
    a cell reaches `receptive_halo` pixels to each side, about 32 beams.

    Parameters
    ----------
    widths : tuple of int, optional
        Number of channels at the four scales.
    depths : tuple of int, optional
        Number of residual blocks at the four scales.
    n_channels : int, optional
        Number of input channels.
    """

    def __init__(self, widths=(24, 48, 96, 160), depths=(1, 1, 2, 1), n_channels=N_CHANNELS):
        super().__init__()
        self.widths, self.depths = tuple(widths), tuple(depths)
        self.stem = _ConvNorm(n_channels, widths[0], kernel=4, stride=2)
        self.stages = nn.ModuleList()
        self.downs = nn.ModuleList()
        for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            self.stages.append(nn.Sequential(*(_Residual(width) for _ in range(depth))))
            if level + 1 < len(widths):
                self.downs.append(_ConvNorm(width, widths[level + 1], kernel=2, stride=2))
        self.merges = nn.ModuleList(
            _Merge(coarse, fine) for fine, coarse in pairwise(widths))
        self.head = _head(widths[0], _N_FINE)
        self.context = _head(widths[1], _N_CONTEXT)
        # A cell is a source about once in a hundred: start there, so that the first steps
        # are not spent on learning that most of the sky is empty.
        nn.init.zeros_(self.head[-1].bias)
        nn.init.constant_(self.head[-1].bias[HEAD_CHANNELS['score']], -4.6)

    @property
    def receptive_halo(self):
        """Number of network pixels beyond a cell that can change its output, rounded up."""
        reach = 2
        for level, depth in enumerate(self.depths):
            scale = STRIDE * 2**level
            # two 3x3 convolutions a block, one in the merge, and the down-sampling's own cell
            reach += scale * (2 * depth + (2 if level + 1 < len(self.depths) else 0))
        reach += STRIDE  # the head
        return -(-reach // TOTAL_STRIDE) * TOTAL_STRIDE

    def forward(self, channels):
        """
        Map channels ``(n, n_channels, ny, nx)`` to outputs ``(n, 10, ny // 2, nx // 2)``.

        Parameters
        ----------
        channels : `torch.Tensor`
            Stretched significance; sides are multiples of ``TOTAL_STRIDE``.

        Returns
        -------
        outputs : `torch.Tensor`
            See ``HEAD_CHANNELS`` for the meaning of the 10 planes.
        """
        x = self.stem(channels.to(self.stem[0].weight.dtype)).relu_()
        pyramid = []
        for level, stage in enumerate(self.stages):
            x = stage(x)
            pyramid.append(x)
            if level < len(self.downs):
                x = self.downs[level](x).relu_()
        for level in reversed(range(1, len(self.merges))):
            x = self.merges[level](x, pyramid[level])
        context = nn.functional.interpolate(_answer(self.context, x), scale_factor=2.0,
                                            mode='nearest')
        return torch.cat([_answer(self.head, self.merges[0](x, pyramid[0])), context], dim=1)


def for_inference(network, device, dtype=torch.float32):
    """
    Prepare a network for use: normalisations folded in, on its device, in its precision.

    Parameters
    ----------
    network : CompactNetwork
        Network in evaluation mode; changed in place.
    device : `torch.device`
        Where it runs.
    dtype : `torch.dtype`, optional
        Precision of all but the last layer. That one stays in float32: rounded scores would
        make ties of neighbouring cells.

    Returns
    -------
    network : CompactNetwork
        The same object.
    """
    for module in network.modules():
        if isinstance(module, _ConvNorm) and len(module) == 2:
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            del module[1]
    network.to(device, dtype, memory_format=torch.channels_last)
    network.head[-1].float()
    network.context[-1].float()
    return network
