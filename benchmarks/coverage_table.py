"""
Print how much of each room the tests run.

    tox -e cov
    python benchmarks/coverage_table.py coverage.json

The rooms are the folders of the package; what lies beside them is summed as ``astrofound``.
"""

import argparse
import json
from pathlib import Path

__all__ = ['room_counts', 'table_lines']


def room_counts(report):
    """
    Sum what coverage.py counted over the modules of each room.

    Parameters
    ----------
    report : dict
        The JSON report.

    Returns
    -------
    counts : dict of str to tuple of int
        Statements that were run and all statements, by room in alphabetical order.
    """
    counts = {}
    for path, module in report['files'].items():
        parts = Path(path.replace('\\', '/')).parts
        below = parts[parts.index('astrofound') + 1:]
        room = below[0] if len(below) > 1 else 'astrofound'
        summary = module['summary']
        run, total = counts.get(room, (0, 0))
        counts[room] = (run + summary['covered_lines'], total + summary['num_statements'])
    return dict(sorted(counts.items()))


def table_lines(counts):
    """
    Write the counts as lines of reStructuredText, their sum last.

    Parameters
    ----------
    counts : dict of str to tuple of int
        See `room_counts`.

    Returns
    -------
    lines : list of str
        A simple table; percentages are rounded down, as those of coverage.py are.
    """
    rows = [*counts.items(),
            ('all', tuple(map(sum, zip(*counts.values(), strict=True))))]
    bar = f'{"=" * 16}  {"=" * 10}  {"=" * 8}'
    lines = [bar, f'{"Room":16}  {"Statements":>10}  {"Run":>8}', bar]
    for room, (run, total) in rows:
        name = room if room == 'all' else f'``{room}``'
        share = f'{100 * run // total} %' if total else 'none'
        lines.append(f'{name:16}  {total:10d}  {share:>8}')
    return [*lines, bar]


def main():
    """Read the report and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('report', type=Path)
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text(encoding='utf-8'))
    print('\n'.join(table_lines(room_counts(report))))


if __name__ == '__main__':
    main()
