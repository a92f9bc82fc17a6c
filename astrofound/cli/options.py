"""Words of the command line as values, shared by the commands."""

from astrofound.utils import InputError

__all__ = ['parse_hdu', 'parse_map', 'parse_plane']


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
