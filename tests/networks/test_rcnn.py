from dataclasses import replace

import pytest
import torch
from torch import nn

from astrofound.backbones import load_backbone
from astrofound.networks import (
    FasterRcnn,
    FeaturePyramid,
    RcnnOptions,
    build_box_network,
    plan_anchors,
)
from astrofound.networks.ignoring import share_inside
from astrofound.utils import InputError

SIDES = [[12, 14], [16, 12], [20, 20], [15, 15]]
SMALL = RcnnOptions(width=8, head_width=16, n_proposals=50, n_samples=32)


def build(name='toy_resnet', *, paper=False, n_classes=2, **options):
    backbone = load_backbone(name)
    options = plan_anchors(replace(SMALL, normalized=not paper, extra_level=paper), backbone,
                           SIDES, usual=paper)
    return build_box_network(backbone, n_classes, options)


def target(boxes=(), ignore=()):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {'boxes': boxes, 'labels': torch.ones(len(boxes), dtype=torch.int64),
            'ignore': torch.tensor(ignore, dtype=torch.float32).reshape(-1, 4)}


@pytest.mark.parametrize(('name', 'strides'), [
    ('toy_dinov2', (2, 4, 8, 16)), ('toy_siglip2', (2, 4, 8, 16)), ('toy_resnet', (4, 8, 16, 32)),
    ('toy_convnext', (4, 8, 16, 32)), ('compact', (2, 4, 8, 16))])
@pytest.mark.parametrize('paper', [False, True])
def test_every_kind_of_backbone_trains_and_detects(name, strides, paper):
    network = build(name, paper=paper)
    assert network.backbone.strides[:4] == strides
    assert len(network.backbone.strides) == 4 + paper
    images = [torch.rand(1, 70, 64), torch.rand(1, 64, 64)]
    losses = network.train()(images, [target([[5, 5, 20, 20]]), target()])
    sum(losses.values()).backward()
    assert all(torch.isfinite(value) for value in losses.values())
    with torch.inference_mode():
        found = network.eval()(images)
    assert len(found) == 2
    assert all((one['boxes'] >= 0).all() and (one['boxes'][:, 3] <= 70).all() for one in found)


def test_one_map_gets_a_simple_pyramid_with_norms_over_channels():
    pyramid = FeaturePyramid(load_backbone('toy_dino'), 8)
    maps = pyramid(torch.rand(1, 1, 32, 32))
    assert [one.shape[-1] for one in maps.values()] == [16, 8, 4, 2]
    assert {one.shape[1] for one in maps.values()} == {8}
    assert sum(isinstance(part, nn.LayerNorm) for part in pyramid.neck.modules()) == 9


def test_frozen_means_frozen():
    network = build()
    network.set_frozen(True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    network.train()
    for _ in range(2):
        optimizer.zero_grad()
        sum(network([torch.rand(1, 64, 64)], [target([[5, 5, 20, 20]])]).values()).backward()
        optimizer.step()
    moved = {name for name, value in network.state_dict().items()
             if not torch.equal(value, before[name])}
    assert not {name for name in moved if name.startswith('backbone.body.')}
    assert {'backbone.neck.', 'rpn.', 'roi_heads.'} == {
        prefix for prefix in ('backbone.neck.', 'rpn.', 'roi_heads.')
        if any(name.startswith(prefix) for name in moved)}


@pytest.mark.parametrize('from_scratch', [False, True])
def test_statistics_move_from_scratch_only(from_scratch):
    backbone = load_backbone('toy_resnet')
    network = build_box_network(backbone, 1, plan_anchors(SMALL, backbone, SIDES),
                         from_scratch=from_scratch).train()
    before = backbone.model.bn1.running_mean.clone()
    network([torch.rand(1, 64, 64)], [target([[5, 5, 20, 20]])])
    assert torch.equal(before, backbone.model.bn1.running_mean) != from_scratch


def test_an_ignored_region_changes_labels_of_negatives_only():
    network = build().train()
    anchors = [torch.tensor([[0, 0, 10, 10], [40, 40, 50, 50], [20, 20, 30, 30.]])]
    truth = [target([[20, 20, 30, 30]], ignore=[[0, 0, 31, 31]])]
    (labels,), _ = network.rpn.assign_targets_to_anchors(anchors, truth)
    assert labels.tolist() == [-1, 0, 1]
    network.roi_heads._regions = [truth[0]['ignore']]
    _, (labels,) = network.roi_heads.assign_targets_to_proposals(
        anchors, [truth[0]['boxes']], [truth[0]['labels']])
    assert labels.tolist() == [-1, 0, 1]


def test_share_inside():
    boxes = torch.tensor([[0, 0, 10, 10], [5, 0, 15, 10.]])
    assert share_inside(boxes, torch.tensor([[0, 0, 10, 20.]])).tolist() == [1.0, 0.5]
    assert share_inside(boxes, torch.zeros(0, 4)).tolist() == [0, 0]


def test_paper_leaves_images_unnormalised():
    backbone = build('toy_dino', paper=True).backbone.body
    assert backbone.mean.flatten().tolist() == [0, 0, 0]
    assert backbone.std.flatten().tolist() == [1, 1, 1]


def test_same_seed_same_weights():
    one, two = build().state_dict(), build().state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_anchors_are_needed():
    with pytest.raises(InputError, match="'anchors' must be a plan for the 4 levels"):
        FasterRcnn(FeaturePyramid(load_backbone('toy_resnet'), 8), 1, SMALL)


def test_boxes_are_placed_exactly_in_mixed_precision():
    # bfloat16 would move this box by a pixel, and one at 1000 by several
    network = build('toy_resnet')
    boxes = torch.tensor([[300.0, 301.0, 309.0, 311.0]])
    for part in (network.rpn, network.roi_heads):
        nothing = torch.zeros(1, 4, dtype=torch.bfloat16)
        assert torch.equal(part.box_coder.decode_single(nothing, boxes), boxes)
