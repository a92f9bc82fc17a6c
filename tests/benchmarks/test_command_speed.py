import importlib.util
import os
import sys
from pathlib import Path

import pytest

from astrofound.datasets import make_field

SOURCE = Path(__file__).resolve().parents[2] / 'benchmarks' / 'command_speed.py'


@pytest.fixture(scope='module')
def command_speed():
    spec = importlib.util.spec_from_file_location('command_speed', SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(code):
    return [sys.executable, '-c', code]


@pytest.mark.skipif(not hasattr(os, 'wait4'), reason='POSIX accounting')
def test_ratios_of_two_commands(command_speed):
    busy = python("x = b'x' * 800_000_000\nfor _ in range(3_000_000): pass")
    wall, cpu, memory = command_speed.compare(busy, python('pass'), runs=2)
    assert memory[0] > 800
    assert memory[0] > memory[1]
    assert cpu[2] > 1
    for row in (wall, cpu, memory):
        assert row[3] <= row[2] <= row[4]


@pytest.mark.skipif(not hasattr(os, 'wait4'), reason='POSIX accounting')
def test_start_up_ends_at_the_first_tile(command_speed, tmp_path):
    path = tmp_path / 'sky.fits'
    make_field('radio', shape=(128, 128), seed=0).write(path)
    command_speed.run_once(
        [*python(command_speed.START_UP), str(path), str(tmp_path / 's.fits')])
    assert not (tmp_path / 's.fits').exists()


@pytest.mark.skipif(not hasattr(os, 'wait4'), reason='POSIX accounting')
def test_a_failure_stops_it(command_speed):
    with pytest.raises(SystemExit, match='failed with 3'):
        command_speed.run_once(python('raise SystemExit(3)'))
