"""Units of pixels: what headers say, and what a sum over pixels means."""

import re

from astropy import units as u
from astropy.units import photometric

from astrofound.utils import InputError

__all__ = ['as_unit', 'flux_scale', 'is_per_area', 'is_per_beam', 'parse_unit']

_PER_BEAM = re.compile(r'(?:/\s*|per\s*)(?:bm|beam|b)\s*$|\s+(?:bm|beam)\s*(?:\^|\*\*)?\s*-1\s*$',
                       re.IGNORECASE)
_WORDS = {
    'jy': 'Jy', 'jansky': 'Jy', 'janskys': 'Jy', 'janskies': 'Jy', 'ujy': 'uJy', 'mjy': 'mJy',
    'njy': 'nJy', 'microjy': 'uJy', 'millijy': 'mJy',
    'count': 'ct', 'counts': 'ct', 'cts': 'ct', 'cnts': 'ct', 'ct': 'ct',
    'adu': 'adu', 'adus': 'adu', 'dn': 'DN', 'data number': 'DN',
    'electron': 'electron', 'electrons': 'electron', 'e-': 'electron', 'e': 'electron',
    'photons': 'ph', 'photon': 'ph', 'kelvin': 'K', 'k': 'K',
    's': 's', 'sec': 's', 'secs': 's', 'second': 's', 'seconds': 's',
    'beam': 'beam', 'bm': 'beam', 'pixel': 'pix', 'pixels': 'pix', 'pix': 'pix', 'px': 'pix',
    'sr': 'sr', 'steradian': 'sr', 'arcsec2': 'arcsec2', 'arcsec^2': 'arcsec2',
    'arcsec**2': 'arcsec2',
}


def parse_unit(text):
    """
    Understand the BUNIT of a header, in its standard form or a common misspelling.

    Parameters
    ----------
    text : str or None
        Value of BUNIT.

    Returns
    -------
    unit : `~astropy.units.UnitBase` or None
        `None` where the text is missing, blank or not a unit.
    note : str or None
        What was repaired or not understood.
    """
    text = '' if text is None else str(text).strip()
    if not text:
        return None, None
    for form in ('fits', None):
        try:
            return u.Unit(text, format=form), None
        except (ValueError, TypeError):
            continue
    unit = _repair(text)
    if unit is None:
        return None, f'BUNIT {text!r} is not a unit, pixel values stay without one'
    if text.upper() == unit.to_string().replace(' ', '').upper() and not text.startswith('MJY'):
        return unit, None  # capitals alone are how AIPS and Miriad write
    return unit, f'BUNIT {text!r} read as {unit.to_string()!r}'


def as_unit(unit):
    """
    Understand the unit a caller gives.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase`, str or None
        A unit, or its name as in headers.

    Returns
    -------
    unit : `~astropy.units.UnitBase` or None
        `None` for `None`; dimensionless for ``''``.

    Raises
    ------
    InputError
        If it is not a unit.
    """
    if unit is None or isinstance(unit, u.UnitBase):
        return unit
    found = u.dimensionless_unscaled if unit == '' else parse_unit(unit)[0]
    if found is None:
        raise InputError(f"'unit' must be a unit such as 'Jy/beam' or 'ct', got {unit!r}")
    return found


def _repair(text):
    if text.lower() in ('nanomaggies', 'nanomaggy', 'nmgy'):
        return photometric.nmgy
    per_beam = _PER_BEAM.search(text)
    parts = text[:per_beam.start()] if per_beam else text
    parts = [part.strip() for part in re.split(r'/|\bper\b', parts, flags=re.IGNORECASE)]
    # all capitals cannot tell milli from mega: nobody observes 10^6 Jy in a beam, while
    # MJy/sr is the unit of infrared surface brightness
    names = ['MJy' if part == 'MJY' and not per_beam and len(parts) > 1
             and parts[1].lower().startswith(('sr', 'ster')) else _WORDS.get(part.lower())
             for part in parts]
    if None in names or len(names) > 3:
        return None
    unit = u.Unit('/'.join(names)) if len(names) < 3 else u.Unit(
        f'{names[0]}/({names[1]} {names[2]})')
    return unit / u.beam if per_beam else unit


def is_per_beam(unit):
    """
    Say whether a unit counts per beam.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase` or None
        Unit of a pixel.

    Returns
    -------
    per_beam : bool
        `True` for Jy/beam and its kind.
    """
    return unit is not None and _power(unit, u.beam) == -1


def is_per_area(unit):
    """
    Say whether a unit is a brightness, which a change of pixel size leaves alone.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase` or None
        Unit of a pixel.

    Returns
    -------
    per_area : bool
        `True` for units per beam or solid angle and for brightness temperature.
    """
    return unit is not None and (is_per_beam(unit) or _power(unit, u.rad) == -2
                                 or unit.is_equivalent(u.K))


def _power(unit, base):
    parts = unit.decompose()
    return dict(zip(parts.bases, parts.powers, strict=True)).get(base, 0)


def flux_scale(unit, *, beam_area=None, pixel_area=None):
    """
    Give the meaning of a sum over pixels.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase` or None
        Unit of a pixel.
    beam_area : float, optional
        Area of the beam in pixels, for units per beam.
    pixel_area : float, optional
        Area of a pixel in steradian, for surface brightness.

    Returns
    -------
    factor : float or None
        The integrated flux is the sum over pixels times this factor; `None` where the area
        of the beam is wanted and not known.
    unit : `~astropy.units.UnitBase`
        Unit of the integrated flux; dimensionless where the unit of a pixel is not known.
    """
    if unit is None:
        return 1.0, u.dimensionless_unscaled
    if is_per_beam(unit):
        return (1 / beam_area if beam_area else None), unit * u.beam
    if _power(unit, u.pix) == -1:
        return 1.0, unit * u.pix
    total = unit * u.sr
    if _power(unit, u.rad) == -2:
        if pixel_area is None:
            return 1.0, unit * u.pix
        if total.is_equivalent(u.Jy):
            return pixel_area * total.to(u.Jy), u.Jy
        return pixel_area, total
    return 1.0, unit
