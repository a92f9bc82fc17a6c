"""A catalogue and its image as one page that a browser shows without a network."""

import base64
import hashlib
import html
import json
import string
from importlib.resources import files
from pathlib import Path

import numpy as np

from astrofound.image import as_survey_image
from astrofound.preprocess import noise_map
from astrofound.utils import InputError, atomic_path, check_number, check_place

from .diagnostics import plot_diagnostics
from .figures import make_thumbnail
from .pictures import encode_figure, encode_overview
from .report_data import choose_rows, report_data

__all__ = ['check_report_path', 'write_report']

_SUFFIXES = ('.html', '.htm')
# The entries of ``catalog.meta`` in words a reader knows; others keep their keyword.
_MEANINGS = {
    'CREATOR': 'made by', 'DATE': 'date', 'METHOD': 'method', 'PARAMS': 'parameters',
    'WEIGHTS': 'SHA-256 of the weights', 'INPUT': 'image', 'HDU': 'extension', 'PLANE': 'plane',
    'PIXUNIT': 'unit of a pixel', 'BEAM': 'beam', 'BMAJ': 'beam, major axis (deg)',
    'BMIN': 'beam, minor axis (deg)', 'BPA': 'beam, position angle (deg)',
    'BEAMFROM': 'beam known from', 'RMS': 'median noise', 'RMSFROM': 'noise known from',
    'BKGFROM': 'background known from', 'MASK': 'mask', 'WITHIN': 'regions',
    'REPAIRS': 'repairs to the header', 'OBJECT': 'object', 'TELESCOP': 'telescope',
    'INSTRUME': 'instrument', 'OBSERVER': 'observer', 'FILTER': 'filter',
    'DATE-OBS': 'date of observation', 'EXPTIME': 'exposure (s)', 'RESTFRQ': 'frequency (Hz)',
}


def check_report_path(path):
    """
    Check that a report can be written.

    Parameters
    ----------
    path : path-like
        Where a report shall go.

    Raises
    ------
    InputError
        If the extension is not that of a page.
    WriteError
        If nothing can be written there.
    """
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise InputError(f'cannot write a report to {path}: the name must end in .html')
    check_place(path)


def write_report(catalog, image, path, *, noise=None, title=None, max_cutouts=1500,
                 max_rows=20_000, max_side=2048):
    """
    Write a catalogue and its image as one HTML page that needs nothing else.

    The page shows the image with its sources, to pan and zoom, a table to sort and filter, a
    cutout of each source, diagnostic plots and where the catalogue comes from. It loads nothing
    from the network, and text from headers is never taken for HTML.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Sources with ``x_centroid`` and ``y_centroid`` (or ``ra`` and ``dec``, where the image has
        a WCS); columns beyond those of `astrofound.catalog.COLUMNS` are shown too.
    image : path-like, `~astrofound.image.SurveyImage` or anything it can be made of
        Where they were found.
    path : path-like
        The page, ending in ``.html``.
    noise : `~astrofound.preprocess.NoiseMap`, optional
        By default measured from the image.
    title : str, optional
        By default the name of the image.
    max_cutouts : int, optional
        Largest number of cutouts; the most significant sources have one, and the page says how
        many have none.
    max_rows : int, optional
        Largest number of sources on the page, the most significant ones again.
    max_side : int, optional
        Largest side in pixels of the image as shown.

    Raises
    ------
    ReadError
        If the image cannot be read.
    InputError
        If the extension is not ``.html``, the sources cannot be placed on the image, or a limit
        is out of range.
    WriteError
        If the page cannot be written.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> field = make_field('radio', shape=(256, 256), seed=0)
    >>> write_report(field.truth, field.image, 'report.html')
    """
    check_report_path(path)
    check_number('max_cutouts', max_cutouts, minimum=0, integer=True)
    check_number('max_rows', max_rows, minimum=1, integer=True)
    check_number('max_side', max_side, minimum=16, integer=True)
    image = as_survey_image(image)
    if noise is None:
        noise = noise_map(image)
    page = _fill_page(catalog, image, noise, title, max_cutouts, max_rows, max_side)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding='utf-8')


def _fill_page(catalog, image, noise, title, max_cutouts, max_rows, max_side):
    thumbnail = make_thumbnail(image, max_side=max_side)
    shown = catalog[choose_rows(catalog, max_rows)]
    data = report_data(shown, image, thumbnail, max_cutouts=max_cutouts)
    plots = encode_figure(plot_diagnostics(catalog, image, noise=noise))
    folder = files(__package__) / 'report_page'
    style, script, template = ((folder / f'page.{kind}').read_text(encoding='utf-8')
                               for kind in ('css', 'js', 'html'))
    return string.Template(template).substitute(
        title=html.escape(title if title is not None else image.name),
        summary=_summary(catalog, image, noise),
        left_out=_left_out(len(catalog), len(shown), max_cutouts),
        style=style, style_hash=_source_hash(style), script=script,
        script_hash=_source_hash(script), overview=encode_overview(thumbnail),
        data=_as_json(data), plots=plots, provenance=_provenance(catalog, image))


def _source_hash(text):
    """What the page's own policy allows a browser to run: this text and nothing else."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _as_json(data):
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(',', ':'))
    return text.replace('<', r'\u003c').replace('>', r'\u003e').replace('&', r'\u0026')


def _summary(catalog, image, noise):
    ny, nx = image.shape
    unit = image.peak_unit.to_string()
    facts = [f'{len(catalog):,} source{"s" * (len(catalog) != 1)}', f'{nx} × {ny} pixels',
             _beam_text(image),
             f'median noise {noise.rms_median:.4g} {unit}'.rstrip()]
    if image.wcs is None:
        facts.append('no celestial WCS')
    return html.escape(' · '.join(facts))


def _beam_text(image):
    if image.beam is None:
        return 'beam not known'
    if image.sky_beam is None:
        return f'beam {image.beam}'
    major, minor = (getattr(image.sky_beam, axis).to_value('arcsec') for axis in (
        'major', 'minor'))
    return f'beam {major:.3g} × {minor:.3g} arcsec'


def _left_out(n_sources, n_shown, max_cutouts):
    """Say what the limits keep from the page; nothing where they keep nothing."""
    said = []
    if n_shown < n_sources:
        said.append(f'{n_sources - n_shown:,} of {n_sources:,} sources are left out of the page; '
                    'those with the highest S/N are shown.')
    if max_cutouts < n_shown:
        said.append(f'{n_shown - max_cutouts:,} of the sources have no cutout; those with the '
                    'highest S/N do.')
    return html.escape(' '.join(said))


def _provenance(catalog, image):
    """Rows of a table, from the catalogue's metadata and what was noticed in the header."""
    known = {str(key): value for key, value in (catalog.meta or {}).items()
             if str(key) not in ('comments', '__attributes__') and _is_plain(value)}
    if not known.get('REPAIRS') and image.notes:
        known['REPAIRS'] = '; '.join(image.notes)
    ordered = [key for key in _MEANINGS if key in known]
    ordered += [key for key in known if key not in _MEANINGS]
    rows = [(_MEANINGS.get(key, key), key, str(known[key])) for key in ordered]
    return '\n'.join(
        f'<tr><th scope="row" title="{html.escape(key)}">{html.escape(meaning)}</th>'
        f'<td>{html.escape(value) or "none"}</td></tr>' for meaning, key, value in rows)


def _is_plain(value):
    return value is None or isinstance(value, (str, bool, int, float, np.generic, list, tuple,
                                               dict))
