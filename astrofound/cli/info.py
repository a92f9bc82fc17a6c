"""``astrofound info``: how an image is understood, or what is installed."""

import click

__all__ = ['command']


@click.command('info')
@click.argument('image', required=False)
@click.option('--hdu', metavar='N|NAME', help='Extension of the FITS file.')
@click.option('--plane', metavar='N[,N]', help='Plane of a cube, counted from 0.')
@click.option('--beam', metavar='BEAM', help='Resolution, where the header is wrong.')
@click.option('--system', is_flag=True,
              help='Say also what it runs on and every dependency, for a report of a fault.')
def command(image, hdu, plane, beam, system):
    """Say how IMAGE is understood; without one, say what is installed."""
    rows = _installation() if image is None else _image(image, hdu, plane, beam)
    if system:
        known = dict(rows)
        rows += [row for row in _system() if row[0] not in known]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f'{name:{width}}  {value}')


def _installation():
    from importlib.metadata import version

    from astrofound import __version__
    from astrofound.networks import load_weights
    from astrofound.utils import resolve_device

    weights = load_weights('compact')
    packages = ('numpy', 'astropy', 'numba', 'torch', 'photutils')
    return [('astrofound', __version__), *((name, version(name)) for name in packages),
            ('device', resolve_device('auto')),
            ('weights', f'compact, sha256 {weights.sha256[:16]}')]


def _system():
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, requires, version
    from pathlib import Path

    from astrofound.utils import usable_cores

    rows = [('python', platform.python_version()), ('system', platform.platform()),
            ('cores', usable_cores())]
    for requirement in requires('astrofound') or ():
        if 'extra ==' in requirement:
            continue
        name = requirement.split(';')[0].split('>=')[0].strip()
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, 'not installed'))
    rows += [(name, os.environ[name].replace(str(Path.home()), '~'))
             for name in ('ASTROFOUND_MODELS', 'HF_HOME', 'HF_HUB_OFFLINE', 'OMP_NUM_THREADS')
             if name in os.environ]
    return rows


def _image(path, hdu, plane, beam):
    import astropy.units as u

    from astrofound.image import SurveyImage
    from astrofound.preprocess import noise_map
    from astrofound.utils import InputError, NoBeamError

    from .options import parse_hdu, parse_plane

    image = SurveyImage.read(path, hdu=parse_hdu(hdu), plane=parse_plane(plane), beam=beam)
    rows = [('image', path), ('size', f'{image.shape[1]} x {image.shape[0]} pixels'),
            ('unit', str(image.peak_unit) or 'not given')]
    if image.wcs is None:
        rows.append(('sky', 'no celestial WCS: the catalogue will be in pixels'))
    else:
        frame = image.wcs.wcs.radesys or image.wcs.wcs.ctype[0][:4].strip('-')
        ny, nx = image.shape
        centre = image.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2)
        rows += [('sky', f"{image.wcs.wcs.ctype[0][-3:]} {frame}, centre "
                         f"{centre.to_string('hmsdms', precision=0)}"),
                 ('pixel', f'{image.pixel_scale.to_value(u.arcsec / u.pix):.4g} arcsec')]
    rows += [('note', note) for note in image.notes]
    try:
        image = image.with_beam()
    except NoBeamError as error:
        rows.append(('beam', str(error)))
        return rows
    rows.append(('beam', f'{image.beam.major:.2f} x {image.beam.minor:.2f} pixels'
                         f'{_on_sky(image.sky_beam)} ({image.beam_origin})'))
    try:
        rows.append(('rms', f'{noise_map(image).rms_median:.4g} {image.peak_unit}'))
    except InputError as error:
        rows.append(('rms', str(error)))
    rows.append(('blank', f'{_blank_share(image):.1%}'))
    return rows


def _blank_share(image):
    """Share of blank pixels, strip by strip, since a mosaic may be larger than memory."""
    import numpy as np

    ny, nx = image.shape
    height = max(1, 4_000_000 // nx)
    strips = ((slice(top, min(top + height, ny)), slice(0, nx)) for top in range(0, ny, height))
    return sum(np.count_nonzero(np.isnan(image.read_window(strip))) for strip in strips) / (ny * nx)


def _on_sky(beam):
    """Axes and position angle of a beam, nothing without one."""
    if beam is None:
        return ''
    axes = ' x '.join(f"{axis.to_value('arcsec'):.4g}" for axis in (beam.major, beam.minor))
    return f", {axes} arcsec, position angle {beam.pa.to_value('deg'):.0f} deg"
