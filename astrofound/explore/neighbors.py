"""What is alike and what is like nothing else, by features."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from astrofound.utils import InputError, check_choice, check_number

from .standardizing import Standardizer, checked_features

__all__ = ['FeatureIndex', 'score_anomalies']

METRICS = ('cosine', 'euclidean')
METHODS = ('both', 'isolation', 'neighbors')
_N_COMPONENTS = 50  # beyond, distances of real features hardly change and cost more


class FeatureIndex:
    """
    Features prepared for finding those most alike, by comparing with all.

    Parameters
    ----------
    features : 2D array-like
        Shape ``(n_images, n_features)``.
    metric : {'cosine', 'euclidean'}, optional
        What distance means.
    scale : bool, optional
        Whether every feature is centred and gets unit variance first.

    Raises
    ------
    InputError
        If the features are not finite vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.explore import FeatureIndex
    >>> index = FeatureIndex(np.random.default_rng(0).normal(size=(100, 8)))
    >>> rows, distances = index.find(5, n=3)
    >>> int(rows[0]), bool(distances[0] < 1e-6)
    (5, True)
    """

    def __init__(self, features, *, metric='cosine', scale=True):
        features = checked_features(features, minimum=1)
        self.metric = check_choice('metric', metric, METRICS)
        self._scaler = Standardizer(with_mean=scale, with_std=scale).fit(features)
        self._vectors = self._prepared(features)
        self._squares = np.einsum('ij,ij->i', self._vectors, self._vectors)

    def __len__(self):
        return len(self._vectors)

    def _prepared(self, features):
        vectors = self._scaler.transform(features)
        if self.metric == 'cosine':
            lengths = np.sqrt(np.einsum('ij,ij->i', vectors, vectors))
            vectors /= np.maximum(lengths, 1e-12)[:, None]
        return vectors

    def find(self, example, *, n=10):
        """
        Find the images most alike one.

        Parameters
        ----------
        example : int or 1D array-like
            Row number, or the features of another image.
        n : int, optional
            How many, the example itself included where it is a row.

        Returns
        -------
        rows : 1D `~numpy.ndarray` of int
            Nearest first.
        distances : 1D `~numpy.ndarray`
            0 is the same; a cosine distance goes up to 2.

        Raises
        ------
        InputError
            If there is no such row or the features have another length.
        """
        check_number('n', n, minimum=1, integer=True)
        if np.ndim(example) == 0:
            check_number('example', int(example), minimum=-len(self), maximum=len(self) - 1,
                         integer=True)
            vector = self._vectors[int(example)]
        else:
            example = np.asarray(example, np.float32)[None]
            if example.shape[1:] != self._vectors.shape[1:] or not np.isfinite(example).all():
                raise InputError(f"'example' must be a row number or {self._vectors.shape[1]} "
                                 f'finite numbers, got the shape {example.shape[1:]}')
            vector = self._prepared(example)[0]
        # numpy's product with a vector reads the features once: the speed of memory
        squared = self._squares + np.dot(vector, vector) - 2 * (self._vectors @ vector)
        n = min(n, len(self))
        rows = np.argpartition(squared, n - 1)[:n]
        rows = rows[np.lexsort((rows, squared[rows]))]
        squared = np.maximum(squared[rows], 0)
        return rows, squared / 2 if self.metric == 'cosine' else np.sqrt(squared)


def score_anomalies(features, *, method='both', n_neighbors=10, seed=0):
    """
    Rank images by how unlike all others their features are.

    What is found is what the preprocessing left visible: a source whose oddity was clipped or
    scaled away is not odd.

    Parameters
    ----------
    features : 2D array-like
        Shape ``(n_images, n_features)``.
    method : {'both', 'isolation', 'neighbors'}, optional
        ``'isolation'`` counts the cuts of an isolation forest [1]_, ``'neighbors'`` measures the
        distance to the ``n_neighbors``-th nearest; ``'both'`` takes the mean of both ranks.
    n_neighbors : int, optional
        Group of odd images that still counts as odd.
    seed : int, optional
        The same seed gives the same scores.

    Returns
    -------
    scores : 1D `~numpy.ndarray`
        From 0, the most ordinary, to 1, the most unusual: the rank divided by their number.

    Raises
    ------
    InputError
        If the features are not finite vectors.

    References
    ----------
    .. [1] Liu, Ting & Zhou 2008, ICDM.
    """
    features = checked_features(features)
    check_choice('method', method, METHODS)
    check_number('n_neighbors', n_neighbors, minimum=1, integer=True)
    scaled = Standardizer().fit(features).transform(features)
    ranks = []
    if method in ('both', 'isolation'):
        # on the features themselves: an odd image departs in many, in components only in few
        forest = IsolationForest(n_estimators=200, random_state=seed).fit(scaled)
        ranks.append(_ranks(-forest.score_samples(scaled)))
    if method in ('both', 'neighbors'):
        pca = PCA(min(_N_COMPONENTS, *features.shape), random_state=seed, copy=False)
        components = pca.fit_transform(scaled).astype(np.float32)
        n = min(n_neighbors, len(components) - 1)
        distances = NearestNeighbors(n_neighbors=n).fit(components).kneighbors()[0]
        ranks.append(_ranks(distances[:, -1]))
    return ranks[0] if len(ranks) == 1 else _ranks(np.mean(ranks, axis=0))


def _ranks(values):
    order = np.lexsort((np.arange(len(values)), values))
    ranks = np.empty(len(values))
    ranks[order] = np.arange(len(values)) / max(len(values) - 1, 1)
    return ranks
