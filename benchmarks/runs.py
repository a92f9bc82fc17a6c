"""
Run one finder at one setting in a process of its own, and keep what came out.

The child process runs this file, with the python of the environment that has the finder; it
imports numpy and astropy only until the finder is built.
"""

import argparse
import inspect
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import QTable
from methods import METHODS, make_detector

__all__ = ['Runner']

HERE = Path(__file__).resolve().parent
KEEP = ('id', 'parent_id', 'x_centroid', 'y_centroid', 'x_err', 'y_err', 'flux', 'flux_err',
        'snr', 'score', 'class_name')


@dataclass(frozen=True)
class Runner:
    """
    Runs finders, each in a child process, unless an earlier run is there.

    Parameters
    ----------
    work : `~pathlib.Path`
        Folder of catalogues and costs.
    peer_python : str, optional
        Interpreter of the environment with PyBDSF and Aegean.
    components : bool, optional
        Whether rows of components are kept where a finder gives them.
    """

    work: Path
    peer_python: str | None = None
    components: bool = False

    def available(self, method):
        """Whether the finder can be run here."""
        return bool(self.peer_python) if METHODS[method].peer else METHODS[method].available()

    def outputs(self, method, threshold, images):
        """Where the catalogues of a run lie."""
        return [self.work / f'{method}_{setting_name(threshold)}_{image.stem}.ecsv'
                for image in images]

    def run(self, method, threshold, images):
        """
        Detect in images with one process.

        Parameters
        ----------
        method : str
            A key of `methods.METHODS`.
        threshold : float or None
            Setting of the finder, None for its default.
        images : list of `~pathlib.Path`
            FITS files with different names.

        Returns
        -------
        runs : list of (`~astropy.table.QTable`, dict)
            Catalogue and cost of each image.
        """
        outputs = self.outputs(method, threshold, images)
        missing = [image.resolve() for image, output in zip(images, outputs, strict=True)
                   if not cost_file(output).exists()]
        if missing:
            python = self.peer_python if METHODS[method].peer else sys.executable
            command = [python, str(HERE / 'runs.py'), method, setting_name(threshold),
                       str(self.work.resolve()), *map(str, missing),
                       *(['--components'] if self.components else [])]
            path = os.pathsep.join(
                [str(HERE)] if METHODS[method].peer else
                [str(HERE), *filter(None, [os.environ.get('PYTHONPATH')])])
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=os.environ | {'PYTHONPATH': path})
            if done.returncode:
                raise SystemExit(f'{method} at {setting_name(threshold)} failed:\n'
                                 f'{done.stderr[-2000:]}')
        return [(QTable.read(output, format='ascii.ecsv'),
                 json.loads(cost_file(output).read_text())) for output in outputs]


def setting_name(threshold):
    """How a threshold is written in file names."""
    return 'default' if threshold is None else f'{threshold:g}'


def cost_file(output):
    """Where the cost of a run lies."""
    return Path(f'{output}.json')


def cpu_seconds():
    """CPU time of this process and its ended children, in all threads."""
    return sum(usage.ru_utime + usage.ru_stime for usage in
               map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def peak_memory_mb():
    """Largest resident size of this process or of one of its children."""
    return max(resource.getrusage(who).ru_maxrss for who in
               (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def warm_up(detector, image):
    """Let a finder compile and load on a corner of the image, before the clock runs."""
    with fits.open(image) as stream:
        ny, nx = stream[0].data.shape[-2:]
        y, x = max(ny // 2 - 150, 0), max(nx // 2 - 150, 0)
        part = stream[0].data[..., y:y + 300, x:x + 300]
        header = stream[0].header
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'part.fits'
        fits.PrimaryHDU(np.array(part), header).writeto(path, output_verify='ignore')
        detector.predict(path)


def component_keywords(detector):
    """What makes a finder list the components of its sources, if it can."""
    known = inspect.signature(detector.predict).parameters
    return {'components': True} if 'components' in known else {}


def keep_columns(catalog):
    """What the figures need."""
    catalog = QTable(catalog[[name for name in KEEP if name in catalog.colnames]])
    catalog.meta.clear()
    return catalog


def worker(method, threshold, images, outputs, components):
    """Detect in each image and write catalogue and cost."""
    warnings.simplefilter('ignore')
    detector = make_detector(method, threshold)
    keywords = component_keywords(detector) if components else {}
    if not METHODS[method].peer:
        warm_up(detector, images[0])
    for image, output in zip(images, outputs, strict=True):
        started, cpu = time.perf_counter(), cpu_seconds()
        catalog = detector.predict(image, **keywords)
        cost = {'seconds': time.perf_counter() - started, 'cpu': cpu_seconds() - cpu,
                'memory_mb': peak_memory_mb()}
        if 'reliability' in (asked := getattr(detector, 'get_params', dict)()):
            cost['asked'] = asked['reliability']
        keep_columns(catalog).write(output, overwrite=True, format='ascii.ecsv')
        cost_file(output).write_text(json.dumps(cost))


def main():
    """Body of the child process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('method')
    parser.add_argument('setting')
    parser.add_argument('work', type=Path)
    parser.add_argument('images', type=Path, nargs='+')
    parser.add_argument('--components', action='store_true')
    arguments = parser.parse_args()
    threshold = None if arguments.setting == 'default' else float(arguments.setting)
    outputs = Runner(arguments.work).outputs(arguments.method, threshold, arguments.images)
    worker(arguments.method, threshold, arguments.images, outputs, arguments.components)


if __name__ == '__main__':
    main()
