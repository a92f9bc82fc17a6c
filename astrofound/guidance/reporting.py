"""What came out of an experiment beside what the paper prints, as a table and a figure."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from astropy.table import Table, vstack

from astrofound.evaluation import CompareStrategies, class_rates
from astrofound.explore import plot_class_scores, plot_learning_curves, plot_strategies

from .published import PAPER, find_published

__all__ = ['EXPERIMENTS', 'Reproduction', 'report_experiment']

#: What `reproduce` knows.
EXPERIMENTS = {
    'figure 3': 'F1 against the part of the labels, optical and radio',
    'figure 4': 'F1 of each class with all labels, optical and radio',
    'figure 5': 'as figure 3 for radio, relabelled by peaks and by components',
    'figure B1': 'precision and recall against the part of the labels, optical',
    'figure B2': 'the same, radio',
    'table 4': 'what each optimisation brings with all labels, radio',
}


@dataclass(frozen=True, eq=False)
class Reproduction:
    """
    Result of `reproduce`.

    Parameters
    ----------
    experiment : str
        A key of ``EXPERIMENTS``.
    runs : dict of str to `~astropy.table.Table`
        One row a run, by panel.
    table : `~astropy.table.Table`
        One's own figures with the published ones: ``panel``, ``name``, ``labels`` (the part of
        them, or the class), ``f1`` or what the experiment is about, its ``low`` and ``high``,
        ``published`` (NaN where the paper prints nothing) and a ``note``.
    remarks : tuple of str
        What can be compared, panel by panel.
    draw : callable
        ``draw(path=None)`` draws the figure.
    """

    experiment: str
    runs: dict
    table: Table
    remarks: tuple
    draw: object

    def summary(self):
        """
        Write the comparison as text.

        Returns
        -------
        text : str
            One line a value, then what can be compared.
        """
        rows = self.table
        widths = [max(len(name), *(len(str(one)) for one in rows[name]))
                  for name in ('panel', 'name', 'labels')]
        heads = [f'{name:{width}}' for name, width in
                 zip(('panel', 'name', 'labels'), widths, strict=True)]
        lines = [f'{PAPER}, {self.experiment}: {EXPERIMENTS[self.experiment]}', '',
                 f'{" ".join(heads)} {rows.meta["metric"]:>9} {"(runs)":>16} {"paper":>11}']
        for row in rows:
            words = ' '.join(f'{row[name]:{width}}' for name, width in
                             zip(('panel', 'name', 'labels'), widths, strict=True))
            printed = f'{row["published"]:.3f}' if row['published'] >= 0 else row['without']
            lines.append(f'{words} {row["value"]:9.3f} ({row["low"]:.3f} to {row["high"]:.3f}) '
                         f'{printed:>11}  {row["note"]}'.rstrip())
        return '\n'.join([*lines, '', *self.remarks])

    def __repr__(self):
        n_runs = sum(len(runs) for runs in self.runs.values())
        return f'<Reproduction of {self.experiment}: {n_runs} runs>'


def report_experiment(experiment, curve, runs, backbones, *, known):
    """
    Put one's own figures beside the published ones.

    Parameters
    ----------
    experiment : str
        A key of ``EXPERIMENTS``.
    curve : `~astrofound.evaluation.LearningCurve`
        What did the runs.
    runs : dict of str to `~astropy.table.Table`
        The runs by panel.
    backbones : list of str
        Backbones of Table 4, each with its own baseline.
    known : set of str
        Panels whose classes are those of the paper; beside others no number of it is put.

    Returns
    -------
    table : `~astropy.table.Table`
        As in `Reproduction`.
    draw : callable
        Draws the figure.
    """
    if experiment == 'table 4':
        return _report_strategies(curve, runs['radio'], backbones, 'radio' in known)
    if experiment == 'figure 4':
        return _report_classes(runs)
    return _report_curves(experiment, curve, runs, known)


def _row(panel, name, labels, values, published, note='', without='figure only'):
    return {'panel': panel, 'name': name, 'labels': labels, 'value': values[0], 'low': values[1],
            'high': values[2], 'published': np.nan if published is None else published.value,
            'without': without, 'note': note or ('' if published is None else published.note)}


def _report_curves(experiment, curve, runs, known):
    """Learning curves, with the few points that the text prints."""
    metrics = ('precision', 'recall') if experiment[-2] == 'B' else ('f1',)
    place = f'Fig. {experiment.rpartition(" ")[2]}'
    summaries = {title: curve.summarize(one) for title, one in runs.items()}
    rows, marks = [], {}
    for title, summary in summaries.items():
        for metric in metrics:
            for one in summary:
                what = f'{title} {one["fraction"]:g}'
                printed = find_published(place, what, one['name']) if (
                    metric == 'f1' and title in known) else None
                name = one['name'] if len(metrics) == 1 else f'{one["name"]} {metric}'
                rows.append(_row(title, name, f'{one["fraction"]:.0%}', [
                    one[metric], one[f'{metric}_low'], one[f'{metric}_high']], printed,
                    without='figure only' if title in known else 'other data'))
        for fraction in np.unique(summary['fraction']):
            best = find_published(place, f'{title} {fraction:g}')
            if best is not None and metrics == ('f1',) and title in known:
                top = summary[summary['fraction'] == fraction]
                top = top[np.argmax(top['f1'])]
                rows.append(_row(title, f'best (paper: {best.backbone})', f'{fraction:.0%}',
                                 [top['f1'], top['f1_low'], top['f1_high']], best))
                marks.setdefault(title, []).append(
                    (float(fraction), best.value, f'published, {best.backbone}'))
    table = Table(rows=rows, meta={'metric': 'macro F1' if metrics == ('f1',) else 'macro'})
    return table, partial(plot_learning_curves, summaries, metrics=metrics,
                          stacked=experiment == 'figure 5', published=marks)


def _report_classes(runs):
    rows = []
    for title, some in runs.items():
        for name in dict.fromkeys(some['name'].tolist()):
            f1 = class_rates(np.asarray(some['confusion'][some['name'] == name]))['f1']
            rows += [_row(title, name, label, [one.mean(), one.min(), one.max()], None)
                     for label, one in zip(some.meta['classes'], f1.T, strict=True)]
    return (Table(rows=rows, meta={'metric': 'F1'}),
            partial(plot_class_scores, runs))


def _report_strategies(curve, runs, backbones, is_known):
    """Table 4, each backbone against its own linear head."""
    rows, parts = [], []
    for backbone in backbones:
        some = runs[[name.startswith(f'{backbone}: ') for name in runs['name']]]
        summary = CompareStrategies(baseline=f'{backbone}: linear', repeats=curve.repeats
                                    ).summarize(some)
        parts.append(summary)
        for one in summary:
            what = one['name'].partition(': ')[2]
            own = find_published('Table 4', what, backbone) if is_known else None
            others = [find_published('Table 4', what, name) for name in ('am_radio', 'resnet50')]
            changes = ', '.join(f'{name} {other.change:+.3f}' for name, other in
                                zip(('AM-RADIO', 'ResNet-50'), others, strict=True)
                                if other is not None and np.isfinite(other.change))
            note = f'{one["change"]:+.3f} here, {one["seconds_fit"]:.0f} s'
            note += f'; paper: {changes}' if changes and what != 'linear' else ''
            if own is not None and own.note:
                note += f'; {own.note}'
            rows.append(_row('radio', one['name'], '100%',
                             [one['f1'], one['f1_low'], one['f1_high']], own, note, 'none'))
    joined = vstack(parts, metadata_conflicts='silent')
    joined.meta['baseline'] = f'{backbones[0]}: linear'
    if len(backbones) > 1:
        joined['change'] = joined['f1'] - joined['f1'][0]
    published = {row['name']: row['published'] for row in rows if row['published'] >= 0}
    return (Table(rows=rows, meta={'metric': 'macro F1'}),
            partial(plot_strategies, joined, published=published))
