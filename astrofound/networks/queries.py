"""Detector whose queries each look for one source, so that nothing has to be suppressed."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torchvision.ops import MLP, box_convert
from transformers import RTDetrV2Config
from transformers.loss.loss_rt_detr import RTDetrLoss
from transformers.models.rt_detr_v2.modeling_rt_detr_v2 import (
    RTDetrV2Decoder,
    get_contrastive_denoising_training_group,
)

from astrofound.utils import check_number

from .anchors import PlannedAnchors
from .box_network import BoxNetwork, BoxOptions, PadImages
from .ignoring import SHARE_IGNORED, share_inside

__all__ = ['QueryNetwork', 'QueryOptions']

_PRIOR = 0.01     # score of a query that knows nothing
_SLACK = 1e-4     # coordinates keep so far from 0 and 1, where logits end
_SILENT = -50.0   # logit of which a loss takes no notice


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

    Every cell of the pyramid proposes its anchor, moved and scored; the best proposals become
    queries, which look at each other and at places of the maps, layer by layer. As in LW-DETR
    [2]_ there is no encoder between backbone and decoder.

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
        self.decoder = RTDetrV2Decoder(RTDetrV2Config(
            d_model=width, num_labels=n_classes, num_feature_levels=n_levels,
            decoder_n_levels=n_levels, decoder_layers=options.n_layers,
            decoder_ffn_dim=options.head_width, decoder_n_points=options.n_points,
            decoder_attention_heads=_n_heads(width), encoder_hidden_dim=width))
        self.decoder.class_embed = nn.ModuleList(
            nn.Linear(width, n_classes) for _ in range(options.n_layers))
        self.decoder.bbox_embed = nn.ModuleList(
            MLP(width, [width, width, 4]) for _ in range(options.n_layers))
        self._start()

    def _start(self):
        """Random weights as in the original code, which those of transformers are not."""
        for name, module in self.decoder.named_modules():
            if isinstance(module, nn.Linear) and not name.endswith(
                    ('sampling_offsets', 'attention_weights')):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
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
        truth = _relative(targets, size) if self.training else None
        proposals, queries, references = self._propose(batch, maps, size)
        spoilt, mask, notes = self._spoil(truth, queries.shape[1]) if truth else (None, None, None)
        if notes is not None:
            queries, references = (torch.cat(pair, dim=1) for pair in zip(
                spoilt, (queries, references), strict=True))
        shapes = [tuple(level.shape[-2:]) for level in maps]
        decoded = self.decoder(
            inputs_embeds=queries, encoder_hidden_states=_flatten(maps),
            encoder_attention_mask=mask, reference_points=references, spatial_shapes_list=shapes,
            spatial_shapes=torch.tensor(shapes, device=queries.device))
        logits = decoded.intermediate_logits.float()
        boxes = decoded.intermediate_reference_points.float()
        if self.training:
            return self._losses(logits, boxes, proposals, notes, truth)
        return [_found(*one, shape, self.options.score_min, self._n_queries) for one, shape in zip(
            zip(logits[:, -1].sigmoid(), boxes[:, -1] * size, strict=True), batch.image_sizes,
            strict=True)]

    def _propose(self, batch, maps, size):
        """Scores and boxes of the best cells, and the queries that begin there."""
        own = [maps[level] for level in self.plan.levels]
        anchors = box_convert(self.anchors(batch, own)[0], 'xyxy', 'cxcywh') / size
        memory = self.enter(_flatten(own))
        scores = self.score(memory)
        boxes = self.move(memory) + torch.logit(anchors.clamp(_SLACK, 1 - _SLACK))
        best = scores.amax(dim=-1).topk(min(self._n_queries, scores.shape[1]), dim=1).indices
        scores, boxes, queries = (
            values.gather(1, best[..., None].expand(-1, -1, values.shape[-1]))
            for values in (scores, boxes, memory))
        proposals = {'logits': scores.float(), 'pred_boxes': boxes.float().sigmoid()}
        return proposals, queries.detach(), boxes.detach()

    def _spoil(self, truth, n_queries):
        """True boxes with wrong places and classes as further queries, behind a mask."""
        names, boxes, mask, notes = get_contrastive_denoising_training_group(
            truth, self.n_classes, n_queries, self.class_names,
            num_denoising_queries=self.options.n_denoising)
        return (names, boxes), mask, notes

    def _losses(self, logits, boxes, proposals, notes, truth):
        outputs = [{'logits': own, 'pred_boxes': places} for own, places in zip(
            logits.unbind(1), boxes.unbind(1), strict=True)]
        spoilt = {}
        if notes is not None:
            parts = [{name: value.split(notes['dn_num_split'], dim=1)
                      for name, value in layer.items()} for layer in outputs]
            outputs = [{name: pair[1] for name, pair in layer.items()} for layer in parts]
            spoilt = {'denoising_meta_values': notes, 'dn_auxiliary_outputs': [
                {name: pair[0] for name, pair in layer.items()} for layer in parts]}
        if not all(torch.isfinite(layer['pred_boxes']).all() for layer in (*outputs, proposals)):
            return {'loss_boxes': boxes.sum() * torch.nan}  # nothing can be matched
        losses = _OpenLoss(self.decoder.config)(
            {**outputs[-1], 'auxiliary_outputs': [*outputs[:-1], proposals], **spoilt}, truth)
        sums = {'loss_classes': 'loss_vfl', 'loss_boxes': 'loss_bbox', 'loss_overlap': 'loss_giou'}
        return {name: sum(value for key, value in losses.items() if key.startswith(prefix))
                for name, prefix in sums.items()}


class _OpenLoss(RTDetrLoss):
    """Loss that leaves open what lies inside regions to be ignored."""

    def loss_labels_vfl(self, outputs, targets, indices, num_boxes, log=True):
        """Say nothing to unmatched queries whose box lies in such a region."""
        boxes = box_convert(outputs['pred_boxes'].detach(), 'cxcywh', 'xyxy')
        left_open = torch.stack([share_inside(own, target['ignore']) > SHARE_IGNORED
                                 for own, target in zip(boxes, targets, strict=True)])
        left_open[self._get_source_permutation_idx(indices)] = False
        logits = outputs['logits'].masked_fill(left_open[..., None], _SILENT)
        return super().loss_labels_vfl({**outputs, 'logits': logits}, targets, indices, num_boxes,
                                       log)


def _n_heads(width):
    """Heads of an attention: eight, or as many as leave each a power of two of channels."""
    wanted = max(4, 2**int(math.log2(max(1, width / 8))))
    return width // min(width & -width, wanted)


def _flatten(maps):
    """Maps as one sequence of cells, level by level."""
    return torch.cat([level.flatten(2).transpose(1, 2) for level in maps], dim=1)


def _relative(targets, size):
    """Truth as transformers wants it: classes from 0, boxes by centre and size in 0..1."""
    return [{'class_labels': target['labels'] - 1,
             'boxes': box_convert(target['boxes'], 'xyxy', 'cxcywh') / size,
             'ignore': target['ignore'] / size} for target in targets]


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
