"""``astrofound detect``: images in, catalogues, regions and pictures out."""

import inspect
import logging
import time
from pathlib import Path

import click

from astrofound.utils import AstrofoundError, InputError, check_choice, load_plugins

from .options import check_distinct, parse_hdu, parse_map, parse_plane

__all__ = ['METHODS', 'command', 'make_detector']

METHODS = ('compact', 'photutils', 'daofind', 'starfind', 'peaks')
_ALWAYS = '{name}_sources.fits'


_EXAMPLE = 'astrofound detect mosaic.fits -o sources.reg -o sources.fits --plot overview.png'


@click.command('detect', epilog=f'Example: {_EXAMPLE}')
@click.argument('images', nargs=-1, required=True, metavar='IMAGE...')
@click.option('-o', '--output', 'outputs', multiple=True, metavar='FILE',
              help='Catalogue to write; the ending decides: .fits .vot .ecsv .csv .reg .crtf. '
                   f'Give it several times for several files. {{name}} stands for the name of '
                   f'the image.  [default: {_ALWAYS}]')
@click.option('--plot', metavar='FILE', help='Overview picture with the sources drawn.')
@click.option('--report', metavar='FILE', help='Page (.html) of image, table, cutouts and plots.')
@click.option('--samp', is_flag=True,
              help='Send table and regions to TOPCAT, DS9 or Aladin, which must be running.')
@click.option('--method', default='compact', show_default=True, metavar='NAME',
              help=f"{', '.join(METHODS)}, or one that another package adds.")
@click.option('--detector', '--weights', 'weights', metavar='FOLDER',
              help='Your own detector: the run folder of `astrofound train detector`.')
@click.option('--reliability', type=float, metavar='P',
              help='Share of the catalogue that shall be real, not for other methods.  '
                   '[default: 0.95]')
@click.option('--threshold', type=float, metavar='P',
              help='Smallest probability of being real, in place of --reliability.')
@click.option('--min-snr', type=float, metavar='N', help='Smallest peak signal-to-noise ratio.')
@click.option('--beam', metavar='BEAM',
              help='Resolution, as 5.4arcsec, 6x5@30 arcsec and degrees, or 3.5pix; by default '
                   'from the header, else measured.')
@click.option('--rms', metavar='MAP', help='Noise map (file) or value (number).')
@click.option('--background', metavar='MAP', help='Background map (file) or value (number).')
@click.option('--mask', metavar='FILE', help='Image whose non-zero pixels are left out.')
@click.option('--within', metavar='FILE', help='Region file; keep sources centred inside.')
@click.option('--hdu', metavar='N|NAME', help='Extension of the FITS file.')
@click.option('--plane', metavar='N[,N]', help='Plane of a cube, counted from 0.')
@click.option('--components', is_flag=True,
              help='Add the components of sources that have several as rows of their own.')
@click.option('--pixel', is_flag=True, help='Leave the WCS aside and work in pixels.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
@click.option('--workers', type=click.IntRange(min=1), default=1, metavar='N', show_default=True,
              help='Processes to work with on this machine.')
@click.option('--scheduler', metavar='ADDRESS', help='Work on a dask cluster: tcp://host:8786.')
@click.option('--threads', type=click.IntRange(min=1), metavar='N',
              help='Threads of each process.  [default: the cores, shared out]')
@click.option('--resume', metavar='FOLDER',
              help='Keep finished parts there; a run that was stopped goes on from them when the '
                   'same command is given again.')
@click.option('--profile', is_flag=True, help='Say where the time went and how much memory.')
def command(images, outputs, plot, report, **options):
    """Detect and measure the sources of one or more images."""
    outputs = outputs or (_ALWAYS,)
    from astrofound.pipeline import Runner, preload_workers

    if options['workers'] > 1:  # beside what this process loads next
        preload_workers(['astrofound.estimators.compact_search', 'astrofound.estimators.detector'])
    jobs = _plan(images, outputs, plot, report, options)
    detector = make_detector(options)
    if options['profile']:
        logging.getLogger('astrofound.pipeline').setLevel(logging.INFO)
    try:
        with Runner(workers=options['workers'], client=options['scheduler'],
                    threads=options['threads'], folder=options['resume']) as runner:
            status = _detect_all(detector, jobs, options, runner)
    except KeyboardInterrupt as stop:
        raise type(stop)(_how_to_go_on(options['resume'])) from None
    if options['profile']:
        click.echo(runner.report())
    return status


def _detect_all(detector, jobs, options, runner):
    """Detect in one image after the other; one that fails is reported and left out."""
    status = 0
    for image, paths, picture, page in jobs:
        try:
            _detect_one(detector, image, paths, picture, page, options, runner)
        except (AstrofoundError, OSError, MemoryError) as error:
            if len(jobs) == 1:
                raise
            message = ' '.join(str(error).split()) or type(error).__name__
            named = message if Path(image).name in message else f'{image}: {message}'
            click.echo(f'astrofound: error: {named}', err=True)
            status = 2
    return status


def _how_to_go_on(folder):
    if folder is None:
        return ('no output was left half written; with --resume FOLDER a run that is stopped '
                'can go on')
    return f'the same command goes on from the parts kept in {folder}'


def _plan(images, outputs, plot, report, options):
    """Name every file before the first image is read, so that nothing is lost hours later."""
    from astrofound.catalog import check_samp, check_writable

    templates = [*outputs, *filter(None, (plot, report))]
    for template in templates:
        if len(images) > 1 and '{name}' not in template:
            raise InputError(f'{len(images)} images would all write {template}; put {{name}} '
                             f"into it, as in '{{name}}{Path(template).suffix}'")
    jobs = []
    for image in images:
        name = Path(image).name.removesuffix('.gz').removesuffix('.fz')
        name = name.rpartition('.')[0] or name
        paths = [Path(template.replace('{name}', name)) for template in outputs]
        picture, page = (Path(one.replace('{name}', name)) if one else None
                         for one in (plot, report))
        for path in paths:
            check_writable(path)
        _check_pages(picture, page)
        jobs.append((image, paths, picture, page))
    maps = (options[name] for name in ('rms', 'background', 'mask', 'within', 'weights'))
    check_distinct([path for _, paths, *more in jobs for path in (*paths, *more) if path],
                   [*images, *maps])
    if options['samp']:
        check_samp()
    return jobs


def _check_pages(picture, page):
    if picture is None and page is None:
        return  # without loading what draws them
    from astrofound.explore import check_figure_path, check_report_path

    if picture:
        check_figure_path(picture)
    if page:
        check_report_path(page)


def make_detector(options):
    """
    Make the detector that a command line asks for.

    Parameters
    ----------
    options : dict
        ``method`` and ``device``, and parameters of the detector, `None` where not given.

    Returns
    -------
    detector : `~astrofound.estimators.BaseDetector`
        The detector.

    Raises
    ------
    InputError
        If an option is not one of this method.
    """
    method = options['method']
    if method == 'compact':
        from astrofound.estimators import SourceDetector as Detector
    elif method in METHODS:
        from astrofound.baselines import BASELINES

        Detector = BASELINES[method]
    else:
        plugins = load_plugins('astrofound.detectors')
        Detector = plugins[check_choice('method', method, [*METHODS, *plugins])]
    given = {name: options[name] for name in ('weights', 'reliability', 'threshold', 'min_snr')
             if options[name] is not None}
    if method == 'compact':
        given['device'] = options['device']
    known = inspect.signature(Detector).parameters
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"--{unknown[0].replace('_', '-')} does not apply to --method {method}")
    return Detector(**given)


def _detect_one(detector, path, outputs, picture, page, options, runner):
    from astrofound.catalog import send_catalog, write_catalog
    from astrofound.image import SurveyImage

    started = time.perf_counter()
    image = SurveyImage.read(
        path, hdu=parse_hdu(options['hdu']), plane=parse_plane(options['plane']),
        beam=options['beam'], mask=options['mask'],
        wcs=None if options['pixel'] else 'header').with_beam()
    maps = {name: parse_map(options[name]) for name in ('background', 'rms')}
    catalog = detector.predict(image, **maps, within=options['within'],
                               components=options['components'], progress=None)
    if options['mask']:
        catalog.meta['MASK'] = options['mask']
    with runner.stage('write'):
        for output in outputs:
            write_catalog(catalog, output)
    if picture:
        from astrofound.explore import plot_overview

        with runner.stage('plot'):
            plot_overview(image, catalog, path=picture)
    if page:
        from astrofound.explore import write_report
        from astrofound.preprocess import noise_map

        with runner.stage('report'):
            write_report(catalog, image, page, noise=noise_map(image, **maps))
    _report(path, catalog, time.perf_counter() - started,
            [*outputs, *filter(None, [picture, page])])
    if options['samp']:
        click.echo(f"  sent {', '.join(send_catalog(catalog, name=Path(path).name))}")


def _report(path, catalog, seconds, files):
    from astrofound.catalog import CLASS_NAMES

    names = [name for name in catalog['class_name'].tolist() if name != 'component']
    order = [*CLASS_NAMES, *sorted(set(names) - set(CLASS_NAMES))]
    classes = ', '.join(f'{names.count(name)} {name}' for name in order if name in names)
    n_sources = len(names)
    noun = 'source' if n_sources == 1 else 'sources'
    click.echo(f'{path}: {n_sources} {noun}{f" ({classes})" if classes else ""} '
               f'in {seconds:.1f} s')
    click.echo('  wrote ' + ', '.join(map(str, files)))
