"""From pixels to the sky, at each source by the local directions of the WCS."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from .uncertainty import principal_axes

__all__ = ['local_jacobian', 'pixel_shapes', 'sky_angle', 'sky_axes', 'sky_positions',
           'transform_shapes']


def sky_positions(wcs, x, y):
    """
    Return ICRS positions of pixels.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial WCS.
    x, y : `~numpy.ndarray`
        Pixel positions.

    Returns
    -------
    ra, dec : `~numpy.ndarray`
        Degrees; NaN off the sky.
    """
    if not len(x):
        return np.empty(0), np.empty(0)
    sky = wcs.pixel_to_world(x, y)
    sky = sky if isinstance(sky, SkyCoord) else SkyCoord(sky)
    sky = sky.icrs
    return sky.ra.to_value(u.deg), sky.dec.to_value(u.deg)


def local_jacobian(wcs, x, y):
    """
    Return how a step in pixels moves on the sky.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial WCS of any projection, rotated, flipped or distorted.
    x, y : `~numpy.ndarray`
        Pixel positions.

    Returns
    -------
    jacobian : (n, 2, 2) `~numpy.ndarray`
        ``[[dE/dx, dE/dy], [dN/dx, dN/dy]]`` in arcsec a pixel, E and N towards ICRS east and
        north.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    step = 0.5
    points = [sky_positions(wcs, x + dx, y + dy)
              for dx, dy in ((0, 0), (step, 0), (-step, 0), (0, step), (0, -step))]
    (ra, dec), *around = (np.radians(point) for point in points)
    # Differences of unit vectors, not of angles: nothing special happens at the poles.
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)])
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    vectors = [np.stack([np.cos(d) * np.cos(r), np.cos(d) * np.sin(r), np.sin(d)])
               for r, d in around]
    along_x, along_y = vectors[0] - vectors[1], vectors[2] - vectors[3]
    rows = [[(axis * along).sum(axis=0) for along in (along_x, along_y)] for axis in (east, north)]
    return np.moveaxis(np.array(rows), -1, 0) * np.degrees(1) * 3600


def pixel_shapes(major, minor, theta):
    """
    Return the FWHM squared matrices of ellipses.

    Parameters
    ----------
    major, minor, theta : array-like
        FWHM and angle of the major axis from the first axis to the second, in degrees.

    Returns
    -------
    shapes : (..., 3) `~numpy.ndarray`
        Elements xx, xy and yy.
    """
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    m2, n2 = np.square(major), np.square(minor)
    return np.stack([m2 * cos**2 + n2 * sin**2, (m2 - n2) * sin * cos,
                     m2 * sin**2 + n2 * cos**2], axis=-1)


def transform_shapes(jacobian, shapes):
    """
    Carry FWHM squared matrices through a linear map.

    Parameters
    ----------
    jacobian : (n, 2, 2) `~numpy.ndarray`
        The map.
    shapes : (n, 3) `~numpy.ndarray`
        Elements xx, xy and yy.

    Returns
    -------
    shapes : (n, 3) `~numpy.ndarray`
        In the new axes.
    """
    shapes = np.broadcast_to(shapes, (len(jacobian), 3))
    full = np.stack([shapes[:, [0, 1]], shapes[:, [1, 2]]], axis=1)
    full = jacobian @ full @ np.swapaxes(jacobian, 1, 2)
    return np.stack([full[:, 0, 0], full[:, 0, 1], full[:, 1, 1]], axis=-1)


def sky_axes(shapes):
    """
    Return axes and position angle of shapes in (east, north).

    Parameters
    ----------
    shapes : (n, 3) `~numpy.ndarray`
        FWHM squared matrices: EE, EN, NN.

    Returns
    -------
    major, minor : `~numpy.ndarray`
        FWHM.
    pa_sky : `~numpy.ndarray`
        East of north in degrees, in [0, 180).
    """
    larger, smaller, angle = principal_axes(shapes)
    with np.errstate(invalid='ignore'):
        return np.sqrt(larger), np.sqrt(np.maximum(smaller, 0)), sky_angle(angle)


def sky_angle(angle):
    """
    Turn an angle from east to north into one from north to east.

    Parameters
    ----------
    angle : array-like
        Degrees from east towards north.

    Returns
    -------
    pa_sky : `~numpy.ndarray`
        Degrees east of north, in [0, 180).
    """
    return (90.0 - np.asarray(angle)) % 180.0
