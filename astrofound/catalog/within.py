"""Keep what lies in regions drawn by hand."""

from pathlib import Path

import numpy as np

from ..utils import InputError, ReadError

__all__ = ['read_regions', 'select_within']

_FORMATS = {'.reg': 'ds9', '.ds9': 'ds9', '.crtf': 'crtf', '.fits': 'fits'}


def read_regions(path):
    """
    Read a region file.

    Parameters
    ----------
    path : path-like
        DS9 ``.reg``, CASA ``.crtf`` or FITS region table.

    Returns
    -------
    regions : `~regions.Regions`
        At least one region.

    Raises
    ------
    InputError
        If the extension is not known.
    ReadError
        If the file is missing, cannot be read or holds no region.
    """
    from regions import Regions  # only those who cut by regions wait for it

    path = Path(path)
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        msg = f'{path}: unknown extension {path.suffix!r}; region files end in ' + ', '.join(
            _FORMATS)
        raise InputError(msg)
    try:
        found = Regions.read(path, format=form)
    except FileNotFoundError:
        raise ReadError(f'{path}: no such file') from None
    except Exception as error:  # the parsers raise whatever the text makes them trip over
        reason = str(error).partition('\n')[0]
        raise ReadError(f'{path} is not a region file that can be read: {reason}') from error
    if not len(found):
        raise ReadError(f'{path} holds no region')
    return found


def select_within(sources, regions, wcs=None):
    """
    Keep the sources whose centre lies in at least one region.

    Parameters
    ----------
    sources : `Detections` or `~astropy.table.Table`
        With positions ``x``, ``y``, or ``x_centroid``, ``y_centroid``.
    regions : iterable of `~regions.Region`, or None
        Sky or pixel regions; `None` keeps everything.
    wcs : `~astropy.wcs.WCS`, optional
        WCS of the image, needed for sky regions.

    Returns
    -------
    sources : `Detections` or `~astropy.table.Table`
        As given, with the rows that stay.

    Raises
    ------
    InputError
        If there are sky regions and no WCS.
    """
    if regions is None:
        return sources
    from regions import PixCoord, PixelRegion

    is_table = hasattr(sources, 'colnames')
    x, y = ((sources['x_centroid'], sources['y_centroid']) if is_table
            else (sources.x, sources.y))
    positions = PixCoord(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    inside = np.zeros(len(sources), dtype=bool)
    for region in regions:
        if not isinstance(region, PixelRegion):
            if wcs is None:
                msg = 'the regions are in sky coordinates and the image has no celestial WCS'
                raise InputError(msg)
            region = region.to_pixel(wcs)
        if len(sources):
            inside |= region.contains(positions)
    return sources[inside] if is_table else sources.select(inside)
