"""Local directions of a celestial WCS, valid for any projection, rotation and flip."""

import numpy as np

from astrofound.utils import InputError

__all__ = ['SMALLEST_FWHM_PIX', 'ellipse_to_matrix', 'finite_position', 'matrix_to_ellipse',
           'pixel_area', 'sky_matrix']

# A narrower beam is a mistake in its unit: every pixel would be many resolution elements.
SMALLEST_FWHM_PIX = 0.5


def _unit_vectors(wcs, x, y):
    values = wcs.pixel_to_world_values(np.asarray(x, float), np.asarray(y, float))
    longitude = np.radians(values[wcs.wcs.lng])
    latitude = np.radians(values[wcs.wcs.lat])
    return longitude, latitude


def sky_matrix(wcs, x, y):
    """
    Give the matrix from pixel steps to steps on the sky at one position.

    The derivative is taken on the unit sphere, so that it holds at the poles and across
    the zero of longitude, and along pixel axes, so that no inverse of a distortion is needed.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    x, y : float
        Pixel position.

    Returns
    -------
    matrix : 2x2 `~numpy.ndarray`
        ``matrix @ (dx, dy)`` is ``(east, north)`` in degrees. NaN off the sky.
    """
    longitude, latitude = _unit_vectors(wcs, [x, x + 0.5, x - 0.5, x, x],
                                        [y, y, y, y + 0.5, y - 0.5])
    points = np.stack([np.cos(latitude) * np.cos(longitude),
                       np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    a, d = longitude[0], latitude[0]
    east = np.array([-np.sin(a), np.cos(a), 0.0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    steps = np.stack([points[:, 1] - points[:, 2], points[:, 3] - points[:, 4]], axis=1)
    return np.degrees(np.stack([east, north]) @ steps)


def pixel_area(wcs, x, y):
    """
    Give the area of one pixel on the sky.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    x, y : float
        Pixel position.

    Returns
    -------
    area : float
        Area in square degrees.
    """
    return abs(np.linalg.det(sky_matrix(wcs, x, y)))


def finite_position(wcs, shape=None):
    """
    Find a position on the sky, as near to the image centre as there is one.

    The centre of an all-sky map lies on the sky, its corners do not, and a mosaic in an
    oblique projection can have it the other way round.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    shape : (int, int), optional
        Image shape ``(ny, nx)``; without it the reference pixel stands for the centre.

    Returns
    -------
    x, y : float
        Pixel position.

    Raises
    ------
    InputError
        If no pixel of the image lies on the sky.
    """
    shape = shape or wcs.array_shape
    if shape is None:
        return tuple(float(value) - 1 for value in wcs.wcs.crpix)
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    grid = np.array([(x, y) for y in np.linspace(0, shape[0] - 1, 9)
                     for x in np.linspace(0, shape[1] - 1, 9)])
    grid = grid[np.argsort(np.hypot(*(grid - centre).T), kind='stable')]
    for x, y in np.vstack([centre, grid]):
        matrix = sky_matrix(wcs, x, y)
        if np.isfinite(matrix).all() and np.linalg.det(matrix) != 0:
            return float(x), float(y)
    raise InputError('no pixel of the image lies on the sky')


def ellipse_to_matrix(major, minor, theta):
    """
    Turn an ellipse into the symmetric matrix whose eigenvalues are its squared axes.

    Parameters
    ----------
    major, minor : float
        Axes, in any length unit.
    theta : float
        Angle of the major axis in degrees from the first coordinate to the second.

    Returns
    -------
    matrix : 2x2 `~numpy.ndarray`
        Symmetric, positive definite; transforms as ``A @ matrix @ A.T``.
    """
    cosine, sine = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    return rotation @ np.diag([major**2, minor**2]) @ rotation.T


def matrix_to_ellipse(matrix):
    """
    Invert `ellipse_to_matrix`.

    Parameters
    ----------
    matrix : 2x2 `~numpy.ndarray`
        Symmetric, positive definite.

    Returns
    -------
    major, minor : float
        Axes.
    theta : float
        Angle in degrees, at least 0 and less than 180; 0 for a circle.
    """
    values, vectors = np.linalg.eigh(matrix)
    minor, major = np.sqrt(values)
    if major - minor <= 1e-9 * major:
        return float(major), float(minor), 0.0
    theta = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180
    return float(major), float(minor), float(theta % 180)
