"""A backbone in one file that says itself what it is."""

import json

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

from astrofound.backbones import find_spec, list_backbones, load_backbone, save_backbone
from astrofound.backbones.saving import is_saved, read_state
from astrofound.utils import ReadError

NAMES = ['compact', *(name for name in list_backbones(toys=True) if name.startswith('toy_'))]


def changed(name):
    backbone = load_backbone(name)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.01)
    return backbone


@pytest.mark.parametrize('name', NAMES)
@torch.inference_mode()
def test_loaded_as_it_was_saved(name, tmp_path):
    backbone = changed(name)
    save_backbone(tmp_path / 'mine.safetensors', backbone)
    again = load_backbone(tmp_path / 'mine.safetensors')
    assert again.spec == backbone.spec
    assert again.fingerprint() == backbone.fingerprint() != load_backbone(name).fingerprint()
    images = torch.rand(1, 1, 40, 40)
    assert torch.equal(again(images).own, backbone(images).own)
    # the name with the file as its weights is the same
    assert load_backbone(name, weights=tmp_path / 'mine.safetensors').fingerprint() == (
        backbone.fingerprint())


@pytest.mark.parametrize('kind', ['Dinov2', 'ResNet'])
def test_configuration_of_a_folder_is_kept(kind, tmp_path):
    options = {'Dinov2': {'hidden_size': 24, 'num_hidden_layers': 1, 'num_attention_heads': 3,
                          'mlp_ratio': 2, 'image_size': 32, 'patch_size': 8},
               'ResNet': {'hidden_sizes': [8, 16, 24, 32], 'depths': [1, 1, 1, 1],
                          'embedding_size': 8}}[kind]
    config = getattr(transformers, f'{kind}Config')(**options)
    getattr(transformers, f'{kind}Model')(config).save_pretrained(tmp_path / 'hub')
    (tmp_path / 'hub' / 'preprocessor_config.json').write_text(
        json.dumps({'image_mean': [0.5] * 3, 'image_std': [0.25] * 3}))
    backbone = load_backbone(tmp_path / 'hub')
    save_backbone(tmp_path / 'mine.safetensors', backbone)
    again = load_backbone(tmp_path / 'mine.safetensors')
    assert again.fingerprint() == backbone.fingerprint()
    assert again.spec.mean == (0.5, 0.5, 0.5)


def test_file_of_another_network(tmp_path):
    path = tmp_path / 'mine.safetensors'
    save_backbone(path, load_backbone('toy_vit'))
    with pytest.raises(ReadError, match='holds the backbone toy_vit, and toy_dino is asked for'):
        load_backbone('toy_dino', weights=path)
    state = read_state(path)
    del state['model.norm.weight']
    with safe_open(path, framework='pt') as file:
        about = file.metadata()
    save_file(state, path, metadata=about)
    with pytest.raises(ReadError, match=r'cannot load toy_vit from .*Missing.*model\.norm\.weight'):
        load_backbone(path)


def test_later_format(tmp_path):
    path = tmp_path / 'mine.safetensors'
    save_backbone(path, load_backbone('toy_vit'))
    with safe_open(path, framework='pt') as file:
        about = file.metadata()
    save_file(read_state(path), path, metadata={**about, 'astrofound_backbone': '2'})
    with pytest.raises(ReadError, match='is of format 2, and this version'):
        load_backbone(path)


def test_other_files_are_not_taken_for_one(tmp_path):
    assert not is_saved(tmp_path / 'absent.safetensors')
    assert not is_saved(tmp_path)
    (tmp_path / 'bad.safetensors').write_bytes(b'nothing')
    with pytest.raises(ReadError, match='cannot read weights'):
        is_saved(tmp_path / 'bad.safetensors')


def test_record_as_plain_values():
    for name in list_backbones(toys=True):
        spec = find_spec(name)
        assert type(spec)(**json.loads(json.dumps(spec.to_dict()))) == spec
