"""One place for progress bars, so that a script stays silent unless it asks."""

import sys

__all__ = ['progress_bar']


def progress_bar(iterable, *, total=None, label=None, show=None):
    """
    Wrap an iterable in a progress bar on standard error.

    Parameters
    ----------
    iterable : iterable
        What is worked through.
    total : int, optional
        Number of items, where the iterable does not know it.
    label : str, optional
        Text before the bar.
    show : bool, optional
        `True` or `False`; by default only where standard error is a terminal.

    Returns
    -------
    iterable : iterable
        The same items, in the same order.
    """
    if show is None:
        show = sys.stderr is not None and sys.stderr.isatty()  # None without a console
    if not show:
        return iterable
    from tqdm import tqdm

    return tqdm(iterable, total=total, desc=label, leave=False, dynamic_ncols=True)
