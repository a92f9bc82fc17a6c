"""Which two axes of an array are the image, and which plane of the others."""

import numbers

import numpy as np

from astrofound.utils import InputError

__all__ = ['image_index', 'parse_plane']


def parse_plane(plane):
    """
    Turn what a caller gives as ``plane`` into a tuple of integers.

    Parameters
    ----------
    plane : int, sequence of int, str or None
        ``3``, ``(0, 3)`` or ``'0,3'``.

    Returns
    -------
    plane : tuple of int or None
        One index for each extra axis, in the order of the array.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if plane is None:
        return None
    values = plane
    if isinstance(plane, str):
        values = [int(part) if part.strip().lstrip('-').isdigit() else part
                  for part in plane.split(',')]
    elif isinstance(plane, numbers.Integral):
        values = (plane,)
    try:
        values = tuple(values)
    except TypeError:
        values = (None,)
    if not values or not all(isinstance(value, numbers.Integral) for value in values):
        raise InputError(f"'plane' must be an integer or one for each extra axis, got {plane!r}")
    return tuple(int(value) for value in values)


def image_index(shape, plane=None, *, header=None, name='image'):
    """
    Give the index that cuts one image out of an array of two to four axes.

    Axes of length one are dropped. Of a Stokes axis that ``plane`` leaves out, plane 0 is taken
    where it is Stokes I. Any other choice is the caller's: a channel taken silently would be a
    wrong catalogue.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    plane : tuple of int, optional
        One index for each extra axis longer than one, or for each extra axis, or for each that
        is neither of length one nor a Stokes axis beginning with I.
    header : `~astropy.io.fits.Header`, optional
        Header that names the axes.
    name : str, optional
        Name for messages.

    Returns
    -------
    index : tuple
        Integers, with `slice` for the two image axes.
    notes : list of str
        What was chosen for the caller.

    Raises
    ------
    InputError
        If there are not 2 to 4 axes, an axis is empty, or the plane is missing or wrong.
    """
    shape = tuple(int(n) for n in shape)
    if not 2 <= len(shape) <= 4:
        raise InputError(f'{name} has {len(shape)} axes, {shape}; an image must have 2, or up to '
                         '4 of which one plane is chosen')
    if 0 in shape:
        raise InputError(f'{name} has no pixels, its shape is {shape}')
    image_axes = _image_axes(shape, header)
    extra = [axis for axis in range(len(shape)) if axis not in image_axes]
    free = [axis for axis in extra if shape[axis] > 1]
    index = [slice(None) if axis in image_axes else 0 for axis in range(len(shape))]
    notes = []
    wanted = () if plane is None else plane
    total = [axis for axis in free
             if _ctype(header, shape, axis) == 'STOKES' and _first_is_total(header, shape, axis)]
    others = [axis for axis in free if axis not in total]
    chosen = next((axes for axes in (extra, free, others) if len(axes) == len(wanted)), None)
    if chosen is None:
        raise InputError(_ask_for_plane(name, shape, others if plane is None else free, plane,
                                        header))
    if len(chosen) < len(free):
        notes += [f'Stokes I taken of {shape[axis]} Stokes planes' for axis in total]
    for axis, value in zip(chosen, wanted, strict=True):
        if not -shape[axis] <= value < shape[axis]:
            raise InputError(f'{name} has no plane {value}: that axis of {shape} has planes 0 to '
                             f'{shape[axis] - 1}')
        index[axis] = value % shape[axis]
    return tuple(index), notes


def _image_axes(shape, header):
    """Celestial axes where the header names two, else the last two."""
    if header is not None:
        sky = [axis for axis in range(len(shape))
               if _ctype(header, shape, axis).startswith(('RA', 'DEC', 'GLON', 'GLAT', 'ELON',
                                                          'ELAT'))]
        if len(sky) == 2:
            return sky
    return [len(shape) - 2, len(shape) - 1]


def _ctype(header, shape, axis):
    if header is None:
        return ''
    return str(header.get(f'CTYPE{len(shape) - axis}', '')).strip().upper()


def _world(header, shape, axis, planes):
    number = len(shape) - axis
    values = [header.get(f'{key}{number}', default) if header is not None else default
              for key, default in (('CRVAL', 0.0), ('CRPIX', 1.0), ('CDELT', 1.0))]
    try:
        crval, crpix, cdelt = (float(value) for value in values)
    except (TypeError, ValueError):
        return np.full(len(planes), np.nan)
    return crval + (np.asarray(planes) + 1 - crpix) * cdelt


def _first_is_total(header, shape, axis):
    return bool(_world(header, shape, axis, [0])[0] == 1)


def _ask_for_plane(name, shape, free, plane, header):
    parts = []
    for axis in free:
        last = shape[axis] - 1
        ctype = _ctype(header, shape, axis)
        part = f'planes 0 to {last}'
        if ctype:
            first, end = _world(header, shape, axis, [0, last])
            unit = str(header.get(f'CUNIT{len(shape) - axis}', '')).strip()
            part += f' of {ctype} from {first:.6g} to {end:.6g} {unit}'.rstrip()
        parts.append(part)
    listed = ' and '.join(parts) or 'no extra axis longer than 1'
    if plane is None and len(free) == 1:
        return f'{name} has shape {shape} with {listed}; choose one with plane=0 (--plane 0)'
    if plane is None:
        example = ','.join('0' for _ in free)
        return f'{name} has shape {shape} with {listed}; choose one of each as in plane={example!r}'
    return f"'plane' has {len(plane)} numbers, but {name} of shape {shape} has {listed}"
