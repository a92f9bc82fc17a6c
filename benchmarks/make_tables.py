"""
Turn the tables that `detectors.py` writes into tables of the documentation.

    python benchmarks/make_tables.py benchmarks/results/detectors.ecsv \
        -o docs/development/benchmark_tables.inc
"""

import argparse
from pathlib import Path

import numpy as np
from astropy.table import Table

__all__ = ['render']

QUALITY = {'threshold': ('threshold', '.3g'), 'cut': ('S/N from', '.3g'),
           'cpu': ('CPU s', '.1f'),
           'mpix_s': ('Mpix / CPU s', '.2f'), 'memory_mb': ('MB', '.0f'),
           'completeness': ('completeness', '.3f'), 'reliability': ('reliability', '.3f'),
           'f1': ('F1', '.3f'), 'f1_strict': ('F1, fragments false', '.3f'),
           'c95': ('C95, S/N ≥ 5', '.3f'), 'c95_faint': ('C95, S/N ≥ 3', '.3f'),
           'got': ('got for 0.95', '.3f')}
EXTENDED = {'double_found': ('doubles found', '.2f'), 'double_one': ('as one entry', '.2f'),
            'double_flux': ('flux ratio', '.2f'), 'double_scatter': ('±', '.2f'),
            'diffuse_found': ('diffuse found', '.2f'), 'diffuse_flux': ('flux ratio', '.2f'),
            'diffuse_scatter': ('±', '.2f'), 'flux_bias': ('flux bias, S/N 5-10', '+.1%')}
PULLS = {'kind': ('class', ''), 'snr': ('S/N', ''), 'n': ('sources', 'd'),
         'flux_pull': ('flux', '+.2f'), 'flux_width': ('width', '.2f'),
         'position_pull': ('position', '+.2f'), 'position_width': ('width', '.2f')}
SCORES = {'field': ('entries of', ''), 'low': ('score from', '.2f'), 'high': ('to', '.2f'),
          'n': ('entries', 'd'), 'score': ('mean score', '.3f'), 'real': ('real', '.3f'),
          'real_low': ('from', '.3f'), 'real_high': ('to', '.3f')}
REAL = {'threshold': ('threshold', '.3g'), 'cut': ('S/N from', '.3g'),
        'first_recall': ('FIRST recall', '.3f'),
        'first_precision': ('central precision', '.3f'), 'first_n': ('FIRST entries', 'd'),
        'parkes_recovered': ('Parkes, of 51', 'd'), 'parkes_beside': ('besides', 'd'),
        'pybdsf_recovered': ('54 arcsec, of 41', 'd'), 'pybdsf_beside': ('besides', 'd'),
        'ntt_recovered': ('NTT, of 65', 'd'), 'ntt_beside': ('besides', 'd')}


def cell(value, form):
    """One value as text; nothing where there is no figure."""
    if isinstance(value, str | np.str_):
        return str(value)
    if not np.isfinite(value) or (form == 'd' and value < 0):
        return ''
    return format(int(value) if form == 'd' else float(value), form)


def csv_table(title, rows, columns):
    """A csv-table directive."""
    header = ', '.join(f'"{name}"' for name, _ in columns.values())
    lines = [f'.. csv-table:: {title}', f'   :header: {header}', '']
    for row in rows:
        cells = [cell(row[name], form) for name, (_, form) in columns.items()]
        lines.append('   ' + ', '.join(f'"{text}"' for text in cells))
    return '\n'.join([*lines, ''])


def render(path):
    """
    Return the tables of the documentation.

    Parameters
    ----------
    path : `~pathlib.Path`
        Table that `detectors.py` wrote; those of pulls and real images lie beside it.

    Returns
    -------
    text : str
        reStructuredText.
    """
    table = Table.read(path, format='ascii.ecsv')
    first = {'method': ('finder', ''), 'setting': ('setting', '')}
    parts = [f'.. Made by benchmarks/make_tables.py from {path.name}; not to be edited.\n']
    for kind in dict.fromkeys(table['kind']):
        rows = table[(table['kind'] == kind) & (np.array(table['seed']).astype(str) == 'mean')]
        seeds = sorted({str(seed) for seed in table['seed'][table['kind'] == kind]} - {'mean'})
        of = f'{kind} skies, mean over seeds {", ".join(seeds)}'
        parts.append(csv_table(f'Detection on {of}', rows, first | QUALITY))
        if kind == 'radio':
            parts.append(csv_table(f'Extended sources and fluxes on {of}', rows,
                                   first | EXTENDED))
    for suffix, title, columns in (('_pulls', 'Pulls at the default setting', PULLS),
                                   ('_real', 'Real images', first | REAL),
                                   ('_scores', 'What scores of the bundled weights are worth',
                                    SCORES)):
        beside = path.with_name(f'{path.stem}{suffix}.ecsv')
        if beside.exists():
            rows = Table.read(beside, format='ascii.ecsv')
            if suffix == '_pulls':
                rows = rows[rows['setting'] == 'default']
                columns = {'method': ('finder', '')} | columns
            parts.append(csv_table(title, rows, columns))
    return '\n'.join(parts)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('table', type=Path)
    parser.add_argument('-o', '--output', type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.write_text(render(arguments.table))


if __name__ == '__main__':
    main()
