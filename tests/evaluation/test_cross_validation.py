import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from astrofound.evaluation import CrossValidation, read_runs


def images(n=60, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    return rng.normal(size=(n, 8)) + np.eye(3, 8)[codes] * 3, np.array(['a', 'b', 'c'])[codes]


def test_every_image_tests_once_and_the_best_comes_first(tmp_path):
    models = {'chance': DummyClassifier(strategy='uniform', random_state=0), 'bayes': GaussianNB()}
    cross = CrossValidation(n_folds=4)
    runs = cross.run(models, images(), path=tmp_path / 'a.ecsv')
    for name in models:
        assert runs['confusion'][runs['name'] == name].sum() == 60
    summary = cross.summarize(read_runs(tmp_path / 'a.ecsv'))
    assert summary['name'].tolist() == ['bayes', 'chance']
    assert summary['n_runs'].tolist() == [4, 4]
    assert summary['f1'][0] > 0.8 > summary['f1'][1]
    again = cross.run(models, images(), path=tmp_path / 'a.ecsv')
    assert again['seconds_fit'].tolist() == runs['seconds_fit'].tolist()
    assert len(CrossValidation(n_folds=3).run(models, images(), path=tmp_path / 'a.ecsv')) == 6


def test_bad_input():
    x, y = images(12)
    y[y == 'c'] = 'a'
    y[0] = 'c'
    with pytest.raises(ValueError, match=r"'data' needs at least 3 images; too few: c \(1\)"):
        CrossValidation().run(GaussianNB(), (x, y))
    with pytest.raises(ValueError, match="'n_folds' must be an integer of at least 2"):
        CrossValidation(n_folds=1)
