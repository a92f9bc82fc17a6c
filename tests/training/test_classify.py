import json

import numpy as np
import pytest
import torch

from astrofound.backbones import load_backbone
from astrofound.training import (
    ClassifierRecipe,
    StrategyOptions,
    build_classifier,
    fit_classifier,
    predict_logits,
    train_classifier,
)
from astrofound.training import classify as module
from astrofound.utils import InputError


@pytest.fixture(scope='module')
def data():
    """Bars along x or along y, in noise."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 0.2, (48, 1, 32, 32)).astype(np.float32)
    codes = np.arange(48) % 2
    images[codes == 0, :, 14:18, 4:28] += 0.7
    images[codes == 1, :, 4:28, 14:18] += 0.7
    return torch.from_numpy(images), codes


def network(name='toy_vit', **options):
    return build_classifier(load_backbone(name), 2, StrategyOptions(pooling='mean', **options))


def train(net, data, folder=None, **fields):
    recipe = ClassifierRecipe(**{'n_epochs': 3, 'batch_size': 8, 'augment': 'none',
                                 'learning_rate': 3e-3, **fields})
    images, codes = data
    return train_classifier(net, images, codes, train=np.arange(32), validation=np.arange(32, 48),
                            recipe=recipe, run=folder)


def test_learns(data):
    net = network('toy_resnet', strategy='scratch')
    history = train(net, data, n_epochs=8)
    assert history[-1]['accuracy'] > 0.9
    assert history[-1]['images_per_second'] > 0
    logits = predict_logits(net, data[0])
    assert (logits.argmax(1).numpy() == data[1]).mean() > 0.9


@pytest.mark.parametrize('strategy', ['scratch', 'finetune'])
def test_features_of_random_weights_set_no_scale(data, strategy):
    images, codes = data
    options = StrategyOptions(pooling='mean', strategy=strategy, n_epochs=1, batch_size=16)
    net = build_classifier(load_backbone('toy_resnet'), 2, options)
    fit_classifier(net, images, codes, train=np.arange(32), validation=np.arange(0),
                   options=options,
                   features_of=lambda pixels: 1e-3 * np.random.default_rng(0).normal(
                       size=(len(pixels), 512)).astype(np.float32))
    assert (float(net.head.scale.max()) > 10) == (strategy == 'finetune')


def test_the_same_seed_gives_the_same_network(data):
    logits = []
    for _ in range(2):
        net = network(strategy='finetune')
        train(net, data, augment='sky')
        logits.append(predict_logits(net, data[0]))
    assert torch.equal(*logits)


@pytest.mark.parametrize('stop', [1, 2])
def test_a_stopped_training_gives_the_network_of_an_unstopped_one(data, tmp_path, stop,
                                                                 monkeypatch):
    whole = network()
    train(whole, data, unfreeze_after=1, augment='sky')
    whole_logits = predict_logits(whole, data[0])

    class Stopped(Exception):
        pass

    save = module._Trainer.save

    def save_and_stop(self, folder):
        save(self, folder)
        if self.epoch == stop:
            raise Stopped

    monkeypatch.setattr(module._Trainer, 'save', save_and_stop)
    with pytest.raises(Stopped):
        train(network(), data, tmp_path, unfreeze_after=1, augment='sky')
    monkeypatch.setattr(module._Trainer, 'save', save)
    resumed = network()
    history = train(resumed, data, tmp_path, unfreeze_after=1, augment='sky')
    torch.testing.assert_close(predict_logits(resumed, data[0]), whole_logits)
    assert [entry['epoch'] for entry in history] == [1, 2, 3]
    lines = (tmp_path / 'history.jsonl').read_text().splitlines()
    assert [json.loads(line)['epoch'] for line in lines] == [1, 2, 3]


def test_another_recipe_in_the_same_folder(data, tmp_path):
    train(network(), data, tmp_path, n_epochs=1)
    with pytest.raises(InputError, match='another recipe'):
        train(network(), data, tmp_path, n_epochs=2)


def test_frozen_backbone_does_not_move(data):
    net = network('toy_resnet', head='attention')
    before = {name: t.clone() for name, t in net.backbone.state_dict().items()}
    head = {name: t.clone() for name, t in net.head.state_dict().items()}
    train(net, data, adapt='none')
    for name, tensor in net.backbone.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert any(not torch.equal(t, head[name]) for name, t in net.head.state_dict().items())


def test_backbone_waits_for_the_head(data):
    net = network()
    before = {name: t.clone() for name, t in net.backbone.state_dict().items()}
    train(net, data, n_epochs=2, unfreeze_after=2)
    assert all(torch.equal(t, before[name]) for name, t in net.backbone.state_dict().items())
    train(net, data, n_epochs=2, unfreeze_after=1)
    assert any(not torch.equal(t, before[name]) for name, t in net.backbone.state_dict().items())


def test_stops_when_validation_no_longer_improves(data, monkeypatch):
    losses = iter([1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    loss = module.F.cross_entropy
    monkeypatch.setattr(module.F, 'cross_entropy', lambda logits, codes, **options: (
        loss(logits, codes) if logits.requires_grad else torch.tensor(next(losses))))
    history = train(network(), data, n_epochs=7, patience=2)
    assert len(history) == 4


def test_unlabelled_images_are_learnt_from(data):
    images, codes = data
    recipe = ClassifierRecipe(n_epochs=2, batch_size=8)
    labelled, semi = network(), network()
    options = {'train': np.arange(8), 'validation': np.arange(0), 'recipe': recipe}
    train_classifier(labelled, images, codes, **options)
    module_sure, module._SURE = module._SURE, 0.0
    try:
        train_classifier(semi, images, codes, unlabelled=images[8:], **options)
    finally:
        module._SURE = module_sure
    assert not torch.equal(predict_logits(labelled, images), predict_logits(semi, images))


def test_a_mirror_shows_the_other_class():
    """Bars of one slope are all that is seen; those of the other are their mirror images."""
    noise = np.random.default_rng(0).uniform(0, 0.2, (48, 1, 32, 32)).astype(np.float32)
    images = torch.from_numpy(noise + 0.7 * np.eye(32, dtype=np.float32))
    net = network('toy_resnet', strategy='scratch')
    train_classifier(net, images, np.zeros(48, int), train=np.arange(48), validation=np.arange(0),
                     recipe=ClassifierRecipe(n_epochs=6, batch_size=8, augment='none',
                                             learning_rate=3e-3), mirror=[1, 0])
    assert predict_logits(net, images).argmax(1).tolist() == [0] * 48
    assert predict_logits(net, images.flip(3)).argmax(1).tolist() == [1] * 48


def test_loss_that_is_no_number(data):
    images = data[0].clone()
    net = network()
    with torch.no_grad():
        net.head.layers[-1].weight.fill_(torch.inf)
    with pytest.raises(InputError, match="lower 'learning_rate'"):
        train(net, (images, data[1]))
