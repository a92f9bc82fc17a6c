"""The MeerKAT Galaxy Cluster Legacy Survey as used by Lastufka et al. (2025)."""

from dataclasses import replace
from pathlib import Path

from astropy.table import Table

from ..catalog import read_catalog
from ..image import SurveyImage
from ..utils import InputError
from .boxed import join_boxed
from .checks import check_files
from .tiles import cut_tiles

__all__ = ['read_mgcls']


def read_mgcls(images, catalog, *, side=256, plane=0, max_blank=0.0, min_visible=0.7,
               column_map=None):
    """
    Cut cubes of MGCLS into tiles with the boxes of its compact sources.

    Parameters
    ----------
    images : path-like or sequence of path-like
        Cubes of the enhanced products, or images of the same field.
    catalog : path-like or `~astropy.table.Table`
        The compact sources of all of them.
    side : int, optional
        Side of a tile in pixels.
    plane : int, optional
        Plane of a cube; 0 is the brightness at the reference frequency. `None` for images of
        one plane.
    max_blank : float, optional
        Largest share of blank pixels; the paper takes no tile with any.
    min_visible : float, optional
        Share of its area with which a source must be in a tile, else it is ignored there.
    column_map : dict, optional
        As for `~astrofound.catalog.read_catalog`.

    Returns
    -------
    data : BoxedImages
        Tiles as survey images, cut when they are looked at, of the one class ``'compact'``.
        Extended sources are there and have no box, as in the catalogue.

    Raises
    ------
    ReadError
        If a file is missing; all are listed.
    InputError
        If no tile is left.
    """
    paths = [images] if isinstance(images, (str, Path)) else list(images)
    if not paths:
        raise InputError("'images' is empty")
    check_files(paths)
    table = catalog if isinstance(catalog, Table) else read_catalog(catalog, column_map=column_map)
    parts = []
    for path in paths:
        parts.append(cut_tiles(SurveyImage.read(path, plane=plane), table, side=side,
                               max_blank=max_blank, min_visible=min_visible))
    return replace(join_boxed(parts), classes=['compact'], source='MGCLS')
