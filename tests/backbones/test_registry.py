import dataclasses

import pytest

from astrofound.backbones import BackboneSpec, find_spec, list_backbones, register_backbone
from astrofound.backbones.registry import _SPECS


def test_duplicate_name_is_refused():
    with pytest.raises(ValueError, match="a backbone 'compact' is registered already"):
        register_backbone(find_spec('compact'))


def test_own_backbone_can_be_registered():
    spec = find_spec('toy_vit').replace(name='mine')
    try:
        assert register_backbone(spec) is find_spec('mine')
        assert 'mine' in list_backbones()
    finally:
        del _SPECS['mine']


@pytest.mark.parametrize(('typo', 'meant'), [
    ('dinov2_vits', 'dinov2_vits14'), ('Resnet-50', 'resnet50'), ('cradio_b', 'cradio_v3_b'),
])
def test_typo_gets_a_suggestion(typo, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        find_spec(typo)


def test_nothing_alike():
    with pytest.raises(ValueError, match=r"unknown backbone 'zzz'. See list_backbones"):
        find_spec('zzz')


def test_unknown_family():
    with pytest.raises(ValueError, match="did you mean 'distilled'"):
        list_backbones(family='destilled')


def test_only_records_are_registered():
    with pytest.raises(ValueError, match='must be a BackboneSpec, got str'):
        register_backbone('dino')


@pytest.mark.parametrize(('changes', 'message'), [
    ({'mean': (0.5,)}, 'one value for each of 3 channels'),
    ({'std': ()}, 'one value for each'),
    ({'patch_size': 0}, "'patch_size' must be an integer of at least 1"),
    ({'family': 'supervized'}, "did you mean 'supervised'"),
    ({'pooling': 'average'}, 'unknown pooling'),
    ({'scale': 'bytes'}, 'unknown scale'),
])
def test_impossible_records(changes, message):
    with pytest.raises(ValueError, match=message):
        find_spec('toy_vit').replace(**changes)


def test_records_do_not_change():
    spec = find_spec('toy_vit')
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = 'other'
    assert isinstance(hash(spec), int)
    assert spec == BackboneSpec(**{field.name: getattr(spec, field.name)
                                   for field in dataclasses.fields(spec)})


def test_pooling_by_default():
    assert find_spec('siglip_vitb16').check_pooling('auto') == 'own'
    with pytest.raises(ValueError, match="did you mean 'center'"):
        find_spec('siglip_vitb16').check_pooling('centre')
