import numpy as np
import pytest
import torch

from astrofound.networks import HEADS, build_head
from astrofound.utils import InputError


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6))
    return torch.from_numpy(rng.normal(size=(500, 6)) @ mixing + 7).float()


@pytest.mark.parametrize('name', [name for name in HEADS if name != 'attention'])
def test_vectors_become_logits(name, vectors):
    head = build_head(name, 6, 3)
    head.fit_scale(vectors)
    assert head(vectors).shape == (500, 3)


def test_standardised_features_have_mean_zero_and_spread_one(vectors):
    head = build_head('linear', 6, 2)
    head.fit_scale(vectors)
    scaled = (vectors - head.level) * head.scale
    torch.testing.assert_close(scaled.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(scaled.std(0, correction=0), torch.ones(6), atol=1e-4, rtol=0)


def test_parts_of_a_vector_count_alike(vectors):
    head = build_head('linear', 6, 2, blocks=(4, 2))
    head.fit_scale(vectors)
    spread = ((vectors - head.level) * head.scale).std(0, correction=0)
    torch.testing.assert_close(spread, torch.tensor([0.5, 0.5, 0.5, 0.5, 1, 1]).sqrt())


def test_a_constant_feature_says_nothing(vectors):
    vectors[:, 2] = 5.0
    head = build_head('linear', 6, 2)
    head.fit_scale(vectors)
    changed = vectors.clone()
    changed[:, 2] = 1e6
    torch.testing.assert_close(head(changed), head(vectors))


def test_whitened_features_are_uncorrelated(vectors):
    head = build_head('whiten', 6, 2)
    head.fit_scale(vectors)
    white = (vectors - head.level) @ head.scale
    correlation = np.corrcoef(white.numpy().T)
    assert np.abs(correlation - np.eye(6)).max() < 0.5
    assert np.abs(np.corrcoef(vectors.numpy().T) - np.eye(6)).max() > 0.5
    torch.testing.assert_close(head.scale, head.scale.T)  # ZCA turns as little as it can


def test_attention_begins_as_the_mean_and_leaves_out_what_is_blank():
    head = build_head('attention', 4, 2)
    dense = torch.randn(3, 4, 2, 2)
    coverage = torch.ones(3, 2, 2)
    coverage[:, 0, 0] = 0
    changed = dense.clone()
    changed[:, :, 0, 0] = 100.0
    torch.testing.assert_close(head(changed, coverage), head(dense, coverage),
                               atol=1e-5, rtol=1e-5)
    tokens = head.norm(dense.flatten(2).transpose(1, 2))[:, 1:].mean(1)
    torch.testing.assert_close(head(dense, coverage), head.linear(tokens), atol=1e-5, rtol=1e-5)


def test_blank_image_has_finite_logits():
    head = build_head('attention', 4, 2)
    assert torch.isfinite(head(torch.randn(1, 4, 2, 2), torch.zeros(1, 2, 2))).all()


def test_unknown_head():
    with pytest.raises(InputError, match="did you mean 'linear'"):
        build_head('lineal', 4, 2)


def test_one_class():
    with pytest.raises(InputError, match='two classes'):
        build_head('linear', 4, 1)
