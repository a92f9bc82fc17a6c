"""Ready-made skies: one pleasant to look at, and endlessly different ones to train on."""

import numpy as np

from ...utils import check_choice
from .artefacts import ArtefactOptions
from .counts import SourceCounts
from .coverage import UVOptions
from .detector import DetectorOptions
from .footprint import FootprintOptions
from .noise import NoiseOptions
from .optical import OpticalSky
from .optical_sources import OpticalMix
from .radio import RadioSky
from .radio_sources import SourceMix

__all__ = ['make_field', 'random_sky']

_KINDS = ('radio', 'optical')


def make_field(kind='radio', *, shape=(512, 512), seed=0):
    """
    Make a field of moderate density and mild imperfections.

    Parameters
    ----------
    kind : {'radio', 'optical'}, optional
        Which sky.
    shape : tuple of int, optional
        Shape ``(ny, nx)`` in pixels.
    seed : int, optional
        The same seed gives the same field on any machine.

    Returns
    -------
    field : SimulatedField
        Image, truth and noise.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> make_field(shape=(256, 256), seed=0).image.shape
    (256, 256)
    """
    check_choice('kind', kind, _KINDS)
    if kind == 'radio':
        sky = RadioSky(shape=shape, beam=(4.2, 3.6, 30.0), rms=2e-5,
                       counts=SourceCounts(density=2.5), noise=NoiseOptions(variation=0.15))
    else:
        sky = OpticalSky(shape=shape, detector=DetectorOptions(
            saturation=3000, n_spikes=4, cosmic_rays=20))
    return sky(seed)


def random_sky(kind, shape, rng):
    """
    Draw the options of a sky from wide distributions, as training wants them.

    Parameters
    ----------
    kind : {'radio', 'optical'}
        Which sky.
    shape : tuple of int
        Shape ``(ny, nx)`` in pixels.
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    sky : RadioSky or OpticalSky
        Call it with a seed to make the field.
    """
    check_choice('kind', kind, _KINDS)
    return _random_radio(shape, rng) if kind == 'radio' else _random_optical(shape, rng)


def _log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sometimes(rng, chance, value):
    return value if rng.random() < chance else type(value)(0)


def _position(rng):
    return float(rng.uniform(0, 360)), float(np.rad2deg(np.arcsin(rng.uniform(-0.95, 0.95))))


def _random_radio(shape, rng):
    fwhm = _log_uniform(rng, 2.5, 8.0)
    elongation = 1 + rng.choice([0.0, abs(rng.normal(0, 0.35))], p=[0.25, 0.75])
    root = float(np.sqrt(min(elongation, 2.0)))
    noise_kind = str(rng.choice(['coverage', 'beam', 'single-dish'], p=[0.68, 0.22, 0.10]))
    single_dish = noise_kind == 'single-dish'
    density = _log_uniform(rng, 0.1, 8.0)
    if single_dish:
        density = _log_uniform(rng, 1.0, 12.0)  # dishes are limited by confusion
    break_snr = _log_uniform(rng, 10, 300)
    return RadioSky(
        shape=shape,
        beam=(fwhm * root, fwhm / root, float(rng.uniform(0, 180))),
        pixel_scale=_log_uniform(rng, 0.5, 30.0),
        rms=_log_uniform(rng, 1e-6, 1e-2),
        offset=float(rng.normal(0, 0.3)),
        position=_position(rng),
        rotation=_sometimes(rng, 0.3, float(rng.uniform(-180, 180))),
        counts=SourceCounts(
            density=density, faint_slope=float(rng.uniform(1.5, 2.1)),
            # survey cutouts are centred on bright sources, hence counts flatter than the sky's
            bright_slope=float(rng.uniform(1.2, 1.7) if rng.random() < 0.5
                               else rng.uniform(1.7, 2.5)),
            break_snr=break_snr, min_snr=0.4, max_snr=_log_uniform(rng, 500, 3e4)),
        mix=_random_mix(rng),
        noise=_random_noise(rng, noise_kind),
        uv=_random_uv(rng),
        artefacts=None if single_dish else _random_artefacts(rng),
        footprint=_random_footprint(rng, single_dish),
    )


def _random_mix(rng):
    if rng.random() < 0.4:  # fields rich in radio galaxies, for those are what is hard
        return SourceMix(gaussian=0.15, double=0.16, bent=0.1, diffuse=0.05, bright=2.5,
                         companions=0.1)
    return SourceMix(
        gaussian=float(rng.uniform(0.08, 0.35)), double=float(rng.uniform(0.02, 0.09)),
        bent=float(rng.uniform(0.01, 0.05)), diffuse=float(rng.uniform(0.0, 0.05)),
        bright=float(rng.uniform(1, 2.5)), companions=float(rng.uniform(0, 0.15)))


def _random_noise(rng, kind):
    return NoiseOptions(
        kind=kind,
        stretch=float(np.clip(rng.normal(1.0 if kind == 'beam' else 0.8, 0.12), 0.6, 1.4)),
        white_fraction=_sometimes(rng, 0.4, float(rng.uniform(0, 0.25))),
        ripple=_sometimes(rng, 0.3, float(rng.uniform(0.05, 0.6))),
        n_hot_cells=int(rng.choice([0, 1, 2, 4], p=[0.75, 0.1, 0.1, 0.05])),
        variation=float(rng.uniform(0, 0.3)),
        gradient=_sometimes(rng, 0.3, float(rng.uniform(0, 0.8))))


def _random_uv(rng):
    array = str(rng.choice(['wye', 'core', 'east-west', 'spiral'], p=[0.45, 0.3, 0.1, 0.15]))
    hours = {'wye': _log_uniform(rng, 0.03, 8), 'core': _log_uniform(rng, 0.1, 8),
             'east-west': 12.0, 'spiral': _log_uniform(rng, 0.1, 8)}[array]
    n_antennas = {'wye': 27, 'core': int(rng.integers(30, 65)),
                  'east-west': int(rng.integers(6, 15)), 'spiral': int(rng.integers(14, 40))}
    return UVOptions(
        array=array, n_antennas=n_antennas[array], hours=hours,
        declination=float(rng.uniform(25, 85) if array == 'east-west'
                          else rng.uniform(-10, 75)),
        robust=float(rng.uniform(-1.0, 2.0)), bandwidth=float(rng.uniform(0, 0.4)))


def _random_artefacts(rng):
    gain_error = _sometimes(rng, 0.85, _log_uniform(rng, 0.0005, 0.03))
    if rng.random() < 0.12:
        gain_error = _log_uniform(rng, 0.02, 0.05)
    return ArtefactOptions(
        gain_error=gain_error,
        n_directions=int(rng.choice([0, 1, 3], p=[0.6, 0.25, 0.15])),
        bad_baseline=_sometimes(rng, 0.2, _log_uniform(rng, 0.0005, 0.01)),
        clean_threshold=_log_uniform(rng, 0.5, 10),
        missing_spacings=_sometimes(rng, 0.3, float(rng.uniform(0.01, 0.1))),
        clean_residual=_sometimes(rng, 0.3, _log_uniform(rng, 0.001, 0.05)),
        rings=_sometimes(rng, 0.4, _log_uniform(rng, 0.001, 0.04)),
        ghosts=_sometimes(rng, 0.1, _log_uniform(rng, 0.001, 0.02)),
        limit=_log_uniform(rng, 3, 120))


def _random_footprint(rng, single_dish):
    weights = [0.2, 0.0, 0.0, 0.2, 0.6] if single_dish else [0.5, 0.25, 0.13, 0.12, 0.0]
    kind = str(rng.choice(['full', 'pointing', 'mosaic', 'irregular', 'scan'], p=weights))
    return FootprintOptions(kind=kind, extent=float(rng.uniform(0.8, 1.5)),
                            cut=float(rng.uniform(0.1, 0.5)))


def _random_optical(shape, rng):
    fwhm = _log_uniform(rng, 2.0, 6.5)
    density = _log_uniform(rng, 0.3, 25.0)
    return OpticalSky(
        shape=shape, fwhm_pix=fwhm, beta=float(rng.uniform(2.5, 5.0)),
        ellipticity=float(min(abs(rng.normal(0, 0.05)), 0.2)),
        theta=float(rng.uniform(0, 180)),
        pixel_scale=_log_uniform(rng, 0.05, 1.0), sky=_log_uniform(rng, 10, 2e4),
        subtracted=bool(rng.random() < 0.5), gain=_log_uniform(rng, 0.5, 5),
        read_noise=float(rng.uniform(0, 10)), position=_position(rng),
        rotation=_sometimes(rng, 0.3, float(rng.uniform(-180, 180))),
        counts=SourceCounts(
            density=density, faint_slope=float(rng.uniform(1.3, 1.8)),
            bright_slope=float(rng.uniform(1.4, 2.2)), break_snr=_log_uniform(rng, 10, 200),
            min_snr=0.25, max_snr=_log_uniform(rng, 500, 3e4)),
        mix=OpticalMix(galaxies=float(rng.beta(2, 1.5)), radius=_log_uniform(rng, 0.3, 1.2),
                       scatter=float(rng.uniform(0.3, 0.7)),
                       companions=float(rng.uniform(0, 0.3)),
                       clumps=_sometimes(rng, 0.7, float(rng.uniform(0, 0.4)))),
        detector=_random_detector(rng))


def _random_detector(rng):
    resampling = rng.choice(['none', 'bilinear', 'lanczos', 'drizzle'], p=[0.4, 0.2, 0.2, 0.2])
    return DetectorOptions(
        saturation=_sometimes(rng, 0.6, _log_uniform(rng, 300, 5000)),
        bleed=bool(rng.random() < 0.6),
        n_spikes=int(rng.choice([0, 4, 6, 8], p=[0.5, 0.35, 0.1, 0.05])),
        spike_level=_log_uniform(rng, 0.1, 1.0),
        cosmic_rays=_sometimes(rng, 0.5, _log_uniform(rng, 3, 150)),
        bad_columns=_sometimes(rng, 0.3, _log_uniform(rng, 1, 10)),
        hot_pixels=_sometimes(rng, 0.3, _log_uniform(rng, 3, 100)),
        resampling=str(resampling), gradient=_sometimes(rng, 0.7, _log_uniform(rng, 0.3, 10)))
