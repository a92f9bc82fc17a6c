import pytest
import torch

from astrofound.backbones import load_backbone
from astrofound.training import (
    add_lora,
    count_parameters,
    freeze,
    hold_statistics,
    layer_groups,
    unfreeze,
)
from astrofound.utils import InputError

BACKBONES = ['toy_dinov2', 'toy_vit', 'toy_siglip', 'toy_mae', 'toy_resnet', 'toy_convnext']


def learning(module):
    return {name for name, parameter in module.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize('name', BACKBONES)
def test_upper_blocks_learn_and_the_lower_do_not(name):
    backbone = load_backbone(name)
    unfreeze(backbone, 1)
    first, last = backbone.blocks[0], backbone.blocks[-1]
    assert not learning(first)
    assert learning(last) == {name for name, _ in last.named_parameters()}
    unfreeze(backbone)
    assert len(learning(backbone)) == len(list(backbone.parameters()))


def test_too_many_blocks():
    with pytest.raises(InputError, match="at most 2"):
        unfreeze(load_backbone('toy_vit'), 3)


@pytest.mark.parametrize('name', BACKBONES)
def test_lora_begins_as_the_backbone_and_only_its_matrices_learn(name):
    backbone = load_backbone(name)
    images = torch.rand(2, 3, 32, 32)
    before = backbone(images).dense
    add_lora(backbone, rank=2)
    backbone.eval()
    torch.testing.assert_close(backbone(images).dense, before, atol=1e-5, rtol=1e-5)
    assert learning(backbone)
    assert all('lora_' in parameter for parameter in learning(backbone))


def test_lora_learns_and_the_rest_stays():
    backbone = load_backbone('toy_resnet')
    add_lora(backbone, rank=2)
    before = {name: p.clone() for name, p in backbone.named_parameters()}
    optimizer = torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=1.0)
    for _ in range(2):  # the first step moves one factor, the second the other
        backbone(torch.rand(2, 3, 64, 64)).dense.square().mean().backward()
        optimizer.step()
    moved = {name for name, p in backbone.named_parameters() if not torch.equal(p, before[name])}
    assert moved
    assert all('lora_' in name for name in moved)


def test_lora_of_a_large_transformer_is_under_five_per_cent():
    backbone = load_backbone('timm:vit_small_patch16_224', pretrained=False)
    add_lora(backbone, rank=8)
    n_trainable, n_total = count_parameters(backbone)
    assert 0.005 < n_trainable / n_total < 0.05


def test_layers_learn_slower_towards_the_image():
    backbone, head = load_backbone('toy_vit'), torch.nn.Linear(2, 2)
    groups = layer_groups(backbone, head, 1.0, backbone_factor=0.1, layer_decay=0.5)
    rates = {id(p): group['lr'] for group in groups for p in group['params']}
    assert len(rates) == sum(1 for module in (backbone, head) for _ in module.parameters())
    assert {rates[id(p)] for p in head.parameters()} == {1.0}
    assert {rates[id(p)] for p in backbone.blocks[1].parameters()} == {0.1}
    assert {rates[id(p)] for p in backbone.blocks[0].parameters()} == {0.05}
    assert rates[id(next(backbone.parameters()))] == pytest.approx(0.025)


def test_frozen_batch_normalisation_does_not_average():
    backbone = load_backbone('toy_resnet')
    freeze(backbone)
    backbone.train()
    hold_statistics(backbone)
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    backbone(torch.rand(4, 3, 64, 64))
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, before[name]), name
