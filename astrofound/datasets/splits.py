"""Training, validation and test parts that stay what they are."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..utils import InputError, check_number
from .labelled import LabelledImages
from .shares import share_out

__all__ = ['LabelSplit', 'fold_labelled', 'split_labelled']


@dataclass(frozen=True, eq=False, repr=False)
class LabelSplit:
    """
    Which images train, validate and test.

    Parameters
    ----------
    train, validation, test : 1D `~numpy.ndarray` of int
        Numbers of the images, ascending; no image is in two of them.
    digest : str
        Hash of who is where, of the images' names where they have them: equal for equal
        splits, on any machine.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    digest: str

    def __repr__(self):
        return (f'<LabelSplit {len(self.train)} train, {len(self.validation)} validation, '
                f'{len(self.test)} test; {self.digest}>')


def split_labelled(data, *, test=0.2, fraction=1.0, seed=0, test_seed=42, groups=None):
    """
    Split images so that each class is everywhere in its share.

    The test part depends on ``test`` and ``test_seed`` only. Of the rest, ``fraction`` trains
    and what is left validates: nothing at 1. A larger fraction of the same seed holds the
    smaller one.

    Parameters
    ----------
    data : LabelledImages or 1D array of str
        The images, or just their labels.
    test : float or 1D array of int or bool, optional
        Share of the test part, or who is in it.
    fraction : float, optional
        Share of the rest that is used for training.
    seed : int, optional
        Choice of the training part.
    test_seed : int, optional
        Choice of the test part.
    groups : 1D array, optional
        Images of one value stay together, as those of one place on the sky from
        `group_positions`. Shares are then met as nearly as groups allow.

    Returns
    -------
    split : LabelSplit
        The three parts.

    Raises
    ------
    InputError
        If there is one class only, or one has too few images to train and to test.

    Examples
    --------
    >>> from astrofound.datasets import split_labelled
    >>> split = split_labelled(['FRI'] * 60 + ['FRII'] * 40, fraction=0.3)
    >>> split
    <LabelSplit 24 train, 56 validation, 20 test; ...>
    """
    labels, names = _labels_and_names(data)
    check_number('fraction', fraction, above=0, maximum=1)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"all {len(labels)} images are of the class {''.join(classes)!r}; a "
                         'classifier needs two classes')
    groups = np.arange(len(labels)) if groups is None else _as_numbers(groups, len(labels))
    everything = np.arange(len(labels))
    if np.ndim(test) == 0:
        check_number('test', test, minimum=0, maximum=0.9)
        few = [name for name, n in zip(classes, np.bincount(codes), strict=True) if n < 2]
        if few and test > 0:
            raise InputError(f"classes with a single image: {', '.join(few)}; it cannot both train "
                             'and test: leave them out or merge them with relabel()')
        test_rows = _draw(everything, codes, groups, test, test_seed)
    else:
        test_rows = np.unique(everything[np.asarray(test)])
    rest = np.setdiff1d(everything, test_rows)
    if shared := int(np.isin(groups[rest], groups[test_rows]).sum()):
        raise InputError(f"{shared} images outside the given 'test' are of a group inside it; "
                         'leave them out')
    train = _draw(rest, codes, groups, fraction, seed)
    for part, rows in (('training', train), ('test', test_rows)):
        absent = classes[np.bincount(codes[rows], minlength=len(classes)) == 0]
        if absent.size and rows.size:
            raise InputError(f"the {part} part has no image of {', '.join(absent)}; take another "
                             'seed or share, or leave such classes out with relabel()')
    return _make_split(names, train, np.setdiff1d(rest, train), test_rows)


def fold_labelled(data, n_folds=5, *, seed=0, groups=None):
    """
    Split images into folds that test in turn.

    Parameters
    ----------
    data : LabelledImages or 1D array of str
        The images, or just their labels.
    n_folds : int, optional
        Number of folds.
    seed : int, optional
        Choice of the folds.
    groups : 1D array, optional
        Images of one value stay together.

    Returns
    -------
    splits : list of LabelSplit
        One a fold, without a validation part; each image tests once.

    Raises
    ------
    InputError
        If a class has fewer images than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels, names = _labels_and_names(data)
    check_number('n_folds', n_folds, minimum=2, integer=True)
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or counts.min() < n_folds:
        raise InputError(f'{n_folds} folds need two classes of at least {n_folds} images; got '
                         + ', '.join(f'{name} {n}' for name, n in zip(classes, counts,
                                                                      strict=True)))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(n_folds, shuffle=True, random_state=seed).split(labels, labels, groups)
    return [_make_split(names, train, train[:0], test) for train, test in folds]


def _labels_and_names(data):
    if isinstance(data, LabelledImages):
        return data.labels, data.names
    labels = np.asarray(data, str)
    if labels.ndim != 1:
        raise InputError(f"'data' must be LabelledImages or one label an image, got {data!r:.80}")
    return labels, np.arange(len(labels)).astype(str)


def _as_numbers(groups, n_images):
    groups = np.unique(np.asarray(groups), return_inverse=True)[1]
    if groups.shape != (n_images,):
        raise InputError(f"'groups' must have one entry an image: got {groups.shape} for "
                         f'{n_images} images')
    return groups


def _draw(rows, codes, groups, share, seed):
    """
    Draw a share of rows, class by class and groups whole.

    Groups come in an order of their own, and each is taken while all its classes want more:
    what a smaller share has taken, a larger one takes as well.
    """
    if share == 0:
        return rows[:0]
    if share == 1:
        return rows
    wanted = _quotas(np.bincount(codes[rows]), share).tolist()
    members = {}
    for row, group, code in zip(rows.tolist(), groups[rows].tolist(), codes[rows].tolist(),
                                strict=True):
        members.setdefault(group, []).append((row, code))
    members = list(members.values())
    taken = []
    for number in np.random.default_rng(seed).permutation(len(members)):
        counts = Counter(code for _, code in members[number])
        if all(wanted[code] >= n for code, n in counts.items()):
            taken += [row for row, _ in members[number]]
            for code, n in counts.items():
                wanted[code] -= n
    return np.sort(np.array(taken, int))


def _quotas(counts, share):
    """Images of each class in a share: largest remainders, at least one, and one left over."""
    quotas = share_out(counts, round(share * counts.sum()))
    return np.clip(quotas, np.minimum(counts, 1), np.maximum(counts - 1, 1))


def _make_split(names, train, validation, test):
    lines = [f'{part}\t{name}' for part, rows in (('train', train), ('validation', validation),
                                                   ('test', test)) for name in names[rows]]
    digest = hashlib.sha256('\n'.join(sorted(lines)).encode()).hexdigest()[:16]
    return LabelSplit(np.asarray(train), np.asarray(validation), np.asarray(test), digest)
