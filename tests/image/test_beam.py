import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from radio_beam import Beam

from astrofound.image import PixelBeam, parse_beam
from astrofound.image.geometry import ellipse_to_matrix, matrix_to_ellipse, sky_matrix
from astrofound.utils import InputError


@given(st.floats(0.1, 1e4), st.floats(0.01, 0.999), st.floats(-400, 400))
def test_ellipse_matrix_round_trip(major, ratio, theta):
    a, b, angle = matrix_to_ellipse(ellipse_to_matrix(major, major * ratio, theta))
    assert_allclose([a, b], [major, major * ratio], rtol=1e-6)
    if ratio < 0.99:
        assert abs((angle - theta + 90) % 180 - 90) < 1e-3


def test_area_is_the_sum_of_a_unit_gaussian():
    beam = PixelBeam(7, 4, 25)
    y, x = np.mgrid[-30:31, -30:31]
    shape = ellipse_to_matrix(beam.major, beam.minor, beam.theta)
    inverse = np.linalg.inv(shape)
    radius = inverse[0, 0] * x**2 + 2 * inverse[0, 1] * x * y + inverse[1, 1] * y**2
    assert_allclose(np.exp(-4 * np.log(2) * radius).sum(), beam.area, rtol=1e-6)
    assert_allclose(beam.fwhm, np.sqrt(28))
    assert_allclose(beam.ellipticity, 3 / 7)


def test_axes_are_put_in_order():
    assert PixelBeam(2, 5, 10) == PixelBeam(5, 2, 100)
    assert PixelBeam(5, 2, 190) == PixelBeam(5, 2, 10)


@pytest.mark.parametrize('values', [(0, 1), (-1, 2), (np.nan, 1), (np.inf, 1)])
def test_impossible_widths(values):
    with pytest.raises(InputError, match='greater than 0'):
        PixelBeam(*values)


@pytest.mark.parametrize(('angle', 'flip', 'theta'), [
    (0, False, 90 + 30),   # north up, east left: east of north is counter-clockwise
    (0, True, 90 - 30),    # mirrored: east right
])
def test_position_angle_in_plain_orientations(make_wcs, angle, flip, theta):
    beam = Beam(major=20 * u.arcsec, minor=10 * u.arcsec, pa=30 * u.deg)
    pixels = PixelBeam.from_sky(beam, make_wcs(angle=angle, flip=flip))
    assert_allclose([pixels.major, pixels.minor, pixels.theta], [10, 5, theta], rtol=1e-4)


@pytest.mark.parametrize('projection', ['TAN', 'SIN', 'CAR', 'NCP', 'ZEA', 'STG'])
@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle', [0, 33, 90, 200])
@pytest.mark.parametrize('center', [(150, 2), (0.001, -89.999), (359.9999, 75)])
def test_sky_round_trip_and_direction(make_wcs, projection, flip, angle, center):
    if projection in ('CAR', 'NCP'):
        center = (center[0], 0) if projection == 'CAR' else (center[0], 75)
    wcs = make_wcs(angle=angle, flip=flip, projection=projection, center=center)
    beam = Beam(major=20 * u.arcsec, minor=10 * u.arcsec, pa=70 * u.deg)
    pixels = PixelBeam.from_sky(beam, wcs)
    back = pixels.to_sky(wcs)
    assert_allclose(back.major.to_value(u.arcsec), 20, rtol=1e-6)
    assert_allclose(back.minor.to_value(u.arcsec), 10, rtol=1e-6)
    assert_allclose(back.pa.to_value(u.deg), 70, atol=1e-4)
    # the far end of the major axis lies at the position angle, seen through astropy alone
    x, y = 29.5, 19.5
    centre = wcs.pixel_to_world(x, y)
    end = wcs.pixel_to_world(x + np.cos(np.radians(pixels.theta)),
                             y + np.sin(np.radians(pixels.theta)))
    measured = centre.position_angle(end).deg % 180
    assert min(abs(measured - 70), 180 - abs(measured - 70)) < 0.6


def test_matrix_is_nan_off_the_sky(make_wcs):
    wcs = make_wcs(scale=3600 * 5, projection='SIN')
    assert np.isnan(sky_matrix(wcs, 0, 0)).any()


@pytest.mark.parametrize(('text', 'major', 'minor', 'pa'), [
    ('5.4arcsec', 5.4, 5.4, 0), ('5.4 arcsec', 5.4, 5.4, 0), ('5.4"', 5.4, 5.4, 0),
    ('6"x5"@30deg', 6, 5, 30), ('6x5arcsec@30', 6, 5, 30), ('6" x 5" @ -30 deg', 6, 5, 150),
    ("1'", 60, 60, 0), ('0.001deg', 3.6, 3.6, 0), ('54asec', 54, 54, 0), ('1e1arcsec', 10, 10, 0),
    ('5"x6"@0', 6, 5, 90), ('500mas', 0.5, 0.5, 0), ('6×5arcsec@30°', 6, 5, 30),
])
def test_text_on_the_sky(text, major, minor, pa):
    beam = parse_beam(text)
    assert_allclose([beam.major.to_value(u.arcsec), beam.minor.to_value(u.arcsec),
                     beam.pa.to_value(u.deg)], [major, minor, pa], atol=1e-9)


@pytest.mark.parametrize(('beam', 'expected'), [
    ('3.5pix', PixelBeam(3.5, 3.5)), ('4x3px@20', PixelBeam(4, 3, 20)),
    (3 * u.pix, PixelBeam(3, 3)), ((4 * u.pix, 3 * u.pix, 20 * u.deg), PixelBeam(4, 3, 20)),
    (PixelBeam(4, 3, 20), PixelBeam(4, 3, 20)),
])
def test_beams_in_pixels(beam, expected):
    assert parse_beam(beam) == expected


def test_other_forms_on_the_sky():
    beam = Beam(major=6 * u.arcsec, minor=5 * u.arcsec, pa=30 * u.deg)
    for form in (beam, (6 * u.arcsec, 5 * u.arcsec, 30 * u.deg)):
        assert_allclose(parse_beam(form).major.to_value(u.arcsec), 6)
    assert_allclose(parse_beam(0.1 * u.arcmin).minor.to_value(u.arcsec), 6)


@pytest.mark.parametrize('beam', ['', 'wide', '5', '5arcsec@north', '1x2x3arcsec', '5parsec', 5.0,
                                  None, [1, 2], 5 * u.Jy, '-3arcsec', object()])
def test_unclear_beams_say_how_to_write_one(beam):
    with pytest.raises(InputError, match=r'5\.4arcsec'):
        parse_beam(beam)


@pytest.mark.parametrize('beam', ['0arcsec', 0 * u.arcsec, '0pix', -1 * u.arcsec, np.nan * u.deg])
def test_beam_must_be_positive(beam):
    with pytest.raises(InputError, match='greater than 0'):
        parse_beam(beam)
