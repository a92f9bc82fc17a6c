import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound._kernels.gaussian import (
    CONVERGED,
    NO_PIXELS,
    OUT_OF_BOUNDS,
    add_gaussian,
    fit_gaussian,
    precision_from_shape,
    shape_from_precision,
)
from astrofound._kernels.groups import FREE_POSITION, FREE_SHAPE, fit_group


def member(amplitude, x, y, major=4.0, minor=4.0, theta=0.0):
    return np.array([amplitude, x, y, *precision_from_shape(major, minor, theta)])


def scene(*members, shape=(31, 41)):
    data = np.zeros(shape)
    for row in members:
        add_gaussian(data, *row, 1.0, 200.0)
    return data


def fit(data, start, kind, shift=3.0, **limits):
    start = np.array(start)
    limits = {'min_fwhm': 1.0, 'max_fwhm': 30.0, **limits}
    return fit_group(data, np.ones(data.shape), start, np.array(kind), np.full(len(start), shift),
                     limits['min_fwhm'], limits['max_fwhm'])


def test_one_member_like_the_single_fit():
    rng = np.random.default_rng(1)
    data = scene(member(10, 20.3, 15.2, 7, 4, 30)) + rng.normal(size=(31, 41))
    start = member(8, 20, 15, 5, 5, 0)
    p, status, chi2, n = fit(data, [start], [FREE_SHAPE])
    q, status2, chi2_2, n2 = fit_gaussian(data, np.ones(data.shape), np.append(start, 0.0))
    assert status == status2 == CONVERGED
    assert n == n2
    assert_allclose(chi2, chi2_2, rtol=1e-6)
    assert_allclose(p[0], q[:6], rtol=2e-3)


@pytest.mark.parametrize('gap', [2.5, 4.0, 6.0])
def test_blend_is_told_apart(gap):
    truth = [member(10, 18, 15), member(6, 18 + gap, 15.5)]
    data = scene(*truth)
    start = [member(8, 18.3, 14.8), member(8, 18 + 0.9 * gap, 15.2)]
    p, status, _, _ = fit(data, start, [FREE_POSITION] * 2)
    assert status == CONVERGED
    assert_allclose(p[:, :3], [row[:3] for row in truth], rtol=1e-3)


def test_three_members_one_of_free_shape():
    truth = [member(10, 18, 15, 9, 5, 40), member(12, 25, 18), member(5, 12, 10)]
    data = scene(*truth)
    data[14:16, 20] = np.nan
    start = [member(8, 18.3, 15, 6, 6, 0), member(8, 24.6, 18), member(8, 12.4, 10)]
    p, status, _, _ = fit(data, start, [FREE_SHAPE, FREE_POSITION, FREE_POSITION])
    assert status == CONVERGED
    assert_allclose(p[:, 0], [10, 12, 5], rtol=1e-2)
    assert_allclose(shape_from_precision(*p[0, 3:]), (9, 5, 40), rtol=0.02)


def test_bounds_and_blanks():
    data = scene(member(10, 25, 15))
    p, status, _, _ = fit(data, [member(5, 20, 15)], [FREE_POSITION], shift=2.0)
    assert status == OUT_OF_BOUNDS
    assert np.hypot(*(p[0, 1:3] - (20, 15))) <= 2
    p, status, _, _ = fit(np.full((9, 9), np.nan), [member(5, 4, 4)], [FREE_SHAPE])
    assert status == NO_PIXELS
    assert_allclose(p[0], member(5, 4, 4))


def test_noise_never_runs_away():
    rng = np.random.default_rng(2)
    for _ in range(200):
        data = rng.normal(size=(15, 17)) * 10.0**rng.integers(-8, 9)
        data[rng.random(data.shape) < rng.random()] = np.nan
        start = [member(np.nanmax(np.append(data, 1e-30)), 8 + k, 7, 4, 4, 0) for k in range(3)]
        p, _, _, _ = fit(data, start, [FREE_SHAPE, FREE_POSITION, 0])
        assert np.isfinite(p).all()
        assert (np.hypot(p[:, 1] - [8, 9, 10], p[:, 2] - 7) <= 3 + 1e-9).all()
