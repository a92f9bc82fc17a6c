"""What a backbone gives for a batch of images, and how it becomes one vector an image."""

from dataclasses import dataclass

import torch

from ..utils import InputError

__all__ = ['Features']

_CENTER_SIGMA = 0.4  # of the centre weighting, in half sides of the image


@dataclass(frozen=True, eq=False)
class Features:
    """
    Features of a batch of images.

    Attributes
    ----------
    dense : `torch.Tensor`
        Patch tokens ``(n, n_features, ny, nx)``; rows and columns run as those of the image.
    prefix : `torch.Tensor`
        Class and register tokens ``(n, n_prefix, n_features)``; the class token comes first.
    own : `torch.Tensor`
        Vectors ``(n, n_own)`` pooled as the model's authors do.
    coverage : `torch.Tensor`
        Fraction ``(n, ny, nx)`` of each patch that is image, neither padding nor blank.
    centers : `torch.Tensor`
        Middle ``(n, 2)`` of each image, ``(x, y)``, in patches from the corner of the grid.
    """

    dense: torch.Tensor
    prefix: torch.Tensor
    own: torch.Tensor
    coverage: torch.Tensor
    centers: torch.Tensor

    def pooled(self, pooling='own'):
        """
        Pool the tokens of each image.

        Parameters
        ----------
        pooling : str, optional
            A key of ``POOLINGS``.

        Returns
        -------
        vectors : `torch.Tensor`
            Shape ``(n, n_pooled)``, float32. A blank image has the mean of all its patches.

        Raises
        ------
        InputError
            If the pooling is unknown, or needs a class token and there is none.
        """
        if pooling == 'own':
            return self.own
        if pooling == 'max':
            return self._maximum()
        parts = {'cls': (self._class_token,), 'mean': (self._mean,),
                 'cls+mean': (self._class_token, self._mean), 'center': (self._center,)}
        if pooling not in parts:
            raise InputError(f"unknown pooling {pooling!r}; choose from {', '.join(parts)}, "
                             'max, own')
        return torch.cat([part() for part in parts[pooling]], dim=1)

    def _class_token(self):
        if not self.prefix.shape[1]:
            raise InputError("there is no class token to pool with; use 'mean' or 'own'")
        return self.prefix[:, 0]

    def _mean(self):
        return self._weighted(self.coverage)

    def _center(self):
        ny, nx = self.coverage.shape[1:]
        x, y = (torch.arange(n, device=self.dense.device) + 0.5 for n in (nx, ny))
        middle_x, middle_y = self.centers[:, 0, None, None], self.centers[:, 1, None, None]
        squared = (((x[None, None, :] - middle_x) / middle_x)**2
                   + ((y[None, :, None] - middle_y) / middle_y)**2)
        return self._weighted(self.coverage * torch.exp(-squared / (2 * _CENTER_SIGMA**2)))

    def _weighted(self, weights):
        total = weights.sum(dim=(1, 2), keepdim=True)
        weights = torch.where(total > 0, weights, torch.ones_like(weights))
        weights = weights / weights.sum(dim=(1, 2), keepdim=True)
        return torch.einsum('ndyx,nyx->nd', self.dense, weights)

    def _maximum(self):
        seen = self.coverage > 0
        seen = seen | ~seen.any(dim=2, keepdim=True).any(dim=1, keepdim=True)
        hidden = torch.where(seen[:, None], self.dense, -torch.inf)
        return hidden.amax(dim=(2, 3))
