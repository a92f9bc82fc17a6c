"""Kinds of detectors on a backbone, and how one is built."""

from dataclasses import replace
from importlib import import_module
from typing import NamedTuple

import torch

from astrofound.utils import check_number

from .anchors import fit_anchors, usual_anchors
from .pyramid import FeaturePyramid

__all__ = ['BOX_HEADS', 'build_box_network', 'plan_anchors']


class _Head(NamedTuple):
    """A kind of detector, imported when it is used: one needs torchvision, one transformers."""

    module: str
    network_name: str
    options_name: str
    meaning: str

    @property
    def network(self):
        return getattr(import_module(self.module, __package__), self.network_name)

    @property
    def options(self):
        return getattr(import_module(self.module, __package__), self.options_name)


#: Kinds of detectors on a backbone.
BOX_HEADS = {
    'rcnn': _Head('.rcnn', 'FasterRcnn', 'RcnnOptions',
                  'Faster R-CNN: proposes boxes at anchors, then judges each'),
    'query': _Head('.queries', 'QueryNetwork', 'QueryOptions',
                   'decoder of RT-DETRv2: queries that each look for one source'),
}


def build_box_network(backbone, n_classes, options, *, from_scratch=False, seed=0):
    """
    Build a detector on a backbone.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        What gives the maps; becomes part of the network.
    n_classes : int
        Classes besides the background.
    options : BoxOptions
        Shape of the rest; its class decides which kind of detector.
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
                                 last_only=options.last_only, from_scratch=from_scratch,
                                 window=options.window)
        network = BOX_HEADS[options.head].network(pyramid, n_classes, options)
    return network.to(backbone.device)


def plan_anchors(options, backbone, sides, *, n_anchors=4, usual=False):
    """
    Choose the anchors of a detector for the boxes that it shall find.

    Parameters
    ----------
    options : BoxOptions
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
    options : BoxOptions
        With anchors.
    """
    strides = FeaturePyramid(backbone, 1, extra=options.extra_level,
                             last_only=options.last_only).strides
    if usual:
        return replace(options, anchors=usual_anchors(len(strides)))
    return replace(options, anchors=fit_anchors(sides, strides, n_anchors=n_anchors))
