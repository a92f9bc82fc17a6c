"""
Run several finders on simulated skies, at their default and their best threshold.

    python benchmarks/detectors.py --methods compact sep photutils-segmentation \
        --fields radio:0 radio:1 optical:0 --size 4096 --work /tmp/bench -o table.ecsv

Every run is a process of its own, so that seconds and peak memory are its own. The skies
come from `independent_sky`; with ``--real DIR`` the scores of `real_fields` are added, for
each finder at its default and at the threshold that was best on the simulated radio skies.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from astropy.table import QTable, vstack
from methods import METHODS, make_detector

HERE = Path(__file__).resolve().parent
# The S/N of the truth that counts: of the peak in radio, of the best filter in optical images,
# where the peak of a faint star is lost in white noise that any finder averages out.
SNR_COLUMN = {'radio': 'snr', 'optical': 'snr_matched'}
FIGURES = ('n', 'seconds', 'memory_mb', 'completeness', 'reliability', 'f1', 'f1_strict', 'c95',
           'flux_bias', 'double_found', 'double_one', 'double_flux', 'diffuse_found',
           'diffuse_flux')


def worker(method, threshold, image, output):
    """Detect once and write catalogue and cost; the body of a child process."""
    warnings.simplefilter('ignore')
    detector = make_detector(method, threshold)
    started = time.perf_counter()
    catalog = detector.predict(image)
    seconds = time.perf_counter() - started
    keep = [name for name in catalog.colnames if name in
            {'x_centroid', 'y_centroid', 'flux', 'snr', 'score', 'class_name'}]
    catalog = QTable(catalog[keep])
    catalog.meta.clear()
    catalog.write(output, overwrite=True, format='ascii.ecsv')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Path(f'{output}.json').write_text(json.dumps({'seconds': seconds, 'memory_mb': peak}))


def run(method, threshold, image, work):
    """Detect in a child process; return catalogue and cost, from an earlier run if there is one."""
    setting = 'default' if threshold is None else f'{threshold:g}'
    output = work / f'{method}_{setting}_{image.stem}.ecsv'
    cost = Path(f'{output}.json')
    if not cost.exists():
        command = [sys.executable, __file__, '--worker', method, setting, str(image), str(output)]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False,
                              env=os.environ | {'PYTHONPATH': str(HERE)})
        if done.returncode:
            raise SystemExit(f'{method} at {setting} failed on {image}:\n{done.stderr[-2000:]}')
    return QTable.read(output, format='ascii.ecsv'), json.loads(cost.read_text())


def score(catalog, truth, kind):
    """All figures of one run, and the score they come from."""
    from astrofound.evaluation import score_truth

    result = score_truth(catalog, truth, snr_column=SNR_COLUMN[kind])
    figures = {
        'n': len(catalog), 'completeness': result.completeness,
        'reliability': result.reliability, 'f1': result.f1, 'f1_strict': result.f1_strict,
        'flux_bias': result.flux_bias(),
    }
    for name, chosen in (('double', result),
                         ('diffuse', score_truth(catalog, truth, min_snr=5,
                                                 snr_column='snr_matched'))):
        rows = result.sources if chosen is result else chosen.sources
        rows = rows[chosen.counted & (rows['kind'] == name)]
        ratio = np.asarray(rows['flux_ratio'])
        found = rows['n_entries'] > 0
        if name == 'diffuse':   # a noise peak on a halo is not the halo
            found &= ratio > 0.3
        figures[f'{name}_found'] = np.mean(found) if len(rows) else np.nan
        figures[f'{name}_flux'] = np.median(ratio[found]) if found.any() else np.nan
        if name == 'double':
            figures['double_one'] = chosen.one_entry(name)
    return figures, result


def make_sky(kind, seed, size, work):
    """Write the sky unless it is there; return the image and its truth."""
    from independent_sky import make_optical, make_radio

    side = size if kind == 'radio' else size // 2
    path = work / f'{kind}{seed}_{side}.fits'
    if not path.exists():
        (make_radio if kind == 'radio' else make_optical)((side, side), seed=seed).write(path)
    return path, QTable.read(path.with_name(f'{path.stem}_truth.fits'), hdu='TRUTH')


def judge(method, kind, seed, size, work):
    """Rows ``default`` and ``best`` of one finder on one sky."""
    image, truth = make_sky(kind, seed, size, work)
    runs = []
    for threshold in (None, *METHODS[method].grid):
        catalog, cost = run(method, threshold, image, work)
        figures, result = score(catalog, truth, kind)
        runs.append({'threshold': np.nan if threshold is None else threshold, **cost, **figures,
                     'curve': result.completeness_at(0.95)})
    c95 = max(max(entry['curve'], entry['completeness'] if entry['reliability'] >= 0.95 else 0)
              for entry in runs)
    best = max(runs, key=lambda entry: np.nan_to_num(entry['f1']))
    rows = []
    for setting, entry in (('default', runs[0]), ('best', best)):
        rows.append({'method': method, 'field': f'{kind}:{seed}', 'setting': setting,
                     'threshold': entry['threshold'], **{name: entry.get(name, np.nan)
                                                         for name in FIGURES}, 'c95': c95})
    return rows


def averages(table):
    """One row a method, kind of sky and setting: the mean over the seeds."""
    kind = np.array([field.partition(':')[0] for field in table['field']])
    rows = []
    for method in dict.fromkeys(table['method']):
        for name in dict.fromkeys(kind):
            for setting in ('default', 'best'):
                part = table[(table['method'] == method) & (kind == name)
                             & (table['setting'] == setting)]
                if len(part):
                    mean = {figure: np.mean(part[figure]) for figure in ('threshold', *FIGURES)}
                    rows.append({'method': method, 'field': f'{name} mean', 'setting': setting,
                                 **mean})
    return QTable(rows=rows)


def show(table):
    """Print a table in few characters."""
    for name in table.colnames:
        if table[name].dtype.kind == 'f':
            table[name].info.format = {'seconds': '.1f', 'memory_mb': '.0f', 'n': '.0f'}.get(
                name, '.3f')
    table.pprint_all()


def parse():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--methods', nargs='+', default=list(METHODS), choices=list(METHODS))
    parser.add_argument('--fields', nargs='+', default=['radio:0', 'optical:0'],
                        help='kind:seed, kind being radio or optical')
    parser.add_argument('--size', type=int, default=4096,
                        help='side of the radio skies; optical ones have half of it')
    parser.add_argument('--real', type=Path, help='folder of the real observations')
    parser.add_argument('--work', type=Path, required=True, help='folder for skies and runs; '
                        'runs found there are not repeated')
    parser.add_argument('-o', '--output', type=Path, help='write the table (ECSV)')
    return parser.parse_args()


def main():
    """Judge, print, write."""
    if '--worker' in sys.argv:
        method, setting, image, output = sys.argv[2:]
        return worker(method, None if setting == 'default' else float(setting), image, output)
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    methods = [name for name in arguments.methods if METHODS[name].available()]
    rows = []
    for field in arguments.fields:
        kind, _, seed = field.partition(':')
        for method in methods:
            rows += judge(method, kind, int(seed or 0), arguments.size, arguments.work)
            print(f'{field} {method}: F1 {rows[-2]["f1"]:.3f} default, {rows[-1]["f1"]:.3f} best',
                  file=sys.stderr)
    table = QTable(rows=rows)
    table = vstack([table, averages(table)], metadata_conflicts='silent')
    show(table)
    if arguments.output:
        table.write(arguments.output, overwrite=True, format='ascii.ecsv')
    if arguments.real:
        from real_fields import score_all

        radio = {row['method']: row['threshold'] for row in rows
                 if row['setting'] == 'best' and row['field'].startswith('radio')}
        show(score_all(arguments.real, [(name, threshold) for name in methods for threshold in
                                        (None, radio.get(name)) if name in radio or not threshold]))
    return None


if __name__ == '__main__':
    main()
