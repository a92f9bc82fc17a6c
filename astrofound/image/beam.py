"""The resolution of an image: beams in pixels, on the sky and as people write them."""

import math
import re
from dataclasses import dataclass

import numpy as np
from astropy import units as u

from astrofound.utils import InputError

from .geometry import ellipse_to_matrix, finite_position, matrix_to_ellipse, sky_matrix

__all__ = ['PixelBeam', 'as_pixel_beam', 'parse_beam']

_AREA_FACTOR = math.pi / (4 * math.log(2))  # integral of a Gaussian of unit peak and FWHM
_UNITS = {
    'deg': u.deg, 'degree': u.deg, 'degrees': u.deg, 'd': u.deg, '°': u.deg,
    'arcmin': u.arcmin, 'arcmins': u.arcmin, 'amin': u.arcmin, "'": u.arcmin, '′': u.arcmin,
    'arcsec': u.arcsec, 'arcsecs': u.arcsec, 'asec': u.arcsec, 'as': u.arcsec, '"': u.arcsec,
    "''": u.arcsec, '″': u.arcsec, '’’': u.arcsec, '”': u.arcsec, 'mas': u.mas, 'rad': u.rad,
    'pix': u.pix, 'px': u.pix, 'pixel': u.pix, 'pixels': u.pix,
}
_LENGTH = re.compile(r'([\d.]+(?:e[+-]?\d+)?)\s*([^\d\s.+-]*)', re.IGNORECASE)
_HELP = "write it as '5.4arcsec', '6\"x5\"@30deg' or '3.5pix'"


@dataclass(frozen=True)
class PixelBeam:
    """
    An elliptical Gaussian beam or PSF in pixels.

    Parameters
    ----------
    major, minor : float
        Full widths at half maximum in pixels, greater than 0; swapped, with ``theta``
        turned by 90 degrees, where ``minor`` is the larger.
    theta : float, optional
        Angle of the major axis in degrees, counter-clockwise from +x; stored as
        at least 0 and less than 180.

    Raises
    ------
    InputError
        If a width is not a positive number.
    """

    major: float
    minor: float
    theta: float = 0.0

    def __post_init__(self):
        values = [float(self.major), float(self.minor), float(self.theta)]
        if not (np.isfinite(values).all() and min(values[:2]) > 0):
            msg = (f'a beam must have finite widths greater than 0, got {self.major} x '
                   f'{self.minor} pixels at {self.theta} degrees')
            raise InputError(msg)
        if values[0] < values[1]:
            values = [values[1], values[0], values[2] + 90]
        values[2] %= 180
        for name, value in zip(('major', 'minor', 'theta'), values, strict=True):
            object.__setattr__(self, name, value)

    def __str__(self):
        return f'{self.major:.3g} x {self.minor:.3g} pix at {self.theta:.0f} deg'

    @property
    def area(self):
        """Effective area in pixels: the sum over a beam of unit peak."""
        return _AREA_FACTOR * self.major * self.minor

    @property
    def fwhm(self):
        """Geometric mean of both widths in pixels."""
        return math.sqrt(self.major * self.minor)

    @property
    def ellipticity(self):
        """One minus the ratio of minor to major width."""
        return 1 - self.minor / self.major

    @classmethod
    def from_sky(cls, beam, wcs, *, position=None):
        """
        Project a beam on the sky to pixels.

        Parameters
        ----------
        beam : `radio_beam.Beam`
            Widths and position angle, east of north.
        wcs : `~astropy.wcs.WCS`
            Celestial 2-D WCS.
        position : (float, float), optional
            Where in the image, ``(x, y)``; the centre by default.

        Returns
        -------
        beam : PixelBeam
            The same beam in pixels.
        """
        x, y = finite_position(wcs) if position is None else position
        # from (east, north) the position angle runs the other way round: 90 - pa
        sky = ellipse_to_matrix(beam.major.to_value(u.deg), beam.minor.to_value(u.deg),
                                90 - beam.pa.to_value(u.deg))
        inverse = np.linalg.inv(sky_matrix(wcs, x, y))
        return cls(*matrix_to_ellipse(inverse @ sky @ inverse.T))

    def to_sky(self, wcs, *, position=None):
        """
        Project the beam to the sky.

        Parameters
        ----------
        wcs : `~astropy.wcs.WCS`
            Celestial 2-D WCS.
        position : (float, float), optional
            Where in the image, ``(x, y)``; the centre by default.

        Returns
        -------
        beam : `radio_beam.Beam`
            Widths in arcsec and the position angle in degrees, east of north.
        """
        from radio_beam import Beam

        x, y = finite_position(wcs) if position is None else position
        matrix = sky_matrix(wcs, x, y)
        pixels = ellipse_to_matrix(self.major, self.minor, self.theta)
        major, minor, angle = matrix_to_ellipse(matrix @ pixels @ matrix.T)
        pa = (90 - angle) % 180 if major > minor * (1 + 1e-9) else 0.0
        return Beam(major=major * 3600 * u.arcsec, minor=minor * 3600 * u.arcsec, pa=pa * u.deg)


def _parse_text(text):
    sizes, _, angle = text.partition('@')
    # only before a number: 'pix' ends in an x of its own
    parts = [part.strip() for part in re.split(r'[x×*,]\s*(?=[\d.])', sizes.strip())]
    matches = [_LENGTH.fullmatch(part) for part in parts]
    angle_match = re.fullmatch(r'\s*([+-]?[\d.]+)\s*(deg|degrees?|d|°|)\s*', angle or '0')
    if len(parts) > 2 or None in matches or angle_match is None:
        raise ValueError('shape')
    names = [match[2].strip().lower() for match in matches]
    names = [name or names[-1] for name in names]  # '6x5arcsec' says the unit once
    lengths = [float(match[1]) * _UNITS[name] for match, name in zip(matches, names, strict=True)]
    return lengths[0], lengths[-1], float(angle_match[1]) * u.deg


def parse_beam(beam):
    """
    Understand a beam in any form a person writes it.

    Parameters
    ----------
    beam : str, `~astropy.units.Quantity`, `radio_beam.Beam`, PixelBeam or sequence
        Text such as ``'5.4arcsec'``, ``'6"x5"@30deg'`` or ``'3.5pix'``; one length; or
        ``(major, minor)`` or ``(major, minor, angle)`` as quantities. The angle of a beam
        on the sky runs east of north, that of a beam in pixels counter-clockwise from +x.

    Returns
    -------
    beam : PixelBeam or `radio_beam.Beam`
        In pixels or on the sky, as it was given.

    Raises
    ------
    InputError
        If the text is not understood, the unit is missing or a width is not positive.
    """
    if isinstance(beam, PixelBeam):
        return beam
    if hasattr(beam, 'major') and hasattr(beam, 'pa'):
        lengths = (beam.major, beam.minor, beam.pa)
    elif isinstance(beam, str):
        try:
            lengths = _parse_text(beam)
        except (ValueError, KeyError):
            raise InputError(f'beam {beam!r} is not understood; {_HELP}') from None
    elif isinstance(beam, u.Quantity) and beam.isscalar:
        lengths = (beam, beam, 0 * u.deg)
    else:
        lengths = _parse_sequence(beam)
    return _build_beam(lengths, beam)


def _parse_sequence(beam):
    try:
        lengths = [u.Quantity(value) for value in beam]
    except (TypeError, ValueError):
        lengths = []
    if len(lengths) == 2:
        lengths.append(0 * u.deg)
    if len(lengths) != 3 or not all(length.isscalar for length in lengths):
        raise InputError(f"'beam' must be a length with a unit, got {beam!r}; {_HELP}")
    return lengths


def _build_beam(lengths, original):
    try:
        if lengths[0].unit.is_equivalent(u.pix):
            major, minor = (length.to_value(u.pix) for length in lengths[:2])
            return PixelBeam(major, minor, lengths[2].to_value(u.deg))
        major, minor = (length.to_value(u.arcsec) for length in lengths[:2])
        pa = lengths[2].to_value(u.deg)
    except u.UnitConversionError:
        raise InputError(f"'beam' must have an angle or pixels as its unit, got {original!r}; "
                         f'{_HELP}') from None
    if not (np.isfinite([major, minor, pa]).all() and min(major, minor) > 0):
        raise InputError(f"'beam' must be greater than 0, got {str(original)!r}; {_HELP}")
    from radio_beam import Beam

    if major < minor:
        major, minor, pa = minor, major, pa + 90
    return Beam(major=major * u.arcsec, minor=minor * u.arcsec, pa=pa % 180 * u.deg)


def as_pixel_beam(beam, wcs, shape):
    """
    Turn any beam into pixels of one image.

    Parameters
    ----------
    beam : any form of `parse_beam`
        The beam.
    wcs : `~astropy.wcs.WCS` or None
        Celestial WCS of the image.
    shape : (int, int)
        Image shape ``(ny, nx)``.

    Returns
    -------
    beam : PixelBeam
        The beam at the image centre.

    Raises
    ------
    InputError
        If the beam is an angle and the image has no WCS.
    """
    beam = parse_beam(beam)
    if isinstance(beam, PixelBeam):
        return beam
    if wcs is None:
        raise InputError(f'a beam of {beam.major:.4g} needs a celestial WCS; give it in pixels, '
                         "such as '3.5pix'")
    return PixelBeam.from_sky(beam, wcs, position=finite_position(wcs, shape))
