"""Faster R-CNN over any backbone."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import initLevelMapper

from astrofound.utils import check_number

from .anchors import PlannedAnchors
from .box_network import BoxNetwork, BoxOptions, PadImages
from .ignoring import IgnoringHeads, IgnoringProposals

__all__ = ['FasterRcnn', 'RcnnOptions']


@dataclass(frozen=True, kw_only=True)
class RcnnOptions(BoxOptions):
    """
    Shape of a Faster R-CNN.

    Attributes
    ----------
    anchors, width, head_width, n_detections, score_min, extra_level, last_only, normalized, window
        As for `BoxOptions`.
    n_proposals : int
        Most proposals of a tile that are judged.
    n_samples : int
        Proposals of a tile that the heads learn from, a quarter of them sources.
    nms_iou : float
        Of two detections of a class that overlap more, the surer stays.
    """

    head: ClassVar[str] = 'rcnn'

    n_proposals: int = 1000
    n_samples: int = 512
    nms_iou: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        for name in ('n_proposals', 'n_samples'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        check_number('nms_iou', self.nms_iou, minimum=0, maximum=1)


class FasterRcnn(BoxNetwork, GeneralizedRCNN):
    """
    Faster R-CNN that knows blank sky and regions to be ignored.

    Parameters
    ----------
    pyramid : FeaturePyramid
        Backbone and pyramid.
    n_classes : int
        Classes besides the background.
    options : RcnnOptions
        With anchors.

    Raises
    ------
    InputError
        If the anchors do not fit the pyramid.
    """

    def __init__(self, pyramid, n_classes, options):
        n_levels = len(pyramid.strides)
        plan = options.check_anchors(n_levels)
        n_maps = n_levels - options.extra_level
        width = pyramid.out_channels
        rpn = IgnoringProposals(
            plan.levels, PlannedAnchors(plan), RPNHead(width, len(plan.shapes[0])),
            fg_iou_thresh=0.7, bg_iou_thresh=0.3, batch_size_per_image=256,
            positive_fraction=0.5,
            pre_nms_top_n={'training': 2 * options.n_proposals, 'testing': options.n_proposals},
            post_nms_top_n={'training': 2 * options.n_proposals, 'testing': options.n_proposals},
            nms_thresh=0.7)
        pooler = _Pooler(pyramid.strides[:n_maps])
        heads = IgnoringHeads(
            pooler, TwoMLPHead(width * pooler.output_size[0]**2, options.head_width),
            FastRCNNPredictor(options.head_width, n_classes + 1),
            fg_iou_thresh=0.5, bg_iou_thresh=0.5, batch_size_per_image=options.n_samples,
            positive_fraction=0.25, bbox_reg_weights=None, score_thresh=options.score_min,
            nms_thresh=options.nms_iou, detections_per_img=options.n_detections)
        for part in (rpn, heads):
            part.box_coder = _ExactCoder(part.box_coder.weights)
        super().__init__(pyramid, rpn, heads, PadImages(pyramid.strides[-1]))
        self.n_classes, self.options = n_classes, options

    @property
    def head_modules(self):
        """What is not the backbone: pyramid, proposals and heads."""
        return nn.ModuleList([self.backbone.neck, self.rpn, self.roi_heads])

    def allow(self, factor):
        """
        Let a tile have more sources than one of the training.

        Parameters
        ----------
        factor : float
            Its area in units of theirs.
        """
        n_proposals = math.ceil(factor * self.options.n_proposals)
        self.roi_heads.detections_per_img = math.ceil(factor * self.options.n_detections)
        self.rpn._post_nms_top_n['testing'] = n_proposals
        self.rpn._pre_nms_top_n['testing'] = n_proposals

    @property
    def n_allowed(self):
        """Most detections of a tile."""
        return self.roi_heads.detections_per_img


class _ExactCoder(BoxCoder):
    """Places boxes in float32: bfloat16 knows only even pixels from 256 on."""

    def decode_single(self, rel_codes, boxes):
        return super().decode_single(rel_codes.float(), boxes)


class _Pooler(MultiScaleRoIAlign):
    """RoIAlign that is told the strides instead of rounding them to powers of two."""

    def __init__(self, strides):
        super().__init__([str(index) for index in range(len(strides))], 7, 2)
        self.scales = [1 / stride for stride in strides]
        finest = round(math.log2(strides[0]))
        self.map_levels = initLevelMapper(finest, finest + len(strides) - 1)
