import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper
from numpy.testing import assert_array_equal

from astrofound.image import SurveyImage, as_survey_image
from astrofound.utils import HeaderWarning, InputError, ReadError


def same_sky(image, wcs):
    return image.wcs.pixel_to_world(5, 6).separation(wcs.pixel_to_world(5, 6)).arcsec < 1e-6


def test_everything_that_is_an_image(tmp_path, noise, make_wcs):
    wcs = make_wcs(angle=20)
    hdu = fits.PrimaryHDU(noise, wcs.to_header())
    path = tmp_path / 'a.fits'
    hdu.writeto(path)
    with fits.open(path) as opened:
        forms = [path, str(path), hdu, fits.ImageHDU(noise, hdu.header), fits.HDUList([hdu]),
                 fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(noise, hdu.header)]), opened,
                 fits.CompImageHDU(noise, hdu.header, quantize_level=0,
                                   compression_type='GZIP_1'),
                 CCDData(noise, unit='adu', wcs=wcs), NDData(noise, wcs=wcs), (noise, wcs),
                 (noise, wcs.to_header()), (noise, HighLevelWCSWrapper(wcs)),
                 SurveyImage(noise, wcs=wcs)]
        for form in forms:
            image = as_survey_image(form)
            assert_array_equal(image.data, noise)
            assert same_sky(image, wcs)
    for form in (noise, noise.tolist(), (noise, None), np.ma.masked_array(noise), noise * u.ct):
        image = as_survey_image(form)
        assert_array_equal(image.data, noise)
        assert image.wcs is None


def test_a_survey_image_stays_itself(noise):
    image = SurveyImage(noise)
    assert as_survey_image(image) is image
    assert as_survey_image(image, beam='3pix').beam.major == 3
    assert as_survey_image(image, name='b').name == 'b'
    assert as_survey_image(image, mask=noise > 1).data.size == noise.size


def test_what_the_caller_says_wins(noise, make_wcs, tmp_path):
    wcs, other = make_wcs(), make_wcs(angle=45)
    fits.PrimaryHDU(noise, wcs.to_header()).writeto(tmp_path / 'a.fits')
    forms = [tmp_path / 'a.fits', (noise, wcs), CCDData(noise, unit='adu', wcs=wcs),
             fits.ImageHDU(noise, wcs.to_header()), SurveyImage(noise, wcs=wcs)]
    for form in forms:
        image = as_survey_image(form, beam='3pix', mask=noise > 1, unit='ct', wcs=other, name='b')
        assert (image.beam.major, image.unit, image.name) == (3, u.ct, 'b')
        assert_array_equal(np.isnan(image.data), noise > 1)
        assert same_sky(image, other)
        assert as_survey_image(form, wcs=None).wcs is None


def test_nddata_brings_mask_unit_and_header(noise, make_wcs):
    header = fits.Header({'BMAJ': 6 / 3600, 'BMIN': 6 / 3600, 'BPA': 0.0})
    ccd = CCDData(noise, unit='Jy/beam', mask=noise > 1, wcs=make_wcs(), meta=header)
    image = as_survey_image(ccd, mask=noise < -1)
    assert image.unit == u.Jy / u.beam
    assert image.beam_origin == 'header'
    assert_array_equal(np.isnan(image.data), np.abs(noise) > 1)
    assert_array_equal(as_survey_image(ccd.multiply(2)).data[~ccd.mask], 2 * noise[~ccd.mask])
    assert_array_equal(as_survey_image(NDData(noise, mask=False, meta={'a': [1], 'b': 2})).data,
                       noise)


def test_round_trip_through_ccddata(noise, make_wcs):
    noise[4, 4] = np.nan
    image = SurveyImage(noise, wcs=make_wcs(flip=True), unit='Jy/beam', beam='6"x4"@30')
    back = as_survey_image(image.to_ccddata())
    assert_array_equal(back.data, image.data)
    assert back.beam.major == pytest.approx(image.beam.major)
    assert back.unit == image.unit
    assert same_sky(back, image.wcs)


def test_wcs_of_a_cutout_and_of_more_axes(noise, make_wcs):
    wcs = make_wcs()
    ccd = CCDData(noise, unit='adu', wcs=wcs)[5:30, 7:50]
    assert as_survey_image(ccd).wcs.pixel_to_world(0, 0).separation(
        wcs.pixel_to_world(7, 5)).arcsec < 1e-6
    header = wcs.to_header()
    header.update(WCSAXES=3, CTYPE3='FREQ', CRVAL3=1e9, CDELT3=1e6, CRPIX3=1.0, CUNIT3='Hz')
    image = as_survey_image((noise[None], WCS(header)))
    assert image.wcs.naxis == 2
    assert same_sky(image, wcs)


def test_generalised_wcs_is_approximated(noise, make_wcs):
    class Generalised:
        """Stand-in for gwcs.WCS, which is no dependency."""

        def to_fits_sip(self):
            return make_wcs().to_header()

    with pytest.warns(HeaderWarning, match='approximated by TAN-SIP'):
        image = SurveyImage(noise, wcs=Generalised())
    assert same_sky(image, make_wcs())


def test_wcs_without_sky(noise):
    assert as_survey_image((noise, WCS(naxis=2))).wcs is None
    assert as_survey_image((noise, WCS(naxis=1))).wcs is None
    with pytest.raises(InputError, match="'wcs' must be"):
        SurveyImage(noise, wcs='TAN')
    broken = WCS(naxis=2)
    broken.wcs.ctype = ['RA---TAN', 'DEC--SIN']
    with pytest.raises(InputError, match="'wcs' cannot be computed"):
        SurveyImage(noise, wcs=broken)


@pytest.mark.parametrize('obj', [None, 5, object(), {'data': 1}, fits.Header(),
                                 fits.BinTableHDU.from_columns([])])
def test_no_image(obj):
    with pytest.raises(InputError, match='an image must be a path'):
        as_survey_image(obj)


def test_hdu_and_plane_go_with_files(noise, tmp_path):
    with pytest.raises(InputError, match="'hdu' goes with a file"):
        as_survey_image(noise, hdu=1)
    with pytest.raises(InputError, match="'hdu' and 'plane' go with"):
        as_survey_image(SurveyImage(noise), plane=1)
    with pytest.raises(InputError, match='holds no image'):
        as_survey_image(fits.HDUList([fits.PrimaryHDU()]))
    with pytest.raises(ReadError, match='does not exist'):
        as_survey_image(tmp_path / 'none.fits')
    cube = np.stack([noise, 2 * noise])
    assert_array_equal(as_survey_image(fits.ImageHDU(cube), plane=1).data, 2 * noise)
    assert_array_equal(as_survey_image(cube, plane=1).data, 2 * noise)
