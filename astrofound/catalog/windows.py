"""Read the surroundings of many sources with each tile of the image read once."""

import math
import threading
from collections import OrderedDict

import numpy as np

__all__ = ['WindowReader']

_FIELD = 4  # tiles along the side of a field


class WindowReader:
    """
    Background-subtracted pixels and noise of any window, through a cache of small tiles.

    Tiles lie at fixed places, and a window is put together from those it touches: what comes
    back does not depend on the order of asking, and memory stays bounded. Several threads may ask
    at once. Sources are worked
    through field by field (`field_of`), so that little more is read for each field than its own
    tiles and those along its rim.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    noise : `~astrofound.preprocess.background.NoiseMap`
        Its background and noise.
    tile_side : int, optional
        Side of a tile in pixels.
    n_tiles : int, optional
        How many tiles are kept, nine fields by default.
    """

    def __init__(self, image, noise, *, tile_side=256, n_tiles=9 * _FIELD**2):
        self.shape = image.shape
        self.tile_side = tile_side
        self._image, self._noise, self._n_tiles = image, noise, n_tiles
        self._cache, self._lock = OrderedDict(), threading.Lock()

    def __getstate__(self):
        # pixels are read where it arrives
        return {name: value for name, value in self.__dict__.items()
                if name not in ('_cache', '_lock')}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._cache, self._lock = OrderedDict(), threading.Lock()

    def field_of(self, x, y):
        """
        Return the rank of the field, a square of tiles, that each position lies in.

        Parameters
        ----------
        x, y : `~numpy.ndarray`
            Positions.

        Returns
        -------
        rank : `~numpy.ndarray` of int
            Row by row; where sources are sorted by it, each tile is read about once.
        """
        side = _FIELD * self.tile_side
        column = np.clip(np.round(x), 0, self.shape[1] - 1).astype(int) // side
        row = np.clip(np.round(y), 0, self.shape[0] - 1).astype(int) // side
        return row * (self.shape[1] // side + 1) + column

    def _tile(self, row, column):
        key = row, column
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        found = self._read_tile(row, column)
        with self._lock:
            self._cache[key] = found
            if len(self._cache) > self._n_tiles:
                self._cache.popitem(last=False)
        return found

    def _read_tile(self, row, column):
        side, (ny, nx) = self.tile_side, self.shape
        window = (slice(row * side, min((row + 1) * side, ny)),
                  slice(column * side, min((column + 1) * side, nx)))
        level, rms = self._noise.read_window(window)
        with np.errstate(invalid='ignore', over='ignore'):
            data = (self._image.read_window(window) - level).astype(np.float32, copy=False)
            good = np.isfinite(data) & np.isfinite(rms) & (rms > 0)
        data[~good] = np.nan
        return data, level, rms

    def read(self, window):
        """
        Return pixels, background and noise of a window inside the image.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)``.

        Returns
        -------
        data, background, rms : 2D `~numpy.ndarray` of float32
            ``data`` has the background subtracted and is NaN where the pixel is blank or the
            noise unknown. Views of the cache where the window lies in one tile: not to be
            changed.
        """
        side = self.tile_side
        (top, bottom), (left, right) = ((part.start, part.stop) for part in window)
        rows = range(top // side, (bottom - 1) // side + 1)
        columns = range(left // side, (right - 1) // side + 1)
        if len(rows) == len(columns) == 1:
            part = (slice(top - rows[0] * side, bottom - rows[0] * side),
                    slice(left - columns[0] * side, right - columns[0] * side))
            return tuple(array[part] for array in self._tile(rows[0], columns[0]))
        whole = tuple(np.empty((bottom - top, right - left), np.float32) for _ in range(3))
        for row in rows:
            y1, y2 = max(top, row * side), min(bottom, (row + 1) * side)
            for column in columns:
                x1, x2 = max(left, column * side), min(right, (column + 1) * side)
                inner = (slice(y1 - row * side, y2 - row * side),
                         slice(x1 - column * side, x2 - column * side))
                target = slice(y1 - top, y2 - top), slice(x1 - left, x2 - left)
                for into, array in zip(whole, self._tile(row, column), strict=True):
                    into[target] = array[inner]
        return whole

    def value_at(self, x, y):
        """
        Return background and noise at the pixel of a position.

        Parameters
        ----------
        x, y : float
            Position.

        Returns
        -------
        background, rms : float
            ``rms`` is NaN where it is not known.
        """
        row = min(max(round(y), 0), self.shape[0] - 1)
        column = min(max(round(x), 0), self.shape[1] - 1)
        side = self.tile_side
        _, level, rms = self._tile(row // side, column // side)
        value = float(rms[row % side, column % side])
        good = math.isfinite(value) and value > 0
        return float(level[row % side, column % side]), value if good else math.nan
