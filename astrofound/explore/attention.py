"""Where a backbone looks, drawn over the image."""

import numpy as np

from astrofound.utils import InputError, check_number

from .figures import add_sky_axes, drawing

__all__ = ['plot_attention_blocks', 'plot_attention_contours']

# Okabe & Ito, in an order that stays apart in grey as well
HEAD_COLORS = ('#E69F00', '#0072B2', '#009E73', '#CC79A7', '#D55E00', '#56B4E9')


def plot_attention_contours(maps, *, block=-1, heads=(0, 1), percentile=90.0, image=None,
                            titles=None, path=None, figure=None):
    """
    Draw the attention of chosen heads as contours over each image.

    This is Fig. 6 of Lastufka et al. 2025: one contour a head, at a percentile of its map.

    Parameters
    ----------
    maps : list of `~astrofound.backbones.AttentionMaps`
        One panel each.
    block : int, optional
        Which block; the last one by default.
    heads : sequence of int, optional
        Which heads.
    percentile : float, optional
        Level of the contour, 0 to 100: at 90 a tenth of the patches lies inside.
    image : list of `~astrofound.image.SurveyImage`, optional
        The images themselves, drawn in place of what the network saw, with celestial axes.
    titles : list of str, optional
        One a panel.
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
        If there is no such block or head, or the number of images is another.
    WriteError
        If the file cannot be written.
    """
    check_number('percentile', percentile, minimum=0, maximum=100)
    maps = _as_list(maps)
    images = [None] * len(maps) if image is None else _as_list(image)
    if len(images) != len(maps):
        raise InputError(f'there are {len(images)} images for {len(maps)} attention maps')
    for one in maps:
        _check_index('block', block, one.n_blocks)
        for head in heads:
            _check_index('head', head, one.n_heads)
    with drawing(path, figure, (3.6 * len(maps), 4.1)) as figure:
        for number, (one, picture) in enumerate(zip(maps, images, strict=True)):
            ax = add_sky_axes(figure, getattr(picture, 'wcs', None), (1, len(maps), number + 1))
            _draw_image(ax, one, picture)
            for color, head in zip(_colors(len(heads)), heads, strict=True):
                _draw_contour(ax, one, picture, one.maps[block, head], percentile, color)
            ax.set_title(titles[number] if titles else one.backbone, fontsize='medium')
            if number:
                ax.set_ylabel('')
        _head_legend(figure, heads, percentile)
    return figure


def plot_attention_blocks(maps, *, head='mean', blocks=None, titles=None, path=None, figure=None):
    """
    Draw one attention map a block, a row for each image or backbone.

    These are the figures of Appendix A of Lastufka et al. 2025.

    Parameters
    ----------
    maps : list of `~astrofound.backbones.AttentionMaps`
        One row each, of one backbone or of several.
    head : int or 'mean', optional
        Which head, or the mean of all.
    blocks : sequence of int, optional
        Which blocks; all by default.
    titles : list of str, optional
        One a row.
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
        If there is no such block or head.
    WriteError
        If the file cannot be written.
    """
    maps = _as_list(maps)
    shown = [list(range(one.n_blocks) if blocks is None else blocks) for one in maps]
    for one, chosen in zip(maps, shown, strict=True):
        for block in chosen:
            _check_index('block', block, one.n_blocks)
    n_columns = 1 + max(map(len, shown))
    size = (1.1 * n_columns + 0.4, 1.25 * len(maps) + 0.3)
    with drawing(path, figure, size) as figure:
        axes = figure.subplots(len(maps), n_columns, squeeze=False)
        for row, one, chosen in zip(axes, maps, shown, strict=True):
            _draw_blocks(row, one, chosen, head)
        for row, label in zip(axes, titles or [one.backbone for one in maps], strict=True):
            row[0].set_ylabel(label, fontsize='small')
        axes[0, 0].set_title('image', fontsize='small')
        for ax, block in zip(axes[0, 1:], shown[0], strict=False):
            ax.set_title(f'block {block % maps[0].n_blocks + 1}', fontsize='small')
    return figure


def _draw_blocks(axes, maps, blocks, head):
    """The image, then the map of each block."""
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.set_frame_on(False)
    _draw_image(axes[0], maps, None)
    for ax, block in zip(axes[1:], blocks, strict=False):
        ax.imshow(_one_head(maps, block, head), origin='lower', extent=maps.extent,
                  cmap='viridis', interpolation='nearest')
        _frame(ax, maps.image.shape)


def _as_list(maps):
    maps = list(maps) if isinstance(maps, (list, tuple)) else [maps]
    if not maps:
        raise InputError('there is nothing to draw')
    return maps


def _check_index(name, value, length):
    check_number(name, value, minimum=-length, maximum=length - 1, integer=True)


def _one_head(maps, block, head):
    if head == 'mean':
        return maps.maps[block].mean(axis=0)
    _check_index('head', head, maps.n_heads)
    return maps.maps[block, head]


def _draw_image(ax, maps, picture):
    """The image in grey, what is bright dark; a survey image stretched for the eye."""
    data = maps.image
    if picture is not None:
        from astrofound.preprocess import UnitRange

        data = UnitRange('asinh')(picture.data)[0]
    finite = data[np.isfinite(data)]
    low, high = np.percentile(finite, [1, 99.8]) if finite.size else (0, 1)
    ax.imshow(data, origin='lower', cmap='gray_r', vmin=low, vmax=max(high, low + 1e-6))
    if picture is None or picture.wcs is None:
        ax.set(xticks=[], yticks=[], xlabel='', ylabel='')
    _frame(ax, data.shape)


def _frame(ax, shape):
    """Leave out what the padding adds."""
    ax.set(xlim=(-0.5, shape[1] - 0.5), ylim=(-0.5, shape[0] - 0.5))


def _draw_contour(ax, maps, picture, values, percentile, color):
    level = np.percentile(values, percentile)
    if not values.min() < level < values.max():
        return  # the same everywhere: nothing to draw around
    shape = maps.image.shape if picture is None else picture.shape
    scale = shape[1] / maps.image.shape[1]
    ny, nx = values.shape
    x, y = (((np.arange(n) + 0.5) * maps.patch_size) * scale - 0.5 for n in (nx, ny))
    # a rim of the same values, so that contours close at the border and not half a patch inside
    x, y = (np.concatenate([[-0.5], part, [part[-1] + 0.5 * maps.patch_size * scale]])
            for part in (x, y))
    ax.contour(x, y, np.pad(values, 1, mode='edge'), levels=[level], colors=[color],
               linewidths=1.6)


def _colors(n):
    return [HEAD_COLORS[number % len(HEAD_COLORS)] for number in range(n)]


def _head_legend(figure, heads, percentile):
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=color, label=f'head {head + 1 if head >= 0 else head}')
               for color, head in zip(_colors(len(heads)), heads, strict=True)]
    figure.legend(handles=handles, loc='outside lower center', ncols=len(handles), frameon=False,
                  title=f'contours at the {percentile:g}th percentile', fontsize='small',
                  title_fontsize='small')
