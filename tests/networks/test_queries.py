from dataclasses import replace

import pytest
import torch

from astrofound.backbones import load_backbone
from astrofound.networks import QueryOptions, build_box_network, plan_anchors
from astrofound.networks.queries import _n_heads, _OpenLoss
from astrofound.utils import InputError

SMALL = QueryOptions(width=16, head_width=16, n_detections=10, n_layers=2, n_denoising=6)


def build(name='toy_resnet', *, n_classes=2, **options):
    backbone = load_backbone(name)
    options = plan_anchors(replace(SMALL, **options), backbone, [[12, 14], [16, 12], [40, 44]],
                           n_anchors=1)
    return build_box_network(backbone, n_classes, options)


def target(boxes=(), ignore=()):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {'boxes': boxes, 'labels': torch.ones(len(boxes), dtype=torch.int64),
            'ignore': torch.tensor(ignore, dtype=torch.float32).reshape(-1, 4)}


@pytest.mark.parametrize('name', ['toy_dinov2', 'toy_resnet', 'toy_convnext', 'compact'])
def test_every_kind_of_backbone_trains_and_detects(name):
    network = build(name, score_min=0.0)
    images = [torch.rand(1, 70, 64), torch.rand(1, 64, 64)]
    losses = network.train()(images, [target([[5, 5, 20, 20], [30, 30, 44, 44]]), target()])
    sum(losses.values()).backward()
    assert all(torch.isfinite(value) and value >= 0 for value in losses.values())
    with torch.inference_mode():
        found = network.eval()(images)
    assert [len(one['boxes']) for one in found] == [10, 10]
    assert all((one['boxes'] >= 0).all() and (one['boxes'][:, 3] <= 70).all() for one in found)
    assert set(torch.cat([one['labels'] for one in found]).tolist()) <= {1, 2}


def test_images_without_a_source_teach_too():
    losses = build().train()([torch.rand(1, 64, 64)], [target()])
    sum(losses.values()).backward()
    assert losses['loss_classes'] > 0
    assert losses['loss_boxes'] == 0


def test_an_untaught_network_returns_its_anchors():
    network = build('toy_convnext', score_min=0.0, n_detections=4).eval()
    with torch.inference_mode():
        (found,) = network([torch.rand(1, 96, 96)])
    sides = found['boxes'][:, 2:] - found['boxes'][:, :2]
    wanted = torch.tensor([shape for level in network.plan.shapes for shape in level])
    inside = (found['boxes'] > 0).all(dim=1) & (found['boxes'] < 96).all(dim=1)
    away = (sides[:, None] - wanted).abs().amax(dim=2).amin(dim=1)
    assert inside.any()
    assert (away[inside] < 0.1).all()


def test_every_part_of_the_head_learns():
    network = build()
    network.set_frozen(True)
    network.train()
    losses = network([torch.rand(1, 64, 64)], [target([[5, 5, 20, 20]])])
    sum(losses.values()).backward()
    still = [name for name, own in network.head_modules.named_parameters() if own.grad is None]
    assert still == []
    assert all(own.grad is None for own in network.backbone.body.parameters())


def test_nothing_is_said_about_queries_in_ignored_regions():
    loss = _OpenLoss(build(n_classes=1).decoder.config)
    logits = torch.zeros(1, 3, 1, requires_grad=True)
    boxes = torch.tensor([[[0.2, 0.2, 0.1, 0.1], [0.7, 0.7, 0.1, 0.1], [0.75, 0.7, 0.1, 0.1]]])
    truth = [{'class_labels': torch.tensor([0]), 'boxes': torch.tensor([[0.7, 0.7, 0.1, 0.1]]),
              'ignore': torch.tensor([[0.5, 0.5, 1.0, 1.0]])}]
    sum(loss({'logits': logits, 'pred_boxes': boxes}, truth).values()).backward()
    assert (logits.grad[0, :, 0].abs() > 1e-6).tolist() == [True, True, False]


def test_it_learns_one_image():
    torch.manual_seed(0)
    network = build('compact', n_classes=1, width=32, head_width=32)
    image = torch.zeros(1, 64, 64)
    image[:, 10:22, 8:20] = 8
    image[:, 40:52, 36:48] = 8
    truth = [target([[8, 10, 20, 22], [36, 40, 48, 52]])]
    optimizer = torch.optim.AdamW(network.head_modules.parameters(), 3e-3)
    network.set_frozen(True)
    for _ in range(60):
        optimizer.zero_grad()
        sum(network.train()([image], truth).values()).backward()
        optimizer.step()
    with torch.inference_mode():
        (found,) = network.eval()([image])
    best = found['boxes'][found['scores'].argsort(descending=True)[:2]]
    best = best[best[:, 0].argsort()]
    torch.testing.assert_close(best, truth[0]['boxes'], atol=1.5, rtol=0)


def test_larger_tiles_get_more_queries():
    network = build(score_min=0.0).eval()
    network.allow(4)
    assert network.n_allowed == 40
    with torch.inference_mode():
        (found,) = network([torch.rand(1, 128, 128)])
    assert len(found['boxes']) == 40


def test_heads_have_a_power_of_two_of_channels():
    assert [_n_heads(width) for width in (256, 64, 16, 24, 5)] == [8, 8, 4, 6, 5]


def test_anchors_are_needed():
    with pytest.raises(InputError, match="'anchors' must be a plan for the 4 levels"):
        build_box_network(load_backbone('toy_resnet'), 1, SMALL)
