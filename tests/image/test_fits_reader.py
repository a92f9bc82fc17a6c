import gzip
import pickle
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.image import SurveyImage
from astrofound.utils import HeaderWarning, InputError, ReadError

WINDOW = (slice(7, 23), slice(11, 50))


def write(path, data, header=None, **cards):
    hdu = fits.PrimaryHDU(data, header)
    hdu.header.update(cards)
    hdu.writeto(path, output_verify='ignore', overwrite=True)
    return path


@pytest.mark.parametrize('dtype', ['u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'f4', 'f8', '<f4', '>f8',
                                   '<i2', '>i4'])
@pytest.mark.parametrize('ending', ['fits', 'fits.gz'])
def test_every_dtype(tmp_path, dtype, ending):
    data = np.arange(2400).reshape(40, 60).astype(dtype)
    image = SurveyImage.read(write(tmp_path / f'a.{ending}', data))
    part = image.read_window(WINDOW)
    assert part.dtype == np.float32
    assert part.dtype.isnative
    assert part.flags.c_contiguous
    assert part.flags.writeable
    assert_array_equal(part, data[WINDOW].astype(np.float32))
    assert image.shape == (40, 60)


@pytest.mark.parametrize('tile_shape', [None, (16, 16), (5, 60)])
def test_windows_of_compression_tiles(tmp_path, noise, tile_shape):
    path = tmp_path / 'a.fits.fz'
    cube = np.stack([noise, 2 * noise])
    tiles = None if tile_shape is None else (1, *tile_shape)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(
        cube, tile_shape=tiles, compression_type='GZIP_1', quantize_level=0)]).writeto(path)
    image = SurveyImage.read(path, plane=1)
    for rows in (slice(3, 20), slice(3, 20), slice(5, 9)):
        for columns in (slice(0, 60), slice(7, 30), slice(59, 60)):
            part = image.read_window((rows, columns))
            assert_array_equal(part, 2 * noise[rows, columns])
            part[:] = 0  # what is handed out is never what is kept


@pytest.mark.parametrize('compression', ['RICE_1', 'GZIP_2', 'PLIO_1', 'HCOMPRESS_1'])
def test_tile_compressed(tmp_path, compression):
    data = np.arange(2400).reshape(40, 60).astype('i2')
    path = tmp_path / 'a.fits.fz'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type=compression)]
                 ).writeto(path)
    image = SurveyImage.read(path)
    assert image.hdu_index == 1
    assert_array_equal(image.read_window(WINDOW), data[WINDOW])
    assert_array_equal(pickle.loads(pickle.dumps(image)).data, data)


def test_tile_compressed_floats_keep_blank_pixels(tmp_path, noise):
    noise[5, 6] = np.nan
    path = tmp_path / 'a.fz'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(noise, quantize_level=64)]).writeto(path)
    data = SurveyImage.read(path).data
    assert_array_equal(np.isnan(data), np.isnan(noise))
    assert_allclose(data, noise, atol=0.02)


@pytest.mark.parametrize('compressed', [False, True])
@pytest.mark.parametrize('bzero', [0, 100, 32768])
def test_scaling_and_blank(tmp_path, bzero, compressed):
    raw = np.arange(2400, dtype='i2').reshape(40, 60)
    hdu = fits.PrimaryHDU(raw)
    hdu.header.update(BSCALE=0.5, BZERO=bzero, BLANK=77)
    path = tmp_path / 'a.fits'
    # written raw: astropy would apply the scaling to the array first
    content = hdu.header.tostring().encode() + raw.astype('>i2').tobytes()
    path.write_bytes(content + b'\0' * (-len(content) % 2880))
    if compressed:
        with fits.open(path, do_not_scale_image_data=True) as hdus:
            packed = fits.CompImageHDU(hdus[0].data, hdus[0].header)
            packed.header.update(BSCALE=0.5, BZERO=bzero, BLANK=77)
            fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / 'a.fits.fz')
        path = tmp_path / 'a.fits.fz'
    expected = 0.5 * raw.astype(float) + bzero
    expected[raw == 77] = np.nan
    assert_allclose(SurveyImage.read(path).data, expected)


def test_unsigned_blank(tmp_path):
    raw = np.arange(600, dtype='i2').reshape(20, 30)
    header = fits.PrimaryHDU(raw).header
    header.update(BZERO=32768, BLANK=5)
    content = header.tostring().encode() + raw.astype('>i2').tobytes()
    (tmp_path / 'a.fits').write_bytes(content + b'\0' * (-len(content) % 2880))
    data = SurveyImage.read(tmp_path / 'a.fits').data
    assert np.isnan(data[0, 5])
    assert data[0, 6] == 32774


def test_infinite_and_huge_numbers_are_blank(tmp_path):
    data = np.ones((5, 6))
    data[1, 1:4] = [np.inf, -np.inf, 1e300]
    read = SurveyImage.read(write(tmp_path / 'a.fits', data)).data
    assert_array_equal(np.isnan(read), ~np.isfinite(data) | (data > 1e38))


@pytest.mark.parametrize('shape', [(40, 60), (1, 40, 60), (1, 1, 40, 60)])
def test_degenerate_axes(tmp_path, noise, shape):
    image = SurveyImage.read(write(tmp_path / 'a.fits', noise.reshape(shape)))
    assert_array_equal(image.data, noise)
    assert image.plane == (0,) * (len(shape) - 2)


def test_planes(tmp_path):
    cube = np.random.default_rng(0).normal(size=(3, 4, 20, 30)).astype('f4')
    path = write(tmp_path / 'a.fits', cube, CTYPE3='FREQ', CRVAL3=1.4e9, CDELT3=1e6, CRPIX3=1.0,
                 CUNIT3='Hz')
    for plane in ((2, 1), '2,1', (-1, 1)):
        image = SurveyImage.read(path, plane=plane)
        assert image.plane == (2, 1)
        assert_array_equal(image.read_window((slice(3, 9), slice(4, 8))), cube[2, 1, 3:9, 4:8])
    with pytest.raises(InputError, match=r'planes 0 to 2 and planes 0 to 3 of FREQ from 1.4e\+09'):
        SurveyImage.read(path)
    with pytest.raises(InputError, match=r'has no plane 3.* planes 0 to 2'):
        SurveyImage.read(path, plane=(3, 0))
    with pytest.raises(InputError, match="'plane' has 1 numbers"):
        SurveyImage.read(path, plane=1)
    with pytest.raises(InputError, match="'plane' must be an integer"):
        SurveyImage.read(path, plane='x')


def test_plane_of_an_axis_beside_a_degenerate_one(tmp_path):
    cube = np.random.default_rng(0).normal(size=(1, 4, 20, 30)).astype('f4')
    path = write(tmp_path / 'a.fits', cube)
    for plane in (2, (0, 2)):
        assert_array_equal(SurveyImage.read(path, plane=plane).data, cube[0, 2])


def test_stokes_i_is_taken_and_said(tmp_path):
    cube = np.random.default_rng(0).normal(size=(4, 20, 30)).astype('f4')
    path = write(tmp_path / 'a.fits', cube, CTYPE3='STOKES', CRVAL3=1.0, CDELT3=1.0, CRPIX3=1.0)
    with pytest.warns(HeaderWarning, match='Stokes I taken of 4'):
        image = SurveyImage.read(path)
    assert_array_equal(image.data, cube[0])
    assert_array_equal(SurveyImage.read(path, plane=2).data, cube[2])
    with fits.open(path, 'update') as hdus:
        hdus[0].header['CRVAL3'] = -1.0
    with pytest.raises(InputError, match='choose one with plane='):
        SurveyImage.read(path)


@pytest.mark.filterwarnings('ignore:.*Stokes I taken')
def test_plane_that_is_asked_for_is_enough_beside_stokes(tmp_path):
    cube = np.random.default_rng(0).normal(size=(3, 2, 20, 30)).astype('f4')
    path = write(tmp_path / 'a.fits', cube, CTYPE3='STOKES', CRVAL3=1.0, CDELT3=1.0, CRPIX3=1.0,
                 CTYPE4='FREQ', CRVAL4=1.4e9, CDELT4=1e6, CRPIX4=1.0)
    with pytest.raises(InputError, match=r'0 to 2 of FREQ .* choose one with plane=0'):
        SurveyImage.read(path)
    assert_array_equal(SurveyImage.read(path, plane=2).data, cube[2, 0])
    assert_array_equal(SurveyImage.read(path, plane=(2, 1)).data, cube[2, 1])
    with pytest.raises(InputError, match="'plane' has 3 numbers"):
        SurveyImage.read(path, plane=(0, 0, 0))


def test_sky_axes_need_not_come_first(tmp_path, make_wcs, noise):
    wcs = make_wcs()
    header = fits.Header()
    for fits_axis, axis in ((2, 1), (3, 2)):
        header[f'CTYPE{fits_axis}'] = wcs.wcs.ctype[axis - 1]
        header[f'CRVAL{fits_axis}'] = wcs.wcs.crval[axis - 1]
        header[f'CRPIX{fits_axis}'] = wcs.wcs.crpix[axis - 1]
        header[f'CDELT{fits_axis}'] = wcs.wcs.cd[axis - 1, axis - 1]
    header.update(CTYPE1='FREQ', CRVAL1=1.4e9, CDELT1=1e6, CRPIX1=1.0)
    cube = np.stack([noise, 2 * noise], axis=2)
    image = SurveyImage.read(write(tmp_path / 'a.fits', cube, header), plane=1)
    assert_array_equal(image.data, 2 * noise)
    assert image.wcs.pixel_to_world(3, 4).separation(wcs.pixel_to_world(3, 4)) < 1e-6 * u.arcsec


def test_first_image_extension_or_the_named_one(tmp_path, noise):
    path = tmp_path / 'a.fits'
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([]),
                  fits.ImageHDU(noise, name='SCI'), fits.ImageHDU(2 * noise, name='ERR'),
                  fits.ImageHDU(3 * noise, name='SCI', ver=2)]).writeto(path)
    with pytest.warns(HeaderWarning, match='HDU 2 read of 2 like images'):
        image = SurveyImage.read(path)
    assert image.hdu_index == 2
    for hdu, factor in ((3, 2), ('3', 2), ('ERR', 2), ('sci', 1), (('SCI', 2), 3), (-1, 3)):
        assert_array_equal(SurveyImage.read(path, hdu=hdu).data, factor * noise)
    with pytest.raises(InputError, match=r"no HDU 'SCX', did you mean 'SCI'.*0 PRIMARY"):
        SurveyImage.read(path, hdu='SCX')
    with pytest.raises(InputError, match=r'no HDU 9; it has 0 PRIMARY \(no pixels\), 1 \(table\)'):
        SurveyImage.read(path, hdu=9)
    with pytest.raises(InputError, match=r'HDU 1 of a\.fits is no image'):
        SurveyImage.read(path, hdu=1)
    with pytest.raises(InputError, match=r'HDU 0 of a\.fits is no image'):
        SurveyImage.read(path, hdu=0)


def test_one_dimensional_extension_is_passed_over(tmp_path, noise):
    path = tmp_path / 'a.fits'
    fits.HDUList([fits.PrimaryHDU(np.arange(9.0)), fits.ImageHDU(noise)]).writeto(path)
    assert SurveyImage.read(path).hdu_index == 1


def test_window_of_a_huge_file(tmp_path):
    """30 GB of which only a few blocks exist on disk."""
    side = 87_000
    header = fits.Header([('SIMPLE', True), ('BITPIX', -32), ('NAXIS', 2), ('NAXIS1', side),
                          ('NAXIS2', side)])
    path = tmp_path / 'huge.fits'
    start = len(header.tostring())
    try:
        with path.open('wb') as stream:
            stream.write(header.tostring().encode())
            stream.seek(start + 4 * (40_000 * side + 50_000))
            stream.write(np.arange(10, dtype='>f4').tobytes())
            stream.truncate(start + 4 * side * side)
    except OSError:
        pytest.skip('no sparse files here')
    image = SurveyImage.read(path)
    assert image.shape == (side, side)
    part = image.cutout((50_004, 40_000), 11)
    assert part.shape == (11, 11)
    assert_array_equal(part.data[5], np.append(0, np.arange(10)))


def test_same_pixels_from_threads(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    data = np.random.default_rng(0).normal(size=(64, 64)).astype('i2')
    path = tmp_path / 'a.fits.fz'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data)]).writeto(path)
    image = SurveyImage.read(path)
    windows = [(slice(y, y + 8), slice(x, x + 8)) for y in range(0, 64, 8)
               for x in range(0, 64, 8)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(image.read_window, windows))
    for window, part in zip(windows, parts, strict=True):
        assert_array_equal(part, data[window])


def test_strips_that_are_kept_are_few(tmp_path, noise, monkeypatch):
    path = tmp_path / 'a.fits.fz'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(
        noise, compression_type='GZIP_1', quantize_level=0)]).writeto(path)
    image = SurveyImage.read(path)
    read, whole = [], fits.CompImageSection.__getitem__
    monkeypatch.setattr(fits.CompImageSection, '__getitem__', lambda self, window: (
        read.append(window), whole(self, window))[1])
    strips = [slice(top, top + 10) for top in (0, 10, 20)]

    def read_all():
        read.clear()
        for columns in (slice(0, 30), slice(30, 60)):
            for rows in strips:
                assert_array_equal(image.read_window((rows, columns)), noise[rows, columns])
        return len(read)

    assert read_all() == 3
    assert read_all() == 0
    monkeypatch.setattr('astrofound.image.pixels._STRIP_BYTES', 10 * 60 * noise.itemsize)
    read_all()
    assert read_all() == 6  # one at a time


# what cannot be read

@pytest.mark.parametrize('compression', ['RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1'])
def test_a_damaged_tile_costs_one_line(tmp_path, compression):
    path = tmp_path / 'bad.fits'
    data = np.random.default_rng(0).normal(size=(200, 300)).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type=compression)]
                 ).writeto(path)
    with path.open('r+b') as file:
        file.seek(path.stat().st_size * 2 // 3)
        file.write(bytes(2000))
    with pytest.raises(ReadError, match=r'cannot read pixels of bad\.fits') as caught:
        SurveyImage.read(path)
    assert '\n' not in str(caught.value)


def test_a_damaged_tile_is_met_when_it_is_read(tmp_path):
    path = tmp_path / 'bad.fits'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(
        np.random.default_rng(0).normal(size=(3000, 3000)).astype(np.float32))]).writeto(path)
    with path.open('r+b') as file:
        file.seek(path.stat().st_size - 100_000)
        file.write(bytes(2000))
    image = SurveyImage.read(path)
    image.read_window((slice(0, 2000), slice(0, 50)))
    with pytest.raises(ReadError, match=r'bad\.fits: its compressed pixels are damaged'):
        image.read_window((slice(2800, 3000), slice(0, 50)))


def damaged(tmp_path, kind):
    path = tmp_path / 'bad.fits'
    data = np.ones((200, 30), 'f4')
    if kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'text':
        path.write_text('ra dec flux\n' * 900)
    elif kind == 'truncated':
        write(path, data)
        path.write_bytes(path.read_bytes()[:12_000])
    elif kind == 'truncated header':
        write(path, data)
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == 'truncated gzip':
        write(tmp_path / 'a.fits.gz', np.random.default_rng(0).normal(size=(90, 90)))
        path.write_bytes((tmp_path / 'a.fits.gz').read_bytes()[:-3000])
    elif kind == 'no gzip':
        path.write_bytes(b'\x1f\x8b' + bytes(range(256)) * 20)
    elif kind == 'gzipped text':
        path.write_bytes(gzip.compress(b'ra dec flux\n' * 900))
    elif kind == 'truncated fz':
        hdu = fits.CompImageHDU(np.random.default_rng(0).normal(size=(200, 300)))
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
        path.write_bytes(path.read_bytes()[:-20_000])
    elif kind == 'folder':
        path.mkdir()
    elif kind == 'broken header':
        path.write_bytes(b'SIMPLE  =                    T' + b' ' * 50 + b'GARBAGE ' * 500)
    return path


@pytest.mark.parametrize('kind', ['missing', 'empty', 'text', 'truncated', 'truncated header',
                                  'truncated gzip', 'no gzip', 'gzipped text', 'truncated fz',
                                  'folder', 'broken header'])
def test_damaged_files(tmp_path, kind):
    path = damaged(tmp_path, kind)
    with pytest.raises(ReadError, match=r'bad\.fits') as caught:
        SurveyImage.read(path)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('shape', [(9,), (2, 2, 2, 5, 6), (1, 1, 1, 5, 6)])
def test_wrong_number_of_axes(tmp_path, shape):
    path = write(tmp_path / 'a.fits', np.ones(shape))
    with pytest.raises(InputError, match=r'a.fits (has 5 axes|holds no image of two axes)'):
        SurveyImage.read(path)


def test_table_alone(tmp_path):
    from astropy.table import Table

    Table({'a': [1]}).write(tmp_path / 'a.fits')
    with pytest.raises(InputError, match='holds no image of two axes or more: 0 PRIMARY'):
        SurveyImage.read(tmp_path / 'a.fits')


def test_nothing_but_blank_pixels(tmp_path):
    path = write(tmp_path / 'a.fits', np.full((9, 9), np.nan))
    with pytest.raises(InputError, match='all pixels are blank'):
        SurveyImage.read(path)


def test_file_vanishes_while_in_use(tmp_path, noise):
    path = write(tmp_path / 'a.fits', noise)
    image = SurveyImage.read(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ReadError, match=r'cannot read pixels of a\.fits'):
        image.read_window(WINDOW)


def test_no_warning_of_others_leaks(tmp_path, noise):
    header = fits.Header()
    header.update(CTYPE1='RA---TAN', CTYPE2='DEC--TAN', CRVAL1=10.0, CRVAL2=5.0, CRPIX1=1.0,
                  CRPIX2=1.0, CDELT1=-0.001, CDELT2=0.001)
    header['DATE-OBS'] = '26/10/92'
    header['RADECSYS'] = 'FK5'
    path = write(tmp_path / 'a.fits', noise, header)
    content = path.read_bytes().replace(
        b'END' + b' ' * 77, b'COMMENT tab \t here'.ljust(80) + b'CUNIT1  = \'DEGREE  \''.ljust(80)
        + b'CUNIT2  = \'DEGREE  \''.ljust(80) + b'ESO-LOG 00:00> DATE = 1'.ljust(80)
        + b'END' + b' ' * 77, 1)[:2880]
    path.write_bytes(content + path.read_bytes()[2880:])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        image = SurveyImage.read(path)
        image.read_window(WINDOW)
        image.to_hdu()
        image.to_ccddata()
    assert [warning.category for warning in caught] == [HeaderWarning]
    assert 'a.fits:' in str(caught[0].message)
    assert 'cards' in str(caught[0].message)
    assert image.wcs is not None
