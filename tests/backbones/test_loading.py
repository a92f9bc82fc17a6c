"""Finding weights, and what is said when they are not there or not right."""

import json
import logging
from types import SimpleNamespace

import pytest
import timm
import torch
import transformers
from huggingface_hub import constants, errors
from safetensors.torch import load_file, save_file

from astrofound.backbones import fetch_backbone, find_spec, load_backbone, resolve_spec
from astrofound.backbones.loading import _licenses_told
from astrofound.backbones.manifest import MANIFEST
from astrofound.backbones.registry import _SPECS, register_backbone
from astrofound.utils import InputError, LicenseWarning, ReadError

SMALL = {'hidden_size': 24, 'num_hidden_layers': 1, 'num_attention_heads': 3,
         'intermediate_size': 48, 'image_size': 32, 'patch_size': 8}


@pytest.fixture
def folder(tmp_path):
    """A small DINO in the form of the hub."""
    torch.manual_seed(3)
    model = transformers.ViTModel(transformers.ViTConfig(**SMALL), add_pooling_layer=False)
    model.save_pretrained(tmp_path / 'small')
    (tmp_path / 'small' / 'preprocessor_config.json').write_text(
        json.dumps({'image_mean': [0.5] * 3, 'image_std': [0.25] * 3}))
    return tmp_path / 'small'


@pytest.fixture
def small():
    """A registered backbone of the folder's architecture, and of no other name than its own."""
    spec = register_backbone(find_spec('toy_dino').replace(
        name='small', repo='someone/small', patch_size=8, license='MIT',
        options=tuple(SMALL.items())))
    yield spec
    del _SPECS['small']


def forget(tensors, *words):
    return {name: tensor for name, tensor in tensors.items()
            if not any(word in name for word in words)}


def test_folder_says_what_it_is(folder):
    backbone = load_backbone(folder)
    assert backbone.spec.mean == (0.5, 0.5, 0.5)
    assert (backbone.spec.patch_size, backbone.spec.n_features) == (8, 24)
    assert backbone.spec.name == 'small'


def test_statistics_must_be_known(folder):
    (folder / 'preprocessor_config.json').unlink()
    with pytest.raises(ReadError, match='pass mean= and std='):
        load_backbone(folder)
    backbone = load_backbone(folder, mean=(0.1, 0.2, 0.3), std=(1, 1, 1))
    assert backbone.spec.mean == (0.1, 0.2, 0.3)


def test_name_with_folder_and_file(folder, small):
    by_folder = load_backbone('small', weights=folder)
    by_file = load_backbone('small', weights=folder / 'model.safetensors')
    for one, other in zip(by_folder.state_dict().values(), by_file.state_dict().values(),
                          strict=True):
        assert torch.equal(one, other)


def test_wrong_weights_say_which_keys(folder, small):
    path = folder / 'model.safetensors'
    save_file(forget(load_file(path), 'layernorm'), path, metadata={'format': 'pt'})
    for weights in (folder, path):
        with pytest.raises(ReadError, match=r'other weights than those of small.*layernorm'):
            load_backbone('small', weights=weights)


@pytest.mark.parametrize('name', ['toy_vit', 'toy_cradio', 'toy_convnext', 'toy_resnet', 'toy_msn',
                                  'timm:resnet10t', 'compact'])
def test_no_library_leaves_weights_at_random(name, tmp_path):
    # timm says nothing of missing weights where it was asked for another number of classes
    path = tmp_path / 'other.safetensors'
    save_file({'somebody.elses.weight': torch.zeros(3)}, path, metadata={'format': 'pt'})
    with pytest.raises(ReadError, match=r'other\.safetensors.*(weight|lacks|format 2)'):
        load_backbone(name, weights=path)


@pytest.mark.parametrize('name', ['timm:resnet10t', 'toy_vit'])
def test_classifier_of_a_file_is_left_out(name, tmp_path):
    spec = resolve_spec(name)
    model = timm.create_model(spec.model, num_classes=1000, **dict(spec.options))
    path = tmp_path / 'whole.safetensors'
    save_file(model.state_dict(), path, metadata={'format': 'pt'})
    backbone = load_backbone(name, weights=path)
    for key, tensor in backbone.model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[key])


def test_weights_of_another_kind(folder, small):
    configuration = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**configuration, 'model_type': 'dinov2'}))
    with pytest.raises(ReadError, match="of type 'dinov2', and small is of type 'vit'"):
        load_backbone('small', weights=folder)


def test_registers_are_not_left_out(folder, small):
    path = folder / 'model.safetensors'
    state = {**load_file(path), 'embeddings.register_tokens': torch.zeros(1, 4, 24)}
    save_file(state, path, metadata={'format': 'pt'})
    with pytest.raises(ReadError, match='has register tokens'):
        load_backbone('small', weights=folder)


def test_weights_of_another_shape(folder, small):
    path = folder / 'model.safetensors'
    state = {name: tensor[..., :5].contiguous() for name, tensor in load_file(path).items()}
    save_file(state, path, metadata={'format': 'pt'})
    for weights in (folder, path):
        with pytest.raises(ReadError, match=r'cannot load small from .*mismatch'):
            load_backbone('small', weights=weights)


@pytest.mark.parametrize('content', [b'', b'not a safetensors file', b'\x80\x04K\x01.'])
def test_corrupted_file(folder, small, content):
    (folder / 'model.safetensors').write_bytes(content)
    for weights in (folder, folder / 'model.safetensors'):
        with pytest.raises(ReadError, match=r'model\.safetensors'):
            load_backbone('small', weights=weights)


def test_truncated_file(folder, small):
    path = folder / 'model.safetensors'
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ReadError, match=r'small'):
        load_backbone('small', weights=folder)


def test_pickles_are_refused(folder, small, tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ('run',)

    torch.save({'weight': Evil()}, folder / 'pytorch_model.bin')
    with pytest.raises(ReadError, match=r'must be a \.safetensors file'):
        load_backbone('small', weights=folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()
    with pytest.raises(ReadError, match='cannot load small'):
        load_backbone('small', weights=folder)


def test_folder_of_an_unknown_kind(folder):
    configuration = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**configuration, 'model_type': 'bert'}))
    with pytest.raises(ReadError, match="a model of type 'bert', of which astrofound cannot"):
        load_backbone(folder)
    (folder / 'config.json').write_text('{')
    with pytest.raises(ReadError, match=r'cannot read .*config\.json'):
        load_backbone(folder)
    (folder / 'config.json').unlink()
    with pytest.raises(ReadError, match=r'has no config\.json'):
        load_backbone(folder)


@pytest.mark.parametrize('name', ['absent/folder', 'absent.safetensors'])
def test_nothing_there(name):
    with pytest.raises(ReadError, match='there '):
        load_backbone(name)
    with pytest.raises(ReadError, match='there are no weights at absent'):
        load_backbone('compact', weights='absent')


def test_offline_says_file_place_and_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path))
    with pytest.raises(ReadError) as caught:
        load_backbone('dinov2_vitb14')
    said = str(caught.value)
    for part in ('config.json of facebook/dinov2-base', str(constants.HF_HUB_CACHE),
                 'astrofound models fetch dinov2_vitb14 --to DIR', 'ASTROFOUND_MODELS=DIR'):
        assert part in said
    assert '\n' not in said


def test_offline_torchvision(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(ReadError, match=r'resnet50 needs resnet50-11ad3fa6\.pth, which is not in '
                                        '.*checkpoints.*astrofound models fetch resnet50'):
        load_backbone('resnet50')


def test_torchvision_file_is_checked(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints' / 'resnet18-f37072fd.pth').write_bytes(b'something else')
    with pytest.raises(ReadError, match=r'damaged or not the file it should be.*fetch it again'):
        load_backbone('resnet18')


def test_remote_code_is_never_run():
    with pytest.raises(InputError, match=r'am_radio_b cannot be loaded: .* cradio_v3_b'):
        load_backbone('am_radio_b')
    with pytest.raises(InputError, match='cannot be fetched'):
        fetch_backbone('am_radio_b', 'anywhere')


def answer(status):
    return SimpleNamespace(status_code=status, headers={}, request=None, url='', text='')


@pytest.mark.parametrize(('error', 'message'), [
    (errors.GatedRepoError('gated', response=answer(401)), 'only to accounts that accepted its'),
    (errors.GatedRepoError('gated', response=answer(403)), 'your account was not given access'),
    (errors.RepositoryNotFoundError('no', response=answer(404)), 'the hub has no someone/small'),
    (errors.HfHubHTTPError('busy', response=answer(503)), 'cannot fetch config.json of someone'),
    (ConnectionError('no route to host'), 'no route to host.*astrofound models fetch small'),
])
def test_what_the_hub_may_answer(monkeypatch, small, error, message):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr('huggingface_hub.hf_hub_download', refuse)
    with pytest.raises(ReadError, match=message):
        load_backbone('small')


@pytest.fixture
def hub(monkeypatch, folder):
    """A hub with one repository, kept in the folder; says what it was asked for."""
    asked = []

    def download(repo, name, revision):
        asked.append((repo, name, revision))
        if not (folder / name).exists():
            raise errors.EntryNotFoundError(f'no {name}')
        return str(folder / name)

    monkeypatch.setattr('huggingface_hub.hf_hub_download', download)
    return asked


def test_from_the_hub(hub, small):
    backbone = load_backbone('small')
    assert ('someone/small', 'model.safetensors', 'main') in hub
    assert not any(name == 'pytorch_model.bin' for _, name, _ in hub)
    assert backbone.spec.name == 'small'


def test_fetched_folder_is_found_and_checked(hub, small, tmp_path, monkeypatch):
    kept = tmp_path / 'kept'
    assert fetch_backbone('small', kept) == kept / 'small'
    hub.clear()
    monkeypatch.setenv('ASTROFOUND_MODELS', str(kept))
    first = load_backbone('small')
    assert not hub
    assert first.fingerprint() == load_backbone('small', weights=kept / 'small').fingerprint()
    assert load_backbone(kept / 'small').spec.name == 'small'
    manifest = json.loads((kept / 'small' / MANIFEST).read_text())
    assert manifest['license'] == 'MIT'
    assert set(manifest['sha256']) == {'config.json', 'model.safetensors',
                                       'preprocessor_config.json'}
    assert manifest['commit'] == ''  # nothing here says it
    (kept / 'small' / 'config.json').write_text('{}')
    with pytest.raises(ReadError, match='damaged'):
        load_backbone('small')


COMMIT = '0123456789abcdef0123456789abcdef01234567'


@pytest.fixture
def cached(folder, tmp_path, monkeypatch):
    """The hub's own cache with the repository at a commit that ``main`` stands for; no network."""
    cache = tmp_path / 'hub'
    snapshot = cache / 'models--someone--small' / 'snapshots' / COMMIT
    snapshot.parent.mkdir(parents=True)
    folder.rename(snapshot)
    refs = cache / 'models--someone--small' / 'refs'
    refs.mkdir()
    (refs / 'main').write_text(COMMIT)
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(cache))
    return snapshot


def test_commit_of_a_branch_is_resolved_and_noted(cached, small, tmp_path, monkeypatch):
    assert load_backbone('small').spec.revision == COMMIT
    own = fetch_backbone('small', tmp_path / 'kept')
    manifest = json.loads((own / MANIFEST).read_text())
    assert (manifest['revision'], manifest['commit']) == ('main', COMMIT)
    monkeypatch.setenv('ASTROFOUND_MODELS', str(tmp_path / 'kept'))
    (cached / 'model.safetensors').unlink()
    assert load_backbone('small').spec.revision == COMMIT
    path = own / 'model.safetensors'
    path.write_bytes(path.read_bytes()[:-1] + b'!')
    for name, weights in (('small', None), ('small', own), (own, None)):
        with pytest.raises(ReadError, match=r'model\.safetensors is damaged or not the file'):
            load_backbone(name, weights=weights)


def test_manifest_that_cannot_be_trusted(cached, small, tmp_path):
    own = fetch_backbone('small', tmp_path / 'kept')
    path = own / MANIFEST
    manifest = json.loads(path.read_text())
    for change, message in (
            ({'format': 2}, 'is of format 2, and this version of astrofound reads format 1'),
            ({'sha256': {'../../secret': 'ab'}}, 'is damaged; fetch the backbone again'),
            ({'sha256': ['model.safetensors']}, 'is damaged'),
            ({'name': 3}, 'is damaged'),
            ({'sha256': {'config.json': manifest['sha256']['config.json']}},
             'was not fetched with the other files'),
            ({'sha256': {**manifest['sha256'], 'lost.json': 'ab'}}, r'cannot read .*lost\.json')):
        path.write_text(json.dumps({**manifest, **change}))
        with pytest.raises(ReadError, match=message):
            load_backbone('small', weights=own)


def test_fetched_model_of_timm_is_found(tmp_path, monkeypatch):
    spec = resolve_spec('timm:resnet10t.c3_in1k')
    model = timm.create_model('resnet10t', num_classes=0)
    from timm.models import save_for_hf

    save_for_hf(model, tmp_path / 'hub', safe_serialization=True)
    monkeypatch.setattr('huggingface_hub.hf_hub_download', lambda repo, name, revision: str(
        tmp_path / 'hub' / name))
    own = fetch_backbone('timm:resnet10t.c3_in1k', tmp_path / 'kept')
    assert own.name == 'timm_resnet10t.c3_in1k'
    monkeypatch.undo()
    monkeypatch.setenv('ASTROFOUND_MODELS', str(tmp_path / 'kept'))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    assert load_backbone('timm:resnet10t.c3_in1k').spec.patch_size == spec.patch_size
    assert load_backbone(own).spec.name == 'timm:resnet10t.c3_in1k'


def test_timm_model_without_weights_on_the_hub():
    with pytest.raises(ReadError, match=r'no repository of the hub is known .* pass weights='):
        load_backbone(find_spec('toy_vit').replace(name='mine'))


def test_pinned_hash(hub, small, folder):
    with pytest.raises(ReadError, match=r'SHA-256 is .*not 00ff'):
        load_backbone(small.replace(sha256='00ff'))


def test_fetching_needs_something_to_fetch():
    with pytest.raises(InputError, match='it comes with astrofound'):
        fetch_backbone('compact', 'anywhere')
    with pytest.raises(InputError, match='unknown backbone'):
        fetch_backbone('dinov9', 'anywhere')


def test_license_is_said_once(hub, small, caplog):
    _licenses_told.discard('small')
    with caplog.at_level(logging.INFO, logger='astrofound'):
        load_backbone('small')
        load_backbone('small')
    assert caplog.text.count('licence MIT') == 1


def test_restricting_license_warns_once(hub, small):
    _licenses_told.discard('small')
    restricted = small.replace(license='Some License', restricted=True)
    with pytest.warns(LicenseWarning, match='small is under the Some License'):
        load_backbone(restricted)
    load_backbone(restricted)  # a second warning would be an error here


def test_absent_device():
    if torch.cuda.is_available():
        pytest.skip('this machine has one')
    with pytest.raises(InputError, match="device 'cuda' cannot be used here"):
        load_backbone('compact', device='cuda')


def test_any_timm_model():
    spec = resolve_spec('timm:resnet10t')
    assert (spec.name, spec.patch_size, spec.n_features) == ('timm:resnet10t', 32, 512)
    assert resolve_spec('timm:vit_tiny_patch16_224').n_prefix == 1
    mixer = resolve_spec('timm:mixer_s32_224')
    assert (mixer.patch_size, mixer.fixed_size, mixer.image_size) == (32, True, 224)
    with pytest.raises(InputError, match="did you mean 'timm:resnet50'"):
        resolve_spec('timm:resnet_50')
    with pytest.raises(InputError, match='timm cannot build'):
        resolve_spec('timm:resnet50.no_such_tag')


def test_channels_last_maps_of_timm():
    backbone = load_backbone('timm:swin_tiny_patch4_window7_224', pretrained=False)
    with torch.inference_mode():
        assert backbone(torch.rand(1, 1, 224, 200)).dense.shape == (1, 768, 7, 7)


def test_fixed_size_of_timm():
    backbone = load_backbone('timm:mixer_s32_224', pretrained=False)
    with torch.inference_mode():
        assert backbone(torch.rand(1, 1, 224, 224)).dense.shape == (1, 512, 7, 7)
        with pytest.raises(InputError, match='224 x 224 pixels only'):
            backbone(torch.rand(1, 1, 64, 64))


def test_timm_folder_keeps_its_statistics(tmp_path):
    model = timm.create_model('resnet10t', num_classes=0)
    model.pretrained_cfg['mean'] = (0.1, 0.1, 0.1)
    from timm.models import save_for_hf

    save_for_hf(model, tmp_path / 'mine', safe_serialization=True)
    spec = load_backbone(tmp_path / 'mine').spec
    assert spec.mean == (0.1, 0.1, 0.1)
    # what only the checkpoint says, as the encoders of Zoobot have it
    named = find_spec('zoobot_nano').replace(model='resnet10t', sha256='')
    loaded = load_backbone(named, weights=tmp_path / 'mine').spec
    assert (loaded.mean, loaded.family, loaded.name) == ((0.1, 0.1, 0.1), 'supervised',
                                                         'zoobot_nano')
