"""Images and WCS that several test files share."""

import numpy as np
import pytest
from astropy.wcs import WCS


@pytest.fixture
def make_wcs():
    """Give a function that builds a celestial WCS of any rotation, flip and projection."""
    def build(shape=(40, 60), *, scale=2.0, angle=0.0, flip=False, projection='TAN',
              center=(150.0, 2.0)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = [f'RA---{projection}', f'DEC--{projection}']
        wcs.wcs.crval = center
        wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
        turn = np.radians(angle)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        wcs.wcs.cd = rotation @ np.diag([scale if flip else -scale, scale]) / 3600
        wcs.wcs.set()
        wcs.array_shape = shape
        return wcs
    return build


@pytest.fixture
def noise():
    """Give 40 x 60 pixels of noise."""
    return np.random.default_rng(1).normal(size=(40, 60)).astype(np.float32)
