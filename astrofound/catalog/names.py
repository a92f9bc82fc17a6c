"""IAU-style names: JHHMMSS.s+DDMMSS, truncated, never rounded."""

import numpy as np

__all__ = ['iau_names']


def iau_names(ra, dec):
    """
    Return the names of positions after the rules of the IAU.

    Parameters
    ----------
    ra, dec : array-like
        ICRS in degrees.

    Returns
    -------
    names : `~numpy.ndarray` of str
        ``JHHMMSS.s+DDMMSS``; empty where a position is NaN. The digits are cut off and not
        rounded, so that the name is that of the field of sky the source lies in.
    """
    ra, dec = (np.atleast_1d(np.asarray(angle, dtype=float)) for angle in (ra, dec))
    good = np.isfinite(ra) & np.isfinite(dec)
    # A binary fraction may lie a hair under the decimal it stands for: 1e-6 units up.
    tenths = np.floor(np.where(good, ra % 360, 0) * 2400 + 1e-6).astype(np.int64) % 864000
    seconds = np.floor(np.abs(np.where(good, dec, 0)) * 3600 + 1e-6).astype(np.int64)
    names = [
        f'J{t // 36000:02d}{t // 600 % 60:02d}{t // 10 % 60:02d}.{t % 10}'
        f'{"-" if south else "+"}{s // 3600:02d}{s // 60 % 60:02d}{s % 60:02d}'
        for t, s, south in zip(tenths.tolist(), seconds.tolist(), (dec < 0).tolist(),
                               strict=True)]
    return np.where(good, names, '').astype('U24') if names else np.empty(0, 'U24')
