from pathlib import Path

import box_tables
import pytest
from astropy.table import Table

ROOT = Path(__file__).parents[2]


def test_the_documentation_shows_what_was_measured():
    results, docs = ROOT / 'benchmarks' / 'results', ROOT / 'docs' / 'development'
    levers, refined = box_tables.render_levers(results / 'box_levers.ecsv')
    assert (docs / 'box_levers.inc').read_text() == levers
    assert (docs / 'box_refined.inc').read_text() == refined
    first = box_tables.render_first(results / 'first_boxes.ecsv')
    assert (docs / 'first_boxes.inc').read_text() == first


def test_runs_with_several_seeds_are_one_row(tmp_path):
    names = [f'{kind}_{iou}' for kind in ('map', 'refined') for iou in box_tables.IOU]
    rows = [{'change': 'all of these', 'epochs': 15, 'seed': seed, **dict.fromkeys(names, value)}
            for seed, value in enumerate((0.5, 0.75))]
    Table(rows).write(tmp_path / 'levers.ecsv')
    levers, refined = box_tables.render_levers(tmp_path / 'levers.ecsv')
    assert '"all of these", "15", "2", "0.625 (0.500 to 0.750)"' in levers
    assert '"the same, refined", "15", "0.625"' in refined


@pytest.mark.parametrize(('values', 'text'), [
    ([0.1234], '0.123'), ([0, 1], '0.500 (0.000 to 1.000)')])
def test_spread(values, text):
    assert box_tables.spread(values) == text
