import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound._kernels.moments import elliptical_sum, first_radius, mirror_neighbours


@pytest.mark.parametrize(('axes', 'theta'), [((6.0, 6.0), 0.0), ((9.0, 4.0), 35.0)])
def test_sum_like_photutils(axes, theta):
    from photutils.aperture import EllipticalAperture

    rng = np.random.default_rng(0)
    data = rng.normal(size=(50, 60))
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    p, q = 1 / axes[0]**2, 1 / axes[1]**2
    form = (p * cos**2 + q * sin**2, (p - q) * sin * cos, p * sin**2 + q * cos**2)
    total, area, missing = elliptical_sum(data, 30.3, 24.8, *form, 1.0)
    aperture = EllipticalAperture((30.3, 24.8), a=axes[0], b=axes[1], theta=np.radians(theta))
    mask = aperture.to_mask(method='subpixel', subpixels=5)
    assert_allclose(total, (mask.data * mask.cutout(data)).sum(), atol=1e-9)
    assert_allclose(area, np.pi * axes[0] * axes[1], rtol=0.01)
    assert missing == 0


def test_blank_and_outside_are_missing():
    data = np.ones((20, 20))
    data[8:12, 9] = np.nan
    total, area, missing = elliptical_sum(data, 2.0, 10.0, 1.0, 0.0, 1.0, 6.0)
    assert total == pytest.approx(area)
    assert_allclose(area + missing, np.pi * 36, rtol=0.01)
    assert elliptical_sum(data, 2.0, 10.0, 1.0, 2.0, 1.0, 6.0) == (0, 0, 0)  # no ellipse


def test_first_radius_of_a_gaussian():
    j, i = np.indices((81, 81))
    data = np.exp(-0.5 * ((i - 40)**2 + (j - 40)**2) / 9)
    data[10, 10] = np.nan
    # The mean radius of a Gaussian of unit sigma is sqrt(pi / 2).
    radius = first_radius(data, 40, 40, 1 / 9, 0, 1 / 9, 10.0)
    assert_allclose(radius, np.sqrt(np.pi / 2), rtol=1e-2)
    assert first_radius(-data, 40, 40, 1 / 9, 0, 1 / 9, 10.0) == 0


def test_mirror():
    data = np.arange(49, dtype=float).reshape(7, 7)
    own, others = np.ones((7, 7)), np.zeros((7, 7))
    others[3, 5] = 2
    others[1, 3] = others[5, 3] = 2
    n = mirror_neighbours(data, 3.0, 3.0, own, others)
    assert n == 3
    assert data[3, 5] == 22  # what lies at (3, 1)
    assert np.isnan(data[[1, 5], 3]).all()
