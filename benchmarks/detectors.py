"""
Run finders on simulated skies and real images, at their default and their best threshold.

    python -m venv peers        # PyBDSF and Aegean need numpy < 2.3
    peers/bin/pip install "numpy<2.3" numba bdsf AegeanTools
    python benchmarks/detectors.py --peer-python peers/bin/python --work runs \
        --fields radio:0 radio:1 optical:0 optical:1 -o benchmarks/results/detectors.ecsv

Every run is a process of its own, so that seconds and peak memory are its own, and is kept in
``--work``: what is there is not run again. Rows of methods that are not asked for stay in the
output as they are, so one finder is renewed with ``--methods``. The best setting is the one with
the largest mean F1 over all skies of a kind, among some thresholds and, for finders that rank by
S/N, all cuts of what they found. With ``--real DIR`` the scores of
`real_fields` follow, at the default and at the setting that was best on radio skies.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.table import QTable, Table, vstack
from figures import CUTS, FIGURES, f1_at_cuts, score, summarize_pulls, true_pulls
from methods import METHODS
from runs import Runner

MEAN = 'mean'
KEYS = ('method', 'kind', 'seed', 'setting')
PULL_KEYS = ('method', 'kind_of_sky', 'setting')


@dataclass(frozen=True)
class Sky:
    """One simulated image and its truth."""

    kind: str
    seed: int
    path: Path
    truth: QTable

    @classmethod
    def make(cls, kind, seed, size, work):
        """Write the sky unless it is there; optical ones have half of the side."""
        from independent_sky import make_optical, make_radio

        side = size if kind == 'radio' else size // 2
        path = work / f'{kind}{seed}_{side}.fits'
        if not path.exists():
            make = make_radio if kind == 'radio' else make_optical
            make((side, side), seed=seed).write(path)
        truth = QTable.read(path.with_name(f'{path.stem}_truth.fits'), hdu='TRUTH')
        return cls(kind, seed, path, truth)

    @property
    def mpix(self):
        """Millions of pixels."""
        from astropy.io import fits

        header = fits.getheader(self.path)
        return header['NAXIS1'] * header['NAXIS2'] / 1e6


@dataclass
class Verdict:
    """What came out for one method and kind of sky."""

    rows: list = field(default_factory=list)
    pulls: list = field(default_factory=list)
    best: tuple = (None, 0.0)


@dataclass(frozen=True)
class Trial:
    """One method at one setting on one sky."""

    sky: Sky
    catalog: QTable
    cost: dict
    figures: dict
    result: object

    @classmethod
    def judge(cls, sky, catalog, cost):
        """Compare with the truth."""
        return cls(sky, catalog, cost, *score(catalog, sky.truth, sky.kind))

    def cut(self, smallest):
        """The same with the rows from an S/N on."""
        if not smallest:
            return self
        return self.judge(self.sky, self.catalog[self.catalog['snr'] >= smallest], self.cost)


def judge(runner, method, skies):
    """
    Run a method at all its settings on all skies of a kind.

    Parameters
    ----------
    runner : `runs.Runner`
        Runs it.
    method : str
        A key of `methods.METHODS`.
    skies : list of `Sky`
        Images of one kind.

    Returns
    -------
    verdict : `Verdict`
        Rows ``default`` and ``best`` of each sky and their mean.
    """
    trials = {}
    for threshold in (None, *METHODS[method].grid):
        runs = runner.run(method, threshold, [sky.path for sky in skies])
        trials[threshold] = [Trial.judge(sky, ranked(method, catalog), cost)
                             for sky, (catalog, cost) in zip(skies, runs, strict=True)]
    threshold, cut = best_setting(trials, METHODS[method].cuts)
    chosen = [trial.cut(cut) for trial in trials[threshold]]
    reached = [{name: max(trial.figures[name] for trial in of_one_sky)
                for name in ('c95', 'c95_faint')}
               for of_one_sky in zip(*trials.values(), strict=True)]
    verdict = Verdict(best=(threshold, cut))
    for name, setting, smallest, rows in (('default', None, 0, trials[None]),
                                          ('best', threshold, cut, chosen)):
        told = [row_of(method, trial, name, setting, smallest) for trial in rows]
        if name == 'best':
            told = [row | more for row, more in zip(told, reached, strict=True)]
        mean = {figure: average([row[figure] for row in told])
                for figure in ('threshold', 'cut', *FIGURES)}
        verdict.rows += [*told, told[0] | {'seed': MEAN} | mean]
        verdict.pulls += pull_rows(method, name, rows)
    return verdict


def ranked(method, catalog):
    """Leave the S/N as what ranks the rows of a finder whose score is made from it."""
    if METHODS[method].cuts and 'score' in catalog.colnames:
        catalog = catalog.copy()
        catalog.remove_column('score')
    return catalog


def best_setting(trials, cuts):
    """Threshold and smallest S/N with the largest mean F1 over the skies."""
    best = {}
    for threshold, of_one in trials.items():
        f1 = np.mean([f1_at_cuts(trial.result) for trial in of_one], axis=0)
        for cut, value in zip(CUTS, f1 if cuts else f1[:1], strict=cuts):
            best[threshold, float(cut)] = value
    return max(best, key=best.get)


def row_of(method, trial, name, threshold, cut):
    """One row of the table."""
    cost, figures = trial.cost, trial.figures
    told = {**cost, **figures, 'mpix_s': trial.sky.mpix / cost['cpu'],
            'got': figures['reliability'] if 'asked' in cost and name == 'default' else np.nan}
    return {'method': method, 'kind': trial.sky.kind, 'seed': str(trial.sky.seed),
            'setting': name, 'threshold': np.nan if threshold is None else threshold,
            'cut': cut or np.nan, **{figure: float(told[figure]) for figure in FIGURES}}


def pull_rows(method, name, trials):
    """Pulls of all skies together."""
    pulls = [true_pulls(trial.catalog, trial.sky.truth, trial.result) for trial in trials]
    pulls = [table for table in pulls if table is not None]
    if not pulls:
        return []
    return [{'method': method, 'kind_of_sky': trials[0].sky.kind, 'setting': name, **row}
            for row in summarize_pulls(vstack(pulls, metadata_conflicts='silent'))]


def average(values):
    """Mean of the numbers that are known."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def merge(new, path, keys):
    """Put new rows in the place of those with the same method and kind of sky in a file."""
    table = Table(rows=new)
    if path is None or not path.exists():
        return table
    old = Table.read(path, format='ascii.ecsv')
    fresh = {tuple(row[key] for key in keys[:2]) for row in new}
    stays = np.array([tuple(row[key] for key in keys[:2]) not in fresh for row in old], bool)
    merged = vstack([old[stays], table], metadata_conflicts='silent') if stays.any() else table
    order = list(METHODS)
    rank = [order.index(name) if name in order else len(order) for name in merged[keys[0]]]
    return merged[np.lexsort((np.arange(len(merged)), rank))]


def show(table):
    """Print a table in few characters."""
    for name in table.colnames:
        if table[name].dtype.kind == 'f':
            table[name].info.format = FIGURES.get(name, '.3f')
    table.pprint(max_lines=-1, max_width=-1)


def write(table, path):
    """Write a small ECSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.copy()
    for name in table.colnames:
        if table[name].dtype.kind == 'f':
            table[name] = [float(f'{value:.4g}') for value in table[name]]
    table.write(path, overwrite=True, format='ascii.ecsv')


def real_scores(runner, data, best):
    """Scores on the real images at the default and at the best threshold of the skies."""
    from real_fields import RunDetector, score_detector

    rows = []
    for method in best:
        for setting in dict.fromkeys(((None, 0.0), best[method])):
            threshold, cut = setting
            detector = RunDetector(runner, method, threshold, cut)
            rows.append({'method': method, 'setting': 'best' if any(setting) else 'default',
                         'threshold': np.nan if threshold is None else threshold,
                         'cut': cut or np.nan, **score_detector(detector, data)})
            print(f'real {method}: FIRST recall {rows[-1]["first_recall"]:.3f}', file=sys.stderr)
    return rows


def parse():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--methods', nargs='+', default=list(METHODS), choices=list(METHODS))
    parser.add_argument('--fields', nargs='+', help='kind:seed, kind being radio or optical',
                        default=['radio:0', 'radio:1', 'optical:0', 'optical:1'])
    parser.add_argument('--size', type=int, default=4096,
                        help='side of the radio skies; optical ones have half of it')
    parser.add_argument('--real', type=Path, help='folder of the real observations')
    parser.add_argument('--peer-python', help='python of the environment with PyBDSF and Aegean; '
                        'without it they are left out')
    parser.add_argument('--work', type=Path, required=True, help='folder for skies and runs; '
                        'runs found there are not repeated')
    parser.add_argument('-o', '--output', type=Path, help='table to write or renew (ECSV); '
                        'pulls and real images go to files beside it')
    return parser.parse_args()


def main():
    """Judge, print, write."""
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    runner = Runner(arguments.work, arguments.peer_python)
    skies = {}
    for text in arguments.fields:
        kind, _, seed = text.partition(':')
        skies.setdefault(kind, []).append(
            Sky.make(kind, int(seed or 0), arguments.size, arguments.work))
    methods = [name for name in arguments.methods if runner.available(name)]
    if left := [name for name in arguments.methods if name not in methods]:
        print(f'not here and left out: {", ".join(left)}', file=sys.stderr)
    rows, pulls, best = [], [], {}
    for kind, images in skies.items():
        for method in methods:
            if kind not in METHODS[method].kinds:
                continue
            verdict = judge(runner, method, images)
            rows += verdict.rows
            pulls += verdict.pulls
            if kind == 'radio':
                best[method] = verdict.best
            print(f'{kind} {method}: F1 {verdict.rows[len(images)]["f1"]:.3f} default, '
                  f'{verdict.rows[-1]["f1"]:.3f} best', file=sys.stderr)
    report(rows, arguments.output, '', KEYS)
    report(pulls, arguments.output, '_pulls', PULL_KEYS)
    if arguments.real:
        report(real_scores(runner, arguments.real, best), arguments.output, '_real',
               ('method', 'method'))


def report(rows, output, suffix, keys):
    """Print rows, and write them where an output was named."""
    if not rows:
        return
    path = output and output.with_name(f'{output.stem}{suffix}.ecsv')
    table = merge(rows, path, keys)
    show(table)
    if path:
        write(table, path)


if __name__ == '__main__':
    main()
