"""What the command does to its process, and nothing else does to a user's."""

import gc
import platform
import subprocess
import sys
import textwrap

import pytest

from astrofound.utils import tune_process

FAULTS = """
    import resource, sys
    import numpy as np
    from astrofound.utils import tune_process

    if sys.argv[1] == 'tuned':
        tune_process()

    def blocks():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            np.ones(6_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    blocks()
    print(blocks())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='other C libraries are left alone')
def test_large_blocks_are_used_again():
    faults = {mode: int(subprocess.run(
        [sys.executable, '-c', textwrap.dedent(FAULTS), mode], check=True, capture_output=True,
        text=True).stdout) for mode in ('plain', 'tuned')}
    assert faults['tuned'] < 0.1 * faults['plain']


def test_garbage_is_collected_less_often():
    before = gc.get_threshold()
    try:
        tune_process()
        assert gc.isenabled()
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.set_threshold(*before)
