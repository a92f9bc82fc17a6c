"""Take any WCS object a caller has and give its celestial 2-D part."""

import warnings

from astropy.io import fits
from astropy.wcs import WCS

from astrofound.utils import InputError

from .geometry import finite_position
from .header import clean_header, header_wcs

__all__ = ['as_celestial_wcs']


def as_celestial_wcs(wcs, shape, notes):
    """
    Turn a WCS, a header or a generalised WCS into a celestial FITS WCS.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`, `~astropy.io.fits.Header`, high- or low-level WCS or None
        What the caller has.
    shape : (int, int)
        Image shape ``(ny, nx)``.
    notes : list of str
        Receives what had to be approximated.

    Returns
    -------
    wcs : `~astropy.wcs.WCS` or None
        A copy of the celestial part; `None` where there is none.

    Raises
    ------
    InputError
        If it is no WCS, or one that cannot be computed.
    """
    if wcs is None:
        return None
    if isinstance(wcs, fits.Header):
        header, _ = clean_header(wcs)
        found, found_notes = header_wcs(header, shape)
        notes += found_notes
        return found
    wcs = getattr(wcs, 'low_level_wcs', wcs)
    if not isinstance(wcs, WCS) and hasattr(wcs, 'to_fits_sip'):
        wcs = WCS(wcs.to_fits_sip())
        notes.append('the generalised WCS is approximated by TAN-SIP')
    if not isinstance(wcs, WCS):
        raise InputError(f"'wcs' must be an astropy.wcs.WCS or a FITS header, got "
                         f'{type(wcs).__name__}')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            wcs.wcs.set()  # has_celestial hides the reason of a failure
            if wcs.naxis < 2 or not wcs.has_celestial:
                return None
            found = wcs.celestial
            found = found.deepcopy() if found is wcs else found
            found.array_shape = shape
            finite_position(found, shape)
    except InputError:
        raise InputError("no pixel of the image lies on the sky of 'wcs'") from None
    except Exception as error:  # wcslib has its own classes
        raise InputError(f"'wcs' cannot be computed: {' '.join(str(error).split())}") from error
    return found
