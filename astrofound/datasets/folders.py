"""Labelled images from folders, from a table, and from a catalogue on a mosaic."""

from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

from ..catalog import find_positions, read_catalog
from ..image import as_survey_image
from ..utils import InputError, ReadError, nearest_name
from .checks import check_files
from .image_input import CatalogCutouts
from .image_names import find_file, image_files, index_files, name_positions
from .labelled import LabelledImages

__all__ = ['label_cutouts', 'read_image_folders', 'read_image_table']

_PATHS = ('path', 'file', 'filename', 'file_name', 'file_path', 'image', 'image_path', 'img',
          'name', 'id_str', 'dr7objid', 'objid', 'object_id', 'id')
_LABELS = ('label', 'class_name', 'class', 'morphology', 'type', 'target', 'category', 'y')


def read_image_folders(folder, *, classes=None, positions=False):
    """
    Read images whose class is the folder that they are in.

    Parameters
    ----------
    folder : path-like
        Holds one folder a class; in each of these are FITS files, PNG, JPEG or TIFF.
    classes : sequence of str, optional
        Which classes to take, in this order; by default all, sorted.
    positions : bool, optional
        Whether the file names hold positions, as in ``108.602_40.266_x.png`` or
        ``J113151.4+111527.fits``.

    Returns
    -------
    data : LabelledImages
        The images as paths, none of them opened.

    Raises
    ------
    ReadError
        If the folder, or a class of ``classes``, is missing.
    InputError
        If there are no images, or ``positions`` are asked for that a name does not hold.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ReadError(f'{folder} is not a folder')
    there = sorted(path.name for path in folder.iterdir()
                   if path.is_dir() and not path.name.startswith('.'))
    if classes is not None and (missing := [name for name in classes if name not in there]):
        raise ReadError(f"{folder} has no folder {', '.join(missing)}; it has {', '.join(there)}")
    files = {name: image_files(folder / name) for name in (there if classes is None else classes)}
    if classes is None:
        files = {name: paths for name, paths in files.items() if paths}
    paths = [path for own in files.values() for path in own]
    if not paths:
        nested = next((name for name in there
                       if any(path.is_dir() for path in (folder / name).iterdir())), None)
        hint = (f'; the folders in {folder / nested} look like classes, pass that one' if nested
                else '')
        raise InputError(f'the folders in {folder} hold no images{hint}')
    names = [f'{path.parent.name}/{path.name}' for path in paths]
    return LabelledImages(paths, [path.parent.name for path in paths], classes=tuple(files),
                          names=names, positions=name_positions(names) if positions else None,
                          source=folder.name)


def read_image_table(table, *, path_column=None, label_column=None, folder=None, classes=None):
    """
    Read images listed in a table with their labels.

    Parameters
    ----------
    table : path-like or `~astropy.table.Table`
        CSV, ECSV, FITS, VOTable or any other format of `~astropy.table.Table`.
    path_column, label_column : str, optional
        Which columns hold the files and the labels; by default they are guessed, and
        ``source`` of the result says how. Files are paths, from ``folder`` on where they are
        not absolute, or names of files in it or below with or without their extension.
    folder : path-like, optional
        Where the images are; by default where the table is.
    classes : sequence of str, optional
        All classes in their order; by default those of the labels, sorted.

    Returns
    -------
    data : LabelledImages
        The images as paths, none of them opened. Positions of the table on the sky are kept.

    Raises
    ------
    ReadError
        If the table or some of the images are missing; the latter are listed.
    InputError
        If a column is missing or cannot be guessed.
    """
    title = 'a table' if isinstance(table, Table) else Path(table).name
    folder = Path(folder or (Path.cwd() if isinstance(table, Table) else Path(table).parent))
    if not isinstance(table, Table):
        table = read_catalog(table)
    label_column = _column(table, 'label_column', label_column) or _guess_labels(table)
    index = index_files(folder)
    path_column = _column(table, 'path_column', path_column) or _guess_paths(table, folder, index)
    paths = [find_file(str(value), folder, index) for value in table[path_column]]
    check_files(paths)
    return LabelledImages(paths, table[label_column], classes=classes,
                          names=[str(value) for value in table[path_column]],
                          positions=_sky_positions(table),
                          source=f'{title} (images {path_column}, labels {label_column})')


def label_cutouts(image, catalog, *, label_column=None, classes=None, size='auto', n_beams=16.0,
                  beam_pix=None):
    """
    Make labelled images of the sources of a catalogue, cut out when they are looked at.

    Parameters
    ----------
    image : path-like or `~astrofound.image.SurveyImage`
        The mosaic.
    catalog : path-like or `~astropy.table.Table`
        Positions and labels; rows with a blank label are left out.
    label_column : str, optional
        Which column holds the labels; by default it is guessed.
    classes : sequence of str, optional
        All classes in their order; by default those of the labels, sorted.
    size, n_beams, beam_pix : optional
        Side and pixels of the cutouts, as for `open_images`: by default 16 beams and the
        pixels of the mosaic.

    Returns
    -------
    data : LabelledImages
        The cutouts, in units of the local noise.

    Raises
    ------
    InputError
        If there are no labels or no positions.
    ReadError
        If a file is missing.
    """
    image = as_survey_image(image)
    table = catalog if isinstance(catalog, Table) else read_catalog(catalog)
    label_column = _column(table, 'label_column', label_column) or _guess_labels(table)
    labels = np.ma.filled(np.ma.asarray(table[label_column]).astype(str), '')
    kept = np.flatnonzero((np.char.strip(labels) != '') & (labels != 'nan'))
    if not kept.size:
        raise InputError(f'the column {label_column!r} has no label in it')
    table = table[kept]
    cutouts = CatalogCutouts(image, table, size=size, n_beams=n_beams, beam_pix=beam_pix)
    names = [str(value) for value in table['name' if 'name' in table.colnames else 'id']] if {
        'name', 'id'} & set(table.colnames) else None
    return LabelledImages(cutouts, labels[kept], classes=classes, names=names,
                          positions=_sky_positions(table),
                          source=f'{image.name} (labels {label_column})')


def _column(table, argument, name):
    if name is not None and name not in table.colnames:
        near = nearest_name(name, table.colnames)
        raise InputError(f'{argument!r} {name!r} is no column of the table'
                         f"{f'; did you mean {near!r}?' if near else ''} It has "
                         f"{', '.join(table.colnames[:20])}")
    return name


def _guess_labels(table):
    by_lower = {name.lower(): name for name in reversed(table.colnames)}
    found = next((by_lower[name] for name in _LABELS if name in by_lower), None)
    if found is None:
        raise InputError("no column looks like labels; name it with 'label_column'. The table has "
                         f"{', '.join(table.colnames[:20])}")
    return found


def _guess_paths(table, folder, index):
    """Take the first column that leads to a file, columns of a likely name first."""
    likely = sorted(table.colnames, key=lambda name: _PATHS.index(name.lower())
                    if name.lower() in _PATHS else len(_PATHS))
    for name in likely:
        column = table[name]
        if column.dtype.kind not in 'OUSiu' or column.ndim != 1:
            continue
        if any(find_file(str(value), folder, index).is_file() for value in column[:20]):
            return name
    raise InputError(f'no column leads to files in {folder}; name it with '
                     "'path_column', or the folder with 'folder'. The table has "
                     f"{', '.join(table.colnames[:20])}")


def _sky_positions(table):
    try:
        found = find_positions(table)
    except InputError:
        return None
    return found if isinstance(found, SkyCoord) else None
