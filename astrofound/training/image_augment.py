"""Augmentation of image batches: the sky has no up, no left and no fixed distance."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from astrofound.utils import check_number

__all__ = ['AUGMENTATIONS', 'ImageAugmentation']


@dataclass(frozen=True, kw_only=True)
class ImageAugmentation:
    """
    Random changes of an image that leave its class as it is.

    Geometry first, in one bilinear resampling, then brightness. Blank pixels stay blank.

    Attributes
    ----------
    flip : bool
        Whether to mirror half of the images. Turn it off where handedness is a class.
    rotate : bool
        Whether to turn by any angle.
    zoom : float
        Largest factor of enlargement or reduction, at least 1.
    shift : float
        Largest shift along each axis, as a share of the side.
    noise : float
        Largest rms of white noise added, in units of the images.
    gain, offset : float
        Largest relative change of brightness, and of level in units of the images.
    blur : float
        Largest sigma of a Gaussian blur in pixels; half of the images stay sharp.
    jitter : float
        Largest relative change of contrast, and of the brightness of each band on its own.
    """

    flip: bool = True
    rotate: bool = True
    zoom: float = 1.15
    shift: float = 0.06
    noise: float = 0.0
    gain: float = 0.1
    offset: float = 0.0
    blur: float = 0.0
    jitter: float = 0.0

    def __post_init__(self):
        check_number('zoom', self.zoom, minimum=1)
        for name in ('shift', 'noise', 'gain', 'offset', 'blur', 'jitter'):
            check_number(name, getattr(self, name), minimum=0)

    def __call__(self, images, generator=None):
        """
        Change every image of a batch in its own way.

        Parameters
        ----------
        images : `torch.Tensor`
            Shape ``(n, n_channels, ny, nx)``; NaN is blank sky.
        generator : `torch.Generator`, optional
            Source of chance, on the CPU, so that every device draws the same.

        Returns
        -------
        changed : `torch.Tensor`
            Same shape.
        """
        images = self._move(images, generator)
        if self.blur:
            images = _blur(images, self.blur, generator)
        draw = _Draws(images, generator)
        if self.gain:
            images = images * (1 + self.gain * draw.signed())
        if self.offset:
            images = images + self.offset * draw.signed()
        if self.jitter:
            level = images.nanmean(dim=(1, 2, 3), keepdim=True)
            images = level + (images - level) * (1 + self.jitter * draw.signed())
            images = images * (1 + self.jitter * draw.signed(images.shape[1]))
        if self.noise:
            images = images + self.noise * draw.uniform() * draw.normal()
        return images

    def _move(self, images, generator):
        n, side = len(images), images.shape[-1]
        draw = _Draws(images, generator)
        angle = 2 * math.pi * draw.uniform() if self.rotate else 0 * draw.uniform()
        scale = torch.exp(math.log(self.zoom) * draw.signed())
        mirror = 1 - 2 * (draw.uniform() < 0.5).float() if self.flip else 1.0
        shift = 2 * self.shift * draw.signed(2)[:, :, 0, 0]
        cos, sin = (scale * torch.cos(angle))[:, 0, 0, 0], (scale * torch.sin(angle))[:, 0, 0, 0]
        mirror = (mirror * torch.ones_like(scale))[:, 0, 0, 0]
        aspect = images.shape[-2] / side
        rows = [mirror * cos, -mirror * sin * aspect, shift[:, 0],
                sin / aspect, cos, shift[:, 1]]
        theta = torch.stack(rows, dim=1).reshape(n, 2, 3)
        grid = F.affine_grid(theta, images.shape, align_corners=False)
        # Beyond the edge the edge goes on: it is sky, of the level of the sky.
        options = {'mode': 'bilinear', 'padding_mode': 'border', 'align_corners': False}
        blank = ~torch.isfinite(images)
        if not blank.any():
            return F.grid_sample(images, grid, **options)
        moved = F.grid_sample(images.masked_fill(blank, 0), grid, **options)
        seen = F.grid_sample((~blank).to(images.dtype), grid, **options)
        return torch.where(seen > 0.5, moved / seen.clamp(min=0.5), torch.nan)


class _Draws:
    """Random numbers, one an image, drawn on the CPU and sent to the images."""

    def __init__(self, images, generator):
        self._images, self._generator = images, generator

    def uniform(self, n_values=1):
        shape = (len(self._images), n_values, 1, 1)
        return torch.rand(shape, generator=self._generator).to(self._images)

    def signed(self, n_values=1):
        return 2 * self.uniform(n_values) - 1

    def normal(self):
        return torch.randn(self._images.shape, generator=self._generator).to(self._images)


def _blur(images, largest, generator):
    """Blur each image by a Gaussian of its own, as a product of two lines."""
    sigma = largest * (2 * _Draws(images, generator).uniform()[:, 0, 0, 0] - 1).clamp(min=1e-3)
    reach = max(1, math.ceil(2.5 * largest))
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None])**2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(images.shape[1], dim=0)
    blank = ~torch.isfinite(images)
    if not blank.any():
        return _convolve(images, kernel)
    seen = _convolve((~blank).to(images.dtype), kernel).clamp(min=1e-6)
    return (_convolve(images.masked_fill(blank, 0), kernel) / seen).masked_fill(blank, torch.nan)


def _convolve(images, kernel):
    """Convolve every channel with its own kernel along both axes."""
    reach = kernel.shape[1] // 2
    n, n_channels, ny, nx = images.shape
    stacked = images.reshape(1, n * n_channels, ny, nx)
    for pad, shape in (((0, 0, reach, reach), (-1, 1, 2 * reach + 1, 1)),
                       ((reach, reach, 0, 0), (-1, 1, 1, 2 * reach + 1))):
        stacked = F.conv2d(F.pad(stacked, pad, mode='replicate'), kernel.reshape(shape),
                           groups=n * n_channels)
    return stacked.reshape(images.shape)


#: Augmentations by name.
AUGMENTATIONS = {
    'none': None,
    'sky': ImageAugmentation(),
    'sky-parity': ImageAugmentation(flip=False),  # where a mirror image is another class
    # PAPER 77: blur, contrast and colour jitter, no flips or rotations.
    'photometric': ImageAugmentation(flip=False, rotate=False, zoom=1.0, shift=0.0, gain=0.2,
                                     blur=1.0, jitter=0.2),
}
