"""Features in two dimensions."""

import logging

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, check_is_fitted
from sklearn.decomposition import PCA

from astrofound.utils import (
    InputError,
    MissingDependencyError,
    check_choice,
    check_number,
    require,
)

from .standardizing import Standardizer, checked_features

__all__ = ['LatentMap', 'balanced_sample']

logger = logging.getLogger(__name__)

METHODS = ('auto', 'umap', 'pca')


class LatentMap(TransformerMixin, BaseEstimator):
    """
    Map features to a plane: principal components first, then UMAP.

    Parameters
    ----------
    n_pca : int, optional
        Components that UMAP sees.
    method : {'auto', 'umap', 'pca'}, optional
        ``'auto'`` takes UMAP where umap-learn is installed, else the first two components.
    n_neighbors : int, optional
        Larger values keep more of the large-scale order.
    min_dist : float, optional
        Smallest distance of points in the plane.
    scale : bool, optional
        Whether every feature gets unit variance first.
    seed : int, optional
        The same seed gives the same map.

    Attributes
    ----------
    method_ : str
        ``'umap'`` or ``'pca'``.
    explained_ : 1D `~numpy.ndarray`
        Fraction of the variance in each component.

    References
    ----------
    .. [1] McInnes, Healy & Melville 2018, arXiv:1802.03426.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.explore import LatentMap
    >>> LatentMap(method='pca').fit_transform(np.random.rand(40, 30)).shape
    (40, 2)
    """

    def __init__(self, n_pca=10, *, method='auto', n_neighbors=15, min_dist=0.1, scale=True,
                 seed=0):
        self.n_pca = n_pca
        self.method = method
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.scale = scale
        self.seed = seed

    def fit(self, features, y=None):
        """
        Learn the map.

        Parameters
        ----------
        features : 2D array-like
            Shape ``(n_images, n_features)``.
        y : object, optional
            Ignored.

        Returns
        -------
        self : LatentMap
            This object.

        Raises
        ------
        InputError
            If there are too few vectors or they are not finite.
        MissingDependencyError
            If UMAP is asked for and not installed.
        """
        self.fit_transform(features, y)
        return self

    def fit_transform(self, features, y=None):
        """
        Learn the map and give the positions of what it was learnt from.

        Parameters
        ----------
        features : 2D array-like
            Shape ``(n_images, n_features)``.
        y : object, optional
            Ignored.

        Returns
        -------
        positions : 2D `~numpy.ndarray` of float32
            Shape ``(n_images, 2)``.

        Raises
        ------
        InputError
            If there are too few vectors or they are not finite.
        MissingDependencyError
            If UMAP is asked for and not installed.
        """
        features = checked_features(features)
        check_choice('method', self.method, METHODS)
        check_number('n_pca', self.n_pca, minimum=2, integer=True)
        check_number('n_neighbors', self.n_neighbors, minimum=2, integer=True)
        umap = _find_umap(self.method)
        self.method_ = 'pca' if umap is None else 'umap'
        self._scaler = Standardizer(with_std=self.scale).fit(features)
        n_components = min(self.n_pca, *features.shape)
        self._pca = PCA(n_components, random_state=self.seed, copy=False)
        with np.errstate(invalid='ignore'):  # vectors that are all the same explain nothing
            components = self._pca.fit_transform(self._scaler.transform(features))
        self.explained_ = np.nan_to_num(self._pca.explained_variance_ratio_)
        if umap is None:
            return _two(components)
        self._umap = umap.UMAP(
            n_neighbors=min(self.n_neighbors, len(features) - 1), min_dist=self.min_dist,
            random_state=self.seed, n_jobs=1,
            # the spectral start needs more points than dimensions
            init='spectral' if len(features) > 20 else 'random')
        return self._umap.fit_transform(components).astype(np.float32)

    def transform(self, features):
        """
        Give the positions of other features on the same map.

        Parameters
        ----------
        features : 2D array-like
            Shape ``(n_images, n_features)``.

        Returns
        -------
        positions : 2D `~numpy.ndarray` of float32
            Shape ``(n_images, 2)``.
        """
        check_is_fitted(self, 'method_', msg='call fit() first')
        features = checked_features(features, minimum=1)
        components = self._pca.transform(self._scaler.transform(features))
        if self.method_ == 'pca':
            return _two(components)
        return self._umap.transform(components).astype(np.float32)


def _find_umap(method):
    """Return the library, `None` where the principal components must do."""
    if method == 'pca':
        return None
    try:
        return require('umap', extra='explore', package='umap-learn', purpose='LatentMap')
    except MissingDependencyError:
        if method == 'umap':
            raise
        logger.info('umap-learn is not installed: the map shows the first two principal '
                    'components')
        return None


def _two(components):
    out = np.zeros((len(components), 2), np.float32)
    out[:, :components.shape[1]] = components[:, :2]
    return out


def balanced_sample(labels, *, n_per_class=None, seed=0):
    """
    Choose as many of each class at random.

    Parameters
    ----------
    labels : 1D array-like
        Class of each image.
    n_per_class : int, optional
        How many of each, at most; by default as many as the rarest class has.
    seed : int, optional
        The same seed gives the same choice.

    Returns
    -------
    chosen : 1D `~numpy.ndarray` of int
        Row numbers in ascending order.

    Raises
    ------
    InputError
        If there are no labels.

    Examples
    --------
    >>> from astrofound.explore import balanced_sample
    >>> len(balanced_sample(['FR I'] * 7 + ['FR II'] * 3))
    6
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise InputError(f"'labels' must be one a row, got the shape {labels.shape}")
    names, counts = np.unique(labels, return_counts=True)
    wanted = counts.min() if n_per_class is None else check_number(
        'n_per_class', n_per_class, minimum=1, integer=True)
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(labels == name))[:wanted] for name in names]
    return np.sort(np.concatenate(chosen))
