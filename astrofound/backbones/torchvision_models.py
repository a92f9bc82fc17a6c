"""Backbones built by torchvision."""

from torch import nn

from .backbone import Backbone

__all__ = ['ResNetBackbone', 'build_torchvision']


class ResNetBackbone(Backbone):
    """
    A residual network of torchvision.

    Parameters
    ----------
    spec : BackboneSpec
        What it is.
    model : `torch.nn.Module`
        Model whose last layer is not used.
    """

    def _maps(self, pixels):
        model = self.model
        maps = model.maxpool(model.relu(model.bn1(model.conv1(pixels))))
        for name in ('layer1', 'layer2', 'layer3', 'layer4'):
            maps = getattr(model, name)(maps)
            yield maps

    def _tokens(self, pixels, grid):
        *_, dense = self._maps(pixels)
        return dense, dense.new_zeros(len(dense), 0, dense.shape[1]), dense.mean(dim=(2, 3))

    def _stages(self, pixels, grid):
        return dict(zip((4, 8, 16, 32), self._maps(pixels), strict=True))

    @property
    def blocks(self):
        """The blocks from the image upwards."""
        model = self.model
        return [block for layer in (model.layer1, model.layer2, model.layer3, model.layer4)
                for block in layer]


def build_torchvision(spec, state=None, *, source='the file'):
    """
    Build a residual network, with random weights or given ones.

    Parameters
    ----------
    spec : BackboneSpec
        What to build.
    state : dict of str to `torch.Tensor`, optional
        Weights; those of the last layer are left out.
    source : str or path-like, optional
        What to name in messages.

    Returns
    -------
    backbone : ResNetBackbone
        In evaluation mode.
    """
    from torchvision import models

    from .transformers_models import check_keys

    if spec.model == 'toy_resnet':
        model = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=1)
    else:
        model = models.get_model(spec.model, weights=None)
    model.fc = nn.Identity()
    if state is not None:
        state = {name: tensor for name, tensor in state.items() if not name.startswith('fc.')}
        missing, _ = model.load_state_dict(state, strict=False)
        check_keys(missing, source, spec)
    return ResNetBackbone(spec, model)
