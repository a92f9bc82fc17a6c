"""Cut a frame into tiles that overlap, and put their cores together again."""

from dataclasses import dataclass

import numpy as np

from ..utils import InputError, check_number

__all__ = ['Tile', 'TileGrid', 'TilingOptions']


@dataclass(frozen=True, kw_only=True)
class TilingOptions:
    """
    Tile geometry in pixels.

    Parameters
    ----------
    shape : tuple of int, optional
        Largest tile ``(ny, nx)`` with its halo; a multiple of ``align``.
    halo : int, optional
        Pixels added on each side of a core so that no source is seen cut; a multiple of
        ``align``.
    align : int, optional
        Tiles and cores start at multiples of this, the stride of the network, so that a
        source meets the same grid whatever the tiling.
    """

    shape: tuple[int, int] = (640, 640)
    halo: int = 64
    align: int = 16

    def __post_init__(self):
        check_number('align', self.align, minimum=1, integer=True)
        check_number('halo', self.halo, minimum=0, integer=True)
        try:
            ny, nx = self.shape
        except (TypeError, ValueError):
            msg = f"'shape' must be a pair (ny, nx), got {self.shape!r}"
            raise InputError(msg) from None
        for side in (ny, nx):
            check_number('shape', side, minimum=1, integer=True)
            if side <= 2 * self.halo:
                msg = (f"'halo' must be smaller than half the tile side {side}, got {self.halo}; "
                       'lower it or use larger tiles')
                raise InputError(msg)
        for name, value in (('shape', ny), ('shape', nx), ('halo', self.halo)):
            if value % self.align:
                msg = f'{name!r} must be a multiple of align={self.align}, got {value}'
                raise InputError(msg)

    @property
    def core_shape(self):
        """Shape ``(ny, nx)`` of a tile without its halo."""
        return self.shape[0] - 2 * self.halo, self.shape[1] - 2 * self.halo


@dataclass(frozen=True)
class Tile:
    """
    One tile of a frame; windows are ``(slice_y, slice_x)`` in pixels of the frame.

    Parameters
    ----------
    index : int
        Place in the grid, row by row from the origin.
    core : tuple of slice
        The part this tile answers for; the cores of a grid cover each pixel once.
    padded : tuple of slice
        Core and halo, cut at the edges of the frame.
    """

    index: int
    core: tuple
    padded: tuple

    @property
    def core_in_padded(self):
        """Window of the core inside the padded tile's own pixels."""
        return tuple(slice(core.start - padded.start, core.stop - padded.start)
                     for core, padded in zip(self.core, self.padded, strict=True))


@dataclass(frozen=True)
class TileGrid:
    """
    The tiles of one frame, in rows from the origin.

    Parameters
    ----------
    shape : tuple of int
        Frame ``(ny, nx)``.
    options : TilingOptions, optional
        Tile geometry.

    Examples
    --------
    >>> grid = TileGrid((1000, 700))
    >>> len(grid), grid[1].core
    (4, (slice(0, 512, None), slice(512, 700, None)))
    """

    shape: tuple
    options: TilingOptions = TilingOptions()

    def __post_init__(self):
        shape = tuple(int(side) for side in self.shape)
        if len(shape) != 2 or min(shape) < 1:
            msg = f"'shape' must be two lengths of at least 1, got {self.shape!r}"
            raise InputError(msg)
        object.__setattr__(self, 'shape', shape)

    @property
    def n_tiles(self):
        """Tiles along both axes, ``(n_y, n_x)``."""
        return tuple(-(-side // step)
                     for side, step in zip(self.shape, self.options.core_shape, strict=True))

    def __len__(self):
        n_y, n_x = self.n_tiles
        return n_y * n_x

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            msg = f'tile {index} of {len(self)}'
            raise IndexError(msg)
        index = index % len(self)
        windows = [self._windows(axis, place)
                   for axis, place in enumerate(divmod(index, self.n_tiles[1]))]
        return Tile(index, *(tuple(pair) for pair in zip(*windows, strict=True)))

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def _windows(self, axis, place):
        size, step = self.shape[axis], self.options.core_shape[axis]
        start, stop = place * step, min((place + 1) * step, size)
        halo = self.options.halo
        return slice(start, stop), slice(max(0, start - halo), min(size, stop + halo))

    def split(self, data):
        """
        Cut an array into padded tiles.

        Parameters
        ----------
        data : `~numpy.ndarray`
            Shape ``(..., ny, nx)``.

        Returns
        -------
        tiles : list of `~numpy.ndarray`
            Views in the order of the grid.
        """
        self._check(data.shape[-2:], self.shape, 'data')
        return [data[(..., *tile.padded)] for tile in self]

    def stitch(self, tiles):
        """
        Put the cores of padded tiles together, the inverse of `split`.

        Parameters
        ----------
        tiles : iterable of `~numpy.ndarray`
            Padded tiles, shape ``(..., ny, nx)``, in the order of the grid.

        Returns
        -------
        data : `~numpy.ndarray`
            Shape ``(..., *shape)``.
        """
        out = None
        for tile, data in zip(self, tiles, strict=True):
            size = tuple(part.stop - part.start for part in tile.padded)
            self._check(data.shape[-2:], size, f'tile {tile.index}')
            if out is None:
                out = np.empty((*data.shape[:-2], *self.shape), data.dtype)
            out[(..., *tile.core)] = data[(..., *tile.core_in_padded)]
        return out

    @staticmethod
    def _check(shape, wanted, name):
        if tuple(shape) != tuple(wanted):
            msg = f'{name} must end in the shape {tuple(wanted)}, got {tuple(shape)}'
            raise InputError(msg)
