import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.datasets import make_field
from astrofound.datasets.simulate import field_wcs, truth_path
from astrofound.datasets.simulate.ellipses import (
    convolve_beam,
    ellipse_moments,
    moments_ellipse,
)
from astrofound.datasets.simulate.truth import position_angles
from astrofound.image import SurveyImage
from astrofound.utils import WriteError


@pytest.fixture(scope='module')
def field():
    return make_field(shape=(128, 160), seed=2)


@pytest.mark.parametrize('suffix', ['.fits', '.fits.gz', '.fits.fz'])
def test_written_fields_read_back(field, tmp_path, suffix):
    image_path, table_path = field.write(tmp_path / f'sky{suffix}')
    assert table_path.name == 'sky_truth.fits'
    back = SurveyImage.read(image_path)
    # a compressed image is quantised to a quarter of the noise
    atol = 0.3 * np.nanmax(field.rms) if suffix.endswith('fz') else 0
    assert_allclose(back.data, field.image.data, atol=atol)
    assert back.unit == field.image.unit
    assert back.beam.major == pytest.approx(field.image.beam.major, rel=1e-4)
    truth = QTable.read(table_path, hdu='TRUTH')
    assert truth.colnames == field.truth.colnames
    assert truth['flux'].unit == u.Jy
    assert_allclose(truth['ra'], field.truth['ra'])
    assert len(QTable.read(table_path, hdu='COMPONENTS')) == len(field.components)
    assert 'RadioSky' in str(fits.getheader(table_path, 'TRUTH')['HISTORY'])


def test_compressed_files_are_small_and_keep_blank_pixels(tmp_path):
    from astrofound.datasets import FootprintOptions, RadioSky

    field = RadioSky(shape=(256, 256), footprint=FootprintOptions(kind='pointing', extent=0.8))(0)
    path, _ = field.write(tmp_path / 'sky.fits.fz')
    assert path.stat().st_size < 0.4 * field.image.data.nbytes
    assert_array_equal(np.isnan(SurveyImage.read(path).data), np.isnan(field.image.data))


def test_writing_twice_needs_to_be_said(field, tmp_path):
    field.write(tmp_path / 'sky.fits')
    with pytest.raises(ValueError, match=r'sky\.fits exists'):
        field.write(tmp_path / 'sky.fits')
    field.write(tmp_path / 'sky.fits', overwrite=True)
    assert len(list(tmp_path.iterdir())) == 2


def test_bad_paths(field, tmp_path):
    with pytest.raises(ValueError, match=r'written as \.fits'):
        truth_path('sky.png')
    with pytest.raises(WriteError, match='cannot write'):
        field.write(tmp_path / 'missing' / 'sky.fits')


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('rotation', [0.0, 35.0, -120.0])
@pytest.mark.parametrize('position', [(180.0, 30.0), (0.02, -75.0)])
def test_position_angles_run_east_of_north(flip, rotation, position):
    wcs = field_wcs((200, 300), position=position, pixel_scale=5.0, rotation=rotation, flip=flip)
    x, y = np.array([10.0, 150.0, 280.0]), np.array([20.0, 100.0, 190.0])
    theta = np.array([0.0, 40.0, 110.0])
    pa, scale = position_angles(wcs, x, y, theta)
    here = wcs.pixel_to_world(x, y)
    there = wcs.pixel_to_world(x + np.cos(np.deg2rad(theta)), y + np.sin(np.deg2rad(theta)))
    expected = here.position_angle(there).deg
    assert_allclose((pa - expected + 90) % 180, 90, atol=0.02)
    assert_allclose(scale, here.separation(there).deg, rtol=1e-4)


def test_wcs_round_trip():
    wcs = field_wcs((200, 300), position=(359.99, 60.0), pixel_scale=2.0, rotation=20.0)
    x, y = np.meshgrid(np.arange(0, 300, 60.0), np.arange(0, 200, 50.0))
    assert_allclose(wcs.world_to_pixel(wcs.pixel_to_world(x, y)), [x, y], atol=1e-7)
    centre = wcs.pixel_to_world(149.5, 99.5)
    assert centre.separation(SkyCoord(359.99, 60.0, unit='deg')).arcsec < 1e-6


def test_ellipses_turn_into_moments_and_back():
    rng = np.random.default_rng(0)
    minor, theta = rng.uniform(1, 5, 50), rng.uniform(0, 180, 50)
    major = minor + rng.uniform(0.5, 5, 50)
    back = moments_ellipse(*ellipse_moments(major, minor, theta))
    for found, expected in zip(back, (major, minor, theta), strict=True):
        assert_allclose(found, expected, rtol=1e-9)


def test_a_point_convolved_is_the_beam():
    major, minor, theta = convolve_beam(np.zeros(1), np.zeros(1), np.zeros(1), (6.0, 4.0, 30.0))
    assert_allclose([major[0], minor[0], theta[0]], [6, 4, 30])
