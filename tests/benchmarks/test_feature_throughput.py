import feature_throughput
import latent_scale
import numpy as np
import pytest


@pytest.mark.parametrize('name', ['toy_vit', 'toy_dino'])
def test_both_compute_the_same(name):
    images = np.random.default_rng(0).random((5, 3, 32, 32), np.float32)
    ours, bare, difference = feature_throughput.compare(name, images=images, batch=2, rounds=3)
    assert ours.shape == bare.shape == (3, 2)
    assert (ours > 0).all()
    assert difference < 1e-5


def test_neighbors_are_measured():
    features = latent_scale.make_features(200, 8)
    assert features.dtype == np.float32
    found = latent_scale.STEPS['neighbors'](features)
    assert 0 < found['seconds to find'] <= found['slowest']
