import numpy as np
import pytest
from scipy import ndimage

from astrofound._kernels.blends import FREE, N_OUT, OUT_N, OUT_STATUS, fit_stamps
from astrofound._kernels.gaussian import CONVERGED, add_gaussian, precision_from_shape

BEAM = np.array(precision_from_shape(4.0, 4.0, 0.0))
SIDE = 81
WIDE = np.array([6.0, 40.2, 39.7, *precision_from_shape(26.0, 20.0, 30.0)])
POINT = np.array([20.0, 46.1, 44.4, *BEAM])


def noise(seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(SIDE, SIDE)),
                                    4 / 2.3548 / np.sqrt(2))
    return noise / noise.std()


def fit(data, spacing):
    """Free fits of a wide source and of the point in front of it, together."""
    n = 2
    start = np.array([WIDE, POINT])
    out = np.full((n, N_OUT), np.nan)
    fit_stamps(np.arange(n), np.tile(data.astype(np.float32).ravel(), n),
               np.arange(n) * SIDE**2, np.array([[0, 0, SIDE, SIDE]] * n), start, np.zeros((n, 6)),
               np.array([0, 2, 4]), np.array([0, 1, 0, 1]), np.array([0, 1, 2]), np.array([1, 0]),
               BEAM, np.array([0.7, 0.85]), spacing, np.full(n, 3.0), np.full(n, 60.0), True, out)
    return out


@pytest.fixture(scope='module')
def fits():
    scene = np.zeros((SIDE, SIDE))
    for row in (WIDE, POINT):
        add_gaussian(scene, *row, 1.0, 200.0)
    return {spacing: np.array([fit(scene + noise(seed), spacing) for seed in range(60)])
            for spacing in (1, 2)}


@pytest.mark.parametrize('source', [0, 1])
def test_every_second_pixel_of_a_wide_source_says_as_much(fits, source):
    every, second = fits[1][:, source], fits[2][:, source]
    good = ((every[:, FREE + OUT_STATUS] == CONVERGED)
            & (second[:, FREE + OUT_STATUS] == CONVERGED))
    assert good.mean() > 0.9
    column = slice(FREE, FREE + 6)
    moved = (second - every)[good, column].std(axis=0)
    error = every[good, column].std(axis=0)
    assert (moved < 0.25 * error).all()
    np.testing.assert_allclose(second[good, FREE + OUT_N], every[good, FREE + OUT_N], rtol=0.03)
