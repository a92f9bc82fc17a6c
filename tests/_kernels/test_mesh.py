import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from astrofound._kernels.clip import N_BINS, clipped_statistics
from astrofound._kernels.mesh import (
    lower_rms,
    mesh_cells,
    mesh_map,
    mesh_significance,
    neighbour_median,
)

Y_EDGES = np.array([0, 13, 26, 39, 52])
X_EDGES = np.array([0, 11, 22, 33, 44, 55, 66])


@pytest.fixture
def rng():
    return np.random.default_rng(42)


@pytest.fixture
def data(rng):
    data = rng.normal(size=(52, 66)).astype(np.float32)
    data[rng.random(data.shape) < 0.3] = np.nan
    data[0, 0] = np.inf
    data[:26, :22] = np.nan
    return data


def test_cells(data):
    stats, peaks = np.empty((2, 3, 5)), np.empty((4, 6), np.float32)
    mesh_cells(data, Y_EDGES, X_EDGES, 2, 3.0, 10, 1.0, stats, peaks)
    for j, i in np.ndindex(2, 3):
        cell = data[26 * j:26 * j + 26, 22 * i:22 * i + 22]
        # pixels enter fine cell by fine cell
        parts = [cell[13 * a:13 * a + 13, 11 * b:11 * b + 11] for a in (0, 1) for b in (0, 1)]
        values = np.concatenate([part[np.isfinite(part)] for part in parts])
        assert stats[j, i, 0] == values.size
        if values.size == 0:
            assert np.isnan(stats[j, i, 1:]).all()
            continue
        wanted = np.empty(4)
        clipped_statistics(values, values.size, 3.0, 10, 1.0, np.empty(256, np.float32),
                           np.empty(N_BINS + 2, np.int64), wanted)
        np.testing.assert_array_equal(stats[j, i, 1:], wanted)
    for j, i in np.ndindex(4, 6):
        cell = data[13 * j:13 * j + 13, 11 * i:11 * i + 11]
        assert peaks[j, i] == cell[np.isfinite(cell)].max(initial=-np.inf)


def test_map_is_bilinear_between_cell_centres(rng):
    shape, mesh = (48, 90), rng.normal(size=(6, 7)).astype(np.float32)
    out = np.empty(shape, np.float32)
    mesh_map(mesh, shape, 0, 0, out, False)
    y = (np.arange(-1, 5) + 0.5) * shape[0] / 4 - 0.5
    x = (np.arange(-1, 6) + 0.5) * shape[1] / 5 - 0.5
    grid = np.stack(np.indices(shape), axis=-1)
    np.testing.assert_allclose(out, RegularGridInterpolator((y, x), mesh)(grid), atol=1e-5)


def test_map_of_a_window_is_a_window_of_the_map(rng):
    shape, mesh = (61, 83), rng.normal(size=(5, 6)).astype(np.float32)
    whole, part = np.empty(shape, np.float32), np.empty((20, 31), np.float32)
    mesh_map(mesh, shape, 0, 0, whole, False)
    mesh_map(mesh, shape, 17, 40, part, False)
    np.testing.assert_array_equal(part, whole[17:37, 40:71])


def test_second_map_keeps_the_larger(rng):
    shape, one, two = (30, 40), *rng.normal(size=(2, 4, 5)).astype(np.float32)
    maps = np.empty((3, *shape), np.float32)
    mesh_map(one, shape, 0, 0, maps[0], False)
    mesh_map(two, shape, 0, 0, maps[1], False)
    mesh_map(one, shape, 0, 0, maps[2], False)
    mesh_map(two, shape, 0, 0, maps[2], True)
    np.testing.assert_array_equal(maps[2], np.maximum(maps[0], maps[1]))


def test_significance(data):
    background = np.full(data.shape, 0.5, np.float32)
    rms = np.full(data.shape, 2, np.float32)
    rms[5], rms[6], background[7] = 0, np.nan, np.nan
    out = np.empty(data.shape, np.float32)
    mesh_significance(data, background, rms, out)
    with np.errstate(divide='ignore', invalid='ignore'):
        wanted = (data - background) / rms
    wanted[~np.isfinite(wanted)] = np.nan
    np.testing.assert_array_equal(out, wanted)


def test_lower_rms(data):
    level = np.full((4, 6), 0.3, np.float32)
    wanted = np.ones((4, 6), bool)
    wanted[3] = False
    out = np.full((4, 6), -1, np.float32)
    lower_rms(data, Y_EDGES, X_EDGES, level, wanted, 10.0, out)
    for j, i in np.ndindex(4, 6):
        cell = data[13 * j:13 * j + 13, 11 * i:11 * i + 11] - level[j, i]
        below = cell[cell < 0]
        if j == 3:
            assert out[j, i] == -1
        elif below.size < 10:
            assert np.isnan(out[j, i])
        else:
            np.testing.assert_allclose(out[j, i], np.sqrt((below**2).mean()), rtol=1e-5)


def test_lower_rms_of_noise_is_its_rms_and_no_source_raises_it(rng):
    data = rng.normal(0, 3, (400, 400)).astype(np.float32)
    edges, level = np.array([0, 400]), np.zeros((1, 1), np.float32)
    out = np.empty((2, 1, 1), np.float32)
    lower_rms(data, edges, edges, level, np.ones((1, 1), bool), 10.0, out[0])
    data[100:120, 100:120] += 1e4
    lower_rms(data, edges, edges, level, np.ones((1, 1), bool), 10.0, out[1])
    np.testing.assert_allclose(out.ravel(), 3, rtol=0.02)


@pytest.mark.parametrize('radius', [1, 3])
def test_neighbour_median(rng, radius):
    mesh = rng.normal(size=(7, 9))
    mesh[2:5, 3:6] = np.nan
    out = np.empty(mesh.shape)
    neighbour_median(mesh, radius, False, out)
    for j, i in np.ndindex(mesh.shape):
        part = mesh[max(0, j - radius):j + radius + 1, max(0, i - radius):i + radius + 1]
        part = part[np.isfinite(part)]
        np.testing.assert_equal(out[j, i], np.median(part) if part.size else np.nan)


def test_mirrored_median_keeps_a_slope_to_the_rim():
    mesh = np.add.outer(3.0 * np.arange(6), 5.0 * np.arange(8))
    mesh[:2, :3] = np.nan
    out = np.empty(mesh.shape)
    neighbour_median(mesh, 1, True, out)
    known = np.isfinite(mesh)
    np.testing.assert_allclose(out[known], mesh[known])
