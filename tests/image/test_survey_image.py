import json
import pickle
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.image import PixelBeam, SurveyImage, as_survey_image
from astrofound.utils import (
    BeamWarning,
    HeaderWarning,
    InputError,
    NoBeamError,
    NoWCSWarning,
    ReadError,
)

DTYPES = ['u1', 'i2', '>i2', 'u2', '<i4', '>i4', 'i8', 'f2', '<f4', '>f4', '<f8', '>f8', 'bool']


@given(st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(
    dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))), st.data())
def test_any_array_gives_finite_pixels_or_blank(array, draw):
    good = np.isfinite(array.astype(float)) & (np.abs(array.astype(float)) < 3.4e38)
    if not good.any():
        with pytest.raises(InputError, match='all pixels are blank'):
            SurveyImage(array)
        return
    image = SurveyImage(array)
    ny, nx = array.shape
    y1, x1 = draw.draw(st.integers(0, ny - 1)), draw.draw(st.integers(0, nx - 1))
    y2, x2 = draw.draw(st.integers(y1 + 1, ny)), draw.draw(st.integers(x1 + 1, nx))
    window = (slice(y1, y2), slice(x1, x2))
    part = image.read_window(window)
    assert part.dtype == np.float32
    assert part.dtype.isnative
    assert part.flags.c_contiguous
    assert_array_equal(np.isnan(part), ~good[window])
    with np.errstate(over='ignore', invalid='ignore'):
        assert_array_equal(part[good[window]], array[window][good[window]].astype(np.float32))


@given(hnp.arrays(bool, (6, 7)), st.sampled_from([bool, np.uint8, np.int16, float]))
def test_any_mask(mask, dtype):
    data = np.arange(42.0).reshape(6, 7)
    if mask.all():
        with pytest.raises(InputError, match='all pixels are masked or blank'):
            SurveyImage(data, mask=mask.astype(dtype))
        return
    assert_array_equal(np.isnan(SurveyImage(data, mask=mask.astype(dtype)).data), mask)


def test_pixels_are_a_copy(noise):
    image = SurveyImage(noise)
    part = image.read_window((slice(0, 5), slice(0, 5)))
    part[:] = 7
    assert not (noise[:5, :5] == 7).any()


@pytest.mark.parametrize('shape', [(9,), (2, 2, 2, 5, 6), ()])
def test_wrong_number_of_axes(shape):
    with pytest.raises(InputError, match=f'image has {len(shape)} axes'):
        SurveyImage(np.ones(shape))


@pytest.mark.parametrize('shape', [(0, 5), (5, 0), (0, 5, 5)])
def test_no_pixels(shape):
    with pytest.raises(InputError, match='has no pixels'):
        SurveyImage(np.ones(shape))


@pytest.mark.parametrize('array', [np.ones((3, 3), complex), np.full((3, 3), 'a'),
                                   np.zeros((3, 3), [('a', 'f4')]), np.full((3, 3), None)])
def test_no_numbers(array):
    with pytest.raises(InputError, match='array of real numbers'):
        SurveyImage(array)


def test_ragged_rows():
    with pytest.raises(InputError, match='rows of equal length'):
        SurveyImage([[1, 2], [3]])


def test_cube_wants_a_plane(noise):
    with pytest.raises(InputError, match='planes 0 to 2; choose one with plane='):
        SurveyImage(np.stack([noise] * 3))
    assert_array_equal(SurveyImage(np.stack([noise, 2 * noise]), plane=1).data, 2 * noise)


def test_masked_quantity_array(noise):
    data = np.ma.masked_array(noise, noise > 1)
    image = SurveyImage(data, mask=noise < -1)
    assert_array_equal(np.isnan(image.data), np.abs(noise) > 1)
    assert SurveyImage(noise * u.mJy / u.beam).unit == u.mJy / u.beam


@pytest.mark.parametrize('compressed', [False, True])
def test_mask_from_a_file(tmp_path, noise, compressed):
    mask = (noise > 1).astype('i4') * 2**20
    path = tmp_path / 'mask.fits'
    hdu = fits.CompImageHDU(mask) if compressed else fits.ImageHDU(mask)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    for form in (path, str(path), fits.ImageHDU(mask)):
        image = SurveyImage(noise, mask=form)
        assert_array_equal(np.isnan(image.data), noise > 1)
        assert_array_equal(np.isnan(image.cutout((30, 20), 9).data), (noise > 1)[16:25, 26:35])


def test_wrong_masks(tmp_path, noise):
    with pytest.raises(InputError, match=r"'mask' of image must have.* shape \(40, 60\), got"):
        SurveyImage(noise, mask=noise[:5] > 0)
    with pytest.raises(InputError, match=r"'mask' of image must have.* shape \(40, 60\), got"):
        SurveyImage(noise, mask=np.ones((3, 40, 60)))
    with pytest.raises(InputError, match="'mask' of image must be a boolean"):
        SurveyImage(noise, mask=np.full(noise.shape, 'a'))
    with pytest.raises(ReadError, match='does not exist'):
        SurveyImage(noise, mask=tmp_path / 'none.fits')


def test_dask_arrays_stay_lazy(noise):
    da = pytest.importorskip('dask.array')
    image = SurveyImage(da.from_array(noise, chunks=16))
    assert_array_equal(image.read_window((slice(3, 30), slice(5, 40))), noise[3:30, 5:40])


def test_data_in_three_axes_of_length_one(noise, make_wcs):
    image = SurveyImage(noise[None, None], wcs=make_wcs())
    assert image.shape == noise.shape


# beam

def test_callers_beam(noise, make_wcs):
    image = SurveyImage(noise, wcs=make_wcs(), beam='6"x4"@30deg')
    assert (image.beam_origin, image.beam.major) == ('caller', pytest.approx(3))
    assert image.with_beam() is image
    assert_allclose(image.sky_beam.pa.to_value(u.deg), 30, atol=1e-3)


def test_angle_as_beam_wants_a_wcs(noise):
    with pytest.raises(InputError, match='needs a celestial WCS; give it in pixels'):
        SurveyImage(noise, beam='6arcsec')


@pytest.mark.parametrize('beam', ['61pix', '50x45pix'])
def test_beam_larger_than_the_image(noise, beam):
    with pytest.raises(InputError, match='larger than the image of 60 x 40 pixels'):
        SurveyImage(noise, beam=beam)
    with pytest.raises(InputError, match='larger than the image'):
        SurveyImage(noise).replace(beam=beam)


def test_cutout_smaller_than_its_beam_exists_but_is_not_for_detection(noise):
    part = SurveyImage(noise, beam='9pix').cutout((20, 20), 5)
    with pytest.raises(InputError, match='larger than the image of 5 x 5'):
        part.with_beam()


def test_beam_that_nobody_knows(noise):
    with pytest.raises(NoBeamError, match='--beam'):
        SurveyImage(noise).with_beam()
    with pytest.raises(NoBeamError):
        SurveyImage(np.ones((20, 20))).with_beam()


def test_measured_beam_is_said(make_wcs):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    data = rng.normal(size=(200, 200))
    for x0, y0 in rng.uniform(15, 185, (15, 2)):
        data += 200 * np.exp(-4 * np.log(2) * ((x - x0)**2 + (y - y0)**2) / 4**2)
    image = SurveyImage(data, wcs=make_wcs((200, 200)))
    with pytest.warns(BeamWarning, match='arcsec.*measured from the image itself'):
        known = image.with_beam()
    assert image.beam is None
    assert known.beam_origin == 'measured'
    assert known.beam.fwhm == pytest.approx(4, rel=0.1)


# parts

def test_cutout_in_pixels(noise):
    image = SurveyImage(noise, mask=noise > 1.5)
    part = image.cutout((10, 20), (5, 8))
    assert_array_equal(part.data, image.data[18:23, 6:14])
    inner = part.cutout((4, 2), 3)
    assert_array_equal(inner.data, image.data[19:22, 9:12])


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle', [0, 140])
def test_cutout_on_the_sky(noise, make_wcs, angle, flip):
    image = SurveyImage(noise, wcs=make_wcs(angle=angle, flip=flip), beam='6arcsec')
    target = image.wcs.pixel_to_world(33, 12)
    part = image.cutout(target, 10 * u.arcsec)
    assert part.shape == (5, 5)
    assert part.wcs.pixel_to_world(2, 2).separation(target).arcsec < 1e-6
    assert part.data[2, 2] == noise[12, 33]
    assert part.beam == image.beam
    assert part.wcs.array_shape == (5, 5)


def test_cutout_at_the_edge_is_trimmed(noise, make_wcs):
    image = SurveyImage(noise, wcs=make_wcs())
    part = image.cutout((0, 0), 11)
    assert part.shape == (6, 6)
    assert part.wcs.pixel_to_world(0, 0).separation(image.wcs.pixel_to_world(0, 0)).arcsec < 1e-6


def test_wrong_cutouts(noise, make_wcs):
    image = SurveyImage(noise, wcs=make_wcs())
    with pytest.raises(InputError, match='lies outside'):
        image.cutout((200, 20), 9)
    with pytest.raises(InputError, match="'position' must be"):
        image.cutout('here', 9)
    with pytest.raises(InputError, match="'size' must be"):
        image.cutout((3, 3), 9 * u.Jy)
    with pytest.raises(InputError, match="'size' must be greater than 0"):
        image.cutout((3, 3), 0)
    with pytest.raises(InputError, match='does not lie on'):
        image.cutout(SkyCoord(330 * u.deg, -2 * u.deg), 9)
    with pytest.raises(InputError, match='no celestial WCS'):
        SurveyImage(noise).cutout(SkyCoord(0 * u.deg, 0 * u.deg), 9)
    with pytest.raises(InputError, match="an angle where"):
        SurveyImage(noise).cutout((3, 3), 9 * u.arcsec)


def test_slices_without_ends(noise):
    assert_array_equal(SurveyImage(noise)[5:, :-3].data, noise[5:, :-3])
    with pytest.raises(InputError, match='no pixels'):
        SurveyImage(noise)[9:9, :]


# other forms

def test_hdu_round_trip(noise, make_wcs, tmp_path):
    noise[3, 4] = np.nan
    image = SurveyImage(noise, wcs=make_wcs(angle=20, flip=True), unit='Jy/beam',
                        beam='6"x4"@30deg', mask=noise > 2,
                        header=fits.Header({'TELESCOP': 'VLA', 'CRVAL3': 5.0}))
    hdu = image.to_hdu()
    assert hdu.header['TELESCOP'] == 'VLA'
    hdu.writeto(tmp_path / 'a.fits')
    back = SurveyImage.read(tmp_path / 'a.fits')
    assert_array_equal(back.data, image.data)
    assert back.unit == image.unit
    assert back.wcs.pixel_to_world(9, 9).separation(image.wcs.pixel_to_world(9, 9)).arcsec < 1e-6
    assert_allclose([back.beam.major, back.beam.minor, back.beam.theta],
                    [image.beam.major, image.beam.minor, image.beam.theta], rtol=1e-6)


def test_header_of_a_scaled_file_describes_the_new_array(tmp_path, noise):
    hdu = fits.PrimaryHDU((100 * noise).astype('i2'))
    hdu.header.update(BLANK=-9999)
    hdu.writeto(tmp_path / 'a.fits')
    SurveyImage.read(tmp_path / 'a.fits').to_hdu().writeto(tmp_path / 'b.fits')
    assert_array_equal(fits.getdata(tmp_path / 'b.fits'), (100 * noise).astype('i2'))


def test_ccddata(noise, make_wcs):
    noise[3, 4] = np.nan
    ccd = SurveyImage(noise, wcs=make_wcs(), unit='ct').to_ccddata()
    assert ccd.unit == u.ct
    assert ccd.mask.sum() == 1
    assert ccd.wcs.has_celestial


def test_pickle_keeps_everything(noise, make_wcs, tmp_path):
    fits.PrimaryHDU(noise, make_wcs().to_header()).writeto(tmp_path / 'a.fits')
    image = SurveyImage.read(tmp_path / 'a.fits', beam='3pix', mask=noise > 2)
    back = pickle.loads(pickle.dumps(image))
    assert_array_equal(back.data, image.data)
    assert back.beam == PixelBeam(3, 3)
    assert back.wcs.pixel_to_world(1, 2).separation(image.wcs.pixel_to_world(1, 2)).arcsec < 1e-9


def test_missing_wcs_is_said_where_it_matters(noise, make_wcs):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        image = SurveyImage(noise)
    with pytest.warns(NoWCSWarning, match='stays in pixels'):
        assert image.warn_if_no_wcs()
    assert not SurveyImage(noise, wcs=make_wcs()).warn_if_no_wcs()


def test_warnings_point_at_the_users_line(noise, make_wcs, tmp_path):
    fits.PrimaryHDU(noise, fits.Header({'BUNIT': 'Jy/bm'})).writeto(tmp_path / 'a.fits')
    for call in (SurveyImage.read, as_survey_image):
        with pytest.warns(HeaderWarning) as caught:
            call(tmp_path / 'a.fits')
        assert caught[0].filename == __file__
    with pytest.warns(HeaderWarning) as caught:
        SurveyImage(noise, header={'BUNIT': 'Jy/bm'})
    assert caught[0].filename == __file__


def test_repr_is_one_line(noise, make_wcs):
    text = repr(SurveyImage(noise, wcs=make_wcs(), unit='Jy/beam', beam='3pix', name='m.fits'))
    assert text == ("SurveyImage('m.fits', shape=(40, 60), unit='Jy / beam', wcs=RA---TAN, "
                    'beam=3 x 3 pix at 0 deg (caller))')
    assert repr(SurveyImage(noise)) == "SurveyImage('image', shape=(40, 60), wcs=None, beam=None)"


def test_replace(noise, make_wcs):
    image = SurveyImage(noise, mask=noise > 1)
    other = image.replace(mask=noise < -1, unit='ct', name='b', wcs=make_wcs(), beam='4arcsec')
    assert_array_equal(np.isnan(other.data), np.abs(noise) > 1)
    assert (other.unit, other.name, other.beam.major) == (u.ct, 'b', pytest.approx(2))
    assert (image.unit, image.name, image.beam) == (None, 'image', None)
    with pytest.raises(InputError, match='all pixels are masked'):
        image.replace(mask=np.ones(noise.shape))


def test_zarr_arrays_stay_lazy(noise, tmp_path, monkeypatch):
    zarr = pytest.importorskip('zarr')
    store = zarr.create_array(tmp_path / 'image.zarr', shape=noise.shape, chunks=(16, 16),
                              dtype='f4')
    store[:] = noise
    image = SurveyImage(zarr.open_array(tmp_path / 'image.zarr', mode='r'))
    read = []
    monkeypatch.setattr(type(store), '__getitem__', lambda self, window: read.append(window) or
                        np.zeros([part.stop - part.start for part in window], np.float32))
    image.read_window((slice(3, 7), slice(5, 6)))
    assert read == [(slice(3, 7), slice(5, 6))]
    monkeypatch.undo()
    np.testing.assert_array_equal(image.data, noise.astype(np.float32))


@pytest.mark.parametrize('name', ['plain.fits', 'tiles.fits.fz'])
def test_a_file_replaced_after_opening_is_noticed(noise, tmp_path, name):
    kind = fits.PrimaryHDU if name == 'plain.fits' else fits.CompImageHDU
    hdus = [fits.PrimaryHDU(), kind(noise.astype(np.float32))]
    fits.HDUList(hdus if name.endswith('fz') else hdus[1:]).writeto(tmp_path / name)
    image = SurveyImage.read(tmp_path / name)
    image.read_window((slice(0, 4), slice(0, 4)))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=f'{name}: the file has changed since it was opened'):
        image.read_window((slice(0, 4), slice(0, 4)))


def test_identity_tells_images_apart(noise, tmp_path):
    da = pytest.importorskip('dask.array')
    path = tmp_path / 'a.fits'
    fits.PrimaryHDU(noise.astype(np.float32)).writeto(path)
    image = SurveyImage.read(path)
    same = [image.identity(), SurveyImage.read(path).identity(), image.replace().identity()]
    assert same[0] == same[1] == same[2]
    mask = np.zeros(image.shape, bool)
    mask[0, 0] = True
    others = [image[2:9, 3:8], image.replace(beam='3pix'), image.replace(unit='Jy'),
              image.replace(mask=mask), SurveyImage(noise), SurveyImage(2 * noise)]
    seen = [json.dumps(one.identity(), sort_keys=True) for one in (image, *others)]
    assert len(set(seen)) == len(seen)
    assert SurveyImage(da.from_array(noise)).identity() is None
