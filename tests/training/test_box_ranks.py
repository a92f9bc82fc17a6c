"""Detectors trained by several processes, and in ways that repeat."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from astrofound.preprocess import NetworkInput
from astrofound.training import BOX_RECIPES, load_box_model, train_boxes

SCRIPT = '''
import sys
import numpy as np
import torch
from tests.training.test_box_ranks import RECIPE, INPUT, make_tiles, train
from astrofound.training import Ranks
from astrofound.training.box_beginning import begin
from astrofound.training.box_trainer import BoxTrainer

tiles, device = make_tiles(), torch.device('cpu')
network, _ = begin('toy_resnet', None, RECIPE, tiles, 1, seed=0, device=device)
trainer = BoxTrainer(network, RECIPE, tiles, scaling='linear')
trainer.micro_batch = 1  # so that one process also takes means over single tiles
for _ in range(RECIPE.n_epochs):
    trainer.train_epoch()
if Ranks().is_main:
    np.savez(sys.argv[1], *[value.numpy() for value in trainer.averaged.state_dict().values()])
train(sys.argv[2])
'''

INPUT = NetworkInput(scaling='linear')
# All anchors and proposals are learnt from: which ones is chance otherwise.
RECIPE = BOX_RECIPES['smoke'].change(
    tuning='full', n_epochs=2, batch_size=2, width=8, head_width=16, n_anchors=1, n_proposals=100,
    optimizer='sgd', learning_rate=0.05, mixed_precision=False)


def make_tiles():
    from astrofound.training import BoxTile

    rng = np.random.default_rng(0)
    tiles = []
    for number in range(4):
        data = rng.uniform(0, 0.2, (32, 32)).astype(np.float32)
        x, y = rng.integers(2, 18, 2)
        data[y:y + 12, x:x + 12] += 0.7
        tiles.append(BoxTile(data, data, np.array([[x, y, x + 12, y + 12.]]), np.zeros(1, int),
                             np.zeros((0, 4)), f'tile {number}'))
    return tiles


def train(run, recipe=RECIPE):
    tiles = make_tiles()
    return train_boxes(run, tiles, tiles[:2], classes=('source',), network_input=INPUT,
                       backbone='toy_resnet', recipe=recipe, device='cpu')


def test_two_processes_learn_what_one_does(tmp_path):
    script = tmp_path / 'train.py'
    script.write_text(SCRIPT)
    launch = ['-m', 'accelerate.commands.launch', '--cpu', '--num_processes', '2',
              '--main_process_port', '0', '--num_machines', '1', '--mixed_precision', 'no',
              '--dynamo_backend', 'no']
    states = []
    for name, words in (('one', []), ('two', launch)):
        subprocess.run([sys.executable, *words, script, tmp_path / f'{name}.npz', tmp_path / name],
                       check=True, timeout=300, capture_output=True, env=_environment())
        with np.load(tmp_path / f'{name}.npz') as file:
            states.append([file[key] for key in file])
    for one, two in zip(*states, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    history = (tmp_path / 'two' / 'history.jsonl').read_text().splitlines()
    assert len(history) == RECIPE.n_epochs
    assert load_box_model(tmp_path / 'two').training['epoch'] == (
        load_box_model(tmp_path / 'one').training['epoch'])


def _environment():
    import os
    from pathlib import Path

    root = str(Path(__file__).resolve().parents[2])
    return os.environ | {'PYTHONPATH': os.pathsep.join(
        [root, *filter(None, [os.environ.get('PYTHONPATH')])])}


@pytest.mark.parametrize('head', ['rcnn', 'query'])
def test_deterministic_trainings_repeat(tmp_path, head):
    recipe = RECIPE.change(head=head, deterministic=True)
    one, two = (train(tmp_path / name, recipe).network.state_dict() for name in 'ab')
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.are_deterministic_algorithms_enabled()
