"""An image with its sources drawn on it."""

import numpy as np

from astrofound.image import as_survey_image

from .figures import (
    BLANK_COLOR,
    BOTTOM,
    FIGURE_COLORS,
    OTHER_COLOR,
    SOFTENING,
    add_sky_axes,
    check_figure_path,
    display_top,
    display_unit,
    drawing,
    make_thumbnail,
)
from .outlines import box_edges, class_names, ellipse_axes, order_classes, source_positions

__all__ = ['plot_overview']


def plot_overview(image, catalog=None, *, path=None, figure=None, title=None, max_side=1600):
    """
    Draw an image with celestial axes and its sources, coloured by class.

    Points and extended sources are ellipses, sources of several components boxes. The grey
    scale is an asinh of the significance; wide images are reduced while they are read, with
    faint peaks kept.

    Parameters
    ----------
    image : path-like, `~astrofound.image.SurveyImage` or anything it can be made of
        The image; blank pixels are shown in light blue.
    catalog : `~astropy.table.Table`, optional
        Sources with ``x_centroid`` and ``y_centroid`` (or ``ra`` and ``dec``, where the image
        has a WCS), sizes and ``class_name`` where it has them.
    path : path-like, optional
        File to write, its extension deciding about the format.
    figure : `~matplotlib.figure.Figure`, optional
        Where to draw, for example a new figure of pyplot; by default one without a window.
    title : str, optional
        By default the name of the image.
    max_side : int, optional
        Largest side in pixels of the image as drawn.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The drawing.

    Raises
    ------
    ReadError
        If the image cannot be read.
    InputError
        If the extension of ``path`` is not that of a figure.
    WriteError
        If the file cannot be written.
    """
    if path is not None:
        check_figure_path(path)  # before a large image is opened
    image = as_survey_image(image)
    with drawing(path, figure, _figure_size(image.shape)) as figure:
        ax = add_sky_axes(figure, image.wcs)
        _draw_pixels(figure, ax, image, make_thumbnail(image, max_side=max_side))
        if catalog is not None:
            _draw_sources(ax, image, catalog)
        _draw_beam(ax, image)
        figure.suptitle(title if title is not None else image.name, fontsize='medium')
    return figure


def _figure_size(shape):
    """Inches: the longer side 9, the shorter in proportion but not under 4, room for scales."""
    ny, nx = shape
    scale = 9 / max(ny, nx)
    return max(nx * scale, 4) + 1.6, max(ny * scale, 4) + 0.8


def _draw_pixels(figure, ax, image, thumbnail):
    from matplotlib import colormaps
    from matplotlib.colors import AsinhNorm

    level, noise = thumbnail.level, thumbnail.noise
    top = display_top(thumbnail)
    unit, label = display_unit(image.peak_unit, top)
    norm = AsinhNorm(SOFTENING * noise * unit, vmin=BOTTOM * noise * unit, vmax=top * unit)
    grey = colormaps['gray_r'].with_extremes(bad=BLANK_COLOR)
    drawn = ax.imshow((thumbnail.data - level) * unit, origin='lower', cmap=grey, norm=norm,
                      extent=thumbnail.extent, interpolation='nearest')
    ny, nx = image.shape
    ax.set(xlim=(-0.5, nx - 0.5), ylim=(-0.5, ny - 0.5))
    bar = figure.colorbar(drawn, ax=ax, shrink=0.85, pad=0.02, extend='max')
    bar.set_ticks(_spread_ticks(norm), minor=False)
    bar.ax.minorticks_off()
    bar.ax.yaxis.set_major_formatter('{x:g}')
    what = 'pixel value' if abs(level) < 3 * noise else f'pixel value - {level * unit:.5g}'
    bar.set_label(f'{what} ({label})' if label else what)


def _spread_ticks(norm):
    """Values 0 and +-1, 2, 5 times powers of ten that stand apart on the stretched scale."""
    low, high = norm.vmin, norm.vmax
    powers = 10.0 ** np.arange(np.floor(np.log10(high)) + 1, np.floor(np.log10(high)) - 6, -1)
    wanted = [0.0, *(sign * step * power for step in (1, 2, 5) for power in powers
                     for sign in (1, -1))]
    ticks = []
    for value in wanted:
        place = float(norm(value))
        if low <= value <= high and all(abs(place - float(norm(tick))) > 0.07 for tick in ticks):
            ticks.append(value)
    return sorted(ticks)


def _draw_sources(ax, image, catalog):
    from matplotlib.lines import Line2D

    x, y = source_positions(image, catalog)
    names = class_names(catalog)
    width = 1.2 if len(catalog) < 2000 else 0.7
    handles = []
    for name in order_classes(names):
        chosen = names == name
        color = FIGURE_COLORS.get(name, OTHER_COLOR)
        draw = _draw_boxes if name == 'multi' and 'bbox_xmin' in catalog.colnames else (
            _draw_ellipses)
        draw(ax, image, catalog[chosen], x[chosen], y[chosen], color, width)
        shape = 's' if draw is _draw_boxes else 'o'
        handles.append(Line2D([], [], linestyle='', marker=shape, markerfacecolor='none',
                              color=color, label=f'{name} ({chosen.sum()})'))
    if not handles:
        handles = [Line2D([], [], linestyle='', label='no sources')]
    # outside the axes, where it can hide no source and no label
    ax.figure.legend(handles=handles, loc='outside lower center', ncols=len(handles),
                     frameon=False, handletextpad=0.2)


def _smallest(image):
    """Smallest outline in pixels that can be told from a dot on the drawing."""
    return 0.007 * max(image.shape)


def _draw_ellipses(ax, image, catalog, x, y, color, width):
    from matplotlib.collections import EllipseCollection

    axes = ellipse_axes(image, catalog, smallest=_smallest(image))
    ax.add_collection(EllipseCollection(
        *axes, units='xy', offsets=np.column_stack([x, y]), offset_transform=ax.transData,
        facecolors='none', edgecolors=color, linewidths=width))


def _draw_boxes(ax, image, catalog, x, y, color, width):
    from matplotlib.collections import PolyCollection

    left, right, bottom, top = box_edges(catalog, smallest=_smallest(image))
    corners = np.stack([np.column_stack(corner) for corner in (
        (left, bottom), (right, bottom), (right, top), (left, top))], axis=1)
    ax.add_collection(PolyCollection(corners, facecolors='none', edgecolors=color,
                                     linewidths=width))


def _draw_beam(ax, image):
    """The beam in the lower left corner, where it is large enough to be seen."""
    from matplotlib.patches import Ellipse

    ny, nx = image.shape
    beam = image.beam
    if beam is None or beam.major < 0.008 * max(nx, ny):
        return
    margin = 0.03 * max(nx, ny) + 0.5 * beam.major
    ax.add_patch(Ellipse((margin, margin), beam.major, beam.minor, angle=beam.theta,
                         facecolor='#555555', edgecolor='white'))
