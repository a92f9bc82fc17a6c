import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS

from astrofound.catalog import Detections, read_regions, select_within
from astrofound.utils import InputError, ReadError


@pytest.fixture
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ['RA---SIN', 'DEC--SIN']
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (150, 2), (50, 50), (-1 / 3600, 1 / 3600)
    return wcs


@pytest.fixture
def found():
    x, y = np.array([49.0, 70.0]), np.array([49.0, 49.0])
    return Detections(x, y, np.zeros((2, 4)))


def test_sky_and_pixel_regions(tmp_path, found, wcs):
    path = tmp_path / 'a.reg'
    path.write_text('fk5\ncircle(150.0, 2.0, 5")\n')
    assert select_within(found, read_regions(path), wcs).x.tolist() == [49]
    path.write_text('image\nbox(71, 50, 10, 10, 0)\n')
    assert select_within(found, read_regions(path)).x.tolist() == [70]
    table = Table({'x_centroid': found.x, 'y_centroid': found.y})
    assert len(select_within(table, read_regions(path))) == 1


def test_nothing_asked_keeps_all(found):
    assert select_within(found, None) is found


def test_sky_region_without_wcs(tmp_path, found):
    path = tmp_path / 'a.reg'
    path.write_text('fk5\ncircle(150.0, 2.0, 5")\n')
    with pytest.raises(InputError, match='no celestial WCS'):
        select_within(found, read_regions(path))


def test_bad_files(tmp_path):
    with pytest.raises(ReadError, match='no such file'):
        read_regions(tmp_path / 'missing.reg')
    with pytest.raises(InputError, match='unknown extension'):
        read_regions(tmp_path / 'a.txt')
    empty = tmp_path / 'empty.reg'
    empty.write_text('# nothing\n')
    with pytest.raises(ReadError, match='holds no region'):
        read_regions(empty)
    broken = tmp_path / 'broken.reg'
    broken.write_text('fk5\ncircle(what, ever)\n')
    with pytest.raises(ReadError):
        read_regions(broken)
