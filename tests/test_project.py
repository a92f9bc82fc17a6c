"""What the project's own files promise: the README, the metadata, the change notes."""

import ast
import inspect
import re
import runpy
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import astrofound

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['project']
README = (ROOT / 'README.rst').read_text(encoding='utf-8')


def plain_name(requirement):
    """Return the normalised name of a requirement such as ``'radio-beam>=0.3.8'``."""
    return re.sub(r'[-_.]+', '-', re.match(r'[\w.-]+', requirement)[0]).lower()


def imported_distributions():
    """Return the distributions whose modules the package imports, lazily or not."""
    roots = set()
    for path in (ROOT / 'astrofound').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                roots.add(node.module.partition('.')[0])
    homes = packages_distributions()
    return {plain_name(homes[root][0])
            for root in roots - set(sys.stdlib_module_names) - {'astrofound'}}


# What a library we call imports by itself, and does not install.
NEEDED_BY_LIBRARIES = {
    'pycocotools',   # torchmetrics.detection.MeanAveragePrecision
    'scikit-image',  # photutils.segmentation.deblend_sources
}


def test_dependencies_are_those_imported():
    declared = {plain_name(requirement) for requirement in PROJECT['dependencies']}
    assert declared == imported_distributions() | NEEDED_BY_LIBRARIES


def test_every_dependency_has_a_lower_bound_only():
    extras = PROJECT['optional-dependencies'].values()
    for requirement in [*PROJECT['dependencies'], *(one for extra in extras for one in extra)]:
        assert re.fullmatch(r'[\w-]+>=\d+(\.\d+)*', requirement)


def test_readme_has_two_commands():
    commands = re.findall(r'^ +(python3 -m venv .*)$', README, flags=re.MULTILINE)
    assert len(commands) == 2
    detect, test = commands
    assert 'astrofound detect' in detect
    assert test.endswith('.venv/bin/pytest')
    mosaic = ROOT / re.search(r'examples/\S+', detect)[0]
    assert mosaic.stat().st_size < 2_000_000


def test_readme_script_runs(tmp_path, monkeypatch, capsys):
    block = re.search(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', README)[1]
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 10
    (tmp_path / 'examples').symlink_to(ROOT / 'examples', target_is_directory=True)
    (tmp_path / 'script.py').write_text(re.sub('^    ', '', block, flags=re.MULTILINE))
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path('script.py')
    assert 0 < len(names['secure']) <= len(names['sources'])
    assert (tmp_path / 'secure.vot').exists()
    assert (tmp_path / 'secure.reg').exists()
    assert 'class_name' in capsys.readouterr().out


@pytest.mark.parametrize('room', sorted(astrofound._SUBPACKAGES))
def test_reference_holds_every_name(room):
    # automodapi lists classes and functions by itself; other names are written on the page
    page = (ROOT / 'docs' / 'reference' / f'{room}.rst').read_text(encoding='utf-8')
    assert f'automodapi:: astrofound.{room}\n' in page
    module = getattr(astrofound, room)
    others = {name for name in module.__all__
              if not inspect.isclass(getattr(module, name))
              and not inspect.isroutine(getattr(module, name))}
    assert set(re.findall(r'py:data:: (\w+)\n', page)) == others


def test_one_version():
    citation = (ROOT / 'CITATION.cff').read_text(encoding='utf-8')
    assert f"\nversion: {PROJECT['version']}\n" in citation


@pytest.mark.parametrize('path', sorted((ROOT / 'docs' / 'changes').glob('*')),
                         ids=lambda path: path.name)
def test_change_notes(path):
    if path.name == 'README.rst':
        return
    assert re.fullmatch(r'\d+\.(feature|bugfix|api|perf|doc)(\.\d+)?\.rst', path.name)
    assert path.read_text(encoding='utf-8').strip().endswith('.')
