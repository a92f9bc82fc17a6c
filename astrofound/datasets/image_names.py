"""What the names of image files say."""

import re
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord

from ..utils import InputError, ReadError
from .image_input import PICTURES

__all__ = ['find_file', 'image_files', 'index_files', 'name_positions']

_FITS = ('.fits', '.fit', '.fts', '.fits.gz', '.fits.fz', '.fits.bz2', '.fits.xz')

# RA and Dec in degrees: 12.5_-3.25_..., or 12.500-03.250 after something else
_DEGREES = (re.compile(r'(\d{1,3}\.\d+)_([+-]?\d{1,2}(?:\.\d+)?)(?:_|\.[a-zA-Z]|$)'),
            re.compile(r'(?:^|.*[^\d.])(\d{1,3}\.\d+)([+-]\d{1,3}\.\d+)'))
# RA and Dec in hours and degrees: J113151.4+111527
_SEXAGESIMAL = re.compile(r'.*J(\d\d)(\d\d)(\d\d(?:\.\d+)?)([+-]\d\d)(\d\d)(\d\d(?:\.\d+)?)')


def image_files(folder):
    """
    List the image files of a folder.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to look; not in folders inside it.

    Returns
    -------
    files : list of `~pathlib.Path`
        FITS files and pictures in the order of their names; hidden ones are left out.
    """
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.')
                  and path.name.lower().endswith((*PICTURES, *_FITS)) and path.is_file())


def index_files(folder):
    """
    Map the names of all images in and below a folder to their paths.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to look.

    Returns
    -------
    index : dict
        Path by name, with and without extension; `None` where two files have one name.
    """
    if not folder.is_dir():
        raise ReadError(f'{folder} is not a folder')
    index = {}
    for place in [folder, *sorted(path for path in folder.rglob('*') if path.is_dir())]:
        for path in image_files(place):
            for key in {path.name, path.name.partition('.')[0], path.stem}:
                index[key] = path if key not in index else None
    return index


def find_file(value, folder, index):
    """
    Find the file that a table means.

    Parameters
    ----------
    value : str
        A path, absolute or from the folder on, or a name from the index. Of an absolute path
        that leads nowhere, as one from another machine, the name counts.
    folder : `~pathlib.Path`
        Where paths start.
    index : dict
        As from `index_files`.

    Returns
    -------
    path : `~pathlib.Path`
        The file; where it should be if there is none.
    """
    path = folder / value  # an absolute path stays what it is
    if path.is_file() or (path.name != value and not Path(value).is_absolute()):
        return path
    return index.get(path.name) or path


def name_positions(names):
    """
    Read positions on the sky from names.

    Parameters
    ----------
    names : sequence of str
        Such as ``'108.602_40.266_3.png'`` (degrees, first in the name),
        ``'200_172.963+011.262_0.17.png'`` or ``'FIRSTJ113151.4+111527'``.

    Returns
    -------
    positions : `~astropy.coordinates.SkyCoord`
        One a name.

    Raises
    ------
    InputError
        If a name holds none; they are listed.
    """
    found = [_name_position(name.rpartition('/')[2]) for name in names]
    without = [name for name, position in zip(names, found, strict=True) if position is None]
    if without:
        raise InputError(f'{len(without)} of {len(found)} names hold no position: '
                         f"{', '.join(without[:10])}{', ...' if len(without) > 10 else ''}; names "
                         'such as 108.602_40.266_x.png and J113151.4+111527.fits do')
    return SkyCoord(np.reshape(found, (-1, 2)), unit='deg')


def _name_position(name):
    if match := _SEXAGESIMAL.match(name):
        hours, minutes, seconds, degrees, arcmin, arcsec = map(float, match.groups())
        sign = -1 if match[4].startswith('-') else 1
        ra = 15 * (hours + minutes / 60 + seconds / 3600)
        dec = sign * (abs(degrees) + arcmin / 60 + arcsec / 3600)
    else:
        match = next((match for form in _DEGREES if (match := form.match(name))), None)
        if match is None:
            return None
        ra, dec = float(match[1]), float(match[2])
    return (ra, dec) if 0 <= ra <= 360 and abs(dec) <= 90 else None
