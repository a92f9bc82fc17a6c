"""What the decoder of queries learns from: pairs of boxes, and cells that hold a source."""

import torch
from torchvision.ops import box_convert, box_iou
from transformers.loss.loss_rt_detr import RTDetrLoss

from .ignoring import SHARE_IGNORED, share_inside

__all__ = ['OpenLoss', 'own_anchors', 'query_losses', 'to_units']

_N_OWN = 9       # anchors that learn to find one source
_LARGE = 8       # typical sides that count as one in the loss, as a box of COCO in its image
_SILENT = -50.0  # logit of which a loss takes no notice


def query_losses(decoder, logits, boxes, cells, notes, targets):
    """
    Give the losses of a batch.

    Parameters
    ----------
    decoder : QueryDecoder
        Its ``unit`` and settings.
    logits, boxes : list of `torch.Tensor`
        What each of its layers says, spoilt boxes first.
    cells : dict of str to `torch.Tensor`
        ``anchors``, and ``logits`` and ``boxes`` of every cell.
    notes : dict or None
        Where spoilt boxes are.
    targets : list of dict
        The truth in pixels.

    Returns
    -------
    losses : dict of str to `torch.Tensor`
        For classes, boxes and their overlap, summed over layers, spoilt boxes and cells.
    """
    unit = _LARGE * decoder.unit
    truth = to_units(targets, unit)
    outputs = [{'logits': own, 'pred_boxes': places / unit} for own, places in zip(
        logits, boxes, strict=True)]
    spoilt = {}
    if notes is not None:
        parts = [{name: value.split(notes['dn_num_split'], dim=1)
                  for name, value in layer.items()} for layer in outputs]
        outputs = [{name: pair[1] for name, pair in layer.items()} for layer in parts]
        spoilt = {'denoising_meta_values': notes, 'dn_auxiliary_outputs': [
            {name: pair[0] for name, pair in layer.items()} for layer in parts]}
    dense = {'logits': cells['logits'], 'pred_boxes': cells['boxes'] / unit}
    if not all(torch.isfinite(layer['pred_boxes']).all() for layer in (*outputs, dense)):
        return {'loss_boxes': boxes[-1].sum() * torch.nan}  # nothing can be matched
    criterion = OpenLoss(decoder.config)
    losses = criterion({**outputs[-1], 'auxiliary_outputs': outputs[:-1], **spoilt}, truth)
    owners = [own_anchors(cells['anchors'], target['boxes']) for target in targets]
    losses |= criterion.assigned(dense, truth, owners)
    sums = {'loss_classes': 'loss_vfl', 'loss_boxes': 'loss_bbox', 'loss_overlap': 'loss_giou'}
    return {name: sum(value for key, value in losses.items() if key.startswith(prefix))
            for name, prefix in sums.items()}


class OpenLoss(RTDetrLoss):
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

    def assigned(self, outputs, targets, pairs):
        """Losses of outputs of which several may belong to one true box."""
        n_pairs = max(1, sum(len(own) for own, _ in pairs))
        losses = {}
        for name in self.losses:
            losses |= self.get_loss(name, outputs, targets, pairs, n_pairs)
        return {f'{name}_cells': value * self.weight_dict[name] for name, value in losses.items()}


def to_units(targets, unit):
    """
    Bring the truth into the form that transformers takes.

    Parameters
    ----------
    targets : list of dict
        ``boxes`` and ``ignore`` by edges in pixels, ``labels`` from 1 on.
    unit : float or `torch.Tensor`
        Pixels that count as one.

    Returns
    -------
    truth : list of dict
        Classes from 0 on, and boxes by centre and size.
    """
    return [{'class_labels': target['labels'] - 1,
             'boxes': box_convert(target['boxes'], 'xyxy', 'cxcywh') / unit,
             'ignore': target['ignore'] / unit} for target in targets]


def own_anchors(anchors, boxes):
    """
    Give each true box the anchors that overlap it best.

    Parameters
    ----------
    anchors : `torch.Tensor`
        ``(n, 4)`` centres and sides.
    boxes : `torch.Tensor`
        ``(m, 4)`` edges.

    Returns
    -------
    rows, owners : `torch.Tensor` of int
        Anchors, each once, and the box that each belongs to.
    """
    if not len(boxes):
        return boxes.new_zeros(0, dtype=torch.int64), boxes.new_zeros(0, dtype=torch.int64)
    iou = box_iou(box_convert(anchors, 'cxcywh', 'xyxy'), boxes)
    best = iou.topk(min(_N_OWN, len(anchors)), dim=0)
    taken = torch.zeros_like(iou).scatter_(0, best.indices, best.values + 1e-6)
    rows = taken.amax(dim=1).nonzero()[:, 0]
    return rows, taken[rows].argmax(dim=1)
