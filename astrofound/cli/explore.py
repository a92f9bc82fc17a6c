"""``astrofound explore``: maps, neighbours and anomalies of features; describing images."""

import click

__all__ = ['command']

_FEATURES = click.argument('features', metavar='FEATURES')
_IMAGE = click.option('--image', metavar='FILE', help='Image that the sources were cut from, for '
                                                      '--plot.')
_PLOT = click.option('--plot', metavar='FILE', help='Page of cutouts, in the order of the table.')
_OUTPUT = click.option('-o', '--output', metavar='FILE',
                       help='Table to write: .fits .vot .ecsv .csv or .reg.')


@click.group('explore', short_help='Map features, find neighbours and anomalies.')
def command():
    """Look at features that `astrofound embed` wrote, and at what images are like."""


@command.command('map')
@_FEATURES
@click.option('-o', '--output', default='map.png', show_default=True, metavar='FILE')
@click.option('--label', metavar='COLUMN', help='Colour points by this column.')
@click.option('--balance', is_flag=True, help='Show as many of each class, chosen at random.')
@click.option('--method', type=click.Choice(['auto', 'umap', 'pca']), default='auto',
              show_default=True)
@click.option('--seed', default=0, show_default=True)
def draw_map(features, output, label, balance, method, seed):
    """Draw features in two dimensions."""
    import numpy as np

    from astrofound.estimators import read_features
    from astrofound.explore import (
        LatentMap,
        balanced_sample,
        check_figure_path,
        plot_latent_map,
    )
    from astrofound.utils import InputError, check_choice

    check_figure_path(output)
    table = read_features(features)
    if label:
        check_choice('label', label, [name for name in table.colnames if name != 'features'])
    elif balance:
        raise InputError('--balance needs the classes: add --label COLUMN')
    if balance:
        table = table[balanced_sample(np.asarray(table[label]), seed=seed)]
    latent = LatentMap(method=method, seed=seed)
    positions = latent.fit_transform(table['features'])
    labels = None if not label else np.asarray(table[label])
    if labels is not None and labels.dtype.kind == 'S':
        labels = labels.astype(str)
    plot_latent_map(positions, labels, path=output)
    click.echo(f'{len(table)} images, {latent.method_}')
    click.echo(f'  wrote {output}')


@command.command('neighbors')
@_FEATURES
@click.option('--row', type=int, required=True, metavar='N',
              help='Number of the example in the table, from 0.')
@click.option('-n', '--number', default=10, show_default=True)
@click.option('--metric', type=click.Choice(['cosine', 'euclidean']), default='cosine',
              show_default=True)
@_OUTPUT
@_IMAGE
@_PLOT
def neighbors(features, row, number, metric, output, image, plot):
    """Find what is most alike one image or source."""
    from astrofound.estimators import read_features
    from astrofound.explore import FeatureIndex

    _check_plot(image, plot)
    table = read_features(features)
    rows, distances = FeatureIndex(table['features'], metric=metric).find(row, n=number)
    chosen = table[rows]
    chosen['row'], chosen['distance'] = rows, distances
    _report(chosen, 'distance', output, image, plot)


@command.command('anomalies')
@_FEATURES
@click.option('-n', '--number', default=20, show_default=True, help='How many to show.')
@click.option('--method', type=click.Choice(['both', 'isolation', 'neighbors']), default='both',
              show_default=True)
@_OUTPUT
@_IMAGE
@_PLOT
def anomalies(features, number, method, output, image, plot):
    """Rank images or sources by how unlike all others they are."""
    import numpy as np

    from astrofound.estimators import read_features
    from astrofound.explore import score_anomalies

    _check_plot(image, plot)
    table = read_features(features)
    table['anomaly'] = score_anomalies(table['features'], method=method)
    table['row'] = np.arange(len(table))
    table = table[np.argsort(-table['anomaly'], kind='stable')]
    _report(table, 'anomaly', output, image, plot, n_shown=number)


@command.command('describe')
@click.argument('images', nargs=-1, required=True, metavar='IMAGE...')
@click.option('--catalog', metavar='FILE', help='Sources, for their size.')
@click.option('--backbone', metavar='NAME', help='Say how many of its patches a source spans.')
@click.option('--cutout', type=float, metavar='PIXELS', help='Side of the cutouts it is given.')
def describe_images(images, catalog, backbone, cutout):
    """Measure what decides how to prepare images for a network."""
    from astrofound.catalog import read_catalog
    from astrofound.explore import describe

    found = describe(list(images) if len(images) > 1 else images[0],
                     catalog=read_catalog(catalog) if catalog else None)
    click.echo(found.summary())
    if backbone:
        click.echo(str(found.resolution(backbone, cutout_pix=cutout)))


def _check_plot(image, plot):
    from astrofound.explore import check_figure_path
    from astrofound.utils import InputError

    if plot:
        check_figure_path(plot)
        if not image:
            raise InputError('--plot needs the image that the sources were cut from: add --image')


def _report(table, column, output, image, plot, n_shown=None):
    """Print the first rows, write all of them, draw the first."""
    from astrofound.utils import atomic_path

    n_shown = min(n_shown or len(table), len(table))
    for one in table[:n_shown]:
        name = one['name'] if 'name' in table.colnames else ''
        click.echo(f"{one['row']:6}  {one[column]:.4f}  {name}")
    written = []
    if output:
        from astrofound.catalog import write_catalog

        plain = table.copy()
        plain.remove_column('features')
        if {'ra', 'dec'} <= set(plain.colnames):
            from astropy.table import QTable

            write_catalog(QTable(plain), output)
        else:
            with atomic_path(output) as temporary:
                plain.write(temporary, overwrite=True)
        written.append(output)
    if plot:
        _draw_page(table[:n_shown], column, image, plot)
        written.append(plot)
    if written:
        click.echo('  wrote ' + ', '.join(map(str, written)))


def _draw_page(table, column, path, plot):
    from astrofound.datasets import open_images
    from astrofound.explore import plot_cutouts
    from astrofound.image import SurveyImage

    cutouts = open_images(SurveyImage.read(path), catalog=table, n_beams=16)
    stamps = [cutouts[number] for number in range(len(cutouts))]
    plot_cutouts([SurveyImage(stamp.pixels[0], wcs=stamp.wcs) for stamp in stamps],
                 titles=[f"{one['row']}: {one[column]:.3f}" for one in table], path=plot)
