"""
Catalogues as the text of region files, written column by column: 1e5 rows in a second.

Every source is an ellipse, the half-maximum contour of its fitted Gaussian or, for a source of
several components, of the Gaussian with the same second moments: the axes are the columns
``major`` and ``minor`` (``fwhm_major`` and ``fwhm_minor`` in pixels).
"""

import astropy.units as u
import numpy as np

from .detections import CLASS_NAMES
from .guess import find_positions, plain_values

__all__ = ['CLASS_COLORS', 'crtf_text', 'ds9_text']

#: Colour of each class; told apart also by most colour-blind eyes.
CLASS_COLORS = dict(zip(CLASS_NAMES, ('cyan', 'yellow', 'magenta'), strict=True))
_OTHER_COLOR = 'green'


def ds9_text(catalog, *, label='id'):
    """
    Return a catalogue as a DS9 region file.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Needs positions only.
    label : {'id', 'name'}, optional
        What a label begins with.

    Returns
    -------
    text : str
        ICRS where the catalogue has sky positions, else image pixels counted from 1. The class
        is also a tag, so that DS9 selects and hides classes as groups.
    """
    shapes = _Shapes(catalog)
    unit, shift, form = ('"', 0.0, '.7f') if shapes.on_sky else ('', 1.0, '.3f')
    # DS9 turns ellipses counter-clockwise from +x, which on the sky is west.
    angle = (shapes.angle + 90) % 180 if shapes.on_sky else shapes.angle
    lines = ['# Region file format: DS9 version 4.1',
             'global color=green width=1 font="helvetica 10 normal roman" select=1',
             'icrs' if shapes.on_sky else 'image']
    lines += [f'ellipse({x:{form}},{y:{form}},{a:.4f}{unit},{b:.4f}{unit},{t:.2f}) '
              f'# color={color} text={{{text}}}{tag}'
              for x, y, a, b, t, color, text, tag in shapes.rows(shift, angle, label)]
    return '\n'.join([*lines, ''])


def crtf_text(catalog, *, label='id'):
    """
    Return a catalogue as a CASA region text file, which CARTA reads too.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Needs positions only.
    label : {'id', 'name'}, optional
        What a label begins with.

    Returns
    -------
    text : str
        ICRS where the catalogue has sky positions, else pixels counted from 0.
    """
    shapes = _Shapes(catalog)
    place, size, form = ('deg', 'arcsec', '.7f') if shapes.on_sky else ('pix', 'pix', '.3f')
    coord = ', coord=ICRS' if shapes.on_sky else ''
    # CASA counts the position angle from north, or from +y.
    angle = shapes.angle if shapes.on_sky else (shapes.angle - 90) % 180
    lines = ['#CRTFv0 CASA Region Text Format version 0']
    lines += [f'ellipse [[{x:{form}}{place}, {y:{form}}{place}], [{a:.4f}{size}, {b:.4f}{size}], '
              f"{t:.2f}deg]{coord}, color={color}, label='{text}'"
              for x, y, a, b, t, color, text, _ in shapes.rows(0.0, angle, label)]
    return '\n'.join([*lines, ''])


class _Shapes:
    """Positions and axes of a catalogue, on the sky or in pixels."""

    def __init__(self, catalog):
        self.catalog = catalog
        self.x, self.y, self.on_sky = _positions(catalog)
        columns = (('major', 'minor', 'pa_sky') if self.on_sky
                   else ('fwhm_major', 'fwhm_minor', 'theta'))
        units = (u.arcsec, u.arcsec, u.deg) if self.on_sky else (None, None, u.deg)
        self.major, self.minor, self.angle = (
            plain_values(catalog[name], unit) if name in catalog.colnames
            else np.full(len(catalog), np.nan) for name, unit in zip(columns, units, strict=True))
        known = self.major[self.major > 0]
        default = np.median(known) if len(known) else (10.0 if self.on_sky else 8.0)
        for axis in (self.major, self.minor):
            axis[~(axis > 0)] = default
        self.angle = np.nan_to_num(self.angle)

    def rows(self, shift, angle, label):
        """Yield place, half axes, angle, colour, label and tag of the rows that have a place."""
        good = np.flatnonzero(np.isfinite(self.x) & np.isfinite(self.y))
        numbers = [column[good].tolist() for column in (
            self.x + shift, self.y + shift, 0.5 * self.major, 0.5 * self.minor, angle)]
        classes = _texts(self.catalog, 'class_name', good)
        colors = [CLASS_COLORS.get(name, _OTHER_COLOR) for name in classes]
        tags = [f' tag={{{name}}}' if name else '' for name in classes]
        return zip(*numbers, colors, _labels(self.catalog, good, label, classes), tags,
                   strict=True)


def _positions(catalog):
    """Return x, y and whether they are on the sky."""
    if not len(catalog):
        return np.empty(0), np.empty(0), 'ra' in catalog.colnames
    found = find_positions(catalog)
    if hasattr(found, 'icrs') and not np.isfinite(found.icrs.ra.deg).any():
        found = find_positions(catalog, prefer_sky=False)  # a catalogue of an image without WCS
    if hasattr(found, 'icrs'):
        return found.icrs.ra.deg, found.icrs.dec.deg, True
    return found[:, 0], found[:, 1], False


def _texts(catalog, name, rows):
    """Give a column as text without characters that end a label; empty where there is none."""
    if name not in catalog.colnames:
        return [''] * len(rows)
    drop = str.maketrans('', '', '{}\'"\n')
    return [str(value).translate(drop) for value in np.asarray(catalog[name])[rows]]


def _labels(catalog, rows, label, classes):
    """``id class score`` or ``name class score`` of each row, as far as the columns exist."""
    first = (_texts(catalog, label, rows) if label in catalog.colnames
             else [str(i + 1) for i in rows.tolist()])
    score = (plain_values(catalog['score'])[rows] if 'score' in catalog.colnames
             else np.full(len(rows), np.nan))
    return [' '.join(part for part in (text, name, f'{value:.2f}' if value >= 0 else '') if part)
            for text, name, value in zip(first, classes, score.tolist(), strict=True)]
