"""Features equal what the reference library gives for the same pixels."""

import json

import pytest
import timm
import torch
import transformers
from numpy.testing import assert_allclose

from astrofound.backbones import find_spec, load_backbone
from astrofound.utils import ReadError

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SMALL = {'hidden_size': 24, 'num_hidden_layers': 2, 'num_attention_heads': 3,
         'intermediate_size': 48, 'image_size': 32, 'patch_size': 8}
WITH_RATIO = {key: value for key, value in SMALL.items() if key != 'intermediate_size'}
KINDS = {
    'vit': ('ViTConfig', 'ViTModel', SMALL),
    'vit_mae': ('ViTMAEConfig', 'ViTMAEForPreTraining', SMALL),
    'vit_msn': ('ViTMSNConfig', 'ViTMSNModel', SMALL),
    'dinov2': ('Dinov2Config', 'Dinov2Model', WITH_RATIO),
    'dinov2_with_registers': ('Dinov2WithRegistersConfig', 'Dinov2WithRegistersModel', WITH_RATIO),
    'dinov3_vit': ('DINOv3ViTConfig', 'DINOv3ViTModel', {**SMALL, 'num_register_tokens': 4}),
    'siglip_vision_model': ('SiglipVisionConfig', 'SiglipVisionModel', SMALL),
    'resnet': ('ResNetConfig', 'ResNetModel',
               {'hidden_sizes': [8, 16, 24, 32], 'depths': [1, 1, 1, 1], 'embedding_size': 8}),
}


def hub_folder(path, model, statistics=True):
    """Save a model the way the hub keeps it."""
    model.save_pretrained(path)
    if statistics:
        (path / 'preprocessor_config.json').write_text(
            json.dumps({'image_mean': MEAN, 'image_std': STD}))
    return path


def transformers_model(kind):
    config, model, options = KINDS[kind]
    torch.manual_seed(1)
    model = getattr(transformers, model)(getattr(transformers, config)(**options)).eval()
    for parameter in model.parameters():  # biases start at 0 and would hide a slip
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def normalized(images):
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    return (images - mean) / std


@pytest.fixture
def images():
    return torch.rand((2, 3, 32, 48), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize('kind', KINDS)
@torch.inference_mode()
def test_transformers(kind, images, tmp_path):
    reference = transformers_model(kind)
    backbone = load_backbone(hub_folder(tmp_path / 'model', reference))
    if kind == 'resnet':
        images = images[..., :32]  # whole strides; others are padded
    found = backbone(images)
    arguments = {'pixel_values': normalized(images)}
    if kind in {'vit', 'vit_mae', 'vit_msn', 'siglip_vision_model'}:
        arguments['interpolate_pos_encoding'] = True
    if kind == 'vit_mae':
        reference = reference.vit
        reference.config.mask_ratio = 0.0
        reference.embeddings.config.mask_ratio = 0.0
        arguments['noise'] = torch.arange(24.).expand(2, -1)
    output = reference(**arguments)
    hidden = output.last_hidden_state
    if kind == 'resnet':
        assert_allclose(found.dense, hidden, atol=1e-5, rtol=1e-5)
        assert_allclose(found.own, output.pooler_output.flatten(1), atol=1e-5, rtol=1e-5)
        return
    n_prefix = backbone.spec.n_prefix
    assert_allclose(found.dense.flatten(2).transpose(1, 2), hidden[:, n_prefix:], atol=1e-5)
    assert_allclose(found.prefix, hidden[:, :n_prefix], atol=1e-5)
    if kind == 'siglip_vision_model':
        assert_allclose(found.own, output.pooler_output, atol=1e-5)


@torch.inference_mode()
def test_mae_is_neither_masked_nor_shuffled(images, tmp_path):
    # the same weights as a plain vision transformer, which knows no masks
    reference = transformers_model('vit_mae').vit
    backbone = load_backbone(hub_folder(tmp_path / 'model', reference))
    plain = transformers.ViTModel(transformers.ViTConfig(**SMALL), add_pooling_layer=False).eval()
    plain.load_state_dict(reference.state_dict())
    square = images[..., :32]
    hidden = plain(pixel_values=normalized(square)).last_hidden_state
    found = backbone(square)
    assert_allclose(found.dense.flatten(2).transpose(1, 2), hidden[:, 1:], atol=1e-5)
    assert_allclose(found.pooled('cls'), hidden[:, 0], atol=1e-5)


@pytest.mark.skipif(not hasattr(transformers, 'RadioModel'), reason='older transformers')
@torch.inference_mode()
def test_radio_normalizes_itself(images, tmp_path):
    options = {key: SMALL[key] for key in (
        'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'image_size', 'patch_size')}
    config = transformers.RadioConfig(**options, max_img_size=64, patch_dim=192)
    torch.manual_seed(1)
    reference = transformers.RadioModel(config).eval()
    backbone = load_backbone(hub_folder(tmp_path / 'model', reference, statistics=False))
    found = backbone(images)
    output = reference(pixel_values=images)
    assert backbone.spec.mean == ()
    assert_allclose(found.dense.flatten(2).transpose(1, 2), output.features, atol=1e-5)
    assert_allclose(found.own, output.summary, atol=1e-5)
    assert found.prefix.shape == (2, 10, 24)


def timm_folder(path, name, **options):
    torch.manual_seed(1)
    model = timm.create_model(name, num_classes=0, **options).eval()
    from timm.models import save_for_hf

    save_for_hf(model, path, model_args=options, safe_serialization=True)
    return path, model


TIMM = [
    ('vit_base_patch16_224', {'embed_dim': 24, 'depth': 2, 'num_heads': 3, 'img_size': 32,
                              'patch_size': 8}),
    ('naflexvit_base_patch16_radio_v3', {'embed_dim': 24, 'depth': 2, 'num_heads': 3,
                                         'patch_size': 8}),
    ('vit_base_patch16_siglip_224', {'embed_dim': 24, 'depth': 2, 'num_heads': 3, 'img_size': 32,
                                     'patch_size': 8}),
    ('convnext_atto', {'depths': [1, 1, 1, 1], 'dims': [4, 8, 16, 32]}),
    ('resnet10t', {}),
]


@pytest.mark.parametrize(('name', 'options'), TIMM, ids=[name for name, _ in TIMM])
@torch.inference_mode()
def test_timm(name, options, images, tmp_path):
    folder, reference = timm_folder(tmp_path / 'model', name, **options)
    square = images[..., :32]
    backbone = load_backbone(folder)
    about = reference.pretrained_cfg
    mean, std = (torch.tensor(about[key]).reshape(1, 3, 1, 1) for key in ('mean', 'std'))
    tokens = reference.forward_features((square - mean) / std)
    found = backbone(square)
    if tokens.ndim == 3:
        dense = found.dense.flatten(2).transpose(1, 2)
        tokens, reference_own = tokens[:, backbone.spec.n_prefix:], reference.forward_head(tokens)
    else:
        dense, reference_own = found.dense, reference.forward_head(tokens)
    assert_allclose(dense, tokens, atol=1e-5)
    assert_allclose(found.own, reference_own, atol=1e-5)
    assert backbone.spec.mean == tuple(about['mean'])


@torch.inference_mode()
def test_torchvision(images, monkeypatch, tmp_path):
    from torchvision import models

    torch.manual_seed(1)
    reference = models.resnet18().eval()
    checkpoints = tmp_path / 'checkpoints'
    checkpoints.mkdir()
    torch.save(reference.state_dict(), checkpoints / 'resnet18-f37072fd.pth')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr('astrofound.backbones.loading.check_sha256', lambda *given: None)
    found = load_backbone('resnet18')(images)
    reference.fc = torch.nn.Identity()
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    padded = torch.nn.functional.pad((images - mean) / std, (0, 16, 0, 0), mode='replicate')
    assert_allclose(found.own, reference(padded), atol=1e-5)


@torch.inference_mode()
def test_layout_of_stradavit(images, tmp_path):
    """A masked autoencoder with its decoder, as the hub has it; features as its authors pool."""
    whole = transformers_model('vit_mae')
    folder = hub_folder(tmp_path / 'stradavit', whole)
    spec = find_spec('stradavit_vitb16').replace(
        mean=MEAN, std=STD, patch_size=8, n_features=24, options=tuple(SMALL.items()))
    backbone = load_backbone(spec, weights=folder)
    plain = transformers.ViTModel(transformers.ViTConfig(**SMALL), add_pooling_layer=False).eval()
    plain.load_state_dict(whole.vit.state_dict())
    square = images[..., :32]
    hidden = plain(pixel_values=normalized(square)).last_hidden_state
    pooled = backbone(square).pooled(spec.check_pooling('auto'))
    assert_allclose(pooled, hidden[:, 1:].mean(dim=1), atol=1e-5)
    # their variants say in the configuration what they are
    configuration = json.loads((folder / 'config.json').read_text())
    for change in ({'n_registers': 4}, {'use_dino_encoder': True}):
        (folder / 'config.json').write_text(json.dumps({**configuration, **change}))
        with pytest.raises(ReadError, match='is a variant with other layers'):
            load_backbone(spec, weights=folder)


@torch.inference_mode()
def test_layout_of_zoobot(images, tmp_path):
    """A network of timm without classes, whose configuration says the statistics."""
    options = {'depths': [1, 1, 1, 1], 'dims': [4, 8, 16, 32]}
    torch.manual_seed(1)
    model = timm.create_model('convnext_nano', num_classes=0, **options).eval()
    model.pretrained_cfg |= {'mean': (0.1, 0.2, 0.3), 'std': (0.4, 0.5, 0.6), 'num_classes': 0}
    from timm.models import save_for_hf

    save_for_hf(model, tmp_path / 'zoobot', model_args=options, safe_serialization=True)
    backbone = load_backbone('zoobot_nano', weights=tmp_path / 'zoobot')
    assert (backbone.spec.name, backbone.spec.license) == ('zoobot_nano', 'Apache-2.0')
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1)
                 for values in ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)))
    square = images[..., :32]
    assert_allclose(backbone(square).own, model((square - mean) / std), atol=1e-5)
