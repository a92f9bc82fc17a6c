"""Noise maps that the caller gives, and the one door to measured and given ones."""

import numpy as np
from astropy import units as u

from ..image import as_survey_image
from ..utils import InputError
from .background import MeshBackground, NoiseMap
from .reading import ArrayReader, open_reader

__all__ = ['FixedNoise', 'noise_map']

_SAMPLED_ROWS = 256  # rows of a map that its median is taken from


class FixedNoise(NoiseMap):
    """
    Background and rms known beforehand.

    Parameters
    ----------
    background, rms : number, Quantity, 2D array-like, `~astrofound.image.SurveyImage` or path
        In the image's unit. Pixels whose rms is not finite or not positive, or whose background
        is not finite, have rms NaN: they count as blank.
    shape : tuple of int, optional
        Image ``(ny, nx)``; needed when both are numbers, and otherwise checked.
    unit : `~astropy.units.Unit`, optional
        The image's unit, into which maps and quantities with a unit are converted.

    Raises
    ------
    InputError
        If a shape or unit does not fit, a number is not finite or the rms is not positive.
    """

    def __init__(self, background=0.0, *, rms, shape=None, unit=None):
        self._background = _source('background', background, unit)
        self._rms = _source('rms', rms, unit)
        if isinstance(self._rms, float) and not self._rms > 0:
            msg = f"'rms' must be greater than 0, got {self._rms}"
            raise InputError(msg)
        for name, source in (('background', self._background), ('rms', self._rms)):
            if isinstance(source, float):
                continue
            shape = tuple(source.shape) if shape is None else tuple(shape)
            if tuple(source.shape) != shape:
                msg = (f'{name!r} has the shape {tuple(source.shape)}, the image {shape}; '
                       'both need the same pixels')
                raise InputError(msg)
        if shape is None:
            raise InputError("'shape' is needed when background and rms are both numbers")
        self.shape = tuple(int(side) for side in shape)
        self._rms_median = None

    def __repr__(self):
        return f'FixedNoise(shape={self.shape}, rms={self.rms_median:.4g})'

    @property
    def rms_median(self):
        """Median of the positive finite rms values, from evenly spread rows."""
        if self._rms_median is None:
            if isinstance(self._rms, float):
                self._rms_median = self._rms
            else:
                self._rms_median = _sampled_median(self._rms)
        return self._rms_median

    def read_window(self, window):
        """
        Give background and rms of one window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.

        Returns
        -------
        background, rms : 2D `~numpy.ndarray` of float32
            ``rms`` is NaN in blank pixels, ``background`` finite everywhere.
        """
        background = _window_of(self._background, window)
        rms = _window_of(self._rms, window)
        blank = ~(np.isfinite(rms) & (rms > 0) & np.isfinite(background))
        if blank.any():
            rms = np.where(blank, np.float32(np.nan), rms)
            background = np.where(blank, np.float32(0), background)
        return background, rms


class _MixedNoise(NoiseMap):
    """Background of one map and rms of another."""

    def __init__(self, background, rms):
        self._background, self._rms = background, rms
        self.shape = rms.shape

    @property
    def rms_median(self):
        return self._rms.rms_median

    def read_window(self, window):
        background, blank = self._background.read_window(window)
        rms = self._rms.read_window(window)[1]
        return background, np.where(np.isnan(blank), blank, rms)

    def read_artefacts(self, window, side=1):
        return self._rms.read_artefacts(window, side)


class _WithoutBackground:
    """An image from which a known background is taken away while it is read."""

    def __init__(self, reader, background):
        self._reader, self._background = reader, background
        self.shape = reader.shape

    def read_window(self, window):
        background, rms = self._background.read_window(window)
        return self._reader.read_window(window) - np.where(np.isnan(rms), rms, background)


class _WithoutBlanks(_WithoutBackground):
    """An image that is blank where the caller's rms map is."""

    def read_window(self, window):
        data = self._reader.read_window(window)
        rms = self._background.read_window(window)[1]
        return np.where(np.isnan(rms), rms, data)


def noise_map(image, *, background=None, rms=None, options=None, fwhm_pix=None):
    """
    Give background and rms of an image: the caller's own, measured, or one of each.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage` or 2D array-like
        The image.
    background, rms : optional
        What is already known: number, Quantity, array, survey image or path, see `FixedNoise`.
        What is missing is measured, the rms around the given background.
    options : MeshBackground, optional
        How to measure.
    fwhm_pix : float, optional
        FWHM of the beam or PSF in pixels; by default the image's own beam, and 4 for an array
        without one.

    Returns
    -------
    noise : `NoiseMap`
        Background and rms for any window.

    Raises
    ------
    InputError
        If the image is blank or constant, or a given map does not fit it.
    """
    reader = open_reader(image)
    options = MeshBackground() if options is None else options
    unit = getattr(image, 'unit', None)
    fixed = {'shape': reader.shape, 'unit': unit}
    if background is not None and rms is not None:
        return FixedNoise(background, rms=rms, **fixed)
    if fwhm_pix is None:
        fwhm_pix = _beam_fwhm(image)
    known = None
    if background is not None:
        known = FixedNoise(background, rms=1.0, **fixed)
        reader = _WithoutBackground(reader, known)
    elif rms is not None:
        known = FixedNoise(0.0, rms=rms, **fixed)
        reader = _WithoutBlanks(reader, known)
    try:
        measured = options(reader, fwhm_pix=fwhm_pix)
    except InputError as error:
        name = getattr(image, 'name', None)  # a mesh knows no names; of several images one fails
        raise InputError(f'{name}: {error}' if name else str(error)) from None
    if known is None:
        return measured
    return _MixedNoise(known, measured) if background is not None else _MixedNoise(measured, known)


def _beam_fwhm(image):
    if not hasattr(image, 'with_beam'):
        return 4.0
    beam = image.beam if image.beam is not None else image.with_beam().beam
    return beam.fwhm


def _source(name, value, unit):
    """Turn what the caller gave into a float or a reader."""
    plain = isinstance(value, (np.ndarray, list)) or np.isscalar(value)
    if (not plain and not hasattr(value, 'read_window')) or isinstance(value, str):
        value = as_survey_image(value)
    own = getattr(value, 'unit', None)
    factor = 1.0
    if own is not None and unit is not None and own != unit:
        factor = _conversion(name, own, unit)
    if hasattr(value, 'read_window'):
        return value if factor == 1 else _Scaled(value, factor)
    value = getattr(value, 'value', value)  # a Quantity's bare array keeps no copy
    if np.ndim(value) == 0:
        try:
            number = float(value) * factor
        except (TypeError, ValueError):
            number = np.nan
        if not np.isfinite(number):
            msg = (f'{name!r} must be a finite number, an array, a survey image or a path, '
                   f'got {value!r}')
            raise InputError(msg)
        return number
    reader = ArrayReader(value)
    return reader if factor == 1 else _Scaled(reader, factor)


def _conversion(name, own, unit):
    try:
        return float(u.Unit(own).to(u.Unit(unit)))
    except u.UnitConversionError:
        msg = f'{name!r} is in {own}, which cannot be converted to the {unit} of the image'
        raise InputError(msg) from None


class _Scaled:
    """A map in another unit."""

    def __init__(self, reader, factor):
        self._reader, self._factor = reader, np.float32(factor)
        self.shape = reader.shape

    def read_window(self, window):
        return self._reader.read_window(window) * self._factor


def _window_of(source, window):
    if isinstance(source, float):
        size = tuple(part.stop - part.start for part in window)
        return np.full(size, source, np.float32)
    return source.read_window(window)


def _sampled_median(reader):
    n_y, n_x = reader.shape
    rows = np.unique(np.linspace(0, n_y - 1, min(n_y, _SAMPLED_ROWS)).astype(int))
    values = np.concatenate([reader.read_window((slice(int(y), int(y) + 1), slice(0, n_x)))[0]
                             for y in rows])
    values = values[np.isfinite(values) & (values > 0)]
    if values.size == 0:
        raise InputError("'rms' has no positive finite value")
    return float(np.median(values))
