"""Gaussians as precision matrices and as axes, and how much larger than the beam one is."""

import numpy as np

from .uncertainty import condon_ratio

__all__ = ['beam_precision', 'precision_of', 'resolved_excess', 'shape_of']

_8LN2 = 8 * np.log(2)


def precision_of(major, minor, theta):
    """
    Return precision matrices of FWHM axes and angles in degrees.

    Parameters
    ----------
    major, minor, theta : array-like
        FWHM in pixels, angle counter-clockwise from +x.

    Returns
    -------
    precision : (..., 3) `~numpy.ndarray`
        Elements xx, xy, yy.
    """
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    p, q = _8LN2 / np.square(major), _8LN2 / np.square(minor)
    return np.stack(np.broadcast_arrays(p * cos**2 + q * sin**2, (p - q) * sin * cos,
                                        p * sin**2 + q * cos**2), axis=-1)


def shape_of(precision):
    """
    Return FWHM axes and angles of precision matrices.

    Parameters
    ----------
    precision : (n, 3) `~numpy.ndarray`
        Elements xx, xy, yy.

    Returns
    -------
    major, minor, theta : `~numpy.ndarray`
        FWHM in pixels, angle of the major axis in degrees in [0, 180).
    """
    a, b, c = np.moveaxis(precision, -1, 0)
    mean, half = 0.5 * (a + c), np.hypot(0.5 * (a - c), b)
    with np.errstate(all='ignore'):
        major, minor = np.sqrt(_8LN2 / (mean - half)), np.sqrt(_8LN2 / (mean + half))
    return major, minor, np.degrees(0.5 * np.arctan2(-2 * b, c - a)) % 180.0


def beam_precision(beam):
    """Return the precision matrix of a `~astrofound.image.PixelBeam`."""
    return precision_of(beam.major, beam.minor, beam.theta)


def resolved_excess(peak, rms, major, minor, beam, theta_n, *, floor=0.02):
    """
    Return by how many sigmas a fitted Gaussian is larger than the beam.

    Two tests, of which the larger counts: the area (flux over peak, the classical envelope),
    and the major axis, which a source resolved in one direction passes first.

    Parameters
    ----------
    peak, rms, major, minor : `~numpy.ndarray`
        Free fit and noise.
    beam : `~astrofound.image.PixelBeam`
        The beam.
    theta_n : float
        Smoothing width of the noise.
    floor : float, optional
        Relative error of the beam itself, which bright sources cannot undercut.

    Returns
    -------
    excess : `~numpy.ndarray`
        Sigmas; errors are those that a point source of this peak would have.
    """
    snr = np.maximum(np.abs(peak) / rms, 1e-3)
    e_major = np.sqrt(2) / (snr * condon_ratio(beam.major, beam.minor, theta_n, 2.5, 0.5))
    e_minor = np.sqrt(2) / (snr * condon_ratio(beam.major, beam.minor, theta_n, 0.5, 2.5))
    area_err = np.sqrt(e_major**2 + e_minor**2 + 2 * floor**2)
    area = np.log(major * minor / (beam.major * beam.minor)) / area_err
    axis = np.log(major / beam.major) / np.hypot(e_major, floor)
    # The larger of two axes is larger than the beam by about 1 sigma from noise alone.
    return np.maximum(area, axis - 1.0)
