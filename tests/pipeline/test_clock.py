import time

import pytest

from astrofound.pipeline import StageClock


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def fail_after(seconds):
    spin(seconds)
    return 1 / 0


def test_a_second_belongs_to_the_innermost_stage():
    clock = StageClock()
    with clock.stage('outer'):
        spin(0.02)
        with clock.stage('inner'):
            spin(0.06)
    assert clock['inner'].cpu == pytest.approx(0.06, abs=0.015)
    assert clock['outer'].cpu == pytest.approx(0.02, abs=0.015)
    assert clock['inner'].wall >= clock['inner'].cpu - 0.01


def test_a_stage_adds_up_and_survives_an_error():
    clock = StageClock()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), clock.stage('one'):
            fail_after(0.01)
    assert list(clock.stages) == ['one']
    before = clock['one'].cpu
    assert before == pytest.approx(0.02, abs=0.01)
    spin(0.01)  # no stage runs
    with clock.stage('two'):
        pass
    assert clock['one'].cpu == before


def test_table_names_every_stage():
    clock = StageClock()
    clock['noise'].wall = 1.0
    clock['network'].wall, clock['network'].read, clock['network'].n_kept = 3.0, 2.0, 5
    lines = clock.table().splitlines()
    assert [line.split()[0] for line in lines] == ['stage', 'noise', 'network', 'total']
    assert '75%' in lines[2]
    assert lines[2].endswith('read ahead in 2.0 s, 5 parts of an earlier run')
    assert '4.00' in lines[3]
