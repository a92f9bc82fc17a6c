"""Classifiers judged on every image in turn, where there is no test set apart."""

from dataclasses import dataclass
from functools import partial

from astrofound.datasets import fold_labelled
from astrofound.utils import check_choice, check_number

from .experiments import BARS, LearningCurve, reseeded
from .fingerprints import fingerprint
from .labels import check_trainable
from .runs import as_labelled, do_runs, named_classifiers, time_run

__all__ = ['CrossValidation']


@dataclass(frozen=True)
class CrossValidation:
    """
    Train on all folds but one and test on that, in turn.

    Parameters
    ----------
    n_folds : int, optional
        Number of folds.
    bars : {'minmax', 'std'}, optional
        What `summarize` gives as error bars, as in `LearningCurve`.
    seed : int, optional
        The same seed makes the same folds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from astrofound.evaluation import CrossValidation
    >>> y = np.repeat(['FRI', 'FRII'], 30)
    >>> x = np.random.default_rng(0).normal(size=(60, 5)) + (y == 'FRII')[:, None]
    >>> runs = CrossValidation(n_folds=3).run({'Bayes': GaussianNB()}, (x, y))
    >>> runs['name', 'repeat', 'n_train', 'n_test'].pprint()
     name repeat n_train n_test
    ----- ------ ------- ------
    Bayes      0      40     20
    Bayes      1      40     20
    Bayes      2      40     20
    """

    n_folds: int = 3
    bars: str = 'minmax'
    seed: int = 0

    def __post_init__(self):
        check_number('n_folds', self.n_folds, minimum=2, integer=True)
        check_number('seed', self.seed, minimum=0, integer=True)
        check_choice('bars', self.bars, BARS)

    def run(self, classifiers, data, *, path=None, progress=False):
        """
        Do all runs that are not in the file yet.

        Parameters
        ----------
        classifiers : estimator or dict of str to estimator
            Classifiers of scikit-learn that take these images; each run trains a copy.
        data : `~astrofound.datasets.LabelledImages` or tuple
            The images, also as ``(images, labels)``.
        path : path-like, optional
            As for `LearningCurve`.
        progress : bool, optional
            Whether to show a progress bar on standard error.

        Returns
        -------
        runs : `~astropy.table.Table`
            As of `LearningCurve`; ``repeat`` is the fold.

        Raises
        ------
        InputError
            If labels are missing, there is one class only, or one with fewer images than folds.
        WriteError
            If the file cannot be written.
        """
        data = as_labelled(data, name='data')
        classes = check_trainable(data.labels, name='data', n_min=self.n_folds)
        known = fingerprint(data, self.seed, self.n_folds)
        folds = fold_labelled(data, self.n_folds, seed=self.seed)
        jobs = []
        for name, model in named_classifiers(classifiers).items():
            settings = fingerprint(model, known)
            jobs += [({'name': name, 'fraction': 1.0, 'repeat': number, 'settings': settings},
                      partial(time_run, reseeded(model, self.seed + number),
                              data.select(fold.train), data.select(fold.test), classes=classes))
                     for number, fold in enumerate(folds)]
        return do_runs(jobs, classes, path=path, progress=progress)

    def summarize(self, runs):
        """
        Average the folds.

        Parameters
        ----------
        runs : `~astropy.table.Table`
            As `run` gave them.

        Returns
        -------
        summary : `~astropy.table.Table`
            As of `LearningCurve`, one row a classifier, the best first.
        """
        summary = LearningCurve(bars=self.bars).summarize(runs)
        summary.sort('f1', reverse=True)
        return summary
