"""Tiles of many compact sources as in the MeerKAT Galaxy Cluster Legacy Survey, with boxes."""

import numpy as np

from ..._kernels.render import add_gaussians
from .ellipses import convolve_beam, ellipse_moments
from .noise import beam_noise_power, correlated_noise
from .radio_sources import SourceMix, draw_radio_sources
from .structure import island_box

__all__ = ['MGCLS_BEAM', 'MGCLS_SIDE', 'draw_mgcls']

# Tiles of 256 pixels of 1.25", enlarged twice as in the paper. The beam is that which gives its
# boxes: 16 pixels on average and 14 at the 25th percentile.
MGCLS_SIDE = 512
MGCLS_BEAM = (14.2, 13.6, 20.0)
_DETECTED = 5.0  # PyBDSF's usual threshold, in units of the noise
_OWN_SHARE = 0.7  # of the light at its peak, below which a source is a blend
_MIX = SourceMix(gaussian=0.3, double=0.02, bent=0.012, diffuse=0.004, companions=0.05)


def draw_mgcls(rng):
    """
    Draw a tile with 10 to 100 compact sources, and extended ones that nobody has labelled.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    image : 2D `~numpy.ndarray` of float32
        In units of the noise.
    boxes : (n, 4) `~numpy.ndarray`
        Edges of the half-maximum ellipses of compact sources as seen, then of extended ones.
    ignored : (n,) `~numpy.ndarray` of bool
        Whether a box is of an extended or blended source.

    Notes
    -----
    Compact is what is no longer than two beams and has most of the light at its peak.
    """
    shape = (MGCLS_SIDE, MGCLS_SIDE)
    n_wanted = np.exp(rng.uniform(np.log(13), np.log(105)))
    # counts fall with brightness to the power 0.9: some 45 % are above the threshold
    snr = 2.0 * (1 - rng.random(rng.poisson(n_wanted / 0.44))) ** (-1 / 0.9)
    population = draw_radio_sources(rng, shape, MGCLS_BEAM, np.minimum(snr, 3000.0), _MIX)
    gaussians = population.arrays()
    major, minor, theta = convolve_beam(gaussians['major'], gaussians['minor'],
                                        gaussians['theta'], MGCLS_BEAM)
    peak = gaussians['flux'] * MGCLS_BEAM[0] * MGCLS_BEAM[1] / (major * minor)
    model = np.zeros(shape)
    add_gaussians(model, gaussians['x'], gaussians['y'], peak, major, minor, theta, 0.02)
    kinds = np.array(population.kinds)
    single = np.isin(kinds, ['point', 'gaussian'])[gaussians['source']]
    boxes, blended = _compact_boxes(model, gaussians['x'][single], gaussians['y'][single],
                                    peak[single], (major[single], minor[single], theta[single]))
    wide = [_extended_box(gaussians, peak, (major, minor, theta), number, shape)
            for number in np.flatnonzero(np.isin(kinds, ['double', 'bent', 'diffuse']))]
    wide = np.array([box for box in wide if box is not None]).reshape(-1, 4)
    noise = correlated_noise(rng, shape, beam_noise_power(shape, MGCLS_BEAM))
    return ((model + noise).astype(np.float32), np.concatenate([boxes, wide]),
            np.append(blended, np.ones(len(wide), bool)))


def _compact_boxes(model, x, y, peak, ellipse):
    """Boxes of what a finder would list: bright enough, its centre in the tile."""
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    inside = ((column >= 0) & (row >= 0) & (column < model.shape[1]) & (row < model.shape[0])
              & (peak > _DETECTED))
    x, y, peak = x[inside], y[inside], peak[inside]
    major, minor, theta = (value[inside] for value in ellipse)
    share = peak / model[row[inside], column[inside]]
    xx, _, yy = ellipse_moments(major, minor, theta)
    # ellipse_moments gives squares of full widths; a half width is half their root
    too_long = major > 2 * MGCLS_BEAM[0]
    half_x, half_y = 0.5 * np.sqrt(xx), 0.5 * np.sqrt(yy)
    boxes = np.stack([x - half_x, y - half_y, x + half_x, y + half_y], axis=1) + 0.5
    limits = [model.shape[1], model.shape[0]] * 2
    return np.clip(boxes, 0, limits), too_long | (share < _OWN_SHARE)


def _extended_box(gaussians, peak, ellipse, number, shape):
    """Box of an extended source at three times the noise, where it shows at all."""
    own = gaussians['source'] == number
    alone = np.zeros(shape)
    add_gaussians(alone, gaussians['x'][own], gaussians['y'][own], peak[own],
                  *(value[own] for value in ellipse), 0.05)
    return island_box(alone, 3.0)
