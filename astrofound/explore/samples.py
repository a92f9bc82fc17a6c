"""What a data set looks like, and how its numbers are spread."""

from collections.abc import Mapping

import numpy as np

from astrofound.datasets import BoxedImages, LabelledImages, open_images
from astrofound.preprocess import UnitRange
from astrofound.utils import InputError, check_number

from .figures import GREY, drawing

__all__ = ['plot_samples']

_NEGATIVE, _POSITIVE = '#D55E00', '#0072B2'


def plot_samples(data, *, n_samples=4, scaling='auto', boxes=True, raw=True, histogram=True,
                 seed=0, path=None, figure=None):
    """
    Draw samples of data sets with their boxes, one raw image and a histogram of its pixels.

    The last two columns show what scaling does: the first of them an image between its lowest
    and highest pixel, the second how its pixels are spread, those below zero in another colour
    (Lastufka et al. 2025, Fig. 1).

    Parameters
    ----------
    data : LabelledImages, BoxedImages or mapping of them
        The data sets, by their names for the rows.
    n_samples : int, optional
        Images in a row; of labelled ones as many of each class as can be.
    scaling : str, optional
        A key of `~astrofound.preprocess.SCALINGS`; ``'auto'`` takes ``'none'`` for bytes and
        else ``'asinh'``.
    boxes : bool, optional
        Whether to draw boxes where there are any, those to be ignored dashed.
    raw, histogram : bool, optional
        Whether to add these columns.
    seed : int, optional
        Choice of the samples.
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
        If there is no data set, or one is empty.
    WriteError
        If the file cannot be written.
    """
    sets = data if isinstance(data, Mapping) else {getattr(data, 'source', ''): data}
    check_number('n_samples', n_samples, minimum=1, integer=True)
    for one in sets.values():
        if not isinstance(one, (LabelledImages, BoxedImages)) or not len(one):
            raise InputError("'data' must be LabelledImages, BoxedImages or a mapping of them with "
                             f'at least one image each, got {one!r:.80}')
    if not sets:
        raise InputError("'data' has no data set in it")
    n_columns = n_samples + raw + histogram
    with drawing(path, figure, (1.8 * n_columns, 1.9 * len(sets))) as figure:
        grid = figure.subplots(len(sets), n_columns, squeeze=False)
        for row, (name, one) in zip(grid, sets.items(), strict=True):
            _draw_row(row, name, one, n_samples, scaling, boxes, (raw, histogram), seed)
    return figure


def _draw_row(axes, name, data, n_samples, scaling, boxes, extra, seed):
    chosen = _choose(data, n_samples, seed)
    stamps = [open_images(data.select([number]).images)[0] for number in chosen]
    for ax in axes[:n_samples + extra[0]]:
        ax.set(xticks=[], yticks=[])
        ax.set_frame_on(False)
    for ax, number, stamp in zip(axes, chosen, stamps, strict=False):
        kind = scaling if scaling != 'auto' else (
            'none' if stamp.pixels.dtype == np.uint8 else 'asinh')
        _show(ax, UnitRange(kind)(stamp.pixels, is_significance=stamp.is_significance))
        if isinstance(data, LabelledImages):
            ax.set_title(data.labels[number], fontsize='x-small')
        if boxes and data.boxes is not None:
            _draw_boxes(ax, data, number)
    axes[0].set_ylabel(name, fontsize='small')
    brightest = max(stamps, key=_contrast)
    if extra[0]:
        _show(axes[n_samples], UnitRange('minmax')(brightest.pixels))
        axes[n_samples].set_title('raw', fontsize='x-small')
    if extra[1]:
        _draw_histogram(axes[-1], brightest.pixels)


def _choose(data, n_samples, seed):
    """Choose images at random, of labelled ones first one a class, then a second one..."""
    order = np.random.default_rng(seed).permutation(len(data))
    if isinstance(data, LabelledImages):
        labels = data.labels[order]
        rank = np.empty(len(order), int)
        for name in data.classes:
            own = np.flatnonzero(labels == name)
            rank[own] = np.arange(own.size)
        order = order[np.argsort(rank, kind='stable')]
    return np.sort(order[:n_samples]).tolist()


def _show(ax, shown):
    picture = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
    ax.imshow(picture, origin='lower', cmap='gray', vmin=0,
              vmax=max(float(np.nanmax(shown, initial=0.0)), 1e-6), interpolation='nearest')


def _draw_boxes(ax, data, number):
    from matplotlib.patches import Rectangle

    ignored = getattr(data, 'ignored', None)
    for k, (x1, y1, x2, y2) in enumerate(data.boxes[number]):
        style = '--' if ignored is not None and ignored[number][k] else '-'
        # edges count from the outer edge of the first pixel, positions from its centre
        ax.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, color='white',
                               linewidth=0.7, linestyle=style))


def _contrast(stamp):
    values = stamp.pixels[np.isfinite(stamp.pixels)].astype(float)
    return values.max() - np.median(values) if values.size else -1.0


def _draw_histogram(ax, pixels):
    values = pixels[np.isfinite(pixels)].astype(float)
    if not values.size:
        return
    edges = np.linspace(values.min(), max(values.max(), values.min() + 1e-12), 60)
    for part, color in ((values[values < 0], _NEGATIVE), (values[values >= 0], _POSITIVE)):
        if part.size:
            ax.hist(part, bins=edges, color=color)
    ax.set_yscale('log')
    ax.tick_params(labelsize='xx-small', colors=GREY)
    ax.set_title('pixels', fontsize='x-small')
