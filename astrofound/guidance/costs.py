"""What a candidate costs in time and memory, before it is run."""

import time
from dataclasses import dataclass
from functools import lru_cache

from astrofound.training.strategies import StrategyOptions, make_recipe
from astrofound.utils import resolve_device

__all__ = ['Cost', 'estimate_cost', 'forward_flops', 'measure_speed']

_CONVOLUTIONS = 3.6   # their early maps are larger than the last: 3.3 to 4.0 for those listed
_BYTES = 4            # of a number in single precision
_BATCH, _BATCH_EMBED = 64, 16


@dataclass(frozen=True)
class Cost:
    """
    Time and memory of one fit.

    Parameters
    ----------
    seconds : float
        On the device it was asked for.
    n_bytes : float
        Memory of network and activations.
    how : str
        What was multiplied.
    """

    seconds: float
    n_bytes: float
    how: str

    def __str__(self):
        return f'about {_readable(self.seconds)}, {self.n_bytes / 1e9:.1f} GB'


def estimate_cost(spec, strategy, *, image_size, n_images, device='auto', speed=None):
    """
    Estimate what fitting a classifier costs.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.
    strategy : str
        ``'frozen'``, ``'finetune'``, ``'lora'``, ``'scratch'`` or ``'semi'``.
    image_size : int
        Side of the images in pixels.
    n_images : int
        Training images.
    device : str, optional
        Where it would run.
    speed : float, optional
        Operations a second; by default measured there by multiplying matrices.

    Returns
    -------
    cost : Cost
        Seconds for the whole fit, without reading images and fitting the head. Expect it to be
        right within a factor of two or three.
    """
    speed = measure_speed(str(resolve_device(device))) if speed is None else speed
    flops = forward_flops(spec, image_size)
    weights = spec.n_parameters * _BYTES
    if strategy == 'frozen':
        passes, said = 1, 'one pass'
        n_bytes = weights + _BATCH_EMBED * 0.2 * _activations(spec, image_size, flops)
    else:
        recipe = make_recipe(StrategyOptions(strategy=strategy), spec)
        epochs, head_only = recipe.n_epochs, recipe.unfreeze_after
        head_only = head_only if strategy in ('finetune', 'semi') else 0
        # backwards costs twice the forward pass, and once where weights take no gradient
        passes = head_only + (2 if strategy == 'lora' else 3) * (epochs - head_only)
        said = f'{epochs} epochs'
        n_bytes = (weights * (1 if strategy == 'lora' else 4)  # gradients, two moments of Adam
                   + _BATCH * _activations(spec, image_size, flops))
    how = (f'{n_images} images x {said} x {flops / 1e9:.2g} GFLOP forward, at '
           f'{speed / 1e9:.0f} GFLOP/s as this machine multiplies matrices')
    return Cost(n_images * passes * flops / speed, n_bytes, how)


def forward_flops(spec, image_size):
    """
    Estimate the operations of one forward pass.

    Every weight of a transformer meets every token; its attention adds a term that grows with
    the square of their number.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.
    image_size : int
        Side of the image in pixels.

    Returns
    -------
    flops : float
        Within a fifth of what torch counts, for the backbones of the paper.
    """
    n_tokens = (image_size / spec.patch_size) ** 2 + spec.n_prefix
    flops = 2 * spec.n_parameters * n_tokens * (1 + n_tokens / (6 * spec.n_features))
    return flops * (1 if is_transformer(spec) else _CONVOLUTIONS)


def is_transformer(spec):
    """
    Tell transformers from convolutional networks.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.

    Returns
    -------
    answer : bool
        Whether it looks at patches.
    """
    return spec.n_prefix > 0 or 'ViT' in spec.architecture or 'siglip' in spec.model


@lru_cache(maxsize=8)
def measure_speed(device):
    """
    Measure how fast a device multiplies matrices of the size of a ViT-B's.

    Parameters
    ----------
    device : str
        Name of a torch device.

    Returns
    -------
    speed : float
        Operations a second, the best of three.
    """
    import torch

    one = torch.ones(788, 768, device=device)       # four images of 197 tokens
    two = torch.ones(768, 3072, device=device)
    repeats = 4 if device == 'cpu' else 200
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(repeats):
            product = one @ two
        float(product[0, 0])                        # waits for the device
        best = max(best, repeats * 2 * 788 * 768 * 3072 / (time.perf_counter() - started))
    return best


def _activations(spec, image_size, flops):
    """Bytes that one image leaves behind for the backward pass, in single precision."""
    if not is_transformer(spec):
        return flops * 0.016   # ResNet-50 at 224 pixels: 130 MB
    n_tokens = (image_size / spec.patch_size) ** 2 + spec.n_prefix
    depth = max(1, spec.n_parameters / (12 * spec.n_features ** 2))
    return 68 * n_tokens * spec.n_features * depth  # Korthikanti et al. 2023, without attention


def _readable(seconds):
    for limit, divisor, unit in ((90, 1, 's'), (5400, 60, 'min'), (172_800, 3600, 'h')):
        if seconds < limit:
            return f'{max(1, round(seconds / divisor))} {unit}'
    return f'{seconds / 86_400:.0f} days'
