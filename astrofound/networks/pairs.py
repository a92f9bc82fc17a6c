"""The network that says whether two parts that were found belong to one source."""

import numpy as np
import torch
from scipy.special import expit
from torch import nn

from .pair_features import N_FEATURES, REVERSED

__all__ = ['PairNetwork', 'rival_features']

_CHUNK = 65536   # pairs at once
_N_RIVAL = 5
_RIVAL_WIDTH = 32
_NONE = -12.0    # logit in the place of a pair that there is not


class _Perceptron(nn.Module):
    """Layers on features that are brought to a common scale first."""

    def __init__(self, n_features, width, dropout=0.0):
        super().__init__()
        self.register_buffer('mean', torch.zeros(n_features))
        self.register_buffer('scale', torch.ones(n_features))
        self.layers = nn.Sequential(
            nn.Linear(n_features, width), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, 1))

    def set_scale(self, features):
        """Take mean and scale from features, shape ``(m, n_features)``."""
        self.mean.copy_(torch.from_numpy(features.mean(axis=0, dtype=np.float64)))
        self.scale.copy_(torch.from_numpy(features.std(axis=0, dtype=np.float64) + 1e-3))

    def forward(self, features):
        return self.layers((features.float() - self.mean) / self.scale)[:, 0]


class PairNetwork(nn.Module):
    """
    Two perceptrons: one on the features of a pair, one on what is said of its rivals.

    Rivals of a pair are the other pairs of its two parts: a lobe that surely belongs to another
    core is hardly this one's. The order of the two parts does not matter.

    Parameters
    ----------
    width : int, optional
        Units of each of the two hidden layers of the first.
    """

    def __init__(self, width=128):
        super().__init__()
        self.width = width
        self.alone = _Perceptron(N_FEATURES, width, dropout=0.15)
        self.among_rivals = _Perceptron(_N_RIVAL, _RIVAL_WIDTH)

    def forward(self, features):
        """
        Return the logit of belonging together, each pair for itself.

        Parameters
        ----------
        features : `torch.Tensor`
            ``(m, N_FEATURES)`` of ``astrofound.networks.pair_features``.

        Returns
        -------
        logit : `torch.Tensor`
            ``(m,)``.
        """
        return 0.5 * (self.alone(features) + self.alone(features[:, REVERSED]))

    def judge(self, features):
        """
        Judge pairs of any number, each for itself, on the CPU.

        Parameters
        ----------
        features : 2D `~numpy.ndarray`
            ``(m, N_FEATURES)``.

        Returns
        -------
        logit : (m,) `~numpy.ndarray` of float32
            Of belonging together.
        """
        return _in_chunks(self, features)

    def compare(self, first, second, logit):
        """
        Judge pairs once more, knowing what was said of all pairs of their parts.

        Parameters
        ----------
        first, second : (m,) `~numpy.ndarray` of int
            The parts of all pairs of an image, each pair once.
        logit : (m,) `~numpy.ndarray`
            What `judge` said of them.

        Returns
        -------
        logit : (m,) `~numpy.ndarray` of float32
            Of belonging together.
        """
        return _in_chunks(self.among_rivals, rival_features(first, second, logit))


def rival_features(first, second, logit):
    """
    Describe pairs by what is said of them and of the other pairs of their parts.

    Parameters
    ----------
    first, second : (m,) `~numpy.ndarray` of int
        The parts of all pairs of an image, each pair once.
    logit : (m,) `~numpy.ndarray`
        Of belonging together, each pair for itself.

    Returns
    -------
    features : (m, 5) `~numpy.ndarray` of float32
        The logit; the largest one of the other pairs of either part, that of the part with the
        stronger rival first; and their summed probabilities, the larger sum first.
    """
    part = np.concatenate([first, second]).astype(np.int64)
    own = np.tile(np.asarray(logit, float), 2)
    largest = _largest_other(part, own).reshape(2, -1)
    total = np.bincount(part, expit(own))[part] - expit(own) if len(part) else own
    total = total.reshape(2, -1)
    return np.column_stack([own[:len(first)], largest.max(axis=0), largest.min(axis=0),
                            total.max(axis=0), total.min(axis=0)]).astype(np.float32)


def _largest_other(part, logit):
    """Largest logit of the other entries of the same part."""
    order = np.lexsort((-logit, part))
    ranked = logit[order]
    is_largest = np.append(True, np.diff(part[order]) > 0)[:len(part)]
    entry = np.cumsum(is_largest) - 1
    following = np.where(np.append(is_largest[1:], True), _NONE, np.append(ranked[1:], _NONE))
    other = np.empty_like(logit)
    other[order] = np.where(is_largest, following[is_largest][entry], ranked[is_largest][entry])
    return other


@torch.inference_mode()
def _in_chunks(network, features):
    chunks = (features[first:first + _CHUNK] for first in range(0, len(features), _CHUNK))
    return np.concatenate([np.empty(0, np.float32),
                           *(network(torch.from_numpy(chunk)).numpy() for chunk in chunks)])
