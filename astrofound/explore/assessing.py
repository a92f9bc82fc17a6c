"""Completeness and reliability on one's own image, as a figure."""

import astropy.units as u
import numpy as np

from .figures import add_sky_axes, drawing

__all__ = ['plot_assessment']

BLUE, ORANGE, GREY = '#0072B2', '#D55E00', '#777777'


def plot_assessment(assessment, *, n_cells=4, path=None, figure=None):
    """
    Draw completeness and reliability against S/N, completeness against flux, and its map.

    Parameters
    ----------
    assessment : `~astrofound.estimators.Assessment`
        What `~astrofound.estimators.assess_detector` gave.
    n_cells : int, optional
        Cells of the map along the longer side.
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
        If the extension of ``path`` is not that of a figure.
    WriteError
        If the file cannot be written.
    """
    with drawing(path, figure, (13.5, 4.2)) as figure:
        _draw_bins(figure.add_subplot(1, 3, 1), assessment.bins('snr'), 'peak S/N')
        _draw_bins(figure.add_subplot(1, 3, 2), *_readable(assessment.bins('flux')))
        _draw_cells(figure, add_sky_axes(figure, assessment.wcs, (1, 3, 3)), assessment, n_cells)
        figure.suptitle(_title(assessment), fontsize='medium')
    return figure


def _title(assessment):
    value, low, high = assessment.reliability()
    said = (f'{len(assessment.clear)} sources injected,  {len(assessment.catalog)} detected,  '
            f'{len(assessment.spurious)} in the inverted image')
    return said if np.isnan(value) else (
        f'{said}:  reliability {value:.2f} ({low:.2f} to {high:.2f})')


def _readable(bins):
    """Fluxes with the prefix that makes readable numbers of them."""
    unit = getattr(bins['low'], 'unit', None)
    if unit is None or not unit.is_equivalent(u.Jy):
        return bins, f'flux ({unit})' if str(unit or '') else 'flux'
    middle = bins['low'][len(bins) // 2]
    unit = next((one for one in (u.Jy, u.mJy) if middle >= 0.5 * one), u.uJy)
    for name in ('low', 'high'):
        bins[name] = bins[name].to(unit)
    return bins, f'flux ({unit:unicode})'


def _draw_bins(ax, bins, label):
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = (np.asarray(getattr(bins[name], 'value', bins[name]), float)
                 for name in ('low', 'high'))
    high = np.where(np.isfinite(high), high, 2 * low)  # an open bin has no centre
    centre = np.sqrt(low * high)
    for column, number, color, marker, shift in (
            ('completeness', 'n_injected', BLUE, 'o', 0.985),
            ('reliability', 'n_detected', ORANGE, 's', 1.015)):
        some = np.asarray(bins[number] > 0)
        value = np.asarray(bins[column])[some]
        error = np.abs([value - np.asarray(bins[f'{column}_low'])[some],
                        np.asarray(bins[f'{column}_high'])[some] - value])
        ax.errorbar(centre[some] * shift, value, yerr=error, marker=marker, color=color,
                    markersize=4, capsize=2, linewidth=1, label=column)
    ax.set(xscale='log', ylim=(-0.03, 1.05), xlim=(low.min() * 0.95, high.max() * 1.05),
           xlabel=label, ylabel='fraction')
    # more than that would touch each other
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high.max() < 80 * low.min()
                                          else (1, 3)))
    ax.xaxis.set_major_formatter('{x:g}')
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.3)
    ax.legend(loc='lower right', fontsize='small')


def _draw_cells(figure, ax, assessment, n_cells):
    cells = assessment.cells(n_cells)
    ny, nx = int(cells['row'].max()) + 1, int(cells['column'].max()) + 1
    drawn = ax.imshow(np.asarray(cells['completeness']).reshape(ny, nx), origin='lower',
                      extent=(-0.5, assessment.shape[1] - 0.5, -0.5, assessment.shape[0] - 0.5),
                      cmap='viridis', vmin=0, vmax=1, interpolation='nearest')
    for cell in cells[np.asarray(cells['n_injected'] > 0)]:
        half = 0.5 * (cell['completeness_high'] - cell['completeness_low'])
        ax.text(0.5 * (cell['x_low'] + cell['x_high']), 0.5 * (cell['y_low'] + cell['y_high']),
                f"{cell['completeness']:.2f}\n±{half:.2f}", ha='center', va='center',
                fontsize='small', color='white' if cell['completeness'] < 0.6 else 'black')
    if len(assessment.spurious):
        ax.scatter(assessment.spurious['x_centroid'], assessment.spurious['y_centroid'],
                   marker='x', color=ORANGE, s=25, label='in the inverted image')
        ax.legend(fontsize='small', loc='upper right')
    ax.set(xlim=(-0.5, assessment.shape[1] - 0.5), ylim=(-0.5, assessment.shape[0] - 0.5))
    figure.colorbar(drawn, ax=ax, label='completeness', shrink=0.85)
