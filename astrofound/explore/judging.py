"""Which classes are taken for which, and whether probabilities are true, as figures."""

import numpy as np

from astrofound.evaluation import ClassificationReport
from astrofound.utils import InputError

from .figures import MARKERS, PALETTE, drawing, name_ticks

__all__ = ['plot_confusion', 'plot_reliability']


def plot_confusion(confusion, classes=None, *, path=None, figure=None):
    """
    Draw which classes are taken for which.

    Parameters
    ----------
    confusion : `~astrofound.evaluation.ClassificationReport` or 2D array of int
        The report, or numbers of images by true (rows) and predicted class.
    classes : sequence of str, optional
        Names of the classes, where it is an array.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        Colours are fractions of the true class, numbers are images.

    Raises
    ------
    InputError
        If the array is not square or has no names.
    WriteError
        If the file cannot be written.
    """
    if isinstance(confusion, ClassificationReport):
        confusion, classes = confusion.confusion, confusion.classes
    counts = np.asarray(confusion)
    n_classes = 0 if classes is None else len(classes)
    if counts.shape != (n_classes, n_classes):
        raise InputError("'confusion' must be a report, or have a row and a column for each of "
                         f"'classes'; got the shape {counts.shape} for {n_classes} classes")
    side = max(3.46, 0.5 * n_classes + 1.5)
    with drawing(path, figure, (side, side * 0.9)) as figure:
        ax = figure.subplots()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        drawn = ax.imshow(shares, cmap='Blues', vmin=0, vmax=1)
        for (row, column), number in np.ndenumerate(counts):
            ax.text(column, row, str(number), ha='center', va='center', fontsize='small',
                    color='white' if shares[row, column] > 0.55 else 'black')
        names = [str(name) for name in classes]
        name_ticks(ax, names)
        ax.set_yticks(range(n_classes), names, fontsize='small')
        ax.set(xlabel='predicted', ylabel='true')
        figure.colorbar(drawn, ax=ax, shrink=0.8, label='fraction of the true class')
    return figure


def plot_reliability(reports, *, path=None, figure=None):
    """
    Draw how often a class is right against the probability it was given.

    Parameters
    ----------
    reports : `~astrofound.evaluation.ClassificationReport` or dict of str to such
        One report or several under their names, all made with probabilities.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        On the diagonal probabilities are true, below it they are too high. The lower panel has
        the number of images in each bin.

    Raises
    ------
    InputError
        If a report has no probabilities.
    WriteError
        If the file cannot be written.
    """
    reports = reports if isinstance(reports, dict) else {'': reports}
    for name, report in reports.items():
        if report.calibration is None:
            raise InputError(f'the report {name!r} was made without probabilities')
    with drawing(path, figure, (3.46, 3.9)) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color='black', linewidth=0.8, linestyle=':')
        for number, (name, report) in enumerate(reports.items()):
            bins = report.calibration[report.calibration['n'] > 0]
            color = PALETTE[number % len(PALETTE)]
            error = np.abs([bins['accuracy'] - bins['accuracy_low'],
                            bins['accuracy_high'] - bins['accuracy']])
            text = f'calibration error {report.ece:.3f}'
            above.errorbar(bins['confidence'], bins['accuracy'], yerr=error, color=color,
                           marker=MARKERS[number % len(MARKERS)], markersize=4, linewidth=1.1,
                           capsize=2, label=f'{name}: {text}' if name else text)
            edges = [*report.calibration['low'], report.calibration['high'][-1]]
            below.stairs(report.calibration['n'], edges, color=color, linewidth=1.2)
        above.set(ylabel='fraction right', xlim=(0, 1), ylim=(-0.02, 1.02))
        above.legend(fontsize='x-small', loc='upper left')
        below.set(xlabel='probability of the chosen class', ylabel='images')
        for ax in (above, below):
            ax.grid(alpha=0.3)
    return figure
