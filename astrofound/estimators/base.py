"""The way of every detector from an image to a catalogue; only finding differs."""

import logging
import os
import time
import warnings
from abc import ABC, abstractmethod
from functools import partial

import numpy as np
from astropy.time import Time
from sklearn.base import BaseEstimator

from astrofound import __version__
from astrofound.catalog import (
    Detections,
    empty_catalog,
    measure_sources,
    read_regions,
    select_within,
    suppress,
)
from astrofound.image import as_survey_image
from astrofound.preprocess import noise_map
from astrofound.utils import NoDetectionsWarning, check_number

__all__ = ['BaseDetector']

logger = logging.getLogger(__name__)


class BaseDetector(ABC, BaseEstimator):
    """
    Base of every detector: prepares the image, finds, measures and cuts.

    A subclass stores its parameters in ``__init__`` (``min_snr`` among them) and
    implements ``_find``.
    """

    def predict(self, image, *, beam=None, mask=None, background=None, rms=None, within=None,
                progress=False):
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
        regions = read_regions(within) if isinstance(within, (str, os.PathLike)) else within
        measure = partial(noise_map, background=background, rms=rms, fwhm_pix=image.beam.fwhm)
        noise = measure(image)
        found = suppress(self._find(image, noise, progress=progress), fwhm_pix=image.beam.fwhm)
        found, noise = self._complete(image, noise, found, measure)
        found = select_within(found, regions, image.wcs)
        catalog = self._cut(measure_sources(image, noise, found)) if len(found) else (
            empty_catalog(image))
        if not len(catalog):
            warnings.warn(f'no sources found in {image.name}', NoDetectionsWarning, stacklevel=2)
        catalog = _rank(catalog)
        catalog.meta.update(self._provenance(image))
        catalog.meta.update(_noise_provenance(noise, background, rms, mask, within))
        logger.info('%d sources in %s, %.1f s', len(catalog), image.name,
                    time.perf_counter() - started)
        return catalog

    @abstractmethod
    def _find(self, image, noise, *, progress) -> Detections:
        """Return what the method sees, in pixels of ``image``; duplicates are allowed."""

    def _complete(self, image, noise, found, measure):
        """Add to what was found, by default nothing; ``measure`` gives the noise of a reader."""
        return found, noise

    def _check_parameters(self):
        if self.min_snr is not None:
            check_number('min_snr', self.min_snr, minimum=0)

    def _cut(self, catalog):
        # a place without a single pixel to measure is no source, whatever was seen around it
        catalog = catalog[np.isfinite(catalog['snr'])]
        if self.min_snr is not None:
            catalog = catalog[catalog['snr'] >= self.min_snr]
        return catalog

    def _provenance(self, image):
        parameters = ' '.join(f'{name}={value!r}' for name, value in self.get_params().items())
        return {
            'CREATOR': f'astrofound {__version__}',
            'METHOD': type(self).__name__,
            'PARAMS': parameters,
            'INPUT': str(image.path or image.name),
            **_image_provenance(image),
            'REPAIRS': '; '.join(image.notes),
            'DATE': Time.now().isot,
        }


# Cards that say what was observed, copied as they stand.
_CARDS = ('OBJECT', 'TELESCOP', 'INSTRUME', 'OBSERVER', 'PROJECT', 'ORIGIN', 'FILTER', 'DATE-OBS',
          'MJD-OBS', 'EXPTIME', 'RESTFRQ')


def _image_provenance(image):
    """Which part of the input was read, with which beam, and what its header says of it."""
    about = {name: image.header[name] for name in _CARDS if name in image.header}
    if image.hdu_index is not None:
        about['HDU'] = image.hdu_index
    if image.plane:
        about['PLANE'] = ','.join(map(str, image.plane))
    about |= {'PIXUNIT': str(image.peak_unit), 'BEAM': str(image.beam)}
    if image.sky_beam is not None:
        for card, value in zip(('BMAJ', 'BMIN', 'BPA'), (
                image.sky_beam.major, image.sky_beam.minor, image.sky_beam.pa), strict=True):
            about[card] = float(value.to_value('deg'))
    return about | {'BEAMFROM': str(image.beam_origin)}


def _noise_provenance(noise, background, rms, mask, within):
    """Typical noise, and which maps and cuts were the caller's."""
    about = {'RMS': float(noise.rms_median), 'RMSFROM': _described(rms, 'measured'),
             'BKGFROM': _described(background, 'measured')}
    for name, value in (('MASK', mask), ('WITHIN', within)):
        if value is not None:
            about[name] = _described(value, '')
    return about


def _described(value, default):
    if value is None:
        return default
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    return repr(value) if np.isscalar(value) else type(value).__name__


def _rank(catalog):
    """Number the rows from the brightest down; ties by position, so that runs agree."""
    order = np.lexsort((catalog['x_centroid'], catalog['y_centroid'], -catalog['snr']))
    catalog = catalog[order]
    catalog['id'] = np.arange(1, len(catalog) + 1)
    return catalog
