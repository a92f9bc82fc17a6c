"""
Classify two labelled sets of real images by recipes that anybody can have.

    python benchmarks/real_classes.py first --data DATA -o benchmarks/results/classes_first.ecsv
    python benchmarks/real_classes.py galaxies --data DATA \
        -o benchmarks/results/classes_galaxies.ecsv

``first``: 1758 cutouts of FIRST in four classes, judged on the 200 of ``valid/``; ``tenth``: with a
tenth of their labels. ``galaxies``: 557 pictures of SDSS from Galaxy Zoo in four classes, judged in
five folds; ``handedness``: with the two senses of spirals apart. Every recipe is a
`MorphologyClassifier`, fitted with several seeds where that is cheap, of which the mean
probability counts; answers are kept, so that means of several recipes cost nothing and a run that
was stopped goes on. Recipes on ``lite0`` need ImageNet weights: those of timm's
``tf_efficientnet_lite0``, or the file that `benchmarks/lite_weights.py` makes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table

from astrofound.datasets import (
    fold_labelled,
    join_labelled,
    open_images,
    read_image_folders,
    read_image_table,
    split_labelled,
)
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import score_classes
from astrofound.utils import atomic_path

__all__ = ['MEANS', 'RECIPES', 'count_seeds', 'measure', 'mirror_test', 'open_set', 'score_all']

N_FOLDS = 5
LITE = {'backbone': 'timm:tf_efficientnet_lite0', 'image_size': 96}
COMPACT = {'backbone': 'compact', 'image_size': 64}
SOURCE, MIDDLE, NEAR = {'crop': 'segmentation'}, {'crop': 0.32}, {'crop': 0.35}
TURNED = {'orientations': 8}
SHAPES = {**TURNED, 'shapes': True}
# Four upper blocks of seven: half the time of all, and as many parameters learn.
TUNED = {'strategy': 'finetune', 'n_blocks': 4, 'n_epochs': 15, 'unfreeze_after': 2}
COMPACT_TUNED = {'strategy': 'finetune', 'n_epochs': 20, 'unfreeze_after': 2,
                 'learning_rate': 2e-3, 'image_size': 96, 'precision': 'bfloat16'}
FEW = {**COMPACT, **MIDDLE, 'image_size': 48, 'batch_size': 32, 'precision': 'bfloat16',
       'n_epochs': 20, 'unfreeze_after': 2, 'learning_rate': 2e-3}
HANDED = {'augment': 'sky-parity'}
PAIRED = {'mirror': [['spiral_cw', 'spiral_acw']]}

#: Parameters of each recipe, by set and name.
RECIPES = {
    'first': {
        'compact, linear, whole': COMPACT,
        'compact, linear, crop': {**COMPACT, **SOURCE},
        'compact, linear, crop, 8 orientations': {**COMPACT, **SOURCE, **TURNED},
        'lite0, linear, crop': {**LITE, **SOURCE},
        'lite0, linear, crop, 8 orientations': {**LITE, **SOURCE, **TURNED},
        'compact, linear, crop, 8 orientations, shapes': {**COMPACT, **SOURCE, **SHAPES},
        'lite0, linear, crop, 8 orientations, shapes': {**LITE, **SOURCE, **SHAPES},
        'lite0, tuned, crop': {**LITE, **SOURCE, **TUNED},
        'compact, tuned, crop': {**COMPACT, **SOURCE, **COMPACT_TUNED},
    },
    'galaxies': {
        'lite0, linear, whole': {**LITE},
        'lite0, linear, middle': {**LITE, **NEAR},
        'lite0, linear, middle, 8 orientations': {**LITE, **NEAR, **TURNED},
        'lite0, linear, middle, 8 orientations, shapes': {**LITE, **NEAR, **SHAPES},
        'lite0, hidden layer, middle, 8 orientations, shapes': {
            **LITE, **NEAR, **SHAPES, 'head': 'mlp'},
        'lite0, whitening, middle, 8 orientations': {**LITE, **NEAR, **TURNED, 'head': 'whiten'},
        'lite0, hidden layer, middle, 8 orientations': {**LITE, **NEAR, **TURNED, 'head': 'mlp'},
        "lite0, the paper's SGD, middle, 8 orientations": {
            **LITE, **NEAR, **TURNED, 'solver': 'sgd', 'n_epochs': 200},
        'lite0, tuned, middle': {**LITE, **NEAR, **TUNED, 'batch_size': 32},
    },
    'tenth': {
        'compact, linear, middle': {**COMPACT, **MIDDLE, 'image_size': 48},
        'compact, LoRA, middle': {**FEW, 'strategy': 'lora', 'lora_rank': 4},
        'compact, tuned, middle': {**FEW, 'strategy': 'finetune'},
        'compact, tuned with the others unlabelled, middle': {**FEW, 'strategy': 'semi'},
    },
    'handedness': {
        'lite0, linear, middle': {**LITE, **NEAR, **HANDED, 'orientations': 4},
        'lite0, linear, middle, paired': {**LITE, **NEAR, **PAIRED, 'orientations': 4},
        'lite0, linear, middle, paired, shapes': {
            **LITE, **NEAR, **PAIRED, **SHAPES, 'orientations': 4},
    },
}
#: Means of the probabilities of other recipes.
MEANS = {
    'first': {
        'mean of the two linear, 8 orientations': (
            'compact, linear, crop, 8 orientations', 'lite0, linear, crop, 8 orientations'),
        'mean of the two linear, shapes': (
            'compact, linear, crop, 8 orientations, shapes',
            'lite0, linear, crop, 8 orientations, shapes'),
        'mean of the two tuned': ('compact, tuned, crop', 'lite0, tuned, crop'),
        'mean of the two linear, shapes, and the two tuned': (
            'compact, linear, crop, 8 orientations, shapes',
            'lite0, linear, crop, 8 orientations, shapes',
            'compact, tuned, crop', 'lite0, tuned, crop')},
    'tenth': {},
    'galaxies': {
        'mean of the two with shapes': (
            'lite0, linear, middle, 8 orientations, shapes',
            'lite0, hidden layer, middle, 8 orientations, shapes')},
    'handedness': {},
}


def count_seeds(name, parameters):
    """
    Say how often a recipe is fitted.

    Parameters
    ----------
    name : str
        A key of ``RECIPES``.
    parameters : dict
        The recipe.

    Returns
    -------
    n_seeds : int
        Linear heads cost little, networks that learn much.
    """
    is_cheap = parameters.get('strategy', 'frozen') == 'frozen'
    return 3 if is_cheap and name in ('galaxies', 'handedness') else 1


def open_set(name, data):
    """
    Return the images of a set, and which of them train and test in turn.

    Parameters
    ----------
    name : str
        A key of ``RECIPES``.
    data : path-like
        Folder that holds ``first_morphology`` and ``galaxy_zoo_sdss``.

    Returns
    -------
    images : `~astrofound.datasets.LabelledImages`
        All of them.
    parts : list of (array, array, array)
        Rows for training, for test, and to be seen without labels.
    """
    none = np.arange(0)
    if name in ('first', 'tenth'):
        train, test = (read_image_folders(Path(data) / 'first_morphology' / part)
                       for part in ('train', 'valid'))
        images = join_labelled([train, test])
        tests = np.arange(len(train), len(images))
        if name == 'first':
            return images, [(np.arange(len(train)), tests, none)]
        split = split_labelled(train, test=0, fraction=0.1)
        return images, [(split.train, tests, split.validation)]
    images = read_image_table(Path(data) / 'galaxy_zoo_sdss' / 'labels.csv',
                              label_column='class_name')
    if name == 'galaxies':
        same = {label: label for label in images.classes}
        images = images.relabel(same | {'spiral_cw': 'spiral', 'spiral_acw': 'spiral'})
    return images, [(fold.train, fold.test, none)
                    for fold in fold_labelled(images, N_FOLDS, seed=0)]


def measure(parameters, images, parts, *, weights=None, cache=None, seed=0):
    """
    Fit a recipe on each part and keep what it says of the test images.

    Parameters
    ----------
    parameters : dict
        Of `MorphologyClassifier`.
    images : `~astrofound.datasets.LabelledImages`
        The images.
    parts : list of (array, array, array)
        Rows for training, for test, and to be seen without labels.
    weights : dict of str to path, optional
        File of the weights of a backbone, by its name.
    cache : path-like, optional
        Folder of the features of frozen backbones.
    seed : int, optional
        Decides what is random.

    Returns
    -------
    answers : dict of str to array
        Shape ``(n_images, n_classes)``: ``probability``, and ``mirrored`` of the images seen in
        a mirror; NaN for images that were not tested. Besides ``seconds`` of all fits,
        ``images_per_second`` of the last training and ``n_trainable``.
    """
    probability = np.full((len(images), len(images.classes)), np.nan)
    mirrored, seconds = probability.copy(), 0.0
    parameters = {**parameters, 'weights': (weights or {}).get(parameters['backbone'])}
    for train, test, rest in parts:
        some, others, unlabelled = (images.select(rows) for rows in (train, test, rest))
        started = time.process_time()
        model = MorphologyClassifier(**parameters, cache=cache, random_state=seed)
        model.fit(some.images, some.labels, unlabelled=unlabelled.images)
        seconds += time.process_time() - started
        probability[test] = model.predict_proba(others.images)
        if 'spiral_cw' in images.classes:
            mirrored[test] = model.predict_proba(_in_a_mirror(others.images))
    return {'probability': probability, 'mirrored': mirrored, 'seconds': seconds,
            'images_per_second': model.history_[-1].get('images_per_second', np.nan),
            'n_trainable': model.n_trainable_}


def _in_a_mirror(images):
    stamps = open_images(images)
    return [np.ascontiguousarray(stamps[index].pixels[..., ::-1]) for index in range(len(stamps))]


def mirror_test(answers, images):
    """
    Tell how often a mirror turns the answer into the one of the other sense of winding.

    Parameters
    ----------
    answers : dict of str to array
        As `measure` gives them.
    images : `~astrofound.datasets.LabelledImages`
        The images.

    Returns
    -------
    swapped, right : float
        Share of the images whose answer a mirror turns as it should, and share of the spirals
        for which the right one of the two senses is the likelier.
    """
    classes = list(images.classes)
    one, other = classes.index('spiral_cw'), classes.index('spiral_acw')
    order = np.arange(len(classes))
    order[[one, other]] = other, one
    tested = np.isfinite(answers['probability'][:, 0])
    probability, mirrored = answers['probability'][tested], answers['mirrored'][tested]
    swapped = np.mean(order[probability.argmax(axis=1)] == mirrored.argmax(axis=1))
    labels = images.labels[tested]
    spirals = np.isin(labels, ['spiral_cw', 'spiral_acw'])
    clockwise = probability[spirals, one] > probability[spirals, other]
    return float(swapped), float(np.mean(clockwise == (labels[spirals] == 'spiral_cw')))


def score_all(name, images, found):
    """
    Judge the recipes that were run, and the means of them.

    Parameters
    ----------
    name : str
        A key of ``RECIPES``.
    images : `~astrofound.datasets.LabelledImages`
        The images.
    found : dict of str to list of dict
        What `measure` gave with each seed, by recipe.

    Returns
    -------
    table : `~astropy.table.Table`
        One row a recipe.
    """
    rows = []
    together = {recipe: _mean(answers) for recipe, answers in found.items()}
    means = {mean: {'probability': np.mean([together[one]['probability'] for one in parts], axis=0)}
             for mean, parts in MEANS[name].items() if all(one in found for one in parts)}
    for recipe, answers in {**together, **means}.items():
        report = _report(answers, images)
        alone = [_report(one, images).f1 for one in found.get(recipe, [])]
        row = {'recipe': recipe, 'n_test': report.n_images, 'f1': report.f1,
               'f1_low': report.f1_interval[0], 'f1_high': report.f1_interval[1],
               'f1_alone': np.mean(alone) if alone else np.nan, 'n_seeds': len(alone),
               'accuracy': report.accuracy, 'ece': report.ece}
        row |= {f'f1_{one}': float(f1) for one, f1 in zip(report.classes, report.by_class['f1'],
                                                          strict=True)}
        if name == 'handedness':
            row |= dict(zip(('swapped', 'sense'), mirror_test(answers, images), strict=True))
        row |= {'cpu_seconds': float(answers.get('seconds', 0)),
                'images_per_second': float(answers.get('images_per_second', np.nan)),
                'n_trainable': int(answers.get('n_trainable', 0))}
        rows.append(row)
    table = Table(rows)
    for column in table.itercols():
        if column.dtype.kind == 'f':
            column[:] = np.round(column, 1 if column.name.endswith('second') or (
                column.name.endswith('seconds')) else 4)
    table.meta = {'set': name, 'classes': list(images.classes)}
    return table


def _mean(answers):
    """Mean probabilities of several seeds, and what one fit cost."""
    return {key: np.mean([one[key] for one in answers], axis=0) for key in answers[0]}


def _report(answers, images):
    tested = np.isfinite(answers['probability'][:, 0])
    return score_classes(images.labels[tested], classes=images.classes,
                         probabilities=answers['probability'][tested])


def _answers(path, parameters, images, parts, weights, seed):
    """Read the answers of a recipe, or have it answer."""
    if not path.exists():
        with atomic_path(path) as temporary:
            np.savez(temporary, **measure(parameters, images, parts, weights=weights, seed=seed,
                                          cache=path.parents[1] / 'features'))
    with np.load(path) as answers:
        return dict(answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('set', choices=RECIPES)
    parser.add_argument('--data', required=True, help='folder of the real sets')
    parser.add_argument('-o', '--output', required=True)
    parser.add_argument('--runs', default='runs/real_classes', help='folder of the answers')
    parser.add_argument('--weights', nargs='*', default=[],
                        help='files of weights, named as the backbones of timm are')
    parser.add_argument('--only', nargs='*', help='names of the recipes')
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, parts = open_set(options.set, options.data)
    folder = Path(options.runs) / options.set
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    weights = {f'timm:{Path(path).stem}': path for path in options.weights}
    for recipe, parameters in RECIPES[options.set].items():
        paths = [folder / f'{recipe.replace(", ", "_").replace(" ", "-")}_{seed}.npz'
                 for seed in range(count_seeds(options.set, parameters))]
        if options.only is not None and recipe not in options.only and not all(
                path.exists() for path in paths):
            continue
        found[recipe] = [_answers(path, parameters, images, parts, weights, seed)
                         for seed, path in enumerate(paths)]
        table = score_all(options.set, images, found)
        print(table['recipe', 'f1', 'accuracy'][-1], flush=True)
        table.write(options.output, overwrite=True)


if __name__ == '__main__':
    main()
