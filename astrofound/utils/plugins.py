"""What other packages add to this one."""

import warnings
from importlib.metadata import entry_points

from .errors import AstrofoundWarning

__all__ = ['load_plugins']


def load_plugins(group):
    """
    Load what installed packages offer under the name of a group of entry points.

    Parameters
    ----------
    group : str
        ``'astrofound.backbones'`` or ``'astrofound.detectors'``.

    Returns
    -------
    plugins : dict of str to object
        What each entry point names. One that cannot be loaded is left out with an
        `~astrofound.utils.AstrofoundWarning`: a package that is broken is no reason to stop.
    """
    found = {}
    for point in entry_points(group=group):
        try:
            found[point.name] = point.load()
        except Exception as error:  # anything may go wrong while a foreign module is imported
            reason = ' '.join(str(error).split())
            warnings.warn(AstrofoundWarning(
                f'{point.name} of {group} ({point.value}) cannot be loaded: {reason}'),
                stacklevel=2)
    return found
