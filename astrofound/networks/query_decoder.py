"""Decoder that moves boxes in pixels, whatever the size of the tile that they lie in."""

import math

import torch
from torch import nn
from torchvision.ops import MLP
from transformers import RTDetrV2Config
from transformers.models.rt_detr_v2.modeling_rt_detr_v2 import RTDetrV2Decoder

__all__ = ['QueryDecoder', 'move_boxes']

_MOST = math.log(1000 / 16)  # largest growth of a side in one step, as in torchvision
_N_WAVES = 8                 # of each coordinate
_LONGEST = 64                # wave, in units of the typical side


class QueryDecoder(RTDetrV2Decoder):
    """
    Layers of RT-DETRv2 [1]_ with boxes that move in units of their own size, as in LW-DETR [2]_.

    The original moves the logits of coordinates in 0..1, so that the same answer is another
    number of pixels in the middle of a tile than at its edge, and another in a larger tile.

    Parameters
    ----------
    width, n_classes : int
        Channels of queries and maps, and classes besides the background.
    n_levels : int
        Maps that queries look at.
    n_layers, n_points, head_width : int
        As in `QueryOptions`.
    unit : float
        Typical side of a box in pixels, in which places are told to the layers.

    References
    ----------
    .. [1] Lv et al. 2024, RT-DETRv2, arXiv:2407.17140.
    .. [2] Chen et al. 2024, LW-DETR, arXiv:2406.03459.
    """

    def __init__(self, width, n_classes, *, n_levels, n_layers, n_points, head_width, unit):
        super().__init__(RTDetrV2Config(
            d_model=width, num_labels=n_classes, num_feature_levels=n_levels,
            decoder_n_levels=n_levels, decoder_layers=n_layers, decoder_ffn_dim=head_width,
            decoder_n_points=n_points, decoder_attention_heads=count_heads(width),
            encoder_hidden_dim=width))
        self.unit = unit
        self.query_pos_head = MLP(4 * _N_WAVES + 2, [width, width])
        self.class_embed = nn.ModuleList(nn.Linear(width, n_classes) for _ in range(n_layers))
        self.bbox_embed = nn.ModuleList(MLP(width, [width, width, 4]) for _ in range(n_layers))
        for name, module in self.named_modules():  # as in the original code
            if isinstance(module, nn.Linear) and not name.endswith(
                    ('sampling_offsets', 'attention_weights')):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, queries, boxes, memory, shapes, size, mask=None):
        """
        Move and score boxes layer by layer.

        Parameters
        ----------
        queries : `torch.Tensor`
            ``(n, n_queries, width)``.
        boxes : `torch.Tensor`
            ``(n, n_queries, 4)`` of float32: centres and sides in pixels.
        memory : `torch.Tensor`
            ``(n, n_cells, width)``, the maps as one sequence.
        shapes : list of tuple
            Rows and columns of each map.
        size : `torch.Tensor`
            Width, height, width and height of the tile in pixels.
        mask : `torch.Tensor`, optional
            What is added to how much queries heed each other.

        Returns
        -------
        logits, boxes : list of `torch.Tensor`
            Of each layer, in float32 under mixed precision too.
        """
        all_logits, all_boxes = [], []
        sides = torch.tensor(shapes, device=queries.device)
        for layer, score, move in zip(self.layers, self.class_embed, self.bbox_embed, strict=True):
            queries = layer(
                queries, object_queries_position_embeddings=self.query_pos_head(
                    embed_places(boxes / self.unit)),
                encoder_hidden_states=memory, reference_points=(boxes / size).unsqueeze(2),
                spatial_shapes=sides, spatial_shapes_list=shapes, encoder_attention_mask=mask)
            moved = move_boxes(boxes, move(queries))
            all_logits.append(score(queries).float())
            all_boxes.append(moved)
            boxes = moved.detach()
        return all_logits, all_boxes


def move_boxes(boxes, steps):
    """
    Move boxes by shares of their sides, and stretch them.

    Parameters
    ----------
    boxes : `torch.Tensor`
        ``(..., 4)`` centres and sides.
    steps : `torch.Tensor`
        Same shape: shifts over sides, and logarithms of factors.

    Returns
    -------
    boxes : `torch.Tensor`
        Same shape, in float32: bfloat16 knows only every second pixel from 256 on.
    """
    boxes, steps = boxes.float(), steps.float()
    return torch.cat([boxes[..., :2] + steps[..., :2] * boxes[..., 2:],
                      boxes[..., 2:] * steps[..., 2:].clamp(max=_MOST).exp()], dim=-1)


def embed_places(boxes):
    """
    Describe boxes by waves, of which differences of places can be read.

    Parameters
    ----------
    boxes : `torch.Tensor`
        ``(..., 4)`` centres and sides in typical sides.

    Returns
    -------
    places : `torch.Tensor`
        Sines and cosines of the centre, and logarithms of the sides.
    """
    waves = 2 * torch.logspace(0, math.log2(_LONGEST / 2), _N_WAVES, base=2, device=boxes.device)
    phases = (boxes[..., :2, None] * (2 * math.pi / waves)).flatten(-2)
    return torch.cat([phases.sin(), phases.cos(), boxes[..., 2:].clamp(min=1e-3).log()], dim=-1)


def count_heads(width):
    """
    Choose the heads of an attention.

    Parameters
    ----------
    width : int
        Channels.

    Returns
    -------
    n_heads : int
        Eight, or as many as leave each a power of two of channels.
    """
    wanted = max(4, 2**int(math.log2(max(1, width / 8))))
    return width // min(width & -width, wanted)
