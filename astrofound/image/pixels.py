"""Where pixels come from: an array, a mapped file, a compressed file, a part of another."""

import hashlib
import threading
import warnings
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from astropy.io import fits

from astrofound.utils import file_state

__all__ = ['ArrayPixels', 'BlankZeroPixels', 'CompressedPixels', 'FilePixels', 'RawImage',
           'WindowPixels', 'array_pixels', 'has_zero_border', 'scale']

_STRIP_BYTES = 64_000_000


@dataclass
class RawImage:
    """
    What a reader hands to `SurveyImage`.

    Everything is final except the beam, which may still be on the sky: pixels of the chosen
    plane, a clean header, the celestial WCS, and the notes that go into one warning.
    """

    pixels: object
    header: fits.Header = field(default_factory=fits.Header)
    wcs: object = None
    unit: object = None
    beam: object = None
    beam_origin: str | None = None
    path: Path | None = None
    hdu_index: int | None = None
    plane: tuple = ()
    notes: list = field(default_factory=list)

    def __post_init__(self):
        if self.beam is not None and self.beam_origin is None:
            self.beam_origin = 'header'


def scale(raw, bscale=1.0, bzero=0.0, blank=None):
    """
    Turn stored numbers into native float32 with NaN for blank and infinite pixels.

    Parameters
    ----------
    raw : `~numpy.ndarray`
        Numbers as stored, in any type and byte order.
    bscale, bzero : float, optional
        The value is ``bscale * raw + bzero``.
    blank : int, optional
        Stored integer that marks a blank pixel.

    Returns
    -------
    values : `~numpy.ndarray` of float32
        A new C-contiguous array.
    """
    with np.errstate(over='ignore', invalid='ignore'):
        if bscale == 1 and bzero == 0:
            values = np.array(raw, dtype=np.float32, order='C')
        else:
            # float64 on the way: 32-bit integers with an offset do not fit in float32
            values = (raw.astype(np.float64) * bscale + bzero).astype(np.float32, order='C')
        if blank is not None and raw.dtype.kind in 'iu':
            values[raw == blank] = np.nan
        if raw.dtype.kind == 'f':
            values[~np.isfinite(values)] = np.nan
    return values


class _FileGuard:
    """Notices that a file is not the one it was: half of two images makes no catalogue."""

    def __init__(self, path):
        self.state = file_state(path)

    def check(self):
        """Raise OSError where the file has changed."""
        if file_state(self.state[0]) != self.state:
            raise OSError('the file has changed since it was opened; run again when it is written')


class ArrayPixels:
    """
    Pixels of anything that can be sliced into arrays: NumPy, dask, memory maps.

    Parameters
    ----------
    array : array-like
        Two to four axes, ``[..., y, x]``.
    plane : tuple of int, optional
        Index along each axis before the image axes.
    """

    def __init__(self, array, plane=()):
        self.array = array
        self.plane = tuple(plane)
        self.shape = tuple(array.shape[-2:])

    def read(self, window):
        """Return the window as float32, NaN where blank."""
        return scale(np.asarray(self.array[(*self.plane, *window)]))

    def identity(self):
        """Return what tells these pixels from others; None where they are not in memory."""
        if not isinstance(self.array, np.ndarray):
            return None
        content = hashlib.sha256(np.ascontiguousarray(self.array)).hexdigest()
        return ['array', content, str(self.array.dtype), str(self.plane)]


class FilePixels:
    """
    Uncompressed FITS pixels read through a memory map that lives for one window.

    Nothing stays open between two windows, so that the object travels to threads and
    processes, and a mosaic larger than memory never counts as memory in use.

    Parameters
    ----------
    path : path-like or bytes
        The file, or the unpacked content of a .gz file.
    offset : int
        Bytes before the data.
    shape : tuple of int
        Shape of the stored array.
    dtype : `~numpy.dtype`
        Stored type.
    index : tuple
        Index of the image in the stored array with two slices standing for y and x.
    scaling : tuple
        ``(bscale, bzero, blank)``.
    """

    def __init__(self, path, offset, shape, dtype, index, scaling):
        self.path, self.offset, self.stored_shape, self.dtype = path, offset, shape, dtype
        self.index, self.scaling = index, scaling
        self.shape = tuple(n for n, i in zip(shape, index, strict=True) if isinstance(i, slice))
        self._guard = None if isinstance(path, bytes) else _FileGuard(path)

    def identity(self):
        """Return what tells these pixels from others."""
        if self._guard is None:
            return ['packed', hashlib.sha256(self.path).hexdigest(), self.offset, str(self.index)]
        return [*self._guard.state, self.offset, str(self.index)]

    def read(self, window):
        """Return the window as float32, NaN where blank."""
        if self._guard is not None:
            self._guard.check()
        if isinstance(self.path, bytes):
            stored = np.frombuffer(self.path, self.dtype, int(np.prod(self.stored_shape)),
                                   self.offset).reshape(self.stored_shape)
        else:
            stored = np.memmap(self.path, self.dtype, 'r', self.offset, self.stored_shape)
        return scale(np.asarray(stored[_fill(self.index, window)]), *self.scaling)


class CompressedPixels:
    """
    Tile-compressed FITS pixels; a window decompresses only the tiles it touches.

    Parameters
    ----------
    path : path-like
        The file.
    hdu : int
        Index of the compressed HDU.
    shape : tuple of int
        Shape of the uncompressed array.
    index : tuple
        As in `FilePixels`.
    """

    def __init__(self, path, hdu, shape, index):
        self.path, self.hdu, self.stored_shape, self.index = path, hdu, shape, index
        self.shape = tuple(n for n, i in zip(shape, index, strict=True) if isinstance(i, slice))
        self._guard = _FileGuard(path)
        self._prepare()

    def _prepare(self):
        self._lock = threading.Lock()  # one file position for all threads
        self._section, self._row_tiles = None, False
        self._strips = OrderedDict()  # by rows, pixels of the last full-width reads

    def __getstate__(self):
        state = self.__dict__.copy()
        del state['_lock'], state['_section'], state['_strips']  # opened again where it arrives
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._prepare()

    def identity(self):
        """Return what tells these pixels from others."""
        return [*self._guard.state, self.hdu, str(self.index)]

    def read(self, window):
        """Return the window as float32, NaN where blank."""
        self._guard.check()
        try:
            return self._read(window)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # each codec of astropy has exceptions of its own
            raise OSError(f'its compressed pixels are damaged ({error}); fetch it again') from error

    def _read(self, window):
        with self._lock:
            if self._section is None:
                self._open()
            if not self._keeps_strip(window[0]):
                return scale(np.asarray(self._section[_fill(self.index, window)]))
            return scale(self._strip(window[0])[:, window[1]])

    def _open(self):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # said when the image was made
            hdus = fits.open(self.path, uint=False)
        weakref.finalize(self, hdus.close)
        self._section = hdus[self.hdu].section
        # a compression tile is a row unless its writer chose otherwise
        tiles = getattr(hdus[self.hdu], 'tile_shape', None)
        self._row_tiles = tiles is not None and tiles[-1] >= self.stored_shape[-1]

    def _strip(self, rows):
        """Give rows as stored, which tiles of one field of sources come back to."""
        key = rows.start, rows.stop
        if key not in self._strips:
            whole = rows, slice(0, self.shape[1])
            self._strips[key] = np.asarray(self._section[_fill(self.index, whole)])
        self._strips.move_to_end(key)
        while len(self._strips) > 1 and sum(map(_size, self._strips.values())) > _STRIP_BYTES:
            self._strips.popitem(last=False)
        return self._strips[key]

    def _keeps_strip(self, rows):
        """Row tiles decompress whole anyway: neighbouring windows share the work."""
        size = 4 * (rows.stop - rows.start) * self.shape[1]
        image_is_last = isinstance(self.index[-1], slice) and isinstance(self.index[-2], slice)
        return self._row_tiles and image_is_last and size <= _STRIP_BYTES


def _size(strip):
    return strip.nbytes


class WindowPixels:
    """
    A part of other pixels.

    Parameters
    ----------
    pixels : pixels
        The whole.
    window : (slice, slice)
        Which part.
    """

    def __init__(self, pixels, window):
        self.pixels, self.window = pixels, window
        self.shape = tuple(part.stop - part.start for part in window)

    def identity(self):
        """Return what tells these pixels from others, or None."""
        whole = self.pixels.identity()
        return whole and [*whole, str(self.window)]

    def read(self, window):
        """Return the window as float32, NaN where blank."""
        return self.pixels.read(tuple(slice(part.start + own.start, part.stop + own.start)
                                      for part, own in zip(window, self.window, strict=True)))


class BlankZeroPixels:
    """
    Pixels of a mosaic whose border is written as zero.

    Parameters
    ----------
    pixels : pixels
        What is read; exact zeros come back as NaN.
    """

    def __init__(self, pixels):
        self.pixels, self.shape = pixels, pixels.shape

    def identity(self):
        """Return what tells these pixels from others, or None."""
        return self.pixels.identity()

    def read(self, window):
        """Return the window as float32, NaN where blank or zero."""
        values = self.pixels.read(window)
        values[values == 0] = np.nan
        return values


def has_zero_border(pixels, *, side=8, inside=64):
    """
    Tell whether exact zeros stand for blank sky.

    They do where a corner of the image holds nothing else and the middle holds none: an image
    of few counts has zeros everywhere, noise with a mean of zero hardly ever has one.

    Parameters
    ----------
    pixels : pixels
        The image.
    side, inside : int, optional
        Sides of the squares looked at in the corners and in the middle.

    Returns
    -------
    zero_border : bool
        Whether zeros are blank.
    """
    ny, nx = pixels.shape
    if min(ny, nx) < inside:
        return False
    ends = (slice(0, side), slice(-side, None))
    corners = [tuple(slice(*part.indices(n)[:2]) for part, n in zip(pair, (ny, nx), strict=True))
               for pair in product(ends, ends)]
    if not any((pixels.read(corner) == 0).all() for corner in corners):
        return False
    middle = tuple(slice((n - inside) // 2, (n + inside) // 2) for n in (ny, nx))
    values = pixels.read(middle)
    return bool(np.isfinite(values).any() and not (values == 0).any())


def _fill(index, window):
    window = iter(window)
    return tuple(next(window) if isinstance(part, slice) else part for part in index)


def array_pixels(array, index):
    """
    Cut the image out of an array in memory.

    Parameters
    ----------
    array : array-like
        Two to four axes.
    index : tuple
        From `~astrofound.image.planes.image_index`.

    Returns
    -------
    pixels : ArrayPixels
        The chosen plane.
    """
    extra = [axis for axis, part in enumerate(index) if not isinstance(part, slice)]
    image = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
    if extra and image != [array.ndim - 2, array.ndim - 1]:
        array = array.transpose(extra + image)
    return ArrayPixels(array, tuple(index[axis] for axis in extra))
