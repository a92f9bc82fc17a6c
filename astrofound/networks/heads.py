"""Heads that turn the features of a backbone into classes."""

import torch
from torch import nn

from astrofound.utils import InputError, check_choice

__all__ = ['HEADS', 'AttentionHead', 'VectorHead', 'build_head']

#: Heads by name.
HEADS = {
    'linear': 'standardised features, one linear layer',
    'mlp': 'standardised features, a hidden layer of 512 and a linear one',
    'whiten': 'features whitened by a fixed ZCA of the training features, one linear layer',
    'attention': 'patch tokens pooled by a learned query, one linear layer',
}
_N_HIDDEN = 512
_SHRINKAGE = 0.05  # of the eigenvalues towards their mean: few images leave some without a value


class VectorHead(nn.Module):
    """
    Classifier of pooled vectors: a fixed map fitted to the training features, then layers.

    Parameters
    ----------
    n_features : int
        Length of a vector.
    layers : `torch.nn.Module`
        From vectors to logits.
    whiten : bool, optional
        Whether the fixed map is a ZCA whitening, instead of mean and standard deviation.
    blocks : sequence of int, optional
        Lengths of parts of a vector that count alike, however many numbers each has. Whitening
        knows of no parts.
    """

    def __init__(self, n_features, layers, whiten=False, blocks=()):
        super().__init__()
        self.layers, self.blocks = layers, tuple(blocks)
        self.register_buffer('level', torch.zeros(n_features))
        scale = torch.eye(n_features) if whiten else torch.ones(n_features)
        self.register_buffer('scale', scale)

    @torch.no_grad()
    def fit_scale(self, vectors):
        """
        Take the fixed map from the training features, and from nothing else.

        Parameters
        ----------
        vectors : `torch.Tensor`
            Shape ``(n, n_features)``.
        """
        vectors = vectors.double()
        level = vectors.mean(dim=0)
        centred = vectors - level
        if self.scale.ndim == 2:
            scale = _zca(centred)
        else:
            spread = centred.square().mean(dim=0).sqrt()
            # a feature that never changes says nothing, and must not blow up on new images
            scale = torch.where(spread > 1e-6 * spread.max().clamp(min=1e-12), 1 / spread, 0.0)
            if self.blocks:
                lengths = torch.tensor(self.blocks, device=scale.device)
                scale = scale * (lengths.min() / lengths).sqrt().repeat_interleave(lengths)
        self.level.copy_(level)
        self.scale.copy_(scale)

    def forward(self, vectors):
        """
        Classify pooled vectors.

        Parameters
        ----------
        vectors : `torch.Tensor`
            Shape ``(n, n_features)``.

        Returns
        -------
        logits : `torch.Tensor`
            Shape ``(n, n_classes)``.
        """
        centred = vectors - self.level
        return self.layers(centred @ self.scale if self.scale.ndim == 2
                           else centred * self.scale)


def _zca(centred):
    """Symmetric whitening matrix, its eigenvalues shrunk towards their mean."""
    covariance = centred.T @ centred / max(1, len(centred) - 1)
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=0)
    values = (1 - _SHRINKAGE) * values + _SHRINKAGE * values.mean()
    return (vectors * values.clamp(min=1e-12).rsqrt()) @ vectors.T


class AttentionHead(nn.Module):
    """
    Classifier of patch tokens, which a learned query weighs before they are averaged.

    Parameters
    ----------
    n_features : int
        Width of a token.
    n_classes : int
        Number of classes.
    """

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.norm = nn.LayerNorm(n_features)
        self.query = nn.Linear(n_features, 1, bias=False)
        self.linear = nn.Linear(n_features, n_classes)
        nn.init.zeros_(self.query.weight)  # begins as the plain mean

    def forward(self, dense, coverage):
        """
        Classify patch tokens.

        Parameters
        ----------
        dense : `torch.Tensor`
            Shape ``(n, n_features, ny, nx)``.
        coverage : `torch.Tensor`
            Shape ``(n, ny, nx)``; patches of no image take no part.

        Returns
        -------
        logits : `torch.Tensor`
            Shape ``(n, n_classes)``.
        """
        tokens = self.norm(dense.flatten(2).transpose(1, 2))
        seen = coverage.flatten(1)
        seen = torch.where(seen.sum(dim=1, keepdim=True) > 0, seen, torch.ones_like(seen))
        weights = torch.softmax(self.query(tokens)[..., 0] + seen.clamp(min=1e-9).log(), dim=1)
        return self.linear(torch.einsum('nt,ntd->nd', weights, tokens))


def build_head(name, n_features, n_classes, *, dropout=0.0, blocks=()):
    """
    Build a head by name.

    Parameters
    ----------
    name : str
        A key of ``HEADS``.
    n_features : int
        Length of a pooled vector, or width of a token for ``'attention'``.
    n_classes : int
        Number of classes, at least 2.
    dropout : float, optional
        Share of features left out at random in training.
    blocks : sequence of int, optional
        Lengths of parts of a vector that count alike, as for `VectorHead`.

    Returns
    -------
    head : VectorHead or AttentionHead
        With random weights.

    Raises
    ------
    InputError
        If the name is unknown or there are fewer than two classes.
    """
    check_choice('head', name, HEADS)
    if n_classes < 2:
        raise InputError(f'a classifier needs at least two classes, got {n_classes}')
    if name == 'attention':
        return AttentionHead(n_features, n_classes)
    layers = [nn.Dropout(dropout), nn.Linear(n_features, n_classes)]
    if name == 'mlp':
        # Hundreds of features of hundreds of images: without dropout it learns them by heart.
        layers = [nn.Dropout(max(dropout, 0.3)), nn.Linear(n_features, _N_HIDDEN), nn.GELU(),
                  nn.Dropout(0.5), nn.Linear(_N_HIDDEN, n_classes)]
    nn.init.zeros_(layers[-1].bias)
    return VectorHead(n_features, nn.Sequential(*layers), whiten=name == 'whiten', blocks=blocks)
