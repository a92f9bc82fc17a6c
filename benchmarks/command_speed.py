"""
Compare what ``astrofound detect`` costs with two methods, as whole processes in turn.

    python benchmarks/independent_sky.py radio sky.fits --seed 1 --size 4096
    python benchmarks/command_speed.py sky.fits --runs 5

A run of each comes first and is not counted: it compiles and fills the disk cache. Then they
run in turn, and ratios are taken pair by pair, so that a machine whose speed drifts slows both.
Wall time depends on what else the machine does; CPU time, of all threads, much less. The last
line is the start-up: a process that ends when the first tile reaches the network.
"""

import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ['START_UP', 'compare', 'run_once']

# Run with the image as argument: detects until the first tile reaches the network, and ends.
START_UP = """
import os, sys
from astrofound.cli import main
from astrofound.pipeline import Runner
there = Runner.map
def stop(self, stage, job, *more, **given):
    if stage == 'network':
        job.work = lambda prepared: os._exit(0)
    return there(self, stage, job, *more, **given)
Runner.map = stop
main(['detect', sys.argv[1], '-o', sys.argv[2]])
raise SystemExit('no tile reached the network')
"""

FIGURES = ('wall s', 'CPU s', 'peak MB')


def run_once(command):
    """
    Run a command; return its wall seconds, CPU seconds and peak memory in MB.

    The CPU time is that of all its processes, the peak that of the largest one.
    """
    _adopt_orphans()
    others = _children()
    started = time.perf_counter()
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(job.pid, 0)
    wall = time.perf_counter() - started
    job.returncode = os.waitstatus_to_exitcode(status)
    if job.returncode:
        raise SystemExit(f"failed with {job.returncode}: {' '.join(map(str, command))}")
    usages = [usage, *_wait_for_orphans(others)]
    unit = 1 if sys.platform == 'darwin' else 1024  # bytes there, KiB elsewhere
    return (wall, sum(usage.ru_utime + usage.ru_stime for usage in usages),
            max(usage.ru_maxrss for usage in usages) * unit / 1e6)


def _adopt_orphans():
    """On Linux, become the parent of processes that the command leaves behind as it ends."""
    if sys.platform == 'linux':
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _children():
    """Give the numbers of the processes whose parent this one is; none where nobody tells."""
    lists = Path('/proc/self/task').glob('*/children')
    return {int(pid) for file in lists for pid in file.read_text().split()}


def _wait_for_orphans(others):
    """Say what each process left behind has used, with those that it waited for itself."""
    while left := _children() - others:
        for pid in left:
            yield os.wait4(pid, 0)[2]


def compare(first, second, runs):
    """Run two commands in turn; return the medians of both and of the pairwise ratios."""
    pairs = []
    for number in range(runs + 1):
        pair = run_once(first), run_once(second)
        if number:
            pairs.append(pair)
    rows = []
    for column in range(len(FIGURES)):
        a, b = ([pair[side][column] for pair in pairs] for side in (0, 1))
        ratios = sorted(x / y for x, y in zip(a, b, strict=True))
        rows.append((statistics.median(a), statistics.median(b), statistics.median(ratios),
                     ratios[0], ratios[-1]))
    return rows


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('image', type=Path)
    parser.add_argument('--methods', nargs=2, default=['compact', 'photutils'])
    parser.add_argument('--runs', type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = [[sys.executable, '-m', 'astrofound', 'detect', arguments.image, '--method',
                     method, '-o', Path(folder) / f'{method}.fits']
                    for method in arguments.methods]
        rows = compare(*commands, arguments.runs)
        start = [sys.executable, '-c', START_UP, arguments.image, Path(folder) / 'none.fits']
        starts = [run_once(start) for _ in range(arguments.runs)]
    print(f'{"":8} {arguments.methods[0]:>10} {arguments.methods[1]:>10}  ratio (lowest, highest)')
    for name, (a, b, ratio, low, high) in zip(FIGURES, rows, strict=True):
        print(f'{name:8} {a:10.1f} {b:10.1f}  {ratio:.2f} ({low:.2f}, {high:.2f})')
    wall, cpu, _ = (statistics.median(column) for column in zip(*starts, strict=True))
    print(f'first tile after {wall:.1f} s, {cpu:.1f} s of CPU')


if __name__ == '__main__':
    main()
