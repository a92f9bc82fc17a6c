"""What the records say of the published networks is what the libraries build."""

import pytest
import timm
import torch
from torchvision import models

from astrofound.backbones import FAMILIES, find_spec, list_backbones, load_backbone
from astrofound.backbones.loading import _build

NAMES = list_backbones()
OF_THE_PAPER = {'mae_vitb16', 'dino_vitb16', 'dinov2_vitb14', 'msn_vitb16', 'siglip_vitb16',
                'am_radio_b', 'cradio_v3_b', 'cradio_v3_l', 'cradio_v3_h', 'resnet18', 'resnet50',
                'resnet101', 'resnet152', 'vitb16'}
NEWER = {'dinov2_reg_vitb14', 'dinov3_vitb16', 'siglip2_vitb16', 'stradavit_vitb16',
         'zoobot_nano', 'compact'}


def test_every_model_asked_for_is_there():
    assert set(NAMES) >= OF_THE_PAPER | NEWER


def test_every_family_has_a_toy():
    toys = [name for name in list_backbones(toys=True) if name.startswith('toy_')]
    assert {find_spec(name).family for name in toys} == set(FAMILIES)
    assert not set(toys) & set(NAMES)


@pytest.mark.parametrize('name', [name for name in NAMES if not find_spec(name).obstacle
                                  and name != 'compact'])
def test_record_agrees_with_the_library(name):
    spec = find_spec(name)
    with torch.device('meta'):  # shapes only: no memory, no time
        backbone = _build(spec)
    assert sum(p.numel() for p in backbone.model.parameters()) == spec.n_parameters
    config = getattr(backbone.model, 'config', None)
    if spec.library == 'transformers':
        assert (config.hidden_size, config.patch_size) == (spec.n_features, spec.patch_size)
        assert config.image_size == spec.native_size
    elif spec.library == 'timm':
        about = timm.get_pretrained_cfg(spec.model)
        assert backbone.model.num_features == spec.n_features
        assert getattr(backbone.model, 'num_prefix_tokens', 0) == spec.n_prefix
        if spec.mean:  # else the checkpoint's own
            assert (about.mean, about.std) == (spec.mean, spec.std)
            assert about.input_size[-1] == spec.native_size
            assert spec.repo == about.hf_hub_id
    else:
        url = models.get_model_weights(spec.model)[spec.revision].url
        assert url.endswith(f'-{spec.sha256}.pth')


def test_compact_record_agrees_with_its_weights():
    spec = find_spec('compact')
    loaded = load_backbone('compact').spec
    assert (loaded.n_features, loaded.n_parameters) == (spec.n_features, spec.n_parameters)
    assert len(loaded.sha256) == 64


@pytest.mark.parametrize('name', NAMES)
def test_record_is_complete(name):
    spec = find_spec(name)
    assert spec.license
    assert spec.pretraining
    assert spec.reference
    assert spec.repo or spec.library in {'torchvision', 'astrofound'}


# Of these no commit could be learnt without the hub; the record says so to whoever asks.
NOT_PINNED = {'msn_vitb16', 'dinov3_sat_vitl16', 'stradavit_vitb16', 'cradio_v3_b', 'cradio_v3_l',
              'cradio_v3_h', 'am_radio_b', 'zoobot_nano', 'zoobot_base'}


def test_revisions_are_pinned():
    assert {name for name in NAMES if not find_spec(name).is_pinned} == NOT_PINNED


def test_licenses_that_forbid_are_marked():
    for name in NAMES:
        spec = find_spec(name)
        assert spec.restricted == (not spec.license.startswith(('Apache', 'BSD', 'MIT')))


def test_untrained_network_of_a_published_kind():
    backbone = load_backbone('resnet18', pretrained=False)
    assert backbone.spec.n_features == 512
    with torch.inference_mode():
        assert backbone(torch.rand(1, 1, 32, 32)).own.shape == (1, 512)
