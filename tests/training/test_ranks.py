import subprocess
import sys

import numpy as np
import torch

from astrofound.training import Ranks

SCRIPT = '''
import sys
import numpy as np
import torch
from astrofound.backbones import load_backbone
from astrofound.training import (ClassifierRecipe, Ranks, StrategyOptions, build_classifier,
                                 train_classifier)

images = torch.rand(32, 1, 32, 32, generator=torch.Generator().manual_seed(0))
network = build_classifier(load_backbone('toy_dinov2'), 2, StrategyOptions(pooling='mean'))
recipe = ClassifierRecipe(n_epochs=2, batch_size=8, optimizer='sgd', learning_rate=0.1,
                          augment='none')
train_classifier(network, images, np.arange(32) % 2, train=np.arange(32),
                 validation=np.arange(0), recipe=recipe)
if Ranks().is_main:
    np.save(sys.argv[1], network.head.layers[-1].weight.numpy())
'''


def test_alone():
    ranks = Ranks()
    assert (ranks.n, ranks.is_main) == (1, True)
    assert ranks.share(np.arange(5)).tolist() == [0, 1, 2, 3, 4]
    assert ranks.device(torch.device('cpu')) == torch.device('cpu')


def test_two_processes_learn_what_one_does(tmp_path):
    script = tmp_path / 'train.py'
    script.write_text(SCRIPT)
    weights = []
    launch = ['-m', 'accelerate.commands.launch', '--cpu', '--num_processes', '2',
              '--main_process_port', '0', '--num_machines', '1', '--mixed_precision', 'no',
              '--dynamo_backend', 'no']
    for words in ([], launch):
        output = tmp_path / f'{len(words)}.npy'
        subprocess.run([sys.executable, *words, script, output], check=True, timeout=300,
                       capture_output=True)
        weights.append(np.load(output))
    np.testing.assert_allclose(*weights, atol=1e-6)
