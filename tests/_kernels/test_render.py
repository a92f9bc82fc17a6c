import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound._kernels.render import (
    add_gaussians,
    add_moffats,
    add_sersics,
    mixture_modes,
    mixture_peak,
)

Y, X = np.mgrid[:61, :71].astype(float)


def one(*values):
    return [np.array([float(value)]) for value in values]


def gaussian(x, y, peak, major, minor, theta):
    angle = np.deg2rad(theta)
    along = (X - x) * np.cos(angle) + (Y - y) * np.sin(angle)
    across = (Y - y) * np.cos(angle) - (X - x) * np.sin(angle)
    return peak * np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))


@pytest.mark.parametrize('source', [
    (35.2, 30.7, 1.0, 4.0, 4.0, 0.0), (30.0, 25.5, 1e4, 9.0, 3.0, 30.0),
    (2.0, -3.0, 50.0, 12.0, 5.0, 135.0), (75.0, 58.0, -3.0, 20.0, 10.0, 80.0)])
def test_gaussian_is_its_formula(source):
    image = np.zeros(X.shape)
    add_gaussians(image, *one(*source), 1e-9)
    assert_allclose(image, gaussian(*source), atol=2e-9)


def test_gaussian_stops_at_the_floor():
    image = np.zeros(X.shape)
    add_gaussians(image, *one(35, 30, 1.0, 5, 5, 0), 0.01)
    assert_allclose(image, gaussian(35, 30, 1.0, 5, 5, 0), atol=0.01)
    assert image[30, 0] == 0
    add_gaussians(image, *one(35, 30, 0.005, 5, 5, 0), 0.01)
    assert image.max() == pytest.approx(1.0)


def test_mixture_peak_finds_the_top():
    rng = np.random.default_rng(1)
    n = 12
    values = [rng.uniform(25, 45, n), rng.uniform(20, 40, n), rng.uniform(1, 3, n),
              rng.uniform(6, 12, n), rng.uniform(4, 6, n), rng.uniform(0, 180, n)]
    first, last = np.array([0, 7]), np.array([7, n])
    x, y, height = mixture_peak(*values, first, last, 50)
    for k in range(2):
        image = sum(gaussian(*source) for source in
                    zip(*(v[first[k]:last[k]] for v in values), strict=True))
        row, column = np.unravel_index(image.argmax(), image.shape)
        assert 0.999 * image.max() < height[k] < 1.05 * image.max()  # the top between pixels
        assert np.hypot(x[k] - column, y[k] - row) < 1


def test_moffat_is_its_formula():
    fwhm, beta, ratio, theta = 4.0, 3.0, 0.8, 20.0
    image = np.zeros(X.shape)
    add_moffats(image, *one(33.3, 28.8, 100.0), fwhm, beta, ratio, theta, 1e-12, 200.0, 1)
    alpha = 0.5 * fwhm / np.sqrt(2 ** (1 / beta) - 1)
    angle = np.deg2rad(theta)
    along = (X - 33.3) * np.cos(angle) + (Y - 28.8) * np.sin(angle)
    across = (Y - 28.8) * np.cos(angle) - (X - 33.3) * np.sin(angle)
    radius2 = (along**2 * ratio + across**2 / ratio) / alpha**2
    expected = 100 * (beta - 1) / (np.pi * alpha**2) * (1 + radius2) ** -beta
    assert_allclose(image, expected, rtol=1e-9)


def test_moffat_averages_over_core_pixels():
    coarse, fine = np.zeros(X.shape), np.zeros(X.shape)
    add_moffats(coarse, *one(35, 30, 1.0), 1.5, 4.0, 1.0, 0.0, 1e-12, 30.0, 1)
    add_moffats(fine, *one(35, 30, 1.0), 1.5, 4.0, 1.0, 0.0, 1e-12, 30.0, 7)
    assert fine[30, 35] < coarse[30, 35]
    assert fine.sum() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize('index', [0.5, 1.0, 2.5, 4.0])
def test_sersic_has_its_flux_and_half_light_radius(index):
    image = np.zeros((201, 201))
    r_e, ratio = 8.0, 0.7
    peak = add_sersics(image, *one(100.3, 99.6, 500.0, r_e, index, ratio, 0.0), 12.0, 4, 3.0, 3.0)
    assert image.sum() == pytest.approx(500, rel=1e-9)
    y, x = np.mgrid[:201, :201]
    inside = np.hypot(x - 100.3, (y - 99.6) / ratio) < r_e
    assert image[inside].sum() / 500 == pytest.approx(0.5, abs=0.04)
    star = (3.0 - 1) / (np.pi * (1.5**2 / (2 ** (1 / 3) - 1)))
    assert 0 < peak[0] < star


def test_sersic_peak_is_that_of_the_convolved_galaxy():
    image, psf = np.zeros((101, 101)), np.zeros((101, 101))
    peak = add_sersics(image, *one(50, 50, 1.0, 3.0, 1.0, 0.6, 40.0), 6.0, 4, 4.0, 3.0)
    add_moffats(psf, *one(50, 50, 1.0), 4.0, 3.0, 1.0, 0.0, 1e-12, 60.0, 1)
    assert peak[0] == pytest.approx(np.sum(image * psf), rel=0.01)


def test_stamps_outside_the_image_are_left_out():
    image = np.zeros((20, 20))
    far = [-500.0, 700.0]
    add_gaussians(image, *one(*far, 1e6, 5, 5, 0), 1e-3)
    add_moffats(image, *one(*far, 1e6), 4.0, 4.0, 1.0, 0.0, 1e-3, 50.0, 3)
    add_sersics(image, *one(*far, 1e6, 4, 1, 1, 0), 6.0, 3, 4.0, 4.0)
    assert not image.any()


def test_mixture_modes_are_the_maxima_of_the_image():
    rng = np.random.default_rng(7)
    for _ in range(10):
        n = 6
        x, y = rng.uniform(15, 55, n), rng.uniform(12, 48, n)
        peak, major = rng.uniform(1, 5, n), rng.uniform(5, 12, n)
        shape = (peak, major, rng.uniform(0.5, 1, n) * major, rng.uniform(0, 180, n))
        image = np.zeros(X.shape)
        add_gaussians(image, x, y, *shape, 1e-9)
        inner = image[1:-1, 1:-1]
        highest = np.max([image[1 + dy:60 + dy, 1 + dx:70 + dx]
                          for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
        rows, columns = np.nonzero((inner == highest) & (inner > 1e-3))
        places = {(column + 1, row + 1) for row, column in zip(rows, columns, strict=True)}
        modes = mixture_modes(x, y, *shape, 0.5, 0.0)
        nearest = [min(np.hypot(a - p, b - q) for p, q in places)
                   for a, b in zip(*modes[:2], strict=True)]
        assert max(nearest) < 1
        assert len(modes[0]) == len(places)
        assert (np.diff(modes[2]) <= 0).all()


def test_shallow_or_near_peaks_are_not_told_apart():
    one, two = np.ones(2), np.array([20.0, 27.0])
    shape = (one, 5 * one, 5 * one, 0 * one)
    assert len(mixture_modes(two, 20 * one, *shape, 1.0, 0.0)[0]) == 2
    assert len(mixture_modes(two, 20 * one, *shape, 1.0, 0.9)[0]) == 1  # no valley of 0.9
    assert len(mixture_modes(two, 20 * one, *shape, 8.0, 0.0)[0]) == 1
