"""Stars and galaxies of an optical field."""

from dataclasses import dataclass

import numpy as np

from ...utils import check_number

__all__ = ['OpticalMix', 'draw_optical_sources']


@dataclass(frozen=True, kw_only=True)
class OpticalMix:
    """
    What an optical field is made of.

    Parameters
    ----------
    galaxies : float, optional
        Fraction of galaxies; the rest are stars.
    radius : float, optional
        Median half-light radius of galaxies in units of the seeing's FWHM.
    scatter : float, optional
        Scatter of the radius in natural logarithms.
    companions : float, optional
        Fraction of sources placed beside another one.
    clumps : float, optional
        Largest fraction of a large galaxy's light in knots of star formation.
    """

    galaxies: float = 0.6
    radius: float = 0.6
    scatter: float = 0.5
    companions: float = 0.1
    clumps: float = 0.1

    def __post_init__(self):
        check_number('galaxies', self.galaxies, minimum=0, maximum=1)
        check_number('companions', self.companions, minimum=0, maximum=1)
        check_number('clumps', self.clumps, minimum=0, maximum=1)
        check_number('radius', self.radius, above=0)
        check_number('scatter', self.scatter, minimum=0, maximum=2)


def draw_optical_sources(rng, shape, margin, fwhm, snr, mix):
    """
    Place stars and galaxies of given brightness.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)`` of the field.
    margin : float
        How far outside the field sources may lie, in pixels.
    fwhm : float
        FWHM of the point-spread function in pixels.
    snr : 1D array
        Peak of a star of that flux, in units of the noise.
    mix : OpticalMix
        Fractions and sizes.

    Returns
    -------
    sources : dict of 1D `~numpy.ndarray`
        ``is_galaxy``, ``x``, ``y``, ``snr``, ``r_e`` (pixels), ``index``, ``axis_ratio``,
        ``theta`` and ``clumpy``, the fraction of its light in knots.
    """
    ny, nx = shape
    n = snr.size
    x = rng.uniform(-margin, nx - 1 + margin, n)
    y = rng.uniform(-margin, ny - 1 + margin, n)
    moved = np.flatnonzero(rng.random(n) < mix.companions)
    if n > 1 and moved.size:
        host = rng.integers(0, n, moved.size)
        distance = fwhm * np.exp(rng.uniform(np.log(0.8), np.log(5), moved.size))
        angle = rng.uniform(0, 2 * np.pi, moved.size)
        x[moved], y[moved] = (x[host] + distance * np.cos(angle),
                              y[host] + distance * np.sin(angle))
    # nearby galaxies are both brighter and larger
    growth = np.clip(snr / 20, 0.3, 300) ** rng.uniform(0.05, 0.3, n)
    r_e = fwhm * mix.radius * growth * np.exp(rng.normal(0, mix.scatter, n))
    r_e = np.clip(r_e, 0.1 * fwhm, 0.12 * max(shape))
    index = np.where(rng.random(n) < 0.7, rng.uniform(0.5, 1.6, n), rng.uniform(1.6, 4.0, n))
    return {
        'is_galaxy': rng.random(n) < mix.galaxies,
        'x': x, 'y': y, 'snr': snr * np.clip(growth, 1, None),
        'r_e': r_e,
        'index': index,
        'axis_ratio': np.clip(1 - rng.rayleigh(0.3, n), 0.15, 1),
        'theta': rng.uniform(0, 180, n),
        'clumpy': np.where((r_e > fwhm) & (index < 1.6), mix.clumps * rng.random(n), 0.0),
    }
