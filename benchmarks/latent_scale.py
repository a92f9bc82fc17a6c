"""
Measure what exploring many feature vectors costs: neighbours of one, anomalies, and the map.

    python benchmarks/latent_scale.py --number 100000 --width 768
    python benchmarks/latent_scale.py --number 100000 --width 768 --umap

The vectors are 12 clusters of random numbers. Each figure is of a process of its own, so that its
peak memory is its own, too; it is told beyond what the imports need, in units of the features.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

__all__ = ['STEPS', 'make_features', 'measure']


def make_features(number, width, *, seed=0):
    """Random vectors in 12 clusters, float32, of shape ``(number, width)``."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((number, width), np.float32)
    centres = random.standard_normal((12, width), np.float32)
    features += centres[random.integers(12, size=number)]
    return features


def _peak_mb():
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _neighbors(features):
    from astrofound.explore import FeatureIndex

    started = time.perf_counter()
    index = FeatureIndex(features)
    built = time.perf_counter() - started
    times = []
    for row in range(0, len(features), max(1, len(features) // 20)):
        started = time.perf_counter()
        index.find(row, n=10)
        times.append(time.perf_counter() - started)
    return {'seconds to build': built, 'seconds to find': statistics.median(times),
            'slowest': max(times)}


def _anomalies(features):
    from astrofound.explore import score_anomalies

    started = time.perf_counter()
    score_anomalies(features)
    return {'seconds': time.perf_counter() - started}


def _map(features):
    from astrofound.explore import LatentMap

    started = time.perf_counter(), time.process_time()
    LatentMap(method='umap').fit_transform(features)
    return {'seconds': time.perf_counter() - started[0],
            'CPU seconds': time.process_time() - started[1]}


STEPS = {'neighbors': _neighbors, 'anomalies': _anomalies, 'umap': _map}


def _step(name, number, width):
    """Do one step in this process and print what it cost."""
    import astrofound.explore  # noqa: F401 - its memory is not the step's
    from astrofound.explore import FeatureIndex  # noqa: F401

    STEPS[name](make_features(64, width))  # the libraries and their compiled code
    before = _peak_mb()
    features = make_features(number, width)
    found = STEPS[name](features)
    found['peak in features'] = (_peak_mb() - before) / (features.nbytes / 1e6)
    print(json.dumps(found))


def measure(name, number, width):
    """Return the figures of one step, measured in a new process."""
    done = subprocess.run([sys.executable, __file__, '--step', name, '--number', str(number),
                           '--width', str(width)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--number', type=int, default=100_000)
    parser.add_argument('--width', type=int, default=768)
    parser.add_argument('--umap', action='store_true', help='also the map, which takes minutes')
    parser.add_argument('--step', choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        _step(arguments.step, arguments.number, arguments.width)
        return
    for name in STEPS if arguments.umap else ('neighbors', 'anomalies'):
        for what, value in measure(name, arguments.number, arguments.width).items():
            print(f'{name:10} {what:18} {value:.4g}')


if __name__ == '__main__':
    main()
