"""The command ``astrofound prepare``."""

from pathlib import Path

import click

from .options import parse_hdu, parse_plane

__all__ = ['command', 'parse_columns']


def parse_columns(words):
    """
    Read which column of a catalogue is which.

    Parameters
    ----------
    words : sequence of str
        Each as ``'ra=RAJ2000'``: this package's name and the catalogue's.

    Returns
    -------
    column_map : dict or None
        `None` without any.

    Raises
    ------
    InputError
        If a word is not of that form.
    """
    from astrofound.utils import InputError

    pairs = [word.partition('=') for word in words]
    if wrong := [''.join(pair) for pair in pairs if not all(pair)]:
        raise InputError(f"--column must be like 'ra=RAJ2000', got {wrong[0]!r}")
    return {ours: theirs for ours, _, theirs in pairs} or None


@click.command('prepare', short_help='Cut a mosaic with a catalogue into tiles for training.',
               epilog='Example: astrofound prepare mosaic.fits --catalog sources.fits -o tiles/')
@click.argument('image', type=click.Path(path_type=Path))
@click.option('--catalog', required=True, type=click.Path(path_type=Path), metavar='FILE',
              help='Sources of any program: PyBDSF, Aegean, SExtractor, photutils, VizieR...')
@click.option('-o', '--output', required=True, type=click.Path(path_type=Path), metavar='FOLDER',
              help='Where train.json, test.json and the tiles go.')
@click.option('--column', multiple=True, metavar='OURS=THEIRS',
              help='Which column is which, where it is guessed wrongly.')
@click.option('--label', metavar='COLUMN', help='Column of the class. [default: one class]')
@click.option('--side', default=256, show_default=True, help='Side of a tile in pixels.')
@click.option('--test', default=0.2, show_default=True,
              help='Share of the sky kept for testing, an area of its own; 0 for none.')
@click.option('--png', metavar='SCALING', help='Write 8-bit pictures, scaled by asinh, channels, '
                                               'zscale or another, in place of FITS tiles.')
@click.option('--max-blank', default=0.0, show_default=True,
              help='Largest share of blank pixels in a tile.')
@click.option('--min-visible', default=0.7, show_default=True,
              help='Share of a source that must be in a tile, else it is ignored there.')
@click.option('--beam', metavar='BEAM', help='As 5.4arcsec, 6"x5"@30deg or 3.5pix.')
@click.option('--hdu', metavar='N|NAME', help='Extension of the image.')
@click.option('--plane', metavar='N[,N]', help='Plane of a cube.')
def command(image, catalog, output, column, label, side, test, png, max_blank, min_visible, beam,
            hdu, plane):
    """
    Cut IMAGE into tiles with a box round each source of a catalogue.

    Boxes are the sources at half maximum, placed through the WCS. Tiles keep their WCS, unit
    and beam, unless they are pictures. The two JSON files are in the COCO format, which other
    programs read as well.
    """
    from astrofound.catalog import read_catalog
    from astrofound.datasets import prepare_tiles
    from astrofound.image import SurveyImage

    opened = SurveyImage.read(image, hdu=parse_hdu(hdu), plane=parse_plane(plane), beam=beam)
    table = read_catalog(catalog, column_map=parse_columns(column))
    click.echo(f"columns: {table.meta.get('COLMAP') or 'those of this package'}")
    parts = prepare_tiles(opened, table, output, test=test, pictures=png, side=side,
                          label_column=label, max_blank=max_blank, min_visible=min_visible)
    for note in dict.fromkeys(note for part in parts.values() for note in part.notes):
        click.echo(f'note: {note}')
    for name, part in parts.items():
        counts = ', '.join(f'{kind} {n}' for kind, n in part.counts().items())
        n_ignored = sum(int(own.sum()) for own in part.ignored)
        click.echo(f"{name}: {len(part)} tiles, {counts}"
                   f"{f', {n_ignored} to ignore' if n_ignored else ''} "
                   f"-> {output / f'{name}.json'}")
