"""Mean average precision against the overlap demanded."""

import numpy as np

from astrofound.utils import InputError

from .figures import MARKERS, PALETTE, drawing

__all__ = ['plot_box_scores']


def plot_box_scores(scores, *, reference=None, path=None):
    """
    Draw the mean average precision of detectors against overlap.

    With a reference the difference to it is drawn below, as in Fig. C.1 of Lastufka et al.
    (2025), whose reference is training from scratch.

    Parameters
    ----------
    scores : dict of str to `~astrofound.evaluation.BoxScores` or sequence of float
        By name; numbers are at overlaps of 0.1 to 0.9.
    reference : str, optional
        Name of the one to take differences to.
    path : path-like, optional
        File to write the figure to.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The figure.

    Raises
    ------
    InputError
        If the reference is not among the scores.
    """
    curves = {name: _curve(one) for name, one in scores.items()}
    if reference is not None and reference not in curves:
        raise InputError(f"'reference' must be one of {', '.join(curves)}, got {reference!r}")
    with drawing(path, None, (6.0, 4.0 if reference is None else 6.0)) as figure:
        axes = np.atleast_1d(figure.subplots(1 if reference is None else 2, 1, sharex=True))
        for number, (name, (iou, value)) in enumerate(curves.items()):
            style = {'color': PALETTE[number % len(PALETTE)],
                     'marker': MARKERS[number % len(MARKERS)]}
            axes[0].plot(iou, value, label=name, **style)
            if reference is not None and name != reference:
                axes[1].plot(iou, value - np.interp(iou, *curves[reference]), label=name, **style)
        axes[0].set(ylabel='mAP', ylim=(0, 1))
        axes[0].legend(loc='lower left', fontsize='small')
        if reference is not None:
            axes[1].axhline(0, color='0.5', linewidth=1)
            axes[1].set(ylabel=f'mAP - mAP of {reference}')
        axes[-1].set(xlabel='overlap demanded (IoU)')
    return figure


def _curve(scores):
    if hasattr(scores, 'iou'):
        return np.array(scores.iou), scores.mean
    return np.arange(1, 10) / 10, np.asarray(scores, float)
