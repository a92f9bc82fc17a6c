"""Where each block and head of a transformer looks."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ..utils import InputError

__all__ = ['AttentionMaps', 'attention_maps']

QUERIES = ('cls', 'mean')


@dataclass(frozen=True, eq=False)
class AttentionMaps:
    """
    Attention of one query to the patches of one image, in every block and head.

    Attributes
    ----------
    maps : 4D `~numpy.ndarray` of float32
        Shape ``(n_blocks, n_heads, ny, nx)``. With the prefix tokens each map adds up to 1.
    image : 2D `~numpy.ndarray`
        The image as the network saw it, mean of its channels.
    patch_size : int
        Pixels along the side of a patch.
    query : str
        Who looks: ``'cls'`` or ``'mean'``.
    backbone : str
        Name of the network.
    """

    maps: np.ndarray
    image: np.ndarray
    patch_size: int
    query: str
    backbone: str

    @property
    def n_blocks(self):
        """Number of blocks."""
        return self.maps.shape[0]

    @property
    def n_heads(self):
        """Number of heads in a block."""
        return self.maps.shape[1]

    @property
    def extent(self):
        """Left, right, bottom and top edge of the maps in pixels of the image."""
        ny, nx = self.maps.shape[2:]
        return (-0.5, nx * self.patch_size - 0.5, -0.5, ny * self.patch_size - 0.5)


def attention_maps(backbone, images, *, query='auto'):
    """
    Compute the attention maps of images, every block and head.

    Parameters
    ----------
    backbone : Backbone
        A vision transformer.
    images : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``, as the backbone takes them.
    query : {'auto', 'cls', 'mean'}, optional
        Whose attention: that of the class token, or the mean of all patches, which is the
        attention that each patch receives. ``'auto'`` takes the class token where there is
        one.

    Returns
    -------
    maps : list of AttentionMaps
        One an image.

    Raises
    ------
    InputError
        If the backbone has no attention, or no class token to ask.
    """
    spec = backbone.spec
    query = _check_query(spec, query)
    found = []
    for image in images:  # one by one: all blocks and heads of a large image fill memory
        rows = []
        with _recording(backbone, rows, image.shape[-2:], query), torch.inference_mode():
            backbone(image[None])
        if not rows:
            raise InputError(f'{spec.name} ({spec.architecture}) has no attention that could be '
                             'drawn; vision transformers have')
        grid = spec.grid_shape(image.shape[-2:])
        maps = torch.stack(rows).reshape(len(rows), -1, *grid)
        found.append(AttentionMaps(maps.float().cpu().numpy(), image.mean(dim=0).cpu().numpy(),
                                   spec.patch_size, query, spec.name))
    return found


def _check_query(spec, query):
    if query == 'auto':
        return 'cls' if spec.n_prefix else 'mean'
    if query not in QUERIES:
        raise InputError(f"unknown query {query!r}; choose from auto, {', '.join(QUERIES)}")
    if query == 'cls' and not spec.n_prefix:
        raise InputError(f"{spec.name} has no class token whose attention could be drawn; use "
                         "query='mean'")
    return query


@contextmanager
def _recording(backbone, rows, shape, query):
    """Let every attention of the network leave the row that is asked for in ``rows``."""
    ny, nx = backbone.spec.grid_shape(shape)
    n_prefix = backbone.spec.n_prefix

    def keep(attention):
        if attention.shape[0] != 1 or attention.shape[-1] != n_prefix + ny * nx:
            raise InputError(f'{backbone.spec.name} attends in windows, which make no map of the '
                             'image')
        asked = attention[0, :, 0] if query == 'cls' else attention[0, :, n_prefix:].mean(dim=1)
        rows.append(asked[:, n_prefix:])

    record = _record_timm if backbone.spec.library == 'timm' else _record_transformers
    if backbone.spec.library not in {'timm', 'transformers'}:
        yield
        return
    with record(backbone.model, keep):
        yield


@contextmanager
def _record_timm(model, keep):
    """Hook the dropout through which the weights pass once attention is not fused."""
    touched, handles = [], []
    for name, module in model.named_modules():
        if hasattr(module, 'fused_attn') and hasattr(module, 'attn_drop') and (
                'blocks.' in f'{name}.'):
            touched.append((module, module.fused_attn))
            module.fused_attn = False
            handles.append(module.attn_drop.register_forward_pre_hook(
                lambda _, given: keep(given[0])))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, fused in touched:
            module.fused_attn = fused


@contextmanager
def _record_transformers(model, keep):
    """Hook the attention modules, which hand out their weights when computed eagerly."""
    before = getattr(model.config, '_attn_implementation', None)
    handles = [module.register_forward_hook(lambda _, __, output: _keep_weights(output, keep))
               for module in model.modules() if _is_attention(module)
               and not any(map(_is_attention, list(module.modules())[1:]))]
    try:
        if handles:
            model.set_attn_implementation('eager')
        yield
    finally:
        for handle in handles:
            handle.remove()
        if handles and before is not None:
            model.set_attn_implementation(before)


def _is_attention(module):
    return type(module).__name__.endswith('Attention')


def _keep_weights(output, keep):
    """Weights are the second result, ``(n, n_heads, n_tokens, n_tokens)``."""
    if isinstance(output, tuple) and len(output) > 1 and getattr(output[1], 'ndim', 0) == 4:
        keep(output[1])
