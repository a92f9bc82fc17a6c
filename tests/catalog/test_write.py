import os
import re
import time

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.votable import parse, validate
from astropy.io.votable.ucd import check_ucd
from astropy.table import QTable, Table
from numpy.testing import assert_allclose, assert_array_equal
from regions import EllipsePixelRegion, EllipseSkyRegion

from astrofound.catalog import (
    CLASS_COLORS,
    COLUMNS,
    FORMATS,
    check_writable,
    empty_catalog,
    read_catalog,
    read_regions,
    write_catalog,
    write_table,
)
from astrofound.utils import InputError, WriteError

TABLES = ['.fits', '.vot', '.xml', '.ecsv']


def assert_same(read, written):
    assert read.colnames == written.colnames
    for name in written.colnames:
        a, b = written[name], read[name]
        assert a.unit == b.unit, name
        values = [np.asarray(getattr(column, 'value', column)) for column in (a, b)]
        assert values[0].dtype.kind == values[1].dtype.kind, name
        assert_array_equal(*values, err_msg=name)


@pytest.mark.parametrize('suffix', TABLES)
@pytest.mark.parametrize('unit', ['Jy / beam', 'ct', 'MJy / sr', 'nmgy', None])
def test_round_trip(tmp_path, make_catalog, suffix, unit):
    catalog = make_catalog(unit=unit)
    path = tmp_path / f'a{suffix}'
    write_catalog(catalog, path)
    read = read_catalog(path)
    assert_same(read, catalog)
    assert read.meta == {**catalog.meta, 'SNR': 5.5}


@pytest.mark.parametrize('suffix', TABLES)
def test_empty_round_trip(tmp_path, make_image, suffix):
    catalog = empty_catalog(make_image(np.ones((5, 5))))
    write_catalog(catalog, tmp_path / f'a{suffix}')
    read = read_catalog(tmp_path / f'a{suffix}')
    assert read.colnames == list(COLUMNS)
    assert len(read) == 0


def test_csv_has_names_and_numbers(tmp_path, make_catalog):
    catalog = make_catalog()
    write_catalog(catalog, tmp_path / 'a.csv')
    read = read_catalog(tmp_path / 'a.csv')
    assert_array_equal(read['flux'], catalog['flux'].value)
    assert read['ra'].unit == u.deg  # the schema knows it, the file does not
    plain = Table.read(tmp_path / 'a.csv')
    assert plain.colnames == list(COLUMNS)


def test_any_program_reads_the_tables(tmp_path, make_catalog):
    catalog = make_catalog()
    for suffix in ('.fits', '.ecsv'):
        write_catalog(catalog, tmp_path / f'a{suffix}')
        read = QTable.read(tmp_path / f'a{suffix}')
        assert_allclose(read['flux'].to_value(u.Jy), catalog['flux'].value)
        assert read['x_centroid'].unit == u.pix
    header = fits.getheader(tmp_path / 'a.fits', 1)
    column = list(COLUMNS).index('ra') + 1
    assert header[f'TUCD{column}'] == 'pos.eq.ra;meta.main'
    assert header[f'TCOMM{column}'] == COLUMNS['ra'].description
    assert header['CREATOR'] == 'astrofound 1.0'
    assert header['SNR'] == 5.5


def test_votable_is_valid_and_has_ucds(tmp_path, make_catalog):
    path = tmp_path / 'a.vot'
    write_catalog(make_catalog(), path)
    assert validate(path, output=None)
    votable = parse(path, verify='exception')
    for field in votable.get_first_table().fields:
        assert check_ucd(field.ucd, check_controlled_vocabulary=True), field.name
        assert field.description
    fields = {field.name: field for field in votable.get_first_table().fields}
    assert str(fields['fwhm_major'].unit) in ('pix', 'pixel')
    assert fields['peak_flux'].ucd == 'phot.flux.density.sb;stat.max'


@pytest.mark.parametrize('kind', ['plain', 'rotated', 'flipped'])
@pytest.mark.parametrize('suffix', ['.reg', '.crtf'])
def test_regions_lie_on_the_sources(tmp_path, make_catalog, make_image, kind, suffix):
    catalog = make_catalog(kind=kind)
    write_catalog(catalog, tmp_path / f'a{suffix}')
    regions = read_regions(tmp_path / f'a{suffix}')
    wcs = make_image(np.ones((5, 5)), kind=kind).wcs
    assert len(regions) == len(catalog)
    for region, row in zip(regions, catalog, strict=True):
        assert isinstance(region, EllipseSkyRegion)
        assert region.center.separation(SkyCoord(row['ra'], row['dec'])) < 0.01 * u.arcsec
        pixel = region.to_pixel(wcs)
        # Back in pixels the ellipse is the fitted one, whichever axis comes first.
        shape = sorted([pixel.width, pixel.height])
        assert_allclose(shape, [row['fwhm_minor'], row['fwhm_major']], rtol=0.01)
        angle = pixel.angle.to_value(u.deg) + 90 * (pixel.height > pixel.width)
        if row['fwhm_major'] > 1.1 * row['fwhm_minor']:
            turn = (angle - row['theta'].to_value(u.deg) + 90) % 180 - 90
            assert abs(turn) < 0.5
        text = region.meta.get('text', region.meta.get('label'))
        assert text == f'{row["id"]} {row["class_name"]} {row["score"]:.2f}'
        if suffix == '.reg':
            assert region.meta['tag'] == [row['class_name']]
        color = region.visual.get('color', region.visual.get('edgecolor'))
        assert color == CLASS_COLORS[row['class_name']]


@pytest.mark.parametrize('suffix', ['.reg', '.crtf'])
def test_regions_in_pixels(tmp_path, make_catalog, suffix):
    catalog = make_catalog(wcs=False)
    write_catalog(catalog, tmp_path / f'a{suffix}', label='name')
    regions = read_regions(tmp_path / f'a{suffix}')
    for region, row in zip(regions, catalog, strict=True):
        assert isinstance(region, EllipsePixelRegion)
        assert_allclose([region.center.x, region.center.y],
                        [row['x_centroid'], row['y_centroid']], atol=1e-3)
        text = region.meta.get('text', region.meta.get('label'))
        assert text.startswith(f"{row['name']} {row['class_name']}")
    # DS9 counts pixels from 1, CASA from 0.
    first = re.search(r'ellipse ?\(?\[*([\d.]+)', (tmp_path / f'a{suffix}').read_text())[1]
    assert_allclose(float(first), catalog['x_centroid'][0] + (suffix == '.reg'), atol=1e-3)


@pytest.mark.parametrize('suffix', ['.reg', '.crtf'])
def test_regions_of_foreign_and_empty_tables(tmp_path, make_image, suffix):
    path = tmp_path / f'a{suffix}'
    write_catalog(Table({'RAJ2000': [10.0, np.nan], 'DEJ2000': [-5.0, 3.0]}), path)
    assert len(read_regions(path)) == 1
    write_catalog(empty_catalog(make_image(np.ones((5, 5)))), path)
    assert 'ellipse' not in path.read_text()


def test_many_rows_are_fast(tmp_path, make_catalog):
    catalog = make_catalog()
    catalog = catalog[np.arange(20_000) % len(catalog)]
    for suffix in ('.reg', '.crtf', '.vot', '.fits'):
        write_catalog(catalog[:10], tmp_path / f'b{suffix}')
        started = time.process_time()
        write_catalog(catalog, tmp_path / f'a{suffix}')
        assert time.process_time() - started < 3, suffix


def test_unknown_extension(tmp_path, make_catalog):
    with pytest.raises(InputError, match=r"unknown extension '.fist'; did you mean '.fits'"):
        write_catalog(make_catalog(), tmp_path / 'a.fist')
    with pytest.raises(InputError) as caught:
        check_writable(tmp_path / 'a')
    assert all(suffix in str(caught.value) for suffix in FORMATS)
    with pytest.raises(InputError, match='cannot be written as regions'):
        write_table(Table({'a': [1]}), tmp_path / 'a.reg')


def test_unwritable_places(tmp_path, make_catalog):
    with pytest.raises(WriteError, match='does not exist'):
        check_writable(tmp_path / 'none' / 'a.fits')
    (tmp_path / 'folder.fits').mkdir()
    with pytest.raises(WriteError, match='it is a folder'):
        check_writable(tmp_path / 'folder.fits')
    (tmp_path / 'old.fits').touch()
    with pytest.raises(WriteError, match='exists'):
        write_catalog(make_catalog(), tmp_path / 'old.fits', overwrite=False)
    assert check_writable(tmp_path / 'A.FITS') == '.fits'


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match='Permission denied'):
        check_writable(tmp_path / 'a.fits')


@pytest.mark.parametrize('suffix', list(FORMATS))
def test_full_disk_leaves_the_old_file(tmp_path, make_catalog, monkeypatch, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_text('old')
    catalog = make_catalog()

    def full(*args, **keywords):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('pathlib.Path.write_text', full)
    monkeypatch.setattr('pathlib.Path.write_bytes', full)
    monkeypatch.setattr('astropy.io.fits.HDUList.writeto', full)
    monkeypatch.setattr('csv.writer', full)
    with pytest.raises(WriteError, match='No space left'):
        write_catalog(catalog, path)
    assert path.read_bytes() == b'old'
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize('suffix', list(FORMATS))
def test_interrupt_leaves_the_old_file(tmp_path, make_catalog, monkeypatch, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_text('old')

    def stop(*args, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr('pathlib.Path.replace', stop)
    with pytest.raises(KeyboardInterrupt):
        write_catalog(make_catalog(), path)
    assert path.read_text() == 'old'
    assert len(list(tmp_path.iterdir())) == 1


def test_table_of_anything(tmp_path):
    table = QTable({'name': ['a', 'ü'], 'flag': [True, False], 'n': [1, 2],
                    'sky': SkyCoord([1, 2], [3, 4], unit='deg'), 'w': [1, 2] * u.um})
    for suffix in ('.fits', '.vot', '.ecsv', '.csv'):
        write_table(table, tmp_path / f'a{suffix}')
        read = Table.read(tmp_path / f'a{suffix}')
        assert_allclose(read['sky.dec'], [3, 4])
        assert read.colnames[:3] == ['name', 'flag', 'n']
