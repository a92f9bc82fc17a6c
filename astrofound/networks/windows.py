"""Attention within windows of a vision transformer, whatever library it is from."""

import torch
from torch.nn import functional as F

from astrofound.utils import InputError, check_number

__all__ = ['BlockWindows', 'global_blocks']

_N_GLOBAL = 4  # blocks that still see everything


def global_blocks(n_blocks):
    """
    Say which blocks attend globally: a third, but at most four, evenly up to the last [1]_.

    Parameters
    ----------
    n_blocks : int
        Blocks of the transformer.

    Returns
    -------
    blocks : tuple of int
        Counted from 0.

    References
    ----------
    .. [1] Li, Mao, Girshick & He 2022, Exploring Plain Vision Transformer Backbones for
       Object Detection, arXiv:2203.16527.

    Examples
    --------
    >>> from astrofound.networks.windows import global_blocks
    >>> global_blocks(12)
    (2, 5, 8, 11)
    """
    n_global = min(_N_GLOBAL, max(1, n_blocks // 3))
    return tuple(round(n_blocks * part / n_global) - 1 for part in range(1, n_global + 1))


class BlockWindows:
    """
    Lets most blocks of a transformer attend within windows only.

    A block works on each token alone but for its attention, so it is called with windows in the
    place of images. Rows and columns that fill up the last windows are zeros. Prefix tokens go
    with every window, and their copies are averaged afterwards.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        A vision transformer; changed in place.
    side : int
        Tokens along the side of a window.

    Raises
    ------
    InputError
        If the backbone has no blocks of tokens.
    """

    def __init__(self, backbone, side):
        check_number('window', side, minimum=1, integer=True)
        if not backbone.blocks:
            raise InputError(f'{backbone.spec.name} has no blocks that windows could be put on')
        self.side, self.n_prefix, self.name = side, backbone.spec.n_prefix, backbone.spec.name
        self.grid = None  # patches (ny, nx) of the images to come
        for index, block in enumerate(backbone.blocks):
            if index not in global_blocks(len(backbone.blocks)):
                block.register_forward_pre_hook(self._cut, with_kwargs=True)
                block.register_forward_hook(self._join)

    def _cut(self, block, arguments, keywords):
        if not arguments:
            first = next(iter(keywords))
            return arguments, {**keywords, first: self.split(keywords[first])}
        rest = (*arguments[1:], *keywords.values())
        if any(isinstance(one, torch.Tensor | tuple) for one in rest):
            raise InputError(f'{self.name} hands positions to its blocks, so its attention cannot '
                             'be cut into windows; use global attention')
        return (self.split(arguments[0]), *arguments[1:]), keywords

    def _join(self, block, arguments, output):
        if isinstance(output, tuple):
            return (self.merge(output[0]), *output[1:])
        return self.merge(output)

    @property
    def _n_windows(self):
        return tuple(-(-n // self.side) for n in self.grid)

    def split(self, tokens):
        """
        Cut sequences into windows.

        Parameters
        ----------
        tokens : `torch.Tensor`
            ``(n, n_prefix + ny * nx, d)``.

        Returns
        -------
        windows : `torch.Tensor`
            ``(n * n_windows, n_prefix + side**2, d)``.
        """
        (ny, nx), (rows, columns), side = self.grid, self._n_windows, self.side
        prefix, patches = tokens[:, :self.n_prefix], tokens[:, self.n_prefix:]
        n, _, width = patches.shape
        image = F.pad(patches.reshape(n, ny, nx, width),
                      (0, 0, 0, columns * side - nx, 0, rows * side - ny))
        windows = image.reshape(n, rows, side, columns, side, width).transpose(2, 3)
        windows = windows.reshape(n * rows * columns, side * side, width)
        return torch.cat([prefix.repeat_interleave(rows * columns, dim=0), windows], dim=1)

    def merge(self, windows):
        """
        Put windows together again, the inverse of `split`.

        Parameters
        ----------
        windows : `torch.Tensor`
            As `split` gives them.

        Returns
        -------
        tokens : `torch.Tensor`
            ``(n, n_prefix + ny * nx, d)``.
        """
        (ny, nx), (rows, columns), side = self.grid, self._n_windows, self.side
        n, width = len(windows) // (rows * columns), windows.shape[-1]
        prefix = windows[:, :self.n_prefix].reshape(n, rows * columns, self.n_prefix, width)
        image = windows[:, self.n_prefix:].reshape(n, rows, columns, side, side, width)
        image = image.transpose(2, 3).reshape(n, rows * side, columns * side, width)[:, :ny, :nx]
        return torch.cat([prefix.mean(dim=1), image.reshape(n, ny * nx, width)], dim=1)
