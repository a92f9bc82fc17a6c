"""What the docstrings of public names promise: their parameters, and examples that run."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import astrofound

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WITH_EXAMPLES = sorted(
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
    for path in (ROOT / 'astrofound').rglob('*.py')
    if '\n    >>> ' in path.read_text(encoding='utf-8'))


def documented(text):
    """Return the parameter names, or else the attribute names, of a docstring in order."""
    for title in ('Parameters', 'Attributes'):
        section = re.search(rf'^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}|\Z)', text or '',
                            flags=re.MULTILINE | re.DOTALL)
        if section:
            break
    lines = section[1].splitlines() if section else []
    heads = [line.partition(' : ')[0] for line in lines if re.match(r'\*{0,2}\w', line)]
    return [name.strip().lstrip('*') for head in heads for name in head.split(',')]


def public_callables(room):
    """Yield ``(name, callable, docstring)`` of a room: functions, classes, their methods."""
    module = getattr(astrofound, room)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield name, thing, inspect.getdoc(thing)
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            yield name, thing, inspect.getdoc(thing)
            for method, function in vars(thing).items():
                function = getattr(function, '__func__', function)
                # what overrides a method is documented where that method is
                new = not any(hasattr(base, method) for base in thing.__mro__[1:])
                if new and not method.startswith('_') and inspect.isfunction(function):
                    yield f'{name}.{method}', function, inspect.getdoc(function)


@pytest.mark.parametrize('room', sorted(astrofound._SUBPACKAGES))
def test_every_parameter_is_documented(room):
    wrong = []
    for name, thing, text in public_callables(room):
        try:
            wanted = list(inspect.signature(thing).parameters)
        except ValueError:  # made in C
            continue
        wanted = [word for word in wanted if word not in {'self', 'cls'}]
        if not text:
            wrong.append(f'{name}: no docstring')
        elif wanted != documented(text) and not (inspect.isclass(thing) and not wanted):
            wrong.append(f'{name}: takes {wanted}, documents {documented(text)}')
    assert wrong == []


@pytest.mark.parametrize('module', WITH_EXAMPLES)
def test_examples_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=OPTIONS)
    assert result.attempted > 0
    assert result.failed == 0


def test_reader_of_docstrings():
    text = inspect.getdoc(test_reader_of_docstrings)
    assert documented(text) == []
    section = 'Parameters\n----------\na, b : int\n    Two.\n**more : dict\n    All.\n'
    rest = '\nReturns\n-------\nc : int\n    One.\n'
    assert documented(f'Do.\n\n{section}{rest}') == ['a', 'b', 'more']
    assert documented(f'Be.\n\n{section.replace("Parameters", "Attributes")}')[0] == 'a'
