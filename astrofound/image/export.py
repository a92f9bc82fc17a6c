"""Write what is known of an image into a FITS header."""

import re
import warnings

from astropy import units as u

from .frequency import FREQUENCY_CARD

__all__ = ['make_header']

_STALE = re.compile(
    r'(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|NAXIS)\d|(CD|PC|PV|PS)\d+_\d+|'
    r'(A|B|AP|BP)_(ORDER|DMAX|\d_\d)|WCSAXES|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|EPOCH|'
    r'BUNIT|BMAJ|BMIN|BPA|CLEANBM[JN]|CLEANBPA|BSCALE|BZERO|BLANK|CASAMBM|DATAMIN|DATAMAX|MJDREF|'
    r'CHECKSUM|DATASUM|EXTNAME|EXTVER|XTENSION|PCOUNT|GCOUNT|'
    r'Z(IMAGE|SIMPLE|BITPIX|NAXIS\d?|TILE\d|CMPTYPE|QUANTIZ|DITHER0|NAME\d|VAL\d|BLANK|TENSION)')


def make_header(image):
    """
    Build a FITS header for an image.

    Parameters
    ----------
    image : SurveyImage
        The image.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        The cards the image came with, and its present WCS, unit and beam.
    """
    header = _base_header(image.header)
    if image.wcs is not None:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # cards that relax=True adds on purpose
            header.update(image.wcs.to_header(relax=True))
    if image.unit is not None:
        try:
            header['BUNIT'] = image.unit.to_string('fits')
        except ValueError:  # units that FITS does not know, such as nmgy
            header['BUNIT'] = image.unit.to_string()
    if image.frequency is not None:  # its axis is gone
        header[FREQUENCY_CARD] = (image.frequency.to_value(u.Hz), '[Hz] frequency')
    if image.sky_beam is not None:
        header['BMAJ'] = (image.sky_beam.major.to_value(u.deg), '[deg] beam major FWHM')
        header['BMIN'] = (image.sky_beam.minor.to_value(u.deg), '[deg] beam minor FWHM')
        header['BPA'] = (image.sky_beam.pa.to_value(u.deg), '[deg] east of north')
    return header


def _base_header(header):
    """Leave out what the WCS, unit and beam write anew and what describes the stored array."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        base = header.copy(strip=True)
    for keyword in {card.keyword for card in base.cards if _STALE.fullmatch(card.keyword)}:
        base.remove(keyword, remove_all=True)
    return base
