"""Faster R-CNN over any backbone."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import initLevelMapper

from astrofound.utils import InputError, check_number

from .anchors import AnchorPlan, PlannedAnchors, fit_anchors, usual_anchors
from .ignoring import IgnoringHeads, IgnoringProposals
from .pyramid import FeaturePyramid

__all__ = ['BoxNetwork', 'RcnnOptions', 'build_rcnn', 'plan_anchors']


@dataclass(frozen=True, kw_only=True)
class RcnnOptions:
    """
    Shape of a Faster R-CNN.

    Attributes
    ----------
    anchors : AnchorPlan or None
        What boxes start from; needed to build a network.
    width : int
        Channels of the pyramid.
    head_width : int
        Width of the two layers that judge a proposal.
    n_detections : int
        Most detections of a tile.
    n_proposals : int
        Most proposals of a tile that are judged.
    n_samples : int
        Proposals of a tile that the heads learn from, a quarter of them sources.
    score_min : float
        Detections with a lower raw score are dropped.
    nms_iou : float
        Of two detections of a class that overlap more, the surer stays.
    extra_level : bool
        Whether the pyramid gets a level coarser than the backbone's.
    last_only : bool
        Whether there is no pyramid and only the backbone's last map is used.
    normalized : bool
        Whether images reach the backbone with its mean subtracted and divided by its standard
        deviation, which the paper's code leaves out.
    """

    anchors: AnchorPlan | None = None
    width: int = 256
    head_width: int = 1024
    n_detections: int = 100
    n_proposals: int = 1000
    n_samples: int = 512
    score_min: float = 0.05
    nms_iou: float = 0.5
    extra_level: bool = False
    last_only: bool = False
    normalized: bool = True

    def __post_init__(self):
        for name in ('width', 'head_width', 'n_detections', 'n_proposals', 'n_samples'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        for name in ('score_min', 'nms_iou'):
            check_number(name, getattr(self, name), minimum=0, maximum=1)


class BoxNetwork(GeneralizedRCNN):
    """
    Faster R-CNN that knows blank sky and regions to be ignored.

    Training, it takes a list of images ``(n_channels, ny, nx)`` and a list of targets
    (``boxes``, ``labels`` from 1 on, ``ignore``) and gives losses; otherwise it takes images
    and gives a list of ``boxes``, ``labels`` and ``scores``.

    Parameters
    ----------
    pyramid : FeaturePyramid
        Backbone and pyramid.
    n_classes : int
        Classes besides the background.
    options : RcnnOptions
        With anchors.
    """

    def __init__(self, pyramid, n_classes, options):
        plan, n_levels = options.anchors, len(pyramid.strides)
        if plan is None or max(plan.levels) >= n_levels:
            raise InputError(f"'anchors' must be a plan for the {n_levels} levels of the pyramid")
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
        transform = _Padding(math.ceil(pyramid.strides[-1]))
        super().__init__(pyramid, rpn, heads, transform)
        self.n_classes, self.options = n_classes, options

    @property
    def head_modules(self):
        """What is not the backbone: pyramid, proposals and heads."""
        return nn.ModuleList([self.backbone.neck, self.rpn, self.roi_heads])

    def set_frozen(self, frozen):
        """
        Freeze the backbone or let it learn.

        Parameters
        ----------
        frozen : bool
            Whether no parameter of it may move, and no statistic.
        """
        self.backbone.body.requires_grad_(not frozen)
        self.train(self.training)


class _Pooler(MultiScaleRoIAlign):
    """RoIAlign that is told the strides instead of rounding them to powers of two."""

    def __init__(self, strides):
        super().__init__([str(index) for index in range(len(strides))], 7, 2)
        self.scales = [1 / stride for stride in strides]
        finest = round(math.log2(strides[0]))
        self.map_levels = initLevelMapper(finest, finest + len(strides) - 1)


class _Padding(nn.Module):
    """Images of several shapes as one batch; what is added is blank sky."""

    def __init__(self, multiple):
        super().__init__()
        self.multiple = multiple

    def forward(self, images, targets=None):
        shapes = [tuple(image.shape[-2:]) for image in images]
        ny, nx = (-(-max(sides) // self.multiple) * self.multiple
                  for sides in zip(*shapes, strict=True))
        batch = images[0].new_full((len(images), images[0].shape[0], ny, nx), torch.nan)
        for place, image, shape in zip(batch, images, shapes, strict=True):
            place[:, :shape[0], :shape[1]] = image
        return ImageList(batch, shapes), targets

    def postprocess(self, result, image_shapes, original_image_sizes):
        return result


def build_rcnn(backbone, n_classes, options, *, from_scratch=False, seed=0):
    """
    Build a detector on a backbone.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        What gives the maps; becomes part of the network.
    n_classes : int
        Classes besides the background.
    options : RcnnOptions
        Shape of the rest.
    from_scratch : bool, optional
        Whether the backbone is new, so that its batch normalisations average over batches.
    seed : int, optional
        Decides the first weights of all but the backbone.

    Returns
    -------
    network : BoxNetwork
        On the backbone's device.

    Raises
    ------
    InputError
        If the anchors do not fit the backbone's maps.
    """
    check_number('n_classes', n_classes, minimum=1, integer=True)
    if not options.normalized and backbone.mean.numel():
        backbone.mean.zero_()
        backbone.std.fill_(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pyramid = FeaturePyramid(backbone, options.width, extra=options.extra_level,
                                 last_only=options.last_only, from_scratch=from_scratch)
        network = BoxNetwork(pyramid, n_classes, options)
    return network.to(backbone.device)


def plan_anchors(options, backbone, sides, *, n_anchors=4, usual=False):
    """
    Choose the anchors of a detector for the boxes that it shall find.

    Parameters
    ----------
    options : RcnnOptions
        Its ``anchors`` are replaced.
    backbone : `~astrofound.backbones.Backbone`
        What gives the maps.
    sides : 2D array_like
        ``(n, 2)`` widths and heights of boxes in network pixels.
    n_anchors : int, optional
        Anchors of a level.
    usual : bool, optional
        Whether to take torchvision's anchors of 32 to 512 pixels instead.

    Returns
    -------
    options : RcnnOptions
        With anchors.
    """
    strides = FeaturePyramid(backbone, 1, extra=options.extra_level,
                             last_only=options.last_only).strides
    if usual:
        return replace(options, anchors=usual_anchors(len(strides)))
    return replace(options, anchors=fit_anchors(sides, strides, n_anchors=n_anchors))
