import numpy as np
import pytest
import torch
import transformers
from numpy.testing import assert_allclose
from timm.utils import AttentionExtract

from astrofound.backbones import attention_maps, find_spec, list_backbones, load_backbone

TOYS = [name for name in list_backbones(toys=True) if name.startswith('toy_')]
CONVOLUTIONAL = {'toy_resnet', 'toy_convnext'}
TRANSFORMERS = [name for name in TOYS if name not in CONVOLUTIONAL]


def sky(n=1, shape=(32, 40)):
    return torch.rand((n, 1, *shape), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('name', TRANSFORMERS)
def test_every_block_and_head(name):
    backbone = load_backbone(name)
    first, second = attention_maps(backbone, sky(2, (33, 40)))
    assert first.maps.shape == (2, 3, 5, 5)
    assert (first.n_blocks, first.n_heads) == (2, 3)
    assert (first.maps >= 0).all()
    total = first.maps.sum(axis=(2, 3))
    if backbone.spec.n_prefix:
        assert first.query == 'cls'
        assert (total < 1).all()
    else:
        assert first.query == 'mean'
        assert_allclose(total, 1, atol=1e-5)
    assert not np.array_equal(first.maps, second.maps)
    assert first.extent == (-0.5, 39.5, -0.5, 39.5)


@pytest.mark.parametrize('name', TRANSFORMERS)
@torch.inference_mode()
def test_same_as_the_library_says(name):
    backbone = load_backbone(name)
    spec, images = backbone.spec, sky()
    found = attention_maps(backbone, images, query='mean')[0].maps
    pixels, _ = backbone.normalize(images)
    if spec.library == 'timm':
        for module in backbone.model.modules():
            if hasattr(module, 'fused_attn'):
                module.fused_attn = False
        weights = list(AttentionExtract(backbone.model, method='hook')(pixels).values())
    else:
        backbone.model.set_attn_implementation('eager')
        weights = backbone.model(
            pixel_values=pixels, output_attentions=True,
            **backbone._arguments(pixels, (4, 5))).attentions
    assert len(found) == len(weights)
    for one, block in zip(found, weights, strict=True):
        expected = block[0, :, spec.n_prefix:, spec.n_prefix:].mean(dim=1).reshape(3, 4, 5)
        assert_allclose(one, expected, atol=1e-6)


@pytest.mark.parametrize('name', ['toy_dinov2', 'toy_vit', 'toy_cradio'])
@torch.inference_mode()
def test_network_is_left_as_it_was(name):
    backbone = load_backbone(name)
    before = backbone(sky()).dense
    attention_maps(backbone, sky())
    assert torch.equal(backbone(sky()).dense, before)
    assert not any(module._forward_hooks or module._forward_pre_hooks
                   for module in backbone.modules())


@pytest.mark.parametrize('name', ['compact', *sorted(CONVOLUTIONAL)])
def test_networks_without_attention(name):
    with pytest.raises(ValueError, match=f'{name} .* has no attention'):
        attention_maps(load_backbone(name), sky())


def test_windows_make_no_map():
    backbone = load_backbone(find_spec('toy_vit').replace(
        name='swin', model='swin_tiny_patch4_window7_224', patch_size=32, n_features=32, n_prefix=0,
        pooling='own', options=(('embed_dim', 4), ('depths', (1, 1, 1, 1)),
                                ('num_heads', (1, 1, 1, 1)))), pretrained=False)
    with pytest.raises(ValueError, match='attends in windows'):
        attention_maps(backbone, sky(shape=(224, 224)))


def test_questions_that_cannot_be_asked():
    backbone = load_backbone('toy_siglip')
    with pytest.raises(ValueError, match="use query='mean'"):
        attention_maps(backbone, sky(), query='cls')
    with pytest.raises(ValueError, match='unknown query'):
        attention_maps(backbone, sky(), query='register')


@pytest.mark.skipif(not hasattr(transformers, 'RadioModel'), reason='older transformers')
def test_radio_of_transformers(tmp_path):
    config = transformers.RadioConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=32, patch_size=8,
        max_img_size=64, patch_dim=192)
    transformers.RadioModel(config).save_pretrained(tmp_path / 'radio')
    found = attention_maps(load_backbone(tmp_path / 'radio'), sky())[0]
    assert found.maps.shape == (2, 3, 4, 5)
