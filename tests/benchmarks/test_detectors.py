from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable, Table, vstack
from detectors import KEYS, Sky, average, judge, merge, write
from figures import FIGURES
from make_tables import render
from methods import METHODS

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / 'benchmarks' / 'results' / 'detectors.ecsv'


class FakeRunner:
    """Finds the true sources brighter than the threshold."""

    def __init__(self, skies):
        self.truth = {sky.path: sky.truth for sky in skies}

    def run(self, method, threshold, images):
        runs = []
        for image in images:
            truth = self.truth[image]
            truth = truth[truth['snr'] >= (9 if threshold is None else threshold)]
            names = ('x_centroid', 'y_centroid', 'flux', 'snr')
            catalog = QTable({name: truth[name] for name in names})
            catalog['flux_err'] = 0.1 * catalog['flux']
            if method == 'sep':     # much that is false under S/N 6
                false = catalog[-1:].copy()
                false['x_centroid'], false['snr'] = 1e4, 5.9
                catalog = vstack([catalog, *[false] * 40])
            cost = {'seconds': 3.0, 'cpu': 2.0, 'memory_mb': 100.0}
            runs.append((catalog, cost | ({'asked': 0.95} if method == 'compact' else {})))
        return runs


@pytest.fixture(scope='module')
def skies(tmp_path_factory):
    work = tmp_path_factory.mktemp('skies')
    return [Sky.make('radio', seed, 600, work) for seed in (0, 1)]


def test_skies_are_made_once(skies):
    again = Sky.make('radio', 0, 600, skies[0].path.parent)
    assert len(again.truth) == len(skies[0].truth)
    assert again.mpix == pytest.approx(0.36)


def test_best_threshold_is_one_for_all_skies(skies):
    verdict = judge(FakeRunner(skies), 'sep', skies)
    assert [(row['seed'], row['setting']) for row in verdict.rows] == [
        (seed, setting) for setting in ('default', 'best') for seed in ('0', '1', 'mean')]
    default, best = verdict.rows[2], verdict.rows[5]
    assert np.isnan(default['threshold'])
    assert verdict.best == (best['threshold'], best['cut'])
    assert best['threshold'] <= 5
    assert best['cut'] == 6     # as an expert would, who saw what lies below
    assert np.isnan(default['cut'])
    assert best['f1'] > default['f1']
    assert best['reliability'] == 1 > default['reliability']
    assert best['mpix_s'] == pytest.approx(0.18)
    assert best['c95'] >= default['c95']
    assert np.isnan(default['got'])
    assert set(FIGURES) <= set(best)
    assert {row['setting'] for row in verdict.pulls} == {'default', 'best'}


def test_reliability_got_where_one_is_asked(skies):
    rows = judge(FakeRunner(skies), 'compact', skies).rows
    assert rows[0]['got'] == rows[0]['reliability']
    assert np.isnan(rows[3]['got'])
    assert np.isnan(rows[3]['cut'])


def test_average_leaves_unknown_figures_out():
    assert average([1.0, np.nan, 3.0]) == 2
    assert np.isnan(average([np.nan]))


def test_new_rows_replace_those_of_the_same_finder(tmp_path):
    path = tmp_path / 'table.ecsv'
    rows = [{'method': method, 'kind': kind, 'seed': '0', 'setting': 'best', 'f1': 0.123456}
            for method in ('sep', 'pybdsf') for kind in ('radio', 'optical')]
    write(merge(rows, path, KEYS), path)
    new = [{'method': 'compact', 'kind': 'radio', 'seed': '0', 'setting': 'best', 'f1': 0.9},
           {**rows[0], 'f1': 0.5}]
    table = merge(new, path, KEYS)
    assert list(table['method']) == ['compact', 'sep', 'sep', 'pybdsf', 'pybdsf']
    assert sorted(table['f1'][table['method'] == 'sep']) == [0.1235, 0.5]


def test_tables_of_the_documentation(skies, tmp_path):
    path = tmp_path / 'table.ecsv'
    verdict = judge(FakeRunner(skies), 'compact', skies)
    write(merge(verdict.rows, path, KEYS), path)
    write(Table(rows=verdict.pulls), tmp_path / 'table_pulls.ecsv')
    text = render(path)
    assert text.count('.. csv-table::') == 3
    assert 'mean over seeds 0, 1' in text
    f1 = verdict.rows[-1]['f1']
    assert f'"{f1:.3f}"' in text
    assert 'nan' not in text


def test_documentation_shows_the_results():
    if not RESULTS.exists():
        pytest.skip('no results')
    shown = (ROOT / 'docs' / 'development' / 'benchmark_tables.inc').read_text()
    assert shown == render(RESULTS), 'run benchmarks/make_tables.py'
    known = set(Table.read(RESULTS, format='ascii.ecsv')['method'])
    assert known <= set(METHODS)
