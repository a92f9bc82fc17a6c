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
    """
    Write ``arcsinh(data / softening) / scale``, good to 2e-6 of the value.

    The logarithm is the polynomial of Cephes' ``logf`` on the bits of the number: written out
    it runs in vector registers, five times as fast as a call for each pixel.
    """
    narrow = np.float32(1.0 / softening)
    factor = np.float32(1.0 / scale)
    one = np.float32(1.0)
    n_block = 2048  # stays in the first cache
    block = np.empty(n_block, np.float32)
    bits = block.view(np.int32)
    root_half = np.int32(0x3F3504F3)
    for start in range(0, data.size, n_block):
        n = min(n_block, data.size - start)
        for k in range(n):
            size = min(abs(data[start + k] * narrow), np.float32(1e18))  # its square is finite
            block[k] = size + np.sqrt(size * size + one)
        for k in range(n):
            power = bits[k] - root_half
            bits[k] = (power & np.int32(0x007FFFFF)) + root_half
            power >>= 23
            z = block[k] - one
            y = np.float32(7.0376836292e-2)
            y = y * z - np.float32(1.1514610310e-1)
            y = y * z + np.float32(1.1676998740e-1)
            y = y * z - np.float32(1.2420140846e-1)
            y = y * z + np.float32(1.4249322787e-1)
            y = y * z - np.float32(1.6668057665e-1)
            y = y * z + np.float32(2.0000714765e-1)
            y = y * z - np.float32(2.4999993993e-1)
            y = y * z + np.float32(3.3333331174e-1)
            square = z * z
            y = z + (y * z * square - np.float32(0.5) * square)
            block[k] = y + np.float32(power) * np.float32(0.69314718)
        for k in range(n):
            value = data[start + k]
            size = abs(value * narrow)
            # near 0 the logarithm loses digits; three terms are good to 5e-8
            square = size * size
            small = size * (one - square * (np.float32(1 / 6) - square * np.float32(0.075)))
            result = (small if size < np.float32(0.1) else block[k]) * factor
            result = -result if value < 0 else result
            out[start + k] = result if value == value else np.float32(np.nan)


@njit(cache=True, nogil=True)
def nan_to_zero(data):
    """Set NaN to 0 in place."""
    for i in range(data.size):
        if data[i] != data[i]:
            data[i] = np.float32(0.0)
