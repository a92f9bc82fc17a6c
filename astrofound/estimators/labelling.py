"""Labels as a classifier takes them: coded, split and weighed."""

import numpy as np
from sklearn.model_selection import train_test_split

from astrofound.evaluation.labels import check_labels, check_trainable

__all__ = ['class_weights', 'encode_labels', 'split_rows']


def encode_labels(y, n_images, *, n_min=0):
    """
    Turn labels into codes.

    Parameters
    ----------
    y : array_like
        One label an image.
    n_images : int
        How many there must be.
    n_min : int, optional
        Images that each of at least two classes must have; 0 does not look.

    Returns
    -------
    classes : 1D `~numpy.ndarray`
        The classes, sorted.
    codes : 1D `~numpy.ndarray` of int
        Index of each image's class.

    Raises
    ------
    InputError
        If their number differs, some are blank, or a class has too few images.
    """
    labels = check_labels(y, n_images=n_images)
    if n_min:
        check_trainable(labels, n_min=n_min)
    return np.unique(labels, return_inverse=True)


def split_rows(codes, classes, share, seed):
    """
    Keep a share of the images apart, the same share of each class.

    Parameters
    ----------
    codes : 1D `~numpy.ndarray` of int
        Class of each image.
    classes : 1D `~numpy.ndarray`
        The classes.
    share : float
        Share to keep apart; 0 keeps none.
    seed : int
        Decides which.

    Returns
    -------
    train, validation : 1D `~numpy.ndarray` of int
        Rows of either.

    Raises
    ------
    InputError
        If there are fewer than two classes, or one has a single image and a share is wanted.
    """
    check_trainable(classes[codes], n_min=2 if share else 1)
    rows = np.arange(len(codes))
    if not share:
        return rows, rows[:0]
    n_validation = max(len(classes), round(share * len(codes)))
    if n_validation > len(codes) - len(classes):
        return rows, rows[:0]  # a handful of images: all are needed to learn from
    train, validation = train_test_split(rows, test_size=n_validation, stratify=codes,
                                         random_state=seed)
    return np.sort(train), np.sort(validation)


def class_weights(codes, n_classes):
    """
    Weigh each class by one over its number of images.

    Parameters
    ----------
    codes : 1D `~numpy.ndarray` of int
        Class of each image.
    n_classes : int
        Number of classes.

    Returns
    -------
    weights : 1D `~numpy.ndarray` of float32
        Their mean over the images is 1.
    """
    counts = np.bincount(codes, minlength=n_classes)
    return (len(codes) / (n_classes * np.maximum(counts, 1))).astype(np.float32)
