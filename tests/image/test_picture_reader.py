import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from pyavm import AVM

from astrofound.image import SurveyImage
from astrofound.utils import HeaderWarning, InputError, ReadError

RAMP = np.arange(12 * 15, dtype='u1').reshape(12, 15)


def test_rows_run_from_the_bottom(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / 'a.png')
    image = SurveyImage.read(tmp_path / 'a.png')
    assert_array_equal(image.data, RAMP[::-1])
    assert (image.wcs, image.unit, image.shape) == (None, None, (12, 15))
    assert_array_equal(image.read_window((slice(2, 5), slice(3, 9))), RAMP[::-1][2:5, 3:9])


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'I;16', 'RGB', 'RGBA', 'P'])
def test_every_png_mode(tmp_path, mode):
    if mode == 'I;16':
        picture = Image.fromarray(RAMP.astype('u2') * 200)
    else:
        picture = Image.fromarray(RAMP).convert(mode)
    picture.save(tmp_path / 'a.png')
    data = SurveyImage.read(tmp_path / 'a.png').data
    assert data.shape == RAMP.shape
    assert np.isfinite(data).all()
    if mode in ('L', 'LA', 'RGB', 'RGBA', 'P'):
        assert_allclose(data, RAMP[::-1], atol=0.01)
    if mode == 'I;16':
        assert_array_equal(data, RAMP[::-1].astype('u2') * 200)


def test_luminance_or_one_band(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (12, 15, 3)).astype('u1')
    Image.fromarray(rgb).save(tmp_path / 'a.png')
    path = tmp_path / 'a.png'
    assert_allclose(SurveyImage.read(path).data, (rgb @ [0.2126, 0.7152, 0.0722])[::-1],
                    rtol=1e-5)
    for plane, band in (('R', 0), ('g', 1), (2, 2), ('1', 1), ((0,), 0)):
        assert_array_equal(SurveyImage.read(path, plane=plane).data, rgb[::-1, :, band])
    for plane in ('K', 3, -1):
        with pytest.raises(InputError, match="must be one of 'R', 'G', 'B'"):
            SurveyImage.read(path, plane=plane)
    Image.fromarray(RAMP).save(tmp_path / 'grey.png')
    with pytest.raises(InputError, match='grey picture'):
        SurveyImage.read(tmp_path / 'grey.png', plane='R')
    with pytest.raises(InputError, match="'hdu' goes with FITS"):
        SurveyImage.read(path, hdu=1)


def test_transparent_pixels_are_blank(tmp_path):
    rgba = np.full((12, 15, 4), 255, 'u1')
    rgba[3, 4, 3] = 0
    for mode in ('RGBA', 'LA'):
        Image.fromarray(rgba).convert(mode).save(tmp_path / 'a.png')
        blank = np.isnan(SurveyImage.read(tmp_path / 'a.png').data[::-1])
        assert blank[3, 4]
        assert blank.sum() == 1


@pytest.mark.parametrize('ending', ['png', 'jpg'])
@pytest.mark.parametrize('angle', [0, 30])
def test_position_from_avm(tmp_path, make_wcs, ending, angle):
    wcs = make_wcs((40, 60), angle=angle)
    picture = Image.fromarray(np.arange(40 * 60).reshape(40, 60).astype('u1'))
    picture.save(tmp_path / f'plain.{ending}')
    path = tmp_path / f'a.{ending}'
    AVM.from_wcs(wcs, shape=(40, 60)).embed(str(tmp_path / f'plain.{ending}'), str(path))
    image = SurveyImage.read(path, beam='6arcsec')
    assert image.wcs.pixel_to_world(7, 30).separation(wcs.pixel_to_world(7, 30)).arcsec < 0.01
    assert image.beam.fwhm == pytest.approx(3, rel=1e-3)
    assert SurveyImage.read(path, wcs=None).wcs is None


def test_unusable_avm_is_said(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / 'plain.png')
    avm = AVM()
    avm.Spatial.ReferenceValue = [10.0, 5.0]
    avm.embed(str(tmp_path / 'plain.png'), str(tmp_path / 'a.png'))
    with pytest.warns(HeaderWarning, match='AVM position cannot be used'):
        assert SurveyImage.read(tmp_path / 'a.png').wcs is None


def test_avm_about_something_else_is_silent(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / 'plain.png')
    avm = AVM()
    avm.Title = 'A galaxy'
    avm.embed(str(tmp_path / 'plain.png'), str(tmp_path / 'a.png'))
    assert SurveyImage.read(tmp_path / 'a.png').wcs is None


@pytest.mark.parametrize('ending', ['png', 'jpg'])
def test_truncated(tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 255, (90, 90)).astype('u1')
    path = tmp_path / f'a.{ending}'
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ReadError, match=f'a.{ending} is damaged or truncated'):
        SurveyImage.read(path)


def test_header_alone_is_no_picture(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'\x89PNG but no more')
    with pytest.raises(ReadError, match=r'a\.png is neither FITS nor PNG'):
        SurveyImage.read(tmp_path / 'a.png')


def test_too_large(tmp_path, monkeypatch):
    Image.fromarray(RAMP).save(tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 50)
    with pytest.raises(ReadError, match='convert it to FITS'):
        SurveyImage.read(tmp_path / 'a.png')
