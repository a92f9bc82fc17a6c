"""The curve of a training."""

import json
from pathlib import Path

import numpy as np

from .figures import PALETTE, drawing

__all__ = ['plot_box_training', 'plot_training']

# What the terms of the losses of both kinds of detectors are about.
_LOSSES = {'loss': 'sum', 'loss_objectness': 'proposals', 'loss_classifier': 'classes',
           'loss_box_reg': 'boxes', 'loss_classes': 'classes', 'loss_boxes': 'boxes',
           'loss_overlap': 'overlap'}


def plot_training(history, *, path=None):
    """
    Draw the losses of a training and its figures of merit on validation fields.

    Parameters
    ----------
    history : path-like
        ``history.jsonl`` of a run: one JSON object a round.
    path : path-like, optional
        File to write the figure to.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        Losses above, F1 and completeness below.
    """
    entries = [json.loads(line) for line in Path(history).read_text().splitlines()]
    with drawing(path, None, (6.0, 5.0)) as figure:
        losses, merits = _panels(figure)
        rounds = np.array([entry['round'] for entry in entries])
        for name, style in (('centre', '-'), ('offset', '--'), ('size', '-.'), ('class', ':')):
            losses.semilogy(rounds, [entry[name] for entry in entries], style, label=name)
        losses.set_ylabel('loss on training crops')
        _legend_above(losses)
        judged = [entry for entry in entries if 'f1' in entry]
        for name, label, marker in (('f1', 'best F1, S/N ≥ 5', 'o'),
                                    ('completeness_95', 'completeness at 95 % reliability', 's')):
            merits.plot([entry['round'] for entry in judged], [entry[name] for entry in judged],
                        marker=marker, label=label)
        merits.set(xlabel='round', ylabel='on validation fields', ylim=(0, 1))
        merits.legend(loc='lower right', fontsize='small')
    return figure


def plot_box_training(history, *, path=None, figure=None):
    """
    Draw the losses of a detector on a backbone and its precision on held-out images.

    Parameters
    ----------
    history : path-like
        ``history.jsonl`` of a run: one JSON object an epoch.
    path : path-like, optional
        File to write the figure to.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        Losses above, mean average precision below.
    """
    entries = [json.loads(line) for line in Path(history).read_text().splitlines()]
    with drawing(path, figure, (6.0, 5.0)) as figure:
        losses, merits = _panels(figure)
        epochs = [entry['epoch'] for entry in entries]
        for name, style in zip(filter(_LOSSES.get, entries[0]), ('-', '--', '-.', ':'),
                               strict=False):
            losses.semilogy(epochs, [entry[name] for entry in entries], style,
                            label=_LOSSES[name])
        losses.set_ylabel('loss')
        _legend_above(losses)
        judged = [entry for entry in entries if 'map_50' in entry]
        for step, marker in ((50, 'o'), (70, 's')):
            merits.plot([entry['epoch'] for entry in judged],
                        [entry[f'map_{step}'] for entry in judged], marker=marker,
                        label=f'mAP@{step}')
        merits.set(xlabel='epoch', ylabel='on held-out images', ylim=(0, 1))
        merits.legend(loc='lower right', fontsize='small')
    return figure


def _panels(figure):
    panels = figure.subplots(2, 1, sharex=True)
    for ax in panels:
        ax.set_prop_cycle(color=PALETTE)
    return panels


def _legend_above(ax):
    """Name the lines where none of them can pass."""
    ax.legend(loc='lower left', bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=4,
              fontsize='small', frameon=False)
