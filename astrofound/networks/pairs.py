"""The network that says whether two parts that were found belong to one source."""

import numpy as np
import torch
from torch import nn

from .pair_features import N_FEATURES, REVERSED

__all__ = ['PairNetwork']

_CHUNK = 65536  # pairs at once


class PairNetwork(nn.Module):
    """
    Perceptron on the features of a pair; the order of the two does not matter.

    Parameters
    ----------
    width : int, optional
        Units of each of the two hidden layers.
    """

    def __init__(self, width=128):
        super().__init__()
        self.width = width
        self.register_buffer('mean', torch.zeros(N_FEATURES))
        self.register_buffer('scale', torch.ones(N_FEATURES))
        self.layers = nn.Sequential(
            nn.Linear(N_FEATURES, width), nn.SiLU(), nn.Dropout(0.15),
            nn.Linear(width, width), nn.SiLU(), nn.Dropout(0.15), nn.Linear(width, 1))

    def forward(self, features):
        """
        Return the logit of belonging together.

        Parameters
        ----------
        features : `torch.Tensor`
            ``(m, N_FEATURES)`` of ``astrofound.networks.pair_features``.

        Returns
        -------
        logit : `torch.Tensor`
            ``(m,)``.
        """
        scaled = (features.float() - self.mean) / self.scale
        other = (features[:, REVERSED].float() - self.mean) / self.scale
        return 0.5 * (self.layers(scaled) + self.layers(other))[:, 0]

    @torch.inference_mode()
    def judge(self, features):
        """
        Judge pairs of any number, on the CPU.

        Parameters
        ----------
        features : 2D `~numpy.ndarray`
            ``(m, N_FEATURES)``.

        Returns
        -------
        logit : (m,) `~numpy.ndarray` of float32
            Of belonging together.
        """
        chunks = (features[first:first + _CHUNK] for first in range(0, len(features), _CHUNK))
        return np.concatenate([np.empty(0, np.float32),
                               *(self(torch.from_numpy(chunk)).numpy() for chunk in chunks)])
