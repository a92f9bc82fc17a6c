"""``astrofound simulate``: a realistic image and the table of what is in it."""

import dataclasses
import re
from pathlib import Path

import click
import numpy as np

__all__ = ['command', 'parse_size']

# gain errors, deconvolution threshold in noise units, largest artefact in noise units
_ARTEFACTS = {'none': None, 'mild': (0.002, 3.0, 10.0), 'strong': (0.02, 8.0, 60.0)}
_FOOTPRINTS = ('full', 'pointing', 'mosaic', 'irregular', 'scan')
_ARRAYS = ('wye', 'core', 'east-west', 'spiral')
_NOISE = ('coverage', 'beam', 'single-dish')


def parse_size(text):
    """
    Read an image size as the user types it.

    Parameters
    ----------
    text : str
        Pixels: ``'1024'``, or width and height: ``'1024x768'``.

    Returns
    -------
    shape : tuple of int
        ``(ny, nx)``.

    Raises
    ------
    InputError
        If the text is neither.
    """
    from astrofound.utils import InputError

    match = re.fullmatch(r'(\d+)(?:[x×](\d+))?', text.strip())
    if match is None:
        raise InputError(f"--size must be pixels such as '1024' or '1024x768', got {text!r}")
    nx = int(match[1])
    return int(match[2] or nx), nx


def _shared_options(function):
    """Add the options that every kind of sky has."""
    for option in reversed([
        click.option('-o', '--output', required=True, type=click.Path(path_type=Path),
                     metavar='FILE', help='Image to write: .fits, .fits.gz or .fits.fz '
                     '(compressed). The truth goes to the same name ending in _truth.fits.'),
        click.option('--size', default='1024', show_default=True, metavar='NX[xNY]',
                     help='Width and height in pixels.'),
        click.option('--seed', default=0, show_default=True,
                     help='The same seed gives the same sky.'),
        click.option('--pixel-scale', type=float, metavar='ARCSEC', help='Side of a pixel.'),
        click.option('--density', type=float, metavar='N',
                     help='Sources above 5 sigma in 1000 beams.'),
        click.option('--random', 'wide', is_flag=True,
                     help='Draw everything that is not asked for at random, as training does.'),
        click.option('--overwrite', is_flag=True, help='Replace files that exist.'),
    ]):
        function = option(function)
    return function


@click.group('simulate', short_help='Make a realistic image with a truth table.')
def command():
    """Make a realistic image, and a table of what is truly in it."""


@command.command('radio', epilog='Example: astrofound simulate radio -o sky.fits --seed 7')
@_shared_options
@click.option('--beam', metavar='BEAM', help='As 5.4arcsec, 6"x5"@30deg or 3.5pix.')
@click.option('--rms', type=float, metavar='JY', help='Noise in Jy/beam where it is lowest.')
@click.option('--footprint', type=click.Choice(_FOOTPRINTS), help='Observed area.')
@click.option('--noise', type=click.Choice(_NOISE), help='What correlates the noise.')
@click.option('--array', type=click.Choice(_ARRAYS), help='Layout of the interferometer.')
@click.option('--hours', type=float, metavar='H', help='Length of the observation.')
@click.option('--artefacts', type=click.Choice(list(_ARTEFACTS)),
              help='Errors of calibration and deconvolution.')
def radio(output, size, seed, wide, overwrite, **asked):
    """Simulate an interferometer's or a single dish's image."""
    from astrofound.datasets import (
        ArtefactOptions,
        FootprintOptions,
        RadioSky,
        SourceCounts,
        UVOptions,
        random_sky,
    )

    _check_output(output, overwrite)
    shape = parse_size(size)
    if wide:
        sky = random_sky('radio', shape, np.random.default_rng(seed))
    else:
        sky = RadioSky(shape=shape, counts=SourceCounts(density=2.0), beam=(4.2, 3.8, 30.0))
    changes = {name: asked[name] for name in ('pixel_scale', 'rms') if asked[name] is not None}
    sky = dataclasses.replace(sky, **changes)
    changes = {
        'beam': asked['beam'] and _pixel_beam(asked['beam'], sky),
        'counts': _changed(sky.counts, density=asked['density']),
        'footprint': asked['footprint'] and FootprintOptions(kind=asked['footprint']),
        'noise': _changed(sky.noise, kind=asked['noise']),
        'uv': _changed(sky.uv, array=asked['array'], hours=asked['hours']),
    }
    if asked['array'] and asked['array'] != 'spiral' and not asked['hours']:
        # a line of antennas sees both axes only after half a day
        changes['uv'] = UVOptions(array=asked['array'],
                                  hours=12.0 if asked['array'] == 'east-west' else 1.0)
    sky = dataclasses.replace(sky, **{k: v for k, v in changes.items() if v is not None})
    if asked['artefacts'] is not None:
        levels = _ARTEFACTS[asked['artefacts']]
        sky = dataclasses.replace(sky, artefacts=levels and ArtefactOptions(
            gain_error=levels[0], clean_threshold=levels[1], limit=levels[2]))
    _make(sky, seed, output, overwrite)


@command.command('optical', epilog='Example: astrofound simulate optical -o sky.fits --seed 7')
@_shared_options
@click.option('--seeing', metavar='FWHM', help='As 0.8arcsec or 3.5pix.')
@click.option('--galaxies', type=float, metavar='F', help='Fraction of galaxies, 0 to 1.')
@click.option('--sky', 'sky_level', type=float, metavar='COUNTS', help='Sky level.')
@click.option('--clean', is_flag=True, help='No saturation, spikes nor cosmic rays.')
def optical(output, size, seed, wide, overwrite, clean, **asked):
    """Simulate a camera's image."""
    from astrofound.datasets import DetectorOptions, OpticalSky, random_sky

    _check_output(output, overwrite)
    shape = parse_size(size)
    if wide:
        sky = random_sky('optical', shape, np.random.default_rng(seed))
    else:
        sky = OpticalSky(shape=shape, detector=DetectorOptions(
            saturation=3000.0, n_spikes=4, cosmic_rays=20.0))
    if asked['pixel_scale'] is not None:
        sky = dataclasses.replace(sky, pixel_scale=asked['pixel_scale'])
    changes = {
        'fwhm_pix': asked['seeing'] and float(np.sqrt(np.prod(
            _pixel_beam(asked['seeing'], sky)[:2]))),
        'counts': _changed(sky.counts, density=asked['density']),
        'mix': _changed(sky.mix, galaxies=asked['galaxies']),
        'sky': asked['sky_level'],
        'detector': DetectorOptions() if clean else None,
    }
    sky = dataclasses.replace(sky, **{k: v for k, v in changes.items() if v is not None})
    _make(sky, seed, output, overwrite)


def _changed(options, **values):
    """Replace those fields that were asked for."""
    return dataclasses.replace(options, **{k: v for k, v in values.items() if v is not None})


def _pixel_beam(text, sky):
    from astrofound.datasets.simulate import field_wcs
    from astrofound.image import PixelBeam, parse_beam

    beam = parse_beam(text)
    if not isinstance(beam, PixelBeam):
        wcs = field_wcs(sky.shape, position=sky.position, pixel_scale=sky.pixel_scale,
                        rotation=sky.rotation)
        beam = PixelBeam.from_sky(beam, wcs)
    return beam.major, beam.minor, beam.theta


def _check_output(output, overwrite):
    """Complain before the work is done, not after it."""
    from astrofound.datasets.simulate import truth_path
    from astrofound.utils import InputError, check_place

    for path in truth_path(output):
        check_place(path)
        if path.exists() and not overwrite:
            raise InputError(f'{path} exists; choose another name or add --overwrite')


def _make(sky, seed, output, overwrite):
    field = sky(seed)
    image_path, table_path = field.write(output, overwrite=overwrite)
    names, counts = np.unique(field.truth['class_name'][field.truth['snr'] >= 5],
                              return_counts=True)
    kinds = ', '.join(f'{n} {name}' for name, n in zip(names, counts, strict=True))
    ny, nx = field.image.shape
    click.echo(f'{image_path}: {nx} x {ny} pixels, {len(field.truth)} sources, '
               f'{counts.sum()} of them above 5 sigma ({kinds or "none"}); '
               f'truth in {table_path}')
