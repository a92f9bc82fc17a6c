"""
The schema of every catalogue, in one place.

A catalogue always has all of these columns in this order, also when it is empty and also
without a WCS: the sky columns are then NaN. Tables of different images can so be stacked,
and a script never meets a missing name.
"""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.table import Column, QTable

from .detections import CLASS_NAMES

__all__ = ['COLUMNS', 'FLAGS', 'ColumnSpec', 'build_catalog', 'column_unit', 'decode_flags',
           'empty_catalog', 'ucd_of']

#: Bits of the ``flags`` column: name, value and meaning.
FLAGS = {
    'edge': (1, 'the footprint touches the edge of the image'),
    'blank': (2, 'blank pixels lie within the footprint'),
    'blended': (4, 'a neighbour overlaps; its fitted model was subtracted'),
    'fit_failed': (8, 'the Gaussian fit did not converge; peak and position are of the '
                      'brightest pixel or of the detection'),
    'saturated': (16, 'the peak is flat: several neighbouring pixels share the largest value'),
    'point': (32, 'not significantly larger than the beam: the flux is that of a point source'),
    'island': (64, 'flux, position and size are sums over the island of connected pixels'),
    'aperture': (128, 'the flux was summed in an elliptical aperture'),
    'capped': (256, 'larger than the largest box measured: flux and size are lower limits'),
    'forced': (512, 'measured at a position given by the caller'),
    'no_data': (1024, 'no valid pixel at this position: nothing could be measured'),
}


@dataclass(frozen=True)
class ColumnSpec:
    """
    One column of the catalogue.

    Parameters
    ----------
    name : str
        Column name.
    unit : str
        An astropy unit, or ``'peak'`` (unit of a pixel), ``'flux'`` (unit of an integrated
        flux), ``'pix'`` (a plain number of pixels) or ``''`` (none).
    ucd : str
        UCD1+; ``{flux}`` and ``{peak}`` stand for the word that fits the unit.
    description : str
        Meaning in one sentence.
    kind : str, optional
        ``'f'`` float64, ``'i'`` int64, or ``'U'`` text.
    form : str, optional
        How a value is printed.
    """

    name: str
    unit: str
    ucd: str
    description: str
    kind: str = 'f'
    form: str = '.4g'


def _pair(name, unit, ucd, description, form='.4g'):
    """Return a column and the one with its standard error."""
    return (ColumnSpec(name, unit, ucd, description, form=form),
            ColumnSpec(f'{name}_err', unit, f'stat.error;{ucd.partition(";meta.main")[0]}',
                       f'Standard error of {name}'))


_SPECS = (
    ColumnSpec('id', '', 'meta.id;meta.main', 'Number of the row, from 1', 'i', 'd'),
    ColumnSpec('name', '', 'meta.id', 'IAU-style name JHHMMSS.s+DDMMSS (ICRS, truncated); '
               'without a WCS the pixel position', 'U', 's'),
    ColumnSpec('ra', 'deg', 'pos.eq.ra;meta.main', 'ICRS right ascension', form='.6f'),
    ColumnSpec('dec', 'deg', 'pos.eq.dec;meta.main', 'ICRS declination', form='.6f'),
    ColumnSpec('ra_err', 'arcsec', 'stat.error;pos.eq.ra',
               'Standard error of the position along right ascension, as an angle on the sky'),
    ColumnSpec('dec_err', 'arcsec', 'stat.error;pos.eq.dec',
               'Standard error of the position along declination'),
    ColumnSpec('x_centroid', 'pix', 'pos.cartesian.x;instr.det',
               'Position along x, 0 at the centre of the first pixel', form='.3f'),
    ColumnSpec('y_centroid', 'pix', 'pos.cartesian.y;instr.det',
               'Position along y, 0 at the centre of the first pixel', form='.3f'),
    ColumnSpec('x_err', 'pix', 'stat.error;pos.cartesian.x', 'Standard error of x_centroid'),
    ColumnSpec('y_err', 'pix', 'stat.error;pos.cartesian.y', 'Standard error of y_centroid'),
    *_pair('peak_flux', 'peak', '{peak};stat.max',
           'Peak above the local background, corrected for noise bias'),
    *_pair('flux', 'flux', '{flux}', 'Flux of the whole source above the local background'),
    ColumnSpec('snr', '', 'stat.snr', 'Peak above the local background over local_rms, '
               'not corrected for noise bias', form='.2f'),
    ColumnSpec('local_rms', 'peak', 'stat.stdev;{peak}', 'Noise at the position of the source'),
    ColumnSpec('local_background', 'peak', '{peak};instr.background',
               'Background at the position of the source, already subtracted'),
    *_pair('fwhm_major', 'pix', 'phys.angSize.smajAxis;instr.pixel',
           'Full width at half maximum along the major axis as seen, beam included', '.3f'),
    *_pair('fwhm_minor', 'pix', 'phys.angSize.sminAxis;instr.pixel',
           'Full width at half maximum along the minor axis as seen, beam included', '.3f'),
    *_pair('theta', 'deg', 'pos.posAng;instr.pixel',
           'Angle of the major axis, counter-clockwise from +x, in [0, 180)', '.1f'),
    *_pair('major', 'arcsec', 'phys.angSize.smajAxis',
           'fwhm_major on the sky', '.3f'),
    *_pair('minor', 'arcsec', 'phys.angSize.sminAxis',
           'fwhm_minor on the sky', '.3f'),
    *_pair('pa_sky', 'deg', 'pos.posAng',
           'Position angle of the major axis, east of north, in [0, 180)', '.1f'),
    *_pair('deconvolved_major', 'arcsec', 'phys.angSize.smajAxis;meta.modelled',
           'Major axis (FWHM) with the beam removed; NaN when not resolved', '.3f'),
    *_pair('deconvolved_minor', 'arcsec', 'phys.angSize.sminAxis;meta.modelled',
           'Minor axis (FWHM) with the beam removed; NaN when not resolved, 0 when resolved '
           'along the major axis only', '.3f'),
    *_pair('deconvolved_pa', 'deg', 'pos.posAng;meta.modelled',
           'Position angle with the beam removed, east of north; NaN when not resolved', '.1f'),
    ColumnSpec('bbox_xmin', 'pix', 'pos.cartesian.x;stat.min', 'First pixel of the box along x',
               'i', 'd'),
    ColumnSpec('bbox_xmax', 'pix', 'pos.cartesian.x;stat.max', 'Last pixel of the box along x',
               'i', 'd'),
    ColumnSpec('bbox_ymin', 'pix', 'pos.cartesian.y;stat.min', 'First pixel of the box along y',
               'i', 'd'),
    ColumnSpec('bbox_ymax', 'pix', 'pos.cartesian.y;stat.max', 'Last pixel of the box along y',
               'i', 'd'),
    ColumnSpec('parent_id', '', 'meta.id.parent', 'For a component the id of its source; 0 for a '
               'source', 'i', 'd'),
    ColumnSpec('n_components', '', 'meta.number;src', 'Number of separate peaks in the source',
               'i', 'd'),
    ColumnSpec('class_name', '', 'src.class', f'Class: {", ".join(CLASS_NAMES)}, or component',
               'U', 's'),
    ColumnSpec('score', '', 'stat.probability', 'Probability that the source is real',
               form='.3f'),
    ColumnSpec('flags', '', 'meta.code.qual', 'Sum of the bits in astrofound.catalog.FLAGS',
               'i', 'd'),
)

#: The schema: column name to `ColumnSpec`, in the order of the catalogue.
COLUMNS = {spec.name: spec for spec in _SPECS}

_DTYPES = {'f': np.float64, 'i': np.int64, 'U': 'U24'}


def column_unit(spec, image):
    """
    Return the unit of a column in the catalogue of an image.

    Parameters
    ----------
    spec : `ColumnSpec`
        The column.
    image : `~astrofound.image.SurveyImage`
        The image, which decides about fluxes.

    Returns
    -------
    unit : `~astropy.units.UnitBase` or None
        `None` for plain numbers and text; pixels are plain numbers.
    """
    if spec.unit in ('', 'pix'):
        return None
    unit = {'peak': image.peak_unit, 'flux': image.flux_unit}.get(spec.unit, spec.unit)
    return u.dimensionless_unscaled if unit is None else u.Unit(unit)


def ucd_of(spec, unit):
    """
    Return the UCD of a column, which for fluxes depends on the unit.

    Parameters
    ----------
    spec : `ColumnSpec`
        The column.
    unit : `~astropy.units.UnitBase` or None
        Unit of its values.

    Returns
    -------
    ucd : str
        A UCD1+ that astropy's checker accepts.
    """
    unit = u.dimensionless_unscaled if unit is None else unit
    powers = dict(zip((str(base) for base in unit.bases), unit.powers, strict=True))
    word = 'phot.flux'
    if powers.get('beam') == -1 or unit.is_equivalent(u.Jy / u.sr):
        word = 'phot.flux.density.sb'
    elif unit.is_equivalent(u.Jy):
        word = 'phot.flux.density'
    elif {'ct', 'adu', 'electron', 'DN', 'photon', 'ph'} & set(powers):
        word = 'phot.count'
    return spec.ucd.format(flux=word, peak=word)


def empty_catalog(image):
    """
    Return a catalogue of no sources with every column.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image whose units the columns take.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        No rows, all columns.
    """
    return build_catalog(image, {}, 0)


def build_catalog(image, values, n):
    """
    Return a catalogue with every column, NaN (0, or empty text) where nothing is given.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image whose units the columns take.
    values : dict of array-like
        Plain values by column name, in the units of the schema.
    n : int
        Number of rows.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        Columns in the order of the schema. Those with a unit are quantities, pixels plain
        columns.
    """
    unknown = set(values) - set(COLUMNS)
    assert not unknown, f'no such columns: {sorted(unknown)}'
    catalog = QTable()
    for name, spec in COLUMNS.items():
        fill = {'f': np.nan, 'i': 0, 'U': ''}[spec.kind]
        data = np.full(n, fill, dtype=_DTYPES[spec.kind])
        if name in values:
            data[...] = values[name]
        unit = column_unit(spec, image)
        catalog[name] = Column(data) if unit is None else u.Quantity(data, unit, copy=False)
        catalog[name].info.description = spec.description
        if spec.kind == 'f':
            catalog[name].info.format = spec.form
    return catalog


def decode_flags(flags):
    """
    Return the names of the bits set in a value of the ``flags`` column.

    Parameters
    ----------
    flags : int
        One value.

    Returns
    -------
    names : list of str
        Keys of `FLAGS`.
    """
    return [name for name, (bit, _) in FLAGS.items() if int(flags) & bit]
