import numpy as np
import pytest
import scaling
from astropy.io import fits

from astrofound.image import SurveyImage
from astrofound.utils import HeaderWarning

HEADER = fits.Header({'BMAJ': 4.0 / 3600, 'BMIN': 4.0 / 3600, 'BPA': 0.0, 'BUNIT': 'Jy/beam',
                      'CTYPE1': 'RA---SIN', 'CTYPE2': 'DEC--SIN', 'CDELT1': -1 / 3600,
                      'CDELT2': 1 / 3600})
BLOCK = np.random.default_rng(0).normal(size=(64, 64)).astype('>f4')


def test_mosaic_repeats_the_block(tmp_path):
    scaling.make_mosaic(tmp_path / 'm.fits', BLOCK, HEADER, 256)
    np.testing.assert_array_equal(fits.getdata(tmp_path / 'm.fits'), np.tile(BLOCK, (4, 4)))


def test_the_rest_is_blank(tmp_path):
    scaling.make_mosaic(tmp_path / 'm.fits', BLOCK, HEADER, 512, filled=128)
    assert (tmp_path / 'm.fits').stat().st_blocks * 512 < 4 * 512**2
    with pytest.warns(HeaderWarning, match='zeros are taken as blank'):
        data = SurveyImage.read(tmp_path / 'm.fits').data
    np.testing.assert_array_equal(data[192:320, 192:320], np.tile(BLOCK, (2, 2)))
    assert np.isfinite(data).sum() == 128**2


def test_block_is_covered_everywhere(monkeypatch):
    monkeypatch.setattr(scaling, 'BLOCK', 128)
    block, header = scaling.make_block()
    assert block.shape == (128, 128)
    assert np.isfinite(block).all()
    assert header['BUNIT'].replace(' ', '').lower() == 'jy/beam'
