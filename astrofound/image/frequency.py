"""At which frequency an image was observed."""

from astropy import units as u

__all__ = ['FREQUENCY_CARD', 'header_frequency']

FREQUENCY_CARD = 'OBSFREQ'  # where images without a frequency axis say it, in Hz


def header_frequency(header):
    """
    Find the frequency that a header states.

    The value of a frequency axis counts, else the card ``OBSFREQ``. Rest frequencies are not
    believed: continuum images have them from their software.

    Parameters
    ----------
    header : `~astropy.io.fits.Header` or None
        Any header.

    Returns
    -------
    frequency : `~astropy.units.Quantity` or None
        In Hz, of the first plane.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from astrofound.image.frequency import header_frequency
    >>> header_frequency(fits.Header({'CTYPE3': 'FREQ', 'CRVAL3': 1.4, 'CUNIT3': 'GHz'}))
    <Quantity 1.4e+09 Hz>
    """
    if header is None:
        return None
    found = [(header.get(f'CRVAL{axis}'), header.get(f'CUNIT{axis}', 'Hz'))
             for axis in range(1, 8) if str(header.get(f'CTYPE{axis}', '')).startswith('FREQ')]
    for value, unit in (*found, (header.get(FREQUENCY_CARD), 'Hz')):
        try:
            frequency = (float(value) * u.Unit(unit)).to(u.Hz)
        except (TypeError, ValueError):  # no number, no unit, or one of something else
            continue
        if 0 < frequency.value < float('inf'):
            return frequency
    return None
