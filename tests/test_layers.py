"""
The rooms of the house: who may import whom, and what no module may do.

The source is read, not run, so that an import inside a function counts like one at the top.
`FLOORS` is the picture in ``docs/development/architecture.rst``; a test there keeps the two
the same.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'astrofound'

# Ground floor first. A module may import from its own room and from those before it.
FLOORS = [
    '_kernels', 'utils', 'image', 'catalog', 'preprocess', 'datasets', 'evaluation', 'pipeline',
    'weights', 'networks', 'backbones', 'training', 'estimators', 'baselines', 'explore',
    'guidance', 'cli',
]
# Rooms without a front door: kernels are private, weights are data, commands are click's.
NO_DOOR = {'_kernels', 'weights', 'cli'}
# What runs code hidden in a file that it reads.
UNPICKLERS = {'pickle', 'cPickle', '_pickle', 'dill', 'cloudpickle', 'joblib', 'shelve', 'marshal'}
KERNELS_MAY_USE = {'numpy', 'numba', 'math', 'cmath', 'astrofound'}
# The names that the package itself hands out, and the room each comes from.
HOMES = {'FeatureExtractor': 'estimators', 'SourceDetector': 'estimators', 'SurveyImage': 'image',
         'read_catalog': 'catalog', 'write_catalog': 'catalog'}

MODULES = sorted(PACKAGE.rglob('*.py'))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob('*/__init__.py'))


def dotted(path):
    """Return the module name of a file of the package, as a list of its parts."""
    parts = ['astrofound', *path.relative_to(PACKAGE).with_suffix('').parts]
    return parts[:-1] if parts[-1] == '__init__' else parts


def imported_names(source, module, is_package=False):
    """Yield ``(line, dotted name)`` of every import of a source text, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = module[:len(module) - node.level + is_package] if node.level else []
            base = [*base, *(node.module.split('.') if node.module else [])]
            for alias in node.names:
                yield node.lineno, '.'.join([*base, alias.name])
        elif isinstance(node, ast.Call) and called_name(node) in {'import_module', 'require'}:
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, absolute_name(name.value, module, is_package)


def absolute_name(name, module, is_package):
    """Resolve the leading dots of ``import_module('.room', __name__)``."""
    bare = name.lstrip('.')
    if bare == name:
        return name
    level = len(name) - len(bare)
    return '.'.join([*module[:len(module) - level + is_package], bare])


def called_name(node):
    """Return the last part of the name that a call calls."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, 'id', '')


def wrong_arrows(source, module, is_package=False):
    """List the imports of a source text that point to a floor above its own."""
    if len(module) < 2 or module[1] == '__main__':  # the front door sees every room
        return []
    floor = FLOORS.index(module[1])
    wrong = []
    for line, name in imported_names(source, module, is_package):
        package, _, rest = name.partition('.')
        first = rest.partition('.')[0]
        room = HOMES.get(first, first)
        if package == 'astrofound' and room in FLOORS and FLOORS.index(room) > floor:
            wrong.append(f'line {line}: {module[1]} imports {name}')
    return wrong


def forbidden_acts(source, module, is_package=False):
    """List the lines of a source text that print, unpickle or load weights unguarded."""
    wrong = [f'line {line}: imports {name}'
             for line, name in imported_names(source, module, is_package)
             if name.partition('.')[0] in UNPICKLERS]
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        words = {word.arg: getattr(word.value, 'value', None) for word in node.keywords}
        text = ast.unparse(node.func)
        if text in {'print', 'sys.stdout.write'} and 'cli' not in module:
            wrong.append(f'line {node.lineno}: prints; log instead')
        if text == 'torch.load' and words.get('weights_only') is not True:
            wrong.append(f'line {node.lineno}: torch.load without weights_only=True')
        if words.get('allow_pickle', False) is not False:
            wrong.append(f'line {node.lineno}: allow_pickle')
        if words.get('trust_remote_code') is True:
            wrong.append(f'line {node.lineno}: trust_remote_code is switched on')
    return wrong


def public_names(source):
    """Return the names in ``__all__`` of a source text, or `None` where it has none."""
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(getattr(target, 'id', '') == '__all__' for target in targets):
            return ast.literal_eval(node.value)
    return None


def bound_names(source):
    """Return the names that a source text binds at its top level."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition('.')[0] for alias in node.names}
        else:
            names |= {part.id for part in ast.walk(node)
                      if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return names


def module_id(path):
    return '.'.join(dotted(path)[1:]) or 'astrofound'


@pytest.fixture(params=MODULES, ids=module_id)
def module(request):
    """One module of the package: source, dotted name and whether it is an ``__init__``."""
    path = request.param
    return path.read_text(encoding='utf-8'), dotted(path), path.name == '__init__.py'


def test_every_room_has_a_floor():
    assert set(ROOMS) <= set(FLOORS)


def test_imports_point_down(module):
    assert wrong_arrows(*module) == []


def test_no_print_no_pickle(module):
    assert forbidden_acts(*module) == []


def test_module_lists_its_names(module):
    source, name, is_package = module
    if name[-1] == '__main__' or (is_package and name[-1] in NO_DOOR and not source.strip()):
        return
    names = public_names(source)
    assert names is not None, 'no __all__'
    assert len(set(names)) == len(names)
    bound = bound_names(source)
    if '__getattr__' not in bound:
        assert set(names) <= bound


@pytest.mark.parametrize('room', [room for room in ROOMS if room not in NO_DOOR])
def test_room_exports_by_name(room):
    source = (PACKAGE / room / '__init__.py').read_text(encoding='utf-8')
    stars = [node for node in ast.walk(ast.parse(source))
             if isinstance(node, ast.ImportFrom) and node.names[0].name == '*']
    assert stars == []
    assert public_names(source), 'the room exports nothing'


@pytest.mark.parametrize('path', sorted((PACKAGE / '_kernels').glob('*.py')), ids=module_id)
def test_kernels_know_no_astronomy(path):
    source = path.read_text(encoding='utf-8')
    roots = {name.partition('.')[0]
             for _, name in imported_names(source, dotted(path), path.name == '__init__.py')}
    assert roots <= KERNELS_MAY_USE


def test_front_door_matches_homes():
    import astrofound

    assert astrofound._HOMES == HOMES
    public = {room for room in ROOMS if room not in NO_DOOR}
    assert public == astrofound._SUBPACKAGES


@pytest.mark.parametrize(('statement', 'absent'), [
    ('import astrofound', 'torch torchvision timm transformers peft numba matplotlib'),
    ('import astrofound.cli', 'torch torchvision timm transformers peft numba matplotlib'),
    ('from astrofound import SourceDetector', 'torch torchvision timm transformers peft'),
    ('import astrofound.backbones', 'torch torchvision timm transformers peft matplotlib'),
    ('import astrofound.catalog', 'torch torchvision timm transformers peft'),
    ('import astrofound.preprocess', 'torch torchvision timm transformers peft'),
    ('import astrofound.datasets', 'torch torchvision timm transformers peft'),
])
def test_import_stays_light(statement, absent):
    code = f'import sys\n{statement}\nprint(*sorted(set({absent.split()}) & set(sys.modules)))'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_picture_of_the_rooms_is_true():
    page = (ROOT / 'docs' / 'development' / 'architecture.rst').read_text(encoding='utf-8')
    drawn = re.findall(r'^    (\w+)/  ', page, flags=re.MULTILINE)
    assert drawn == [room for room in FLOORS if room in ROOMS]


# The checker itself must be able to fail.

@pytest.mark.parametrize('source', [
    'from ..estimators import SourceDetector',
    'from ..estimators.detector import SourceDetector',
    'from .. import estimators',
    'from .. import SourceDetector',
    'from astrofound import SourceDetector',
    'import astrofound.estimators',
    'import astrofound.estimators.detector as home',
    'from astrofound.estimators import SourceDetector',
    'def lazy():\n    from ..estimators import SourceDetector',
    'class Late:\n    def run(self):\n        import astrofound.estimators',
    'if True:\n    try:\n        from ..estimators import x\n    except ImportError:\n        pass',
    "import_module('astrofound.estimators')",
    "importlib.import_module('..estimators', __name__)",
])
def test_checker_sees_an_arrow_up(source):
    assert len(wrong_arrows(source, ['astrofound', 'catalog', 'merge'])) == 1


def test_checker_resolves_from_a_package():
    package = ['astrofound', 'catalog']
    assert wrong_arrows('from ..cli import main', package, is_package=True)
    assert not wrong_arrows('from .cli import main', package, is_package=True)


@pytest.mark.parametrize('source', [
    'from .boxes import to_edges',
    'from ..utils import atomic_path',
    'from .. import __version__',
    'import astrofound.image',
    'from torch import estimators',
    'import numpy as np',
])
def test_checker_lets_an_arrow_down_pass(source):
    assert wrong_arrows(source, ['astrofound', 'catalog', 'merge']) == []


@pytest.mark.parametrize('source', [
    'import pickle',
    'def f():\n    from joblib import load',
    'print(1)',
    'sys.stdout.write("1")',
    'torch.load(path)',
    'torch.load(path, weights_only=False)',
    'np.load(path, allow_pickle=True)',
    'AutoModel.from_pretrained(name, trust_remote_code=True)',
])
def test_checker_sees_a_forbidden_act(source):
    assert len(forbidden_acts(source, ['astrofound', 'catalog', 'merge'])) == 1


def test_checker_lets_commands_print():
    assert forbidden_acts('print(1)', ['astrofound', 'cli', 'detect']) == []
    assert forbidden_acts('torch.load(p, weights_only=True)', ['astrofound', 'networks']) == []


def test_checker_reads_names():
    source = "__all__ = ['a', 'b']\nfrom .x import a\nfor b in (): pass"
    assert public_names(source) == ['a', 'b']
    assert bound_names(source) == {'__all__', 'a', 'b'}
    assert public_names('x = 1') is None
