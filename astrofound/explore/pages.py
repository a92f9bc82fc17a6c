"""Pages of cutouts."""

import numpy as np

from astrofound.datasets import ImageSet
from astrofound.preprocess import UnitRange
from astrofound.utils import InputError

from .figures import drawing

__all__ = ['plot_cutouts']

MARK = '#D55E00'


def plot_cutouts(images, *, titles=None, n_columns=8, scaling='asinh', path=None, figure=None):
    """
    Draw a page of small images.

    Parameters
    ----------
    images : sequence
        Arrays ``(ny, nx)``, or ``(3, ny, nx)`` or ``(ny, nx, 3)`` in colour, or
        `~astrofound.image.SurveyImage`; those
        with a celestial WCS have axes on the sky and show where north is, the first of them also
        its scale.
    titles : list of str, optional
        One an image.
    n_columns : int, optional
        Images in a row.
    scaling : str, optional
        A key of `~astrofound.preprocess.SCALINGS`.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw; by default a new one without a window.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The drawing.

    Raises
    ------
    InputError
        If there are no images, or not a title for each.
    WriteError
        If the file cannot be written.
    """
    images = list(images)
    if not images:
        raise InputError('there are no images to draw')
    if titles is not None and len(titles) != len(images):
        raise InputError(f'there are {len(titles)} titles for {len(images)} images')
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    with drawing(path, figure, (1.5 * n_columns, 1.7 * n_rows)) as figure:
        told = False
        for number, image in enumerate(images):
            wcs = getattr(image, 'wcs', None)
            ax = _bare_axes(figure, wcs, (n_rows, n_columns, number + 1))
            shape = _draw_pixels(ax, image, scaling)
            if wcs is not None:
                _draw_north(ax, wcs, shape)
                if not told:
                    _draw_scale(ax, wcs, shape)
                told = True
            if titles is not None:
                ax.set_title(titles[number], fontsize='x-small')
    return figure


def _bare_axes(figure, wcs, position):
    """Axes that know the sky, for whoever points at them, and say nothing."""
    ax = figure.add_subplot(*position, projection=wcs)
    ax.set_frame_on(False)
    if wcs is None:
        ax.set(xticks=[], yticks=[])
        return ax
    for coordinate in ax.coords:
        coordinate.set_ticks_visible(False)
        coordinate.set_ticklabel_visible(False)
        coordinate.set_axislabel('')
    ax.coords.frame.set_linewidth(0)
    return ax


def _draw_pixels(ax, image, scaling):
    data = image.data if hasattr(image, 'read_window') else ImageSet([np.asarray(image)])[0].pixels
    shown = UnitRange(scaling)(data)
    shown = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
    ax.imshow(shown, origin='lower', cmap='gray_r', vmin=0, vmax=max(
        np.nanmax(shown, initial=0.0), 1e-6), interpolation='nearest')
    return shown.shape


def _draw_north(ax, wcs, shape):
    """A short line from the upper left corner towards north."""
    ny, nx = shape[:2]
    here = wcs.pixel_to_world(0.12 * nx, 0.85 * ny)
    step = 1e-4 * min(nx, ny)
    x0, y0 = wcs.world_to_pixel(here)
    x1, y1 = wcs.world_to_pixel(here.directional_offset_by(0, _scale(wcs) * step))
    length = np.hypot(x1 - x0, y1 - y0)
    if np.isfinite(length) and length > 0:
        reach = 0.12 * min(nx, ny) / length
        ax.plot([x0, x0 + reach * (x1 - x0)], [y0, y0 + reach * (y1 - y0)], color=MARK,
                linewidth=1.5)


def _draw_scale(ax, wcs, shape):
    """A line of a round angle, about a third of the side long, in the lower right corner."""
    ny, nx = shape[:2]
    pixel = _scale(wcs).to_value('arcsec')
    wanted = nx * pixel / 3
    power = 10.0 ** np.floor(np.log10(wanted))
    angle = power * max(step for step in (1, 2, 5) if step * power <= wanted * (1 + 1e-9))
    unit, label = (60, "'") if angle >= 60 else (1, '"')
    angle = max(1, round(angle / unit)) * unit if angle >= 60 else angle
    end = 0.94 * nx - 0.5
    ax.plot([end - angle / pixel, end], [0.06 * ny] * 2, color=MARK, linewidth=1.5)
    ax.text(end, 0.08 * ny, f'{angle / unit:g}{label}', ha='right', va='bottom', color=MARK,
            fontsize='x-small')


def _scale(wcs):
    from astropy import units as u
    from astropy.wcs.utils import proj_plane_pixel_scales

    return proj_plane_pixel_scales(wcs)[0] * u.deg
