from dataclasses import replace

import pytest
import torch

from astrofound.backbones import load_backbone
from astrofound.networks import QueryOptions, build_box_network, plan_anchors
from astrofound.networks.query_decoder import count_heads, embed_places, move_boxes
from astrofound.networks.query_losses import OpenLoss, own_anchors
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


@pytest.mark.parametrize('mixed', [False, True])
def test_boxes_stay_where_they_are_in_mixed_precision(mixed):
    # bfloat16 knows only every second pixel from 256 on
    network = build('compact', score_min=0.0, n_detections=200, n_classes=1).eval()
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16, enabled=mixed):
        (found,) = network([torch.rand(1, 64, 512)])
    boxes = found['boxes']
    inside = (boxes[:, :2] > 0).all(dim=1) & (boxes[:, 2] < 512) & (boxes[:, 3] < 64)
    halves = (boxes[inside, :2] + boxes[inside, 2:]) / network.backbone.strides[0]
    assert boxes.dtype == torch.float32
    assert (boxes[inside, 0] > 256).any()
    torch.testing.assert_close(halves, halves.round(), atol=1e-3, rtol=0)


def test_one_answer_moves_a_box_alike_everywhere():
    steps = torch.tensor([0.25, -0.5, 0.5, 0.0])
    boxes = torch.tensor([[10.0, 20, 8, 4], [510, 20, 8, 4], [510, 1020, 80, 40]])
    moved = move_boxes(boxes.bfloat16(), steps.bfloat16())
    assert moved.dtype == torch.float32
    moved = move_boxes(boxes, steps.expand_as(boxes))
    away = (moved - boxes)[:, :2] / boxes[:, 2:]
    torch.testing.assert_close(away, steps[:2].expand(3, 2), atol=1e-4, rtol=0)
    assert (moved[:, 2:] / boxes[:, 2:])[:, 0].tolist() == pytest.approx([1.6487] * 3, rel=1e-4)


def test_places_are_told_apart_by_their_distance_alone():
    places = torch.tensor([[3.0, 7, 1, 1], [4, 7, 1, 1], [43, 27, 1, 1], [44, 27, 1, 1]])
    waves = embed_places(places)[:, :-2]
    same, near, far = (waves[i] @ waves[j] for i, j in ((0, 0), (0, 1), (0, 2)))
    assert same > near > far
    torch.testing.assert_close(waves[2] @ waves[3], near, atol=1e-4, rtol=0)


def test_the_best_anchors_learn_a_source():
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing='ij')
    anchors = torch.stack([x, y, 4 + 0 * x, 4 + 0 * x], dim=-1).reshape(-1, 4)
    rows, owners = own_anchors(anchors, torch.tensor([[3.0, 3, 7, 7], [4, 3, 8, 7]]))
    assert len(set(rows.tolist())) == len(rows)
    assert set(owners.tolist()) == {0, 1}
    assert ((anchors[rows, :2] - torch.tensor([5.5, 5.0])).abs() <= 2).all()
    assert anchors[rows[owners == 0], 0].mean() < anchors[rows[owners == 1], 0].mean()
    assert [len(part) for part in own_anchors(anchors, torch.zeros(0, 4))] == [0, 0]


def test_queries_begin_at_peaks_of_the_scores():
    network = build('compact', n_detections=6, n_classes=1)
    maps = [torch.zeros(1, 16, 8, 8) for _ in network.backbone.strides]
    n_cells = 64 * len(network.plan.levels)
    logits = torch.full((1, n_cells, 1), -9.0)
    for row, value in ((9, 5.0), (10, 4.9), (17, 4.8), (45, 1.0)):  # one peak, its flanks, another
        logits[0, row] = value
    numbers = torch.arange(float(n_cells))[None, :, None]
    begun, _ = network._choose({'logits': logits, 'memory': numbers.expand(-1, -1, 16),
                                'boxes': numbers.expand(-1, -1, 4)}, maps)
    assert begun[0, :2, 0].tolist() == [9, 45]


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
    loss = OpenLoss(build(n_classes=1).decoder.config)
    logits = torch.zeros(1, 3, 1, requires_grad=True)
    boxes = torch.tensor([[[0.2, 0.2, 0.1, 0.1], [0.7, 0.7, 0.1, 0.1], [0.75, 0.7, 0.1, 0.1]]])
    truth = [{'class_labels': torch.tensor([0]), 'boxes': torch.tensor([[0.7, 0.7, 0.1, 0.1]]),
              'ignore': torch.tensor([[0.5, 0.5, 1.0, 1.0]])}]
    sum(loss({'logits': logits, 'pred_boxes': boxes}, truth).values()).backward()
    assert (logits.grad[0, :, 0].abs() > 1e-6).tolist() == [True, True, False]


def taught(side, n_steps):
    """A network that has seen one image with two sources, over and over."""
    torch.manual_seed(0)
    network = build('compact', n_classes=1, width=32, head_width=32)
    image = torch.zeros(1, side, side)
    boxes = [[8, 10, 20, 22], [36, 40, 48, 52]]
    for x1, y1, x2, y2 in boxes:
        image[:, y1:y2, x1:x2] = 8
    optimizer = torch.optim.AdamW(network.head_modules.parameters(), 3e-3)
    network.set_frozen(True)
    for _ in range(n_steps):
        optimizer.zero_grad()
        sum(network.train()([image], [target(boxes)]).values()).backward()
        optimizer.step()
    return network.eval(), image, torch.tensor(boxes, dtype=torch.float32)


def test_it_learns_one_image_and_knows_it_within_a_larger_one():
    network, image, boxes = taught(64, 60)
    for shift in (0, 96):
        larger = torch.zeros(1, 64 + shift, 64 + shift)
        larger[:, shift:, shift:] = image
        with torch.inference_mode():
            (found,) = network([larger])
        best = found['boxes'][found['scores'].argsort(descending=True)[:2]]
        torch.testing.assert_close(best[best[:, 0].argsort()], boxes + shift, atol=1.5, rtol=0)


def test_larger_tiles_get_more_queries():
    network = build(score_min=0.0).eval()
    network.allow(4)
    assert network.n_allowed == 40
    with torch.inference_mode():
        (found,) = network([torch.rand(1, 128, 128)])
    assert len(found['boxes']) == 40


def test_heads_have_a_power_of_two_of_channels():
    assert [count_heads(width) for width in (256, 64, 16, 24, 5)] == [8, 8, 4, 6, 5]


def test_anchors_are_needed():
    with pytest.raises(InputError, match="'anchors' must be a plan for the 4 levels"):
        build_box_network(load_backbone('toy_resnet'), 1, SMALL)
