import importlib.util
import json
import os
import subprocess
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
def test_ratios_of_two_commands():
    # In a small process: a child's peak begins with what its parent held when it was born.
    done = subprocess.run(python("""
import json, sys
import command_speed
busy = [sys.executable, '-c', "x = b'x' * 300_000_000\\nfor _ in range(3_000_000): pass"]
print(json.dumps(command_speed.compare(busy, [sys.executable, '-c', 'pass'], runs=2)))
"""), cwd=SOURCE.parent, capture_output=True, text=True, check=True)
    wall, cpu, memory = json.loads(done.stdout)
    assert memory[0] > 300
    assert memory[0] - memory[1] > 200
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


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux hands on orphans')
def test_processes_that_are_left_behind_are_counted():
    burn = 'import time\nwhile time.process_time() < 0.5: pass'
    leave = f'import subprocess, sys; subprocess.Popen([sys.executable, "-c", {burn!r}])'
    done = subprocess.run(python(f"""
import subprocess, sys
from command_speed import run_once
other = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
print(run_once([sys.executable, '-c', {leave!r}])[1], other.poll())
other.communicate(b'end')
"""), cwd=SOURCE.parent, capture_output=True, text=True, check=True)
    cpu, other = done.stdout.split()
    assert float(cpu) > 0.5
    assert other == 'None'  # what was there before is not waited for
