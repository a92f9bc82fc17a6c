"""
How a classifier gains with labels, and what each change to it brings.

They stand here, below the estimators, because they need nothing but what every classifier of
scikit-learn has: ``fit``, ``predict`` and parameters that can be copied.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from astropy.table import Table
from sklearn.base import clone

from astrofound.datasets import split_labelled
from astrofound.utils import InputError, check_choice, check_number

from .fingerprints import fingerprint
from .labels import check_trainable
from .runs import as_labelled, do_runs, named_classifiers, time_run

__all__ = ['CompareStrategies', 'LearningCurve']

METRICS = ('f1', 'precision', 'recall', 'accuracy')
BARS = {'minmax': (np.min, np.max),
        'std': (lambda values: np.mean(values) - np.std(values),
                lambda values: np.mean(values) + np.std(values))}


@dataclass(frozen=True)
class LearningCurve:
    """
    Train with growing parts of the labels and test on the same images.

    Each repeat draws its own parts, every class in proportion and at least one image of each;
    the part for a smaller fraction lies within that for a larger one. A classifier with a
    ``random_state`` gets another one in each repeat, so that runs with all labels differ by
    that alone. What is not drawn is handed to ``fit`` as ``validation_data`` where that takes
    it.

    Parameters
    ----------
    fractions : tuple of float, optional
        Parts of the training labels, above 0 and at most 1.
    repeats : int, optional
        Runs of each fraction.
    bars : {'minmax', 'std'}, optional
        What `summarize` gives as error bars: the extremes of the runs, or their standard
        deviation.
    seed : int, optional
        The same seed draws the same parts.

    References
    ----------
    .. [1] Lastufka et al. 2025, A&A 703, A217, sections 2.1 and 3, Fig. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from astrofound.evaluation import LearningCurve
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(['FRI', 'FRII'], 60)
    >>> x = rng.normal(size=(120, 5)) + (y == 'FRII')[:, None]
    >>> curve = LearningCurve(fractions=(0.1, 1.0))
    >>> runs = curve.run(LogisticRegression(), (x[::2], y[::2]), (x[1::2], y[1::2]))
    >>> curve.summarize(runs)['fraction', 'n_train', 'n_runs'].pprint()
    fraction n_train n_runs
    -------- ------- ------
         0.1       6      3
         1.0      60      3
    """

    fractions: tuple = (0.1, 0.3, 0.5, 1.0)
    repeats: int = 3
    bars: str = 'minmax'
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, 'fractions', tuple(self.fractions))
        if not self.fractions:
            raise InputError("'fractions' must hold at least one number")
        for one in self.fractions:
            check_number('fractions', one, above=0, maximum=1)
        check_number('repeats', self.repeats, minimum=1, integer=True)
        check_number('seed', self.seed, minimum=0, integer=True)
        check_choice('bars', self.bars, BARS)

    def run(self, classifiers, train, test, *, path=None, progress=False):
        """
        Do all runs that are not in the file yet.

        Parameters
        ----------
        classifiers : estimator or dict of str to estimator
            Classifiers of scikit-learn that take these images; each run trains a copy.
        train, test : `~astrofound.datasets.LabelledImages` or tuple
            The images, also as ``(images, labels)``. Labels become text.
        path : path-like, optional
            ECSV file that holds the finished runs, and gets each new one as it finishes. A run
            is taken from it if classifier, data and seed are the same.
        progress : bool, optional
            Whether to show a progress bar on standard error.

        Returns
        -------
        runs : `~astropy.table.Table`
            One row a run: ``name``, ``fraction``, ``repeat``, ``settings`` (a hash of
            classifier, data and seed), ``n_train``, ``n_test``, the figures of
            `ClassificationReport`, ``seconds_fit``, ``seconds_test``, ``n_trainable`` (masked
            where the classifier has no ``n_trainable_``) and ``confusion``; the classes are in
            ``meta['classes']``.

        Raises
        ------
        InputError
            If labels are missing, there is one class only or one with a single image, the test
            set holds a class that training lacks, or the file holds runs of other classes.
        WriteError
            If the file cannot be written.
        """
        train, test = as_labelled(train, name='train'), as_labelled(test, name='test')
        classes = check_trainable(train.labels, name='train')
        if not len(test):
            raise InputError("'test' is empty: there is nothing to judge")
        if len(strange := np.setdiff1d(test.labels, classes)):
            raise InputError(f'the test set holds {", ".join(map(str, strange))}, which no '
                             'training image shows')
        data = fingerprint(train, test, self.seed)
        jobs = []
        for name, model in named_classifiers(classifiers).items():
            settings = fingerprint(model, data)
            jobs += [({'name': name, 'fraction': float(fraction), 'repeat': repeat,
                       'settings': settings},
                      partial(self._run_once, model, train, test, classes, repeat, fraction))
                     for repeat in range(self.repeats) for fraction in self.fractions]
        return do_runs(jobs, classes, path=path, progress=progress)

    def _run_once(self, model, train, test, classes, repeat, fraction):
        split = split_labelled(train, test=0, fraction=fraction, seed=self.seed + repeat)
        return time_run(reseeded(model, self.seed + repeat), train.select(split.train), test,
                        classes=classes, validation=train.select(split.validation))

    def summarize(self, runs):
        """
        Average the repeats.

        Parameters
        ----------
        runs : `~astropy.table.Table`
            As `run` gave them, or `read_runs`.

        Returns
        -------
        summary : `~astropy.table.Table`
            One row for each classifier and fraction: ``name``, ``fraction``, ``n_train``,
            ``n_runs``, then the mean of ``f1``, ``precision``, ``recall`` and ``accuracy``, each
            with the ends of its bar as ``_low`` and ``_high``, and of ``seconds_fit``.
        """
        ends = BARS[self.bars]
        rows = []
        names = np.asarray(runs['name'])
        for name in dict.fromkeys(names.tolist()):
            of_name = runs[names == name]
            for fraction in np.unique(of_name['fraction']):
                some = of_name[of_name['fraction'] == fraction]
                row = {'name': name, 'fraction': float(fraction),
                       'n_train': int(np.median(some['n_train'])), 'n_runs': len(some)}
                for metric in METRICS:
                    values = np.asarray(some[metric], float)
                    row[metric] = values.mean()
                    row[f'{metric}_low'], row[f'{metric}_high'] = (end(values) for end in ends)
                row['seconds_fit'] = float(np.mean(some['seconds_fit']))
                rows.append(row)
        return Table(rows=rows, meta=dict(runs.meta))


@dataclass(frozen=True)
class CompareStrategies:
    """
    Train several classifiers with the same labels and say what each brings over the first.

    Parameters
    ----------
    baseline : str, optional
        Name of the classifier that the others are compared with; by default the first.
    repeats : int, optional
        Runs of each, as in `LearningCurve`.
    fraction : float, optional
        Part of the training labels.
    bars : {'minmax', 'std'}, optional
        As in `LearningCurve`.
    seed : int, optional
        The same seed draws the same parts.

    References
    ----------
    .. [1] Lastufka et al. 2025, A&A 703, A217, section 3.2, Table 4.
    """

    baseline: str | None = None
    repeats: int = 1
    fraction: float = 1.0
    bars: str = 'minmax'
    seed: int = 0

    def __post_init__(self):
        self._curve()

    def _curve(self):
        return LearningCurve((self.fraction,), self.repeats, self.bars, self.seed)

    def run(self, classifiers, train, test, *, path=None, progress=False):
        """
        Do all runs that are not in the file yet.

        Parameters
        ----------
        classifiers : dict of str to estimator
            The strategies, under the names they shall have in the table.
        train, test : `~astrofound.datasets.LabelledImages` or tuple
            As for `LearningCurve`.
        path : path-like, optional
            As for `LearningCurve`.
        progress : bool, optional
            Whether to show a progress bar on standard error.

        Returns
        -------
        runs : `~astropy.table.Table`
            As of `LearningCurve`.

        Raises
        ------
        InputError
            If ``baseline`` is none of the classifiers, or for the reasons of `LearningCurve`.
        WriteError
            If the file cannot be written.
        """
        if self.baseline is not None:
            check_choice('baseline', self.baseline, named_classifiers(classifiers))
        return self._curve().run(classifiers, train, test, path=path, progress=progress)

    def summarize(self, runs):
        """
        Average the repeats and compare with the baseline.

        Parameters
        ----------
        runs : `~astropy.table.Table`
            As `run` gave them, or `read_runs`.

        Returns
        -------
        summary : `~astropy.table.Table`
            One row a strategy: ``name``, ``f1`` with ``f1_low`` and ``f1_high``, ``change`` and
            ``change_percent`` of F1 against the baseline, ``seconds_fit`` and ``n_trainable``.

        Raises
        ------
        InputError
            If the baseline is not among the runs.
        """
        means = self._curve().summarize(runs)
        means = means[np.isclose(means['fraction'], self.fraction)]
        if not len(means):
            raise InputError(f'no run has {self.fraction:.0%} of the labels')
        names = means['name'].tolist()
        baseline = names[0] if self.baseline is None else self.baseline
        check_choice('baseline', baseline, names)
        table = means['name', 'n_train', 'n_runs', 'f1', 'f1_low', 'f1_high']
        reference = float(means['f1'][names.index(baseline)])
        table['change'] = table['f1'] - reference
        table['change_percent'] = 100 * table['change'] / reference if reference else np.nan
        table['seconds_fit'] = means['seconds_fit']
        first = [np.flatnonzero(runs['name'] == name)[0] for name in names]
        table['n_trainable'] = runs['n_trainable'][first]
        table.meta['baseline'] = baseline
        return table


def reseeded(model, seed):
    """
    Return a copy of a classifier with another seed wherever it has one.

    Parameters
    ----------
    model : estimator of scikit-learn
        Left as it is; steps of a pipeline count as well.
    seed : int
        What each ``random_state`` becomes.

    Returns
    -------
    copy : estimator
        Not fitted.
    """
    model = clone(model)
    names = [name for name in model.get_params() if name.rpartition('__')[2] == 'random_state']
    return model.set_params(**dict.fromkeys(names, seed))
