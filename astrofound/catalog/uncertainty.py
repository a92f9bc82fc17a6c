"""
Errors of Gaussian fits in correlated noise, and removal of the beam.

The formulae are those of Condon 1997 (PASP 109, 166), equations 20, 21 and 41, for noise that
was smoothed by a Gaussian of FWHM theta_N. That width is not assumed to be the beam but
measured in the image: naturally weighted interferometer noise has the beam as its
autocorrelation, so that theta_N is the beam over sqrt(2), and optical noise has none.
"""

import math

import numpy as np

__all__ = ['condon_ratio', 'deconvolve_beam', 'gaussian_errors', 'noise_fwhm', 'noise_area']

# White noise behaves like noise of this FWHM (pixels): both forms of Condon's rho agree there.
_PIXEL_FWHM = math.sqrt(2 * math.log(2) / math.pi)
_FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))


def noise_fwhm(image, noise, fwhm_pix, *, n_windows=9, side=192, fallback=0.0):
    """
    Measure the smoothing width of the noise from its autocorrelation.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    noise : `~astrofound.preprocess.background.NoiseMap`
        Its background and noise.
    fwhm_pix : float
        Beam or PSF; the answer is never larger.
    n_windows, side : int, optional
        How many windows of which side are looked at, spread over the image.
    fallback : float, optional
        Returned where there are too few pixels.

    Returns
    -------
    theta_n : float
        FWHM in pixels of the Gaussian that would smooth white noise into this; 0 for noise
        that is independent from pixel to pixel.
    """
    ny, nx = image.shape
    lag = max(1, round(fwhm_pix / 3))
    per_axis = max(1, math.isqrt(n_windows))
    products, squares, n = 0.0, 0.0, 0
    for j in range(per_axis):
        for i in range(per_axis):
            top = int((j + 0.5) / per_axis * ny - side / 2)
            left = int((i + 0.5) / per_axis * nx - side / 2)
            window = (slice(max(top, 0), min(max(top, 0) + side, ny)),
                      slice(max(left, 0), min(max(left, 0) + side, nx)))
            level, rms = noise.read_window(window)
            with np.errstate(invalid='ignore', divide='ignore'):
                z = (image.read_window(window) - level) / rms
                z[~(np.abs(z) < 3)] = np.nan  # sources would correlate over their own size
            for a, b in ((z[lag:], z[:-lag]), (z[:, lag:], z[:, :-lag])):
                if not a.size:
                    continue
                good = np.isfinite(a) & np.isfinite(b)
                n += int(good.sum())
                a, b = a[good].astype(float), b[good].astype(float)
                products += float((a * b).sum())  # BLAS sums differently on other threads
                squares += 0.5 * float((a * a + b * b).sum())
    if n < 500 or not squares > 0:
        return fallback
    correlation = min(products / squares, 0.99)
    if correlation < 0.05:
        return 0.0
    acf_fwhm = lag * math.sqrt(4 * math.log(2) / -math.log(correlation))
    return min(acf_fwhm / math.sqrt(2), fwhm_pix)


def noise_area(theta_n):
    """
    Return the number of pixels that share one independent value of the noise.

    Parameters
    ----------
    theta_n : float
        Smoothing width of the noise in pixels.

    Returns
    -------
    area : float
        Sum of the autocorrelation over all pixels, at least 1.
    """
    return max(1.0, math.pi / (4 * math.log(2)) * 2 * theta_n**2)


def condon_ratio(major, minor, theta_n, alpha_major, alpha_minor):
    """
    Return the effective S/N of a Gaussian fit over that of its peak pixel.

    Parameters
    ----------
    major, minor : array-like
        Fitted FWHM in pixels.
    theta_n : float
        Smoothing width of the noise in pixels.
    alpha_major, alpha_minor : float
        Exponents of Condon 1997: 3/2 and 3/2 for amplitudes, 5/2 and 1/2 along the major
        axis, 1/2 and 5/2 along the minor axis.

    Returns
    -------
    ratio : `~numpy.ndarray`
        Equation 41, for a peak of unit S/N.
    """
    width2 = theta_n**2 + _PIXEL_FWHM**2
    return np.sqrt(major * minor / (4 * width2) * (1 + width2 / major**2)**alpha_major
                   * (1 + width2 / minor**2)**alpha_minor)


def gaussian_errors(peak, rms, major, minor, theta, theta_n):
    """
    Return the errors of fitted Gaussians.

    Parameters
    ----------
    peak, rms : array-like
        Fitted peak and noise, in one unit.
    major, minor, theta : array-like
        Fitted FWHM in pixels and angle in degrees.
    theta_n : float
        Smoothing width of the noise in pixels.

    Returns
    -------
    errors : dict of `~numpy.ndarray`
        ``peak``, ``x``, ``y``, ``major``, ``minor``, ``theta`` in the units of the input, and
        ``flux``, relative to the flux.
    """
    peak, rms, major, minor, theta = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (peak, rms, major, minor, theta)))
    with np.errstate(all='ignore'):
        # Below 1 sigma the formulae lose their meaning: nothing is known worse than by a beam.
        snr = np.maximum(np.abs(peak) / rms, 1.0)
        relative = {name: math.sqrt(2) / (snr * condon_ratio(major, minor, theta_n, *alpha))
                    for name, alpha in (('peak', (1.5, 1.5)), ('major', (2.5, 0.5)),
                                        ('minor', (0.5, 2.5)))}
        along = relative['major'] * major / _FWHM_PER_SIGMA
        across = relative['minor'] * minor / _FWHM_PER_SIGMA
        cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
        # A round source has no angle: the error grows to that of a random one.
        turn = np.degrees(2 * relative['minor'] * major * minor
                          / np.maximum(major**2 - minor**2, 1e-9) / math.sqrt(2))
        shape2 = relative['major']**2 + relative['minor']**2
        # Equation 42 with the beam's area written as that of the noise's autocorrelation, so
        # that in white noise the errors of peak and size cancel as they do there.
        share = np.minimum(2 * theta_n**2 / (major * minor), 1)
        flux = np.sqrt(relative['peak']**2 + share * shape2)
    return {
        'peak': relative['peak'] * snr * rms,
        'x': np.hypot(along * cos, across * sin), 'y': np.hypot(along * sin, across * cos),
        'major': relative['major'] * major, 'minor': relative['minor'] * minor,
        'theta': np.minimum(turn, 180 / math.sqrt(12)), 'flux': flux,
    }


def deconvolve_beam(shape, beam_shape):
    """
    Remove the beam from fitted Gaussians.

    Convolving Gaussians adds their covariance matrices; the solution of Wild 1970 (Aust. J.
    Phys. 23, 113) is the difference of the two, here for many sources at once.

    Parameters
    ----------
    shape : (n, 3) `~numpy.ndarray`
        FWHM squared matrices (xx, xy, yy) as fitted.
    beam_shape : (n, 3) or (3,) `~numpy.ndarray`
        The same for the beam.

    Returns
    -------
    major, minor, angle : `~numpy.ndarray`
        FWHM, and angle in degrees from the first axis to the second. The major axis is NaN
        where the beam is larger along every direction, the minor axis 0 where it is larger
        along that one.
    """
    major2, minor2, angle = principal_axes(np.asarray(shape) - np.asarray(beam_shape))
    with np.errstate(invalid='ignore'):
        major = np.where(major2 > 0, np.sqrt(np.maximum(major2, 0)), np.nan)
        minor = np.where(major2 > 0, np.sqrt(np.maximum(minor2, 0)), np.nan)
    return major, minor, np.where(major2 > 0, angle, np.nan)


def principal_axes(matrix):
    """
    Return eigenvalues and direction of symmetric 2x2 matrices.

    Parameters
    ----------
    matrix : (..., 3) `~numpy.ndarray`
        Elements xx, xy and yy.

    Returns
    -------
    larger, smaller : `~numpy.ndarray`
        Eigenvalues.
    angle : `~numpy.ndarray`
        Direction of the larger one in degrees from x to y, in [0, 180).
    """
    xx, xy, yy = np.moveaxis(np.asarray(matrix, dtype=float), -1, 0)
    mean, spread = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    return mean + spread, mean - spread, np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180.0
