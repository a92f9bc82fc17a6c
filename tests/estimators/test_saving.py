"""What every estimator that can be saved promises, whatever it does."""

import json

import astropy.units as u
import numpy as np
import pytest
import torch
from sklearn.base import clone

import astrofound
from astrofound.backbones import load_backbone
from astrofound.baselines import BASELINES
from astrofound.datasets import make_field
from astrofound.estimators import FeatureExtractor, SourceDetector
from astrofound.networks import locate_weights
from astrofound.utils import InputError, ReadError, WriteError

NOISE = np.random.default_rng(0).normal(size=(3, 40, 40)).astype(np.float32)


def trained():
    """A backbone that is no longer the published one."""
    backbone = load_backbone('toy_dinov2')
    with torch.no_grad():
        next(backbone.parameters()).add_(0.1)
    return backbone


@pytest.fixture(scope='module')
def field():
    return make_field('radio', shape=(160, 160), seed=3)


def detected(detector, field):
    table = detector.predict(field.image)
    return np.array([table['x_centroid'], table['y_centroid'], table['snr']])


def embedded(extractor, field):
    return extractor.transform(NOISE)


ESTIMATORS = {
    'SourceDetector': (SourceDetector(threshold=0.7), detected),
    'SourceDetector of a file': (SourceDetector(locate_weights('compact')), detected),
    **{name: (method(min_snr=6), detected) for name, method in BASELINES.items()},
    'FeatureExtractor': (FeatureExtractor(), embedded),
    'FeatureExtractor by name': (FeatureExtractor('toy_siglip', image_size=64), embedded),
    'FeatureExtractor with angle': (FeatureExtractor(cutout_size=30 * u.arcsec), embedded),
    'FeatureExtractor of a network': (FeatureExtractor(trained(), pooling='mean'), embedded),
}


@pytest.mark.parametrize(('estimator', 'use'), ESTIMATORS.values(), ids=ESTIMATORS)
class TestContract:
    def test_same_answer_after_loading(self, estimator, use, tmp_path, field):
        expected = use(clone(estimator, safe=False), field)
        estimator.save(tmp_path / 'saved')
        loaded = type(estimator).load(tmp_path / 'saved')
        np.testing.assert_array_equal(use(loaded, field), expected)
        assert not list(tmp_path.glob('*/.*'))

    def test_saved_twice_is_the_same(self, estimator, use, tmp_path):
        estimator.save(tmp_path)
        before = (tmp_path / 'params.json').read_bytes()
        type(estimator).load(tmp_path).save(tmp_path)
        assert (tmp_path / 'params.json').read_bytes() == before

    def test_parameters_can_be_changed(self, estimator, use, tmp_path):
        estimator.save(tmp_path)
        name, value = ('batch_size', 2) if 'batch_size' in estimator.get_params() else (
            'min_snr', 7.5)
        assert getattr(type(estimator).load(tmp_path, **{name: value}), name) == value
        with pytest.raises(InputError, match="no parameter 'colour'"):
            type(estimator).load(tmp_path, colour='red')

    def test_what_is_written(self, estimator, use, tmp_path):
        estimator.save(tmp_path)
        content = json.loads((tmp_path / 'params.json').read_text())
        assert content['format'] == 1
        assert content['versions']['astrofound'] == astrofound.__version__
        assert {'torch', 'numpy', 'timm'} <= set(content['versions'])
        assert set(content['parameters']) == set(estimator.get_params())

    @pytest.mark.parametrize(('change', 'message'), [
        ({'format': 2}, 'is of format 2, and this version of astrofound reads format 1'),
        ({'estimator': 'Other'}, 'holds a Other and not a'),
        ({'parameters': {'colour': 'red'}}, "has a parameter 'colour'"),
        ({'parameters': 3}, 'is damaged'),
    ])
    def test_another_format(self, estimator, use, tmp_path, change, message):
        estimator.save(tmp_path)
        content = json.loads((tmp_path / 'params.json').read_text())
        (tmp_path / 'params.json').write_text(json.dumps({**content, **change}))
        with pytest.raises(ReadError, match=message):
            type(estimator).load(tmp_path)

    def test_damaged_or_missing(self, estimator, use, tmp_path):
        with pytest.raises(ReadError, match='there is no saved'):
            type(estimator).load(tmp_path)
        (tmp_path / 'params.json').write_text('{')
        with pytest.raises(ReadError, match='is damaged'):
            type(estimator).load(tmp_path)
        with pytest.raises(WriteError, match='cannot make the folder'):
            estimator.save(tmp_path / 'params.json')


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_published_weights_are_not_copied(tmp_path):
    for estimator in (FeatureExtractor(), FeatureExtractor('toy_vit'), SourceDetector()):
        folder = tmp_path / repr(estimator)
        estimator.save(folder)
        assert files(folder) == {'params.json'}


def test_own_weights_come_along(tmp_path):
    FeatureExtractor(trained(), cache=tmp_path / 'cache').save(tmp_path / 'network')
    assert files(tmp_path / 'network') == {'params.json', 'weights.safetensors'}
    (tmp_path / 'moved').mkdir()
    (tmp_path / 'network').rename(tmp_path / 'moved' / 'elsewhere')
    loaded = FeatureExtractor.load(tmp_path / 'moved' / 'elsewhere')
    assert loaded.backbone_.fingerprint() == trained().fingerprint()
    assert loaded.cache is None
    own = tmp_path / 'own.safetensors'
    own.write_bytes(locate_weights('compact').read_bytes())
    SourceDetector(own).save(tmp_path / 'detector')
    own.unlink()
    assert files(tmp_path / 'detector') == {'params.json', 'weights.safetensors'}
    assert SourceDetector.load(tmp_path / 'detector').weights.endswith('weights.safetensors')


@pytest.mark.parametrize('estimator', [FeatureExtractor('toy_vit'), SourceDetector()],
                         ids=lambda one: type(one).__name__)
def test_other_weights_than_saved(tmp_path, estimator):
    estimator.save(tmp_path)
    content = (tmp_path / 'params.json').read_text()
    for key in ('fingerprint', 'sha256'):
        content = content.replace(f'"{key}": "', f'"{key}": "0')
    (tmp_path / 'params.json').write_text(content)
    with pytest.raises(ReadError, match='are not those that'):
        type(estimator).load(tmp_path)


def test_parameters_that_are_no_values(tmp_path):
    with pytest.raises(InputError, match="'cutout_size' is of type object"):
        FeatureExtractor('toy_vit', cutout_size=object()).save(tmp_path)
