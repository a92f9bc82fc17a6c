"""Averages over square blocks of pixels, with holes where sources were."""

import math

import numpy as np
from numba import njit

__all__ = ['blank_ellipses', 'block_means', 'block_tops', 'punch_ellipses']


@njit(cache=True, nogil=True)
def blank_ellipses(data, x, y, a, b):
    """
    Blank ellipses whose axes lie along those of the array.

    Parameters
    ----------
    data : 2D array
        Changed in place: NaN in the ellipses.
    x, y : (n,) arrays
        Centres in pixels of the array.
    a, b : (n,) arrays
        Semi-axes along x and y.
    """
    n_y, n_x = data.shape
    for k in range(len(x)):
        top, bottom = max(int(y[k] - b[k]), 0), min(int(y[k] + b[k]) + 2, n_y)
        left, right = max(int(x[k] - a[k]), 0), min(int(x[k] + a[k]) + 2, n_x)
        for j in range(top, bottom):
            for i in range(left, right):
                if ((i - x[k]) / a[k])**2 + ((j - y[k]) / b[k])**2 <= 1.0:
                    data[j, i] = np.nan


@njit(cache=True, nogil=True)
def punch_ellipses(data, x, y, a, b, level):
    """
    Blank the ellipses in which Gaussians are brighter than a level.

    Each Gaussian is as high as the brightest of the 3x3 pixels at its centre, so that brighter
    sources get wider holes, but at least twice the level.

    Parameters
    ----------
    data : 2D array
        Changed in place: NaN in the ellipses.
    x, y : (n,) arrays
        Centres in pixels of the array.
    a, b : (n,) arrays
        FWHM along x and y.
    level : float
        What is left of a source at the rim of its hole.
    """
    n_y, n_x = data.shape
    reach = np.empty(len(x))
    for k in range(len(x)):
        # all heights first: one source's hole must not hide another's peak
        height = 2.0 * level
        j0, i0 = round(y[k]), round(x[k])
        for j in range(max(j0 - 1, 0), min(j0 + 2, n_y)):
            for i in range(max(i0 - 1, 0), min(i0 + 2, n_x)):
                if data[j, i] > height:
                    height = data[j, i]
        reach[k] = math.sqrt(math.log(height / level) / (4 * math.log(2.0)))
    blank_ellipses(data, x, y, reach * a, reach * b)


@njit(cache=True, nogil=True)
def block_means(data, side, limit, mean, share):
    """
    Average the finite pixels of square blocks, clipped to ``-limit ... limit``.

    Parameters
    ----------
    data : 2D array
        Its corner is the corner of a block; blocks that it does not fill count as blank there.
    side : int
        Side of a block in pixels.
    limit : float
        Largest absolute value that counts.
    mean, share : 2D arrays
        Take the mean, 0 where nothing is finite, and the share of finite pixels.
    """
    n_y, n_x = data.shape
    limit = np.float32(limit)
    total = np.empty(mean.shape[1], np.float32)
    count = np.empty(mean.shape[1], np.float32)
    for block in range(mean.shape[0]):
        total[:] = 0
        count[:] = 0
        for j in range(block * side, min((block + 1) * side, n_y)):
            for column in range(mean.shape[1]):
                for i in range(column * side, min((column + 1) * side, n_x)):
                    value = data[j, i]
                    if value - value == 0.0:
                        total[column] += min(max(value, -limit), limit)
                        count[column] += 1
        for column in range(mean.shape[1]):
            mean[block, column] = total[column] / count[column] if count[column] > 0 else 0.0
            share[block, column] = count[column] / (side * side)


@njit(cache=True, nogil=True)
def block_tops(data, side, top):
    """
    Find the largest finite pixel of each block.

    Parameters
    ----------
    data : 2D array
        Its corner is the corner of a block.
    side : int
        Side of a block in pixels.
    top : 2D array
        Takes the largest pixels, 0 where none is positive.
    """
    n_y, n_x = data.shape
    for block in range(top.shape[0]):
        top[block, :] = 0
        for j in range(block * side, min((block + 1) * side, n_y)):
            for column in range(top.shape[1]):
                for i in range(column * side, min((column + 1) * side, n_x)):
                    value = data[j, i]
                    if value > top[block, column] and value - value == 0.0:
                        top[block, column] = value
