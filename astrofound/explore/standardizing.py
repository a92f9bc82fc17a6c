"""Feature vectors checked and brought to a common scale, with one copy of them at most."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from astrofound.utils import InputError

__all__ = ['Standardizer', 'checked_features']

_BLOCK = 4096  # rows at once: what is computed in double precision stays small


def _blocks(features):
    return (slice(start, start + _BLOCK) for start in range(0, len(features), _BLOCK))


def checked_features(features, minimum=3):
    """
    Return features as an array, or say what is wrong with them.

    Parameters
    ----------
    features : 2D array-like
        Shape ``(n_images, n_features)``.
    minimum : int, optional
        Smallest number of rows.

    Returns
    -------
    features : 2D `~numpy.ndarray` of float32
        The same memory where they are of that kind already.

    Raises
    ------
    InputError
        If they are too few, of another shape or not finite.
    """
    features = np.asarray(features, np.float32)
    if features.ndim != 2 or len(features) < minimum:
        raise InputError(f"'features' must be at least {minimum} vectors (n_images, n_features), "
                         f'got the shape {features.shape}')
    if not all(np.isfinite(features[block]).all() for block in _blocks(features)):
        raise InputError("'features' must be finite numbers")
    return features


class Standardizer:
    """
    Centre features and give them unit variance, block by block.

    Parameters
    ----------
    with_mean, with_std : bool, optional
        Whether to subtract the mean, and to divide by the standard deviation.
    """

    def __init__(self, *, with_mean=True, with_std=True):
        self._scaler = StandardScaler(with_mean=with_mean, with_std=with_std)

    def fit(self, features):
        """
        Learn mean and variance.

        Parameters
        ----------
        features : 2D `~numpy.ndarray`
            From `checked_features`.

        Returns
        -------
        self : Standardizer
            This object.
        """
        for block in _blocks(features):
            self._scaler.partial_fit(features[block])
        return self

    def transform(self, features):
        """
        Apply what was learnt.

        Parameters
        ----------
        features : 2D `~numpy.ndarray`
            As for `fit`.

        Returns
        -------
        scaled : 2D `~numpy.ndarray` of float32
            New memory.
        """
        scaled = np.empty(features.shape, np.float32)
        for block in _blocks(features):
            scaled[block] = self._scaler.transform(features[block])
        return scaled
