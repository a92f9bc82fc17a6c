"""Checks of arguments whose messages say what came and what to do."""

import difflib
import math
import numbers

from .errors import InputError

__all__ = ['check_choice', 'check_number', 'nearest_name']


def check_number(name, value, *, minimum=None, above=None, maximum=None, integer=False):
    """
    Return ``value`` when it is a finite number within the limits, else raise.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : number
        What the caller passed.
    minimum, above, maximum : float, optional
        Inclusive lower, exclusive lower and inclusive upper limit.
    integer : bool, optional
        Whether a whole number is required.

    Returns
    -------
    value : number
        The argument itself.

    Raises
    ------
    InputError
        If the value is not a finite number or lies outside the limits.
    """
    kind = numbers.Integral if integer else numbers.Real
    good = isinstance(value, kind) and not isinstance(value, bool)
    good = good and (integer or math.isfinite(value))
    good = good and (minimum is None or value >= minimum)
    good = good and (above is None or value > above)
    good = good and (maximum is None or value <= maximum)
    if not good:
        limits = [f'{word} {limit}' for word, limit in (
            ('of at least', minimum), ('greater than', above), ('at most', maximum),
        ) if limit is not None]
        wanted = ' '.join(['an integer' if integer else 'a number', ' and '.join(limits)])
        msg = f'{name!r} must be {wanted.strip()}, got {value!r}'
        raise InputError(msg)
    return value


def check_choice(name, value, choices):
    """
    Return ``value`` when it is one of ``choices``, else raise with the nearest one.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : str
        What the caller passed.
    choices : iterable of str
        The allowed values.

    Returns
    -------
    value : str
        The argument itself.

    Raises
    ------
    InputError
        If the value is not among the choices.
    """
    choices = list(choices)
    if isinstance(value, str) and value in choices:
        return value
    near = nearest_name(value, choices)
    hint = f'did you mean {near!r}? Choose from' if near else 'choose from'
    raise InputError(f"unknown {name} {value!r}; {hint}: {', '.join(choices)}")


def nearest_name(value, choices):
    """
    Return the choice most like ``value``, or `None` when none is alike.

    Capital and small letters count as the same.

    Parameters
    ----------
    value : str
        A possibly misspelt name.
    choices : iterable of str
        The known names.

    Returns
    -------
    name : str or None
        The nearest known name.
    """
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(str(value).lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[near[0]] if near else None
