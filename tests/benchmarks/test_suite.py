"""Every benchmark of the asv suite runs, at its smallest size."""

import importlib.util
import itertools
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parents[2] / 'benchmarks' / 'suite'


def benchmarks():
    for path in sorted(SUITE.glob('[a-z]*.py')):
        spec = importlib.util.spec_from_file_location(f'suite_{path.stem}', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, kind in vars(module).items():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield pytest.param(kind, id=name)


@pytest.mark.parametrize('kind', list(benchmarks()))
def test_benchmark(kind):
    axes = kind.params if isinstance(kind.params[0], tuple) else [kind.params]
    assert len(axes) == len(kind.param_names)
    choice = next(itertools.product(*axes))
    benchmark = kind()
    benchmark.setup(*choice)
    timed = [name for name in dir(kind) if name.startswith(('time_', 'peakmem_'))]
    assert timed
    for name in timed:
        getattr(benchmark, name)(*choice)
    getattr(benchmark, 'teardown', lambda *choice: None)(*choice)
