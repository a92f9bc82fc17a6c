import numpy as np
import pytest
from astropy import units as u

from astrofound.image import SurveyImage
from astrofound.image.units import parse_unit
from astrofound.utils import HeaderWarning, NoBeamError


@pytest.mark.parametrize(('text', 'expected'), [
    ('JY/BEAM', u.Jy / u.beam), ('Jy/beam', u.Jy / u.beam), ('Jy/bm', u.Jy / u.beam),
    ('JY/BEAM ', u.Jy / u.beam), ('Jy per beam', u.Jy / u.beam), ('Jy beam-1', u.Jy / u.beam),
    ('Jy beam^-1', u.Jy / u.beam), ('JANSKYS/BEAM', u.Jy / u.beam),
    ('Janskies/beam', u.Jy / u.beam),
    ('mJy/bm', u.mJy / u.beam), ('MJY/BEAM', u.mJy / u.beam), ('UJY/BEAM', u.uJy / u.beam),
    ('MJY/SR', u.MJy / u.sr), ('MJy/sr', u.MJy / u.sr), ('JY/PIXEL', u.Jy / u.pix),
    ('counts', u.ct), ('COUNTS', u.ct), ('counts/sec', u.ct / u.s), ('cts/s', u.ct / u.s),
    ('ADU', u.adu), ('adu/s', u.adu / u.s), ('DN', u.DN), ('ELECTRONS', u.electron),
    ('e-/s', u.electron / u.s), ('ELECTRONS/S', u.electron / u.s), ('Kelvin', u.K),
    ('nanomaggies', u.Unit('nmgy')), ('counts/sec/pixel', u.ct / u.s / u.pix),
])
def test_units_people_write(text, expected):
    assert parse_unit(text)[0] == expected


@pytest.mark.parametrize('text', ['JY/BEAM', 'Jy/beam', 'ADU', 'K'])
def test_capitals_are_not_worth_a_word(text):
    assert parse_unit(text)[1] is None


def test_repairs_and_failures_are_said():
    assert parse_unit('Jy/bm')[1] == "BUNIT 'Jy/bm' read as 'Jy / beam'"
    assert parse_unit('MJY/BEAM')[1] == "BUNIT 'MJY/BEAM' read as 'mJy / beam'"
    assert parse_unit('furlongs') == (None, "BUNIT 'furlongs' is not a unit, pixel values stay "
                                            'without one')
    assert parse_unit(None) == parse_unit('  ') == (None, None)


def test_flux_per_beam(noise):
    image = SurveyImage(noise, unit='mJy/beam', beam='4pix')
    assert image.is_per_beam
    assert image.flux_unit == u.mJy
    assert image.peak_unit == u.mJy / u.beam
    assert image.flux_per_sum == pytest.approx(1 / (np.pi / (4 * np.log(2)) * 16))


def test_flux_per_beam_wants_the_beam(noise):
    image = SurveyImage(noise, unit='Jy/beam')
    assert image.flux_unit == u.Jy
    with pytest.raises(NoBeamError, match='--beam'):
        _ = image.flux_per_sum


@pytest.mark.parametrize(('unit', 'flux_unit'), [
    ('ct', u.ct), ('adu/s', u.adu / u.s), ('Jy/pix', u.Jy), ('nJy', u.nJy),
    (None, u.dimensionless_unscaled), ('', u.dimensionless_unscaled),
])
def test_flux_of_counts(noise, unit, flux_unit):
    image = SurveyImage(noise, unit=unit)
    assert not image.is_per_beam
    assert image.flux_unit == flux_unit
    assert image.flux_per_sum == 1


def test_flux_of_surface_brightness(noise, make_wcs):
    image = SurveyImage(noise, unit='MJy/sr', wcs=make_wcs(scale=2.0))
    assert image.flux_unit == u.Jy
    assert image.flux_per_sum == pytest.approx(1e6 * (4 * u.arcsec**2).to_value(u.sr), rel=1e-6)
    assert SurveyImage(noise, unit='MJy/sr').flux_unit == u.MJy / u.sr * u.pix
    photons = SurveyImage(noise, unit='ct/arcsec2', wcs=make_wcs(scale=2.0))
    total = photons.flux_per_sum * photons.flux_unit
    assert total.to_value(u.ct) == pytest.approx(4, rel=1e-6)


def test_units_stay_unknown_rather_than_guessed(noise):
    image = SurveyImage(noise)
    assert image.unit is None
    assert image.peak_unit == u.dimensionless_unscaled
    with pytest.warns(HeaderWarning, match="'furlongs' is not a unit"):
        image = SurveyImage(noise, header={'BUNIT': 'furlongs'})
    assert image.unit is None
