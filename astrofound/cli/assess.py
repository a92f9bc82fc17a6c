"""``astrofound assess``: completeness and reliability on the user's own image."""

import time

import click

from .detect import make_detector
from .options import check_distinct, parse_hdu, parse_plane

__all__ = ['command', 'format_bins']


@click.command('assess', epilog='Example: astrofound assess mosaic.fits -o assessed.ecsv '
                                '--plot assessed.png --map map.fits')
@click.argument('image', metavar='IMAGE')
@click.option('-o', '--output', metavar='FILE',
              help='Table of the bins in S/N: .fits .vot .ecsv or .csv.')
@click.option('--injected', metavar='FILE', help='Table of every injected source.')
@click.option('--map', 'map_', metavar='FILE', help='FITS file with completeness over the image.')
@click.option('--plot', metavar='FILE', help='Figure of all this.')
@click.option('--method', default='compact', show_default=True, metavar='NAME',
              help='As for detect.')
@click.option('--weights', metavar='FILE', help='Your own weights for the compact detector.')
@click.option('--reliability', type=float, metavar='P',
              help='Share of the catalogue that shall be real, as for detect.  [default: 0.95]')
@click.option('--threshold', type=float, metavar='P',
              help='Smallest probability of being real, in place of --reliability.')
@click.option('--min-snr', type=float, metavar='N', help='Smallest peak signal-to-noise ratio.')
@click.option('--rounds', default=5, show_default=True, metavar='N',
              help='How often sources are injected; each costs a detection.')
@click.option('--sources', type=int, metavar='N',
              help='Sources a round.  [default: one a square of 12 beams]')
@click.option('--extended', default=0.3, show_default=True, metavar='P',
              help='Share of Gaussians larger than the beam among them.')
@click.option('--cells', default=4, show_default=True, metavar='N',
              help='Cells of the map along the longer side.')
@click.option('--seed', default=0, show_default=True)
@click.option('--beam', metavar='BEAM', help='Resolution, as for detect.')
@click.option('--mask', metavar='FILE', help='Image whose non-zero pixels are left out.')
@click.option('--hdu', metavar='N|NAME', help='Extension of the FITS file.')
@click.option('--plane', metavar='N[,N]', help='Plane of a cube, counted from 0.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def command(image, output, injected, map_, plot, **options):
    """
    Measure completeness and reliability on IMAGE itself.

    Injects sources of known flux into IMAGE and looks for them, and looks for sources in the
    inverted image, where there are none. Says which --reliability to ask detect for.
    """
    from astrofound.estimators import InjectionOptions, assess_detector
    from astrofound.image import SurveyImage

    files = _check_outputs(image, output, injected, map_, plot)
    started = time.perf_counter()
    opened = SurveyImage.read(image, hdu=parse_hdu(options['hdu']),
                              plane=parse_plane(options['plane']), beam=options['beam'],
                              mask=options['mask'])
    found = assess_detector(
        opened, make_detector(options), progress=None,
        options=InjectionOptions(n_rounds=options['rounds'], n_sources=options['sources'],
                                 extended=options['extended'], seed=options['seed']))
    click.echo(format_bins(found.bins()))
    click.echo(_summary(found))
    _write(found, output, injected, map_, plot, options['cells'])
    click.echo(f'{image}: assessed in {time.perf_counter() - started:.1f} s')
    if files:
        click.echo('  wrote ' + ', '.join(files))


def _check_outputs(image, output, injected, map_, plot):
    from astrofound.catalog import FORMATS, check_writable
    from astrofound.explore import check_figure_path
    from astrofound.utils import InputError, check_place

    for table in filter(None, (output, injected)):
        if FORMATS[check_writable(table)].endswith('regions'):
            raise InputError(f'{table}: choose .fits, .vot, .ecsv or .csv')
    if map_:
        if not map_.endswith(('.fits', '.fits.gz')):
            raise InputError(f'{map_}: the map is written as FITS; choose a name in .fits')
        check_place(map_)
    if plot:
        check_figure_path(plot)
    files = [name for name in (output, injected, map_, plot) if name]
    check_distinct(files, [image])
    return files


def format_bins(bins):
    """
    Lay out the bins of an assessment as text.

    Parameters
    ----------
    bins : `~astropy.table.QTable`
        From `~astrofound.estimators.Assessment.bins`.

    Returns
    -------
    text : str
        A line a bin.
    """
    lines = [f'{"S/N":>10}{"injected":>10}{"found":>7}{"completeness":>22}'
             f'{"detected":>10}{"inverted":>10}{"reliability":>22}']
    for row in bins:
        span = f"{row['low']:g} - {row['high']:g}"
        lines.append(f"{span:>10}{row['n_injected']:10}{row['n_found']:7}"
                     f"{_interval(row, 'completeness'):>22}{row['n_detected']:10}"
                     f"{row['n_spurious']:10}{_interval(row, 'reliability'):>22}".rstrip())
    return '\n'.join(lines)


def _interval(row, name):
    if not row[name] >= 0:
        return ''
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f}-{row[f'{name}_high']:.3f})"


def _summary(found):
    import numpy as np

    confused = int(found.injected['confused'].sum())
    lines = [f'{len(found.injected)} sources injected, {confused} of them on sources of the image '
             'and left out']
    value, low, high = found.reliability()
    if np.isnan(value):
        return '\n'.join([*lines, 'nothing was detected, so there is no reliability'])
    lines.append(f'reliability {value:.3f} ({low:.3f} to {high:.3f}): {len(found.catalog)} '
                 f'detected, {len(found.spurious)} in the inverted image')
    if found.candidates is not None:
        ask, sure = (found.reliability_needed(sure=sure) for sure in (False, True))
        lines.append(f'no --reliability gives {found.asked:g} here' if np.isnan(ask) else
                     f'for {found.asked:g} ask for --reliability {ask:.4g}; to be sure of it '
                     + ('there are too few sources' if np.isnan(sure) else f'for {sure:.4g}'))
    return '\n'.join(lines)


def _write(found, output, injected, map_, plot, cells):
    from astrofound.catalog import write_table
    from astrofound.explore import plot_assessment
    from astrofound.utils import atomic_path

    if output:
        write_table(found.bins(), output)
    if injected:
        write_table(found.injected, injected)
    if map_:
        with atomic_path(map_) as temporary:
            found.map_hdus(cells).writeto(temporary)
    if plot:
        plot_assessment(found, n_cells=cells, path=plot)
