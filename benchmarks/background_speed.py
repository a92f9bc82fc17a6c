"""
What the background and noise mesh costs, beside sep and photutils on the same pixels.

    python benchmarks/background_speed.py --size 4096 --runs 5

The three take turns in one process on one thread each, with the same boxes and a 3x3 median, and
give background and rms of every pixel; ratios are taken run by run. astrofound does more for it:
it clips sources on one side and measures the surroundings of bright ones more finely. The fourth
column is astrofound on all cores.
"""

import argparse
import statistics
import time

import numpy as np
from independent_sky import make_radio

__all__ = ['FINDERS', 'main']

BOX = 64


def ours(data, n_threads=1):
    """Mesh of astrofound, refined, and the maps that follow from it."""
    from astrofound.preprocess import MeshBackground

    noise = MeshBackground(box_pix=BOX, n_threads=n_threads)(data)
    for start in range(0, len(data), 512):  # as it is used: no map of the whole is ever made
        noise.read_window((slice(start, min(start + 512, len(data))), slice(0, data.shape[1])))


def sep(data):
    """Mesh of SExtractor."""
    import sep

    background = sep.Background(data, bw=BOX, bh=BOX, fw=3, fh=3)
    background.back()
    background.rms()


def photutils(data):
    """Mesh of photutils with its default estimators."""
    from photutils.background import Background2D

    background = Background2D(data, BOX, filter_size=3)
    return background.background, background.background_rms


FINDERS = {'astrofound': ours, 'sep': sep, 'photutils': photutils,
           'all cores': lambda data: ours(data, None)}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--size', type=int, default=4096)
    parser.add_argument('--runs', type=int, default=5)
    arguments = parser.parse_args()
    middle = slice(arguments.size // 4, arguments.size // 4 + arguments.size // 2)
    sky = make_radio((arguments.size, arguments.size), seed=1).data
    block = sky[middle, middle]  # covered everywhere
    data = np.tile(block.astype(np.float32), (2, 2))
    seconds = {name: [] for name in FINDERS}
    for run in range(arguments.runs + 1):
        for name, find in FINDERS.items():
            started = time.perf_counter(), time.process_time()
            find(data)
            if run:  # the first compiles
                seconds[name].append((time.perf_counter() - started[0],
                                      time.process_time() - started[1]))
    print(f'{"":12} {"wall s":>8} {"CPU s":>8}  CPU time over that of astrofound (lowest, highest)')
    for name, costs in seconds.items():
        ratios = [cost[1] / own[1] for cost, own in zip(costs, seconds['astrofound'],
                                                         strict=True)]
        wall, cpu = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f'{name:12} {wall:8.2f} {cpu:8.2f}  {statistics.median(ratios):.2f} '
              f'({min(ratios):.2f}, {max(ratios):.2f})')


if __name__ == '__main__':
    main()
