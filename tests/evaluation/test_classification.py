import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from astrofound.evaluation import score_classes

NAMES = np.array(['bent', 'compact', 'fri', 'frii'])


def guesses(n=400, skill=0.6, seed=0):
    """True classes and probabilities that favour the true one."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(len(NAMES), size=n)
    logits = rng.normal(size=(n, len(NAMES)))
    logits[np.arange(n), codes] += 2 * skill
    probabilities = np.exp(logits)
    return NAMES[codes], probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('seed', range(3))
def test_agrees_with_scikit_learn(seed):
    y_true, probabilities = guesses(seed=seed)
    y_pred = NAMES[probabilities.argmax(axis=1)]
    report = score_classes(y_true, y_pred, probabilities)
    assert report.accuracy == pytest.approx(accuracy_score(y_true, y_pred))
    for name, judge in (('f1', f1_score), ('precision', precision_score),
                        ('recall', recall_score)):
        assert getattr(report, name) == pytest.approx(judge(y_true, y_pred, average='macro'))
        assert_allclose(report.by_class[name], judge(y_true, y_pred, average=None))
    assert report.confusion.sum() == report.n_images == len(y_true)
    assert_allclose(score_classes(y_true, probabilities=probabilities).confusion,
                    report.confusion)


def test_intervals_hold_the_value_and_shrink():
    few, many = (score_classes(y, probabilities=p) for y, p in (guesses(100), guesses(2500)))
    for report in (few, many):
        low, high = report.f1_interval
        assert low < report.f1 < high
        for name in ('precision', 'recall', 'f1'):
            assert (report.by_class[f'{name}_low'] <= report.by_class[name]).all()
            assert (report.by_class[name] <= report.by_class[f'{name}_high']).all()
    # five times the accuracy from 25 times the images
    assert np.ptp(few.f1_interval) / np.ptp(many.f1_interval) == pytest.approx(5, rel=0.25)


def test_bootstrap_tells_the_scatter_of_fresh_samples():
    spread = np.std([score_classes(y, probabilities=p).f1
                     for y, p in (guesses(300, seed=seed) for seed in range(60))])
    y_true, probabilities = guesses(300, seed=99)
    low, high = score_classes(y_true, probabilities=probabilities).f1_interval
    assert (high - low) / 2 == pytest.approx(spread, rel=0.35)


def test_calibration_of_true_probabilities():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4), size=20_000)
    codes = (probabilities.cumsum(axis=1) > rng.uniform(size=(20_000, 1))).argmax(axis=1)
    honest = score_classes(NAMES[codes], probabilities=probabilities)
    assert honest.ece < 0.02
    assert honest.calibration['n'].sum() == 20_000
    sharper = probabilities ** 4
    boasting = score_classes(NAMES[codes], probabilities=sharper / sharper.sum(1, keepdims=True))
    assert boasting.ece > 0.15
    assert boasting.log_loss > honest.log_loss
    assert boasting.f1 == honest.f1


def test_absent_and_unpredicted_classes():
    report = score_classes(['a', 'a', 'b'], ['a', 'b', 'b'], classes=['a', 'b', 'c'])
    assert np.isnan(report.by_class['f1'][2])
    assert report.f1 == pytest.approx(2 / 3)
    # a class that occurs and is never predicted counts with 0
    report = score_classes(['a', 'a', 'c'], ['a', 'a', 'a'])
    assert report.by_class['precision'][1] == 0
    assert report.f1 == pytest.approx(0.4)


def test_order_of_the_classes_is_the_callers():
    y_true, probabilities = guesses()
    order = [2, 0, 3, 1]
    turned = score_classes(y_true, probabilities=probabilities[:, order], classes=NAMES[order])
    plain = score_classes(y_true, probabilities=probabilities)
    assert turned.classes == tuple(NAMES[order])
    assert_allclose(turned.confusion, plain.confusion[np.ix_(order, order)])
    assert turned.log_loss == pytest.approx(plain.log_loss)
    assert turned.ece == pytest.approx(plain.ece)


def test_text():
    y_true, probabilities = guesses()
    report = score_classes(y_true, probabilities=probabilities)
    assert len(repr(report).splitlines()) == 1
    assert f'macro F1   {report.f1:.3f}' in report.summary()
    assert len(report.summary().splitlines()) == 8 + len(NAMES)
    assert set(report.figures()) >= {'f1', 'f1_low', 'ece'}
    assert 'calibration' not in repr(score_classes([0, 1, 1], [0, 1, 0]))


@pytest.mark.parametrize(('arguments', 'message'), [
    ((['a', 'b'], ['a']), "'y_pred' has 1 entries for 2 images"),
    ((['a', 'a'], ['a', 'a']), 'at least two classes'),
    (([1.0, np.nan], [1, 0]), "'y_true' is missing for 1 of 2 images"),
    ((['a', None], ['a', 'b']), 'rows 1'),
    ((['a', ''], ['a', 'b']), 'rows 1'),
    ((np.ma.array([1, 2], mask=[0, 1]), [1, 2]), 'rows 1'),
    (([['a'], ['b']], ['a', 'b']), 'one an image'),
    (([], []), 'nothing to judge'),
    ((['a', 'b'],), "either 'y_pred' or 'probabilities'"),
    ((['a', 'b'], [0, 1]), 'both be names or both numbers'),
    ((['a', 'b'], None, [[0.5, 0.5]]), r'must have the shape \(2, 2\)'),
    ((['a', 'b'], None, [[0.5, 0.5], [0.9, 0.9]]), 'the first being 1'),
    ((['a', 'b'], None, [[0.5, 0.5], [np.nan, 1]]), '1 rows do not'),
])
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        score_classes(*arguments)


def test_label_that_is_no_class():
    with pytest.raises(ValueError, match="'classes' lacks c"):
        score_classes(['a', 'c'], ['a', 'b'], classes=['a', 'b'])
    with pytest.raises(ValueError, match='a class twice'):
        score_classes(['a', 'b'], ['a', 'b'], classes=['a', 'b', 'b'])
