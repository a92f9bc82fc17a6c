import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from astrofound.backbones import load_backbone
from astrofound.datasets import BoxedImages
from astrofound.image import SurveyImage
from astrofound.networks import BoxRefiner
from astrofound.preprocess import NetworkInput
from astrofound.training import (
    BOX_RECIPES,
    BoxTile,
    choose_input,
    crop_tile,
    load_box_model,
    orient_tile,
    prepare_tile,
    split_tiles,
    train_boxes,
    true_boxes,
)
from astrofound.training import box_trainer as trainer_module
from astrofound.training import boxes as boxes_module
from astrofound.training.box_judging import calibrate_boxes
from astrofound.utils import InputError, ReadError, TrainingError

INPUT = NetworkInput(scaling='significance')
TINY = BOX_RECIPES['smoke'].change(n_epochs=2, batch_size=2, width=8, head_width=16,
                                   n_proposals=32, tuning='scratch', mixed_precision=False)


def make_tile(seed, n_sources=3):
    """Noise with Gaussians in it, and their boxes of two sigma to each side."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48] + 0.5
    data, boxes = rng.standard_normal((48, 48)), []
    for _ in range(n_sources):
        centre, wide = rng.uniform(8, 40, 2), 2 * rng.uniform(0.8, 1.4, 2)
        data += 40 * np.exp(-0.5 * (((x - centre[0]) / wide[0])**2
                                    + ((y - centre[1]) / wide[1])**2))
        boxes.append([*(centre - 2 * wide), *(centre + 2 * wide)])
    data = data.astype(np.float32)
    return BoxTile(data, data, np.array(boxes).reshape(-1, 4), np.zeros(len(boxes), int),
                   np.zeros((0, 4)), f'tile {seed}')


@pytest.fixture(scope='module')
def tiles():
    return [make_tile(seed) for seed in range(4)]


def train(run, tiles, recipe=TINY, **options):
    options = {'classes': ('source',), 'network_input': INPUT, 'backbone': 'toy_resnet',
               'device': 'cpu', **options}
    # a toy takes 0..1
    tiles = [BoxTile(np.clip(t.raw / 40 + 0.2, 0, 1), t.significance, t.boxes, t.labels, t.ignore,
                     t.name) for t in tiles]
    return train_boxes(run, tiles[1:], tiles[:1], recipe=recipe, **options)


def test_queries_train_and_come_back(tmp_path, tiles):
    recipe = TINY.change(head='query')
    whole = train(tmp_path, tiles, recipe, seed=3)
    loaded = load_box_model(tmp_path)
    assert type(loaded.network).__name__ == 'QueryNetwork'
    assert loaded.network.options == whole.network.options
    one, two = whole.network.state_dict(), loaded.network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert train(tmp_path / 'again', tiles, recipe, seed=3).training == whole.training


@pytest.mark.parametrize('head', ['rcnn', 'query'])
def test_a_training_goes_on_from_another_detector(tmp_path, tiles, head):
    first = train(tmp_path / 'first', tiles, TINY.change(head=head))
    other = [replace(tile, labels=np.arange(len(tile.labels)) % 2) for tile in tiles]
    model = train(tmp_path / 'then', other, TINY.change(head=head, learning_rate=1e-12),
                  classes=('red', 'blue'), start=tmp_path / 'first', backbone='compact')
    assert model.source == 'toy_resnet'  # that of the first, whatever is said
    one, two = first.network.state_dict(), model.network.state_dict()
    kept = [name for name in one if one[name].shape == two[name].shape]
    assert len(kept) < len(one)  # the layers that say classes
    learnt = [name for name in kept if 'running_' not in name and 'num_batches' not in name]
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in learnt)
    assert model.network.options.anchors == first.network.options.anchors


def test_going_on_keeps_what_was_there_unless_it_gets_better(tmp_path, tiles, monkeypatch):
    first = train(tmp_path / 'first', tiles, TINY.change(n_epochs=1))
    scores = iter([0.5, 0.4, 0.5, *[0.1] * 9])  # before the first epoch, and after each
    monkeypatch.setattr(boxes_module, 'judge_boxes', lambda *_: SimpleNamespace(
        to_dict=lambda: {'map_50': next(scores)}))
    model = train(tmp_path / 'then', tiles, start=tmp_path / 'first')
    assert model.training['epoch'] == 0
    one, two = first.network.state_dict(), model.network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_training_without_progress_ends_early(tmp_path, tiles, monkeypatch):
    scores = iter([0.5, 0.2, 0.6, 0.6, 0.3, *[0.1] * 9])
    monkeypatch.setattr(boxes_module, 'judge_boxes', lambda *_: SimpleNamespace(
        to_dict=lambda: {'map_50': next(scores)}))
    model = train(tmp_path, tiles, TINY.change(n_epochs=9, patience=2))
    assert len((tmp_path / 'history.jsonl').read_text().splitlines()) == 5
    assert model.training['epoch'] == 3


def test_too_few_held_out_boxes_leave_the_refiner_as_it_was(tiles):
    refiner = BoxRefiner(centre=(0.5, 0.0))
    found = [replace(true_boxes(tile), scores=np.ones(len(tile.boxes))) for tile in tiles]
    assert calibrate_boxes(found, tiles, refiner=refiner)[1] == refiner  # 12 of 20 needed
    many = [2 * part for part in (found, tiles)]
    assert calibrate_boxes(*many, refiner=refiner)[1] == BoxRefiner()  # true boxes are best


def test_a_detector_to_go_on_from_must_fit(tmp_path, tiles):
    train(tmp_path / 'first', tiles, TINY.change(n_epochs=1))
    with pytest.raises(InputError, match="tuning 'scratch', from which one with 'frozen'"):
        train(tmp_path / 'then', tiles, TINY.change(tuning='frozen'), start=tmp_path / 'first')
    with pytest.raises(InputError, match="head 'rcnn', the recipe says 'query'"):
        train(tmp_path / 'then', tiles, TINY.change(head='query'), start=tmp_path / 'first')
    with pytest.raises(InputError, match="'start' sees images with"):
        train(tmp_path / 'then', tiles, start=tmp_path / 'first',
              network_input=NetworkInput(scaling='significance', zoom=2.0))


def weights_of(run):
    return load_box_model(run).network.state_dict()


def test_a_stopped_run_ends_like_an_unbroken_one(tmp_path, tiles, monkeypatch):
    whole = train(tmp_path / 'whole', tiles, seed=3)

    class Stopped(Exception):
        pass

    save = trainer_module.BoxTrainer.save

    def save_and_stop(self, path):
        save(self, path)
        if self.epoch == 1:
            raise Stopped

    monkeypatch.setattr(trainer_module.BoxTrainer, 'save', save_and_stop)
    with pytest.raises(Stopped):
        train(tmp_path / 'broken', tiles, seed=3)
    monkeypatch.undo()
    broken = train(tmp_path / 'broken', tiles, seed=3)
    one, two = weights_of(tmp_path / 'whole'), weights_of(tmp_path / 'broken')
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert broken.training == whole.training
    with pytest.raises(InputError, match='another seed'):
        train(tmp_path / 'whole', tiles, seed=4)


def test_run_folder_holds_everything(tmp_path, tiles):
    model = train(tmp_path, tiles)
    loaded = load_box_model(tmp_path)
    assert loaded.classes == ('source',)
    assert loaded.sha256
    assert loaded.network_input == INPUT
    assert loaded.tile_side == 48
    assert loaded.calibration == model.calibration
    assert loaded.refiner == model.refiner
    image = [torch.rand(1, 48, 48)]
    with torch.inference_mode():
        assert_allclose(loaded.network(image)[0]['scores'], model.network(image)[0]['scores'])
    history = [json.loads(line) for line in (tmp_path / 'history.jsonl').read_text().splitlines()]
    assert [entry['epoch'] for entry in history] == [1, 2]
    assert 'map_50' in history[-1]


@pytest.mark.parametrize('tuning', ['frozen', 'lora'])
def test_backbone_that_stays_is_named_and_not_copied(tmp_path, tiles, tuning):
    model = train(tmp_path, tiles, TINY.change(tuning=tuning, n_epochs=1))
    own = [name for name in _tensors(tmp_path) if 'backbone.body' in name]
    assert all('lora_' in name for name in own)
    assert bool(own) == (tuning == 'lora')
    loaded = load_box_model(tmp_path).network.state_dict()
    assert all(torch.equal(value, loaded[name])
               for name, value in model.network.state_dict().items())
    parameters = json.loads((tmp_path / 'params.json').read_text())
    parameters['fingerprint'] = 'of other weights'
    (tmp_path / 'params.json').write_text(json.dumps(parameters))
    with pytest.raises(ReadError, match='was trained on other weights of toy_resnet'):
        load_box_model(tmp_path)


def _tensors(run):
    from safetensors import safe_open

    with safe_open(run / 'weights.safetensors', framework='pt') as file:
        return list(file.keys())


@pytest.mark.parametrize(('change', 'message'), [
    ({'format': 9}, "has format 9, this version of astrofound reads format 1"),
    ({'kind': 'other'}, 'holds no detector'),
    ({'tile_side': None, 'classes': []}, 'does not describe a detector'),
    ({'classes': ['a', 'b', 'c']}, r'does not fit its params\.json'),
])
def test_damaged_parameters(tmp_path, tiles, change, message):
    train(tmp_path, tiles, TINY.change(n_epochs=1))
    parameters = json.loads((tmp_path / 'params.json').read_text())
    (tmp_path / 'params.json').write_text(json.dumps(parameters | change))
    with pytest.raises(ReadError, match=message):
        load_box_model(tmp_path)


def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path, tiles, monkeypatch, caplog):
    collate, sizes = trainer_module.collate_tiles, []

    def scarce(part, scaling):
        sizes.append(len(part))
        if len(part) > 1:
            raise torch.OutOfMemoryError('CUDA out of memory')
        return collate(part, scaling)

    monkeypatch.setattr(trainer_module, 'collate_tiles', scarce)
    model = train(tmp_path, tiles, TINY.change(n_epochs=1))
    assert sizes == [2, 1, 1, 1]
    assert 'going on with 1 tiles at once' in caplog.text
    assert model.training['epoch'] == 1


def test_parts_of_a_batch_sum_up_to_it(tiles):
    sums = []
    for micro_batch in (2, 1):
        network = _network()
        network.backbone.body.requires_grad_(True)
        trainer = trainer_module.BoxTrainer(
            network, TINY.change(optimizer='sgd', learning_rate=0.1), tiles[:2], scaling='linear')
        trainer.micro_batch = micro_batch
        network.train()
        network.rpn.fg_bg_sampler.batch_size_per_image = 10**6  # no chance in what is learnt
        network.roi_heads.fg_bg_sampler.batch_size_per_image = 10**6
        network.backbone.from_scratch = False
        network.train()
        sums.append(trainer._try_step(list(tiles[:2]), 0))
    assert sums[0] == pytest.approx(sums[1], rel=1e-3)


def _network(name='toy_resnet'):
    from astrofound.backbones import load_backbone
    from astrofound.networks import RcnnOptions, build_box_network, plan_anchors

    backbone = load_backbone(name)
    options = RcnnOptions(width=8, head_width=16, n_proposals=8)
    return build_box_network(backbone, 1, plan_anchors(options, backbone, [[8, 8]]))


def test_a_loss_that_is_no_number_stops_and_keeps_the_epochs_before(tmp_path, tiles, monkeypatch):
    average = trainer_module.BoxTrainer._average

    def spoil(self, step):
        average(self, step)
        if step + 1 == 2 * self.n_steps - 1:  # in the second epoch, before its last step
            next(self.network.rpn.parameters()).data.fill_(float('nan'))

    monkeypatch.setattr(trainer_module.BoxTrainer, '_average', spoil)
    with pytest.raises(TrainingError, match=r'no number any more.*epoch 2, step 2, tiles tile'):
        train(tmp_path, tiles)
    assert torch.load(tmp_path / 'checkpoint.pt', weights_only=True)['epoch'] == 1
    monkeypatch.undo()
    assert train(tmp_path, tiles).training['epoch'] in (1, 2)


def test_nothing_to_learn_from(tmp_path, tiles):
    with pytest.raises(InputError, match="'tiles' must hold at least one box"):
        train(tmp_path, [tiles[0], make_tile(9, n_sources=0)])
    with pytest.raises(InputError, match='class 0 of a box is not among the 0 classes'):
        train(tmp_path, tiles, classes=())
    with pytest.raises(InputError, match='at least two images'):
        split_tiles(tiles[:1])


def test_split_leaves_no_tile_out(tiles):
    learnt, held_out = split_tiles(tiles, 0.25, seed=1)
    assert len(held_out) == 1
    assert {tile.name for tile in (*learnt, *held_out)} == {tile.name for tile in tiles}


# --- tiles

@pytest.mark.parametrize('turn', range(8))
def test_boxes_turn_with_the_pixels(turn):
    data = np.zeros((20, 30), np.float32)
    data[4:9, 12:15] = 1
    tile = orient_tile(BoxTile(data, data, np.array([[12, 4, 15, 9.]]), np.zeros(1, int),
                               np.array([[12, 4, 15, 9.]])), turn)
    rows, columns = np.nonzero(tile.raw)
    assert tile.boxes[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert_allclose(tile.ignore, tile.boxes)
    assert tile.significance is tile.raw


def test_cut_sources_become_regions_to_be_ignored():
    data = np.zeros((40, 40), np.float32)
    tile = BoxTile(data, data, np.array([[5, 5, 15, 15], [18, 5, 28, 15], [12, 5, 22, 15.],
                                         [30, 30, 35, 35]]), np.arange(4), np.zeros((0, 4)))
    cut = crop_tile(tile, (slice(0, 20), slice(0, 20)))
    assert cut.shape == (20, 20)
    assert cut.boxes.tolist() == [[5, 5, 15, 15], [12, 5, 20, 15]]  # whole, and 80 % of it
    assert cut.labels.tolist() == [0, 2]
    assert cut.ignore.tolist() == [[18, 5, 20, 15]]


def test_tiles_are_prepared_in_beam_units():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((64, 64))
    tile = prepare_tile(data, [[10, 10, 20, 20], [0, 0, 0, 5], [60, 60, 70, 70]], [1, 0, 1],
                        network_input=NetworkInput(beam_pix=8.0), beam='4pix', ignored=[0, 0, 0])
    assert tile.shape == (128, 128)
    assert tile.boxes.tolist() == [[20, 20, 40, 40]]  # no area; and 16 % of it inside
    assert tile.labels.tolist() == [1]
    assert tile.ignore.tolist() == [[120, 120, 128, 128]]
    assert np.nanstd(tile.significance) == pytest.approx(1, abs=0.1)
    with pytest.raises(InputError, match='1 boxes, 2 labels'):
        prepare_tile(data, [[10, 10, 20, 20]], [0, 1], network_input=INPUT)


def test_emission_without_a_box_can_be_ignored():
    y, x = np.mgrid[:96, :96] + 0.5
    data = np.random.default_rng(0).standard_normal((96, 96))
    for centre, wide in (((24, 24), 7), ((72, 72), 7), ((24, 72), 1.5)):  # the last is a point
        data += 30 * np.exp(-0.5 * ((x - centre[0])**2 + (y - centre[1])**2) / wide**2)
    options = {'network_input': INPUT, 'beam': '3pix', 'rms': 1.0, 'background': 0.0}
    boxes = [[10, 10, 38, 38]]
    assert not len(prepare_tile(data, boxes, [0], **options).ignore)
    tile = prepare_tile(data, boxes, [0], ignore_unlabelled=True, **options)
    assert tile.boxes.tolist() == boxes
    assert len(tile.ignore) == 1
    x1, y1, x2, y2 = tile.ignore[0]
    assert x1 < 65 < 79 < x2
    assert y1 < 65 < 79 < y2


@pytest.mark.parametrize(('backbone', 'scale'), [('toy_resnet', 1), ('compact', 50)])
def test_photometric_augmentation_changes_looks_and_not_places(tiles, backbone, scale):
    recipe = TINY.change(augmentation='photometric')
    trainer = trainer_module.BoxTrainer(_network(backbone), recipe, tiles, scaling='linear')
    torch.manual_seed(0)
    image = scale * torch.rand(1, 32, 32)
    image[:, :4] = torch.nan
    (changed,) = trainer._change_looks([image])
    assert torch.equal(torch.isnan(changed), torch.isnan(image))
    seen = ~torch.isnan(image)
    assert not torch.allclose(changed[seen], image[seen])
    assert changed[seen].max() > 0.5 * scale  # significance does not end at 1
    tile = trainer._vary(tiles[0], np.random.default_rng(1))
    assert np.array_equal(tile.boxes, tiles[0].boxes)
    assert np.array_equal(tile.raw, tiles[0].raw)


# --- recipes

def test_learning_rate_rises_and_falls():
    recipe = BOX_RECIPES['default']
    rates = [recipe.rate_at(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == 1
    assert rates[-1] < 0.01
    assert {BOX_RECIPES['paper'].rate_at(step, 100) for step in range(100)} == {1.0}


@pytest.mark.parametrize(('backbone', 'side'), [('compact', 8), ('toy_resnet', 16)])
def test_the_typical_source_spans_four_cells(backbone, side):
    boxes = [[[4, 4, 14, 24]], [[0, 0, 20, 10]], [[0, 0, 40, 40]]]
    data = BoxedImages(np.zeros((3, 64, 64)), boxes, [[0]] * 3, ['source'],
                       ignored=[[False], [False], [True]])
    zoom = side / np.sqrt(200)
    body = load_backbone(backbone)
    assert choose_input(data, body).zoom == pytest.approx(zoom, abs=1e-3)
    with_beam = replace(data, images=[SurveyImage(one, beam='6pix') for one in data.images])
    assert choose_input(with_beam, body).beam_pix == pytest.approx(6 * zoom, abs=0.01)
    assert choose_input(with_beam, body, beam_pix=5.0).beam_pix == 5
    assert choose_input(with_beam, body, scaling='contrast').scaling == 'contrast'
    with pytest.raises(InputError, match='there is not one box to learn from'):
        choose_input(data.select([2]), body)


def test_unknown_settings_are_named():
    with pytest.raises(InputError, match='tuning'):
        BOX_RECIPES['default'].change(tuning='thawed')
    with pytest.raises(InputError, match='learning_rate'):
        BOX_RECIPES['default'].change(learning_rates=1)
