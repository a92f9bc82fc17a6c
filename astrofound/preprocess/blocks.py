"""Significance averaged over blocks of a beam, compact sources left out: the coarse view."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .._kernels.blocks import block_means, block_tops, punch_ellipses
from ..image import SurveyImage
from ..utils import usable_cores
from .background import NoiseMap

__all__ = ['BlockMap']

_STRIP_PIXELS = 2_000_000
_HOLE_LEVEL = 0.3   # sigma of a compact source that may remain at the rim of its hole
_WIDEST = 2.5       # FWHM from the centre to the rim of the hole of a source of 10^7 sigma


@dataclass(frozen=True)
class BlockMap:
    """
    Significance of an image, averaged over square blocks about as large as the beam.

    Parameters
    ----------
    image : SurveyImage
        Source of the pixels.
    noise : NoiseMap
        Its background and rms.
    side : int
        Side of a block in pixels.
    limit : float
        Pixels are clipped to this many sigma, so that what is bright and compact yet not in
        ``holes`` has little weight.
    holes : (n, 4) `~numpy.ndarray`
        ``x, y, fwhm_x, fwhm_y`` of the compact sources that are left out, in pixels.
    """

    image: SurveyImage
    noise: NoiseMap
    side: int
    limit: float
    holes: np.ndarray

    @property
    def shape(self):
        """Blocks along both axes, ``(n_y, n_x)``."""
        return tuple(-(-size // self.side) for size in self.image.shape)

    def read_window(self, window):
        """
        Average the blocks of a window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` in blocks.

        Returns
        -------
        mean, share, top : 2D `~numpy.ndarray` of float32
            Mean significance of the pixels that count, 0 where there is none; which share of
            the block they are; and the largest pixel, holes or not. The same values however
            the map is cut into windows.
        """
        rows, columns = window
        size = rows.stop - rows.start, columns.stop - columns.start
        mean, share, top = (np.empty(size, np.float32) for _ in range(3))
        step = max(1, int(_STRIP_PIXELS / (self.side**2 * size[1])))
        # a hole reaches into the strip from a source whose peak lies beyond it
        margin = _WIDEST * self.holes[:, 2:].max(initial=0) / self.side
        margin = math.ceil(margin) + 1

        def fill(start):
            stop = min(start + step, size[0])
            self._strip((slice(rows.start + start, rows.start + stop), columns), margin,
                        mean[start:stop], share[start:stop], top[start:stop])

        with ThreadPoolExecutor(usable_cores()) as pool:
            list(pool.map(fill, range(0, size[0], step)))
        return mean, share, top

    def _strip(self, window, margin, mean, share, highest):
        wide = [slice(max(part.start - margin, 0) * self.side,
                      min((part.stop + margin) * self.side, size))
                for part, size in zip(window, self.image.shape, strict=True)]
        wide = tuple(wide)
        data = self.noise.significance(self.image.read_window(wide), wide)
        top, left = (part.start * self.side - outer.start
                     for part, outer in zip(window, wide, strict=True))
        block_tops(data[top:, left:], self.side, highest)
        x, y = self.holes[:, 0] - wide[1].start, self.holes[:, 1] - wide[0].start
        near = (x >= 0) & (x < data.shape[1]) & (y >= 0) & (y < data.shape[0])
        punch_ellipses(data, x[near], y[near], self.holes[near, 2], self.holes[near, 3],
                       _HOLE_LEVEL)
        block_means(data[top:, left:], self.side, self.limit, mean, share)
