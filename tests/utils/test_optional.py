"""A missing library is one sentence; a broken one speaks for itself."""

import json

import pytest

from astrofound.utils import MissingDependencyError, require


def test_present_module():
    assert require('json', extra='explore') is json


@pytest.mark.parametrize('module', ['no_such_library', 'no_such_library.part', 'json.no_part'])
def test_missing_module(module):
    with pytest.raises(MissingDependencyError, match=r'^fancy-lib is needed for LatentMap: '
                                                     r'pip install "astrofound\[explore\]"$'):
        require(module, extra='explore', package='fancy-lib', purpose='LatentMap')


def test_error_inside_the_module_passes(tmp_path, monkeypatch):
    (tmp_path / 'broken_library.py').write_text('import another_missing_library')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match='another_missing_library') as caught:
        require('broken_library', extra='explore')
    assert not isinstance(caught.value, MissingDependencyError)
