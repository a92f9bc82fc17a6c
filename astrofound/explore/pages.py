"""Pages of cutouts."""

import numpy as np

from astrofound.preprocess import UnitRange
from astrofound.utils import InputError

from .figures import check_figure_path, new_figure, save_figure

__all__ = ['plot_cutouts']


def plot_cutouts(images, *, titles=None, n_columns=8, scaling='asinh', path=None, figure=None):
    """
    Draw a page of small images.

    Parameters
    ----------
    images : sequence
        Arrays ``(ny, nx)`` or ``(n_bands, ny, nx)``, or `~astrofound.image.SurveyImage`; those
        with a celestial WCS show where north is.
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
    if path is not None:
        check_figure_path(path)
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    figure = figure if figure is not None else new_figure((1.5 * n_columns, 1.7 * n_rows))
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.set_frame_on(False)
    for number, (ax, image) in enumerate(zip(axes, images, strict=False)):
        wcs, data = getattr(image, 'wcs', None), getattr(image, 'data', image)
        data = data if hasattr(image, 'read_window') else np.asarray(image)
        shown = UnitRange(scaling)(data)
        shown = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
        ax.imshow(shown, origin='lower', cmap='gray_r', vmin=0, vmax=max(
            np.nanmax(shown, initial=0.0), 1e-6), interpolation='nearest')
        if wcs is not None:
            _draw_north(ax, wcs, shown.shape)
        if titles is not None:
            ax.set_title(titles[number], fontsize='x-small')
    if path is not None:
        save_figure(figure, path)
    return figure


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
        ax.plot([x0, x0 + reach * (x1 - x0)], [y0, y0 + reach * (y1 - y0)], color='#D55E00',
                linewidth=1.5)


def _scale(wcs):
    from astropy import units as u
    from astropy.wcs.utils import proj_plane_pixel_scales

    return proj_plane_pixel_scales(wcs)[0] * u.deg
