"""Loss of the compact detector."""

import torch
from torch.nn import functional

from astrofound.catalog import CLASS_NAMES
from astrofound.networks.compact import HEAD_CHANNELS

__all__ = ['detection_loss']

_MULTI_VOTES = 2.0  # a double that is not seen as one source is also two false ones


def detection_loss(outputs, heat, trust, offset, size, class_code, weight):
    """
    Sum of the centre, box and class losses.

    The centre loss is the penalty-reduced focal loss of Law & Deng 2018 [1]_.

    Parameters
    ----------
    outputs : `torch.Tensor`
        Network outputs ``(n, 8, n_rows, n_columns)``.
    heat, trust : `torch.Tensor`
        ``(n, n_rows, n_columns)``; see `~astrofound.training.targets.Targets`.
    offset, size : `torch.Tensor`
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
    vote = 1 + (_MULTI_VOTES - 1) * (class_code == CLASS_NAMES.index('multi'))
    positive = centre * vote * (1 - probability) ** 2 * found
    negative = (1 - centre) * (1 - heat) ** 4 * probability**2 * missed
    n_sources = centre.sum().clamp(min=1)
    centre_loss = -((positive + negative) * trust).sum() / n_sources

    weight = weight * trust
    total = weight.sum().clamp(min=1)
    offset_loss = (functional.smooth_l1_loss(
        outputs[:, HEAD_CHANNELS['offset']], offset, reduction='none', beta=0.1)
        * weight[:, None]).sum() / total
    size_loss = (functional.smooth_l1_loss(
        outputs[:, HEAD_CHANNELS['size']], size, reduction='none', beta=0.1)
        * weight[:, None]).sum() / total
    class_loss = (functional.cross_entropy(
        outputs[:, HEAD_CHANNELS['class']], class_code, reduction='none') * weight).sum() / total
    loss = centre_loss + offset_loss + 0.5 * size_loss + 0.3 * class_loss
    parts = {'centre': centre_loss.item(), 'offset': offset_loss.item(),
             'size': size_loss.item(), 'class': class_loss.item()}
    return loss, parts
