"""Files made to do harm: none of them runs code, leaves its folder or becomes anything but text."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits

from astrofound.backbones import load_backbone
from astrofound.estimators import FeatureExtractor, read_features
from astrofound.image import SurveyImage
from astrofound.networks import load_weights
from astrofound.utils import AstrofoundError

PACKAGE = Path(__file__).resolve().parents[1] / 'astrofound'


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path):
    """A place at which something appears when code of a file was run; checked after the test."""
    place = tmp_path / 'harm'
    yield place
    assert not place.exists(), 'a file ran code'


def test_the_bomb_works(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / 'harm')))
    assert (tmp_path / 'harm').exists()


def test_no_module_names_an_unpickler_or_a_shell():
    words = ('pickle.load', 'joblib.load', 'shell=True', 'os.system', 'eval(', 'trust_remote_code',
             'yaml.load(')
    for path in PACKAGE.rglob('*.py'):
        text = path.read_text(encoding='utf-8').replace('.eval()', '').replace('_eval(', '')
        found = [word for word in words if word in text]
        assert not found, f'{path.name} has {found}'


def written(path, bomb):
    """The bomb in the form that the ending says."""
    if path.suffix in {'.pth', '.bin', '.pt'}:
        torch.save({'weight': bomb}, path)
    elif path.suffix == '.npz':
        np.savez(path, features=np.array([bomb], dtype=object))
    elif path.suffix == '.npy':
        np.save(path, np.array([bomb], dtype=object), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(bomb))
    return path


@pytest.mark.parametrize('name', ['weights.pth', 'weights.pt', 'pytorch_model.bin', 'a.pkl',
                                  'a.npz', 'a.npy', 'model.safetensors', 'a.fits', 'a.ecsv'])
def test_no_reader_unpickles(name, tmp_path, mark):
    path = written(tmp_path / name, Bomb(mark))
    for read in (load_weights, SurveyImage.read, read_features, load_backbone,
                 lambda given: load_backbone('toy_dino', weights=given),
                 lambda given: load_backbone('resnet18', weights=given)):
        with pytest.raises(AstrofoundError):
            read(path)


@pytest.mark.parametrize('name', ['toy_dino', 'toy_vit', 'resnet18'])
def test_no_folder_of_weights_is_unpickled(name, tmp_path, mark):
    folder = tmp_path / 'model'
    folder.mkdir()
    written(folder / 'pytorch_model.bin', Bomb(mark))
    (folder / 'config.json').write_text(json.dumps({
        'model_type': 'vit', 'architecture': 'vit_base_patch16_224',
        'auto_map': {'AutoModel': 'evil.Model', 'AutoConfig': 'evil.Config'}}))
    (folder / 'evil.py').write_text(f'import os; os.mkdir({str(mark)!r})')
    (folder / 'preprocessor_config.json').write_text('{"image_mean": [0.5], "image_std": [0.5]}')
    with pytest.raises(AstrofoundError):
        load_backbone(name, weights=folder)
    with pytest.raises(AstrofoundError):
        load_backbone(folder)


def test_saved_estimator_cannot_point_elsewhere(tmp_path):
    FeatureExtractor('toy_vit').save(tmp_path)
    path = tmp_path / 'params.json'
    content = json.loads(path.read_text())
    content['parameters']['backbone'] = '../../../etc/passwd'
    path.write_text(json.dumps(content))
    with pytest.raises(AstrofoundError):
        FeatureExtractor.load(tmp_path)


@pytest.mark.parametrize('text', ['$(mkdir harm)', '`mkdir harm`', '"; mkdir harm; "',
                                  '__import__("os").mkdir("harm")', '{0.__class__}', '%s%n'])
def test_headers_stay_text(text, tmp_path, mark, monkeypatch):
    from astrofound import SourceDetector
    from astrofound.catalog import read_catalog, write_catalog
    from astrofound.explore import plot_overview

    monkeypatch.chdir(tmp_path)
    header = fits.Header({'OBJECT': text, 'TELESCOP': text, 'HISTORY': text, 'ORIGIN': text})
    data = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    data[30:33, 30:33] += 50
    fits.writeto('sky.fits', data, header)
    image = SurveyImage.read('sky.fits', beam='3pix', wcs=None)
    with pytest.warns(match='no celestial WCS'):
        catalog = SourceDetector(threshold=0.3).predict(image)
    write_catalog(catalog, 'out.ecsv')
    read_catalog('out.ecsv')
    plot_overview(image, catalog, path='out.png')


@pytest.mark.parametrize('name', ['a;mkdir harm.fits', '$(mkdir harm).fits', '-rf.fits'])
def test_names_of_files_are_no_commands(name, tmp_path, mark):
    fits.writeto(tmp_path / name, np.random.default_rng(0).normal(size=(64, 64)))
    subprocess.run([sys.executable, '-m', 'astrofound', 'info', '--', name], cwd=tmp_path,
                   capture_output=True, check=True, timeout=300)
