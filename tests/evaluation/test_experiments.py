from typing import ClassVar

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from astrofound.datasets import LabelledImages
from astrofound.evaluation import CompareStrategies, LearningCurve, read_runs
from astrofound.evaluation.fingerprints import fingerprint

NAMES = np.array(['bent', 'fri', 'frii'])


def images(n=150, seed=0, spread=1.6):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    return rng.normal(scale=spread, size=(n, 8)) + np.eye(3, 8)[codes] * 3, NAMES[codes]


class Recorder(ClassifierMixin, BaseEstimator):
    """Answers at random and says on a class attribute what it was given."""

    seen: ClassVar[list] = []

    def __init__(self, random_state=None, strength=1):
        self.random_state = random_state
        self.strength = strength

    def fit(self, images, y, validation_data=None):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.n_trainable_ = 17
        left = None if validation_data is None else len(validation_data[1])
        self.seen.append((self.random_state, len(images), counts.min(), left))
        return self

    def predict_proba(self, images):
        rng = np.random.default_rng(self.random_state)
        return rng.dirichlet(np.ones(len(self.classes_)), size=len(images))


@pytest.fixture
def recorder():
    Recorder.seen = []
    return Recorder()


def test_more_labels_are_better():
    curve = LearningCurve(fractions=(0.1, 1.0), repeats=5)
    runs = curve.run(GaussianNB(), images(), images(300, seed=1))
    assert len(runs) == 10
    table = curve.summarize(runs)
    assert_array_equal(table['n_train'], [15, 150])
    assert table['f1'][1] > table['f1'][0] + 0.05
    assert (table['f1_low'] <= table['f1']).all()
    assert (table['f1'] <= table['f1_high']).all()
    few = runs[runs['fraction'] == 0.1]
    assert table['f1_low'][0] == few['f1'].min()
    assert table['f1_high'][0] == few['f1'].max()
    assert len(set(few['f1'])) > 1
    spread = LearningCurve(bars='std').summarize(runs)
    assert spread['f1_high'][0] - spread['f1'][0] == pytest.approx(np.std(few['f1']))


def test_what_a_run_is_given(recorder):
    LearningCurve((0.5, 1.0), repeats=2, seed=7).run(recorder, images(), images(30, seed=1))
    assert Recorder.seen == [(7, 75, 25, 75), (7, 150, 50, None), (8, 75, 25, 75),
                             (8, 150, 50, None)]
    assert recorder.random_state is None
    assert not hasattr(recorder, 'classes_')


def test_boxes_and_unread_images():
    class Boxed(Recorder):
        def fit(self, images, y, validation_data=None, boxes=None):
            self.seen.append((len(boxes), [len(part) for part in validation_data]))
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, images, boxes=None):
            assert len(boxes) == len(images)
            assert boxes[0].tolist() == [0, 0, 1, 1]
            answers = np.eye(3)[np.arange(len(images)) % 3]
            answers[:5] = np.nan
            return answers

    Recorder.seen = []
    x, y = images(30)
    data = LabelledImages(x, y, boxes=[[[0, 0, 1, 1]]] * 30)
    runs = LearningCurve((0.5,), repeats=1).run(Boxed(), data, data)
    assert Recorder.seen == [(15, [15, 15, 15])]
    assert runs['n_test'][0] == 25
    assert runs['f1'][0] == 1


def test_finished_runs_are_not_run_again(recorder, tmp_path):
    path = tmp_path / 'runs.ecsv'
    train, test = images(), images(30, seed=1)
    curve = LearningCurve((0.1, 1.0), repeats=1)
    first = curve.run(recorder, train, test, path=path)
    assert len(Recorder.seen) == 2
    longer = LearningCurve((0.1, 0.5, 1.0), repeats=1)
    second = longer.run({'Recorder': recorder}, train, test, path=path)
    assert len(Recorder.seen) == 3
    assert_array_equal(second['f1'][[0, 2]], first['f1'])
    kept = read_runs(path)
    assert len(kept) == 3
    assert kept.meta['classes'] == NAMES.tolist()
    assert_array_equal(kept['confusion'][0], first['confusion'][0])
    assert_array_equal(curve.summarize(kept[kept['fraction'] != 0.5])['f1'],
                       curve.summarize(first)['f1'])
    # another parameter, another seed and other data are other runs
    curve.run(Recorder(strength=2), train, test, path=path)
    assert len(Recorder.seen) == 5
    LearningCurve((1.0,), repeats=1, seed=1).run(recorder, train, test, path=path)
    assert len(Recorder.seen) == 6
    curve.run(recorder, train, images(30, seed=2), path=path)
    assert len(Recorder.seen) == 8
    assert len(read_runs(path)) == 8


def test_a_failing_run_leaves_the_others(tmp_path):
    class Failing(Recorder):
        def fit(self, images, y, validation_data=None):
            if len(images) > 100:
                raise RuntimeError('burst')
            return super().fit(images, y)

    path = tmp_path / 'runs.ecsv'
    with pytest.raises(RuntimeError, match='burst'):
        LearningCurve((0.1, 1.0)).run(Failing(), images(), images(30), path=path)
    assert len(read_runs(path)) == 1


def test_strategies_against_the_baseline(tmp_path):
    strategies = {'chance': DummyClassifier(strategy='stratified', random_state=0),
                  'linear': LogisticRegression(), 'machine': LinearSVC()}
    compare = CompareStrategies(baseline='linear', repeats=2)
    runs = compare.run(strategies, images(), images(300, seed=1), path=tmp_path / 'a.ecsv')
    table = compare.summarize(read_runs(tmp_path / 'a.ecsv'))
    assert table['name'].tolist() == list(strategies)
    assert table['change'][1] == 0
    assert table['change'][0] < -0.2
    assert table['change_percent'][0] == pytest.approx(
        100 * (table['f1'][0] / table['f1'][1] - 1))
    assert np.ma.getmaskarray(table['n_trainable']).all()
    # a machine without probabilities has no calibration
    machine = runs[runs['name'] == 'machine']
    assert np.isnan(machine['ece']).all()
    assert (machine['f1'] > 0.5).all()
    assert CompareStrategies().summarize(runs).meta['baseline'] == 'chance'


def test_trainable_parameters_are_told(recorder):
    compare = CompareStrategies()
    runs = compare.run({'a': recorder, 'b': LogisticRegression()}, images(), images(30))
    assert compare.summarize(runs)['n_trainable'].tolist() == [17, None]


def test_lists_and_objects_of_images():
    class Labelled:
        def __init__(self, images, labels):
            self.images, self.labels = images, labels

    x, y = images()
    curve = LearningCurve((1.0,), repeats=1)
    plain = curve.run(LogisticRegression(), LabelledImages(x, y), (x, y))
    listed = curve.run(LogisticRegression(), (list(x), list(y)), Labelled(list(x), y.tolist()))
    assert plain['f1'][0] == listed['f1'][0]


def test_seeds_reach_the_steps_of_a_pipeline(recorder):
    chain = make_pipeline(StandardScaler(), recorder)
    LearningCurve((1.0,), repeats=2, seed=3).run(chain, images(), images(30))
    assert [seed for seed, *_ in Recorder.seen] == [3, 4]


def test_fingerprint():
    x, y = images()
    other = x.copy()
    other[3, 3] += 1e-9
    known = {fingerprint(x, y), fingerprint(other, y), fingerprint(x, y[::-1]),
             fingerprint(list(x), y), fingerprint(LabelledImages(x, y)),
             fingerprint(LabelledImages(other, y)), fingerprint(LogisticRegression()),
             fingerprint(LogisticRegression(C=2)), fingerprint(GaussianNB()),
             fingerprint(make_pipeline(StandardScaler(), LogisticRegression(C=2)))}
    assert len(known) == 10
    assert fingerprint(x.copy(), y.copy()) == fingerprint(x, y)
    assert fingerprint(make_pipeline(LogisticRegression(C=2))) == fingerprint(
        make_pipeline(LogisticRegression(C=2)))


@pytest.mark.parametrize(('labels', 'message'), [
    (['a'] * 12, "'train' must hold at least two classes, got only a"),
    (['a'] * 11 + ['b'], r'at least 2 images; too few: b \(1\)'),
    ([1.0] * 6 + [2.0] * 5 + [np.nan], "'train': 1 of 12 labels are blank"),
    (['a', 'b'], "'train': 'labels' must have one entry an image: got 2 for 12"),
    ([], 'got 0 for 12'),
])
def test_bad_labels(labels, message):
    x = np.zeros((12, 3))
    with pytest.raises(ValueError, match=message):
        LearningCurve().run(GaussianNB(), (x, labels), (x[:2], ['a', 'b']))


def test_bad_test_set_and_arguments(tmp_path):
    x, y = images(30)
    with pytest.raises(ValueError, match='holds other, which no training image shows'):
        LearningCurve().run(GaussianNB(), (x, y), (x[:2], ['fri', 'other']))
    with pytest.raises(ValueError, match="'test' is empty"):
        LearningCurve().run(GaussianNB(), (x, y), (x[:0], y[:0]))
    with pytest.raises(ValueError, match=r"must be LabelledImages or \(images"):
        LearningCurve().run(GaussianNB(), x, (x, y))
    with pytest.raises(ValueError, match="'fractions' must be a number greater than 0"):
        LearningCurve(fractions=(0.1, 1.5))
    with pytest.raises(ValueError, match="unknown bars 'minmx'; did you mean 'minmax'"):
        LearningCurve(bars='minmx')
    with pytest.raises(ValueError, match="unknown baseline 'linaer'; did you mean 'linear'"):
        CompareStrategies(baseline='linaer').run({'linear': GaussianNB()}, (x, y), (x, y))
    with pytest.raises(ValueError, match=r'kept as \.ecsv'):
        LearningCurve().run(GaussianNB(), (x, y), (x, y), path=tmp_path / 'runs.fits')


def test_files_of_other_things(tmp_path):
    x, y = images(30)
    curve = LearningCurve((1.0,), repeats=1)
    curve.run(GaussianNB(), (x, y), (x, y), path=tmp_path / 'a.ecsv')
    with pytest.raises(ValueError, match='runs of the classes bent, fri, frii; choose another'):
        curve.run(GaussianNB(), (x, y == 'fri'), (x, y == 'fri'), path=tmp_path / 'a.ecsv')
    Table({'name': ['a']}).write(tmp_path / 'b.ecsv')
    with pytest.raises(OSError, match='holds no runs'):
        read_runs(tmp_path / 'b.ecsv')
    (tmp_path / 'c.ecsv').write_text('no table')
    with pytest.raises(OSError, match='cannot read'):
        read_runs(tmp_path / 'c.ecsv')
    with pytest.raises(OSError, match='No such file'):
        read_runs(tmp_path / 'd.ecsv')
