import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from astrofound.image import PixelBeam, SurveyImage, measure_beam


def gaussians(shape, sources, noise=1.0, seed=0, correlated=0.0):
    """Sources ``(x, y, peak, major, minor, theta)`` on white or beam-correlated noise."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=shape)
    if correlated:
        data = ndimage.gaussian_filter(data, correlated / 2.3548 / np.sqrt(2))
        data /= data.std()
    data *= noise
    y, x = np.mgrid[:shape[0], :shape[1]]
    for x0, y0, peak, major, minor, theta in sources:
        turn = np.radians(theta)
        along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
        across = -(x - x0) * np.sin(turn) + (y - y0) * np.cos(turn)
        data += peak * np.exp(-4 * np.log(2) * ((along / major)**2 + (across / minor)**2))
    return data.astype(np.float32)


def random_sources(n, shape, major, minor, theta, seed=1, low=15, high=300):
    rng = np.random.default_rng(seed)
    y, x = rng.uniform(12, np.array(shape) - 12, (n, 2)).T
    return [(a, b, peak, major, minor, theta)
            for a, b, peak in zip(x, y, rng.uniform(low, high, n), strict=True)]


@pytest.mark.parametrize(('major', 'minor', 'theta'), [(3, 3, 0), (6, 4, 30), (2.2, 2, 0),
                                                       (10, 8, 120), (5, 2.5, 170)])
def test_points_give_the_beam(major, minor, theta):
    shape = (400, 400)
    data = gaussians(shape, random_sources(25, shape, major, minor, theta), correlated=minor)
    beam = measure_beam(SurveyImage(data))
    assert_allclose([beam.major, beam.minor], [major, minor], rtol=0.06)
    if beam.ellipticity > 0.1:
        assert abs((beam.theta - theta + 90) % 180 - 90) < 8


def test_resolved_sources_do_not_widen_it():
    shape = (500, 500)
    rng = np.random.default_rng(5)
    extended = [(x, y, peak, width, width * 0.8, angle) for (x, y), peak, width, angle in zip(
        rng.uniform(20, 480, (30, 2)), rng.uniform(20, 200, 30), rng.uniform(5, 15, 30),
        rng.uniform(0, 180, 30), strict=True)]
    data = gaussians(shape, random_sources(15, shape, 4, 4, 0) + extended)
    assert measure_beam(SurveyImage(data)).fwhm == pytest.approx(4, rel=0.07)


@pytest.mark.parametrize('beta', [2.5, 4.765])
def test_moffat_stars_with_galaxies_saturation_and_cosmic_rays(beta):
    rng = np.random.default_rng(3)
    shape, fwhm = (600, 600), 3.4
    y, x = np.mgrid[:600, :600]
    core = fwhm / 2 / np.sqrt(2**(1 / beta) - 1)
    data = 1000 + 0.05 * x + rng.normal(0, 5, shape)
    for x0, y0, peak in zip(*rng.uniform(15, 585, (2, 40)), 10**rng.uniform(2, 5, 40),
                            strict=True):
        data += peak * (1 + ((x - x0)**2 + (y - y0)**2) / core**2)**-beta
    galaxies = rng.uniform(15, 585, (2, 40))
    for x0, y0, size in zip(*galaxies, rng.uniform(3, 8, 40), strict=True):
        data += 200 * np.exp(-np.hypot(x - x0, y - y0) / size)
    rows = rng.integers(0, 600, 200)
    data[rows, rng.integers(0, 600, 200)] += rng.uniform(200, 20_000, 200)
    data = np.minimum(data, 40_000)
    beam = measure_beam(SurveyImage(data))
    assert beam.fwhm == pytest.approx(fwhm, rel=0.1)
    assert beam.ellipticity < 0.12


def test_noise_alone_has_no_psf():
    assert measure_beam(SurveyImage(gaussians((300, 300), []))) is None


def test_hot_pixels_are_no_psf():
    data = gaussians((300, 300), [])
    rng = np.random.default_rng(2)
    data[rng.integers(9, 290, 50), rng.integers(9, 290, 50)] += 100
    assert measure_beam(SurveyImage(data)) is None


@pytest.mark.parametrize('data', [np.ones((50, 50)), np.arange(400.0).reshape(20, 20),
                                  np.where(np.eye(40) > 0, 1.0, np.nan), np.ones((1, 1)),
                                  np.eye(3), np.ones((1, 300))])
def test_images_without_sources(data):
    assert measure_beam(SurveyImage(data)) is None


def test_one_source_per_beam_is_judged_by_the_noise():
    wide = gaussians((200, 200), [(100, 100, 80, 9, 8.5, 0)], correlated=4)
    assert measure_beam(SurveyImage(wide, unit='Jy/beam')).fwhm == pytest.approx(4, rel=0.12)
    point = gaussians((200, 200), [(100, 100, 80, 4.2, 3.8, 60)], correlated=4)
    beam = measure_beam(SurveyImage(point, unit='Jy/beam'))
    assert_allclose([beam.major, beam.minor], [4.2, 3.8], rtol=0.06)
    assert measure_beam(SurveyImage(wide)).fwhm == pytest.approx(8.7, rel=0.06)


def test_one_long_source_says_nothing():
    data = gaussians((200, 200), [(100, 100, 80, 12, 4, 30)])
    assert measure_beam(SurveyImage(data)) is None


def test_blank_areas_and_faint_units_do_not_matter():
    shape = (300, 300)
    sources = random_sources(15, shape, 5, 4, 20)
    data = gaussians(shape, sources)
    expected = measure_beam(SurveyImage(data))
    scaled = measure_beam(SurveyImage(data * 1e-9 + 3e-9))
    assert_allclose([scaled.major, scaled.minor], [expected.major, expected.minor], rtol=1e-3)
    data[:, :80] = np.nan
    blank = measure_beam(SurveyImage(data))
    assert_allclose([blank.major, blank.minor], [5, 4], rtol=0.06)


def test_big_images_are_looked_at_in_windows():
    """Only nine windows of a large image are read."""
    shape = (3000, 2500)
    tile = gaussians((250, 250), random_sources(6, (250, 250), 4, 4, 0))
    read = []

    class Big:
        is_per_beam = False

        def read_window(self, window):
            ny, nx = (part.stop - part.start for part in window)
            read.append(ny * nx)
            return np.tile(tile, (12, 10))[window]

    big = Big()
    big.shape = shape
    assert measure_beam(big).fwhm == pytest.approx(4, rel=0.05)
    assert len(read) == 9
    assert sum(read) < 0.8 * shape[0] * shape[1]
    assert measure_beam(SurveyImage(tile)).fwhm == pytest.approx(4, rel=0.05)


def test_result_is_a_beam():
    data = gaussians((200, 200), random_sources(9, (200, 200), 4, 3, 0))
    assert isinstance(measure_beam(SurveyImage(data)), PixelBeam)
