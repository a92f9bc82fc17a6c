import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from astrofound.evaluation import CompareStrategies, LearningCurve, score_classes
from astrofound.explore import (
    plot_class_scores,
    plot_confusion,
    plot_learning_curves,
    plot_reliability,
    plot_strategies,
)

NAMES = np.array(['bent', 'fri', 'frii'])
CURVE = LearningCurve((0.1, 0.3, 1.0), repeats=2)


def images(n, seed):
    codes = np.arange(n) % 3
    return np.random.default_rng(seed).normal(size=(n, 5)) + np.eye(3, 5)[codes] * 2, NAMES[codes]


@pytest.fixture(scope='module')
def runs():
    models = {'bayes': GaussianNB(), 'chance': DummyClassifier(strategy='stratified')}
    return CURVE.run(models, images(90, 0), images(60, 1))


def legend(figure):
    return [text.get_text() for one in figure.legends for text in one.get_texts()]


def test_learning_curves(tmp_path, runs):
    summary = CURVE.summarize(runs)
    figure = plot_learning_curves({'optical': summary, 'radio': summary},
                                  published={'radio': [(0.1, 0.87, 'published')]},
                                  path=tmp_path / 'a.png')
    assert [ax.get_title() for ax in figure.axes] == ['optical', 'radio']
    assert legend(figure) == ['bayes', 'chance', 'published']
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_xticks().tolist() == [10, 30, 100]
    line = figure.axes[0].containers[0].lines[0]
    assert line.get_ydata().tolist() == summary['f1'][summary['name'] == 'bayes'].tolist()
    assert (tmp_path / 'a.png').stat().st_size > 10_000


@pytest.mark.parametrize('n', [1, 2])
def test_curves_lie_on_both_sides_of_their_ticks(n, runs):
    names = ['bayes', 'chance'][:n]
    summary = CURVE.summarize(runs)
    figure = plot_learning_curves({'radio': summary[np.isin(summary['name'], names)]})
    x = [bars.lines[0].get_xdata() for bars in figure.axes[0].containers]
    np.testing.assert_allclose(np.mean(x, axis=0), [10, 30, 100])


def test_panels_of_metrics_and_above_each_other(runs):
    summary = CURVE.summarize(runs)
    figure = plot_learning_curves({'MiraBest': summary}, metrics=('precision', 'recall'))
    assert [ax.get_ylabel() for ax in figure.axes] == ['macro precision', 'macro recall']
    figure = plot_learning_curves({'peaks': summary, 'components': summary}, stacked=True)
    assert figure.get_size_inches()[0] < 3.5
    assert [ax.get_xlabel() for ax in figure.axes] == ['', 'labels used (%)']


def test_class_scores(runs):
    figure = plot_class_scores({'radio': runs})
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == NAMES.tolist()
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    some = runs[(runs['name'] == 'bayes') & (runs['fraction'] == 1)]
    right = some['confusion'][0].diagonal()
    f1 = 2 * right / (some['confusion'][0].sum(0) + some['confusion'][0].sum(1))
    assert heights[:3] == pytest.approx(f1)
    assert legend(figure) == ['bayes', 'chance']


def test_strategies(runs):
    compare = CompareStrategies(baseline='chance')
    summary = compare.summarize(runs)
    figure = plot_strategies(summary, published={'bayes': 0.7, 'absent': 0.1})
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == [f'{summary["change"][0]:+.3f}', '', 'change']
    assert legend(figure) == ['published']
    assert legend(plot_strategies(summary)) == []


def test_confusion_and_reliability(tmp_path):
    x, y = images(90, 0)
    report = score_classes(y, probabilities=GaussianNB().fit(x, y).predict_proba(x))
    figure = plot_confusion(report, path=tmp_path / 'a.pdf')
    assert [int(text.get_text()) for text in figure.axes[0].texts] == (
        report.confusion.ravel().tolist())
    assert len(plot_confusion(report.confusion, NAMES).axes[0].texts) == 9
    figure = plot_reliability({'one': report, 'two': report}, path=tmp_path / 'b.png')
    assert len(figure.axes[0].get_legend().get_texts()) == 2
    plot_reliability(report)


def test_bad_input(runs):
    report = score_classes(['a', 'b'], ['a', 'b'])
    with pytest.raises(ValueError, match='without probabilities'):
        plot_reliability(report)
    with pytest.raises(ValueError, match='for 2 classes'):
        plot_confusion(np.eye(3), ['a', 'b'])
    with pytest.raises(ValueError, match='at least one row'):
        plot_learning_curves({})
    with pytest.raises(ValueError, match='no column recall_'):
        plot_learning_curves({'a': runs['name', 'fraction', 'f1']}, metrics=['recall_'])
    with pytest.raises(ValueError, match='no strategy'):
        plot_strategies(runs[:0])
    with pytest.raises(ValueError, match='must end in one of'):
        plot_class_scores({'a': runs}, path='a.fits')
