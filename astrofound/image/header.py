"""Make sense of a header, however it was written, and say what had to be repaired."""

import logging
import math
import re
import warnings

from astropy import log as astropy_log
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from astrofound.utils import InputError

from .geometry import SMALLEST_FWHM_PIX, finite_position, pixel_area

__all__ = ['clean_header', 'header_beam', 'header_wcs']

logger = logging.getLogger(__name__)

_COMMENTARY = ('COMMENT', 'HISTORY', '')
# dates and observers move no pixel; celfix writes NCP and GLS exactly as SIN and SFL
_HARMLESS_FIXES = ('datfix', 'obsfix', 'spcfix', 'celfix')
_NUMBER = r'([+-]?\d*\.?\d+(?:[EeDd][+-]?\d+)?)'
_AIPS = re.compile(rf'BMAJ\s*=\s*{_NUMBER}\s*,?\s*BMIN\s*=\s*{_NUMBER}\s*,?\s*BPA\s*=\s*{_NUMBER}')
_CASA_LOG = re.compile(
    rf'(?:beam used in restoration|restoring beam)\s*:?\s*{_NUMBER}\s*(?:by|x)\s*{_NUMBER}'
    rf'\s*\(?(arcsec|arcmin|deg)\)?\s*(?:at\s*)?p\.?a\.?\s*:?\s*{_NUMBER}', re.IGNORECASE)
_CASA_TASK = re.compile(r'restoringbeam\s*=\s*(\[[^\]]*\]|\'[^\']*\'|"[^"]*")', re.IGNORECASE)
_CASA_LENGTH = re.compile(rf'{_NUMBER}\s*(arcsec|arcmin|deg|mas)?')
_WCS_NUMBER = re.compile(r'(CRVAL|CRPIX|CDELT|CROTA)\d|(CD|PC|PV)\d_\d+|EQUINOX|EPOCH|'
                         r'L[OA][NT]POLE')
_WCS_SCALE = re.compile(r'CDELT[12]|(CD|PC)\d_\d')
_DEGREES = {'deg': 1.0, 'arcmin': 1 / 60, 'arcsec': 1 / 3600, 'mas': 1 / 3.6e6}


def clean_header(header):
    """
    Copy a header, leaving out or mending the cards that are not FITS.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        As read from a file.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        A copy that astropy and wcslib take without a word.
    notes : list of str
        What was changed.
    """
    clean, n_mended, n_dropped = fits.Header(), 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for card in header.cards:
            try:
                copy = fits.Card.fromstring(card.image)
                copy.verify('exception')
                if copy.keyword in _COMMENTARY and not _printable(str(copy.value)):
                    copy = fits.Card(copy.keyword, _mend(str(copy.value)))
                    n_mended += 1
                _ = copy.value, copy.comment
                clean.append(copy, end=True)
            except (ValueError, TypeError, KeyError, AttributeError, Warning, fits.VerifyError):
                mended = _mend_card(card)
                if mended is None:
                    n_dropped += 1
                else:
                    n_mended += 1
                    clean.append(mended, end=True)
    notes = []
    if n_mended:
        notes.append(f'{n_mended} cards with characters or values outside the FITS standard mended')
    if n_dropped:
        notes.append(f'{n_dropped} cards that are not FITS left out')
    return clean, notes


def _printable(text):
    return all(' ' <= character <= '~' for character in text)


def _mend(text):
    return ''.join(character if ' ' <= character <= '~' else ' ' for character in text)


def _mend_card(card):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            value = card.value
            value = _mend(value) if isinstance(value, str) else value
            copy = fits.Card(card.keyword, value, _mend(str(card.comment)))
            copy.verify('silentfix+ignore')
            str(copy)
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            copy = fits.Card.fromstring(copy.image)
            copy.verify('exception')
            _ = copy.value
        return copy
    except Exception:  # a card of any brokenness is left out, never fatal
        return None


def header_wcs(header, shape, *, hdus=None, name='image'):
    """
    Build the celestial 2-D WCS of a header.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        Header from `clean_header`.
    shape : (int, int)
        Image shape ``(ny, nx)``.
    hdus : `~astropy.io.fits.HDUList`, optional
        The open file, for distortions kept in other extensions.
    name : str, optional
        Name of the image for messages.

    Returns
    -------
    wcs : `~astropy.wcs.WCS` or None
        `None` where the header describes no position on the sky.
    notes : list of str
        What was repaired.

    Raises
    ------
    InputError
        If the header claims a position on the sky that cannot be computed.
    """
    level = astropy_log.level
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            astropy_log.setLevel(logging.WARNING)  # it prints a line about SIP without -SIP
            header, notes = _mend_numbers(header)
            wcs = WCS(header, fobj=hdus)
            wcs = wcs.celestial if wcs.has_celestial else None
            if wcs is not None:
                wcs.array_shape = shape
                finite_position(wcs, shape)
                if any("'cdfix'" in str(warning.message) for warning in caught):
                    raise ValueError('a row of the CD matrix is zero')
    except Exception as error:  # wcslib, astropy and NumPy each have their own classes
        if not _claims_sky(header):
            return None, []
        reason = ' '.join(str(error).split()) or type(error).__name__
        reason = re.sub(r'^ERROR \d+ in \w+\(\) at line \d+ of file \S+: ', '', reason)
        raise InputError(f'{name} has a broken WCS ({reason.rstrip(".")[:160]}); mend its CTYPE, '
                         'CRVAL, CRPIX and CD or CDELT cards, or read it with wcs=None '
                         '(--pixel) to work in pixels') from error
    finally:
        astropy_log.setLevel(level)
    notes += _wcs_notes(caught)
    if wcs is not None and 'A_ORDER' in header and '-SIP' not in str(header.get('CTYPE1', '')):
        notes.append('SIP distortion applied though CTYPE does not end in -SIP')
    return wcs, notes


def _mend_numbers(header):
    """Turn WCS numbers written as text into numbers; wcslib would silently take a default."""
    if not _claims_sky(header):
        return header, []
    header, notes = header.copy(), []
    for card in header.cards:
        if _WCS_NUMBER.fullmatch(card.keyword) and isinstance(card.value, str):
            number = _number(card.value)
            if not math.isfinite(number):
                raise ValueError(f'{card.keyword} = {card.value!r} is not a number')
            notes.append(f'{card.keyword} = {card.value!r} is text, read as a number')
            header[card.keyword] = number
    if not any(_WCS_SCALE.fullmatch(keyword) for keyword in header):
        raise ValueError('CDELT, CD and PC cards are all missing')
    return header, notes


def _claims_sky(header):
    names = ('RA--', 'DEC-', 'GLON', 'GLAT', 'ELON', 'ELAT')
    return any(str(header.get(f'CTYPE{axis}', '')).startswith(names) for axis in range(1, 6))


def _wcs_notes(caught):
    notes = []
    for warning in caught:
        text = ' '.join(str(warning.message).split())
        if issubclass(warning.category, FITSFixedWarning):
            if any(f"'{fix}'" in text for fix in _HARMLESS_FIXES):
                logger.debug(text)
                continue
            text = re.sub(r"^'(\w+)' made the change '(.*)\.$", r'WCS \1: \2', text)
            text = text.removesuffix("'") if text.count("'") % 2 else text
        if text not in notes:
            notes.append(text)
    return notes


def _number(value):
    try:
        number = float(str(value).replace('D', 'E').replace('d', 'e'))
    except ValueError:
        return math.nan
    return number


def header_beam(header, wcs, shape):
    """
    Find the beam a header states.

    BMAJ, BMIN and BPA come first, then what AIPS and CASA wrote into HISTORY, then the
    CLEANBMJ cards of Obit. Free text in COMMENT is not believed: it describes surveys, not
    the file at hand.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        Header from `clean_header`.
    wcs : `~astropy.wcs.WCS` or None
        Celestial WCS of the image.
    shape : (int, int)
        Image shape ``(ny, nx)``.

    Returns
    -------
    beam : `radio_beam.Beam` or None
        The beam.
    origin : {'header', 'history', None}
        Where it stood.
    notes : list of str
        What was ignored or completed.
    """
    notes = []
    for origin, values in _candidates(header, notes):
        beam = _check_beam(*values, wcs, shape, notes)
        if beam is not None:
            return beam, origin, notes
    return None, None, notes


def _candidates(header, notes):
    if 'BMAJ' in header:
        major, minor = _number(header['BMAJ']), _number(header.get('BMIN', header['BMAJ']))
        angle = _number(header.get('BPA', 0))
        if 'BMIN' not in header:
            notes.append('BMIN is missing, the beam is taken as round')
        elif 'BPA' not in header and major != minor:
            notes.append('BPA is missing, taken as 0')
        elif not math.isfinite(angle):
            notes.append(f"BPA = {header['BPA']!r} is not a number, taken as 0")
            angle = 0.0
        yield 'header', (major, minor, angle, 'BMAJ and BMIN')
    history = history_beam(header)
    if history is not None:
        yield 'history', (*history, 'the beam in HISTORY')
    if 'CLEANBMJ' in header and 'CLEANBMN' in header:
        yield 'header', (_number(header['CLEANBMJ']), _number(header['CLEANBMN']),
                         _number(header.get('CLEANBPA', 0)), 'CLEANBMJ and CLEANBMN')


def history_beam(header):
    """
    Find the last beam that AIPS or CASA wrote into HISTORY cards.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        Any header.

    Returns
    -------
    beam : (float, float, float) or None
        Major and minor width and position angle in degrees.
    """
    cards = [str(card) for card in header.get('HISTORY', [])]
    text = '\n'.join(cards).replace('\n>', '')  # CASA breaks long lines with >
    found = [(match.start(), tuple(_number(value) for value in match.groups()))
             for match in _AIPS.finditer(text)]
    for match in _CASA_LOG.finditer(text):
        factor = _DEGREES[match[3].lower()]
        found.append((match.start(), (_number(match[1]) * factor, _number(match[2]) * factor,
                                      _number(match[4]))))
    for match in _CASA_TASK.finditer(text):
        lengths = _CASA_LENGTH.findall(match[1])[:3]
        sizes = [_number(value) * _DEGREES[name or 'arcsec'] for value, name in lengths]
        if sizes:
            angle = _number(lengths[2][0]) if len(lengths) == 3 else 0.0
            found.append((match.start(), (sizes[0], sizes[min(1, len(sizes) - 1)], angle)))
    return max(found)[1] if found else None


def _check_beam(major, minor, angle, source, wcs, shape, notes):
    if not (math.isfinite(major) and math.isfinite(minor) and min(major, minor) > 0):
        notes.append(f'{source} = {major:g}, {minor:g} make no beam, ignored')
        return None
    if wcs is not None:
        scale = math.sqrt(pixel_area(wcs, *finite_position(wcs, shape)))  # degrees
        limit = 10 * max(shape) * scale
        if major > limit and 0.5 * scale <= minor / 3600 and major / 3600 < max(shape) * scale:
            notes.append(f'{source} = {major:g}, {minor:g} read as arcsec: as degrees the beam '
                         'is larger than the image')
            major, minor = major / 3600, minor / 3600
        elif major > limit or minor < SMALLEST_FWHM_PIX * scale:
            notes.append(f'{source} = {major:g}, {minor:g} degrees do not fit pixels of '
                         f'{scale * 3600:.3g} arcsec, ignored')
            return None
    from astropy import units as u
    from radio_beam import Beam

    if major < minor:
        notes.append(f'{source} have the minor axis larger, swapped')
        major, minor, angle = minor, major, angle + 90
    angle = angle % 180 if math.isfinite(angle) else 0.0
    return Beam(major=major * u.deg, minor=minor * u.deg, pa=angle * u.deg)
