import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose

from astrofound.evaluation import SourceList
from astrofound.evaluation.sources import plain


def test_quantities_and_plain_columns_agree():
    plain_table = Table({'ra': [10.0, 11.0], 'dec': [-5.0, 5.0], 'flux': [1.0, 2.0]})
    with_units = QTable({'ra': [36000.0, 39600.0] * u.arcsec, 'dec': [-5.0, 5.0] * u.deg,
                         'flux': [1.0, 2.0] * u.mJy})
    one, two = SourceList.from_table(plain_table), SourceList.from_table(with_units)
    assert_allclose(one.sky.separation(two.sky).arcsec, 0, atol=1e-6)
    assert two.flux.unit == u.mJy
    assert len(one) == 2
    assert np.isnan(one.snr).all()


def test_snr_from_peak_and_noise():
    table = Table({'x_centroid': [1.0, 2.0], 'y_centroid': [1.0, 2.0], 'peak_flux': [10.0, 3.0],
                   'local_rms': [2.0, 0.0]})
    assert_allclose(SourceList.from_table(table).snr, [5, np.nan])


def test_blank_positions_do_not_count():
    table = Table({'ra': [10.0, np.nan], 'dec': [1.0, 1.0], 'x_centroid': [1.0, 2.0],
                   'y_centroid': [3.0, 4.0]})
    sources = SourceList.from_table(table)
    assert sources.sky is None
    assert_allclose(sources.y, [3, 4])


def test_masked_values_are_nan():
    table = Table({'flux': MaskedColumn([1.0, 2.0], mask=[False, True], unit='Jy')})
    assert_allclose(plain(table, 'flux', unit=u.mJy), [1000, np.nan])
    assert plain(table, 'absent') is None


def test_positions_are_needed():
    with pytest.raises(ValueError, match="mine needs the columns 'ra' and 'dec'"):
        SourceList.from_table(Table({'flux': [1.0]}), name='mine')


def test_seen_size_but_not_intrinsic_size():
    table = QTable({'x_centroid': [1.0], 'y_centroid': [1.0], 'major': [4.0] * u.arcsec})
    assert np.isnan(SourceList.from_table(table).fwhm_sky)
    table['fwhm_major'] = [3.0]
    assert SourceList.from_table(table).fwhm_sky == 4 * u.arcsec
    assert SourceList.from_table(table).fwhm_pix == 3
