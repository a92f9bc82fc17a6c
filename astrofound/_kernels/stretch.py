"""Pointwise stretches of float32 images; NaN stays NaN."""

import numpy as np
from numba import njit

__all__ = ['linear_stretch', 'asinh_stretch', 'nan_to_zero']


@njit(cache=True, nogil=True)
def linear_stretch(data, low, high, scale, out):
    """Write ``clip(data, low, high) / scale``."""
    low, high = np.float32(low), np.float32(high)
    factor = np.float32(1.0 / scale)
    for i in range(data.size):
        value = data[i]
        if value == value:
            value = min(max(value, low), high)
        out[i] = value * factor


@njit(cache=True, nogil=True)
def asinh_stretch(data, softening, scale, out):
    """Write ``arcsinh(data / softening) / scale``."""
    narrow = np.float32(1.0 / softening)
    factor = np.float32(1.0 / scale)
    one = np.float32(1.0)
    for i in range(data.size):
        value = data[i] * narrow
        size = abs(value)
        if size < np.float32(0.02):
            # the logarithm loses digits here; two terms are good to 1e-8
            result = size * (one - size * size / np.float32(6.0))
        elif size < np.float32(1e15):
            result = np.log(size + np.sqrt(size * size + one))
        else:
            result = np.log(size) + np.float32(0.6931472)  # the square would overflow
        out[i] = (result if value >= 0 else -result) * factor


@njit(cache=True, nogil=True)
def nan_to_zero(data):
    """Set NaN to 0 in place."""
    for i in range(data.size):
        if data[i] != data[i]:
            data[i] = np.float32(0.0)
