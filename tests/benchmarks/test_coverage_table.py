import json
import sys

import pytest
from coverage_table import main, room_counts, table_lines

REPORT = {'files': {
    'astrofound/__init__.py': {'summary': {'covered_lines': 9, 'num_statements': 10}},
    'astrofound/catalog/boxes.py': {'summary': {'covered_lines': 30, 'num_statements': 40}},
    'astrofound\\catalog\\table.py': {'summary': {'covered_lines': 0, 'num_statements': 60}},
    'astrofound/weights/__init__.py': {'summary': {'covered_lines': 0, 'num_statements': 0}}}}


def test_rooms_are_summed():
    assert room_counts(REPORT) == {'astrofound': (9, 10), 'catalog': (30, 100), 'weights': (0, 0)}


def test_table_ends_with_the_sum():
    lines = table_lines(room_counts(REPORT))
    assert len({len(line) for line in lines}) == 1
    assert lines[-2].split() == ['all', '110', '35', '%']
    assert '``weights``' in lines[-3]
    assert lines[-3].endswith('none')


def test_command_prints_the_table(tmp_path, monkeypatch, capsys):
    report = tmp_path / 'coverage.json'
    report.write_text(json.dumps(REPORT), encoding='utf-8')
    monkeypatch.setattr(sys, 'argv', ['coverage_table.py', str(report)])
    main()
    assert capsys.readouterr().out.splitlines() == table_lines(room_counts(REPORT))


def test_empty_report_is_refused():
    with pytest.raises(KeyError, match='files'):
        room_counts({})
