"""Completeness and reliability of a detector on one's own image."""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.table import QTable, vstack
from sklearn.base import clone

from astrofound.catalog import cross_match
from astrofound.evaluation import fraction
from astrofound.evaluation.statistics import check_edges
from astrofound.image import as_survey_image
from astrofound.preprocess import noise_map
from astrofound.utils import (
    InputError,
    NoDetectionsWarning,
    NoWCSWarning,
    check_number,
    progress_bar,
)

from .detector import SourceDetector
from .injecting import InjectionOptions, draw_sources, inject_sources, with_pixels
from .reliability import score_cut

__all__ = ['Assessment', 'assess_detector']

logger = logging.getLogger(__name__)

ASSESS_EDGES = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 25.0, np.inf)
_LOOSE = 0.1  # smallest score of the candidates whose reliability is measured
_ASKED = np.concatenate([np.linspace(0.5, 0.99, 50), [0.995, 0.999, 0.9999]])


@dataclass(frozen=True, eq=False)
class Assessment:
    """
    What `assess_detector` measured.

    Attributes
    ----------
    injected : `~astropy.table.QTable`
        One row an injected source: ``round``, position, ``snr`` (peak over the local noise),
        fluxes, shape, ``found``, what was measured of it, and ``confused``: whether a source of
        the image itself lies within a beam, so that nothing can be said of it.
    catalog : `~astropy.table.QTable`
        Sources of the image, as the detector gives them.
    spurious : `~astropy.table.QTable`
        What the detector finds in the inverted image, none of which can be real.
    candidates, spurious_candidates : `~astropy.table.QTable` or None
        The same of a detector that keeps almost all, where it can be asked for a reliability.
    asked : float
        Reliability that the detector was asked for; NaN where it cannot be.
    shape : tuple of int
        ``(ny, nx)`` of the image.
    wcs : `~astropy.wcs.WCS` or None
        Of the image.
    """

    injected: QTable
    catalog: QTable
    spurious: QTable
    candidates: QTable | None
    spurious_candidates: QTable | None
    asked: float
    shape: tuple
    wcs: object = None

    @property
    def clear(self):
        """The injected sources that no source of the image hides."""
        return self.injected[~self.injected['confused']]

    def completeness(self, chosen=slice(None)):
        """
        Give the fraction of injected sources that was found.

        Parameters
        ----------
        chosen : array_like, optional
            Which rows of ``injected``.

        Returns
        -------
        value, low, high : float
            With its binomial interval of one sigma; NaN without a source.
        """
        rows = self.injected[chosen]
        rows = rows[~rows['confused']]
        return fraction(int(rows['found'].sum()), len(rows))

    def reliability(self):
        """
        Give the fraction of the catalogue that is real, as far as the inverted image tells.

        Returns
        -------
        value, low, high : float
            With its binomial interval of one sigma; NaN where nothing is detected.
        """
        return _reliability(len(self.catalog), len(self.spurious))

    def bins(self, column='snr', edges=None):
        """
        Give completeness and reliability in bins of a quantity.

        Parameters
        ----------
        column : {'snr', 'flux'}, optional
            Peak over the local noise, or integrated flux.
        edges : sequence of float, optional
            Rising limits, fluxes in the unit of the catalogue; by default 1 to 25 and above in
            S/N, and ten even steps in the logarithm of flux.

        Returns
        -------
        bins : `~astropy.table.QTable`
            ``low``, ``high``, numbers injected and found, ``completeness`` and numbers detected
            and spurious, ``reliability``, each with ``_low`` and ``_high`` of one sigma.

        Raises
        ------
        InputError
            If the limits do not rise.
        """
        clear = self.clear
        unit = getattr(clear[column], 'unit', None)
        if edges is None:
            edges = ASSESS_EDGES if column == 'snr' else _flux_edges(clear[column])
        edges = check_edges(edges)
        tables = (clear, clear[clear['found']], self.catalog, self.spurious)
        counts = [np.histogram(_plain(table[column]), edges)[0] for table in tables]
        out = QTable({'low': edges[:-1], 'high': edges[1:]})
        if unit is not None:
            out['low'], out['high'] = edges[:-1] * unit, edges[1:] * unit
        out['n_injected'], out['n_found'] = counts[:2]
        _add_fraction(out, 'completeness', fraction(counts[1], counts[0]))
        out['n_detected'], out['n_spurious'] = counts[2:]
        _add_fraction(out, 'reliability', _reliability(*counts[2:]))
        return out

    def cells(self, n=4):
        """
        Give completeness and the number of spurious detections over the image.

        Parameters
        ----------
        n : int, optional
            Cells along the longer side.

        Returns
        -------
        cells : `~astropy.table.QTable`
            One row a cell: its limits in pixels, its number in y and x, and what is in it.
        """
        check_number('n', n, minimum=1, integer=True)
        side = max(self.shape) / n
        edges_y, edges_x = (np.linspace(0, length, max(1, round(length / side)) + 1) - 0.5
                            for length in self.shape)
        clear = self.clear
        tables = (clear, clear[clear['found']], self.catalog, self.spurious)
        counts = [np.histogram2d(table['y_centroid'], table['x_centroid'],
                                 (edges_y, edges_x))[0].astype(int).ravel() for table in tables]
        rows, columns = (index.ravel() for index in np.indices(
            (len(edges_y) - 1, len(edges_x) - 1)))
        out = QTable({'row': rows, 'column': columns, 'x_low': edges_x[columns],
                      'x_high': edges_x[columns + 1], 'y_low': edges_y[rows],
                      'y_high': edges_y[rows + 1], 'n_injected': counts[0],
                      'n_found': counts[1]})
        _add_fraction(out, 'completeness', fraction(counts[1], counts[0]))
        out['n_detected'], out['n_spurious'] = counts[2:]
        return out

    def map_hdus(self, n=4):
        """
        Give the cells as FITS images with the WCS of the image.

        Parameters
        ----------
        n : int, optional
            As for `cells`.

        Returns
        -------
        hdus : `~astropy.io.fits.HDUList`
            Completeness, half of its interval of one sigma, and the numbers of injected, detected
            and spurious sources of each cell.
        """
        cells = self.cells(n)
        shape = int(cells['row'].max()) + 1, int(cells['column'].max()) + 1
        header = _cell_header(self.wcs, self.shape, shape)
        half = 0.5 * (cells['completeness_high'] - cells['completeness_low'])
        planes = {'COMPLETENESS': cells['completeness'], 'ERROR': half,
                  **{name.upper(): cells[name] for name in ('n_injected', 'n_detected',
                                                            'n_spurious')}}
        return fits.HDUList([fits.PrimaryHDU(), *(
            fits.ImageHDU(np.asarray(values, np.float32).reshape(shape), header, name=name)
            for name, values in planes.items())])

    def reliability_needed(self, wanted=None, *, sure=False):
        """
        Give the reliability to ask the detector for so that this image gets what is wanted.

        Parameters
        ----------
        wanted : float, optional
            Share of the catalogue that shall be real; by default what the detector was asked.
        sure : bool, optional
            Whether the lower end of the interval of one sigma must be as wanted, and not the
            measured value alone.

        Returns
        -------
        ask : float
            Smallest value from which on the measured reliability is as wanted; NaN where the
            detector cannot be asked, or no value is enough.
        """
        if self.candidates is None or not len(self.candidates):
            return np.nan
        wanted = self.asked if wanted is None else check_number(
            'wanted', wanted, minimum=0, maximum=1)
        scores = [np.asarray(table['score'], float)
                  for table in (self.candidates, self.spurious_candidates)]
        got = []
        for ask in _ASKED:
            cut = score_cut(scores[0], ask)
            got.append(_reliability(*((one >= cut).sum() for one in scores))[1 if sure else 0])
        # nothing left is no catalogue; a value counts only if no stricter one is worse
        got = np.array(got)
        enough = np.flip(np.logical_and.accumulate(np.flip((got >= wanted) | np.isnan(got))))
        enough &= ~np.isnan(got)
        return float(_ASKED[np.argmax(enough)]) if enough.any() else np.nan


def assess_detector(image, detector=None, *, beam=None, mask=None, options=None, progress=False):
    """
    Measure completeness and reliability of a detector on an image of one's own.

    Sources of known flux are put onto the image and looked for, a few at a time so that they do
    not crowd, which gives the completeness. The image is turned upside down around its
    background; as noise is symmetric, what is found there is spurious, and as many spurious
    sources are to be expected in the catalogue itself [1]_. Artefacts that are only positive, such
    as cosmic rays or diffraction spikes, are not counted by this.

    The detector runs on the whole image ``options.n_rounds`` times and four times more (twice where
    it cannot be asked for a reliability); the image is held in memory.

    Parameters
    ----------
    image : path-like, `~astrofound.image.SurveyImage` or anything it can be made of
        The image.
    detector : BaseDetector, optional
        By default a `SourceDetector` as it is.
    beam, mask : optional
        As for `SourceDetector.predict`.
    options : InjectionOptions, optional
        What is injected.
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    assessment : Assessment
        Tables, fractions and the reliability to ask for.

    Raises
    ------
    ReadError
        If the image cannot be read.
    InputError
        If the image or an argument cannot be used.

    References
    ----------
    .. [1] Serra, Jurek & Floeer 2012, PASA 29, 296.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> from astrofound.estimators import InjectionOptions, assess_detector
    >>> field = make_field('radio', shape=(192, 192), seed=3)
    >>> found = assess_detector(field.image, options=InjectionOptions(n_rounds=1))
    >>> bool(found.completeness(found.injected['snr'] > 15)[0] > 0.5)
    True
    """
    detector = SourceDetector() if detector is None else detector
    options = InjectionOptions() if options is None else options
    image = as_survey_image(image, beam=beam, mask=mask).with_beam()
    pixels = image.data
    background, rms = noise_map(image).read_window(tuple(slice(0, side) for side in image.shape))
    rms = np.where(np.isfinite(pixels), rms, np.nan)
    rng = np.random.default_rng(options.seed)
    catalog = detector.predict(image)
    strict, loose, asked = _settings(detector)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', NoDetectionsWarning)  # in the inverted image: good news
        warnings.simplefilter('ignore', NoWCSWarning)  # told of the image itself
        inverted = with_pixels(image, 2 * background - pixels, name=f'{image.name} inverted')
        spurious = strict.predict(inverted)
        candidates = [loose.predict(one) for one in (image, inverted)] if loose else (None, None)
        rounds = []
        for number in progress_bar(range(options.n_rounds), total=options.n_rounds,
                                   label='injecting', show=progress):
            sources = draw_sources(image, rms, options, rng)
            found = strict.predict(inject_sources(image, pixels, sources))
            rounds.append(_recovered(sources, found, catalog, image.beam.fwhm, number))
    injected = vstack(rounds, metadata_conflicts='silent')
    logger.info('%d sources injected, %d found', len(injected), injected['found'].sum())
    return Assessment(injected, catalog, spurious, *candidates, asked, image.shape, image.wcs)


def _settings(detector):
    """The detector with its cut held, with almost none, and the reliability asked for."""
    if not hasattr(detector, 'holding_cut'):
        return detector, None, np.nan
    # Sure sources that are added would let more doubtful ones pass: the cut stays as it was.
    strict = detector.holding_cut()
    if detector.threshold is not None:
        return strict, None, np.nan
    loose = clone(detector).set_params(threshold=_LOOSE)
    return strict, loose, detector.reliability


def _recovered(sources, found, catalog, radius, number):
    """Say of each injected source whether it was found, and how."""
    sources['round'] = number
    places = np.stack([sources['x_centroid'], sources['y_centroid']], axis=1)
    confused = np.zeros(len(sources), bool)
    if len(catalog):
        confused[cross_match(places, _places_of(catalog), radius=radius)[0]] = True
    sources['confused'], sources['found'] = confused, False
    first, second, _ = cross_match(places, _places_of(found), radius=radius)
    sources['found'][first] = True
    for name in ('score', 'snr', 'flux'):
        values = np.full(len(sources), np.nan)
        values[first] = _plain(found[name])[second]
        unit = getattr(found[name], 'unit', None)
        sources[f'found_{name}'] = values if unit is None else values * unit
    return sources


def _places_of(table):
    return np.stack([np.asarray(table[name], float) for name in ('x_centroid', 'y_centroid')],
                    axis=1)


def _plain(column):
    return np.asarray(getattr(column, 'value', column), float)


def _flux_edges(flux):
    flux = _plain(flux)
    if not len(flux):
        raise InputError('no injected source is clear of the sources of the image')
    return np.geomspace(flux.min() * 0.999, flux.max() * 1.001, 11)


def _reliability(n_detected, n_spurious):
    n_detected = np.asarray(n_detected)
    return fraction(n_detected - np.minimum(n_spurious, n_detected), n_detected)


def _add_fraction(table, name, values):
    for ending, value in zip(('', '_low', '_high'), values, strict=True):
        table[f'{name}{ending}'] = value


def _cell_header(wcs, shape, n_cells):
    """Header of an image whose pixels are the cells of another one."""
    if wcs is None:
        return fits.Header()
    wcs = wcs.deepcopy()
    for axis, (length, n) in enumerate(zip(shape[::-1], n_cells[::-1], strict=True)):
        scale = length / n
        wcs.wcs.crpix[axis] = (wcs.wcs.crpix[axis] - 0.5) / scale + 0.5
        if wcs.wcs.has_cd():
            wcs.wcs.cd[:, axis] *= scale
        else:
            wcs.wcs.pc[:, axis] *= scale
    wcs.sip = None  # cells are too coarse for distortions
    return wcs.to_header()
