"""``astrofound embed``: images or the sources of a catalogue as feature vectors."""

import time
from pathlib import Path

import click

from .options import parse_hdu, parse_number, parse_plane

__all__ = ['command', 'parse_side']


def parse_side(text):
    """
    Read the side of a cutout.

    Parameters
    ----------
    text : str
        ``'auto'``, pixels as ``'64'`` or ``'64pix'``, or an angle as ``'30arcsec'``.

    Returns
    -------
    side : str, float or `~astropy.units.Quantity`
        As `~astrofound.estimators.FeatureExtractor` takes it.
    """
    import astropy.units as u

    from astrofound.utils import InputError

    if text == 'auto':
        return text
    try:
        side = u.Quantity(text)
    except (TypeError, ValueError):
        raise InputError(f"--cutout must be as '64' pixels, '30arcsec' or 'auto', got {text!r}"
                         ) from None
    return float(side.value) if side.unit in (u.pix, u.dimensionless_unscaled) else side


@click.command('embed', epilog='Example: astrofound embed mosaic.fits --catalog sources.fits '
                               '-o features.fits')
@click.argument('images', nargs=-1, required=True, metavar='IMAGE...')
@click.option('-o', '--output', default='features.fits', show_default=True, metavar='FILE',
              help='.fits (a table with a vector column) or .npy.')
@click.option('--catalog', metavar='FILE', help='Embed the sources of this table, cut out of the '
                                                'one IMAGE.')
@click.option('--backbone', default='compact', show_default=True, metavar='NAME',
              help='A name of `astrofound models list`, timm:NAME, or a folder.')
@click.option('--weights', metavar='FILE', help='Folder or .safetensors file of that backbone.')
@click.option('--pooling', default='auto', show_default=True,
              help='cls, mean, cls+mean, max, center or own.')
@click.option('--size', default='auto', show_default=True, metavar='N',
              help='Side in pixels that images are brought to, or none.')
@click.option('--scaling', default='auto', show_default=True,
              help='asinh, linear, log, channels, percentile, zscale, minmax or none.')
@click.option('--crop', metavar='HOW', help='segmentation, or the share of each side to keep.')
@click.option('--cutout', default='auto', show_default=True, metavar='SIDE',
              help='Side of the cutout around a source, as 64 (pixels) or 30arcsec; auto makes '
                   'the beam fill a patch.')
@click.option('--batch', default='auto', show_default=True, metavar='N', help='Images at once.')
@click.option('--cache', metavar='FOLDER', help='Keep features here, and take known ones.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
@click.option('--hdu', metavar='N|NAME', help='Extension of the FITS file, with --catalog.')
@click.option('--plane', metavar='N[,N]', help='Plane of a cube, with --catalog.')
def command(images, output, catalog, **options):
    """Turn images, or the sources of a catalogue, into feature vectors."""
    from astrofound.estimators import FeatureExtractor, write_features
    from astrofound.estimators.feature_files import check_feature_path

    check_feature_path(output)
    started = time.perf_counter()
    extractor = FeatureExtractor(
        options['backbone'], weights=options['weights'], pooling=options['pooling'],
        image_size=_parse_size(options['size']), scaling=options['scaling'],
        crop=parse_number(options['crop']), cutout_size=parse_side(options['cutout']),
        batch_size=_parse_count(options['batch']),
        cache=options['cache'], device=options['device'])
    opened, table = _open(images, catalog, options)
    features = extractor.transform(opened, catalog=table if catalog else None, progress=None)
    spec = extractor.backbone_.spec
    write_features(output, features, table=table, meta={
        'BACKBONE': spec.name, 'REVISION': spec.revision, 'LICENSE': spec.license,
        'WEIGHTS': extractor.backbone_.fingerprint(), 'POOLING': options['pooling'],
        'SCALING': options['scaling']})
    seconds = time.perf_counter() - started
    cached = f', {extractor.n_cached_} of them from the cache' if options['cache'] else ''
    click.echo(f'{len(features)} vectors of {features.shape[1]} features with {spec.name} in '
               f'{seconds:.1f} s{cached}')
    click.echo(f'  wrote {output}')


def _open(images, catalog, options):
    from astropy.table import Table

    from astrofound.catalog import read_catalog
    from astrofound.image import SurveyImage
    from astrofound.utils import InputError

    if catalog is None:
        return list(images), Table({'name': [Path(image).name for image in images]})
    if len(images) != 1:
        raise InputError(f'--catalog goes with one image, got {len(images)}')
    image = SurveyImage.read(images[0], hdu=parse_hdu(options['hdu']),
                             plane=parse_plane(options['plane']))
    return image, read_catalog(catalog)


def _parse_count(text):
    return int(text) if text.isdigit() else text


def _parse_size(text):
    return None if text == 'none' else _parse_count(text)
