"""The command ``astrofound compare``."""

from pathlib import Path

import click

from .options import check_distinct

__all__ = ['command', 'parse_radius']


def parse_radius(text):
    """
    Read a matching radius as the user types it.

    Parameters
    ----------
    text : str or None
        An angle such as ``'3arcsec'`` or ``'0.5 arcmin'``, or pixels: ``'4'`` or ``'4pix'``.

    Returns
    -------
    radius : `~astropy.units.Quantity`, float or None
        `None` stays `None`.

    Raises
    ------
    InputError
        If the text is neither.
    """
    import astropy.units as u

    from astrofound.utils import InputError

    if text is None:
        return None
    try:
        radius = u.Quantity(text.replace('"', 'arcsec').replace("'", 'arcmin'))
        if radius.unit.is_equivalent(u.deg):
            return radius
        if radius.unit in (u.dimensionless_unscaled, u.pix):
            return float(radius.value)
    except (TypeError, ValueError):
        pass
    msg = f"--radius must be an angle like '3arcsec' or a number of pixels, got {text!r}"
    raise InputError(msg)


@click.command('compare', short_help='Compare two catalogues, or one with the truth.')
@click.argument('first', type=click.Path(path_type=Path))
@click.argument('second', type=click.Path(path_type=Path))
@click.option('--truth', is_flag=True, help='SECOND is the truth table of a simulation.')
@click.option('--radius', metavar='ANGLE|PIXELS',
              help="Largest separation of a pair: '3arcsec' or pixels. [default: the median "
                   'FWHM of the sources]')
@click.option('--min-snr', type=float, default=None,
              help='Leave out sources below this S/N on both sides.')
@click.option('-o', '--output', type=click.Path(path_type=Path),
              help='Write one row for each source of either catalogue (FITS, VOTable, ECSV, CSV).')
@click.option('--plot', type=click.Path(path_type=Path), help='Draw the comparison into a file.')
def command(first, second, truth, radius, min_snr, output, plot):
    """
    Cross-match FIRST and SECOND and say how they agree.

    Prints completeness (the part of SECOND that is in FIRST) and reliability (the part of
    FIRST that is in SECOND) with their confidence intervals, also in bins of S/N, flux ratios
    and position offsets.
    """
    from astrofound.catalog import FORMATS, check_writable, read_catalog
    from astrofound.evaluation import compare_catalogs
    from astrofound.explore import check_figure_path, plot_comparison
    from astrofound.utils import InputError

    radius = parse_radius(radius)
    if plot is not None:
        check_figure_path(plot)
    if output is not None and FORMATS[check_writable(output)].endswith('regions'):
        raise InputError(f'{output}: pairs are a table; choose .fits, .vot, .ecsv or .csv')
    check_distinct([path for path in (output, plot) if path], [first, second])
    tables = [_cut(read_catalog(path), min_snr, path) for path in (first, second)]
    comparison = compare_catalogs(*tables, radius=radius, truth=truth,
                                  names=_short_names(first, second))
    click.echo(comparison.summary())
    click.echo()
    click.echo(format_bins(comparison))
    if output is not None:
        write_pairs(comparison, output)
        click.echo(f'table: {output}')
    if plot is not None:
        plot_comparison(comparison, path=plot)
        click.echo(f'figure: {plot}')


def _short_names(first, second):
    """The least of the two paths that tells them apart."""
    for names in ((first.stem, second.stem), (first.name, second.name)):
        if names[0] != names[1]:
            return names
    return str(first), str(second)


def _cut(table, min_snr, path):
    from astrofound.utils import InputError

    if min_snr is None:
        return table
    if 'snr' not in table.colnames:
        raise InputError(f"--min-snr needs a column 'snr', {path} has none")
    return table[table['snr'] >= min_snr]


def format_bins(comparison):
    """
    Lay out the bins in S/N as text.

    Parameters
    ----------
    comparison : `~astrofound.evaluation.Comparison`
        The result.

    Returns
    -------
    text : str
        One line for each bin that holds a source.
    """
    lines = [f'{"S/N":>12} {"second":>7} {"found":>7} {"completeness":>22} '
             f'{"first":>7} {"true":>7} {"reliability":>22} {"flux ratio":>16}']
    for row in comparison.bins:
        if row['n_first'] == 0 and row['n_second'] == 0:
            continue
        span = f'{row["snr_low"]:g} - {row["snr_high"]:g}'
        parts = [_interval(row, name) for name in ('completeness', 'reliability')]
        ratio = f'{row["flux_ratio"]:.3f} +- {row["flux_ratio_scatter"]:.3f}'
        lines.append(f'{span:>12} {row["n_second"]:7d} {row["n_found"]:7d} {parts[0]:>22} '
                     f'{row["n_first"]:7d} {row["n_confirmed"]:7d} {parts[1]:>22} '
                     f'{"" if "nan" in ratio else ratio:>16}')
    return '\n'.join(lines) if len(lines) > 1 else 'no S/N in the catalogues, so no bins'


def _interval(row, name):
    if not row[name] >= 0:
        return ''
    return f'{row[name]:.3f} ({row[f"{name}_low"]:.3f}-{row[f"{name}_high"]:.3f})'


def write_pairs(comparison, path):
    """
    Write the table of pairs with the main figures as its metadata.

    Parameters
    ----------
    comparison : `~astrofound.evaluation.Comparison`
        The result.
    path : path-like
        Output; the extension decides about the format.
    """
    from astrofound.catalog import write_table

    table = comparison.pairs.copy()
    table.meta.update(FIRST=comparison.names[0], SECOND=comparison.names[1],
                      RADIUS=str(comparison.radius), COMPLETE=round(comparison.completeness, 6),
                      RELIABLE=round(comparison.reliability, 6))
    write_table(table, path)
