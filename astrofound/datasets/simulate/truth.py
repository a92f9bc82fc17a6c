"""The simulated field and its truth tables."""

import json
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable, Table

from ...image import SurveyImage
from ...utils import InputError, atomic_path

__all__ = ['SimulatedField', 'make_tables', 'peak_table', 'position_angles', 'truth_path']

_PER_DEGREE = 3600.0


@dataclass(frozen=True, eq=False)
class SimulatedField:
    """
    A simulated image and everything that is true about it.

    Parameters
    ----------
    image : SurveyImage
        The field, with WCS, unit, header and, in radio, beam.
    truth : `~astropy.table.QTable`
        One row a physical source whose centre lies on an observed pixel.
    components : `~astropy.table.QTable`
        One row a visible part of a source, such as a lobe; ``parent_id`` is the ``id`` of
        its source.
    peaks : `~astropy.table.QTable`
        One row a separate peak that an observer could tell apart, most sources having one;
        ``parent_id`` is the ``id`` of its source. Not written to files.
    rms : 2D `~numpy.ndarray` of float32
        The true noise at each pixel in the unit of the image; NaN where it is blank.
    clean : 2D `~numpy.ndarray` of float32
        The image without noise and artefacts, blank nowhere.
    seed : int
        What it was made from.
    kind : {'radio', 'optical'}
        Which sky it is.
    """

    image: SurveyImage
    truth: QTable
    components: QTable
    peaks: QTable
    rms: np.ndarray
    clean: np.ndarray
    seed: int
    kind: str

    def __repr__(self):
        ny, nx = self.image.shape
        return (f'<SimulatedField {self.kind} {nx} x {ny} pixels, {len(self.truth)} sources, '
                f'seed {self.seed}>')

    def write(self, path, *, overwrite=False):
        """
        Write the image, and the truth beside it.

        Parameters
        ----------
        path : path-like
            ``.fits`` or ``.fits.gz`` holds plain pixels, ``.fits.fz`` tile-compressed ones
            (quantised to a quarter of the noise with subtractive dithering). The tables go to
            the same name with ``_truth.fits`` at its end, as extensions ``TRUTH`` and
            ``COMPONENTS``.
        overwrite : bool, optional
            Whether files that exist are replaced.

        Returns
        -------
        paths : tuple of `~pathlib.Path`
            The image and the tables.

        Raises
        ------
        InputError
            If the name has another suffix or a file exists.
        WriteError
            If the folder cannot be written.
        """
        image_path, table_path = truth_path(path)
        for target in (image_path, table_path):
            if target.exists() and not overwrite:
                raise InputError(f'{target} exists; choose another name or overwrite it')
        data = self.image.data
        header = self.image.header.copy()
        if image_path.suffix == '.fz':
            hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(
                data, header, compression_type='RICE_1', quantize_level=4.0,
                quantize_method=1, dither_seed=1 + self.seed % 10000)])
        else:
            hdus = fits.HDUList([fits.PrimaryHDU(data, header)])
        with atomic_path(image_path) as temporary:
            hdus.writeto(temporary, overwrite=True)
        tables = fits.HDUList([fits.PrimaryHDU()])
        for name, table in (('TRUTH', self.truth), ('COMPONENTS', self.components)):
            plain = Table(table, copy=True)
            plain.meta.clear()
            tables.append(fits.BinTableHDU(plain, name=name))
            tables[-1].header['HISTORY'] = json.dumps(table.meta, default=str)
        with atomic_path(table_path) as temporary:
            tables.writeto(temporary, overwrite=True)
        return image_path, table_path


def truth_path(path):
    """
    Name the two files of a field.

    Parameters
    ----------
    path : path-like
        The image: ``.fits``, ``.fits.gz`` or ``.fits.fz``.

    Returns
    -------
    image_path, table_path : `~pathlib.Path`
        The image and the tables beside it.

    Raises
    ------
    InputError
        If the name has another suffix.
    """
    from pathlib import Path

    path = Path(path)
    for suffix in ('.fits.fz', '.fits.gz', '.fits'):
        if path.name.endswith(suffix) and path.name != suffix:
            return path, path.with_name(path.name[: -len(suffix)] + '_truth.fits')
    raise InputError(f'a simulated field is written as .fits, .fits.gz or .fits.fz, got {path}')


def position_angles(wcs, x, y, theta):
    """
    Turn pixel angles into position angles on the sky.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    x, y : 1D arrays
        Positions in pixels.
    theta : 1D array
        Angles in degrees, counter-clockwise from +x.

    Returns
    -------
    pa : 1D `~numpy.ndarray`
        East of north, from 0 to 180 degrees.
    scale : 1D `~numpy.ndarray`
        Degrees on the sky in one pixel along that direction.
    """
    cos, sin = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
    ra, dec = np.deg2rad(wcs.pixel_to_world_values(x, y))
    points = []
    for step in (0.5, -0.5):
        a, d = np.deg2rad(wcs.pixel_to_world_values(x + step * cos, y + step * sin))
        points.append((np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)))
    dx, dy, dz = np.array(points[0]) - np.array(points[1])
    east = -np.sin(ra) * dx + np.cos(ra) * dy
    north = -np.sin(dec) * (np.cos(ra) * dx + np.sin(ra) * dy) + np.cos(dec) * dz
    return np.rad2deg(np.arctan2(east, north)) % 180, np.rad2deg(np.hypot(east, north))


def peak_table(values, peak_unit):
    """
    Make the table of peaks.

    Parameters
    ----------
    values : dict of 1D arrays
        ``parent_id``, ``x_peak``, ``y_peak``, ``peak_flux``, ``contrast`` and ``light_share``.
    peak_unit : `~astropy.units.Unit`
        Unit of a pixel.

    Returns
    -------
    table : `~astropy.table.QTable`
        In the order of the sources, those of one source from the highest down.
    """
    order = np.lexsort((-values['peak_flux'], values['parent_id']))
    table = QTable({name: values[name][order] for name in
                    ('parent_id', 'x_peak', 'y_peak', 'peak_flux', 'contrast', 'light_share')})
    table['peak_flux'] = table['peak_flux'] * peak_unit
    return table


def make_tables(values, wcs, flux_unit, peak_unit, meta):
    """
    Put units on the columns of a truth table.

    Parameters
    ----------
    values : dict of 1D arrays
        Columns in pixels and pixel angles: ``x_centroid``, ``y_centroid``, ``major_pix``,
        ``minor_pix``, ``theta``, ``flux``, ``peak_flux``, boxes and everything that has no
        unit, in the order of the result.
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    flux_unit, peak_unit : `~astropy.units.Unit`
        Units of an integrated flux and of a pixel.
    meta : dict
        Provenance.

    Returns
    -------
    table : `~astropy.table.QTable`
        With sky positions, sizes in arcsec and position angles added.
    """
    x, y = values['x_centroid'], values['y_centroid']
    ra, dec = wcs.pixel_to_world_values(x, y)
    pa, scale = position_angles(wcs, x, y, values['theta'])
    pa_minor_scale = position_angles(wcs, x, y, values['theta'] + 90)[1]
    table = QTable(meta=dict(meta))
    for name, column in values.items():
        if name == 'x_centroid':
            table['ra'], table['dec'] = np.atleast_1d(ra) * u.deg, np.atleast_1d(dec) * u.deg
        if name == 'flux':
            table[name] = column * flux_unit
        elif name == 'peak_flux':
            table[name] = column * peak_unit
        elif name == 'theta':
            table['major'] = values['major_pix'] * scale * _PER_DEGREE * u.arcsec
            table['minor'] = values['minor_pix'] * pa_minor_scale * _PER_DEGREE * u.arcsec
            table['pa_sky'] = pa * u.deg
            table[name] = column * u.deg
        else:
            table[name] = column
    return table
