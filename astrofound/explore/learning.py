"""What labels and changes bring to a classifier, as figures."""

import numpy as np

from astrofound.evaluation import class_rates
from astrofound.utils import InputError

from .figures import GREY, MARKERS, PALETTE, drawing, name_ticks

__all__ = ['plot_class_scores', 'plot_learning_curves', 'plot_strategies']

COLUMN = 3.46   # inches of a column of the usual journals; two of them with the gap are 7.1
NAMES = {'f1': 'F1', 'precision': 'precision', 'recall': 'recall', 'accuracy': 'accuracy'}


def plot_learning_curves(panels, *, metrics=('f1',), stacked=False, published=None, path=None,
                         figure=None):
    """
    Draw scores against the part of the labels used, one line a classifier.

    With ``'f1'`` and two data sets side by side this is Fig. 3 of Lastufka et al. 2025, with
    two label schemes above each other its Fig. 5, with precision and recall Figs B.1 and B.2.

    Parameters
    ----------
    panels : dict of str to `~astropy.table.Table`
        What `~astrofound.evaluation.LearningCurve` summarized, by the title of its panel.
    metrics : sequence of str, optional
        Columns to draw, a panel each: ``'f1'``, ``'precision'``, ``'recall'``, ``'accuracy'``.
    stacked : bool, optional
        Whether panels stand above each other instead of side by side.
    published : dict of str to list, optional
        By title, points ``(fraction, value, label)`` that were published.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The drawing.

    Raises
    ------
    InputError
        If there is nothing to draw or a metric is missing.
    WriteError
        If the file cannot be written.
    """
    parts = [(title, table, metric) for title, table in _checked(panels).items()
             for metric in metrics]
    if lacking := {metric for _, table, metric in parts if metric not in table.colnames}:
        raise InputError(f"'panels' has no column {', '.join(sorted(lacking))}; pass what "
                         'LearningCurve.summarize() gave')
    with drawing(path, figure, _size(len(parts), stacked)) as figure:
        axes = _axes(figure, len(parts), stacked)
        handles, places = {}, _places(panels)
        for ax, (title, table, metric) in zip(axes, parts, strict=True):
            for name, place in places.items():
                rows = table[table['name'] == name]
                if len(rows):
                    handles[name] = _draw_curve(ax, rows, metric, place, name, len(places))
            for fraction, value, label in (published or {}).get(title, ()):
                handles[label] = ax.plot(100 * fraction, value, '*', color='black', markersize=9,
                                         markerfacecolor='white', zorder=5)[0]
            ax.set(ylabel=f'macro {NAMES[metric]}', xlabel='labels used (%)')
            ax.set_title(title if len(metrics) == 1 or len(panels) > 1 else '', fontsize='medium')
            ax.grid(alpha=0.3)
        used = np.unique(np.concatenate([table['fraction'] for table in panels.values()]))
        _share_scale(axes, np.round(100 * used, 1) if len(used) <= 6 else range(0, 101, 20))
        figure.legend(handles.values(), handles.keys(), loc='outside lower center',
                      ncols=2 if stacked or len(parts) == 1 else 4, fontsize='small', frameon=False)
    return figure


def plot_class_scores(panels, *, metric='f1', path=None, figure=None):
    """
    Draw the score of each class, a bar for each classifier.

    This is Fig. 4 of Lastufka et al. 2025. Bars are means over the runs with the most labels,
    whiskers their extremes.

    Parameters
    ----------
    panels : dict of str to `~astropy.table.Table`
        Runs of `~astrofound.evaluation.LearningCurve` or
        `~astrofound.evaluation.CompareStrategies`, by the title of their panel.
    metric : {'f1', 'precision', 'recall'}, optional
        What to draw.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The drawing.

    Raises
    ------
    InputError
        If there is nothing to draw.
    WriteError
        If the file cannot be written.
    """
    n_panels = len(_checked(panels))
    with drawing(path, figure, _size(n_panels, False, aspect=0.85)) as figure:
        axes = _axes(figure, n_panels, False)
        handles = {}
        for ax, (title, runs) in zip(axes, panels.items(), strict=True):
            classes = runs.meta['classes']
            places = {name: place for name, place in _places(panels).items()
                      if (runs['name'] == name).any()}
            width = 0.8 / len(places)
            for number, (name, place) in enumerate(places.items()):
                some = runs[runs['name'] == name]
                some = some[some['fraction'] == some['fraction'].max()]
                values = class_rates(np.asarray(some['confusion']))[metric]
                mean = values.mean(axis=0)
                left = np.arange(len(classes)) + (number - (len(places) - 1) / 2) * width
                handles[name] = ax.bar(
                    left, mean, 0.92 * width, color=PALETTE[place % len(PALETTE)],
                    hatch=('', '///', '...', 'xxx')[place // 2 % 4], edgecolor='white',
                    linewidth=0.4,
                    yerr=_lengths(mean, values.min(axis=0), values.max(axis=0)),
                    error_kw={'elinewidth': 0.8, 'capsize': 1.5})
            name_ticks(ax, classes)
            ax.set(ylim=(0, 1), ylabel=NAMES[metric])
            ax.set_title(title, fontsize='medium')
            ax.grid(alpha=0.3, axis='y')
            ax.set_axisbelow(True)
        figure.legend(handles.values(), handles.keys(), loc='outside lower center',
                      ncols=2 if len(panels) == 1 else 4, fontsize='small', frameon=False)
    return figure


def plot_strategies(summary, *, published=None, path=None, figure=None):
    """
    Draw the F1 of each strategy against that of the baseline, as Table 4 of the paper lists it.

    Parameters
    ----------
    summary : `~astropy.table.Table`
        Of `~astrofound.evaluation.CompareStrategies`.
    published : dict of str to float, optional
        Published F1 by strategy, drawn as open diamonds.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The drawing.

    Raises
    ------
    InputError
        If there is nothing to draw.
    WriteError
        If the file cannot be written.
    """
    if not len(summary):
        raise InputError('there is no strategy to draw')
    with drawing(path, figure, (COLUMN, 0.9 + 0.27 * len(summary))) as figure:
        ax = figure.subplots()
        names, f1 = summary['name'].tolist(), np.asarray(summary['f1'])
        y = np.arange(len(names))[::-1]
        reference = f1[names.index(summary.meta['baseline'])]
        colors = [GREY if name == summary.meta['baseline'] else
                  PALETTE[0] if value >= reference else PALETTE[4]
                  for name, value in zip(names, f1, strict=True)]
        bars = _lengths(f1, summary['f1_low'], summary['f1_high'])
        ax.barh(y, f1, 0.7, color=colors, xerr=bars if bars.any() else None,
                error_kw={'elinewidth': 0.8, 'capsize': 2})
        ax.axvline(reference, color='black', linewidth=0.8, linestyle=':')
        for place, name, change in zip(y, names, summary['change'], strict=True):
            said = '' if name == summary.meta['baseline'] else f'{change:+.3f}'
            ax.text(1.02, place, said.replace('-', '\N{MINUS SIGN}'), va='center',
                    transform=ax.get_yaxis_transform(), fontsize='small')
        ax.text(1.02, len(names) - 0.4, 'change', transform=ax.get_yaxis_transform(),
                fontsize='small', va='bottom')
        known = [(value, place) for name, place in zip(names, y, strict=True)
                 if (value := (published or {}).get(name)) is not None]
        if known:
            handle, = ax.plot(*zip(*known, strict=True), 'D', color='black',
                              markerfacecolor='white', markersize=5, zorder=5)
            figure.legend([handle], ['published'], loc='outside lower right', fontsize='small',
                          frameon=False)
        ax.set_yticks(y, names, fontsize='small')
        highest = max([*f1, *summary['f1_high'], *(value for value, _ in known)])
        ax.set(xlabel='macro F1', xlim=(0, min(1.0, highest * 1.08)))
    return figure


def _checked(panels):
    if not isinstance(panels, dict) or not panels or not all(len(one) for one in panels.values()):
        raise InputError("'panels' must be tables by their titles, each with at least one row")
    return panels


def _places(panels):
    """Number of each classifier, the same in all panels."""
    names = [name for table in panels.values() for name in np.asarray(table['name']).tolist()]
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _size(n_panels, stacked, *, aspect=0.8):
    """Width of one or two columns, and the height that goes with it, in inches."""
    if stacked:
        return COLUMN, 2.3 * n_panels + 0.6
    width = COLUMN if n_panels == 1 else 7.1 * max(1, n_panels / 2)
    return width, aspect * width / n_panels + 0.5


def _axes(figure, n_panels, stacked):
    if stacked:
        return figure.subplots(n_panels, 1, squeeze=False, sharex=True)[:, 0]
    return figure.subplots(1, n_panels, squeeze=False)[0]


def _draw_curve(ax, rows, metric, place, name, n_curves):
    """One classifier; lines are set apart by a hair so that their bars can be told apart."""
    value = np.asarray(rows[metric])
    bars = _lengths(value, rows[f'{metric}_low'], rows[f'{metric}_high'])
    x = 100 * np.asarray(rows['fraction']) + 0.7 * (place % 5 - (min(n_curves, 5) - 1) / 2)
    return ax.errorbar(x, value, yerr=bars, color=PALETTE[place % len(PALETTE)],
                       marker=MARKERS[place % len(MARKERS)], markersize=4, linewidth=1.1,
                       linestyle=('-', '--')[place // len(PALETTE) % 2], capsize=2, label=name)


def _lengths(value, low, high):
    """Lengths of error bars; a mean of equal numbers may lie a rounding beyond them."""
    return np.maximum((value - np.asarray(low), np.asarray(high) - value), 0)


def _share_scale(axes, ticks):
    low = min(ax.get_ylim()[0] for ax in axes)
    high = max(ax.get_ylim()[1] for ax in axes)
    for ax in axes:
        ax.set(ylim=(max(low, 0), min(high, 1.02)), xlim=(0, 105), xticks=ticks)
        if ax is not axes[-1] and ax.get_shared_x_axes().joined(ax, axes[-1]):
            ax.set_xlabel('')
