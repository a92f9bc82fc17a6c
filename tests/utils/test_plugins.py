from importlib.metadata import EntryPoint

import pytest

from astrofound.backbones import find_spec, list_backbones, registry
from astrofound.cli import main
from astrofound.utils import AstrofoundWarning, load_plugins, plugins


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages with these entry points are installed."""
    points = []
    monkeypatch.setattr(plugins, 'entry_points', lambda group: [
        point for point in points if point.group == group])
    before = dict(registry._SPECS)
    registry._register_plugins.cache_clear()

    def install(name, value, group='astrofound.backbones'):
        points.append(EntryPoint(name, value, group))

    yield install
    registry._SPECS.clear()
    registry._SPECS.update(before)
    registry._register_plugins.cache_clear()


SPEC = find_spec('toy_vit').replace(name='mine')
SPECS = [SPEC.replace(name='one'), SPEC.replace(name='two')]


def test_nothing_installed(installed):
    assert load_plugins('astrofound.backbones') == {}


def test_backbones_of_another_package(installed, monkeypatch):
    import sys
    import types

    module = types.ModuleType('their_package')
    module.SPEC, module.SPECS = SPEC, SPECS
    monkeypatch.setitem(sys.modules, 'their_package', module)
    installed('mine', 'their_package:SPEC')
    installed('more', 'their_package:SPECS')
    assert find_spec('two') == SPECS[1]
    assert {'mine', 'one', 'two'} <= set(list_backbones())


def test_broken_package_is_told_and_left_out(installed):
    installed('broken', 'no_such_package:SPEC')
    with pytest.warns(AstrofoundWarning, match='broken of astrofound.backbones .*no_such_package'):
        assert 'compact' in list_backbones()


def test_detector_of_another_package(installed, tmp_path, capsys):
    from astrofound.datasets import make_field

    make_field('radio', shape=(128, 128), seed=0).write(tmp_path / 'sky.fits')
    words = ['detect', str(tmp_path / 'sky.fits'), '-o', str(tmp_path / 'a.fits'), '--method']
    assert main([*words, 'theirs']) == 2
    assert 'unknown method' in capsys.readouterr().err
    installed('theirs', 'astrofound.baselines:PeakFinder', 'astrofound.detectors')
    assert main([*words, 'theirs']) == 0
    assert (tmp_path / 'a.fits').exists()
