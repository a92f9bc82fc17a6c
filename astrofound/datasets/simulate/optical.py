"""An optical sky as a camera sees it."""

from dataclasses import dataclass, field

import numpy as np
from astropy import units as u
from scipy import fft, ndimage

from ..._kernels.render import add_gaussians, add_moffats, add_sersics
from ...image import SurveyImage
from ...utils import check_number
from .counts import SourceCounts
from .detector import (
    DetectorOptions,
    add_cosmic_rays,
    add_spikes,
    blank_columns,
    resampling_kernel,
    saturate,
)
from .ellipses import ellipse_moments
from .header import field_header, field_wcs
from .noise import smooth_field
from .optical_sources import OpticalMix, draw_optical_sources
from .radio import check_shape
from .truth import SimulatedField, make_tables, peak_table

__all__ = ['OpticalSky']

_REACH = 6.0  # half-light radii to which galaxies are drawn
_EXTENDED_RATIO = 0.75  # peak over that of a star of the same flux, below which it is extended


@dataclass(frozen=True, kw_only=True)
class OpticalSky:
    """
    Options of an optical field; calling it with a seed makes one.

    Parameters
    ----------
    shape : tuple of int, optional
        Shape ``(ny, nx)`` in pixels.
    fwhm_pix : float, optional
        FWHM of the Moffat point-spread function in pixels.
    beta : float, optional
        Its exponent.
    ellipticity, theta : float, optional
        Its ellipticity and the angle of its major axis in degrees.
    pixel_scale : float, optional
        Side of a pixel in arcsec.
    sky : float, optional
        Sky level in counts.
    subtracted : bool, optional
        Whether the mean sky has been subtracted.
    gain : float, optional
        Electrons in one count.
    read_noise : float, optional
        Electrons.
    position : tuple of float, optional
        Right ascension and declination of the centre in degrees.
    rotation : float, optional
        Degrees by which the image is turned on the sky.
    counts : SourceCounts, optional
        Density and brightness of the sources; the signal-to-noise is that of a star's
        brightest pixel.
    mix : OpticalMix, optional
        Stars, galaxies and their sizes.
    detector : DetectorOptions, optional
        Imperfections of the camera.

    Examples
    --------
    >>> from astrofound.datasets import OpticalSky
    >>> field = OpticalSky(shape=(256, 256), fwhm_pix=3.0)(seed=1)
    >>> field.image.unit
    Unit("ct")
    """

    shape: tuple[int, int] = (512, 512)
    fwhm_pix: float = 3.5
    beta: float = 3.5
    ellipticity: float = 0.03
    theta: float = 0.0
    pixel_scale: float = 0.2
    sky: float = 1000.0
    subtracted: bool = False
    gain: float = 2.0
    read_noise: float = 5.0
    position: tuple[float, float] = (150.0, 2.0)
    rotation: float = 0.0
    counts: SourceCounts = field(default_factory=lambda: SourceCounts(
        density=4.0, faint_slope=1.5, bright_slope=1.9, min_snr=0.3))
    mix: OpticalMix = field(default_factory=OpticalMix)
    detector: DetectorOptions = field(default_factory=DetectorOptions)

    def __post_init__(self):
        check_shape(self.shape)
        check_number('fwhm_pix', self.fwhm_pix, minimum=1, maximum=50)
        check_number('beta', self.beta, above=1)
        check_number('ellipticity', self.ellipticity, minimum=0, maximum=0.7)
        for name in ('pixel_scale', 'sky', 'gain'):
            check_number(name, getattr(self, name), above=0)
        check_number('read_noise', self.read_noise, minimum=0)

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
        streams = [np.random.default_rng([seed, 10 + k]) for k in range(4)]
        shape = check_shape(self.shape)
        noise = np.sqrt(self.sky * self.gain + self.read_noise**2) / self.gain
        sources = self._sources(streams[0], shape, noise)
        clean, concentration = self._clean_image(streams[3], sources, shape, noise)
        data, saturated, rms, smoothing = self._expose(streams[1], sources, clean, noise)
        self._spoil(streams[2], data, noise)
        rms[~np.isfinite(data)] = np.nan
        return self._field(seed, data, clean, rms, sources, concentration, saturated, smoothing)

    @property
    def _star_peak(self):
        """Peak of a star of unit flux."""
        alpha = 0.5 * self.fwhm_pix / np.sqrt(2 ** (1 / self.beta) - 1)
        return (self.beta - 1) / (np.pi * alpha**2)

    def _sources(self, rng, shape, noise):
        margin = 6 * self.fwhm_pix
        area = (shape[0] + 2 * margin) * (shape[1] + 2 * margin)
        n_beams = area / (1.133 * self.fwhm_pix**2)
        snr = self.counts.draw(rng, n_beams)
        sources = draw_optical_sources(rng, shape, margin, self.fwhm_pix, snr, self.mix)
        sources['flux'] = sources['snr'] * noise / self._star_peak
        return sources

    def _clean_image(self, rng, sources, shape, noise):
        """Draw everything without noise; also the peak of each source for unit flux."""
        psf = (self.fwhm_pix, self.beta, 1 - self.ellipticity, self.theta)
        galaxy = sources['is_galaxy']
        pad = int(min(12 * self.fwhm_pix, 100))
        fft_shape = tuple(fft.next_fast_len(side + 2 * pad, real=True) for side in shape)
        galaxies = np.zeros(fft_shape)
        chosen = {name: values[galaxy] for name, values in sources.items()}
        concentration = np.full(galaxy.size, self._star_peak)
        concentration[galaxy] = add_sersics(
            galaxies, chosen['x'] + pad, chosen['y'] + pad,
            chosen['flux'] * (1 - chosen['clumpy']), chosen['r_e'], chosen['index'],
            chosen['axis_ratio'], chosen['theta'], _REACH, 4, self.fwhm_pix, self.beta)
        add_gaussians(galaxies, *self._clumps(rng, chosen, pad), 1e-3 * noise)
        kernel = np.zeros(fft_shape)
        middle = (fft_shape[1] // 2, fft_shape[0] // 2)
        add_moffats(kernel, np.array([float(middle[0])]), np.array([float(middle[1])]),
                    np.ones(1), *psf, 1e-9, float(pad), 3)
        kernel /= kernel.sum()
        blurred = fft.irfft2(fft.rfft2(galaxies) * fft.rfft2(kernel), fft_shape)
        blurred = np.roll(blurred, (-middle[1] - pad, -middle[0] - pad), (0, 1))
        clean = np.ascontiguousarray(blurred[:shape[0], :shape[1]])
        add_moffats(clean, sources['x'][~galaxy], sources['y'][~galaxy],
                    sources['flux'][~galaxy], *psf, 0.02 * noise, 0.5 * max(shape), 3)
        return clean, concentration

    def _clumps(self, rng, galaxies, pad):
        """Knots of star formation as small Gaussians: what `add_gaussians` takes."""
        owner = np.repeat(np.arange(galaxies['x'].size), 5 * (galaxies['clumpy'] > 0))
        radius = galaxies['r_e'][owner] * np.sqrt(rng.uniform(0.05, 2.5, owner.size))
        turn = rng.uniform(0, 2 * np.pi, owner.size)
        along = radius * np.cos(turn)
        across = radius * np.sin(turn) * galaxies['axis_ratio'][owner]
        cos, sin = (f(np.deg2rad(galaxies['theta'][owner])) for f in (np.cos, np.sin))
        size = np.full(owner.size, 1.5) + 0.15 * galaxies['r_e'][owner]
        weight = rng.exponential(1, owner.size)
        total = np.bincount(owner, weight, galaxies['x'].size)
        flux = (galaxies['flux'] * galaxies['clumpy'])[owner] * weight / total[owner]
        return (galaxies['x'][owner] + pad + along * cos - across * sin,
                galaxies['y'][owner] + pad + along * sin + across * cos,
                flux * 4 * np.log(2) / (np.pi * size**2), size, size, np.zeros(owner.size))

    def _expose(self, rng, sources, clean, noise):
        """Sky, spikes, photon noise, resampling and saturation."""
        options = self.detector
        light = clean.copy()
        stars = ~sources['is_galaxy']
        peak = sources['flux'][stars] * self._star_peak
        if options.n_spikes:
            add_spikes(light, sources['x'][stars], sources['y'][stars], peak, self.fwhm_pix,
                       0.3 * noise, options, rng.uniform(0, 360))
        sky = self.sky + noise * self._gradient(rng, clean.shape)
        electrons = np.maximum((light + sky) * self.gain, 0.0)
        exposed = rng.poisson(electrons) + self.read_noise * rng.standard_normal(clean.shape)
        mean = light + sky
        fluctuation = exposed / self.gain - mean
        kernel = resampling_kernel(rng, options.resampling)
        # where a gradient takes more than there is, no photons are left
        level = np.sqrt(np.maximum(sky * self.gain, 0.0) + self.read_noise**2) / self.gain
        smoothing = 1.0
        if kernel is not None:
            fluctuation = ndimage.convolve(fluctuation, kernel, mode='reflect')
            smoothing = float(np.sqrt(np.sum(kernel**2)))
            level = level * smoothing
        data = mean + fluctuation
        saturated = np.zeros(clean.shape, dtype=bool)
        if options.saturation > 0:
            saturated = saturate(data, self.sky + options.saturation * noise,
                                 bleed=options.bleed)
        if self.subtracted:
            data -= self.sky
        return data, saturated, level.astype(np.float32), smoothing

    def _gradient(self, rng, shape):
        if self.detector.gradient == 0:
            return np.zeros(shape)
        angle = rng.uniform(0, 2 * np.pi)
        slope = (np.cos(angle) * np.linspace(-0.5, 0.5, shape[1])
                 + np.sin(angle) * np.linspace(-0.5, 0.5, shape[0])[:, None])
        waves = smooth_field(rng, shape, 0.5 * max(shape))
        return self.detector.gradient * (slope + 0.2 * waves)

    def _spoil(self, rng, data, noise):
        options = self.detector
        add_cosmic_rays(rng, data, rng.poisson(options.cosmic_rays * data.size / 1e6), noise)
        n_hot = rng.poisson(options.hot_pixels * data.size / 1e6)
        where = rng.integers(0, data.size, n_hot)
        data.flat[where] += noise * np.exp(rng.uniform(np.log(5), np.log(200), n_hot))
        blank_columns(rng, data, rng.poisson(options.bad_columns * data.shape[1] / 1e3), noise)

    def _field(self, seed, data, clean, rms, sources, concentration, saturated, smoothing):
        wcs = field_wcs(data.shape, position=self.position, pixel_scale=self.pixel_scale,
                        rotation=self.rotation, projection='TAN')
        header = field_header(wcs, 'ct', kind='optical', seed=seed, sky=self)
        header['GAIN'] = (self.gain, 'electrons in one count')
        meta = {'seed': seed, 'sky': repr(self)}
        values = self._truth(sources, concentration, rms, clean, saturated, smoothing)
        peaks = peak_table({'parent_id': values['id'], **values}, u.ct)
        truth = make_tables(values, wcs, u.ct, u.ct, meta)
        names = [name for name in truth.colnames if name not in ('class_name', 'n_components')]
        components = truth[names]
        components.rename_column('kind', 'role')
        components.add_column(truth['id'], name='parent_id', index=1)
        image = SurveyImage(data.astype(np.float32), wcs=wcs, unit=u.ct, header=header,
                            name=f'simulated optical sky {seed}')
        return SimulatedField(image, truth, components, peaks, rms, clean.astype(np.float32), seed,
                              'optical')

    def _truth(self, sources, concentration, rms, clean, saturated, smoothing):
        """
        Columns of the sources whose centres are in the field.

        ``smoothing`` is the noise of a pixel over that of the detector's own.
        """
        ny, nx = rms.shape
        column, row = np.rint(sources['x']).astype(int), np.rint(sources['y']).astype(int)
        inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
        s = {name: value[inside] for name, value in sources.items()}
        column, row, concentration = column[inside], row[inside], concentration[inside]
        galaxy, n = s['is_galaxy'], int(inside.sum())
        # a bad column blanks one pixel of a source, not the source: take the field's noise
        local = np.nan_to_num(rms[row, column], nan=float(np.nanmedian(rms)))
        major = np.where(galaxy, 2 * s['r_e'], 0.0)
        minor, theta = major * s['axis_ratio'], s['theta']
        peak, light = s['flux'] * concentration, clean[row, column]
        extended = galaxy & (concentration < _EXTENDED_RATIO * self._star_peak)
        sxx, _, syy = ellipse_moments(major, minor, theta)
        half_x, half_y = (np.sqrt(m + self.fwhm_pix**2) for m in (sxx, syy))
        values = {
            'id': np.arange(1, n + 1), 'x_centroid': s['x'], 'y_centroid': s['y'],
            'x_peak': s['x'], 'y_peak': s['y'], 'flux': s['flux'], 'peak_flux': peak,
            'snr': peak / local,
            'contrast': peak / np.sqrt(local**2 + np.maximum(light - peak, 0) / self.gain),
            'light_share': np.minimum(peak / np.maximum(light, 1e-30), 1.0),
            'major_pix': major, 'minor_pix': minor, 'theta': theta,
        }
        for axis, centre, half, side in (('x', s['x'], half_x, nx), ('y', s['y'], half_y, ny)):
            for end, sign in (('min', -1), ('max', 1)):
                edge = np.floor(centre + sign * half + 0.5)
                values[f'bbox_{axis}{end}'] = np.clip(edge, 0, side - 1).astype(int)
        # of the best filter for white noise, sources taken as Gaussians: sqrt(pi) sigma a peak
        sigma = np.sqrt(half_x * half_y) / (2 * np.sqrt(2 * np.log(2)))
        values['snr_matched'] = np.sqrt(np.pi) * sigma * smoothing * values['contrast']
        values['class_name'] = np.where(extended, 'extended', 'point').astype('U8')
        values['kind'] = np.where(galaxy, 'galaxy', 'star').astype('U8')
        values['n_components'] = np.ones(n, dtype=int)
        values['saturated'] = saturated[row, column]
        return values
