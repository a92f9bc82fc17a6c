"""A backbone and a head as one network that learns."""

import torch
from torch import nn

from astrofound.networks import AttentionHead

__all__ = ['ClassifierNetwork']


class ClassifierNetwork(nn.Module):
    """
    Backbone, pooling and head.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Gives the features.
    head : VectorHead or AttentionHead
        Gives the logits; see `~astrofound.networks.build_head`.
    pooling : str
        A key of `~astrofound.backbones.POOLINGS`; an attention head pools itself.
    """

    def __init__(self, backbone, head, pooling):
        super().__init__()
        self.backbone, self.head, self.pooling = backbone, head, pooling

    def forward(self, images):
        """
        Classify a batch of images.

        Parameters
        ----------
        images : `torch.Tensor`
            As backbones take them.

        Returns
        -------
        logits : `torch.Tensor`
            Shape ``(n, n_classes)``, float32.
        """
        learns = torch.is_grad_enabled() and any(
            parameter.requires_grad for parameter in self.backbone.parameters())
        with torch.set_grad_enabled(learns):
            features = self.backbone(images)
            if not isinstance(self.head, AttentionHead):
                vectors = features.pooled(self.pooling)
        # Sums over hundreds of features: float32, whatever the backbone computes in.
        with torch.autocast(images.device.type, enabled=False):
            if isinstance(self.head, AttentionHead):
                return self.head(features.dense, features.coverage)
            return self.head(vectors.float())
