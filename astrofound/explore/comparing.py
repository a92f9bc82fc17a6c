"""How two catalogues agree, as a figure."""

import astropy.units as u
import numpy as np

from .figures import drawing

__all__ = ['plot_comparison']

BLUE, ORANGE, GREY = '#0072B2', '#D55E00', '#777777'


def plot_comparison(comparison, *, path=None, figure=None):
    """
    Draw completeness and reliability against S/N, flux ratios and position offsets.

    Parameters
    ----------
    comparison : `~astrofound.evaluation.Comparison`
        What `~astrofound.evaluation.compare_catalogs` gave.
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
    with drawing(path, figure, (13, 4.3)) as figure:
        fractions, fluxes, offsets = figure.subplots(1, 3)
        _draw_fractions(fractions, comparison)
        _draw_fluxes(fluxes, comparison)
        _draw_offsets(offsets, comparison)
        figure.suptitle(f'{comparison.names[0]}: {comparison.n_first} sources,  '
                        f'{comparison.names[1]}: {comparison.n_second},  '
                        f'in both: {comparison.n_matched}', fontsize='medium')
    return figure


def _short(name):
    """A name that fits beside an axis."""
    return name if len(name) <= 22 else f'{name[:12]}...{name[-8:]}'


def _labels(comparison):
    first, second = map(_short, comparison.names)
    if comparison.truth:
        return 'completeness', 'reliability'
    return f'fraction of {second} in {first}', f'fraction of {first} in {second}'


def _bin_centres(bins):
    """Centres on a logarithmic axis; open bins get one beside their finite limit."""
    low = np.array(bins['snr_low'], dtype=float)
    high = np.array(bins['snr_high'], dtype=float)
    high = np.where(np.isfinite(high), high, 3 * np.maximum(low, 1))
    low = np.where(low > 0, low, high / 2)
    return low, high, np.sqrt(low * high)


def _draw_fractions(ax, comparison):
    bins = comparison.bins
    low, high, centre = _bin_centres(bins)
    labels = _labels(comparison)
    drawn = False
    for column, number, color, marker, shift, label in (
            ('completeness', 'n_second', BLUE, 'o', 0.98, labels[0]),
            ('reliability', 'n_first', ORANGE, 's', 1.02, labels[1])):
        some = np.asarray(bins[number] > 0)
        if not some.any():
            continue
        drawn = True
        value = np.asarray(bins[column])[some]
        error = np.abs([value - np.asarray(bins[f'{column}_low'])[some],
                        np.asarray(bins[f'{column}_high'])[some] - value])
        ax.errorbar(centre[some] * shift, value, yerr=error, marker=marker, color=color,
                    capsize=2, linewidth=1, label=label)
    ax.set(ylim=(-0.03, 1.05), ylabel='fraction', xlabel='peak S/N')
    if not drawn:
        _say(ax, 'no S/N in the catalogues')
        return
    ax.set_xscale('log')
    ax.set_xlim(low.min() * 0.9, high.max() * 1.1)
    ax.grid(alpha=0.3)
    ax.legend(loc='lower right', fontsize='small')


def _draw_fluxes(ax, comparison):
    from matplotlib.ticker import LogFormatter

    pairs = comparison.matched
    ratio = np.array(pairs['flux_ratio'], dtype=float)
    snr = np.array(pairs['second_snr'], dtype=float)
    if not np.isfinite(snr).any():
        snr = np.array(pairs['first_snr'], dtype=float)
    good = np.isfinite(ratio) & (ratio > 0) & (snr > 0)
    first, second = map(_short, comparison.names)
    ax.set(xlabel='peak S/N', ylabel=f'flux ratio\n{first} / {second}')
    if not good.any():
        _say(ax, 'no fluxes to compare')
        return
    ax.scatter(snr[good], ratio[good], s=6, color=GREY, alpha=0.5, linewidths=0,
               rasterized=good.sum() > 5000)
    bins = comparison.bins[np.isfinite(comparison.bins['flux_ratio'])]
    if len(bins):
        centre = _bin_centres(bins)[2]
        scatter = np.nan_to_num(np.asarray(bins['flux_ratio_scatter']))
        ax.errorbar(centre, bins['flux_ratio'], yerr=scatter, marker='o', color=BLUE, capsize=2,
                    linewidth=1.2, label='median and scatter')
        ax.legend(fontsize='small')
    ax.axhline(1, color='black', linewidth=0.8)
    ax.set(xscale='log', yscale='log')
    ax.yaxis.set_major_formatter(LogFormatter())
    ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
    reach = np.clip(np.percentile(np.abs(np.log10(ratio[good])), 99) * 1.2, 0.2, 1.5)
    ax.set_ylim(10 ** -reach, 10 ** reach)
    ax.grid(alpha=0.3, which='both')


def _draw_offsets(ax, comparison):
    from matplotlib.patches import Circle

    pairs = comparison.matched
    on_sky = isinstance(pairs['delta_x'], u.Quantity)
    names = ('delta RA cos(Dec)', 'delta Dec') if on_sky else ('delta x', 'delta y')
    unit = 'arcsec' if on_sky else 'pixels'
    ax.set(xlabel=f'{names[0]} ({unit})', ylabel=f'{names[1]} ({unit})', aspect='equal')
    if not len(pairs):
        _say(ax, 'no pairs')
        return
    dx, dy = (np.array(pairs[name], dtype=float) for name in ('delta_x', 'delta_y'))
    ax.scatter(dx, dy, s=6, color=GREY, alpha=0.5, linewidths=0, rasterized=len(pairs) > 5000)
    x, scatter_x, y, scatter_y = (getattr(part, 'value', part) for part in comparison.offsets)
    ax.errorbar(x, y, xerr=np.nan_to_num(scatter_x), yerr=np.nan_to_num(scatter_y), marker='o',
                color=BLUE, capsize=2)
    radius = comparison.radius
    if isinstance(radius, u.Quantity):
        radius = radius.to_value(u.arcsec)
    elif on_sky:
        radius = np.hypot(dx, dy).max()
    ax.add_patch(Circle((0, 0), radius, fill=False, linestyle=':', color='black'))
    ax.set(xlim=(-1.05 * radius, 1.05 * radius), ylim=(-1.05 * radius, 1.05 * radius))
    if on_sky:
        ax.invert_xaxis()       # east to the left, as on the sky
    ax.axhline(0, color='black', linewidth=0.5)
    ax.axvline(0, color='black', linewidth=0.5)
    ax.set_title(f'median ({x:.3f}, {y:.3f})', fontsize='small')


def _say(ax, text):
    ax.text(0.5, 0.5, text, ha='center', va='center', transform=ax.transAxes, color=GREY)
