"""What calibration and deconvolution leave behind, from the uv coverage itself."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from ..._kernels.render import add_gaussians
from ...utils import check_number

__all__ = ['ArtefactOptions', 'interferometer_artefacts']

_SPLAT = 2.0  # FWHM in pixels that puts a point on the grid for the transform; divided out


@dataclass(frozen=True, kw_only=True)
class ArtefactOptions:
    """
    Imperfections of calibration and deconvolution.

    Parameters
    ----------
    gain_error : float, optional
        Largest sidelobe that antenna gain errors leave, as a fraction of the source.
    n_directions : int, optional
        Number of brightest sources with an error pattern of their own on top.
    bad_baseline : float, optional
        Largest stripe amplitude of one wrong baseline, as a fraction of the source.
    clean_threshold : float, optional
        Flux in units of the noise down to which sources are deconvolved; what is
        fainter keeps the sidelobes of the dirty beam.
    clean_residual : float, optional
        Fraction of a bright source that deconvolution leaves all the same.
    missing_spacings : float, optional
        Inner hole of the uv coverage, as a fraction of its extent; extended emission sits
        in a negative bowl.
    rings : float, optional
        Largest ring, as a fraction of the source: errors of baselines of one length.
    ghosts : float, optional
        Largest ghost, as a fraction of the source: copies in line with it on both sides,
        left by calibrating on an incomplete model.
    limit : float, optional
        Largest artefact in units of the noise: bright fields are better calibrated.
    """

    gain_error: float = 0.003
    n_directions: int = 0
    bad_baseline: float = 0.0
    clean_threshold: float = 3.0
    clean_residual: float = 0.0
    missing_spacings: float = 0.0
    rings: float = 0.0
    ghosts: float = 0.0
    limit: float = 30.0

    def __post_init__(self):
        for name in ('gain_error', 'bad_baseline', 'clean_residual', 'missing_spacings', 'rings',
                     'ghosts'):
            check_number(name, getattr(self, name), minimum=0, maximum=1)
        check_number('n_directions', self.n_directions, minimum=0, integer=True)
        check_number('clean_threshold', self.clean_threshold, minimum=0)
        check_number('limit', self.limit, above=0)


def interferometer_artefacts(rng, shape, gaussians, beam, coverage, options):
    """
    Make everything in a restored image that is neither source nor noise.

    With the visibilities ``V`` of the sky, the dirty beam's transform ``B``, the clean
    beam's ``G`` and the response ``E`` to gain errors, that is
    ``(B - G) V_uncleaned + E V``, plus what the missing spacings take away.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)`` of the field.
    gaussians : dict of arrays
        As `Population.arrays` gives them, fluxes as observed in units of the noise.
    beam : tuple of float
        Clean beam: FWHM major and minor in pixels, angle in degrees.
    coverage : UVCoverage
        The observation.
    options : ArtefactOptions
        The imperfections.

    Returns
    -------
    artefacts : 2D `~numpy.ndarray`
        In units of the noise.
    """
    flux = gaussians['flux']
    uncleaned = np.minimum(flux, np.maximum(options.clean_threshold,
                                            options.clean_residual * flux))
    clean_beam = _gaussian_transform(coverage.shape, *beam)
    total = (coverage.transfer - clean_beam) * _visibilities(coverage, gaussians, uncleaned)
    bright = flux > 20
    if bright.any():
        visibilities = _visibilities(coverage, gaussians, np.where(bright, flux, 0.0))
        errors = _error_transfer(rng, coverage, options)
        if errors is not None:
            total = total + _limited(coverage, errors * visibilities, options.limit)
        for _, k in zip(range(options.n_directions), np.argsort(-flux), strict=False):
            single = np.zeros_like(flux)
            single[k] = flux[k]
            own = _gain_transfer(rng, coverage, options.gain_error)
            total = total + _limited(coverage, own * _visibilities(coverage, gaussians, single),
                                     options.limit)
        if options.missing_spacings > 0:
            total = total - _hole(coverage, options, beam) * visibilities * clean_beam
    ny, nx = shape
    return fft.irfft2(total, coverage.shape)[:ny, :nx]


def _limited(coverage, transfer, limit):
    """Scale a pattern down to the largest artefact a field of this noise would show."""
    largest = np.abs(fft.irfft2(transfer, coverage.shape)).max()
    return transfer * min(1.0, limit / max(largest, 1e-9))


def _error_transfer(rng, coverage, options):
    parts = []
    if options.gain_error > 0:
        parts.append(_gain_transfer(rng, coverage, options.gain_error))
    if options.bad_baseline > 0:
        parts.append(_scaled(coverage, coverage.bad_baseline_transfer(rng),
                             options.bad_baseline))
    if options.rings > 0:
        parts.append(_ring_transfer(rng, coverage, options.rings))
    if options.ghosts > 0:
        parts.append(_ghost_transfer(rng, coverage, options.ghosts))
    return sum(parts[1:], parts[0]) if parts else None


def _gain_transfer(rng, coverage, level):
    """Response to gain errors of some antennas, its largest value set to ``level``."""
    n = coverage.options.n_antennas
    error = rng.normal(0, 1, n) * rng.choice([0.2, 1.0]) + 1j * rng.normal(0, 1, n)
    if rng.random() < 0.4:  # a few bad antennas are as usual as many slightly wrong ones
        error *= rng.random(n) < 0.2
        error[rng.integers(n)] += 1
    return _scaled(coverage, coverage.gain_error_transfer(0.03 * error), level)


def _ring_transfer(rng, coverage, level):
    """Errors in an annulus of the uv plane, stronger in some directions: rings and spokes."""
    ny, nx = coverage.shape
    v, u = fft.fftfreq(ny)[:, None], fft.rfftfreq(nx)[None, :]
    length = np.hypot(u, v)
    mean = np.sum(coverage.transfer * length) / np.sum(coverage.transfer)
    middle = rng.uniform(0.5, 2.0) * mean
    annulus = np.exp(-0.5 * ((length - middle) / (rng.uniform(0.03, 0.3) * middle)) ** 2)
    spokes = 1 + rng.uniform(0, 1) * np.cos(2 * rng.integers(1, 6) * np.arctan2(v, u)
                                            + rng.uniform(0, 2 * np.pi))
    return _scaled(coverage, annulus * spokes * rng.choice([-1, 1]), level)


def _ghost_transfer(rng, coverage, level):
    """Dirty beams at multiples of one displacement, weaker and weaker (Grobler+ 2014)."""
    ny, nx = coverage.shape
    v, u = fft.fftfreq(ny)[:, None], fft.rfftfreq(nx)[None, :]
    angle = rng.uniform(0, 2 * np.pi)
    distance = rng.uniform(0.06, 0.3) * min(ny, nx)
    phase = 2 * np.pi * distance * (u * np.cos(angle) + v * np.sin(angle))
    comb = sum(rng.normal(0, 1) / k**2 * np.exp(1j * sign * k * phase)
               for k in (1, 2, 3) for sign in (-1, 1))
    return _scaled(coverage, comb * coverage.transfer, level)


def _scaled(coverage, transfer, level):
    response = np.abs(fft.irfft2(transfer, coverage.shape)).max()
    return transfer * (level / max(response, 1e-9))


def _hole(coverage, options, beam):
    """Part of the visibilities lost in the middle of the uv plane."""
    # the extent of a Gaussian beam's transform at one per cent, 1.37 / FWHM
    radius = options.missing_spacings * 1.37 / np.sqrt(beam[0] * beam[1])
    v, u = fft.fftfreq(coverage.shape[0])[:, None], fft.rfftfreq(coverage.shape[1])[None, :]
    return np.exp(-(u**2 + v**2) / (0.5 * radius**2))


def _visibilities(coverage, gaussians, flux):
    """Transform of the sky on the half plane of the coverage."""
    sky = np.zeros(coverage.shape)
    major = np.hypot(gaussians['major'], _SPLAT)
    minor = np.hypot(gaussians['minor'], _SPLAT)
    peak = flux * 4 * np.log(2) / (np.pi * major * minor)
    add_gaussians(sky, gaussians['x'], gaussians['y'], peak, major, minor, gaussians['theta'],
                  1e-5)
    return fft.rfft2(sky) / _gaussian_transform(coverage.shape, _SPLAT, _SPLAT, 0.0, area=1.0)


def _gaussian_transform(shape, major, minor, theta, area=None):
    """Transform of a Gaussian of unit peak, or of the given area."""
    angle = np.deg2rad(theta)
    v, u = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :]
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    area = np.pi / (4 * np.log(2)) * major * minor if area is None else area
    return area * np.exp(-(np.pi**2) * ((along * major) ** 2 + (across * minor) ** 2)
                         / (4 * np.log(2)))
