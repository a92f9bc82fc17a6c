"""
What it costs to write a long catalogue in each format, and as regions with the regions package.

    python benchmarks/writing_speed.py --rows 1000000

The rows are those of one detection, repeated. The regions package gets a hundredth of them, and
its time is given for all: it grows with their number.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord

from astrofound.catalog import write_catalog
from astrofound.datasets import make_field
from astrofound.estimators import SourceDetector

__all__ = ['ENDINGS', 'main', 'make_catalog', 'write_with_regions']

ENDINGS = ('.fits', '.vot', '.reg', '.crtf', '.ecsv', '.csv')


def make_catalog(n_rows):
    """Repeat the sources of a simulated field until there are enough rows."""
    short = SourceDetector(device='cpu').predict(make_field('radio', seed=0).image)
    rows = np.arange(n_rows) % len(short)
    catalog = short[rows]
    catalog.meta = short.meta
    return catalog


def write_with_regions(catalog, path):
    """Write ellipses on the sky with the regions package."""
    from regions import EllipseSkyRegion, Regions

    centres = SkyCoord(catalog['ra'], catalog['dec'])
    sides = (catalog[name] for name in ('major', 'minor', 'pa_sky'))
    Regions([EllipseSkyRegion(*ellipse) for ellipse in zip(centres, *sides, strict=True)]).write(
        path, format='ds9', overwrite=True)


def _cpu(write, *arguments):
    started = time.process_time()
    write(*arguments)
    return time.process_time() - started


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--rows', type=int, default=1_000_000)
    arguments = parser.parse_args()
    catalog = make_catalog(arguments.rows)
    few = catalog[:max(1, arguments.rows // 100)]
    print(f'CPU seconds for {arguments.rows} rows')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'catalog'
        for ending in ENDINGS:
            print(f'{ending:8} {_cpu(write_catalog, catalog, path.with_suffix(ending)):8.1f}',
                  flush=True)
        factor = arguments.rows / len(few)
        seconds = factor * _cpu(write_with_regions, few, path.with_suffix('.ds9.reg'))
        print(f'{"regions":8} {seconds:8.1f}  from {len(few)} rows')


if __name__ == '__main__':
    main()
