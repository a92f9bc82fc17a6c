"""
How time and memory of ``astrofound detect`` grow with the mosaic, for one worker and for several.

    python benchmarks/scaling.py --sizes 2048 4096 8192 16384 32768 --workers 1 2 \
        -o benchmarks/results/scaling.ecsv

Each mosaic repeats the middle of one sky of `independent_sky`, so that every pixel costs the
same whatever the size. With ``--filled N`` only the N x N pixels in the middle hold anything and
the rest is a hole in a sparse file, which is read as blank: what memory a size needs is then
known long before the time it takes. Every run is a process of its own, start-up included; a run
on a small corner comes first and is not counted. Several workers have one thread each, as the one
of a single worker does with ``--threads 1``; without it the single process uses all cores.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import QTable
from command_speed import run_once
from independent_sky import make_radio

__all__ = ['make_mosaic', 'measure']

BLOCK = 1024


def make_block(seed=1):
    """Make the middle of a sky, which is covered everywhere, and its header."""
    sky = make_radio((2 * BLOCK, 2 * BLOCK), seed=seed)
    middle = slice(BLOCK // 2, BLOCK // 2 + BLOCK)
    return sky.data[middle, middle].astype('>f4'), sky.header


def make_mosaic(path, block, header, side, filled=None):
    """
    Write a mosaic of blocks row by row.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.
    block : 2D `~numpy.ndarray`
        What is repeated.
    header : `~astropy.io.fits.Header`
        Of the block.
    side : int
        Pixels along each axis, a multiple of the block.
    filled : int, optional
        Pixels along each axis that hold anything; by default all.
    """
    filled = side if filled is None else min(filled, side)
    header = fits.PrimaryHDU(block, header).header
    header.update({'NAXIS1': side, 'NAXIS2': side, 'CRPIX1': side / 2, 'CRPIX2': side / 2})
    text = header.tostring().encode('ascii')
    first = (side - filled) // 2
    with Path(path).open('wb') as file:
        file.write(text)
        for row in range(filled):
            file.seek(len(text) + 4 * ((first + row) * side + first))
            file.write(np.tile(block[row % len(block)], filled // len(block)).tobytes())
        size = len(text) + 4 * side**2
        file.truncate(size + -size % 2880)


def measure(path, workers, *options):
    """Detect with so many workers; return wall seconds, CPU seconds, peak MB and sources."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / 'sources.fits'
        cost = run_once([sys.executable, '-m', 'astrofound', 'detect', path, '-o', output,
                         '--workers', str(workers), *options])
        with fits.open(output) as hdus:
            return *cost, len(hdus[1].data)


def main():
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--sizes', type=int, nargs='+', default=[2048, 4096, 8192])
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--threads', help='threads of each process')
    parser.add_argument('--filled', type=int, help='pixels along each axis that hold anything')
    parser.add_argument('--work', type=Path, help='folder of the mosaics, by default a new one')
    parser.add_argument('-o', '--output', type=Path, help='table to write')
    arguments = parser.parse_args()
    options = ['--threads', arguments.threads] if arguments.threads else []
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        path = Path(folder) / 'mosaic.fits'
        block, header = make_block()
        make_mosaic(path, block, header, BLOCK)
        measure(path, 1)
        print(f'{"side":>6} {"workers":>7} {"wall s":>8} {"CPU s":>8} {"us/pixel":>8} '
              f'{"peak MB":>8} {"sources":>8}')
        for side in arguments.sizes:
            make_mosaic(path, block, header, side, arguments.filled)
            pixels = min(side, arguments.filled or side)**2
            for workers in arguments.workers:
                wall, cpu, peak, n_sources = measure(path, workers, *options)
                rows.append((side, workers, wall, cpu, 1e6 * cpu / pixels, peak, n_sources))
                print('{:6d} {:7d} {:8.1f} {:8.1f} {:8.3f} {:8.0f} {:8d}'.format(*rows[-1]),
                      flush=True)
    if arguments.output:
        names = ('side', 'workers', 'wall', 'cpu', 'cpu_per_mpix', 'peak_mb', 'sources')
        QTable(rows=rows, names=names).write(arguments.output, overwrite=True,
                                             format='ascii.ecsv')


if __name__ == '__main__':
    main()
