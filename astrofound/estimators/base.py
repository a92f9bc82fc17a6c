"""The way of every detector from an image to a catalogue; only finding differs."""

import logging
import os
import time
import warnings
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context

import numpy as np
from astropy.table import vstack
from sklearn.base import BaseEstimator

from astrofound import __version__
from astrofound.catalog import (
    Detections,
    measure_sources,
    read_regions,
    select_within,
    suppress,
)
from astrofound.image import as_survey_image
from astrofound.pipeline import active_runner
from astrofound.preprocess import noise_map
from astrofound.utils import NoDetectionsWarning, check_number

from .provenance import image_provenance, input_identity, noise_provenance
from .saving import SavingMixin

__all__ = ['BaseDetector']

logger = logging.getLogger(__name__)


class BaseDetector(SavingMixin, ABC, BaseEstimator):
    """
    Base of every detector: prepares the image, finds, measures and cuts.

    A subclass stores its parameters in ``__init__`` (``min_snr`` among them) and
    implements ``_find``.
    """

    def predict(self, image, *, beam=None, mask=None, background=None, rms=None, within=None,
                components=False, progress=False):
        """
        Detect and measure the sources of an image.

        Parameters
        ----------
        image : path-like, `~astrofound.image.SurveyImage`, `~astropy.nddata.CCDData`, HDU, \
                array or (array, WCS)
            Image of shape ``(ny, nx)``; NaN pixels are blank.
        beam : str, `~astropy.units.Quantity`, `~radio_beam.Beam` or \
                `~astrofound.image.PixelBeam`, optional
            Resolution; by default from the header, else measured from the image.
        mask : 2D array of bool or path-like, optional
            `True` or non-zero marks a pixel that must not be used.
        background, rms : number, 2D array or path-like, optional
            Your own maps in the unit of the image; by default both are estimated on a mesh.
        within : path-like or `~regions.Regions`, optional
            Keep only the sources whose centre lies in one of these regions.
        components : bool, optional
            Whether the components of sources that have several follow as rows of their own,
            with the ``id`` of their source in ``parent_id``.
        progress : bool, optional
            Whether to show a progress bar on standard error.

        Returns
        -------
        catalog : `~astropy.table.QTable`
            One row a source, brightest first; the columns are those of
            `astrofound.catalog.COLUMNS`. Finding nothing gives an empty table with every
            column and a `~astrofound.utils.NoDetectionsWarning`.

        Raises
        ------
        ReadError
            If the image cannot be read.
        InputError
            If the image or an argument cannot be used.
        NoBeamError
            If the beam is neither given nor in the header nor measurable.
        """
        started = time.perf_counter()
        self._check_parameters()
        image = as_survey_image(image, beam=beam, mask=mask).with_beam()
        image.warn_if_no_wcs()
        logger.info('detecting in %s: %d x %d pixels, beam %s (%s)', image.name,
                    image.shape[1], image.shape[0], image.beam, image.beam_origin)
        maps = {'background': background, 'rms': rms}
        cuts = {'mask': mask, 'within': within}

        def identity():
            return {**self._identity(), **input_identity(image, **maps, within=within),
                    'components': components}

        with active_runner().run(identity) as date:
            catalog, noise = self._run(image, maps, within, components, progress)
        if not len(catalog):
            warnings.warn(f'no sources found in {image.name}', NoDetectionsWarning, stacklevel=2)
        catalog.meta.update(self._provenance(image))
        catalog.meta.update({**noise_provenance(noise, **maps, **cuts), 'DATE': date})
        logger.info('%d sources in %s, %.1f s', len(catalog), image.name,
                    time.perf_counter() - started)
        return catalog

    def _run(self, image, maps, within, components, progress):
        """Return the catalogue, and the noise it was measured with."""
        runner = active_runner()
        regions = read_regions(within) if isinstance(within, (str, os.PathLike)) else within

        def measure_noise(reader):
            with runner.stage('noise'):
                return noise_map(reader, **maps, fwhm_pix=image.beam.fwhm)

        with _meanwhile(self._load):
            noise = measure_noise(image)
        found = self._find(image, noise, progress=progress)
        sources = suppress(found.select(~found.is_part), fwhm_pix=image.beam.fwhm)
        sources, noise = self._complete(image, noise, sources, measure_noise)
        sources = select_within(sources, regions, image.wcs)
        catalog = measure_sources(image, noise, sources, run=runner.map)
        catalog, sources = self._cut(catalog, sources)
        if components:
            rows = _component_rows(image, noise, found.select(found.is_part), catalog, sources,
                                   runner.map)
            catalog = vstack([catalog, rows])
        return catalog, noise

    def _load(self):
        """Load what finding needs of modules and weights; called while the noise is measured."""

    @abstractmethod
    def _find(self, image, noise, *, progress) -> Detections:
        """Return what the method sees, in pixels of ``image``; duplicates are allowed."""

    def _complete(self, image, noise, found, measure):
        """Add to what was found, by default nothing; ``measure`` gives the noise of a reader."""
        return found, noise

    def _identity(self):
        """Return what of the detector decides the result, as JSON can hold it."""
        parameters = {name: repr(value) for name, value in self.get_params().items()}
        return {'version': __version__, 'method': type(self).__name__, 'parameters': parameters}

    def _check_parameters(self):
        if self.min_snr is not None:
            check_number('min_snr', self.min_snr, minimum=0)

    def _cut(self, catalog, sources):
        """Leave out what is too faint, and rank the rest."""
        # from the brightest down; ties by position, so that runs agree
        order = np.lexsort((catalog['x_centroid'], catalog['y_centroid'], -catalog['snr']))
        # a place without a single pixel to measure is no source, whatever was seen around it
        order = order[np.isfinite(catalog['snr'][order])]
        if self.min_snr is not None:
            order = order[catalog['snr'][order] >= self.min_snr]
        catalog = catalog[order]
        catalog['id'] = np.arange(1, len(catalog) + 1)
        return catalog, sources.select(order)

    def _provenance(self, image):
        parameters = ' '.join(f'{name}={value!r}' for name, value in self.get_params().items())
        return {
            'CREATOR': f'astrofound {__version__}',
            'METHOD': type(self).__name__,
            'PARAMS': parameters,
            'INPUT': str(image.path or image.name),
            **image_provenance(image),
            'REPAIRS': '; '.join(image.notes),
        }


@contextmanager
def _meanwhile(load):
    """Call something in a thread of its own during the block; what fails there, fails again."""
    with ThreadPoolExecutor(1, thread_name_prefix='astrofound-load') as pool:
        pool.submit(copy_context().run, load)
        yield


def _component_rows(image, noise, parts, catalog, sources, run):
    """Rows of the parts of the sources in a catalogue, by source and from the brightest down."""
    parts = parts.select(np.isin(parts.group, sources.group))
    # Other sources are measured along, so that their light is not taken for a component's.
    others = sources.select(sources.group == 0)
    rows = measure_sources(image, noise, Detections.concatenate([parts, others]), run=run,
                           prefix='component ')[:len(parts)]
    parent = dict(zip(sources.group.tolist(), catalog['id'].tolist(), strict=True))
    rows['parent_id'] = np.array([parent[group] for group in parts.group.tolist()], np.int64)
    rows['class_name'] = 'component'
    rows = rows[np.lexsort((rows['x_centroid'], rows['y_centroid'], -rows['snr'],
                            rows['parent_id']))]
    rows['id'] = len(catalog) + 1 + np.arange(len(rows))
    return rows
