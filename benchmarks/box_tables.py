"""
Turn what `box_levers.py` and `first_boxes.py` write into tables of the documentation.

    python benchmarks/box_tables.py benchmarks/results -o docs/development
"""

import argparse
from pathlib import Path

import numpy as np
from astropy.table import Table
from first_boxes import CLASSES
from make_tables import csv_table

__all__ = ['render_first', 'render_levers']

NOTE = '.. Made by benchmarks/box_tables.py from {}; not to be edited.\n'
IOU = (50, 60, 70, 80, 90)
REFINED = ('anchors fitted to the boxes', 'all of these', 'all, with queries')


def untitled(rows, columns):
    """A table that the text above it explains."""
    return csv_table('', rows, columns).replace(':: \n', '::\n')


def spread(values, form='.3f'):
    """Mean, and from where to where where there are several."""
    values = np.asarray(values, float)
    text = format(values.mean(), form)
    if len(values) == 1:
        return text
    return f'{text} ({format(values.min(), form)} to {format(values.max(), form)})'


def render_levers(path):
    """
    Return the tables of changes to the paper's detector, and of refined boxes.

    Parameters
    ----------
    path : `~pathlib.Path`
        Table that `box_levers.py` wrote.

    Returns
    -------
    levers, refined : str
        reStructuredText.
    """
    table = Table.read(path)
    groups = {}
    for row in table:
        groups.setdefault((str(row['change']), int(row['epochs'])), []).append(row)
    levers, refined = [], []
    for (change, n_epochs), own in groups.items():
        first = {'change': change, 'epochs': n_epochs, 'runs': len(own)}
        levers.append(first | {name: spread([row[name] for row in own])
                               for name in ('map_50', 'map_70')})
        pairs = ((change, 'map'), ('the same, refined', 'refined'))
        for name, prefix in pairs if change in REFINED else ():
            refined.append({'change': name, 'epochs': n_epochs, **{
                f'map_{iou}': np.mean([row[f'{prefix}_{iou}'] for row in own]) for iou in IOU}})
    columns = {'change': ('Change', ''), 'epochs': ('Passes', 'd'), 'runs': ('Runs', 'd')}
    heads = {f'map_{iou}': (f'mAP@{iou}', '.3f') for iou in IOU}
    note = NOTE.format(path.name)
    return (note + '\n' + untitled(levers, columns | {
        name: (heads[name][0], '') for name in ('map_50', 'map_70')}),
            note + '\n' + untitled(refined, {'change': ('Run', ''),
                                                  'epochs': ('Passes', 'd')} | heads))


def render_first(path):
    """
    Return the table of detectors on FIRST images, with what resampling scatters.

    Parameters
    ----------
    path : `~pathlib.Path`
        Table that `first_boxes.py` wrote.

    Returns
    -------
    text : str
        reStructuredText.
    """
    names = {**dict.fromkeys(CLASSES), 'map_50': 'mAP@50', 'blind_50': 'Classless 50',
             'blind_70': 'Classless 70'}
    rows = [{'detector': row['detector'], 'n_images': row['n_images'], **{
        name: f"{row[name]:.2f}" + (f" ± {row[f'{name}_err']:.2f}" if head else '')
        for name, head in names.items()}} for row in Table.read(path)]
    columns = {'detector': ('Learnt from', ''), 'n_images': ('Images', 'd')}
    return NOTE.format(path.name) + '\n' + untitled(rows, columns | {
        name: (head or name, '') for name, head in names.items()})


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('results', type=Path, help='folder of the tables')
    parser.add_argument('-o', '--output', required=True, type=Path, help='where to write')
    options = parser.parse_args()
    levers, refined = render_levers(options.results / 'box_levers.ecsv')
    for name, text in (('box_levers', levers), ('box_refined', refined),
                       ('first_boxes', render_first(options.results / 'first_boxes.ecsv'))):
        (options.output / f'{name}.inc').write_text(text)


if __name__ == '__main__':
    main()
