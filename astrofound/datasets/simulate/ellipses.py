"""Ellipses as second moments: Gaussian convolved with Gaussian is Gaussian."""

import numpy as np

__all__ = ['convolve_beam', 'ellipse_moments', 'moments_ellipse']


def convolve_beam(major, minor, theta, beam):
    """
    Convolve Gaussians with the beam.

    Parameters
    ----------
    major, minor, theta : 1D arrays
        FWHM in pixels, at least 0, and angle in degrees.
    beam : tuple of float
        FWHM major and minor in pixels, angle in degrees.

    Returns
    -------
    major, minor, theta : 1D `~numpy.ndarray`
        The convolved ellipses.
    """
    sxx, sxy, syy = [a + b for a, b in zip(
        ellipse_moments(np.asarray(major), np.asarray(minor), np.asarray(theta)),
        ellipse_moments(*beam), strict=True)]
    return moments_ellipse(sxx, sxy, syy)


def ellipse_moments(major, minor, theta):
    """
    Second moments of an ellipse, in units of FWHM squared.

    Parameters
    ----------
    major, minor, theta : float or array
        FWHM and angle in degrees.

    Returns
    -------
    sxx, sxy, syy : float or array
        The moments.
    """
    cos, sin = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
    return (major**2 * cos**2 + minor**2 * sin**2, (major**2 - minor**2) * sin * cos,
            major**2 * sin**2 + minor**2 * cos**2)


def moments_ellipse(sxx, sxy, syy):
    """
    Invert `ellipse_moments`.

    Parameters
    ----------
    sxx, sxy, syy : float or array
        The moments.

    Returns
    -------
    major, minor, theta : float or array
        FWHM and angle in degrees, from 0 to 180.
    """
    mean, half = 0.5 * (sxx + syy), 0.5 * (sxx - syy)
    root = np.hypot(half, sxy)
    theta = np.rad2deg(0.5 * np.arctan2(sxy, half)) % 180
    return np.sqrt(mean + root), np.sqrt(np.maximum(mean - root, 0)), theta
