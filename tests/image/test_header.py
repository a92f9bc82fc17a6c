import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from numpy.testing import assert_allclose

from astrofound.image import SurveyImage
from astrofound.utils import HeaderWarning, InputError


def make_header(make_wcs, **cards):
    header = make_wcs().to_header()
    header.update(cards)
    return header


def widths(image):
    beam = image.sky_beam
    return [beam.major.to_value(u.arcsec), beam.minor.to_value(u.arcsec),
            beam.pa.to_value(u.deg)]


def test_beam_of_the_header(make_wcs, noise):
    header = make_header(make_wcs, BMAJ=12 / 3600, BMIN=8 / 3600, BPA=-20.0, BUNIT='Jy/beam')
    image = SurveyImage(noise, header=header)
    assert image.beam_origin == 'header'
    assert_allclose(widths(image), [12, 8, 160], rtol=1e-5)
    assert image.beam.fwhm == pytest.approx(np.sqrt(96) / 2)


@pytest.mark.parametrize(('history', 'expected'), [
    (['AIPS   CLEAN BMAJ=  3.3333E-03 BMIN=  2.2222E-03 BPA=  30.00'], [12, 8, 30]),
    (['AIPS   CLEAN BMAJ=  9.0E-03 BMIN=  9.0E-03 BPA=   0.00', 'AIPS   CLEAN NITER= 99',
      'AIPS   CONVL BMAJ=  3.3333E-03 BMIN=  2.2222E-03 BPA=  30.00'], [12, 8, 30]),
    (['Beam used in restoration: 12 by 8 (arcsec) at pa 30 (deg)'], [12, 8, 30]),
    (['Restoring beam : 0.2 by 0.1333333 (arcmin) at pa 30 (deg)'], [12, 8, 30]),
    (["tclean(vis='a.ms', imsize=512, restoringbeam=['12arcsec', '8arcsec', '30de",
      ">g'], niter=0)"], [12, 8, 30]),
    (["clean(restoringbeam='12arcsec')"], [12, 12, 0]),
])
def test_beam_of_the_history(make_wcs, noise, history, expected):
    header = make_header(make_wcs, BUNIT='Jy/beam')
    for line in history:
        header.add_history(line)
    image = SurveyImage(noise, header=header)
    assert image.beam_origin == 'history'
    assert_allclose(widths(image), expected, rtol=2e-4, atol=1e-6)


def test_empty_restoringbeam_and_comments_are_no_beam(make_wcs, noise):
    header = make_header(make_wcs, BUNIT='Jy/beam')
    header.add_history("tclean(restoringbeam=[], restoringbeam='')")
    header.add_comment('Resolution: 5"')
    header.add_comment('BMAJ= 3.3E-3 BMIN= 3.3E-3 BPA= 0.0')
    assert SurveyImage(noise, header=header).beam is None


@pytest.mark.parametrize(('cards', 'message'), [
    ({'BMAJ': 0.0, 'BMIN': 0.0}, 'make no beam'), ({'BMAJ': -1.0, 'BMIN': 1.0}, 'make no beam'),
    ({'BMAJ': 'unknown', 'BMIN': 1.0}, 'make no beam'),
    ({'BMAJ': 9000.0, 'BMIN': 8000.0}, 'do not fit'),
    ({'BMAJ': 1e-7, 'BMIN': 1e-7}, 'do not fit'),
])
def test_impossible_beams_are_ignored_and_said(make_wcs, noise, cards, message):
    with pytest.warns(HeaderWarning, match=message):
        image = SurveyImage(noise, header=make_header(make_wcs, BUNIT='Jy/beam', **cards))
    assert image.beam is None
    header = make_header(make_wcs, BUNIT='Jy/beam', **cards)
    header.add_history('AIPS   CLEAN BMAJ=  3.3333E-03 BMIN=  2.2222E-03 BPA=  30.00')
    with pytest.warns(HeaderWarning, match=message):
        assert SurveyImage(noise, header=header).beam_origin == 'history'


@pytest.mark.parametrize(('cards', 'message', 'expected'), [
    ({'BMAJ': 12 / 3600}, 'BMIN is missing', [12, 12, 0]),
    ({'BMAJ': 12 / 3600, 'BMIN': 8 / 3600}, 'BPA is missing', [12, 8, 0]),
    ({'BMAJ': 12.0, 'BMIN': 8.0, 'BPA': 5.0}, 'read as arcsec', [12, 8, 5]),
    ({'BMAJ': 8 / 3600, 'BMIN': 12 / 3600, 'BPA': 5.0}, 'swapped', [12, 8, 95]),
    ({'BMAJ': 12 / 3600, 'BMIN': 8 / 3600, 'BPA': 'N/A'}, 'is not a number', [12, 8, 0]),
])
def test_incomplete_beams_are_completed_and_said(make_wcs, noise, cards, message, expected):
    with pytest.warns(HeaderWarning, match=message):
        image = SurveyImage(noise, header=make_header(make_wcs, BUNIT='Jy/beam', **cards))
    assert_allclose(widths(image), expected, rtol=1e-5, atol=1e-6)


def test_the_callers_beam_wins(make_wcs, noise):
    header = make_header(make_wcs, BMAJ=12 / 3600, BMIN=8 / 3600, BPA=0.0)
    with pytest.warns(HeaderWarning, match='BUNIT is missing; Jy/beam assumed'):
        image = SurveyImage(noise, header=header, beam='6arcsec')
    assert image.beam_origin == 'caller'
    assert image.beam.major == pytest.approx(3)
    assert image.is_per_beam


def test_beam_table_of_casa(make_wcs, tmp_path, noise):
    header = make_header(make_wcs, CASAMBM=True, CTYPE3='FREQ', CRVAL3=1.4e9, CDELT3=1e6,
                         CRPIX3=1.0, CUNIT3='Hz', BUNIT='Jy/beam')
    columns = [fits.Column('BMAJ', '1E', 'arcsec', array=[0, 12, 14]),
               fits.Column('BMIN', '1E', 'arcsec', array=[0, 8, 9]),
               fits.Column('BPA', '1E', 'deg', array=[0, 30, 40]),
               fits.Column('CHAN', '1J', array=[0, 1, 2]),
               fits.Column('POL', '1J', array=[0, 0, 0])]
    path = tmp_path / 'cube.fits'
    fits.HDUList([fits.PrimaryHDU(np.stack([noise] * 3), header),
                  fits.BinTableHDU.from_columns(columns, name='BEAMS')]).writeto(path)
    for plane, expected in ((1, [12, 8, 30]), (2, [14, 9, 40])):
        assert_allclose(widths(SurveyImage.read(path, plane=plane)), expected, rtol=1e-5)
    assert SurveyImage.read(path, plane=0).beam is None


def test_header_beam_without_wcs_is_ignored_and_said(noise):
    header = fits.Header({'BMAJ': 0.001, 'BMIN': 0.001, 'BUNIT': 'Jy/beam'})
    with pytest.warns(HeaderWarning, match='without a WCS'):
        assert SurveyImage(noise, header=header).beam is None


@pytest.mark.parametrize('cards', [
    {'CD1_1': 0.0, 'CD1_2': 0.0, 'CD2_1': 0.0, 'CD2_2': 0.0},
    {'CTYPE2': 'DEC--SIN'}, {'CTYPE2': 'LINEAR'}, {'CRVAL2': 'north'}, {'CDELT1': 0.0},
    {'CTYPE1': 'RA---XYZ', 'CTYPE2': 'DEC--XYZ'},
])
def test_broken_wcs(noise, tmp_path, cards):
    header = fits.Header({'CTYPE1': 'RA---TAN', 'CTYPE2': 'DEC--TAN', 'CRVAL1': 10.0,
                          'CRVAL2': 5.0, 'CRPIX1': 1.0, 'CRPIX2': 1.0, 'CDELT1': -0.001,
                          'CDELT2': 0.001})
    if 'CD1_1' in cards:
        del header['CDELT1'], header['CDELT2']
    header.update(cards)
    path = tmp_path / 'a.fits'
    fits.PrimaryHDU(noise, header).writeto(path)
    with pytest.raises(InputError, match=r'a\.fits has a broken WCS') as caught:
        SurveyImage.read(path)
    assert '\n' not in str(caught.value)
    assert SurveyImage.read(path, wcs=None).wcs is None


def test_numbers_written_as_text_are_read(make_wcs, noise):
    header = make_header(make_wcs, CRVAL1='150.0', EQUINOX='2000.0')
    with pytest.warns(HeaderWarning, match="CRVAL1 = '150.0' is text"):
        image = SurveyImage(noise, header=header)
    assert image.wcs.wcs.crval[0] == 150


def test_wcs_without_a_scale(noise):
    header = fits.Header({'CTYPE1': 'RA---TAN', 'CTYPE2': 'DEC--TAN', 'CRVAL1': 10.0})
    with pytest.raises(InputError, match='CDELT, CD and PC cards are all missing'):
        SurveyImage(noise, header=header)


@pytest.mark.parametrize('cards', [
    {}, {'CTYPE1': '        ', 'CTYPE2': '        ', 'CRVAL1': 1.0}, {'CTYPE1': 'LINEAR'},
    {'CTYPE1': 'XPIXEL', 'CTYPE2': 'YPIXEL', 'CDELT1': 1.0},
])
def test_no_wcs(noise, cards):
    image = SurveyImage(noise, header=fits.Header(cards))
    assert image.wcs is None
    assert image.pixel_scale is None
    assert image.sky_beam is None


@pytest.mark.parametrize('projection', ['TAN', 'SIN', 'CAR', 'NCP', 'TAN-SIP', 'AIT', 'ZEA'])
@pytest.mark.parametrize('flip', [False, True])
def test_projections_survive_a_file(make_wcs, tmp_path, noise, projection, flip):
    from astropy.wcs import WCS, Sip

    center = (150.0, 75.0 if projection == 'NCP' else 0.0)
    wcs = make_wcs(angle=25, flip=flip, projection=projection, center=center)
    if projection == 'TAN-SIP':
        a = np.zeros((3, 3))
        a[2, 0] = 1e-4
        wcs.sip = Sip(a, a.T.copy(), None, None, wcs.wcs.crpix)
    header = wcs.to_header(relax=True)
    path = tmp_path / 'a.fits'
    fits.PrimaryHDU(noise, header).writeto(path)
    image = SurveyImage.read(path)
    expected = wcs.pixel_to_world(5, 30)
    assert image.wcs.pixel_to_world(5, 30).separation(expected).arcsec < 1e-6
    assert_allclose(image.pixel_scale.value, 2, rtol=1e-3)
    part = image.cutout((20, 15), (10, 12))
    whole = image.wcs.pixel_to_world(14 + 3, 10 + 4)
    assert part.wcs.pixel_to_world(3, 4).separation(whole).arcsec < 1e-6
    back = WCS(image.to_hdu().header)
    assert back.pixel_to_world(5, 30).separation(expected).arcsec < 1e-5


def test_celestial_part_of_four_axes(make_wcs, noise, tmp_path):
    header = make_header(make_wcs, CTYPE3='FREQ', CRVAL3=1.4e9, CDELT3=1e6, CRPIX3=1.0,
                         CUNIT3='Hz', CTYPE4='STOKES', CRVAL4=1.0, CDELT4=1.0, CRPIX4=1.0)
    header['WCSAXES'] = 4
    path = tmp_path / 'a.fits'
    fits.PrimaryHDU(noise[None, None], header).writeto(path)
    image = SurveyImage.read(path)
    assert image.wcs.naxis == 2
    assert image.wcs.pixel_to_world(5, 30).separation(
        make_wcs().pixel_to_world(5, 30)).arcsec < 1e-6


def test_sip_without_the_suffix_is_said(make_wcs, noise):
    from astropy.wcs import Sip

    wcs = make_wcs(projection='TAN-SIP')
    wcs.sip = Sip(np.eye(3) * 0, np.eye(3) * 0, None, None, wcs.wcs.crpix)
    header = wcs.to_header(relax=True)
    header.update(CTYPE1='RA---TAN', CTYPE2='DEC--TAN', A_ORDER=2, B_ORDER=2, A_2_0=1e-5,
                  B_2_0=1e-5)
    with pytest.warns(HeaderWarning, match='SIP distortion applied'):
        SurveyImage(noise, header=header)


def test_galactic_coordinates(noise):
    header = fits.Header({'CTYPE1': 'GLON-CAR', 'CTYPE2': 'GLAT-CAR', 'CRVAL1': 30.0,
                          'CRVAL2': 0.0, 'CRPIX1': 1.0, 'CRPIX2': 1.0, 'CDELT1': -0.01,
                          'CDELT2': 0.01})
    image = SurveyImage(noise, header=header)
    assert image.wcs.pixel_to_world(0, 0).name == 'galactic'
