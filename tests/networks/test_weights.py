import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from astrofound.networks import (
    CompactNetwork,
    CompactWeights,
    ScoreCalibration,
    load_weights,
    save_weights,
)
from astrofound.networks.pair_features import N_FEATURES
from astrofound.utils import ReadError


@pytest.fixture
def weights():
    torch.manual_seed(3)
    return CompactWeights(
        network=CompactNetwork(widths=(8, 8, 8, 8)).eval(), beam_pix=3.5,
        calibration={'radio': ScoreCalibration(knots=(-2.0, 1.0), probability=(0.25, 0.75)),
                     'optical': ScoreCalibration()}, link=0.75, training={'seed': 7})


def test_round_trip(weights, tmp_path):
    save_weights(tmp_path / 'weights.safetensors', weights)
    again = load_weights(tmp_path)
    pixels = torch.randn(1, 2, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(again.network(pixels), weights.network(pixels))
    features = np.random.default_rng(0).normal(size=(5, N_FEATURES)).astype(np.float32)
    np.testing.assert_array_equal(again.pairs.judge(features), weights.pairs.judge(features))
    assert replace(again, network=weights.network, pairs=weights.pairs, sha256='') == weights
    assert len(again.sha256) == 64


def test_calibration_is_monotone_and_bounded():
    calibration = ScoreCalibration(knots=(-2.0, 1.0), probability=(0.25, 0.75))
    np.testing.assert_allclose(calibration([-9, -2, -0.5, 1, 9], np.ones(5)),
                               [0.25, 0.25, 0.5, 0.75, 0.75])


def test_missing_file_names_the_bundled_ones(tmp_path):
    with pytest.raises(ReadError, match='bundled names: compact'):
        load_weights(tmp_path / 'nothing.safetensors')


@pytest.mark.parametrize('content', [b'', b'not weights at all', b'\xff' * 4096])
def test_damaged_file(tmp_path, content):
    (tmp_path / 'bad.safetensors').write_bytes(content)
    with pytest.raises(ReadError, match=r'cannot read weights from .*bad\.safetensors'):
        load_weights(tmp_path / 'bad.safetensors')


def test_weights_of_something_else(tmp_path):
    save_file({'a': torch.zeros(1)}, tmp_path / 'other.safetensors',
              metadata={'format': json.dumps('pt')})
    with pytest.raises(ReadError, match='no compact-detector weights'):
        load_weights(tmp_path / 'other.safetensors')
