"""Words of the command line as values, and checks of files, shared by the commands."""

from pathlib import Path

from astrofound.utils import InputError

__all__ = ['check_distinct', 'parse_hdu', 'parse_map', 'parse_number', 'parse_plane']


def check_distinct(outputs, inputs=()):
    """
    Refuse to write over an input, or twice to one file.

    Parameters
    ----------
    outputs : iterable of path-like
        Files to be written.
    inputs : iterable of path-like, number or None, optional
        Files to be read; what is no path is passed over.

    Raises
    ------
    InputError
        If an output is one of the inputs or of the other outputs.
    """
    read = {Path(name).resolve() for name in inputs if isinstance(name, (str, Path))}
    written = set()
    for output in outputs:
        place = Path(output).resolve()
        if place in read:
            raise InputError(f'{output} is an input and would be lost; choose another output')
        if place in written:
            raise InputError(f'{output} would be written twice; give each output its own name')
        written.add(place)



def parse_hdu(text):
    """
    Read an extension's number or name.

    Parameters
    ----------
    text : str or None
        As typed.

    Returns
    -------
    hdu : int, str or None
        Number where the text is one.
    """
    return int(text) if text is not None and text.isdigit() else text


def parse_plane(text):
    """
    Read the plane of a cube, as ``3`` or ``0,3``.

    Parameters
    ----------
    text : str or None
        As typed.

    Returns
    -------
    plane : int, tuple of int or None
        One index or one for each extra axis.
    """
    if text is None:
        return None
    try:
        planes = tuple(int(word) for word in text.split(','))
    except ValueError:
        raise InputError(f"--plane must be numbers such as '3' or '0,3', got {text!r}") from None
    return planes[0] if len(planes) == 1 else planes


def parse_map(text):
    """
    Read a number where the text is one; otherwise it names a file.

    Parameters
    ----------
    text : str or None
        As typed.

    Returns
    -------
    value : float, str or None
        Constant or path.
    """
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def parse_number(text):
    """
    Read a number where the text is one; otherwise it is a word.

    Parameters
    ----------
    text : str or None
        As typed.

    Returns
    -------
    value : int, float, str or None
        The number, or the text.
    """
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            continue
    return text
