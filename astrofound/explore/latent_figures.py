"""Maps of features as figures."""

import numpy as np

from astrofound.utils import InputError

from .figures import FIGURE_COLORS, GREY, MARKERS, PALETTE, drawing

__all__ = ['plot_latent_grid', 'plot_latent_map']


def plot_latent_map(positions, labels=None, *, marked=None, title=None, path=None, figure=None):
    """
    Draw a map of features, coloured by class or by a number.

    Parameters
    ----------
    positions : 2D `~numpy.ndarray`
        Shape ``(n_images, 2)``, of `LatentMap`.
    labels : 1D array-like, optional
        Class of each image, or a number such as an anomaly score.
    marked : 1D array-like of int, optional
        Rows to draw a ring around.
    title : str, optional
        Above the map.
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
        If positions and labels do not fit each other.
    WriteError
        If the file cannot be written.
    """
    positions = _checked(positions, labels)
    with drawing(path, figure, (5.6, 5.0)) as figure:
        ax = figure.subplots()
        handles = _draw(figure, ax, positions, labels)
        if marked is not None:
            ax.scatter(*positions[np.asarray(marked, int)].T, s=80, facecolors='none',
                       edgecolors='black', linewidths=1.2)
        if handles:
            ax.legend(handles=handles, fontsize='small', markerscale=1.5)
        if title:
            ax.set_title(title)
    return figure


def plot_latent_grid(maps, *, path=None, figure=None):
    """
    Draw a grid of maps: a column for each backbone, a row for each data set.

    This is Fig. 2 of Lastufka et al. 2025.

    Parameters
    ----------
    maps : dict of (str, str) to (array, array)
        ``{(data set, backbone): (positions, labels)}``; a panel without an entry stays empty.
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
        If there is nothing to draw, or positions and labels do not fit each other.
    WriteError
        If the file cannot be written.
    """
    if not maps:
        raise InputError("'maps' must hold at least one map")
    maps = {place: (_checked(*panel), panel[1]) for place, panel in maps.items()}
    rows = list(dict.fromkeys(row for row, _ in maps))
    columns = list(dict.fromkeys(column for _, column in maps))
    size = (2.5 * len(columns) + 1.4, 2.5 * len(rows) + 0.3)
    with drawing(path, figure, size) as figure:
        axes = figure.subplots(len(rows), len(columns), squeeze=False)
        for name, ax in zip(columns, axes[0], strict=True):
            ax.set_title(name, fontsize='medium')
        for row, line in zip(rows, axes, strict=True):
            _draw_row(figure, line, [maps.get((row, column)) for column in columns])
            line[0].set_ylabel(row)
    return figure


def _draw_row(figure, axes, panels):
    handles = []
    for ax, panel in zip(axes, panels, strict=True):
        ax.set(xticks=[], yticks=[])
        if panel is not None:
            handles = _draw(figure, ax, *panel) or handles
    if handles:
        axes[-1].legend(handles=handles, fontsize='small', loc='center left',
                        bbox_to_anchor=(1.02, 0.5), frameon=False, markerscale=1.5)


def _checked(positions, labels):
    positions = np.asarray(positions, float)
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise InputError(f"'positions' must have the shape (n, 2), got {positions.shape}")
    if labels is not None and len(labels) != len(positions):
        raise InputError(f'there are {len(labels)} labels for {len(positions)} positions')
    return positions


def _draw(figure, ax, positions, labels):
    """Draw the points, return what belongs into a legend."""
    from matplotlib.lines import Line2D

    ax.set(xticks=[], yticks=[], xlabel='', ylabel='')
    size = float(np.clip(4000 / max(len(positions), 1), 2, 24))
    style = {'s': size, 'linewidths': 0, 'alpha': 0.8, 'rasterized': len(positions) > 5000}
    if labels is None:
        ax.scatter(*positions.T, color=GREY, **style)
        return []
    labels = np.asarray(labels)
    if labels.dtype.kind == 'f':
        drawn = ax.scatter(*positions.T, c=labels, cmap='viridis', **style)
        figure.colorbar(drawn, ax=ax, shrink=0.8)
        return []
    handles = []
    for number, name in enumerate(np.unique(labels)):
        color = FIGURE_COLORS.get(str(name), PALETTE[number % len(PALETTE)])
        marker = MARKERS[number % len(MARKERS)]
        ax.scatter(*positions[labels == name].T, color=color, marker=marker, **style)
        handles.append(Line2D([], [], linestyle='', marker=marker, color=color, markersize=5,
                              label=str(name)))
    return handles
