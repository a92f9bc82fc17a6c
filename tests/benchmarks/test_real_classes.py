from pathlib import Path

import numpy as np
import pytest
import torch
from class_tables import render
from lite_weights import renamed
from real_classes import MEANS, RECIPES, count_seeds, measure, mirror_test, open_set, score_all

from astrofound.datasets import LabelledImages
from astrofound.estimators import MorphologyClassifier

ROOT = Path(__file__).parents[2]
WINDINGS = ['elliptical', 'spiral_acw', 'spiral_cw']


@pytest.fixture
def galaxies():
    """Three of each class, told apart by one bright corner."""
    rng = np.random.default_rng(0)
    images = rng.normal(0, 0.05, (9, 16, 16))
    images[1::3, :, :8] += 1
    images[2::3, :, 8:] += 1
    return LabelledImages(images, np.tile(WINDINGS, 3))


def test_recipes_are_parameters_of_the_classifier():
    for name, recipes in RECIPES.items():
        assert all(MorphologyClassifier(**parameters) for parameters in recipes.values())
        assert all(count_seeds(name, parameters) >= 1 for parameters in recipes.values())
        assert set(MEANS[name]) & set(recipes) == set()
        assert all(set(parts) <= set(recipes) for parts in MEANS[name].values())


def test_every_image_is_tested_once(galaxies):
    none = np.arange(0)
    parts = [(np.arange(3, 9), np.arange(3), none), (np.arange(6), np.arange(6, 9), none)]
    answers = measure({'backbone': 'compact', 'image_size': 16, 'validation': 0}, galaxies, parts)
    assert np.isfinite(answers['probability'][:, 0]).tolist() == [True] * 3 + [False] * 3 + (
        [True] * 3)
    assert answers['mirrored'].shape == (9, 3)
    assert answers['seconds'] > 0
    table = score_all('handedness', galaxies, {'one': [answers, answers]})
    assert table['n_test'].tolist() == [6]
    assert table['n_seeds'].tolist() == [2]
    assert table['f1'] == table['f1_alone']
    assert table['n_trainable'][0] > 0


def test_mirror_test(galaxies):
    right = np.eye(3)[np.tile([0, 1, 2], 3)]
    answers = {'probability': right, 'mirrored': right[:, [0, 2, 1]]}
    assert mirror_test(answers, galaxies) == (1, 1)
    blind = {'probability': right, 'mirrored': right}
    assert mirror_test(blind, galaxies) == (pytest.approx(1 / 3), 1)
    wrong = {'probability': right[:, [0, 2, 1]], 'mirrored': right}
    assert mirror_test(wrong, galaxies) == (1, 0)


def test_means_of_recipes():
    images = LabelledImages(np.zeros((2, 4, 4)), ['a', 'b'])
    one, other = (np.array(own) for own in ([[0.9, 0.1], [0.6, 0.4]], [[0.6, 0.4], [0.1, 0.9]]))
    found = {name: [{'probability': own}] for name, own in zip(
        MEANS['first']['mean of the two tuned'], (one, other), strict=True)}
    table = score_all('first', images, found)
    assert table['recipe'].tolist() == [*found, 'mean of the two tuned']
    assert table['accuracy'].tolist() == [0.5, 1, 1]


def test_names_of_another_implementation():
    theirs = {'_stem.weight': torch.ones(2), '_stem.bias': torch.zeros(1)}
    ours = {'stem.weight': torch.zeros(2), 'stem.bias': torch.zeros(1)}
    assert renamed(theirs, ours)['stem.weight'].tolist() == [1, 1]
    with pytest.raises(ValueError, match=r'_stem.weight \(2,\) is not stem.weight \(3,\)'):
        renamed(theirs, {**ours, 'stem.weight': torch.zeros(3)})


def test_tables_of_the_documentation_are_those_of_the_runs():
    published = (ROOT / 'docs' / 'user_guide' / 'real_classes.inc').read_text(encoding='utf-8')
    assert published == render()


def test_real_sets(real_data):
    images, parts = open_set('first', real_data)
    assert [len(rows) for rows in parts[0]] == [1758, 200, 0]
    train, test, rest = open_set('tenth', real_data)[1][0]
    assert [len(train), len(test), len(rest)] == [176, 200, 1582]
    images, parts = open_set('galaxies', real_data)
    assert sorted(np.concatenate([test for _, test, _ in parts])) == list(range(len(images)))
    assert images.classes == ('edge_on', 'elliptical', 'merger', 'spiral')
