import numpy as np
import pytest

from astrofound._kernels.resample import resample_columns, resample_rows


@pytest.fixture
def rng():
    return np.random.default_rng(42)


def matrix(first, weights, size):
    """Write taps out as a full matrix; taps beyond the image weigh nothing."""
    full = np.zeros((len(first), size))
    for i, (start, row) in enumerate(zip(first, weights, strict=True)):
        for k, weight in enumerate(row):
            if weight:
                full[i, start + k] += weight
    return full


def run(data, y_taps, x_taps, offsets=(0, 0)):
    middle = np.empty((data.shape[0], len(x_taps[0])), np.float32)
    lost = np.empty_like(middle)
    any_lost = resample_rows(data, *x_taps, offsets[1], middle, lost)
    out = np.empty((len(y_taps[0]), len(x_taps[0])), np.float32)
    resample_columns(middle, lost, any_lost, *y_taps, offsets[0], out)
    return out, any_lost


@pytest.fixture
def taps(rng):
    def make(n_out, size, n_taps=5):
        first = np.sort(rng.integers(-2, size - 2, n_out))
        weights = rng.normal(0.2, 0.1, (n_out, n_taps))
        place = first[:, None] + np.arange(n_taps)
        weights[(place < 0) | (place >= size)] = 0
        return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return make


def test_without_blanks(rng, taps):
    data = rng.normal(size=(20, 31)).astype(np.float32)
    y_taps, x_taps = taps(9, 20), taps(40, 31)
    out, any_lost = run(data, y_taps, x_taps)
    assert not any_lost
    np.testing.assert_allclose(out, matrix(*y_taps, 20) @ data @ matrix(*x_taps, 31).T,
                               rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('blank', [np.nan, np.inf, -np.inf])
def test_blanks_are_left_out(rng, taps, blank):
    data = rng.normal(size=(20, 31)).astype(np.float32)
    hole = rng.random(data.shape) < 0.2
    data[hole] = blank
    y_taps, x_taps = taps(9, 20), taps(40, 31)
    out, any_lost = run(data, y_taps, x_taps)
    assert any_lost
    rows, columns = matrix(*y_taps, 20), matrix(*x_taps, 31)
    kept = 1 - rows @ hole @ columns.T
    total = rows @ np.where(hole, 0, data) @ columns.T
    clear = np.abs(kept - 0.5) > 1e-4  # the last digit decides at the limit itself
    wanted = np.where(kept >= 0.5, total / np.where(kept == 0, 1, kept), np.nan)
    np.testing.assert_allclose(out[clear], wanted[clear], rtol=1e-3, atol=1e-4)


def test_offset_moves_the_window(rng, taps):
    data = rng.normal(size=(20, 31)).astype(np.float32)
    first, weights = np.arange(4, 12), np.full((8, 3), 1 / 3, np.float32)
    whole, _ = run(data, (first, weights), (first, weights))
    part, _ = run(np.ascontiguousarray(data[3:15, 4:16]), (first, weights), (first, weights),
                  (3, 4))
    np.testing.assert_array_equal(part, whole)
