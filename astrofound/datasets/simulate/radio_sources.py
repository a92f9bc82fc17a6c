"""Populations of radio sources: points, resolved ones, doubles, bent jets, diffuse."""

from dataclasses import dataclass, field

import numpy as np

from ..._kernels.render import mixture_peak
from ...utils import InputError, check_number
from .ellipses import convolve_beam
from .morphologies import bent_source, diffuse_source, double_source

__all__ = ['Population', 'SourceMix', 'draw_radio_sources']


@dataclass(frozen=True, kw_only=True)
class SourceMix:
    """
    Fractions of the kinds of source among those bright enough to show them.

    Parameters
    ----------
    gaussian, double, bent, diffuse : float, optional
        Resolved Gaussians; straight doubles with cores and jets; bent and one-sided
        jets; diffuse patches, arcs and shells. The rest are points.
    bright : float, optional
        How many times as frequent doubles and bent sources are above S/N 10: the brighter a
        radio source, the likelier it is a radio galaxy.
    companions : float, optional
        Fraction of points placed beside another source.
    """

    gaussian: float = 0.2
    double: float = 0.045
    bent: float = 0.025
    diffuse: float = 0.03
    bright: float = 1.0
    companions: float = 0.06

    def __post_init__(self):
        total = 0.0
        for name in ('gaussian', 'double', 'bent', 'diffuse'):
            total += check_number(name, getattr(self, name), minimum=0, maximum=1)
        check_number('companions', self.companions, minimum=0, maximum=1)
        check_number('bright', self.bright, minimum=0)
        total += max(self.bright - 1, 0) * (self.double + self.bent)
        if total > 1:
            raise InputError(f'the fractions of a SourceMix must not sum to more than 1, '
                             f'got {total:.3g}')

    def choose(self, rng, snr):
        """
        Choose the kind of each source.

        Parameters
        ----------
        rng : `numpy.random.Generator`
            Source of randomness.
        snr : 1D array
            Brightness of each source, in units of the noise.

        Returns
        -------
        kind : 1D `~numpy.ndarray` of int
            0 Gaussian, 1 double, 2 bent, 3 diffuse, 4 point.
        """
        galaxies = np.where(snr > 10, self.bright, 1.0)
        shares = (self.gaussian + 0 * snr, self.double * galaxies, self.bent * galaxies,
                  self.diffuse + 0 * snr)
        return (rng.random(snr.size) >= np.cumsum(shares, axis=0)).sum(axis=0)


@dataclass
class Population:
    """
    Gaussians of many sources, in the order of the sources.

    Parameters
    ----------
    kinds : list of str
        Kind of each source.
    source, part : list of arrays
        Number of the source each Gaussian belongs to, and of the component within it.
    roles : list of str
        Role of each component, in order: ``'core'``, ``'lobe'``, ``'jet'``...
    x, y, flux, major, minor, theta : list of arrays
        Centre (pixels), flux, intrinsic FWHM (pixels) and angle (degrees) of each Gaussian.
    """

    kinds: list = field(default_factory=list)
    roles: list = field(default_factory=list)
    source: list = field(default_factory=list)
    part: list = field(default_factory=list)
    x: list = field(default_factory=list)
    y: list = field(default_factory=list)
    flux: list = field(default_factory=list)
    major: list = field(default_factory=list)
    minor: list = field(default_factory=list)
    theta: list = field(default_factory=list)

    def add(self, kind, shape, position, flux, turn, scale):
        """
        Add one source from a `Morphology` in units of its own.

        Parameters
        ----------
        kind : str
            Its kind.
        shape : Morphology
            Gaussians around the origin, fluxes summing to 1.
        position : tuple of float
            Where the origin goes, ``(x, y)``.
        flux : float
            Total flux.
        turn : float
            Rotation in degrees.
        scale : float
            Pixels per unit of the morphology.
        """
        cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        number = len(self.kinds)
        self.kinds.append(kind)
        n_parts = len(self.roles)
        self.roles.extend(shape.roles)
        self.source.append(np.full(shape.x.size, number))
        self.part.append(shape.part + n_parts)
        self.x.append(position[0] + scale * (cos * shape.x - sin * shape.y))
        self.y.append(position[1] + scale * (sin * shape.x + cos * shape.y))
        self.flux.append(flux * shape.flux)
        self.major.append(scale * shape.major)
        self.minor.append(scale * shape.minor)
        self.theta.append(shape.theta + turn)

    def add_singles(self, kind, x, y, flux, major, minor, theta):
        """
        Add sources of one Gaussian each.

        Parameters
        ----------
        kind : str
            Their kind.
        x, y, flux, major, minor, theta : 1D arrays
            One value a source, as in the class.
        """
        n, first, n_parts = len(x), len(self.kinds), len(self.roles)
        self.kinds.extend([kind] * n)
        self.roles.extend([kind] * n)
        self.source.append(first + np.arange(n))
        self.part.append(n_parts + np.arange(n))
        for name, values in (('x', x), ('y', y), ('flux', flux), ('major', major),
                             ('minor', minor), ('theta', theta)):
            getattr(self, name).append(np.asarray(values, dtype=float))

    def arrays(self):
        """
        Join everything.

        Returns
        -------
        arrays : dict of 1D `~numpy.ndarray`
            ``source``, ``part``, ``x``, ``y``, ``flux``, ``major``, ``minor``, ``theta``.
        """
        names = ('source', 'part', 'x', 'y', 'flux', 'major', 'minor', 'theta')
        kinds = {'source': int, 'part': int}
        return {name: np.concatenate([np.empty(0), *getattr(self, name)]).astype(
            kinds.get(name, float)) for name in names}


def draw_radio_sources(rng, shape, beam, snr, mix):
    """
    Place sources of given brightness, and choose their kinds and shapes.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)`` of the area to fill; positions start at the origin.
    beam : tuple of float
        FWHM major and minor in pixels, angle in degrees from +x.
    snr : 1D array
        Brightness of each source, in units of the noise.
    mix : SourceMix
        Fractions of the kinds.

    Returns
    -------
    sources : Population
        Fluxes in units of the noise.
    """
    ny, nx = shape
    fwhm = np.sqrt(beam[0] * beam[1])
    x, y = rng.uniform(-0.5, nx - 0.5, snr.size), rng.uniform(-0.5, ny - 0.5, snr.size)
    _move_companions(rng, x, y, mix.companions, fwhm)
    kind = mix.choose(rng, snr)
    kind[(snr < 3) & (kind > 0) & (kind < 4)] = 4  # too faint to show more than a point
    sources = Population()
    point, gaussian = kind == 4, kind == 0
    n = int(point.sum())
    # most compact sources are slightly resolved, which decides nothing but blurs the edge
    size = np.where(rng.random(n) < 0.5, rng.uniform(0, 0.3, n), 0.0) * fwhm
    sources.add_singles('point', x[point], y[point], snr[point], size, size, np.zeros(n))
    n = int(gaussian.sum())
    major = fwhm * np.exp(rng.uniform(np.log(0.5), np.log(5), n))
    minor = major * rng.uniform(0.15, 1, n)
    area = np.sqrt((1 + (major / fwhm) ** 2) * (1 + (minor / fwhm) ** 2))
    # brightness between "total flux from the counts" and "peak from the counts"
    flux = snr[gaussian] * area ** rng.uniform(0, 1, n)
    sources.add_singles('gaussian', x[gaussian], y[gaussian], flux, major, minor,
                        rng.uniform(0, 180, n))
    for k in np.flatnonzero((kind > 0) & (kind < 4)):
        _add_complex(rng, sources, kind[k], (x[k], y[k]), snr[k], beam, max(shape))
    return sources


def _move_companions(rng, x, y, fraction, fwhm):
    """Put some sources next to others, since real sources cluster."""
    moved = np.flatnonzero(rng.random(x.size) < fraction)
    if moved.size == 0 or x.size < 2:
        return
    host = rng.integers(0, x.size, moved.size)
    distance = fwhm * np.exp(rng.uniform(np.log(0.9), np.log(6), moved.size))
    angle = rng.uniform(0, 2 * np.pi, moved.size)
    x[moved] = x[host] + distance * np.cos(angle)
    y[moved] = y[host] + distance * np.sin(angle)


def _add_complex(rng, sources, kind, position, snr, beam, side):
    fwhm = np.sqrt(beam[0] * beam[1])
    if kind == 3:
        name, source = 'diffuse', diffuse_source(rng)
        scale = fwhm * np.exp(rng.uniform(np.log(4), np.log(30)))
        snr = np.exp(rng.uniform(np.log(1.5), np.log(15)))
        share = 1.0  # surface brightness is what decides, not flux
    else:
        name, source = ('double', double_source(rng)) if kind == 1 else ('bent', bent_source(rng))
        scale = fwhm * np.exp(rng.uniform(np.log(2.0), np.log(40)) * rng.uniform(0.6, 1))
        scale = max(scale, 2.0 * fwhm)
        share = rng.uniform(0.4, 1.0)
    scale = min(scale, 0.5 * side)
    major, minor, theta = convolve_beam(source.major * scale, source.minor * scale,
                                        source.theta, beam)
    per_beam = source.flux * beam[0] * beam[1] / (major * minor)
    peak = mixture_peak(source.x * scale, source.y * scale, per_beam, major, minor, theta,
                        np.array([0]), np.array([source.x.size]), 2)[2][0]
    sources.add(name, source, position, snr / peak**share, rng.uniform(0, 360), scale)
