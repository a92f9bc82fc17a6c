"""WCS and header of a simulated field."""

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from ... import __version__

__all__ = ['field_header', 'field_wcs']


def field_wcs(shape, *, position, pixel_scale, rotation=0.0, projection='SIN', flip=False):
    """
    Build the WCS of a field.

    Parameters
    ----------
    shape : tuple of int
        Shape ``(ny, nx)``; the reference pixel is its centre.
    position : tuple of float
        Right ascension and declination of the centre in degrees.
    pixel_scale : float
        Side of a pixel in arcsec.
    rotation : float, optional
        Degrees by which the image is turned.
    projection : {'SIN', 'TAN'}, optional
        Projection.
    flip : bool, optional
        Whether right ascension grows to the right.

    Returns
    -------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f'RA---{projection}', f'DEC--{projection}']
    wcs.wcs.crval = position
    wcs.wcs.crpix = [0.5 * (shape[1] + 1), 0.5 * (shape[0] + 1)]
    scale = pixel_scale / 3600
    wcs.wcs.cdelt = [scale if flip else -scale, scale]
    cos, sin = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    wcs.wcs.pc = [[cos, -sin], [sin, cos]]
    wcs.wcs.cunit = ['deg', 'deg']
    wcs.wcs.radesys = 'ICRS'
    wcs.array_shape = shape
    wcs.wcs.set()
    return wcs


def field_header(wcs, unit, *, kind, seed, sky, beam=None):
    """
    Build a complete header.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    unit : str
        Pixel unit.
    kind : str
        ``'radio'`` or ``'optical'``.
    seed : int
        What the field was made from.
    sky : RadioSky or OpticalSky
        Its options, written to HISTORY.
    beam : PixelBeam, optional
        The clean beam.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        The header.
    """
    header = fits.Header()
    header['OBJECT'] = (f'simulated {kind} sky', 'not an observation')
    header['ORIGIN'] = f'astrofound {__version__}'
    header['DATE'] = ('2026-01-01', 'fixed, so that a seed gives one file')
    header['BUNIT'] = unit
    if beam is not None:
        sky_beam = beam.to_sky(wcs)
        header['BMAJ'] = sky_beam.major.to_value(u.deg)
        header['BMIN'] = sky_beam.minor.to_value(u.deg)
        header['BPA'] = sky_beam.pa.to_value(u.deg)
        header['RESTFRQ'] = (1.4e9, '[Hz]')
    header.update(wcs.to_header())
    header['SEED'] = (seed, 'of the simulation')
    header['HISTORY'] = f'simulated by astrofound {__version__}, seed {seed}'
    header['HISTORY'] = repr(sky)
    return header
