"""
The classification experiments of Lastufka et al. 2025 on one's own data and backbones.

Each gives its runs, a table with the printed figure beside one's own where the paper prints
one, and says what can be compared at all.
"""

from functools import partial

import numpy as np

from astrofound.backbones import resolve_spec
from astrofound.datasets import split_labelled
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import LearningCurve
from astrofound.utils import InputError, check_choice

from .reporting import EXPERIMENTS, Reproduction, report_experiment

__all__ = ['RECIPES', 'STRATEGY_ROWS', 'describe_panel', 'reproduce']

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
    is_known : bool
        Whether the classes are those of the paper.
    remark : str
        What can be compared with the paper.
    """
    classes = {name.replace('_', '-') for name in data.classes}
    panel = 'optical' if set(data.classes) >= _OPTICAL else 'radio'
    known = panel == 'optical' or classes == _RGZ
    if not known:
        remark = (f'other classes than those of the paper ({", ".join(data.classes)}); numbers '
                  'cannot be compared.')
    elif data.source.startswith('simulated'):
        remark = f'{data.source} is a stand-in; compare directions, not numbers.'
    else:
        remark = ('the classes are those of the paper; numbers can be compared if these are its '
                  'images, with its test set.')
    return panel, known, f'{panel}: {remark}'


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
    panels, known, remarks = _sort_data(experiment, data)
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
    table, draw = report_experiment(experiment, curve, runs, list(backbones),
                                    known=runs.keys() if experiment == 'figure 5' else known)
    said = list(remarks.values())
    said.append("'figure only': the paper draws this point and prints no number.")
    if recipe != 'paper':
        said.append('The heads are fitted to convergence, not by the recipe of the paper.')
    return Reproduction(experiment, runs, table, tuple(said), draw)


def _sort_data(experiment, data):
    """Data sets by panel, those of the paper's classes, and what can be compared."""
    panels, known, remarks = {}, set(), {}
    for images in data:
        title, is_known, remark = describe_panel(images)
        if title not in _PANELS[experiment]:
            continue
        if title in panels:
            raise InputError(f'two data sets are {title}: {panels[title].source} and '
                             f'{images.source}; pass one')
        panels[title], remarks[title] = images, remark
        known |= {title} if is_known else set()
    if not panels:
        raise InputError(f'{experiment} needs {" or ".join(_PANELS[experiment])} images, and '
                         'none of the data are; optical ones have the classes of GalaxyMNIST')
    return ({title: panels[title] for title in _PANELS[experiment] if title in panels}, known,
            remarks)


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
