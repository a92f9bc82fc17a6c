"""
The classification experiments of Lastufka et al. 2025 on one's own data and backbones.

Each gives its runs, a table with the printed figure beside one's own where the paper prints
one, and says what can be compared at all.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from astropy.table import Table, vstack

from astrofound.backbones import resolve_spec
from astrofound.datasets import split_labelled
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import CompareStrategies, LearningCurve, class_rates
from astrofound.explore import plot_class_scores, plot_learning_curves, plot_strategies
from astrofound.utils import InputError, check_choice

from .published import PAPER, find_published

__all__ = [
    'EXPERIMENTS', 'RECIPES', 'STRATEGY_ROWS', 'Reproduction', 'describe_panel', 'reproduce',
]

#: What `reproduce` knows.
EXPERIMENTS = {
    'figure 3': 'F1 against the part of the labels, optical and radio',
    'figure 4': 'F1 of each class with all labels, optical and radio',
    'figure 5': 'as figure 3 for radio, relabelled by peaks and by components',
    'figure B1': 'precision and recall against the part of the labels, optical',
    'figure B2': 'the same, radio',
    'table 4': 'what each optimisation brings with all labels, radio',
}

#: Settings of a linear probe. ``'paper'``: plain gradient descent for 100 epochs (200 for
#: radio), nothing kept apart. ``'converged'``: the logistic regression solved, with a penalty
#: chosen on images kept apart.
RECIPES = {
    'paper': {'solver': 'sgd', 'augment': 'none', 'validation': 0.0},
    'converged': {'solver': 'lbfgs', 'augment': 'none'},
}
#: Rows of Table 4, and the two together that the text reports.
STRATEGY_ROWS = ('linear', 'whitening', 'mlp', 'large', 'huge', 'crop', 'upsample 320',
                 'upsample 480', 'upsample 512', 'lora', 'finetune', 'crop + finetune')
_EPOCHS = {'optical': 100, 'radio': 200}
_OPTICAL = {'smooth_round', 'smooth_cigar', 'edge_on_disk', 'unbarred_spiral'}
_RGZ = {'1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P'}
_PANELS = {'figure 3': ('optical', 'radio'), 'figure 4': ('optical', 'radio'),
           'figure 5': ('radio',), 'figure B1': ('optical',), 'figure B2': ('radio',),
           'table 4': ('radio',)}
# The larger models of Table 4, by the start of the name of the smaller.
_LARGER = {'cradio_v3_b': ('cradio_v3_l', 'cradio_v3_h'), 'resnet50': ('resnet101', 'resnet152')}


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


def describe_panel(data):
    """
    Say which panel of the paper a data set belongs to, and whether it is the paper's.

    Parameters
    ----------
    data : `~astrofound.datasets.LabelledImages`
        The images.

    Returns
    -------
    panel : str
        ``'optical'`` for GalaxyMNIST's classes, else ``'radio'``.
    remark : str
        What can be compared with the paper.
    """
    classes = {name.replace('_', '-') for name in data.classes}
    panel = 'optical' if set(data.classes) >= _OPTICAL else 'radio'
    known = panel == 'optical' or classes == _RGZ
    if data.source.startswith('simulated'):
        return panel, (f'{panel}: {data.source} is a stand-in; compare directions, not numbers.')
    if not known:
        return panel, (f'{panel}: other classes than those of the paper ({", ".join(data.classes)})'
                       '; numbers cannot be compared.')
    return panel, (f'{panel}: the classes are those of the paper; numbers can be compared if these '
                   'are its images, with its test set.')


def reproduce(experiment, data, *, backbones=('compact',), test=None, recipe='paper',
              fractions=(0.1, 0.3, 0.5, 1.0), repeats=3, n_epochs=None, scratch=(), strategies=None,
              seed=0, folder=None, cache=None, device='auto', progress=False):
    """
    Do one of the paper's classification experiments.

    Parameters
    ----------
    experiment : str
        A key of ``EXPERIMENTS``, such as ``'figure 3'``.
    data : list of `~astrofound.datasets.LabelledImages`
        Optical or radio images, or both. The test set of each are the images whose names begin
        with ``test/``, as those of GalaxyMNIST, else a fifth.
    backbones : sequence of str, optional
        Frozen backbones; for Table 4 those that are optimised.
    test : dict of str to `~astrofound.datasets.LabelledImages`, optional
        Test sets, ``'optical'`` and ``'radio'``, in place of that fifth.
    recipe : {'paper', 'converged'}, optional
        How linear heads are fitted, a key of ``RECIPES``.
    fractions : sequence of float, optional
        Parts of the labels of the learning curves.
    repeats : int, optional
        Runs of each point.
    n_epochs : int, optional
        Epochs of all trainings; by default those of the recipe and the strategies.
    scratch : sequence of str, optional
        Architectures to train from scratch beside, as the paper's supervised baseline.
    strategies : sequence of str, optional
        Rows of Table 4, of ``STRATEGY_ROWS``; by default all. ``'linear'`` always is.
    seed : int, optional
        The same seed gives the same runs.
    folder : path-like, optional
        Where runs are kept, one ``.ecsv`` a panel; finished ones are not run again.
    cache : path-like, optional
        Folder in which features of frozen backbones are kept.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    result : Reproduction
        Runs, comparison and figure.

    Raises
    ------
    InputError
        If there is no such experiment, or no data for any of its panels.
    WriteError
        If the folder cannot be written.
    """
    check_choice('experiment', experiment, EXPERIMENTS)
    check_choice('recipe', recipe, RECIPES)
    panels, remarks = _sort_data(experiment, data)
    for one in strategies or ():
        check_choice('strategy', one, STRATEGY_ROWS)
    make = partial(_classifier, recipe=recipe, n_epochs=n_epochs, device=device, cache=cache)
    if experiment == 'figure 5':
        panels = {scheme: panels['radio'].relabel(scheme) for scheme in ('peaks', 'components')}
        test = {scheme: test['radio'].relabel(scheme) for scheme in panels
                } if test and 'radio' in test else None
    if experiment in ('table 4', 'figure 4'):
        fractions = (1.0,)
    curve = LearningCurve(fractions, repeats, seed=seed)
    runs = {}
    for title, images in panels.items():
        train, judged = _split(images, (test or {}).get(title))
        domain = 'optical' if title == 'optical' else 'radio'
        models = {name: model for backbone in backbones
                  for name, model in _models(experiment, backbone, make, domain, images,
                                               strategies or STRATEGY_ROWS).items()}
        models |= {f'{name} from scratch': make(name, domain, strategy='scratch')
                   for name in scratch}
        path = None if folder is None else f'{folder}/{experiment.replace(" ", "_")}_{title}.ecsv'
        runs[title] = curve.run(models, train, judged, path=path, progress=progress)
    report = {'table 4': _report_strategies, 'figure 4': _report_classes}.get(
        experiment, _report_curves)
    table, draw = report(experiment, curve, runs, list(backbones))
    said = list(remarks.values())
    said.append("'figure only': the paper draws this point and prints no number.")
    if recipe != 'paper':
        said.append('The heads are fitted to convergence, not by the recipe of the paper.')
    return Reproduction(experiment, runs, table, tuple(said), draw)


def _sort_data(experiment, data):
    """Data sets by panel, with what can be compared."""
    panels, remarks = {}, {}
    for images in data:
        title, remark = describe_panel(images)
        if title not in _PANELS[experiment]:
            continue
        if title in panels:
            raise InputError(f'two data sets are {title}: {panels[title].source} and '
                             f'{images.source}; pass one')
        panels[title], remarks[title] = images, remark
    if not panels:
        raise InputError(f'{experiment} needs {" or ".join(_PANELS[experiment])} images, and '
                         'none of the data are; optical ones have the classes of GalaxyMNIST')
    return {title: panels[title] for title in _PANELS[experiment] if title in panels}, remarks


def _split(images, test):
    """Training and test images: as given, as the set has them, or a fifth."""
    if test is not None:
        return images, test
    tests = np.char.startswith(images.names, 'test/')
    if tests.any() and not tests.all():
        return images.select(~tests), images.select(tests)
    split = split_labelled(images)
    return images.select(split.train), images.select(split.test)


def _classifier(backbone, domain, *, recipe, n_epochs, device, cache, **changes):
    """A classifier of the recipe, with changes."""
    settings = {'class_weight': 'balanced' if domain == 'radio' else None, 'device': device,
                'cache': cache, **RECIPES[recipe]}
    frozen = changes.get('strategy', 'frozen') == 'frozen'
    if frozen and settings['solver'] == 'sgd':
        settings['n_epochs'] = _EPOCHS[domain]
    if not frozen:    # the paper gives no settings of these
        settings.update(augment='sky', validation=0.15)
    if n_epochs is not None:
        settings['n_epochs'] = n_epochs
    return MorphologyClassifier(backbone, **{**settings, **changes})


def _models(experiment, backbone, make, domain, images, strategies):
    """The classifiers of an experiment for one backbone, by the names in its table."""
    if experiment != 'table 4':
        return {backbone: make(backbone, domain)}
    crop = 'segmentation' if images.boxes is None else 'box'
    patch = resolve_spec(backbone).patch_size
    changes = {'linear': {}, 'whitening': {'head': 'whiten'}, 'mlp': {'head': 'mlp'},
               'crop': {'crop': crop}, 'lora': {'strategy': 'lora'},
               'finetune': {'strategy': 'finetune'},
               'crop + finetune': {'crop': crop, 'strategy': 'finetune'}}
    changes |= {f'upsample {size}': {'image_size': round(size / patch) * patch}
                for size in (320, 480, 512)}
    larger = dict(zip(('large', 'huge'), _LARGER.get(backbone, ()), strict=False))
    return {f'{backbone}: {name}': make(larger.get(name, backbone), domain,
                                        **changes.get(name, {}))
            for name in STRATEGY_ROWS
            if (name == 'linear' or name in strategies) and (name in changes or name in larger)}


def _row(panel, name, labels, values, published, note='', without='figure only'):
    return {'panel': panel, 'name': name, 'labels': labels, 'value': values[0], 'low': values[1],
            'high': values[2], 'published': np.nan if published is None else published.value,
            'without': without, 'note': note or ('' if published is None else published.note)}


def _report_curves(experiment, curve, runs, backbones):
    """Learning curves, with the few points that the text prints."""
    metrics = ('precision', 'recall') if experiment[-2] == 'B' else ('f1',)
    place = f'Fig. {experiment.rpartition(" ")[2]}'
    summaries = {title: curve.summarize(one) for title, one in runs.items()}
    rows, marks = [], {}
    for title, summary in summaries.items():
        for metric in metrics:
            for one in summary:
                what = f'{title} {one["fraction"]:g}'
                printed = find_published(place, what, one['name']) if metric == 'f1' else None
                name = one['name'] if len(metrics) == 1 else f'{one["name"]} {metric}'
                rows.append(_row(title, name, f'{one["fraction"]:.0%}', [
                    one[metric], one[f'{metric}_low'], one[f'{metric}_high']], printed))
        for fraction in np.unique(summary['fraction']):
            best = find_published(place, f'{title} {fraction:g}')
            if best is not None and metrics == ('f1',):
                top = summary[summary['fraction'] == fraction]
                top = top[np.argmax(top['f1'])]
                rows.append(_row(title, f'best (paper: {best.backbone})', f'{fraction:.0%}',
                                 [top['f1'], top['f1_low'], top['f1_high']], best))
                marks.setdefault(title, []).append(
                    (float(fraction), best.value, f'published, {best.backbone}'))
    table = Table(rows=rows, meta={'metric': 'macro F1' if metrics == ('f1',) else 'macro'})
    return table, partial(plot_learning_curves, summaries, metrics=metrics,
                          stacked=experiment == 'figure 5', published=marks)


def _report_classes(experiment, curve, runs, backbones):
    rows = []
    for title, some in runs.items():
        for name in dict.fromkeys(some['name'].tolist()):
            f1 = class_rates(np.asarray(some['confusion'][some['name'] == name]))['f1']
            rows += [_row(title, name, label, [one.mean(), one.min(), one.max()], None)
                     for label, one in zip(some.meta['classes'], f1.T, strict=True)]
    return (Table(rows=rows, meta={'metric': 'F1'}),
            partial(plot_class_scores, runs))


def _report_strategies(experiment, curve, runs, backbones):
    """Table 4, each backbone against its own linear head."""
    rows, parts = [], []
    for backbone in backbones:
        some = runs['radio'][[name.startswith(f'{backbone}: ') for name in runs['radio']['name']]]
        summary = CompareStrategies(baseline=f'{backbone}: linear', repeats=curve.repeats
                                    ).summarize(some)
        parts.append(summary)
        for one in summary:
            what = one['name'].partition(': ')[2]
            own = find_published('Table 4', what, backbone)
            others = [find_published('Table 4', what, name) for name in ('am_radio', 'resnet50')]
            base = [find_published('Table 4', 'linear', name) for name in ('am_radio', 'resnet50')]
            changes = ', '.join(f'{name} {other.value - first.value:+.3f}' for name, other, first
                                in zip(('AM-RADIO', 'ResNet-50'), others, base, strict=True)
                                if other is not None)
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
