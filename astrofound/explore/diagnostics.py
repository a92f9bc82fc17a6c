"""What a catalogue looks like as a whole: significance, scores, sizes and noise."""

import numpy as np

from astrofound.image import as_survey_image
from astrofound.preprocess import noise_map

from .figures import (
    BLANK_COLOR,
    FIGURE_COLORS,
    GREY,
    MARKERS,
    OTHER_COLOR,
    add_sky_axes,
    check_figure_path,
    display_unit,
    drawing,
)
from .outlines import class_names, column_numbers, order_classes

__all__ = ['plot_diagnostics', 'sample_noise']

# Cells along the longer side of the noise map as drawn.
_CELLS = 256


def plot_diagnostics(catalog, image, *, noise=None, path=None, figure=None):
    """
    Draw four views of a catalogue: a histogram of S/N, score against S/N, flux against size, noise.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        Sources; a panel whose columns are missing says so.
    image : path-like, `~astrofound.image.SurveyImage` or anything it can be made of
        Where they were found.
    noise : `~astrofound.preprocess.NoiseMap`, optional
        By default measured from the image.
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
    ReadError
        If the image cannot be read.
    InputError
        If the extension of ``path`` is not that of a figure, or the noise cannot be measured.
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> field = make_field('radio', shape=(256, 256), seed=0)
    >>> figure = plot_diagnostics(field.truth, field.image)
    >>> [ax.get_ylabel() for ax in figure.axes][0]
    'sources'
    """
    if path is not None:
        check_figure_path(path)
    image = as_survey_image(image)
    if noise is None:
        noise = noise_map(image)
    with drawing(path, figure, (11, 8)) as figure:
        classes = _split_classes(catalog)
        _draw_histogram(figure.add_subplot(2, 2, 1), catalog, classes)
        _draw_scores(figure.add_subplot(2, 2, 2), catalog, classes)
        _draw_sizes(figure.add_subplot(2, 2, 3), catalog, classes, image)
        _draw_noise(figure, image, noise)
    return figure


def sample_noise(image, noise):
    """
    Look at the noise of an image on a coarse grid.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    noise : `~astrofound.preprocess.NoiseMap`
        Its noise.

    Returns
    -------
    rms : 2D `~numpy.ndarray`
        Noise at the middle of each cell, NaN where the pixel there is blank.
    step : int
        Side of a cell in pixels.
    """
    ny, nx = image.shape
    step = -(-max(ny, nx) // _CELLS)
    rows = []
    for y in range(min(step // 2, ny - 1), ny, step):
        window = (slice(y, y + 1), slice(0, nx))
        row = noise.read_window(window)[1]
        blank = ~np.isfinite(image.read_window(window))
        rows.append(np.where(blank, np.nan, row)[0, min(step // 2, nx - 1)::step])
    return np.stack(rows), step


def _split_classes(catalog):
    """Name, colour, mark and rows of each class."""
    names = class_names(catalog)
    return [(name, FIGURE_COLORS.get(name, OTHER_COLOR), MARKERS[number % len(MARKERS)],
             names == name) for number, name in enumerate(order_classes(names))]


def _say_nothing_there(ax, what):
    ax.text(0.5, 0.5, what, transform=ax.transAxes, ha='center', color=GREY)


def _draw_histogram(ax, catalog, classes):
    snr = column_numbers(catalog, 'snr')
    good = snr > 0
    ax.set(xlabel='peak S/N', ylabel='sources', xscale='log')
    if not good.any():
        _say_nothing_there(ax, 'no sources with an S/N')
        return
    low, high = np.log10(snr[good].min()), np.log10(snr[good].max())
    bins = np.logspace(low - 0.02, high + 0.02, int(np.clip(4 * np.sqrt(good.sum()) / 3, 6, 40)))
    ax.hist([snr[rows & good] for _, _, _, rows in classes], bins=bins, stacked=True,
            color=[color for _, color, _, _ in classes],
            label=[f'{name} ({rows.sum()})' for name, _, _, rows in classes])
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.legend(frameon=False)


def _draw_scores(ax, catalog, classes):
    ax.set(xlabel='peak S/N', ylabel='score', ylim=(-0.03, 1.03))
    _scatter(ax, column_numbers(catalog, 'snr'), column_numbers(catalog, 'score'), classes)


def _draw_sizes(ax, catalog, classes, image):
    flux = column_numbers(catalog, 'flux')
    unit = getattr(catalog['flux'], 'unit', None) if 'flux' in catalog.colnames else None
    good = np.isfinite(flux)
    factor, label = display_unit(unit, np.median(flux[good]) if good.any() else 0.0)
    on_sky = np.isfinite(column_numbers(catalog, 'major')).any()
    size = column_numbers(catalog, 'major' if on_sky else 'fwhm_major')
    ax.set(xlabel=f'flux ({label})' if label else 'flux',
           ylabel=f'FWHM of the major axis ({"arcsec" if on_sky else "pixels"})')
    if not _scatter(ax, flux * factor, size, classes):
        return
    ax.set_yscale('log')
    beam = image.sky_beam.major.to_value('arcsec') if on_sky and image.sky_beam is not None else (
        image.beam.major if image.beam is not None and not on_sky else None)
    if beam is not None:
        line = ax.axhline(beam, color=GREY, linewidth=1, linestyle='--', label='beam')
        ax.legend(handles=[line], frameon=False)


def _scatter(ax, x, y, classes):
    """Draw points over a logarithmic x; say where there are none."""
    good = (x > 0) & np.isfinite(y)
    if not good.any():
        _say_nothing_there(ax, 'no sources with both')
        return False
    for name, color, mark, rows in classes:
        chosen = rows & good
        ax.scatter(x[chosen], y[chosen], s=12, color=color, marker=mark, linewidths=0,
                   alpha=0.7, label=name)
    ax.set_xscale('log')
    return True


def _draw_noise(figure, image, noise):
    from matplotlib import colormaps

    rms, step = sample_noise(image, noise)
    factor, label = display_unit(image.peak_unit, noise.rms_median)
    ax = add_sky_axes(figure, image.wcs, (2, 2, 4))
    ny, nx = rms.shape
    colors = colormaps['viridis'].with_extremes(bad=BLANK_COLOR)
    low, high = np.nanpercentile(rms, [1, 99]) if np.isfinite(rms).any() else (0, 1)
    drawn = ax.imshow(rms * factor, origin='lower', cmap=colors, vmin=low * factor,
                      vmax=high * factor, interpolation='nearest',
                      extent=(-0.5, nx * step - 0.5, -0.5, ny * step - 0.5))
    ax.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(-0.5, image.shape[0] - 0.5))
    bar = figure.colorbar(drawn, ax=ax, extend='both')
    bar.set_label(f'noise ({label})' if label else 'noise')
