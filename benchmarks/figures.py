"""What is told about one catalogue of one simulated sky."""

from itertools import pairwise

import numpy as np
from astropy.table import QTable

__all__ = ['CUTS', 'FIGURES', 'PULL_BINS', 'f1_at_cuts', 'score', 'summarize_pulls', 'true_pulls']

# The S/N of the truth that counts: of the peak in radio, of the best filter in optical images,
# where the peak of a faint star is lost in white noise that any finder averages out.
SNR_COLUMN = {'radio': 'snr', 'optical': 'snr_matched'}
RELIABILITY = 0.95

#: Figures of a run, in the order of the table.
FIGURES = {
    'seconds': '.1f', 'cpu': '.1f', 'mpix_s': '.2f', 'memory_mb': '.0f', 'n': '.0f',
    'completeness': '.3f', 'reliability': '.3f', 'f1': '.3f', 'f1_strict': '.3f',
    'c95': '.3f', 'c95_faint': '.3f', 'got': '.3f',
    'double_found': '.2f', 'double_one': '.2f', 'double_flux': '.2f', 'double_scatter': '.2f',
    'diffuse_found': '.2f', 'diffuse_flux': '.2f', 'diffuse_scatter': '.2f',
    'flux_bias': '+.3f',
}
#: Smallest S/N at which a catalogue is cut in search of its best; the first cuts nothing.
CUTS = (0.0, *np.arange(3, 7.1, 0.25))
#: Limits of the true S/N between which pulls are told.
PULL_BINS = (5.0, 10.0, 30.0, np.inf)


def score(catalog, truth, kind):
    """
    Return all figures of a catalogue, and the score they come from.

    Parameters
    ----------
    catalog : `~astropy.table.QTable`
        Positions, fluxes, S/N and perhaps a score.
    truth : `~astropy.table.QTable`
        What is in the sky.
    kind : str
        ``'radio'`` or ``'optical'``.

    Returns
    -------
    figures : dict
        Figures by the names of `FIGURES`, without those of cost.
    result : `~astrofound.evaluation.TruthScore`
        Assignment of the rows.
    """
    from astrofound.evaluation import score_truth

    column = SNR_COLUMN[kind]
    result = score_truth(catalog, truth, snr_column=column)
    faint = score_truth(catalog, truth, snr_column=column, min_snr=3)
    # The peak of diffuse emission is low by nature, so all its light decides what counts.
    whole = score_truth(catalog, truth, snr_column='snr_matched')
    figures = {
        'n': len(catalog), 'completeness': result.completeness,
        'reliability': result.reliability, 'f1': result.f1, 'f1_strict': result.f1_strict,
        'c95': best_completeness(result), 'c95_faint': best_completeness(faint),
        'double_one': result.one_entry('double'), 'flux_bias': result.flux_bias(),
        **extended(result, 'double'), **extended(whole, 'diffuse', smallest_flux=0.3),
    }
    return figures, result


def f1_at_cuts(result):
    """F1 of a catalogue cut at each S/N of `CUTS`, by the score of the whole."""
    curve = result.curve()
    if not len(curve):
        return np.zeros(len(CUTS))
    index = np.searchsorted(curve['cut'], CUTS[1:])
    inside = index < len(curve)
    cut = np.where(inside, curve['f1'][np.minimum(index, len(curve) - 1)], 0)
    return np.nan_to_num([result.f1, *cut])


def best_completeness(result):
    """Completeness at 95 % reliability, by a cut in the rank or as the catalogue stands."""
    whole = result.completeness if result.reliability >= RELIABILITY else 0.0
    return max(result.completeness_at(RELIABILITY), whole)


def extended(result, kind, *, smallest_flux=None):
    """
    Fraction found, and median and scatter of the flux ratio, of one kind of sources.

    A source whose brightest entry has less than ``smallest_flux`` of its flux was not found:
    a noise peak on a halo is not the halo.
    """
    from astrofound.evaluation.statistics import median_scatter

    rows = result.sources[result.counted & (result.sources['kind'] == kind)]
    ratio = np.asarray(rows['flux_ratio'])
    found = np.asarray(rows['n_entries'] > 0)
    if smallest_flux is not None:
        found &= ratio > smallest_flux
    median, scatter = median_scatter(ratio[found])
    return {f'{kind}_found': found.mean() if len(rows) else np.nan, f'{kind}_flux': median,
            f'{kind}_scatter': scatter}


def true_pulls(catalog, truth, result):
    """
    Return (measured - true) / error of every true source that was found.

    Parameters
    ----------
    catalog, truth : `~astropy.table.QTable`
        As for `score`.
    result : `~astrofound.evaluation.TruthScore`
        Assignment of the rows.

    Returns
    -------
    pulls : `~astropy.table.QTable`
        ``kind``, ``snr``, ``flux`` and ``position`` (one row for x and one for y, the flux's
        pull in the first only); None where the finder tells no errors.
    """
    from astrofound.evaluation.sources import plain

    if 'flux_err' not in catalog.colnames or not len(catalog):
        return None
    found = np.flatnonzero((result.sources['primary'] >= 0) & result.counted)
    entry = np.asarray(result.sources['primary'])[found]
    unit = truth['flux'].unit
    pulls = {'flux': (plain(catalog, 'flux', unit=unit)[entry] - plain(truth, 'flux')[found])
             / plain(catalog, 'flux_err', unit=unit)[entry]}
    for axis in 'xy':
        error = plain(catalog, f'{axis}_err')
        pulls[axis] = np.full(len(entry), np.nan) if error is None else (
            plain(catalog, f'{axis}_centroid')[entry]
            - plain(truth, f'{axis}_centroid')[found]) / error[entry]
    return QTable({
        'kind': np.tile(np.asarray(result.sources['kind'])[found], 2),
        'snr': np.tile(np.asarray(result.sources['snr'])[found], 2),
        'flux': np.append(pulls['flux'], np.full(len(entry), np.nan)),
        'position': np.append(pulls['x'], pulls['y'])})


def summarize_pulls(pulls):
    """
    Return the middle and width of pulls for each class and interval of S/N.

    Parameters
    ----------
    pulls : `~astropy.table.QTable`
        Tables of `true_pulls`, stacked.

    Returns
    -------
    rows : list of dict
        ``kind``, ``snr`` (as text), ``n`` sources, and the median and the robust standard
        deviation of the pulls in flux and position.
    """
    from astrofound.evaluation.statistics import median_scatter

    rows = []
    for kind in np.unique(pulls['kind']):
        for low, high in pairwise(PULL_BINS):
            part = pulls[(pulls['kind'] == kind) & (pulls['snr'] >= low) & (pulls['snr'] < high)]
            flux, position = (median_scatter(part[name]) for name in ('flux', 'position'))
            n = int(np.isfinite(part['flux']).sum())
            if n > 1:
                rows.append({'kind': str(kind), 'snr': f'{low:g}-{high:g}', 'n': n,
                             'flux_pull': flux[0], 'flux_width': flux[1],
                             'position_pull': position[0], 'position_width': position[1]})
    return rows
