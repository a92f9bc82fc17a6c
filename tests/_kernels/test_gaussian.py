import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import curve_fit

from astrofound._kernels.gaussian import (
    CONVERGED,
    NO_PIXELS,
    OUT_OF_BOUNDS,
    add_gaussian,
    fit_gaussian,
    precision_from_shape,
    shape_from_precision,
)


def start_of(amplitude, x, y, major, minor, theta, offset=0.0):
    return np.array([amplitude, x, y, *precision_from_shape(major, minor, theta), offset])


def gaussian(shape, amplitude, x, y, major, minor, theta, offset=0.0):
    """NumPy twin of the kernel."""
    j, i = np.indices(shape)
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    along, across = (i - x) * cos + (j - y) * sin, -(i - x) * sin + (j - y) * cos
    return offset + amplitude * np.exp(-4 * np.log(2) * ((along / major)**2 + (across / minor)**2))


@pytest.mark.parametrize('theta', [0, 30, 90, 135, 179.5])
def test_shape_round_trip(theta):
    assert_allclose(shape_from_precision(*precision_from_shape(7.0, 3.0, theta)), (7, 3, theta))


def test_add_gaussian_like_numpy():
    stamp = np.zeros((30, 40))
    add_gaussian(stamp, 5.0, 18.3, 12.6, *precision_from_shape(8.0, 4.0, 30.0), 1.0, 200.0)
    assert_allclose(stamp, gaussian((30, 40), 5, 18.3, 12.6, 8, 4, 30), atol=1e-12)


def test_add_gaussian_far_outside():
    stamp = np.zeros((5, 5))
    add_gaussian(stamp, 1.0, -1e5, 1e12, *precision_from_shape(3.0, 3.0, 0.0))
    add_gaussian(stamp, 1.0, np.nan, 2.0, *precision_from_shape(3.0, 3.0, 0.0))
    assert not stamp.any()


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('shape', [(6, 4, 20), (4, 4, 0), (9, 3.2, 160)])
def test_fit_finds_truth(shape, dtype):
    data = gaussian((31, 33), 12, 15.7, 14.2, *shape, offset=0.5).astype(dtype)
    data[3:6, 4:9] = np.nan
    start = start_of(9, 15, 15, 4, 4, 0)
    p, status, chi2, n_pixels = fit_gaussian(data, np.ones(data.shape), start,
                                             free_offset=True)
    assert status == CONVERGED
    assert n_pixels == 31 * 33 - 15
    assert chi2 < 1e-6
    assert_allclose(p[[0, 1, 2, 6]], [12, 15.7, 14.2, 0.5], rtol=1e-4)
    major, minor, theta = shape_from_precision(p[3], p[4], p[5])
    assert_allclose((major, minor), shape[:2], rtol=1e-4)
    if major > 1.01 * minor:
        assert_allclose(theta, shape[2], atol=0.1)


def test_fixed_shape_like_scipy():
    rng = np.random.default_rng(2)
    data = gaussian((21, 21), 10, 10.4, 9.8, 5, 4, 40) + rng.normal(size=(21, 21))
    p, status, chi2, _ = fit_gaussian(data, np.ones(data.shape), start_of(8, 10, 10, 5, 4, 40),
                                      free_shape=False)
    best, _ = curve_fit(lambda _, a, x, y: gaussian((21, 21), a, x, y, 5, 4, 40).ravel(), None,
                        data.ravel(), p0=(8, 10, 10))
    assert status == CONVERGED
    assert_allclose(p[:3], best, atol=2e-3)
    assert_allclose(chi2, ((data - gaussian((21, 21), *best, 5, 4, 40))**2).sum(), rtol=1e-6)


def test_amplitude_only_is_linear():
    data = -3 * gaussian((15, 15), 1, 7, 7, 4, 4, 0)
    p, status, _, _ = fit_gaussian(data, np.ones(data.shape), start_of(1, 7, 7, 4, 4, 0),
                                   free_shape=False, free_position=False)
    assert status == CONVERGED
    assert_allclose(p[0], -3, rtol=1e-4)


def test_bounds_hold():
    data = gaussian((41, 41), 10, 30, 20, 12, 12, 0)
    p, status, _, _ = fit_gaussian(data, np.ones(data.shape), start_of(5, 20, 20, 4, 4, 0),
                                   max_shift=3.0, max_fwhm=6.0)
    major, minor, _ = shape_from_precision(p[3], p[4], p[5])
    assert status == OUT_OF_BOUNDS
    assert np.hypot(p[1] - 20, p[2] - 20) <= 3
    assert minor <= major <= 6.0


@pytest.mark.parametrize('value', [np.nan, np.inf, 0.0])
def test_nothing_to_fit(value):
    start = start_of(1, 4, 4, 3, 3, 0)
    data = np.full((9, 9), value)
    p, status, _, _ = fit_gaussian(data, np.ones(data.shape), start)
    assert np.isfinite(p).all()
    if value != 0:
        assert status == NO_PIXELS
        assert_allclose(p, start)


def test_noise_never_runs_away():
    rng = np.random.default_rng(5)
    for _ in range(300):
        data = rng.normal(size=(13, 13)) * 10.0**rng.integers(-8, 9)
        data[rng.random(data.shape) < rng.random()] = np.nan
        p, _, _, _ = fit_gaussian(data, np.ones(data.shape),
                                  start_of(np.nanmax(np.append(data, 1e-30)), 6, 6, 4, 4, 0),
                                  max_shift=4.0, min_fwhm=1.0, max_fwhm=20.0)
        assert np.isfinite(p).all()
        assert np.hypot(p[1] - 6, p[2] - 6) <= 4 + 1e-9
