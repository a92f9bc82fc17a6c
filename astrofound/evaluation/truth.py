"""A catalogue against a truth table whose sources have a footprint."""

from dataclasses import dataclass

import numpy as np
from astropy.table import QTable
from scipy.spatial import cKDTree

from astrofound.utils import InputError, check_number

from .sources import plain
from .statistics import f1_score, fraction, median_scatter, running_sums

__all__ = ['TruthScore', 'score_truth']

BOX = ('bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax')
# True sources fainter than this explain a detection only where no brighter one does.
FAINT = 3.0
# Boxes run to one FWHM from the middle; a footprint ends a little beyond half of the peak.
SHRINK = 0.6
# A true source explains an entry of up to this many times its S/N: noise adds to a source,
# but a bright artefact that lies on a faint one is an artefact.
PLAUSIBLE = 2.5


@dataclass(frozen=True, eq=False)
class TruthScore:
    """
    Result of `score_truth`.

    Parameters
    ----------
    sources : `~astropy.table.QTable`
        One row for each true source: ``snr``, ``kind``, ``n_entries`` (rows of the catalogue
        within its footprint), ``primary`` (the one with the largest flux, -1 where none),
        ``flux_ratio`` of that row and ``best_rank``, the largest ranking value.
    entries : `~astropy.table.QTable`
        One row for each row of the catalogue: ``source`` (row of the truth table, -1 where
        false), ``primary`` and ``rank``.
    min_snr : float
        True sources from here on count in the completeness.
    """

    sources: QTable
    entries: QTable
    min_snr: float

    @property
    def counted(self):
        """Mask of the true sources that count."""
        return np.asarray(self.sources['snr'] >= self.min_snr)

    @property
    def completeness(self):
        """Fraction of the true sources with at least one entry."""
        found = self.sources['n_entries'][self.counted] > 0
        return fraction(int(found.sum()), len(found))[0]

    @property
    def reliability(self):
        """Fraction of the entries that lie on a true source of any S/N."""
        return fraction(int((self.entries['source'] >= 0).sum()), len(self.entries))[0]

    @property
    def f1(self):
        """Harmonic mean of completeness and reliability."""
        return f1_score(self.completeness, self.reliability)

    @property
    def reliability_strict(self):
        """The same with every entry but one of a source counted false."""
        return fraction(int(self.entries['primary'].sum()), len(self.entries))[0]

    @property
    def f1_strict(self):
        """F1 with every fragment counted false."""
        return f1_score(self.completeness, self.reliability_strict)

    def one_entry(self, kind):
        """
        Return the fraction of the counted sources of a kind that have exactly one entry.

        Parameters
        ----------
        kind : str
            A value of the ``kind`` column.

        Returns
        -------
        value : float
            NaN where there is no such source.
        """
        chosen = self.counted & (self.sources['kind'] == kind)
        single = self.sources['n_entries'][chosen] == 1
        return fraction(int(single.sum()), int(chosen.sum()))[0]

    def by_kind(self):
        """
        Return a table with one row for each kind of true source.

        Returns
        -------
        table : `~astropy.table.QTable`
            ``kind``, ``n``, ``found``, ``one_entry`` and the median ``flux_ratio`` with its
            ``scatter``, among the counted sources.
        """
        rows = []
        for kind in np.unique(self.sources['kind']):
            chosen = self.sources[self.counted & (self.sources['kind'] == kind)]
            n_found = int((chosen['n_entries'] > 0).sum())
            rows.append((kind, len(chosen), fraction(n_found, len(chosen))[0],
                         self.one_entry(kind), *median_scatter(chosen['flux_ratio'])))
        names = ('kind', 'n', 'found', 'one_entry', 'flux_ratio', 'scatter')
        types = ('U16', int, float, float, float, float)
        return QTable(rows=rows, names=names, dtype=types) if rows else (
            QTable(names=names, dtype=types))

    def flux_bias(self, low=5.0, high=10.0, kinds=('point', 'star')):
        """
        Return the median excess of the measured flux over the true one.

        Parameters
        ----------
        low, high : float, optional
            Range of the true S/N.
        kinds : tuple of str, optional
            Kinds of sources to use.

        Returns
        -------
        bias : float
            0.1 means 10 % too bright; NaN where nothing was measured.
        """
        snr = self.sources['snr']
        chosen = (snr >= low) & (snr < high) & np.isin(self.sources['kind'], kinds)
        return median_scatter(self.sources['flux_ratio'][chosen])[0] - 1

    def curve(self):
        """
        Return completeness and reliability against the cut in the ranking quantity.

        Returns
        -------
        curve : `~astropy.table.QTable`
            ``cut``, ``n_entries``, ``completeness``, ``reliability``, ``reliability_strict``,
            ``f1`` and ``f1_strict``, from the loosest cut to the strictest.
        """
        rank = np.asarray(self.entries['rank'], dtype=float)
        cuts = np.unique(rank[np.isfinite(rank)])
        best = self.sources['best_rank'][self.counted]
        n_entries = running_sums(rank, np.ones(len(rank)), cuts)
        table = QTable()
        table['cut'] = cuts
        table['n_entries'] = n_entries.astype(int)
        table['completeness'] = running_sums(best, np.ones(len(best)), cuts) / max(len(best), 1)
        table['reliability'] = running_sums(rank, self.entries['source'] >= 0, cuts) / n_entries
        # the best ranked entry of a source stands for it at every cut
        first = self.sources['best_rank'][self.sources['n_entries'] > 0]
        table['reliability_strict'] = running_sums(first, np.ones(len(first)), cuts) / n_entries
        for name in ('', '_strict'):
            table[f'f1{name}'] = f1_score(table['completeness'], table[f'reliability{name}'])
        return table

    def completeness_at(self, reliability=0.95):
        """
        Return the largest completeness of all cuts that keep a reliability.

        Parameters
        ----------
        reliability : float, optional
            Smallest reliability allowed.

        Returns
        -------
        completeness : float
            0 where no cut reaches it.
        """
        curve = self.curve()
        good = curve['reliability'] >= reliability
        return float(curve['completeness'][good].max()) if good.any() else 0.0

    def summary(self):
        """
        Say in a few lines how complete and reliable the catalogue is.

        Returns
        -------
        text : str
            Several lines without a final line break.
        """
        lines = [f'completeness {self.completeness:.3f}, reliability {self.reliability:.3f}, '
                 f'F1 {self.f1:.3f}; with every fragment counted false {self.f1_strict:.3f}']
        for row in self.by_kind():
            lines.append(f'{row["kind"]:<10} {row["n"]:5d}  found {row["found"]:.3f}, as one '
                         f'entry {row["one_entry"]:.3f}, flux ratio {row["flux_ratio"]:.3f} '
                         f'+- {row["scatter"]:.3f}')
        return '\n'.join(lines)


def score_truth(catalog, truth, *, min_snr=5.0, snr_column='snr', rank_column=None):
    """
    Assign the rows of a catalogue to the true sources whose footprint they lie on.

    The footprint of a source with several components is its box, that of any other an
    ellipse of 0.6 times the sides of its box. A row within several footprints goes to the one
    whose middle is relatively nearest; sources below S/N 3 get only what no brighter one
    claims, and no source explains a row of more than 2.5 times its S/N.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        A catalogue with pixel positions of the same image.
    truth : `~astropy.table.Table`
        Pixel positions, ``bbox_*`` columns and S/N of what really is there; ``kind`` or
        ``class_name`` and ``flux`` are used where present.
    min_snr : float, optional
        True sources from here on count in the completeness.
    snr_column : str, optional
        Column of the truth table that holds the S/N.
    rank_column : str, optional
        Column of the catalogue by which its threshold curve is drawn; by default ``score``
        where the table has it, else ``snr``.

    Returns
    -------
    score : `TruthScore`
        Figures and assignments.

    Raises
    ------
    InputError
        If a column is missing.
    """
    check_number('min_snr', min_snr, minimum=0)
    if rank_column is None:
        rank_column = 'score' if 'score' in catalog.colnames else 'snr'
    _need(catalog, ('x_centroid', 'y_centroid', rank_column), 'catalogue')
    _need(truth, (*BOX, snr_column), 'truth table')
    snr = plain(truth, snr_column)
    kind = np.asarray(truth['kind'] if 'kind' in truth.colnames else
                      truth['class_name'] if 'class_name' in truth.colnames else
                      np.full(len(truth), 'source')).astype(str)
    source = _assign(catalog, truth, snr, kind)
    return _collect(catalog, truth, snr, kind, source, plain(catalog, rank_column),
                    float(min_snr))


def _need(table, names, what):
    if missing := [name for name in names if name not in table.colnames]:
        raise InputError(f'the {what} has no column {missing[0]!r}')


def _assign(catalog, truth, snr, kind):
    """Row of the truth table for each entry, -1 where it lies on none."""
    source = np.full(len(catalog), -1)
    if not len(catalog) or not len(truth):
        return source
    x, y = plain(catalog, 'x_centroid'), plain(catalog, 'y_centroid')
    xmin, xmax, ymin, ymax = (plain(truth, name) for name in BOX)
    x_mid, y_mid = 0.5 * (xmin + xmax), 0.5 * (ymin + ymax)
    half_x, half_y = 0.5 * (xmax - xmin + 1), 0.5 * (ymax - ymin + 1)
    limit = PLAUSIBLE * np.fmax(snr, plain(truth, 'snr_matched') if (
        'snr_matched' in truth.colnames) else snr)
    seen = plain(catalog, 'snr') if 'snr' in catalog.colnames else np.zeros(len(catalog))
    several = (kind == 'double') | (kind == 'bent')
    if 'class_name' in truth.colnames:
        several |= np.asarray(truth['class_name']).astype(str) == 'multi'
    near = cKDTree(np.column_stack([x, y])).query_ball_point(
        np.column_stack([x_mid, y_mid]), np.hypot(half_x, half_y))
    best = np.full(len(catalog), np.inf)
    for i in np.argsort(-(snr >= FAINT).astype(int), kind='stable'):
        entries = np.array(near[i], dtype=int)
        if not len(entries):
            continue
        dx = np.abs(x[entries] - x_mid[i]) / half_x[i]
        dy = np.abs(y[entries] - y_mid[i]) / half_y[i]
        distance = np.maximum(dx, dy) if several[i] else np.hypot(dx, dy) / SHRINK
        # a faint source may only take what is still free
        wins = (distance <= 1) & (distance < best[entries]) & ~(seen[entries] > limit[i])
        if snr[i] < FAINT:
            wins &= (source[entries] < 0) | (snr[source[entries]] < FAINT)
        source[entries[wins]], best[entries[wins]] = i, distance[wins]
    return source


def _collect(catalog, truth, snr, kind, source, rank, min_snr):
    """Build the two tables of a `TruthScore`."""
    n = len(truth)
    flux = plain(catalog, 'flux')
    flux = np.zeros(len(catalog)) if flux is None else flux
    taken = source >= 0
    # brightest first, so that the first entry of each source is its primary
    order = np.lexsort((-np.nan_to_num(flux), source))
    order = order[taken[order]]
    rows, first = np.unique(source[order], return_index=True)
    primary = np.full(n, -1)
    primary[rows] = order[first]
    best_rank = np.full(n, -np.inf)
    np.maximum.at(best_rank, source[taken], np.nan_to_num(rank[taken], nan=-np.inf))
    ratio = np.full(n, np.nan)
    if 'flux' in truth.colnames and 'flux' in catalog.colnames:
        ratio[rows] = _flux_ratio(catalog, truth, primary[rows], rows)
    is_primary = np.zeros(len(catalog), bool)
    is_primary[primary[rows]] = True
    sources = QTable([snr, kind, np.bincount(source[taken], minlength=n), primary, ratio,
                      np.where(np.isfinite(best_rank), best_rank, np.nan)],
                     names=('snr', 'kind', 'n_entries', 'primary', 'flux_ratio', 'best_rank'))
    entries = QTable([source, is_primary, rank], names=('source', 'primary', 'rank'))
    return TruthScore(sources, entries, min_snr)


def _flux_ratio(catalog, truth, entries, rows):
    """Measured over true flux, NaN where the units do not fit."""
    unit = getattr(truth['flux'], 'unit', None)
    other = getattr(catalog['flux'], 'unit', None)
    if unit is not None and other is not None and not other.is_equivalent(unit):
        return np.full(len(rows), np.nan)
    true = plain(truth, 'flux')[rows]
    measured = plain(catalog, 'flux', unit=unit)[entries]
    return np.divide(measured, true, out=np.full(len(rows), np.nan), where=true > 0)
