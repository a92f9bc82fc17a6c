"""Noise with the correlation of real images, and maps of its strength."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from ...utils import check_choice, check_number

__all__ = [
    'NOISE_KINDS', 'NoiseOptions',
    'beam_noise_power', 'correlated_noise', 'field_noise', 'smooth_field',
]

NOISE_KINDS = ('coverage', 'beam', 'single-dish')


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """
    How the noise of a radio image is correlated.

    Parameters
    ----------
    kind : {'coverage', 'beam', 'single-dish'}, optional
        ``'coverage'`` takes the power spectrum of the gridded visibilities; ``'beam'``
        makes the autocorrelation the clean beam itself, that is white noise filtered with
        a kernel of beam / sqrt(2); ``'single-dish'`` filters with the whole beam and adds
        drifts along the scans.
    stretch : float, optional
        Factor on the correlation length of ``'beam'`` and ``'single-dish'``.
    white_fraction : float, optional
        Part of the variance that is white from pixel to pixel.
    ripple : float, optional
        Root mean square of large-scale ripples in units of the noise.
    n_hot_cells : int, optional
        Number of uv cells with interference, each a faint plane wave.
    variation : float, optional
        Root mean square of smooth changes of the noise level over the field, as a
        fraction.
    gradient : float, optional
        Fractional change of the noise level across the field.
    """

    kind: str = 'coverage'
    stretch: float = 1.0
    white_fraction: float = 0.0
    ripple: float = 0.0
    n_hot_cells: int = 0
    variation: float = 0.1
    gradient: float = 0.0

    def __post_init__(self):
        check_choice('kind', self.kind, NOISE_KINDS)
        check_number('stretch', self.stretch, minimum=0.3, maximum=3)
        check_number('white_fraction', self.white_fraction, minimum=0, maximum=1)
        check_number('ripple', self.ripple, minimum=0)
        check_number('n_hot_cells', self.n_hot_cells, minimum=0, integer=True)
        check_number('variation', self.variation, minimum=0, maximum=1)
        check_number('gradient', self.gradient, minimum=0, maximum=1.5)


def beam_noise_power(shape, beam, *, stretch=1.0, kernel_power=1.0):
    """
    Power spectrum of noise whose autocorrelation is a Gaussian.

    Parameters
    ----------
    shape : tuple of int
        Shape ``(ny, nx)`` of the transform.
    beam : tuple of float
        FWHM major and minor in pixels, angle in degrees from +x.
    stretch : float, optional
        Factor on the width of the autocorrelation.
    kernel_power : float, optional
        1 makes the beam the autocorrelation, 2 the filter.

    Returns
    -------
    power : 2D `~numpy.ndarray`
        On the half plane of `scipy.fft.rfft2`, not normalised.
    """
    major, minor, theta = beam
    v, u = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :]
    angle = np.deg2rad(theta)
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    radius2 = (along * major) ** 2 + (across * minor) ** 2
    return np.exp(-kernel_power * (np.pi * stretch) ** 2 * radius2 / (4 * np.log(2)))


def correlated_noise(rng, shape, power):
    """
    Draw Gaussian noise of unit variance with a given power spectrum.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)``, that of the transform.
    power : 2D `~numpy.ndarray`
        Power on the half plane of `scipy.fft.rfft2`; any scale.

    Returns
    -------
    noise : 2D `~numpy.ndarray` of float32
        Expected variance 1.
    """
    ny, nx = shape
    white = rng.standard_normal(shape, dtype=np.float32)
    columns = np.full(nx // 2 + 1, 2.0)  # each column stands for itself and its mirror
    columns[0] = 1.0
    if nx % 2 == 0:
        columns[-1] = 1.0
    mean = float(np.sum(power * columns)) / (ny * nx)
    filtered = fft.rfft2(white) * np.sqrt(power / mean).astype(np.float32)
    return fft.irfft2(filtered, shape)


def smooth_field(rng, shape, scale):
    """
    Draw a smooth random field of zero mean and unit variance.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)``.
    scale : float
        Correlation length in pixels.

    Returns
    -------
    field : 2D `~numpy.ndarray` of float32
        The field.
    """
    # a few random waves are as good as filtered noise here, and cost no transform
    ny, nx = shape
    y, x = np.arange(ny, dtype=np.float32), np.arange(nx, dtype=np.float32)
    total = np.zeros(shape, dtype=np.complex64)
    for _ in range(10):
        ky, kx = rng.normal(0, 1 / scale, 2)
        phase = rng.uniform(0, 2 * np.pi)
        total += (np.exp(1j * (ky * y + phase)).astype(np.complex64)[:, None]
                  * np.exp(1j * kx * x).astype(np.complex64))
    return total.real * np.float32(np.sqrt(2 / 10))


def field_noise(rng, shape, fft_shape, beam, options, coverage=None):
    """
    Draw the noise of a field: correlated part, white part, ripples and plane waves.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape, fft_shape : tuple of int
        Shapes of the field and of the transforms.
    beam : tuple of float
        FWHM major and minor in pixels, angle in degrees from +x.
    options : NoiseOptions
        The noise.
    coverage : UVCoverage, optional
        Needed for the kind ``'coverage'``.

    Returns
    -------
    noise : 2D `~numpy.ndarray`
        Variance about 1, plus ripples.
    """
    if options.kind == 'coverage':
        power = coverage.noise_power
    else:
        kernel_power = 1.0 if options.kind == 'beam' else 2.0
        power = beam_noise_power(fft_shape, beam, stretch=options.stretch,
                                 kernel_power=kernel_power)
    ny, nx = shape
    noise = correlated_noise(rng, fft_shape, power)[:ny, :nx]
    if options.white_fraction > 0:
        white = rng.standard_normal(shape, dtype=np.float32)
        noise = (np.sqrt(1 - options.white_fraction) * noise
                 + np.sqrt(options.white_fraction) * white)
    if options.kind == 'single-dish':
        noise = noise + _scan_drifts(rng, shape, beam)
    fwhm = np.sqrt(beam[0] * beam[1])
    if options.ripple > 0:
        noise = noise + options.ripple * smooth_field(rng, shape, fwhm * rng.uniform(3, 12))
    for _ in range(options.n_hot_cells):
        noise = noise + _plane_wave(rng, shape, fwhm)
    return noise


def _scan_drifts(rng, shape, beam):
    """Baselines that drift along the scans of a single dish."""
    ny, nx = shape
    width = np.sqrt(beam[0] * beam[1])
    n_scans = int(np.hypot(ny, nx) / (0.5 * width)) + 2
    angle = rng.choice([0.0, 90.0]) + rng.normal(0, 25)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    y, x = np.mgrid[:ny, :nx].astype(np.float32)
    across = (-(x - nx / 2) * sin + (y - ny / 2) * cos) / (0.5 * width) + n_scans / 2
    along = (x - nx / 2) * cos + (y - ny / 2) * sin
    level = rng.normal(0, 1, n_scans + 1)
    slope = rng.normal(0, 1, n_scans + 1)
    scan = np.arange(n_scans + 1)
    length = 0.5 * np.hypot(ny, nx)
    drift = (np.interp(across, scan, level)
             + np.interp(across, scan, slope) * np.sin(np.pi * along / length))
    return rng.uniform(0.05, 0.5) * drift


def _plane_wave(rng, shape, fwhm):
    ny, nx = shape
    wavelength = fwhm * np.exp(rng.uniform(np.log(1.2), np.log(12)))
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    ky, kx = np.array([np.sin(angle), np.cos(angle)]) * 2 * np.pi / wavelength
    y, x = np.arange(ny), np.arange(nx)
    wave = np.exp(1j * (ky * y + phase))[:, None] * np.exp(1j * kx * x)
    return rng.uniform(0.1, 0.5) * wave.real
