"""What a comparison needs to know about a catalogue, whatever columns it has."""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from astrofound.utils import InputError

__all__ = ['SourceList']


@dataclass(frozen=True, eq=False)
class SourceList:
    """
    Positions, fluxes and S/N of a catalogue as plain arrays.

    Parameters
    ----------
    sky : `~astropy.coordinates.SkyCoord` or None
        Positions on the sky, where every row has one.
    x, y : 1D `~numpy.ndarray` or None
        Pixel positions, where the table has them.
    flux : 1D `~astropy.units.Quantity` or `~numpy.ndarray`
        Integrated flux; NaN where unknown.
    snr : 1D `~numpy.ndarray`
        Peak signal to noise; NaN where unknown.
    fwhm_pix, fwhm_sky : float and `~astropy.units.Quantity`
        Median size as seen, NaN where unknown.
    """

    sky: SkyCoord | None
    x: np.ndarray | None
    y: np.ndarray | None
    flux: np.ndarray
    snr: np.ndarray
    fwhm_pix: float
    fwhm_sky: u.Quantity

    def __len__(self):
        return len(self.snr)

    @classmethod
    def from_table(cls, table, *, name='the catalogue'):
        """
        Read what is there from a table with the column names of this package.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``ra`` and ``dec`` (degrees unless they have a unit) or ``x_centroid`` and
            ``y_centroid`` are needed, all else may be missing.
        name : str, optional
            What to call the table in a message.

        Returns
        -------
        sources : `SourceList`
            The arrays.

        Raises
        ------
        InputError
            If there are no positions.
        """
        sky = _sky_positions(table)
        x, y = (plain(table, axis) for axis in ('x_centroid', 'y_centroid'))
        if x is None or y is None or not (np.isfinite(x) & np.isfinite(y)).all():
            x = y = None
        if sky is None and x is None:
            msg = (f"{name} needs the columns 'ra' and 'dec' or 'x_centroid' and 'y_centroid' "
                   f'without blanks; it has {", ".join(table.colnames[:12])}')
            raise InputError(msg)
        major = plain(table, 'major', unit=u.arcsec)
        # a truth table's 'major' is the intrinsic size, without the beam
        seen = 'fwhm_major' in table.colnames and major is not None
        return cls(sky, x, y, _flux(table), _snr(table),
                   _median(plain(table, 'fwhm_major')), _median(major if seen else None) * u.arcsec)


def plain(table, name, *, unit=None):
    """
    Return a column as a plain float array, or `None` where there is no such column.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Any table.
    name : str
        Column name.
    unit : `~astropy.units.UnitBase`, optional
        Unit to convert to; a column without a unit is taken as it is.

    Returns
    -------
    values : 1D `~numpy.ndarray` or None
        Masked values become NaN.
    """
    if name not in table.colnames:
        return None
    column = table[name]
    mask = getattr(column, 'mask', None)
    own = getattr(column, 'unit', None)
    column = getattr(column, 'unmasked', column)
    values = np.array(getattr(column, 'value', np.ma.getdata(column)), dtype=float)
    if unit is not None and own is not None:
        values *= u.Unit(own).to(unit)
    if mask is not None:
        values[np.asarray(mask)] = np.nan
    return values


def _sky_positions(table):
    ra, dec = (plain(table, name, unit=u.deg) for name in ('ra', 'dec'))
    if ra is None or dec is None or not (np.isfinite(ra) & np.isfinite(dec)).all():
        return None
    return SkyCoord(ra, dec, unit='deg')


def _flux(table):
    values = plain(table, 'flux')
    if values is None:
        return np.full(len(table), np.nan)
    unit = getattr(table['flux'], 'unit', None)
    return values if unit is None else values * unit


def _snr(table):
    """S/N as given, else peak over noise, else flux over its error."""
    if (snr := plain(table, 'snr')) is not None:
        return snr
    for value, noise in (('peak_flux', 'local_rms'), ('peak_flux', 'peak_flux_err'),
                         ('flux', 'flux_err')):
        value, noise = plain(table, value), plain(table, noise)
        if value is not None and noise is not None:
            return np.divide(value, noise, out=np.full(len(table), np.nan), where=noise > 0)
    return np.full(len(table), np.nan)


def _median(values):
    good = values[np.isfinite(values)] if values is not None else ()
    return float(np.median(good)) if len(good) else np.nan
