"""Detector whose queries each look for one source, so that nothing has to be suppressed."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torchvision.ops import MLP, box_convert
from transformers.models.rt_detr_v2.modeling_rt_detr_v2 import (
    get_contrastive_denoising_training_group,
)

from astrofound.utils import check_number

from .anchors import PlannedAnchors
from .box_network import BoxNetwork, BoxOptions, PadImages
from .query_decoder import QueryDecoder, move_boxes
from .query_losses import query_losses, to_units

__all__ = ['QueryNetwork', 'QueryOptions']

_PRIOR = 0.01    # score of a query that knows nothing
_BEHIND = 100.0  # by which a cell with a better neighbour ranks lower


@dataclass(frozen=True, kw_only=True)
class QueryOptions(BoxOptions):
    """
    Shape of a detector with queries.

    Attributes
    ----------
    anchors, width, head_width, n_detections, score_min, extra_level, last_only, normalized, window
        As for `BoxOptions`; ``n_detections`` is the number of queries, and ``anchors`` has one
        shape a level.
    n_layers : int
        Layers of the decoder, each of which refines boxes and scores.
    n_points : int
        Points of a map that a query looks at, for each head and level.
    n_denoising : int
        Spoilt true boxes of a tile that the decoder learns to mend in training.
    """

    head: ClassVar[str] = 'query'

    n_layers: int = 3
    n_points: int = 4
    n_denoising: int = 100

    def __post_init__(self):
        super().__post_init__()
        for name in ('n_layers', 'n_points'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        check_number('n_denoising', self.n_denoising, minimum=0, integer=True)


class QueryNetwork(BoxNetwork):
    """
    Decoder of RT-DETRv2 [1]_ on the pyramid of a backbone.

    Every cell of the pyramid proposes its anchor, moved and scored; as in DETA [3]_ the several
    that overlap a source best all learn it. The best proposals become queries, those beside a
    better one last; they look at each other and at places of the maps, layer by layer, of which
    the last gives each source to one. As in LW-DETR [2]_ there is no encoder between backbone and
    decoder, and boxes move in units of their own sides, so that tiles of any size are alike.

    Parameters
    ----------
    pyramid : FeaturePyramid
        Backbone and pyramid.
    n_classes : int
        Classes besides the background.
    options : QueryOptions
        With anchors.

    Raises
    ------
    InputError
        If the anchors do not fit the pyramid.

    References
    ----------
    .. [1] Lv et al. 2024, RT-DETRv2: Improved Baseline with Bag-of-Freebies for Real-Time
       Detection Transformer, arXiv:2407.17140.
    .. [2] Chen et al. 2024, LW-DETR: A Transformer Replacement to YOLO for Real-Time
       Detection, arXiv:2406.03459.
    .. [3] Ouyang-Zhang et al. 2022, NMS Strikes Back, arXiv:2212.06137.
    """

    is_local = False  # queries look at each other, and only the best of a tile are asked

    def __init__(self, pyramid, n_classes, options):
        super().__init__()
        width, n_levels = pyramid.out_channels, len(pyramid.strides)
        self.plan = options.check_anchors(n_levels)
        self.backbone, self.transform = pyramid, PadImages(pyramid.strides[-1])
        self.n_classes, self.options = n_classes, options
        self._n_queries = options.n_detections
        self.anchors = PlannedAnchors(self.plan)
        self.enter = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))
        self.score = nn.Linear(width, n_classes)
        self.move = MLP(width, [width, width, 4])
        self.class_names = nn.Embedding(n_classes + 1, width, padding_idx=n_classes)
        self.decoder = QueryDecoder(
            width, n_classes, n_levels=n_levels, n_layers=options.n_layers,
            n_points=options.n_points, head_width=options.head_width, unit=_typical(self.plan))
        for layer in (self.score, *self.decoder.class_embed):
            nn.init.constant_(layer.bias, -math.log(1 / _PRIOR - 1))
        for layers in (self.move, *self.decoder.bbox_embed):
            last = [module for module in layers if isinstance(module, nn.Linear)][-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    @property
    def head_modules(self):
        """What is not the backbone: pyramid, proposals and decoder."""
        return nn.ModuleList([self.backbone.neck, self.enter, self.score, self.move,
                              self.class_names, self.decoder])

    def allow(self, factor):
        """
        Let a tile have more sources than one of the training.

        Parameters
        ----------
        factor : float
            Its area in units of theirs.
        """
        self._n_queries = math.ceil(factor * self.options.n_detections)

    @property
    def n_allowed(self):
        """Most detections of a tile, the number of queries."""
        return self._n_queries

    def forward(self, images, targets=None):
        """
        Learn from images or find sources in them.

        Parameters
        ----------
        images : list of `torch.Tensor`
            ``(n_channels, ny, nx)``.
        targets : list of dict, optional
            ``boxes``, ``labels`` from 1 on, and ``ignore``; needed in training.

        Returns
        -------
        result : dict of str to `torch.Tensor` or list of dict
            Losses in training, else ``boxes``, ``labels`` and ``scores`` of each image.
        """
        batch, _ = self.transform(images)
        maps = list(self.backbone(batch.tensors).values())
        size = batch.tensors.new_tensor(batch.tensors.shape[-2:][::-1]).repeat(2)
        cells = self._judge_cells(batch, maps)
        queries, boxes = self._choose(cells, maps)
        mask = notes = None
        if self.training:
            queries, boxes, mask, notes = self._spoil(targets, queries, boxes, size)
        logits, boxes = self.decoder(queries, boxes, _flatten(maps),
                                     [tuple(level.shape[-2:]) for level in maps], size, mask)
        if self.training:
            return query_losses(self.decoder, logits, boxes, cells, notes, targets)
        return [_found(*one, self.options.score_min, self._n_queries) for one in zip(
            logits[-1].sigmoid(), boxes[-1], batch.image_sizes, strict=True)]

    def _judge_cells(self, batch, maps):
        """Anchor, features, score and moved anchor of every cell that has one."""
        own = [maps[level] for level in self.plan.levels]
        anchors = box_convert(self.anchors(batch, own)[0], 'xyxy', 'cxcywh')
        memory = self.enter(_flatten(own))
        return {'anchors': anchors, 'memory': memory, 'logits': self.score(memory).float(),
                'boxes': move_boxes(anchors.expand(len(memory), -1, -1), self.move(memory))}

    @torch.no_grad()
    def _choose(self, cells, maps):
        """Begin queries at the best cells, those that a better one lies beside coming last."""
        scores = cells['logits'].amax(dim=-1)
        start, ranks = 0, []
        for level in self.plan.levels:
            shape = maps[level].shape[-2:]
            own = scores[:, start:start + shape.numel()].unflatten(1, shape)
            best = nn.functional.max_pool2d(own, 3, 1, 1)
            ranks.append((own - _BEHIND * (own < best)).flatten(1))
            start += shape.numel()
        rank = torch.cat(ranks, dim=1)
        chosen = rank.topk(min(self._n_queries, rank.shape[1]), dim=1).indices[..., None]
        return [values.detach().gather(1, chosen.expand(-1, -1, values.shape[-1]))
                for values in (cells['memory'], cells['boxes'])]

    def _spoil(self, targets, queries, boxes, size):
        """Put true boxes with wrong places and classes before the queries, behind a mask."""
        names, places, mask, notes = get_contrastive_denoising_training_group(
            to_units(targets, size), self.n_classes, queries.shape[1], self.class_names,
            num_denoising_queries=self.options.n_denoising)
        if notes is None:
            return queries, boxes, None, None
        return (torch.cat([names, queries], dim=1),
                torch.cat([places.float().sigmoid() * size, boxes], dim=1), mask, notes)


def _typical(plan):
    """Geometric mean of the sides of anchors."""
    sides = [side for level in plan.shapes for shape in level for side in shape]
    return math.exp(sum(map(math.log, sides)) / len(sides))


def _flatten(maps):
    """Maps as one sequence of cells, level by level."""
    return torch.cat([level.flatten(2).transpose(1, 2) for level in maps], dim=1)


def _found(scores, boxes, shape, score_min, n_most):
    """The surest pairs of box and class of an image; boxes are cut at its edges."""
    n_classes = scores.shape[1]
    best, place = scores.flatten().topk(min(n_most, scores.numel()))
    kept = best > score_min
    best, place = best[kept], place[kept]
    edges = box_convert(boxes, 'cxcywh', 'xyxy')[place // n_classes]
    limits = edges.new_tensor(shape[::-1]).repeat(2)
    return {'boxes': torch.minimum(edges.clamp(min=0), limits),
            'labels': place % n_classes + 1, 'scores': best}
