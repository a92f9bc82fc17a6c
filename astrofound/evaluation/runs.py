"""A table of runs: one training and its test in each row, kept in a file as they finish."""

import logging
import time
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table, vstack
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from astrofound.datasets import LabelledImages
from astrofound.utils import InputError, ReadError, atomic_path, check_place, progress_bar

from .classification import score_classes

__all__ = [
    'RunStore', 'as_labelled', 'do_runs', 'join_runs', 'named_classifiers', 'read_runs',
    'time_run',
]

logger = logging.getLogger(__name__)

# What makes a run the same run as one in a file.
KEY = ('name', 'fraction', 'repeat', 'settings')
COLUMNS = (*KEY, 'n_train', 'n_test', 'f1', 'precision', 'recall', 'accuracy', 'confusion')


def as_labelled(data, *, name):
    """
    Return images with their classes, whatever they came as.

    Parameters
    ----------
    data : `~astrofound.datasets.LabelledImages`, tuple or object
        Also ``(images, labels)``, or anything with the attributes ``images`` and ``labels``.
    name : str
        Argument name for the messages.

    Returns
    -------
    data : `~astrofound.datasets.LabelledImages`
        The same images.

    Raises
    ------
    InputError
        If it is something else, or the labels do not fit the images.
    """
    if isinstance(data, LabelledImages):
        return data
    if hasattr(data, 'images') and hasattr(data, 'labels'):
        images, labels = data.images, data.labels
    elif isinstance(data, (tuple, list)) and len(data) == 2:
        images, labels = data
    else:
        raise InputError(f"{name!r} must be LabelledImages or (images, labels), got "
                         f'{type(data).__name__}')
    try:
        return LabelledImages(images, labels)
    except InputError as error:
        raise InputError(f'{name!r}: {error}') from None


class RunStore:
    """
    Finished runs, in memory or in a file that is whole after each of them.

    Parameters
    ----------
    path : path-like or None
        ECSV file; runs that it holds are not done again. One process at a time may add to it.
    classes : 1D `~numpy.ndarray`
        Classes of all its runs.

    Raises
    ------
    InputError
        If the file holds runs of other classes, or its name does not end in ``.ecsv``.
    ReadError
        If the file holds no runs.
    WriteError
        If nothing can be written there.
    """

    def __init__(self, path, classes):
        self._path = None if path is None else Path(path)
        self._classes = [str(name) for name in classes]
        self._runs = None
        if self._path is None:
            return
        if self._path.suffix.lower() != '.ecsv':
            raise InputError(f'runs are kept as .ecsv, got {path}')
        check_place(self._path)
        if self._path.exists():
            self._runs = read_runs(self._path)
            if self._runs.meta['classes'] != self._classes:
                raise InputError(f'{path} holds runs of the classes '
                                 f'{", ".join(self._runs.meta["classes"])}; choose another file')

    def find(self, key):
        """
        Return the finished run with a key.

        Parameters
        ----------
        key : dict
            Values of ``name``, ``fraction``, ``repeat`` and ``settings``.

        Returns
        -------
        run : `~astropy.table.Table` or None
            One row, or `None`.
        """
        if self._runs is None:
            return None
        same = np.logical_and.reduce([self._runs[name] == key[name] for name in KEY])
        return self._runs[same][:1] if same.any() else None

    def add(self, row):
        """
        Keep a run.

        Parameters
        ----------
        row : dict
            Its columns.

        Returns
        -------
        run : `~astropy.table.Table`
            The one row.
        """
        run = Table(rows=[row], meta={'classes': self._classes})
        run['n_trainable'] = MaskedColumn([row['n_trainable'] or 0],
                                          mask=[row['n_trainable'] is None])
        self._runs = run if self._runs is None else join_runs([self._runs, run])
        if self._path is not None:
            with atomic_path(self._path) as temporary:
                self._runs.write(temporary, format='ascii.ecsv')
        return run


def do_runs(jobs, classes, *, path=None, progress=False):
    """
    Do the runs that a file does not hold yet, and add each to it.

    Parameters
    ----------
    jobs : list of (dict, callable)
        The key of each run, as for `RunStore.find`, and what gives its figures.
    classes : 1D `~numpy.ndarray`
        Classes of all of them.
    path : path-like, optional
        ECSV file of the runs.
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    runs : `~astropy.table.Table`
        One row a job, in their order.
    """
    store = RunStore(path, classes)
    runs = []
    for key, run in progress_bar(jobs, total=len(jobs), label='runs', show=progress):
        found = store.find(key)
        if found is None:
            logger.info('%s with %g %% of the labels, run %d', key['name'],
                        100 * key['fraction'], key['repeat'] + 1)
            found = store.add({**key, **run()})
        runs.append(found)
    return join_runs(runs)


def named_classifiers(classifiers):
    """
    Return classifiers under their names.

    Parameters
    ----------
    classifiers : estimator or dict of str to estimator
        One alone gets the name of its class.

    Returns
    -------
    classifiers : dict of str to estimator
        At least one.

    Raises
    ------
    InputError
        If there is none.
    """
    if not isinstance(classifiers, dict):
        return {type(classifiers).__name__: classifiers}
    if not classifiers:
        raise InputError("'classifiers' is empty")
    return classifiers


def join_runs(tables):
    """
    Put tables of runs of the same classes under each other.

    Parameters
    ----------
    tables : list of `~astropy.table.Table`
        At least one.

    Returns
    -------
    runs : `~astropy.table.Table`
        With the metadata of the first.
    """
    runs = vstack(tables)
    runs.meta = dict(tables[0].meta)  # vstack puts lists of two tables into one
    return runs


def read_runs(path):
    """
    Read the runs of an experiment.

    Parameters
    ----------
    path : path-like
        File that `LearningCurve` or `CompareStrategies` wrote.

    Returns
    -------
    runs : `~astropy.table.Table`
        One row a run.

    Raises
    ------
    ReadError
        If it cannot be read or holds no runs.
    """
    try:
        runs = Table.read(path, format='ascii.ecsv')
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error).splitlines()[0]
        raise ReadError(f'cannot read {path}: {reason}') from None
    if lacking := [name for name in COLUMNS if name not in runs.colnames]:
        raise ReadError(f'{path} holds no runs: the columns {", ".join(lacking)} are missing')
    return runs


def time_run(classifier, train, test, *, classes, validation=None):
    """
    Train a copy of a classifier, test it, and return what a row of runs holds.

    Parameters
    ----------
    classifier : estimator of scikit-learn
        Left as it is.
    train, test : `~astrofound.datasets.LabelledImages`
        What it learns from and what it is judged on.
    classes : 1D `~numpy.ndarray`
        All classes, sorted.
    validation : `~astrofound.datasets.LabelledImages`, optional
        Handed to ``fit`` as ``validation_data`` where that takes it. So is the first box of
        each image, where training and test have boxes.

    Returns
    -------
    figures : dict
        Numbers of the report, seconds, trainable parameters and the confusion matrix.
    """
    model = clone(classifier)
    with_boxes = train.boxes is not None and test.boxes is not None and has_fit_parameter(
        model, 'boxes')
    more = {'boxes': _first_boxes(train)} if with_boxes else {}
    if validation is not None and len(validation) and has_fit_parameter(
            model, 'validation_data'):
        more['validation_data'] = (validation.images, validation.labels,
                                   *([_first_boxes(validation)] if with_boxes else []))
    started = time.perf_counter()
    model.fit(train.images, train.labels, **more)
    fitted = time.perf_counter()
    if hasattr(model, 'predict_proba'):
        given = model.predict_proba(test.images, **(
            {'boxes': _first_boxes(test)} if with_boxes else {}))
        read = np.isfinite(given).all(axis=1)    # images that could not be read have no answer
        probabilities = np.zeros((read.sum(), len(classes)))
        probabilities[:, np.searchsorted(classes, model.classes_)] = given[read]
        report = score_classes(test.labels[read], probabilities=probabilities, classes=classes)
    else:
        report = score_classes(test.labels, model.predict(test.images), classes=classes)
    return {'n_train': len(train), 'n_test': report.n_images, **report.figures(),
            'seconds_fit': fitted - started, 'seconds_test': time.perf_counter() - fitted,
            'n_trainable': getattr(model, 'n_trainable_', None), 'confusion': report.confusion}


def _first_boxes(data):
    """The box of the labelled source of each image, or `None` where there is none."""
    return [own[0] if len(own) else None for own in data.boxes]
