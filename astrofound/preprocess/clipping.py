"""Sigma clipping of whole images."""

import numpy as np

from ..utils import InputError, check_number

__all__ = ['clip_sigma', 'clip_to_zero']

_MAD_TO_SIGMA = 1.4826  # turns a MAD into a Gaussian sigma


def _checked(data):
    data = getattr(data, 'value', data)
    if data.ndim != 2 if isinstance(data, np.ndarray) else np.ndim(data) != 2:
        msg = f"'data' must be a 2D image, got {np.ndim(data)} dimensions"
        raise InputError(msg)
    mask = np.ma.getmaskarray(data)
    with np.errstate(invalid='ignore'):
        plain = np.asarray(np.ma.getdata(data), np.float64)
    return plain, np.isfinite(plain) & ~mask


def _limits(plain, good, sigma, n_iter_max):
    """Median and robust scatter of what survives the clipping, and who survives."""
    kept = good
    centre = spread = np.nan
    for _ in range(n_iter_max):
        values = plain[kept]
        if values.size == 0:
            break
        centre = np.median(values)
        spread = _MAD_TO_SIGMA * np.median(np.abs(values - centre))
        new = good & (np.abs(plain - centre) <= sigma * spread)
        if (new == kept).all():
            break
        kept = new
    return centre, spread, kept


def clip_sigma(data, *, sigma=3.0, n_iter_max=5):
    """
    Mask pixels far from the median, repeating until nothing changes.

    Parameters
    ----------
    data : 2D `~numpy.ndarray` or `~astropy.units.Quantity`
        Image of shape ``(ny, nx)``. NaN, infinite and masked pixels come back masked.
    sigma : float, optional
        Limit in robust standard deviations, greater than 0.
    n_iter_max : int, optional
        Largest number of passes.

    Returns
    -------
    mask : 2D `~numpy.ndarray` of bool
        Same shape as ``data``; `True` marks a rejected pixel.

    Raises
    ------
    InputError
        If ``data`` is not 2D or ``sigma`` is not positive.

    References
    ----------
    .. [1] Hoaglin, Mosteller & Tukey 1983, Understanding Robust and
       Exploratory Data Analysis (Wiley).
    """
    check_number('sigma', sigma, above=0)
    check_number('n_iter_max', n_iter_max, minimum=1, integer=True)
    plain, good = _checked(data)
    return ~_limits(plain, good, sigma, n_iter_max)[2]


def clip_to_zero(data, *, sigma=3.0, n_iter_max=5):
    """
    Set every pixel that does not rise above the noise to zero.

    The noise is the robust scatter around the median after clipping; what is lower than
    ``median + sigma * noise`` becomes 0, which leaves the source alone on an empty sky.

    Parameters
    ----------
    data : 2D `~numpy.ndarray` or `~astropy.units.Quantity`
        Image of shape ``(ny, nx)``.
    sigma : float, optional
        Limit in robust standard deviations, greater than 0.
    n_iter_max : int, optional
        Largest number of passes.

    Returns
    -------
    clipped : 2D `~numpy.ndarray` of float32
        NaN and masked pixels are 0 too.

    Raises
    ------
    InputError
        If ``data`` is not 2D or ``sigma`` is not positive.

    References
    ----------
    .. [1] Aniyan & Thorat 2017, ApJS 230, 20.
    """
    check_number('sigma', sigma, above=0)
    check_number('n_iter_max', n_iter_max, minimum=1, integer=True)
    plain, good = _checked(data)
    centre, spread, _ = _limits(plain, good, sigma, n_iter_max)
    with np.errstate(invalid='ignore'):
        keep = good & (plain > centre + sigma * spread)
    return np.where(keep, plain, 0).astype(np.float32)
