"""How good a classifier is: by class, on average, and whether its probabilities are true."""

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from sklearn.metrics import confusion_matrix, log_loss

from astrofound.utils import InputError, check_number

from .labels import check_labels
from .statistics import fraction

__all__ = ['ClassificationReport', 'class_rates', 'macro_mean', 'score_classes']

RATES = ('precision', 'recall', 'f1')


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """
    Result of `score_classes`.

    Parameters
    ----------
    classes : tuple
        The classes, in the order of everything below.
    confusion : 2D `~numpy.ndarray` of int
        Number of images by true class (rows) and predicted class (columns).
    by_class : `~astropy.table.Table`
        One row a class: ``class_name``, ``n_true``, ``n_predicted`` and ``precision``,
        ``recall`` and ``f1``, each with its confidence interval as ``_low`` and ``_high``.
    f1_interval : tuple of float
        Confidence interval of the macro F1.
    calibration : `~astropy.table.Table` or None
        One row a bin of the probability of the chosen class: ``low`` and ``high``, the number
        ``n`` of images, their mean ``confidence`` and their ``accuracy`` with its interval.
        `None` without probabilities.
    log_loss : float
        Mean of minus the logarithm of the probability of the true class; NaN without
        probabilities.
    confidence : float
        Content of the intervals.
    """

    classes: tuple
    confusion: np.ndarray
    by_class: Table
    f1_interval: tuple
    calibration: Table | None
    log_loss: float
    confidence: float

    @property
    def n_images(self):
        """Number of images judged."""
        return int(self.confusion.sum())

    @property
    def accuracy(self):
        """Fraction of the images whose class is right."""
        return self.accuracy_interval[0]

    @property
    def accuracy_interval(self):
        """Accuracy and its Wilson interval: ``(value, low, high)``."""
        return fraction(np.trace(self.confusion), self.n_images, confidence=self.confidence)

    @property
    def f1(self):
        """Mean over the classes of their F1: the macro F1."""
        return macro_mean(self.by_class['f1'])

    @property
    def precision(self):
        """Mean over the classes of their precision."""
        return macro_mean(self.by_class['precision'])

    @property
    def recall(self):
        """Mean over the classes of their recall."""
        return macro_mean(self.by_class['recall'])

    @property
    def ece(self):
        """
        Expected calibration error: mean distance of probability and accuracy over the images.

        NaN without probabilities.
        """
        if self.calibration is None:
            return np.nan
        bins = self.calibration[self.calibration['n'] > 0]
        distance = np.abs(bins['accuracy'] - bins['confidence'])
        return float(np.average(distance, weights=bins['n']))

    def figures(self):
        """
        Return the single numbers of the report, as a row of a table of runs.

        Returns
        -------
        figures : dict of str to float
            ``accuracy``, ``f1``, ``f1_low``, ``f1_high``, ``precision``, ``recall``, ``ece`` and
            ``log_loss``.
        """
        low, high = self.f1_interval
        return {'accuracy': self.accuracy, 'f1': self.f1, 'f1_low': low, 'f1_high': high,
                'precision': self.precision, 'recall': self.recall, 'ece': self.ece,
                'log_loss': self.log_loss}

    def summary(self):
        """
        Write the report as text.

        Returns
        -------
        text : str
            The averages, then one line a class; several lines without a final line break.
        """
        value, low, high = self.accuracy_interval
        lines = [f'{self.n_images} images, {len(self.classes)} classes',
                 f'accuracy   {value:.3f} ({low:.3f} to {high:.3f})',
                 f'macro F1   {self.f1:.3f} ({self.f1_interval[0]:.3f} to '
                 f'{self.f1_interval[1]:.3f})',
                 f'precision  {self.precision:.3f}', f'recall     {self.recall:.3f}']
        if self.calibration is not None:
            lines.append(f'calibration error {self.ece:.3f}, log loss {self.log_loss:.3f}')
        width = max(len('class'), *(len(str(name)) for name in self.classes))
        lines += ['', f'{"class":{width}} {"true":>6} {"found":>6} {"precision":>9} '
                      f'{"recall":>7} {"F1":>7} {"(interval)":>16}']
        lines += [f'{row["class_name"]:{width}} {row["n_true"]:6d} {row["n_predicted"]:6d} '
                  f'{row["precision"]:9.3f} {row["recall"]:7.3f} {row["f1"]:7.3f} '
                  f'({row["f1_low"]:.3f} to {row["f1_high"]:.3f})' for row in self.by_class]
        return '\n'.join(lines)

    def __repr__(self):
        ece = '' if self.calibration is None else f', calibration error {self.ece:.3f}'
        return (f'<ClassificationReport {self.n_images} images, {len(self.classes)} classes: '
                f'macro F1 {self.f1:.3f}, accuracy {self.accuracy:.3f}{ece}>')


def score_classes(y_true, y_pred=None, probabilities=None, *, classes=None, n_bins=10,
                  confidence=0.6827, n_bootstrap=1000, seed=0):
    """
    Judge predicted classes, and the probabilities given for them.

    Parameters
    ----------
    y_true : 1D array-like
        True class of each image.
    y_pred : 1D array-like, optional
        Predicted classes; by default those of the largest probability.
    probabilities : 2D array-like, optional
        Shape ``(n_images, n_classes)``, rows that add up to 1, columns in the order of
        ``classes``.
    classes : sequence, optional
        All classes; by default those that occur, sorted.
    n_bins : int, optional
        Bins of the reliability diagram, of equal width between 0 and 1.
    confidence : float, optional
        Content of the intervals; by default one sigma. Those of precision, recall and accuracy
        are Wilson's; those of F1 come from drawing images again, with replacement.
    n_bootstrap : int, optional
        Number of such draws.
    seed : int, optional
        The same seed gives the same intervals.

    Returns
    -------
    report : ClassificationReport
        All figures. A class that neither occurs nor was predicted has NaN, and is left out of
        the averages; one that was never predicted has precision 0.

    Raises
    ------
    InputError
        If the lengths differ, a label is missing or no class, there is one class only, or the
        probabilities are none.

    References
    ----------
    .. [1] Guo et al. 2017, ICML, arXiv:1706.04599 (expected calibration error).

    Examples
    --------
    >>> from astrofound.evaluation import score_classes
    >>> score_classes(['FRI', 'FRI', 'FRII', 'FRII'], ['FRI', 'FRII', 'FRII', 'FRII'])
    <ClassificationReport 4 images, 2 classes: macro F1 0.733, accuracy 0.750>
    """
    check_number('n_bins', n_bins, minimum=1, integer=True)
    check_number('n_bootstrap', n_bootstrap, minimum=1, integer=True)
    y_true = check_labels(y_true, name='y_true')
    if not len(y_true):
        raise InputError("'y_true' is empty: there is nothing to judge")
    if y_pred is None and probabilities is None:
        raise InputError("either 'y_pred' or 'probabilities' is needed")
    if y_pred is not None:
        y_pred = check_labels(y_pred, name='y_pred', n_images=len(y_true))
    classes = _checked_classes(classes, y_true, y_pred)
    if probabilities is not None:
        probabilities = _checked_probabilities(probabilities, len(y_true), classes)
        if y_pred is None:
            y_pred = classes[probabilities.argmax(axis=1)]
    confusion = confusion_matrix(y_true, y_pred, labels=classes)
    draws = _bootstrap(confusion, n_bootstrap, seed)
    ends = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    calibration, loss = None, np.nan
    if probabilities is not None:
        codes = np.searchsorted(classes, y_true, sorter=(order := np.argsort(classes)))
        calibration = _calibration(order[codes], probabilities, n_bins, confidence)
        loss = float(log_loss(order[codes], probabilities, labels=np.arange(len(classes))))
    return ClassificationReport(
        classes=tuple(classes.tolist()), confusion=confusion,
        by_class=_by_class(classes, confusion, draws, ends, confidence),
        f1_interval=tuple(np.quantile(macro_mean(draws), ends).tolist()),
        calibration=calibration, log_loss=loss, confidence=confidence)


def class_rates(confusion):
    """
    Return precision, recall and F1 of each class.

    Parameters
    ----------
    confusion : array-like of int
        Shape ``(..., n_classes, n_classes)``, true classes along the last axis but one.

    Returns
    -------
    rates : dict of str to `~numpy.ndarray`
        ``precision``, ``recall`` and ``f1`` of shape ``(..., n_classes)``; 0 where nothing is
        right, NaN where a class neither occurs nor was predicted.
    """
    confusion = np.asarray(confusion)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    n_true, n_predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    rates = {'precision': right / np.maximum(n_predicted, 1),
             'recall': right / np.maximum(n_true, 1),
             'f1': 2 * right / np.maximum(n_true + n_predicted, 1)}
    absent = n_true + n_predicted == 0
    return {name: np.where(absent, np.nan, values) for name, values in rates.items()}


def macro_mean(values):
    """
    Return the mean over the classes that occur.

    Parameters
    ----------
    values : array-like
        One of `class_rates`, classes along the last axis.

    Returns
    -------
    mean : float or `~numpy.ndarray`
        NaN entries are left out.
    """
    mean = np.nanmean(np.asarray(values, float), axis=-1)
    return float(mean) if mean.ndim == 0 else mean


def _checked_classes(classes, y_true, y_pred):
    given = [y_true] if y_pred is None else [y_true, y_pred]
    try:
        seen = np.unique(np.concatenate(given))
    except TypeError:
        raise InputError(f"'y_true' holds {y_true.dtype} and 'y_pred' {given[-1].dtype}; the "
                         'classes must be of one kind') from None
    if any((labels.dtype.kind == 'U') != (y_true.dtype.kind == 'U') for labels in given):
        raise InputError("'y_true' and 'y_pred' must both be names or both numbers, got "
                         f'{y_true[0]!r} and {given[-1][0]!r}')
    known = seen if classes is None else check_labels(classes, name='classes')
    if len(np.unique(known)) != len(known):
        raise InputError("'classes' names a class twice")
    if len(known) < 2:
        raise InputError(f'at least two classes are needed to judge a classifier, got only '
                         f'{known[0]!s}; pass classes= where the others do not occur')
    if len(strange := np.setdiff1d(seen, known)):
        raise InputError(f"'classes' lacks {', '.join(map(str, strange))}, which occur in the "
                         'labels')
    return known


def _checked_probabilities(probabilities, n_images, classes):
    probabilities = np.asarray(probabilities, float)
    wanted = (n_images, len(classes))
    if probabilities.shape != wanted:
        raise InputError(f"'probabilities' must have the shape {wanted}, one column for each of "
                         f'{", ".join(map(str, classes))}; got {probabilities.shape}')
    bad = ~(np.isfinite(probabilities).all(axis=1) & (probabilities >= 0).all(axis=1))
    bad |= ~(np.abs(probabilities.sum(axis=1) - 1) < 1e-3)
    if bad.any():
        raise InputError(f"'probabilities' must lie in 0..1 and add up to 1 in each row; "
                         f'{bad.sum()} rows do not, the first being {np.flatnonzero(bad)[0]}')
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _bootstrap(confusion, n_draws, seed):
    """F1 of each class in draws of as many images; drawing cells is drawing images."""
    n_images = confusion.sum()
    cells = np.random.default_rng(seed).multinomial(n_images, confusion.ravel() / n_images,
                                                    size=n_draws)
    return class_rates(cells.reshape(n_draws, *confusion.shape))['f1']


def _by_class(classes, confusion, draws, ends, confidence):
    n_true, n_predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    table = Table({'class_name': [str(name) for name in classes], 'n_true': n_true,
                   'n_predicted': n_predicted})
    rates = class_rates(confusion)
    for name, trials in (('precision', n_predicted), ('recall', n_true)):
        _, low, high = fraction(np.diagonal(confusion), trials, confidence=confidence)
        table[name], table[f'{name}_low'], table[f'{name}_high'] = rates[name], low, high
    table['f1'] = rates['f1']
    drawn = [column[np.isfinite(column)] for column in draws.T]
    limits = np.array([np.quantile(column, ends) if len(column) else (np.nan, np.nan)
                       for column in drawn])
    table['f1_low'], table['f1_high'] = limits.T
    return table


def _calibration(codes, probabilities, n_bins, confidence):
    """Images in bins of the largest probability: how probable, and how many right."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == codes
    place = np.minimum((top * n_bins).astype(int), n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    n_right = np.bincount(place, weights=right, minlength=n_bins).astype(int)
    value, low, high = fraction(n_right, n, confidence=confidence)
    mean = np.full(n_bins, np.nan)
    np.divide(np.bincount(place, weights=top, minlength=n_bins), n, out=mean, where=n > 0)
    edges = np.linspace(0, 1, n_bins + 1)
    return Table({'low': edges[:-1], 'high': edges[1:], 'n': n, 'confidence': mean,
                  'accuracy': value, 'accuracy_low': low, 'accuracy_high': high})
