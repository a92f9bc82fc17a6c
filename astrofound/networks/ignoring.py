"""Regions of which nobody knows whether they hold a source: neither reward nor punishment."""

import torch
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

__all__ = ['IgnoringHeads', 'IgnoringProposals', 'share_inside']

SHARE_IGNORED = 0.5  # of a box inside a region from which on it is left open


def share_inside(boxes, regions):
    """
    Say how much of each box lies in the region that holds most of it.

    Parameters
    ----------
    boxes : `torch.Tensor`
        ``(n, 4)`` edges.
    regions : `torch.Tensor`
        ``(m, 4)`` edges.

    Returns
    -------
    share : `torch.Tensor`
        ``(n,)``, from 0 to 1.
    """
    if not len(regions):
        return boxes.new_zeros(len(boxes))
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    inside = (high - low).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6).prod(dim=1)
    return (inside / area[:, None]).amax(dim=1)


class IgnoringProposals(RegionProposalNetwork):
    """
    Region proposals that learn nothing inside regions to be ignored.

    Parameters
    ----------
    levels : tuple of int
        Levels of the pyramid that have anchors.
    *args, **kwargs
        Those of torchvision's class.
    """

    def __init__(self, levels, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.levels = levels

    def forward(self, images, features, targets=None):
        """
        Propose boxes.

        Parameters
        ----------
        images : `torchvision.models.detection.image_list.ImageList`
            Images.
        features : dict of str to `torch.Tensor`
            The pyramid.
        targets : list of dict, optional
            ``boxes``, and ``ignore`` with the regions.

        Returns
        -------
        boxes : list of `torch.Tensor`
            Proposals of each image.
        losses : dict of str to `torch.Tensor`
            When training.
        """
        maps = list(features.values())
        chosen = {str(level): maps[level] for level in self.levels}
        return super().forward(images, chosen, targets)

    def assign_targets_to_anchors(self, anchors, targets):
        """
        Say which anchors hold a source, which none, and which count for nothing.

        Parameters
        ----------
        anchors : list of `torch.Tensor`
            Of each image.
        targets : list of dict
            As for calling.

        Returns
        -------
        labels, matched : list of `torch.Tensor`
            1, 0 or -1 for each anchor, and its box.
        """
        labels, matched = super().assign_targets_to_anchors(anchors, targets)
        for own, placed, target in zip(labels, anchors, targets, strict=True):
            own[(own == 0) & (share_inside(placed, target['ignore']) > SHARE_IGNORED)] = -1.0
        return labels, matched


class IgnoringHeads(RoIHeads):
    """Class and box of proposals, learning nothing from those inside regions to be ignored."""

    def select_training_samples(self, proposals, targets):
        """
        Choose the proposals to learn from.

        Parameters
        ----------
        proposals : list of `torch.Tensor`
            Of each image.
        targets : list of dict
            ``boxes``, ``labels``, and ``ignore`` with the regions.

        Returns
        -------
        samples : tuple
            As torchvision's method.
        """
        self._regions = [target['ignore'] for target in targets]
        return super().select_training_samples(proposals, targets)

    def assign_targets_to_proposals(self, proposals, gt_boxes, gt_labels):
        """
        Say which proposals hold which class, which none, and which count for nothing.

        Parameters
        ----------
        proposals, gt_boxes, gt_labels : list of `torch.Tensor`
            Of each image.

        Returns
        -------
        matched, labels : list of `torch.Tensor`
            Index of the box of each proposal, and its class; 0 is none, -1 counts for nothing.
        """
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for own, boxes, regions in zip(labels, proposals, self._regions, strict=True):
            own[(own == 0) & (share_inside(boxes, regions) > SHARE_IGNORED)] = -1
        return matched, labels
