"""Bring images of any range to 0..1, as pretrained networks take them."""

import math
from dataclasses import dataclass

import numpy as np

from ..utils import InputError, check_choice
from .scaling import Asinh, Linear, Log, Percentile, ZScale

__all__ = ['SCALINGS', 'UnitRange', 'to_significance']

_MAD_TO_SIGMA = 1.4826  # turns a MAD into a Gaussian sigma
_N_SAMPLED = 10_000  # pixels that level and noise are taken from
_LOW, _HIGH = -3.0, 1000.0  # significance that becomes 0 and 1

#: How an image comes to 0..1.
SCALINGS = {
    'asinh': 'arcsinh of the significance, -3 to 1000',
    'linear': 'significance, -3 to 20',
    'log': 'logarithm of the significance, 1 to 1000; what is below the background is 0',
    'channels': 'the three above, one a channel: peaks, islands and noise all stay visible',
    'percentile': 'between the 0.5th and the 99.5th percentile of the pixels',
    'zscale': "between the limits of IRAF's zscale",
    'minmax': 'between the smallest and the largest pixel',
    'none': 'as they are; bytes are divided by 255',
    'significance': 'in units of the noise, not limited to 0..1; for the compact backbone',
}


def _asinh(significance):
    stretched = Asinh()(np.clip(significance, _LOW, _HIGH))
    low, high = np.arcsinh(_LOW), np.arcsinh(_HIGH)
    return (stretched - low) / (high - low)


def _linear(significance):
    return (Linear(_LOW, 20.0)(significance) - _LOW) / (20.0 - _LOW)


def _log(significance):
    return Log(scale=3.0)(np.clip(significance, 0, _HIGH)).clip(0, 1)


def _minmax(data):
    finite = data[np.isfinite(data)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    return (data - low) / (high - low if high > low else 1.0)


_OF_SIGNIFICANCE = {'asinh': (_asinh,), 'linear': (_linear,), 'log': (_log,),
                    'channels': (_linear, _asinh, _log)}
_OF_PIXELS = {'percentile': Percentile(), 'zscale': ZScale(), 'minmax': _minmax}


@dataclass(frozen=True)
class UnitRange:
    """
    A scaling that brings images to 0..1.

    Parameters
    ----------
    scaling : str, optional
        A key of ``SCALINGS``.

    Examples
    --------
    >>> import numpy as np
    >>> UnitRange('channels')(np.zeros((4, 5))).shape
    (3, 4, 5)
    """

    scaling: str = 'asinh'

    def __post_init__(self):
        check_choice('scaling', self.scaling, SCALINGS)

    def __call__(self, data, *, is_significance=False):
        """
        Scale an image.

        Parameters
        ----------
        data : `~numpy.ndarray`
            Shape ``(ny, nx)`` or ``(n_bands, ny, nx)``. NaN is blank sky.
        is_significance : bool, optional
            Whether it is in units of its noise already.

        Returns
        -------
        scaled : 3D `~numpy.ndarray` of float32
            Shape ``(n_channels, ny, nx)``; NaN stays NaN.

        Raises
        ------
        InputError
            If ``'none'`` is asked for and pixels are not in 0..1, or ``'channels'`` for an
            image of several bands.
        """
        data = np.asarray(data)
        bands = data[None] if data.ndim == 2 else data
        if self.scaling == 'none':
            return _as_it_is(bands)
        if self.scaling in _OF_PIXELS:
            stretch = _OF_PIXELS[self.scaling]
            return np.stack([stretch(band.astype(np.float32)) for band in bands]).astype(
                np.float32)
        if not is_significance:
            bands = [to_significance(band) for band in bands]
        if self.scaling == 'significance':
            return np.stack(bands).astype(np.float32)
        stretches = _OF_SIGNIFICANCE[self.scaling]
        if len(stretches) > 1 and len(bands) > 1:
            raise InputError("scaling 'channels' makes three channels of one band; the image has "
                             f'{len(bands)} already')
        return np.stack([stretch(band) for band in bands for stretch in stretches]).astype(
            np.float32)


def _as_it_is(bands):
    if bands.dtype == np.uint8:
        return bands.astype(np.float32) / 255
    bands = bands.astype(np.float32, copy=False)
    low, high = bands.min(initial=0.0), bands.max(initial=0.0)
    if not np.isfinite(high - low):  # seldom, and the copy costs time
        finite = bands[np.isfinite(bands)]
        low, high = finite.min(initial=0.0), finite.max(initial=0.0)
    if low < -0.01 or high > 1.01:
        raise InputError("scaling 'none' takes bytes or pixels in 0..1, these run from "
                         f"{low:.4g} to {high:.4g}; choose 'asinh' or another")
    return bands


def to_significance(data):
    """
    Turn a small image into units of its own noise.

    The noise is the robust scatter of what survives clipping at three sigma, for cutouts too
    small for a mesh; large images have `noise_map`.

    Parameters
    ----------
    data : 2D `~numpy.ndarray`
        Pixels; those that are not finite are left out.

    Returns
    -------
    significance : 2D `~numpy.ndarray` of float32
        ``(data - level) / noise``. Where the sky was set to 0 before, the faintest pixels that
        are left are taken to be 3 sigma; of another image without noise, ``data - level`` over
        its largest departure.
    """
    data = np.asarray(data, np.float32)
    finite = np.isfinite(data)
    values = _sample(data if finite.all() else data[finite], data.shape[1])
    if not values.size:
        return np.full(data.shape, np.nan, np.float32)
    level = noise = np.float32(0)
    for _ in range(5):
        level = np.median(values)
        noise = _MAD_TO_SIGMA * np.median(np.abs(values - level))
        kept = np.abs(values - level) <= 3 * noise
        if noise <= 0 or kept.all():
            break
        values = values[kept]
    shifted = np.where(finite, data, np.nan) - level
    if noise <= 0:
        is_clipped = level == 0 and not (data < 0).any()
        noise = (_noise_before_clipping(data[data > 0]) if is_clipped
                 else np.nanmax(np.abs(shifted))) or 1.0
    return (shifted / noise).astype(np.float32)


def _noise_before_clipping(positive):
    """Noise of an image whose sky was set to 0: what is left began at about 3 sigma."""
    if not positive.size:
        return 0.0
    # no dynamic range is larger, but numbers without noise are
    return max(np.percentile(positive, 5) / 3, 1e-5 * positive.max())


def _sample(values, nx):
    """Every so many-th pixel: ten thousand tell level and noise to a per cent."""
    step = max(1, values.size // _N_SAMPLED)
    while math.gcd(step, nx) > 1:  # a step that divides a row would see some columns only
        step += 1
    return values.reshape(-1)[::step]
