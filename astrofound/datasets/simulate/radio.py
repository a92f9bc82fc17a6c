"""A radio sky as an interferometer or a single dish sees it."""

from dataclasses import dataclass, field

import numpy as np
from astropy import units as u
from scipy import fft
from scipy.ndimage import uniform_filter

from ..._kernels.render import add_gaussians
from ...image import PixelBeam, SurveyImage
from ...utils import check_choice, check_number
from .artefacts import ArtefactOptions, interferometer_artefacts
from .counts import SourceCounts
from .coverage import UVCoverage, UVOptions
from .ellipses import convolve_beam
from .footprint import FootprintOptions, draw_footprint
from .header import field_header, field_wcs
from .noise import NoiseOptions, field_noise, smooth_field
from .radio_sources import SourceMix, draw_radio_sources
from .radio_truth import radio_tables
from .truth import SimulatedField

__all__ = ['RadioSky', 'check_shape', 'rms_map']


def check_shape(shape):
    """Return ``shape`` as two integers of at least 32, or say what is wrong."""
    ny, nx = shape
    for side in (ny, nx):
        check_number('shape', side, minimum=32, maximum=65536, integer=True)
    return int(ny), int(nx)


@dataclass(frozen=True, kw_only=True)
class RadioSky:
    """
    Options of a radio field; calling it with a seed makes one.

    Parameters
    ----------
    shape : tuple of int, optional
        Shape ``(ny, nx)`` in pixels.
    beam : tuple of float, optional
        Clean beam: FWHM major and minor in pixels, angle in degrees from +x.
    pixel_scale : float, optional
        Side of a pixel in arcsec.
    rms : float, optional
        Noise in Jy / beam where it is lowest.
    offset : float, optional
        Constant background in units of the noise.
    position : tuple of float, optional
        Right ascension and declination of the centre in degrees.
    rotation : float, optional
        Degrees by which the image is turned on the sky.
    projection : {'SIN', 'TAN'}, optional
        Projection of the WCS.
    counts : SourceCounts, optional
        Density and brightness of the sources.
    mix : SourceMix, optional
        Kinds of source.
    noise : NoiseOptions, optional
        Correlation and changes of the noise.
    uv : UVOptions, optional
        The interferometer.
    artefacts : ArtefactOptions or None, optional
        Imperfections; `None` for a single dish or a perfect image.
    footprint : FootprintOptions, optional
        Observed area and primary beam.

    Examples
    --------
    >>> from astrofound.datasets import RadioSky
    >>> field = RadioSky(shape=(256, 256), rms=1e-4)(seed=1)
    >>> field.image.unit
    Unit("Jy / beam")
    """

    shape: tuple[int, int] = (512, 512)
    beam: tuple[float, float, float] = (4.0, 4.0, 0.0)
    pixel_scale: float = 1.5
    rms: float = 2e-5
    offset: float = 0.0
    position: tuple[float, float] = (180.0, 30.0)
    rotation: float = 0.0
    projection: str = 'SIN'
    counts: SourceCounts = field(default_factory=SourceCounts)
    mix: SourceMix = field(default_factory=SourceMix)
    noise: NoiseOptions = field(default_factory=NoiseOptions)
    uv: UVOptions = field(default_factory=UVOptions)
    artefacts: ArtefactOptions | None = field(default_factory=ArtefactOptions)
    footprint: FootprintOptions = field(default_factory=FootprintOptions)

    def __post_init__(self):
        check_shape(self.shape)
        PixelBeam(*self.beam)
        check_number('pixel_scale', self.pixel_scale, above=0)
        check_number('rms', self.rms, above=0)
        check_number('offset', self.offset)
        check_choice('projection', self.projection, ('SIN', 'TAN'))

    def __call__(self, seed=0):
        """
        Make the field.

        Parameters
        ----------
        seed : int, optional
            The same seed gives the same field.

        Returns
        -------
        field : SimulatedField
            Image, truth and noise.
        """
        check_number('seed', seed, minimum=0, integer=True)
        # a stream for each ingredient: changing one option leaves the others as they were
        streams = [np.random.default_rng([seed, k]) for k in range(6)]
        shape = check_shape(self.shape)
        observed, relative = draw_footprint(streams[0], shape, self.footprint)
        rms = rms_map(streams[1], shape, relative, self.rms, self.noise)
        pad = int(np.clip(12 * np.sqrt(self.beam[0] * self.beam[1]), 32, 160))
        fft_shape = tuple(fft.next_fast_len(side + pad, real=True) for side in shape)
        coverage = self._coverage(streams[2], fft_shape)
        population, gaussians = self._sources(streams[3], shape, pad // 2)
        clean = np.zeros(shape)
        major, minor, theta = convolve_beam(gaussians['major'], gaussians['minor'],
                                            gaussians['theta'], self.beam)
        peak = gaussians['flux'] * self.beam[0] * self.beam[1] / (major * minor)
        add_gaussians(clean, gaussians['x'], gaussians['y'], peak, major, minor, theta, 0.003)
        data, confusion = self.rms * clean, np.zeros(shape)
        if self.artefacts is not None:
            apparent = dict(gaussians, flux=gaussians['flux']
                            / _at(relative, gaussians['x'], gaussians['y']))
            artefacts = self.rms * relative * interferometer_artefacts(
                streams[4], shape, apparent, self.beam, coverage, self.artefacts)
            data += artefacts
            around = 2 * int(4 * np.sqrt(self.beam[0] * self.beam[1])) + 1
            confusion = np.sqrt(np.maximum(uniform_filter(artefacts**2, around), 0))
        data += rms * (field_noise(streams[5], shape, fft_shape, self.beam, self.noise, coverage)
                       + self.offset)
        gaussians['flux'] = gaussians['flux'] * self.rms
        clean *= self.rms
        return self._field(seed, data, clean, np.stack([rms, confusion, clean]), observed,
                           population, gaussians)

    def _coverage(self, rng, fft_shape):
        if self.noise.kind != 'coverage' and self.artefacts is None:
            return None
        return UVCoverage(self.uv, fft_shape, self.beam, rng)

    def _sources(self, rng, shape, margin):
        area = (shape[0] + 2 * margin, shape[1] + 2 * margin)
        snr = self.counts.draw(rng, area[0] * area[1] / PixelBeam(*self.beam).area)
        population = draw_radio_sources(rng, area, self.beam, snr, self.mix)
        gaussians = population.arrays()
        gaussians['x'] -= margin
        gaussians['y'] -= margin
        return population, gaussians

    def _field(self, seed, data, clean, levels, observed, population, gaussians):
        rms = levels[0].astype(np.float32)
        wcs = field_wcs(data.shape, position=self.position, pixel_scale=self.pixel_scale,
                        rotation=self.rotation, projection=self.projection)
        beam = PixelBeam(*self.beam)
        header = field_header(wcs, 'Jy/beam', kind='radio', seed=seed, sky=self, beam=beam)
        meta = {'seed': seed, 'sky': repr(self)}
        truth, components, peaks = radio_tables(population, gaussians, self.beam, levels, observed,
                                         wcs, meta)
        blank = np.float32(np.nan)
        image = SurveyImage(np.where(observed, data, blank).astype(np.float32), wcs=wcs,
                            unit=u.Jy / u.beam, beam=beam, header=header,
                            name=f'simulated radio sky {seed}')
        return SimulatedField(image, truth, components, peaks, np.where(observed, rms, blank),
                              clean.astype(np.float32), seed, 'radio')


def rms_map(rng, shape, relative, rms, options):
    """
    Build the true noise level at each pixel.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)``.
    relative : 2D array
        Noise relative to the best part, from the footprint.
    rms : float
        Level of the best part.
    options : NoiseOptions
        Its variation and gradient.

    Returns
    -------
    rms : 2D `~numpy.ndarray` of float32
        The map.
    """
    ny, nx = shape
    level = relative
    if options.variation > 0:
        waves = smooth_field(rng, shape, 0.25 * max(shape))
        level = level * np.exp(options.variation * np.clip(waves, -2, 2))
    if options.gradient > 0:
        angle = rng.uniform(0, 2 * np.pi)
        slope = (np.cos(angle) * np.linspace(-0.5, 0.5, nx, dtype=np.float32)
                 + np.sin(angle) * np.linspace(-0.5, 0.5, ny, dtype=np.float32)[:, None])
        level = level * (1 + options.gradient * slope)
    return (rms * level).astype(np.float32)


def _at(image, x, y):
    """Values of an image at the nearest pixels, those outside taking the edge's."""
    ny, nx = image.shape
    return image[np.clip(np.rint(y), 0, ny - 1).astype(int),
                 np.clip(np.rint(x), 0, nx - 1).astype(int)]
