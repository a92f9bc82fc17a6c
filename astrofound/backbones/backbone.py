"""The one contract of every backbone: images of any size in, features out."""

import hashlib
import math
from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn import functional as F

from ..utils import InputError
from .features import Features

__all__ = ['Backbone']

_SLACK = 0.01  # interpolation overshoots 0..1 by so little


class Backbone(nn.Module, ABC):
    """
    A network that turns images into tokens, whatever library it is from.

    Calling it with images in 0..1 (or in units of the noise, see ``spec.scale``) gives
    `Features`. It repeats or averages channels as the network wants them, subtracts the mean
    and divides by the standard deviation of its pretraining exactly once, pads the image to
    whole patches and keeps count of what is padding. Nothing is cropped.

    Parameters
    ----------
    spec : BackboneSpec
        What it is.
    model : `torch.nn.Module`
        The library's network without a head.
    """

    def __init__(self, spec, model):
        super().__init__()
        self.spec = spec
        self.model = model
        for name in ('mean', 'std'):
            values = torch.tensor(getattr(spec, name), dtype=torch.float32).reshape(1, -1, 1, 1)
            self.register_buffer(name, values, persistent=False)
        self.eval()

    def extra_repr(self):
        """Say the name in the representation of the module."""
        return f'name={self.spec.name!r}'

    def forward(self, images, *, blank=None):
        """
        Compute the features of a batch of images.

        Parameters
        ----------
        images : `torch.Tensor`
            Shape ``(n, n_channels, ny, nx)``, float; one channel or three. NaN is blank sky.
        blank : `torch.Tensor` of bool, optional
            Shape ``(n, ny, nx)``; `True` marks further pixels that weigh nothing in pooling.

        Returns
        -------
        features : Features
            In float32. Each image's features depend on that image alone.

        Raises
        ------
        InputError
            If the images have another shape, scale or size than the backbone takes.
        """
        pixels, blank = self.normalize(images, blank=blank)
        ny, nx = pixels.shape[-2:]
        grid = self.spec.grid_shape((ny, nx))
        pixels, coverage = self._pad(pixels, blank, grid)
        dense, prefix, own = self._tokens(pixels, grid)
        centers = pixels.new_tensor([nx, ny], dtype=torch.float32) / (2 * self.spec.patch_size)
        return Features(dense=dense.float(), prefix=prefix.float(), own=own.float(),
                        coverage=coverage, centers=centers.expand(len(pixels), 2))

    @abstractmethod
    def _tokens(self, pixels, grid):
        """Return dense ``(n, d, ny, nx)``, prefix ``(n, p, d)`` and own ``(n, d_own)``."""

    def stages(self, images):
        """
        Compute feature maps at every scale the network has.

        Parameters
        ----------
        images : `torch.Tensor`
            As for calling.

        Returns
        -------
        maps : dict of int to `torch.Tensor`
            Stride in pixels to ``(n, d, ny, nx)``, finest first. Transformers have one.
        """
        pixels, blank = self.normalize(images)
        grid = self.spec.grid_shape(pixels.shape[-2:])
        pixels, _ = self._pad(pixels, blank, grid)
        return {stride: maps.float() for stride, maps in self._stages(pixels, grid).items()}

    def _stages(self, pixels, grid):
        return {self.spec.patch_size: self._tokens(pixels, grid)[0]}

    def normalize(self, images, *, blank=None):
        """
        Check images and bring them to the channels and statistics of the pretraining.

        Parameters
        ----------
        images : `torch.Tensor`
            As for calling.
        blank : `torch.Tensor` of bool, optional
            As for calling.

        Returns
        -------
        pixels : `torch.Tensor`
            Shape ``(n, spec.n_channels, ny, nx)``; blank pixels are at the mean.
        blank : `torch.Tensor` of bool
            Shape ``(n, ny, nx)``.

        Raises
        ------
        InputError
            If shape or scale are not those that the backbone takes.
        """
        images = self._check_shape(images)
        low, high = self._limits(images)
        nan = None
        if not math.isfinite(high - low):  # seldom, and the passes over memory cost time
            nan = ~torch.isfinite(images)
            images = images.masked_fill(nan, torch.nan)
            low, high = self._limits(images[~nan])
        self._check_scale(low, high)
        images = self._to_channels(images)
        if self.mean.numel():
            images = (images - self.mean) / self.std
        if nan is not None:
            images, nan = torch.nan_to_num(images, nan=0.0), nan.any(dim=1)
            blank = nan if blank is None else nan | blank
        if blank is None:
            blank = torch.zeros((len(images), *images.shape[-2:]), dtype=torch.bool,
                                device=images.device)
        return images, blank

    def _limits(self, images):
        if not images.numel():
            return 0.0, 0.0
        return tuple(float(value) for value in torch.aminmax(images))

    def _check_scale(self, low, high):
        if self.spec.scale == 'unit' and (low < -_SLACK or high > 1 + _SLACK):
            raise InputError(f'{self.spec.name} takes images scaled to 0..1, these run from '
                             f'{low:.4g} to {high:.4g}; scale them, for example with '
                             "FeatureExtractor(scaling='asinh')")

    def _check_shape(self, images):
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise InputError("'images' must have the shape (n, channels, ny, nx) with one or three "
                             f'channels, got {tuple(images.shape)}')
        if not images.is_floating_point():
            raise InputError(f"'images' must be floating point numbers, got {images.dtype}; "
                             'bytes are divided by 255 first')
        return images.to(self.mean.device, torch.float32)

    def _to_channels(self, images):
        n_given, n_wanted = images.shape[1], self.spec.n_channels
        if n_given == n_wanted:
            return images
        mean = images.mean(dim=1, keepdim=True)
        return mean.expand(-1, n_wanted, -1, -1)

    def _pad(self, pixels, blank, grid):
        """Repeat the last row and column up to whole patches; blank sky weighs nothing."""
        ny, nx = pixels.shape[-2:]
        patch = self.spec.patch_size
        more = (0, grid[1] * patch - nx, 0, grid[0] * patch - ny)
        if any(more):
            pixels = F.pad(pixels, more, mode='replicate')
        seen = F.pad((~blank).float()[:, None], more)
        return pixels, F.avg_pool2d(seen, patch)[:, 0]

    @property
    def device(self):
        """Where the network is."""
        return self.mean.device

    def n_pooled(self, pooling='auto'):
        """
        Give the length of a pooled vector.

        Parameters
        ----------
        pooling : str, optional
            ``'auto'`` or a key of ``POOLINGS``.

        Returns
        -------
        n_pooled : int
            Number of features.
        """
        pooling = self.spec.check_pooling(pooling)
        if pooling == 'own':
            return self.n_own
        return self.spec.n_features * (2 if pooling == 'cls+mean' else 1)

    @property
    def n_own(self):
        """Length of the vector that the model pools itself."""
        return self.spec.n_features

    def fingerprint(self):
        """
        Hash the weights as they are now.

        Returns
        -------
        digest : str
            Changes with any weight, so that cached features of other weights are not taken
            for these.
        """
        digest = hashlib.blake2b(repr(self.spec).encode(), digest_size=16)
        for name, tensor in self.state_dict().items():
            array = tensor.detach().cpu().contiguous()
            digest.update(f'{name} {tuple(array.shape)} {array.dtype}'.encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    @property
    def blocks(self):
        """The blocks from the image upwards, for freezing and unfreezing some."""
        return []
