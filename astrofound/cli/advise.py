"""``astrofound advise``: what to do with a data set, and what it would cost."""

import click

from .classifying import open_labelled

__all__ = ['command']


@click.command('advise', epilog='Example: astrofound advise cutouts/ --domain radio --try 3')
@click.argument('data', metavar='DATA')
@click.option('--task', default='classification', show_default=True,
              help='classification or detection.')
@click.option('--domain', metavar='radio|optical', help='Where the images come from; without it, '
                                                        'guidelines for one of them stay silent.')
@click.option('--labels', metavar='COLUMN', help='Column of the labels, where DATA is a table; '
                                                 'guessed otherwise.')
@click.option('--mosaic', metavar='IMAGE', help='DATA is a catalogue: cut its sources out of this '
                                                'image.')
@click.option('--n-labels', type=int, metavar='N', help='Labels there will be, where they are '
                                                        'not those of DATA.')
@click.option('--backbones', metavar='NAME,...', help='Which to consider. [default: all]')
@click.option('--hours', default=24.0, show_default=True,
              help='Leave out what would take longer.')
@click.option('-n', '--number', default=5, show_default=True, help='Candidates to list.')
@click.option('--try', 'n_tried', type=int, metavar='N',
              help='Cross-validate the N cheapest whose weights are here, and rank them.')
@click.option('--folds', default=3, show_default=True, help='Of that cross-validation.')
@click.option('-o', '--output', metavar='FILE', help='.ecsv that keeps the runs of --try; '
                                                     'finished ones are not run again.')
@click.option('--cache', metavar='FOLDER', help='Keep features of frozen backbones here.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def command(data, task, domain, labels, mosaic, n_labels, backbones, n_tried, **options):
    """
    Recommend backbone, image size, crop, head and strategy, with reasons and costs.

    DATA is what `astrofound train classifier` takes, or an image or folder without labels.
    """
    from astrofound.guidance import advise, try_candidates
    from astrofound.utils import InputError, check_number

    if n_tried is not None:
        check_number('--try', n_tried, minimum=1, integer=True)
    opened = _open(data, labels, mosaic)
    advice = advise(opened, task, n_labels=n_labels, domain=domain,
                    backbones=backbones.split(',') if backbones else None,
                    max_hours=options['hours'], device=options['device'])
    click.echo(advice.summary(n=options['number']))
    if n_tried is None:
        return
    if not hasattr(opened, 'labels'):
        raise InputError(f'--try needs labels, and {data} has none')
    ranking, best = try_candidates(advice, opened, n=n_tried, n_folds=options['folds'],
                                   cache=options['cache'], path=options['output'], progress=None)
    click.echo(f'\nTried on your labels, {options["folds"]} folds:')
    click.echo(format_ranking(ranking))
    settings = ' '.join(f'{name}={value!r}' for name, value in best.settings.items())
    click.echo(f'best: {settings}')
    if options['output']:
        click.echo(f'  wrote {options["output"]}')


def format_ranking(ranking):
    """
    Lay out what was tried.

    Parameters
    ----------
    ranking : `~astropy.table.Table`
        Of `~astrofound.guidance.try_candidates`.

    Returns
    -------
    text : str
        One line a candidate, the best first.
    """
    width = max(len(name) for name in ranking['name'])
    lines = [f'  {"":{width}} {"macro F1":>8} {"(folds)":>16} {"seconds":>9} {"expected":>9}']
    lines += [f'  {row["name"]:{width}} {row["f1"]:8.3f} ({row["f1_low"]:.3f} to '
              f'{row["f1_high"]:.3f}) {row["seconds_fit"]:9.1f} {row["seconds_expected"]:9.1f}'
              for row in ranking]
    return '\n'.join(lines)


def _open(data, labels, mosaic):
    """Labelled images where there are labels, else images."""
    from pathlib import Path

    from astrofound.datasets.image_names import image_files
    from astrofound.utils import ReadError

    path = Path(data)
    if path.is_dir() and (files := image_files(path)):
        return files
    if ':' not in data and not path.exists():
        raise ReadError(f'{data} is neither a file nor a folder')
    if path.is_file() and mosaic is None and _is_image(path):
        return path
    return open_labelled(data, mosaic=mosaic, labels=labels)


def _is_image(path):
    from astrofound.datasets.image_names import image_files

    if path not in image_files(path.resolve().parent) and path.resolve() not in image_files(
            path.resolve().parent):
        return False
    if '.fit' not in path.name.lower():
        return True
    from astropy.io import fits

    with fits.open(path) as hdus:    # a catalogue may be FITS as well
        return any(hdu.is_image and hdu.header.get('NAXIS', 0) >= 2 for hdu in hdus)
