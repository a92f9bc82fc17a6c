"""``astrofound classify``: classes of images, or of the sources of a catalogue."""

import time
from pathlib import Path

import click

from .options import check_distinct

__all__ = ['command']


@click.command('classify', epilog='Example: astrofound classify mosaic.fits --catalog '
                                  'sources.fits --model runs/classifier -o classified.fits')
@click.argument('images', nargs=-1, required=True, metavar='IMAGE...')
@click.option('--model', required=True, metavar='FOLDER',
              help='What `astrofound train classifier` wrote.')
@click.option('-o', '--output', default='classes.ecsv', show_default=True, metavar='FILE',
              help='Table to write: .ecsv, .fits, .vot or .csv.')
@click.option('--catalog', metavar='FILE', help='Classify the sources of this table, cut out of '
                                                'the one IMAGE, and add columns to it.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def command(images, model, output, catalog, device):
    """
    Classify images, folders of images, or the sources of a catalogue.

    The columns `morphology`, `morphology_probability` and one `p_CLASS` for each class are
    written; images that cannot be read have a blank class.
    """
    from astropy.table import Table

    from astrofound.catalog import check_writable, read_catalog, write_catalog, write_table
    from astrofound.estimators import MorphologyClassifier
    from astrofound.utils import InputError

    check_distinct([output], [*images, catalog])
    check_writable(output)
    classifier = MorphologyClassifier.load(model, device=device)
    started = time.perf_counter()
    if catalog is None:
        files = _files(images)
        table = Table({'name': [str(path) for path in files]})
        probability = classifier.predict_proba(files, progress=None)
    else:
        if len(images) != 1:
            raise InputError(f'--catalog goes with one image, got {len(images)}')
        table = read_catalog(catalog)
        probability = classifier.predict_proba(images[0], catalog=table, progress=None)
    add_classes(table, classifier.classes_, probability)
    table.meta['CLASSIFR'] = str(model)
    (write_table if catalog is None else write_catalog)(table, output)
    counts = ', '.join(f'{name} {(table["morphology"] == name).sum()}'
                       for name in classifier.classes_)
    click.echo(f'{len(table)} classified in {time.perf_counter() - started:.1f} s: {counts}')
    click.echo(f'  wrote {output}')


def add_classes(table, classes, probability):
    """
    Add classes and their probabilities to a table.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Changed in place.
    classes : 1D `~numpy.ndarray` of str
        The classes.
    probability : 2D `~numpy.ndarray`
        Shape ``(n_rows, n_classes)``; NaN where an image could not be read.
    """
    import numpy as np

    read = np.isfinite(probability).all(axis=1)
    best = np.argmax(np.nan_to_num(probability), axis=1)
    table['morphology'] = np.where(read, np.asarray(classes)[best], '')
    table['morphology_probability'] = np.where(read, probability.max(axis=1, initial=0), np.nan)
    for name, column in zip(classes, probability.T, strict=True):
        table[f'p_{name}'] = column


def _files(images):
    """Files named one by one, and those of folders."""
    from astrofound.datasets.image_names import image_files

    files = []
    for image in map(Path, images):
        files += image_files(image) if image.is_dir() else [image]
    return files
