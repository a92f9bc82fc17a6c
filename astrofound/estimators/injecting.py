"""Sources of known flux on a real image."""

from dataclasses import dataclass

import numpy as np
from astropy.table import QTable
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from astrofound._kernels.render import add_gaussians
from astrofound.datasets.simulate.ellipses import convolve_beam
from astrofound.image import SurveyImage
from astrofound.utils import InputError, check_number

__all__ = ['InjectionOptions', 'draw_sources', 'inject_sources', 'with_pixels']

_MARGIN = 1.5  # beams between an injected source and what is blank
_APART = 8.0  # beams between injected sources, so that none hides another
_SPACING = 12.0  # beams; a square of this side holds one source on average
_PER_SUM = np.pi / (4 * np.log(2))  # of a Gaussian, over the product of its FWHM


@dataclass(frozen=True, kw_only=True)
class InjectionOptions:
    """
    What is injected into an image, and how often.

    Parameters
    ----------
    n_rounds : int, optional
        How many times sources are injected, each time at other places.
    n_sources : int, optional
        Sources a round, at most; by default one a square of 12 beams.
    snr_range : tuple of float, optional
        Smallest and largest peak over the local noise; drawn evenly in the logarithm.
    extended : float, optional
        Share of sources that are Gaussians of 0.5 to 2 beams; the others are points.
    seed : int, optional
        The same seed gives the same sources.

    Raises
    ------
    InputError
        If a value is not possible.
    """

    n_rounds: int = 5
    n_sources: int | None = None
    snr_range: tuple[float, float] = (1.0, 40.0)
    extended: float = 0.3
    seed: int = 0

    def __post_init__(self):
        check_number('n_rounds', self.n_rounds, minimum=1, integer=True)
        if self.n_sources is not None:
            check_number('n_sources', self.n_sources, minimum=1, integer=True)
        check_number('extended', self.extended, minimum=0, maximum=1)
        low, high = self.snr_range
        check_number('snr_range[0]', low, above=0)
        check_number('snr_range[1]', high, above=low)


def with_pixels(image, pixels, *, name=None):
    """
    Give an image other pixels.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Its beam is known.
    pixels : 2D `~numpy.ndarray`
        Of the same shape; NaN where blank.
    name : str, optional
        Name of the new image.

    Returns
    -------
    image : `~astrofound.image.SurveyImage`
        With the same WCS, unit and beam.
    """
    return SurveyImage(pixels, wcs=image.wcs, unit=image.unit, beam=image.beam,
                       name=name or image.name)


def draw_sources(image, rms, options, rng):
    """
    Draw sources at random places of an image, away from blank pixels and from each other.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        Its beam is known.
    rms : 2D `~numpy.ndarray`
        Local noise, NaN where blank.
    options : InjectionOptions
        What to draw.
    rng : `~numpy.random.Generator`
        Where randomness comes from.

    Returns
    -------
    sources : `~astropy.table.QTable`
        Positions, shapes as seen through the beam, peaks over the local noise and fluxes.

    Raises
    ------
    InputError
        If no place is far enough from blank pixels.
    """
    beam = image.beam
    x, y = _places(rms, beam.fwhm, options.n_sources, rng)
    n = len(x)
    snr = np.exp(rng.uniform(*np.log(options.snr_range), n))
    is_extended = rng.random(n) < options.extended
    own = np.where(is_extended, beam.fwhm * np.exp(rng.uniform(np.log(0.5), np.log(2), n)), 0.0)
    major, minor, theta = convolve_beam(own, own * rng.uniform(0.4, 1, n), rng.uniform(0, 180, n),
                                        (beam.major, beam.minor, beam.theta))
    peak = snr * rms[np.rint(y).astype(int), np.rint(x).astype(int)]
    table = QTable({
        'x_centroid': x, 'y_centroid': y, 'snr': snr, 'peak_flux': peak * image.peak_unit,
        'flux': peak * major * minor * _PER_SUM * image.flux_per_sum * image.flux_unit,
        'fwhm_major': major, 'fwhm_minor': minor, 'theta': theta,
        'class_name': np.where(is_extended, 'extended', 'point')})
    if image.wcs is not None:
        sky = image.wcs.pixel_to_world(x, y).icrs
        table['ra'], table['dec'] = sky.ra, sky.dec
    return table


def _places(rms, fwhm, n_wanted, rng):
    """Random places with a distance to what is blank and to each other."""
    good = np.pad(np.isfinite(rms), 1)  # beyond the border there is nothing either
    free = np.flatnonzero(distance_transform_edt(good)[1:-1, 1:-1] > _MARGIN * fwhm)
    if not len(free):
        raise InputError(f'no pixel is {_MARGIN:g} beams away from blank ones; the image is too '
                         'small or too blank to inject sources')
    if n_wanted is None:
        n_wanted = max(1, round(len(free) / (_SPACING * fwhm)**2))
    tried = rng.choice(free, min(len(free), 4 * n_wanted), replace=False)
    rows, columns = np.unravel_index(tried, rms.shape)
    places = np.stack([columns, rows], axis=1) + rng.uniform(-0.5, 0.5, (len(tried), 2))
    tree, alone = cKDTree(places), np.ones(len(places), bool)
    for number, near in enumerate(tree.query_ball_point(places, _APART * fwhm)):
        alone[number] = not any(alone[other] for other in near if other < number)
    return places[alone][:n_wanted].T


def inject_sources(image, pixels, sources):
    """
    Add sources to an image.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    pixels : 2D `~numpy.ndarray`
        Its pixels.
    sources : `~astropy.table.QTable`
        From `draw_sources`.

    Returns
    -------
    image : `~astrofound.image.SurveyImage`
        A new image.
    """
    added = np.zeros(pixels.shape, np.float64)
    peak = sources['peak_flux'].value
    add_gaussians(added, *(np.asarray(column, np.float64) for column in (
        sources['x_centroid'], sources['y_centroid'], peak, sources['fwhm_major'],
        sources['fwhm_minor'], sources['theta'])), 1e-4 * float(np.min(peak)))
    return with_pixels(image, (pixels + added).astype(np.float32), name=f'{image.name} + injected')
