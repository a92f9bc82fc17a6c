import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound._kernels.blocks import blank_ellipses, block_means, block_tops, punch_ellipses


@pytest.fixture
def data():
    data = np.random.default_rng(0).normal(0, 3, (13, 22)).astype(np.float32)
    data[3:6, 4:9] = np.nan
    data[8, 8] = np.inf
    return data


def twins(data, side, limit):
    shape = -(-data.shape[0] // side), -(-data.shape[1] // side)
    mean, share, top = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for j, i in np.ndindex(shape):
        part = data[j * side:(j + 1) * side, i * side:(i + 1) * side]
        part = part[np.isfinite(part)]
        if part.size:
            mean[j, i] = np.clip(part, -limit, limit).mean()
            top[j, i] = max(part.max(), 0)
        share[j, i] = part.size / side**2
    return mean, share, top


@pytest.mark.parametrize('side', [1, 3, 4])
def test_blocks_are_those_of_numpy(data, side):
    expected = twins(data, side, 4.0)
    mean, share, top = (np.empty(expected[0].shape, np.float32) for _ in range(3))
    block_means(data, side, 4.0, mean, share)
    block_tops(data, side, top)
    for found, wanted in zip((mean, share, top), expected, strict=True):
        assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_ellipses_are_those_of_numpy():
    data = np.zeros((20, 30), np.float32)
    x, y, a, b = np.array([[8.3, 28.0], [4.6, 19.5], [5.0, 4.2], [2.5, 6.0]])
    blank_ellipses(data, x, y, a, b)
    rows, columns = np.mgrid[:20, :30]
    inside = np.zeros(data.shape, bool)
    for k in range(2):
        inside |= ((columns - x[k]) / a[k])**2 + ((rows - y[k]) / b[k])**2 <= 1
    np.testing.assert_array_equal(np.isnan(data), inside)


@pytest.mark.parametrize('peak', [3.0, 1e2, 1e5])
def test_hole_leaves_no_more_than_the_level(peak):
    rows, columns = np.mgrid[:61, :61]
    data = peak * np.exp(-4 * np.log(2) * ((rows - 30)**2 + (columns - 30)**2) / 25)
    punch_ellipses(data, *np.array([[30.0], [30.0], [5.0], [5.0]]), 0.3)
    assert np.isnan(data[30, 30])
    assert np.nanmax(data) <= 0.3
    assert np.isnan(data).sum() < np.pi * 13**2
