"""A maker of small images with unit, beam and WCS, and one measured catalogue."""

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS

from astrofound.catalog import Detections, boxes_around, measure_sources
from astrofound.image import PixelBeam, SurveyImage


def _make_wcs(kind='plain', centre=(180.0, -35.0)):
    """WCS of 2 arcsec pixels: plain, rotated by 30 degrees, or with east to the right."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ['RA---SIN', 'DEC--SIN']
    wcs.wcs.crval, wcs.wcs.crpix = centre, (101, 101)
    turn = np.radians(30.0 if kind == 'rotated' else 0.0)
    step = np.array([[-1.0, 0.0], [0.0, 1.0]])
    if kind == 'flipped':
        step[0, 0] = 1.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    wcs.wcs.cd = 2 / 3600 * step @ rotation
    wcs.wcs.set()
    return wcs


@pytest.fixture
def make_image():
    def make(data, *, kind='plain', unit=u.Jy / u.beam, beam=(4.0, 4.0, 0.0), wcs=True):
        return SurveyImage(np.asarray(data, dtype=np.float32), unit=unit, beam=PixelBeam(*beam),
                           wcs=_make_wcs(kind) if wcs else None)

    return make


class _UnitNoise:
    """Noise map of background 0 and rms 1."""

    shape, rms_median = (80, 80), 1.0

    def read_window(self, window):
        size = [part.stop - part.start for part in window]
        return np.zeros(size, np.float32), np.ones(size, np.float32)


@pytest.fixture
def make_catalog(make_image):
    def make(**keywords):
        rng = np.random.default_rng(1)
        x, y = np.array([20.0, 50.0, 60.3]), np.array([20.0, 30.4, 61.0])
        j, i = np.indices((80, 80))
        data = rng.normal(size=(80, 80)) + sum(
            40 * np.exp(-4 * np.log(2) * ((i - a)**2 / w**2 + (j - b)**2 / 16))
            for a, b, w in zip(x, y, (4, 9, 4), strict=True))
        found = Detections(x, y, boxes_around(x, y, 8.0), [0.9, 0.8, 0.7], [0, 1, 2])
        catalog = measure_sources(make_image(data, **keywords), _UnitNoise(), found)
        catalog.meta.update(CREATOR='astrofound 1.0', PARAMS='min_snr=5 ' * 20, INPUT='a b.fits',
                            SNR=np.float64(5.5), beam={'major': 8.0, 'list': [1, 2]})
        return catalog

    return make
