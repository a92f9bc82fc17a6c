"""Bring an image to a fixed number of pixels a beam, and results back: one transform."""

import math
from dataclasses import dataclass, field

import numpy as np

from .._kernels.resample import resample_columns, resample_rows
from ..utils import InputError, check_number

__all__ = ['BeamResampler']

_LOBES = 3  # Lanczos-3: see the docstring of BeamResampler


@dataclass(frozen=True)
class BeamResampler:
    """
    Transform between an image and a frame in which the beam spans a fixed number of pixels.

    The frame is resampled with a Lanczos kernel of three lobes, widened when the image
    shrinks: its flat pass band keeps the peak of a Gaussian of 4 px FWHM within 1 %, where a
    triangle or an area average loses 5 % and more. Weights belong to absolute pixel positions,
    so a window holds the same values however the frame is tiled.

    Parameters
    ----------
    shape : tuple of int
        Image ``(ny, nx)``.
    fwhm_pix : float
        FWHM of its beam or PSF in pixels.
    target_fwhm_pix : float, optional
        FWHM in pixels of the network frame.

    Attributes
    ----------
    zoom : float
        Network pixels per image pixel; exactly 1 where it is within 1 % of it, and then pixels
        are copied.
    network_shape : tuple of int
        ``(ny, nx)`` of the network frame.

    Examples
    --------
    >>> resampler = BeamResampler((300, 200), 8.0)
    >>> resampler.zoom, resampler.network_shape
    (0.5, (150, 100))
    """

    shape: tuple
    fwhm_pix: float
    target_fwhm_pix: float = 4.0
    zoom: float = field(init=False)
    network_shape: tuple = field(init=False)

    def __post_init__(self):
        check_number('fwhm_pix', self.fwhm_pix, above=0)
        check_number('target_fwhm_pix', self.target_fwhm_pix, above=0)
        shape = tuple(int(side) for side in self.shape)
        if len(shape) != 2 or min(shape) < 1:
            msg = f"'shape' must be two lengths of at least 1, got {self.shape!r}"
            raise InputError(msg)
        zoom = float(self.target_fwhm_pix / self.fwhm_pix)
        if abs(zoom - 1) <= 0.01:
            zoom = 1.0
        object.__setattr__(self, 'shape', shape)
        object.__setattr__(self, 'zoom', zoom)
        # a hair less, so that 300 * (4 / 6) is not rounded up to one pixel more
        object.__setattr__(self, 'network_shape',
                           tuple(max(1, math.ceil(side * zoom - 1e-6)) for side in shape))

    def to_network(self, x, y):
        """
        Turn image positions into network positions.

        Parameters
        ----------
        x, y : float or `~numpy.ndarray`
            Image pixels, 0 at the centre of the first.

        Returns
        -------
        x, y : float or `~numpy.ndarray`
            Network pixels.
        """
        return (x + 0.5) * self.zoom - 0.5, (y + 0.5) * self.zoom - 0.5

    def to_image(self, x, y):
        """
        Turn network positions into image positions.

        Parameters
        ----------
        x, y : float or `~numpy.ndarray`
            Network pixels, 0 at the centre of the first.

        Returns
        -------
        x, y : float or `~numpy.ndarray`
            Image pixels.
        """
        return (x + 0.5) / self.zoom - 0.5, (y + 0.5) / self.zoom - 0.5

    def boxes_to_image(self, boxes):
        """
        Turn boxes of the network frame into boxes of the image.

        Parameters
        ----------
        boxes : `~numpy.ndarray`
            Shape ``(n, 4)``: ``[x1, y1, x2, y2]`` as edges from 0 to ``nx``.

        Returns
        -------
        boxes : `~numpy.ndarray`
            Same shape, in image pixels.
        """
        return np.asarray(boxes) / self.zoom

    def boxes_to_network(self, boxes):
        """
        Turn boxes of the image into boxes of the network frame.

        Parameters
        ----------
        boxes : `~numpy.ndarray`
            Shape ``(n, 4)``: ``[x1, y1, x2, y2]`` as edges from 0 to ``nx``.

        Returns
        -------
        boxes : `~numpy.ndarray`
            Same shape, in network pixels.
        """
        return np.asarray(boxes) * self.zoom

    def image_window(self, network_window):
        """
        Find the image pixels that a window of the network frame depends on.

        Parameters
        ----------
        network_window : tuple of slice
            ``(slice_y, slice_x)`` inside the network frame.

        Returns
        -------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.
        """
        return tuple(self._reach(axis, part) for axis, part in enumerate(network_window))

    def resample(self, read, network_window):
        """
        Resample the part of the image under a window of the network frame.

        Parameters
        ----------
        read : callable
            Takes a window of the image and returns its pixels, NaN for blank ones.
        network_window : tuple of slice
            ``(slice_y, slice_x)`` inside the network frame.

        Returns
        -------
        data : 2D `~numpy.ndarray` of float32
            Same unit as the image, since values and not sums are kept. Blank pixels take no
            part; NaN where they would carry more than half of the weight.
        """
        window = self.image_window(network_window)
        data = np.ascontiguousarray(read(window), np.float32)
        if self.zoom == 1:
            return np.where(np.isfinite(data), data, np.float32(np.nan))
        y_first, y_weights = self._weights(0, network_window[0])
        x_first, x_weights = self._weights(1, network_window[1])
        middle = np.empty((data.shape[0], len(x_first)), np.float32)
        lost = np.empty_like(middle)
        any_lost = resample_rows(data, x_first, x_weights, window[1].start, middle, lost)
        out = np.empty((len(y_first), len(x_first)), np.float32)
        resample_columns(middle, lost, any_lost, y_first, y_weights, window[0].start, out)
        return out

    @property
    def _width(self):
        """Stretch of the kernel, in image pixels: wider than one when the image shrinks."""
        return max(1.0, 1.0 / self.zoom)

    def _taps(self, axis, part):
        """First tap of each network pixel and the number of taps, not yet cut at the edges."""
        centre = (np.arange(part.start, part.stop) + 0.5) / self.zoom - 0.5
        first = np.floor(centre - _LOBES * self._width).astype(np.int64) + 1
        n_taps = math.ceil(2 * _LOBES * self._width)
        return centre, first, n_taps

    def _reach(self, axis, part):
        if self.zoom == 1:
            return slice(part.start, part.stop)
        _, first, n_taps = self._taps(axis, part)
        start = int(np.clip(first[0], 0, self.shape[axis] - 1))
        stop = int(np.clip(first[-1] + n_taps, start + 1, self.shape[axis]))
        return slice(start, stop)

    def _weights(self, axis, part):
        """Normalised weights of each network pixel's taps; those beyond the image weigh 0."""
        centre, first, n_taps = self._taps(axis, part)
        taps = first[:, None] + np.arange(n_taps)
        distance = (taps - centre[:, None]) / self._width
        weights = np.where(np.abs(distance) < _LOBES,
                           np.sinc(distance) * np.sinc(distance / _LOBES), 0)
        weights[(taps < 0) | (taps >= self.shape[axis])] = 0
        total = weights.sum(axis=1, keepdims=True)
        weights /= total
        return first, weights.astype(np.float32)
