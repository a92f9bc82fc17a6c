"""A small simulated image with truth, and the stand-ins that measuring needs."""

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS

from astrofound.catalog import Detections, boxes_around
from astrofound.image import PixelBeam, SurveyImage


class ConstantNoise:
    """Noise map of two numbers."""

    def __init__(self, shape, rms=1.0, background=0.0):
        self.shape, self.rms_median, self.background = shape, rms, background

    def read_window(self, window):
        size = [part.stop - part.start for part in window]
        return (np.full(size, self.background, np.float32),
                np.full(size, self.rms_median, np.float32))


def make_wcs(kind='plain', centre=(180.0, -35.0)):
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


def gaussian(shape, peak, x, y, major, minor, theta):
    """Elliptical Gaussian of FWHM axes in pixels."""
    j, i = np.indices(shape)
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    along, across = (i - x) * cos + (j - y) * sin, (j - y) * cos - (i - x) * sin
    return peak * np.exp(-4 * np.log(2) * ((along / major)**2 + (across / minor)**2))


def correlated_noise(rng, shape, fwhm):
    """Noise of unit rms whose autocorrelation is a Gaussian beam of this FWHM."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.normal(size=shape), fwhm / np.sqrt(2) / 2.3548, mode='wrap')
    return noise / noise.std()


def detections_of(sources, code=0):
    """Detections of rows (x, y, fwhm)."""
    x, y, fwhm = np.array(sources, dtype=float).T
    return Detections(x, y, boxes_around(x, y, fwhm), None, np.full(len(x), code))


@pytest.fixture
def make_image():
    def make(data, *, kind='plain', unit=u.Jy / u.beam, beam=(4.0, 4.0, 0.0), wcs=True):
        return SurveyImage(np.asarray(data, dtype=np.float32), unit=unit, beam=PixelBeam(*beam),
                           wcs=make_wcs(kind) if wcs else None)

    return make
