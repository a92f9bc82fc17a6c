"""Where a catalogue comes from, for its ``meta``."""

import os

import numpy as np

from astrofound.image import as_survey_image
from astrofound.utils import InputError, file_state

__all__ = ['image_provenance', 'input_identity', 'noise_provenance']

# Cards that say what was observed, copied as they stand.
_CARDS = ('OBJECT', 'TELESCOP', 'INSTRUME', 'OBSERVER', 'PROJECT', 'ORIGIN', 'FILTER', 'DATE-OBS',
          'MJD-OBS', 'EXPTIME', 'RESTFRQ')


def image_provenance(image):
    """
    Say which part of the input was read, with which beam, and what its header tells of it.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.

    Returns
    -------
    about : dict
        Names of at most 8 capitals, so that they are FITS keywords.
    """
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


def input_identity(image, *, background=None, rms=None, within=None):
    """
    Say what tells the input of a run from any other, so that the run can be taken up again.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    background, rms, within : optional
        As in `~astrofound.estimators.SourceDetector.predict`.

    Returns
    -------
    identity : dict
        Numbers, texts and states of files, as JSON can hold them.

    Raises
    ------
    InputError
        If an input can only be told apart by its pixels, which are not in memory.
    ReadError
        If a map cannot be read.
    """
    found = {'image': image.identity()}
    for name, value in (('background', background), ('rms', rms)):
        plain = not isinstance(value, (str, os.PathLike)) and np.ndim(value) == 0
        found[name] = repr(value) if plain else as_survey_image(value).identity()
    if isinstance(within, (str, os.PathLike)):
        found['within'] = file_state(within)
    elif within is not None:
        found['within'] = within.serialize(format='ds9')
    for name, identity in found.items():
        if identity is None:
            raise InputError(f'{name}: parts cannot be kept, since the pixels are neither in a '
                             'file nor in memory and a later run could not know them again; '
                             'write them to a file')
    return found


def noise_provenance(noise, background, rms, mask, within):
    """
    Say what the typical noise is, and which maps and cuts were the caller's.

    Parameters
    ----------
    noise : `~astrofound.preprocess.NoiseMap`
        What was used.
    background, rms, mask, within : object
        What the caller gave, `None` for nothing.

    Returns
    -------
    about : dict
        As in `image_provenance`.
    """
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
