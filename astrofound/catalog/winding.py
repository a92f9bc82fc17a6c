"""In which sense the arms of a spiral wind, from its image in logarithmic polar coordinates."""

import numpy as np
from scipy import ndimage

__all__ = ['MODES', 'unwrap', 'winding_power']

#: Numbers of arms that are looked for.
MODES = (2, 3, 4)
_N_RADII, _N_ANGLES = 40, 96
_INNER, _OUTER = 0.35, 3.4  # in units of the major sigma
_PITCHES = np.arange(1, 12.1, 0.5)  # turns of phase an e-fold of radius: 4 to 76 degrees


def unwrap(frame):
    """
    Bring a source into logarithmic polar coordinates, made round by its ellipse.

    Parameters
    ----------
    frame : EllipseFrame
        The source.

    Returns
    -------
    polar : 2D `~numpy.ndarray`
        Smoothed light, shape ``(n_radii, n_angles)``: radii by equal factors, angles from x
        towards y. A logarithmic spiral is a straight line.
    """
    radius = np.geomspace(_INNER, _OUTER, _N_RADII)[:, None]
    angle = np.arange(_N_ANGLES) * (2 * np.pi / _N_ANGLES)
    where = frame.at(radius, angle)
    return ndimage.map_coordinates(frame.smooth, where, order=1, mode='nearest')


def winding_power(polar):
    """
    Measure how much light follows logarithmic spirals of either sense.

    The two-dimensional Fourier transform of the polar image [1]_; a mirror swaps the senses.

    Parameters
    ----------
    polar : 2D `~numpy.ndarray`
        As `unwrap` gives it.

    Returns
    -------
    power : 2D `~numpy.ndarray`
        One row for each of ``MODES``; column 0 is of arms that turn from x towards y on their
        way out, column 1 of those that turn the other way.

    References
    ----------
    .. [1] Davis et al. 2012, ApJS 199, 33.
    """
    modes = np.fft.fft(polar - polar.mean(axis=1, keepdims=True), axis=1)[:, list(MODES)]
    modes /= polar.shape[1]
    log_radius = np.linspace(np.log(_INNER), np.log(_OUTER), len(polar))
    waves = np.exp(1j * np.outer(_PITCHES, log_radius)) * np.hanning(len(polar) + 2)[1:-1]
    return np.stack([np.sum(np.abs(kernel @ modes)**2, axis=0)
                     for kernel in (waves, waves.conj())], axis=1)
