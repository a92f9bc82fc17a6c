"""Loss of the compact detector."""

import torch
from torch.nn import functional

from astrofound.catalog import CLASS_NAMES
from astrofound.networks.compact import HEAD_CHANNELS

__all__ = ['detection_loss']

_MULTI = CLASS_NAMES.index('multi')


def detection_loss(outputs, heat, trust, offset, size, whole, class_code, weight):
    """
    Sum of the centre, box, class and association losses.

    The centre loss is the penalty-reduced focal loss of Law & Deng 2018 [1]_.

    Parameters
    ----------
    outputs : `torch.Tensor`
        Network outputs ``(n, 10, n_rows, n_columns)``.
    heat, trust : `torch.Tensor`
        ``(n, n_rows, n_columns)``; see `~astrofound.training.targets.Targets`.
    offset, size, whole : `torch.Tensor`
        ``(n, 2, n_rows, n_columns)``.
    class_code : `torch.Tensor` of int64
        ``(n, n_rows, n_columns)``.
    weight : `torch.Tensor`
        ``(n, n_rows, n_columns)``.

    Returns
    -------
    loss : `torch.Tensor`
        Scalar to be minimised.
    parts : dict of str to float
        Its terms, for the log.

    References
    ----------
    .. [1] Law & Deng 2018, CornerNet: Detecting Objects as Paired Keypoints, ECCV.
    """
    outputs = outputs.float()
    logit = outputs[:, HEAD_CHANNELS['score']][:, 0]
    found = functional.logsigmoid(logit)
    missed = functional.logsigmoid(-logit)
    probability = torch.sigmoid(logit)
    centre = (heat >= 1).float()
    positive = centre * (1 - probability) ** 2 * found
    negative = (1 - centre) * (1 - heat) ** 4 * probability**2 * missed
    n_sources = centre.sum().clamp(min=1)
    centre_loss = -((positive + negative) * trust).sum() / n_sources

    weight = weight * trust
    total = weight.sum().clamp(min=1)
    offset_loss = _mean_distance(outputs[:, HEAD_CHANNELS['offset']], offset, weight)
    size_loss = _mean_distance(outputs[:, HEAD_CHANNELS['size']], size, weight)
    # Elsewhere the middle of the whole is that of the part, and nobody asks.
    whole_loss = _mean_distance(outputs[:, HEAD_CHANNELS['whole']], whole,
                                weight * (class_code == _MULTI))
    class_loss = (functional.cross_entropy(
        outputs[:, HEAD_CHANNELS['class']], class_code, reduction='none') * weight).sum() / total
    loss = centre_loss + offset_loss + 0.5 * size_loss + class_loss + 0.5 * whole_loss
    parts = {'centre': centre_loss.item(), 'offset': offset_loss.item(),
             'size': size_loss.item(), 'class': class_loss.item(), 'whole': whole_loss.item()}
    return loss, parts


def _mean_distance(output, target, weight):
    distance = functional.smooth_l1_loss(output, target, reduction='none', beta=0.1)
    return (distance * weight[:, None]).sum() / weight.sum().clamp(min=1)
