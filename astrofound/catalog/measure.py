"""Measure sources on the original pixels of an image."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..utils import InputError, check_number
from .apertures import calibrate_psf, measure_apertures, point_correction
from .assemble import assemble_catalog
from .boxes import boxes_around
from .columns import empty_catalog
from .detections import Detections
from .fitting import fit_sources, looks_extended
from .gaussians import shape_of
from .islands import measure_islands
from .parts import run_here
from .uncertainty import noise_fwhm
from .windows import WindowReader

__all__ = ['MeasureOptions', 'force_photometry', 'measure_sources']


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """
    How sources are measured.

    Parameters
    ----------
    n_passes : int, optional
        Passes over sources with neighbours.
    significance : tuple of float, optional
        Sigmas by which a source classified as point, extended or multi must be larger than
        the beam to be measured as resolved. By default 3, 1.5 and 1.5; in images that are not
        per beam 0 for extended ones, for the PSF takes more from a galaxy than it would add to
        a star.
    max_stamp : int, optional
        Side in pixels of the largest stamp that a Gaussian is fitted to.
    max_island : int, optional
        Side in pixels of the largest window that an island is summed in.
    tile_side : int, optional
        Side of the tiles the image is read in; no result depends on it.
    noise_fwhm : float, optional
        FWHM in pixels of the Gaussian that smoothed the noise; by default measured.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    n_passes: int = 4
    significance: tuple[float, float, float] | None = None
    max_stamp: int = 256
    max_island: int = 1536
    tile_side: int = 256
    noise_fwhm: float | None = None

    def __post_init__(self):
        check_number('n_passes', self.n_passes, minimum=1, integer=True)
        for name in ('max_stamp', 'max_island', 'tile_side'):
            check_number(name, getattr(self, name), minimum=16, integer=True)
        if self.noise_fwhm is not None:
            check_number('noise_fwhm', self.noise_fwhm, minimum=0)

    def significance_for(self, image):
        """
        Return the sigmas of the three classes for an image.

        Parameters
        ----------
        image : `~astrofound.image.SurveyImage`
            What is measured.

        Returns
        -------
        significance : tuple of float
            Of ``significance``, or the default for its kind.
        """
        if self.significance is not None:
            return self.significance
        return (3.0, 1.5, 1.5) if image.is_per_beam else (3.0, 0.0, 1.5)


def measure_sources(image, noise, detections, *, options=None, run=run_here, prefix=''):
    """
    Measure every detection and return a catalogue with every column.

    Compact sources get two Gaussian fits, one with the shape of the beam and one free, with
    the models of their neighbours subtracted. The free one counts where it is larger than
    the beam by several sigmas. Sources of class ``multi``, and extended ones whose Gaussian
    does not hold the flux of their pixels, are summed over their island. Where a pixel is
    not per beam the profiles are those of the PSF and of galaxies, not Gaussians: fluxes are
    then summed in apertures. Flags say which way was taken.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image, with a beam.
    noise : `~astrofound.preprocess.background.NoiseMap`
        Its background and noise.
    detections : `Detections`
        What was found.
    options : `MeasureOptions`, optional
        How to measure.
    run : callable, optional
        How parts are worked through, such as the ``map`` of a `~astrofound.pipeline.Runner`; by
        default one after the other.
    prefix : str, optional
        What the names of the stages begin with, for a second measurement in one run.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        One row a detection, in the same order. What could not be measured is NaN and flagged.

    Raises
    ------
    InputError
        If the image has no beam.

    References
    ----------
    .. [1] Condon 1997, PASP 109, 166.
    """
    return _measure(image, noise, detections, options or MeasureOptions(), forced=False, run=run,
                    prefix=prefix)


def force_photometry(image, noise, positions, *, options=None):
    """
    Measure point sources at given positions, whether anything is seen there or not.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image, with a beam.
    noise : `~astrofound.preprocess.background.NoiseMap`
        Its background and noise.
    positions : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord` or (n, 2) array-like
        A catalogue of any origin whose position columns `read_catalog` knows, sky
        positions, or pixels ``(x, y)``.
    options : `MeasureOptions`, optional
        How to measure.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        One row a position, in the same order, with flag ``forced``. Fluxes may be negative;
        they are not corrected for noise bias, since no peak was looked for. Positions
        outside the image have flag ``no_data``.

    Raises
    ------
    InputError
        If no positions can be found in the table, or they are on the sky and the image has
        no WCS.
    """
    x, y = _pixel_positions(image, positions)
    if image.beam is None:
        raise InputError(f'{image.name} has no beam; call with_beam() or pass beam=')
    boxes = boxes_around(x, y, image.beam.major)
    detections = Detections(x, y, boxes, np.full(len(x), np.nan))
    return _measure(image, noise, detections, options or MeasureOptions(), forced=True)


@np.errstate(all='ignore')  # pixels of any size: what overflows ends as NaN and is flagged
def _measure(image, noise, detections, options, forced, run=run_here, prefix=''):
    if image.beam is None:
        raise InputError(f'{image.name} has no beam; call with_beam() or pass beam=')
    if not len(detections):
        return empty_catalog(image)
    beam = image.beam
    detections = _on_the_plane(detections, image.shape)
    theta_n = options.noise_fwhm
    if theta_n is None:
        fallback = beam.fwhm / np.sqrt(2) if image.is_per_beam else 0.0
        theta_n = noise_fwhm(image, noise, beam.fwhm, fallback=fallback)
    reader = WindowReader(image, noise, tile_side=options.tile_side)
    fit = partial(fit_sources, reader, detections, theta_n=theta_n, n_passes=options.n_passes,
                  max_side=options.max_stamp, free_position=not forced,
                  significance=(np.inf,) * 3 if forced else options.significance_for(image),
                  beam_error=0.02 if image.is_per_beam else 0.05, run=run)
    fits = fit(beam=beam, stage=f'{prefix}fit')
    if not image.is_per_beam:
        psf = calibrate_psf(detections, fits, beam)
        if psf != beam:
            beam, fits = psf, fit(beam=psf, stage=f'{prefix}fit again')
    islands, apertures, correction = {}, {}, 1.0
    if not forced:
        wanted = _need_island(image, detections, fits, beam, options)
        islands = measure_islands(reader, detections, wanted, fits.model, fits.rms, beam,
                                  theta_n, max_side=options.max_island, run=run,
                                  stage=f'{prefix}islands')
    if not image.is_per_beam:
        correction = point_correction(reader, detections, fits, beam)
        if not forced:
            wanted = np.flatnonzero(fits.resolved & (detections.class_code != 2))
            apertures = measure_apertures(reader, detections, wanted, fits, theta_n)
    return assemble_catalog(image, beam, detections, fits, islands, apertures, theta_n=theta_n,
                            point_factor=correction, forced=forced)


def _on_the_plane(detections, shape):
    """Give a place far outside the image to what has none, so that arithmetic goes on."""
    lost = ~(np.isfinite(detections.x) & np.isfinite(detections.y)
             & np.isfinite(detections.boxes).all(axis=1))
    far = np.hypot(detections.x, detections.y) > 100 * sum(shape)
    lost |= far
    if not lost.any():
        return detections
    x, y, boxes = detections.x.copy(), detections.y.copy(), detections.boxes.copy()
    x[lost] = y[lost] = -10.0 * sum(shape)
    boxes[lost] = boxes_around(x[lost], y[lost], 1.0)
    return replace(detections, x=x, y=y, boxes=boxes)


def _need_island(image, detections, fits, beam, options):
    """Sources that may be no single Gaussian, nor a galaxy that an aperture holds."""
    if not image.is_per_beam:
        return np.flatnonzero(detections.class_code == 2)
    side = (detections.boxes[:, 2:] - detections.boxes[:, :2]).max(axis=1)
    with np.errstate(invalid='ignore'):
        broad = fits.resolved & (shape_of(fits.free[:, 3:])[0] > 2.5 * beam.major)
    extended = looks_extended(detections, beam) & (
        ~fits.free_ok | (side > 4 * beam.major) | (side > options.max_stamp))
    return np.flatnonzero((detections.class_code == 2) | extended | broad)


def _pixel_positions(image, positions):
    """Return x and y of whatever names positions."""
    from astropy.coordinates import SkyCoord

    if hasattr(positions, 'colnames'):
        from .guess import find_positions

        positions = find_positions(positions, prefer_sky=image.wcs is not None)
    if isinstance(positions, SkyCoord):
        if image.wcs is None:
            msg = f'{image.name} has no celestial WCS, so sky positions cannot be found in it'
            raise InputError(msg)
        x, y = image.wcs.world_to_pixel(positions.reshape(-1))
    else:
        try:
            x, y = np.asarray(positions, dtype=float).reshape(-1, 2).T
        except (TypeError, ValueError):
            msg = ("'positions' must be a table, a SkyCoord or pixels (x, y), got "
                   f'{type(positions).__name__}')
            raise InputError(msg) from None
    return np.atleast_1d(x).astype(float), np.atleast_1d(y).astype(float)
