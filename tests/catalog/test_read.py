import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose

from astrofound.catalog import find_positions, guess_columns, read_catalog
from astrofound.utils import InputError, ReadError


def test_aegean(real_data):
    path = real_data / 'parkes_1904-66' / '1904_comp.fits'
    raw, catalog = Table.read(path), read_catalog(path)
    assert catalog.meta['STYLE'] == 'aegean'
    assert_allclose(catalog['ra'].to_value(u.deg), raw['ra'])
    assert_allclose(catalog['ra_err'].to_value(u.deg), raw['err_ra'], rtol=1e-6)
    assert_allclose(catalog['flux'].to_value(u.Jy), raw['int_flux'])
    assert_allclose(catalog['major'].to_value(u.arcsec), raw['a'])
    assert 'aegean_flags' in catalog.colnames  # its bits are not ours
    assert 'uuid' in catalog.colnames


@pytest.mark.parametrize('kind', ['gaul', 'srl'])
def test_pybdsf(real_data, kind):
    path = next((real_data / 'pybdsf_reference').glob(f'*.{kind}.FITS'))
    raw, catalog = Table.read(path), read_catalog(path)
    assert catalog.meta['STYLE'] == 'pybdsf'
    assert_allclose(catalog['major'].to_value(u.deg), raw['Maj'])
    assert catalog['major'].unit == u.arcsec
    assert_allclose(catalog['flux_err'].to_value(u.Jy), raw['E_Total_flux'])
    assert 'flux=Total_flux' in catalog.meta['COLMAP']
    if kind == 'gaul':
        assert_allclose(catalog['x_centroid'], raw['Xposn'])


def test_sextractor(real_data):
    path = real_data / 'ntt_r_band' / 'image.cat'
    catalog = read_catalog(path)
    raw = Table.read(path, format='ascii.sextractor')
    assert len(catalog) == 65
    assert catalog.meta['STYLE'] == 'sextractor'
    assert_allclose(catalog['x_centroid'], raw['XWIN_IMAGE'] - 1)
    assert catalog['flux'].unit == u.ct
    assert_allclose(catalog['fwhm_major'], raw['A_IMAGE'] * 2.3548, rtol=1e-4)


def test_photutils(tmp_path):
    from photutils.segmentation import SourceCatalog, detect_sources

    j, i = np.indices((60, 60))
    data = 100 * np.exp(-0.5 * ((i - 20)**2 + (j - 30)**2) / 4)
    segments = detect_sources(data, 1.0, n_pixels=5)
    table = SourceCatalog(data, segments).to_table()
    table.remove_column('sky_centroid')
    table.write(tmp_path / 'a.ecsv')
    catalog = read_catalog(tmp_path / 'a.ecsv')
    assert catalog.meta['STYLE'] == 'photutils'
    assert_allclose([catalog['x_centroid'][0], catalog['y_centroid'][0]], [20, 30], atol=0.01)
    assert_allclose(np.asarray(catalog['fwhm_major'])[0], 2 * 2.3548, rtol=0.1)
    assert_allclose(np.asarray(catalog['flux'])[0], data.sum(), rtol=0.05)


@pytest.mark.parametrize(('ra', 'dec'), [('RA', 'DEC'), ('RAJ2000', 'DEJ2000'), ('_RAJ2000',
                                         '_DEJ2000'), ('ra_deg', 'dec_deg'), ('Ra', 'Dec')])
def test_positions_of_any_table(ra, dec):
    table = Table({'S': [1.0], ra: [10.5], dec: [-3.25]})
    sky = find_positions(table)
    assert_allclose([sky.ra.deg[0], sky.dec.deg[0]], [10.5, -3.25])


def test_positions_by_ucd_and_text():
    table = Table({'lon': [10.0] * u.deg, 'lat': [2.0] * u.deg})
    table['lon'].meta['ucd'] = 'pos.eq.ra;meta.main'
    table['lat'].meta['ucd'] = 'pos.eq.dec;meta.main'
    assert find_positions(table).ra.deg[0] == 10
    table = Table({'ra': ['12:30:00'], 'dec': ['-30:15:00']})
    sky = find_positions(table)
    assert_allclose([sky.ra.deg[0], sky.dec.deg[0]], [187.5, -30.25])
    table = Table({'ra': [0.5] * u.rad, 'dec': [0.1] * u.rad})
    assert_allclose(find_positions(table).dec.rad, 0.1)


def test_column_map_wins(tmp_path):
    path = tmp_path / 'a.csv'
    Table({'S_INT': [2.0], 'alpha': [1.0], 'delta': [3.0], 'flux': [7.0]}).write(path)
    catalog = read_catalog(path, column_map={'flux': 'S_INT', 'ra': 'alpha', 'dec': 'delta'})
    assert catalog['flux'][0] == 2
    assert catalog['ra'].unit == u.deg
    with pytest.raises(InputError, match="'S_TOT', but the table has"):
        read_catalog(path, column_map={'flux': 'S_TOT'})
    with pytest.raises(InputError, match="unknown column 'fluks'"):
        read_catalog(path, column_map={'fluks': 'S_INT'})


def test_masked_values_become_nan(tmp_path):
    table = Table({'ra': MaskedColumn([1.0, 2.0], mask=[False, True]), 'dec': [1.0, 2.0],
                   'n': MaskedColumn([1, 2], mask=[True, False])})
    table.write(tmp_path / 'a.ecsv')
    catalog = read_catalog(tmp_path / 'a.ecsv')
    assert np.isnan(catalog['ra'].value).tolist() == [False, True]
    assert np.isnan(catalog['n']).tolist() == [True, False]


def test_which_table_of_a_file(tmp_path):
    path = tmp_path / 'a.fits'
    tables = [fits.BinTableHDU(Table({'ra': [float(i)], 'dec': [0.0]}), name=name)
              for i, name in enumerate(('ONE', 'TWO'))]
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), *tables]).writeto(path)
    assert read_catalog(path)['ra'].value == [0]
    assert read_catalog(path, hdu='TWO')['ra'].value == [1]
    with pytest.raises(InputError, match="no HDU 'THREE'; its tables are 1 ONE, 2 TWO"):
        read_catalog(path, hdu='THREE')


def test_known_styles():
    assert guess_columns(Table({'a': [1]})) == ('unknown', {})
    assert 'ra' not in guess_columns(Table({'ra': [1], 'b': [2]}))[1]


def test_bad_files(tmp_path):
    with pytest.raises(ReadError, match='no such file'):
        read_catalog(tmp_path / 'none.fits')
    (tmp_path / 'empty.csv').touch()
    with pytest.raises(ReadError, match='is empty'):
        read_catalog(tmp_path / 'empty.csv')
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / 'image.fits')
    with pytest.raises(ReadError, match='holds no table'):
        read_catalog(tmp_path / 'image.fits')
    (tmp_path / 'text.fits').write_text('no fits at all')
    with pytest.raises(ReadError, match='not a table that can be read'):
        read_catalog(tmp_path / 'text.fits')
    with pytest.raises(InputError, match='no position columns are known'):
        find_positions(QTable({'a': [1]}))
