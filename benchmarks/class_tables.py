"""
Turn the tables that `real_classes.py` writes into those of the documentation.

    python benchmarks/class_tables.py -o docs/user_guide/real_classes.inc
"""

import argparse
from pathlib import Path

from astropy.table import Table
from make_tables import csv_table

__all__ = ['RESULTS', 'render']

RESULTS = Path(__file__).parent / 'results'
COMMON = {'recipe': ('recipe', ''), 'f1': ('macro F1', '.2f'), 'f1_low': ('from', '.2f'),
          'f1_high': ('to', '.2f'), 'accuracy': ('accuracy', '.2f')}
LEARNT = {'n_trainable': ('trainable', 'd')}
# Features that an earlier recipe has computed cost nothing: only here none was.
COST = {'cpu_seconds': ('CPU s to fit', '.0f')}
TABLES = {
    'first': ('FIRST: four classes, {n} images of valid/', {**COMMON, **LEARNT, **COST}),
    'tenth': ('FIRST with 176 labels: {n} images of valid/',
              {**COMMON, **LEARNT}),
    'galaxies': ('SDSS: elliptical, spiral, edge on, merger; {n} images in five folds',
                 {**COMMON, **LEARNT}),
    'handedness': ('SDSS: the senses of spirals apart, {n} images in five folds',
                   {**COMMON, 'sense': ('sense right', '.2f'), 'swapped': ('swapped', '.2f')}),
}


def render(folder=RESULTS):
    """
    Return the tables of the documentation.

    Parameters
    ----------
    folder : path-like, optional
        Where the tables are that `real_classes.py` wrote.

    Returns
    -------
    text : str
        reStructuredText.
    """
    parts = ['.. Made by benchmarks/class_tables.py from benchmarks/results; not to be edited.\n']
    for name, (title, columns) in TABLES.items():
        table = Table.read(Path(folder) / f'classes_{name}.ecsv')
        if 'n_trainable' in columns:  # a mean of others learnt nothing itself
            none = table['n_trainable'] == 0
            for column in (*LEARNT, *COST):
                table[column] = table[column].astype(float)
                table[column][none] = float('nan')
        parts.append(csv_table(title.format(n=table['n_test'][0]), table, columns))
    return '\n'.join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('-o', '--output', type=Path, required=True)
    options = parser.parse_args()
    options.output.write_text(render(), encoding='utf-8')


if __name__ == '__main__':
    main()
