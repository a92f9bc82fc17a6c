"""Two catalogues of the same sky side by side."""

from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from astropy.table import QTable

from astrofound.catalog import cross_match
from astrofound.utils import InputError, check_number

from .sources import SourceList
from .statistics import SNR_EDGES, check_edges, f1_score, fraction, median_scatter
from .truth import TruthScore, score_truth

__all__ = ['Comparison', 'compare_catalogs']

STRONG = 5.0    # the S/N from which a source is usually believed


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    Result of `compare_catalogs`.

    Parameters
    ----------
    pairs : `~astropy.table.QTable`
        One row for each source of either catalogue: ``status`` (``'both'``, ``'first'`` or
        ``'second'``), the row numbers ``first_row`` and ``second_row`` (-1 where absent),
        position, ``separation``, offsets ``delta_x`` and ``delta_y`` (first minus second;
        along right ascension on the sky and declination, or in pixels), both fluxes,
        ``flux_ratio`` (first over second) and both S/N.
    bins : `~astropy.table.QTable`
        One row for each interval of S/N, see `compare_catalogs`.
    names : tuple of str
        What the two catalogues are called.
    radius : `~astropy.units.Quantity` or float
        Largest separation of a pair, a number being pixels.
    truth : bool
        Whether the second catalogue is what really is in the image.
    n_chance : float
        Pairs expected if the two catalogues had nothing in common.
    score : `TruthScore` or None
        Match by footprint, where the second catalogue is a truth table with boxes.
    """

    pairs: QTable
    bins: QTable
    names: tuple
    radius: object
    truth: bool
    n_chance: float
    score: TruthScore | None = field(default=None)

    def _count(self, *status):
        return int(np.isin(self.pairs['status'], status).sum())

    @property
    def n_first(self):
        """Number of sources of the first catalogue."""
        return self._count('both', 'first')

    @property
    def n_second(self):
        """Number of sources of the second catalogue."""
        return self._count('both', 'second')

    @property
    def n_matched(self):
        """Number of pairs."""
        return self._count('both')

    @property
    def completeness(self):
        """Fraction of the second catalogue that is in the first; NaN when that is empty."""
        return fraction(self.n_matched, self.n_second)[0]

    @property
    def reliability(self):
        """Fraction of the first catalogue that is in the second; NaN when that is empty."""
        return fraction(self.n_matched, self.n_first)[0]

    @property
    def f1(self):
        """Harmonic mean of completeness and reliability."""
        return f1_score(self.completeness, self.reliability)

    @property
    def matched(self):
        """The rows of `pairs` that are in both catalogues."""
        return self.pairs[self.pairs['status'] == 'both']

    @property
    def flux_ratio(self):
        """Median and robust scatter of the flux ratio, first over second."""
        return median_scatter(self.matched['flux_ratio'])

    @property
    def offsets(self):
        """
        Median offset and its scatter: ``(x, scatter_x, y, scatter_y)``.

        In the unit of ``pairs['delta_x']``: arcsec on the sky, else plain pixels.
        """
        out = []
        for name in ('delta_x', 'delta_y'):
            values = self.matched[name]
            unit = getattr(values, 'unit', None)
            numbers = median_scatter(values if unit is None else values.value)
            out += [number if unit is None else number * unit for number in numbers]
        return tuple(out)

    def summary(self):
        """
        Say in a few lines how the two catalogues agree.

        Returns
        -------
        text : str
            Several lines without a final line break.
        """
        first, second = self.names
        radius = f'{self.radius:.3g}' if isinstance(self.radius, u.Quantity) else (
            f'{self.radius:.3g} pix')
        words = ('completeness', 'reliability') if self.truth else (
            f'of {second} in {first}', f'of {first} in {second}')
        width = max(map(len, words))
        lines = [f'{first}: {self.n_first} sources, {second}: {self.n_second}, '
                 f'in both: {self.n_matched} (within {radius}, {self.n_chance:.1f} by chance)']
        for word, n_all in zip(words, (self.n_second, self.n_first), strict=True):
            value, low, high = fraction(self.n_matched, n_all)
            lines.append(f'{word:<{width}}  {value:.3f}  ({low:.3f} to {high:.3f})')
        lines.append(f'{"F1":<{width}}  {self.f1:.3f}')
        if (strong := self._strong_line(words)) is not None:
            lines.append(strong)
        median, scatter = self.flux_ratio
        if np.isfinite(median):
            lines.append(f'flux ratio {first} / {second}: median {median:.3f}, '
                         f'scatter {scatter:.3f}')
        x, scatter_x, y, scatter_y = self.offsets
        if self.n_matched:
            axes = ('RA', 'Dec') if isinstance(x, u.Quantity) else ('x', 'y')
            lines.append(f'offsets: {axes[0]} {x:.3f} +- {scatter_x:.3f}, '
                         f'{axes[1]} {y:.3f} +- {scatter_y:.3f}')
        if self.score is not None:
            lines += ['', 'by footprint of the true sources, at S/N >= '
                      f'{self.score.min_snr:g}:', self.score.summary()]
        return '\n'.join(lines)

    def _strong_line(self, words):
        """The two fractions among the sources that each catalogue itself holds for certain."""
        both = np.asarray(self.pairs['status'] == 'both')
        parts = []
        for word, side in zip(words, ('second', 'first'), strict=True):
            strong = np.asarray(self.pairs[f'{side}_snr'] >= STRONG)
            if strong.any():
                parts.append(f'{word} {fraction((both & strong).sum(), strong.sum())[0]:.3f}')
        return f'at S/N >= {STRONG:g}: {", ".join(parts)}' if parts else None

    def __repr__(self):
        return (f'<Comparison {self.names[0]}: {self.n_first}, {self.names[1]}: {self.n_second}, '
                f'in both: {self.n_matched}>')


def compare_catalogs(first, second, *, radius=None, truth=False, snr_edges=SNR_EDGES,
                     confidence=0.6827, names=('first', 'second')):
    """
    Cross-match two catalogues one to one and say how they agree.

    Positions on the sky are compared where both have them, else pixels.

    Parameters
    ----------
    first, second : `~astropy.table.Table`
        Catalogues with ``ra`` and ``dec`` or ``x_centroid`` and ``y_centroid``; ``flux``,
        ``snr`` and sizes are used where present. Empty tables are fine.
    radius : `~astropy.units.Quantity` or float, optional
        Largest separation of a pair: an angle, or a number of pixels. By default the median
        FWHM of the sources as seen.
    truth : bool, optional
        Whether ``second`` is a truth table of a simulation.
    snr_edges : sequence of float, optional
        Limits of the bins in S/N.
    confidence : float, optional
        Content of the confidence intervals in the bins.
    names : tuple of str, optional
        What to call the catalogues in the summary and the figure.

    Returns
    -------
    comparison : `Comparison`
        Its ``bins`` give for each interval of S/N the number of sources of the second
        catalogue ``n_second``, how many were found, ``completeness`` with limits ``_low``
        and ``_high``; the same for the first catalogue with ``reliability``, by its own
        S/N; and the median and scatter of the flux ratio by the S/N of the second.

    Raises
    ------
    InputError
        If there are no positions in common frames or no radius can be told.
    """
    edges = check_edges(snr_edges)
    one, two = (SourceList.from_table(table, name=name)
                for table, name in zip((first, second), names, strict=True))
    on_sky = one.sky is not None and two.sky is not None
    if not on_sky and (one.x is None or two.x is None):
        msg = (f'{names[0]} and {names[1]} have no positions in common: one has only ra and '
               'dec, the other only x_centroid and y_centroid')
        raise InputError(msg)
    radius = _resolve_radius(radius, one, two, on_sky)
    index_one, index_two = _match(one, two, radius, on_sky)
    pairs = _pair_table(one, two, index_one, index_two, on_sky)
    bins = _bin_table(pairs, edges, confidence)
    boxed = {'bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax', 'snr'} <= set(second.colnames)
    by_footprint = truth and boxed and one.x is not None and two.x is not None
    score = score_truth(first, second) if by_footprint else None
    return Comparison(pairs, bins, tuple(names), radius, truth,
                      _expected_by_chance(one, two, radius, on_sky), score)


def _resolve_radius(radius, one, two, on_sky):
    """Check the radius or take the larger median size; sky and pixels need their own kind."""
    if radius is None:
        sizes = [part.fwhm_sky if on_sky else part.fwhm_pix for part in (one, two)]
        sizes = [size for size in sizes if np.isfinite(size)]
        if sizes:
            return max(sizes)
        if not len(one) or not len(two):
            return 1.0 * u.arcsec if on_sky else 1.0
        raise InputError("the catalogues do not tell the size of their sources; pass a 'radius'")
    if isinstance(radius, u.Quantity):
        if not radius.unit.is_equivalent(u.deg):
            raise InputError(f"'radius' must be an angle or a number of pixels, got {radius}")
        if not on_sky:
            raise InputError("the catalogues have no sky positions; pass 'radius' in pixels")
        check_number('radius', float(radius.value), above=0)
    else:
        check_number('radius', radius, above=0)
        if on_sky and (one.x is None or two.x is None):
            raise InputError("the catalogues have no pixel positions; pass 'radius' as an angle")
    return radius


def _coordinates(source, radius):
    return source.sky if isinstance(radius, u.Quantity) else np.column_stack([source.x, source.y])


def _match(one, two, radius, on_sky):
    if not len(one) or not len(two):
        return np.empty(0, int), np.empty(0, int)
    matches = cross_match(_coordinates(one, radius), _coordinates(two, radius), radius=radius)
    return matches[0], matches[1]


def _pair_table(one, two, index_one, index_two, on_sky):
    """Rows in both, then the rest of the first, then the rest of the second."""
    only_one = np.setdiff1d(np.arange(len(one)), index_one)
    only_two = np.setdiff1d(np.arange(len(two)), index_two)
    rows_one = np.concatenate([index_one, only_one, np.full(len(only_two), -1)]).astype(int)
    rows_two = np.concatenate([index_two, np.full(len(only_one), -1), only_two]).astype(int)
    table = QTable()
    table['status'] = np.repeat(np.array(['both', 'first', 'second']),
                                [len(index_one), len(only_one), len(only_two)])
    table['first_row'], table['second_row'] = rows_one, rows_two
    if on_sky:
        ra_one, dec_one, ra_two, dec_two = (
            _take(values.deg, rows) for values, rows in
            ((one.sky.ra, rows_one), (one.sky.dec, rows_one),
             (two.sky.ra, rows_two), (two.sky.dec, rows_two)))
        table['ra'] = np.where(rows_one >= 0, ra_one, ra_two) * u.deg
        table['dec'] = np.where(rows_one >= 0, dec_one, dec_two) * u.deg
        # wrapped, so that a pair across right ascension 0 is close
        delta_ra = (ra_one - ra_two + 180) % 360 - 180
        table['delta_x'] = (delta_ra * np.cos(np.radians(dec_two)) * u.deg).to(u.arcsec)
        table['delta_y'] = ((dec_one - dec_two) * u.deg).to(u.arcsec)
    else:
        x_one, x_two = _take(one.x, rows_one), _take(two.x, rows_two)
        y_one, y_two = _take(one.y, rows_one), _take(two.y, rows_two)
        table['x_centroid'] = np.where(rows_one >= 0, x_one, x_two)
        table['y_centroid'] = np.where(rows_one >= 0, y_one, y_two)
        table['delta_x'], table['delta_y'] = x_one - x_two, y_one - y_two
    table['separation'] = np.hypot(table['delta_x'], table['delta_y'])
    table['first_flux'], table['second_flux'] = _take(one.flux, rows_one), _take(two.flux, rows_two)
    table['flux_ratio'] = _ratio(table['first_flux'], table['second_flux'])
    table['first_snr'], table['second_snr'] = _take(one.snr, rows_one), _take(two.snr, rows_two)
    return table


def _take(values, rows):
    """Rows of an array, NaN where the row is -1."""
    unit = getattr(values, 'unit', None)
    numbers = np.append(values if unit is None else values.value, np.nan)[rows]
    return numbers if unit is None else numbers * unit


def _ratio(first, second):
    """Flux ratio as a plain number; NaN where the units do not fit or the second is not > 0."""
    units = [getattr(flux, 'unit', None) for flux in (first, second)]
    if None not in units:
        if not units[0].is_equivalent(units[1]):
            return np.full(len(first), np.nan)
        second = second.to(units[0])
    one, two = np.array(first, dtype=float), np.array(second, dtype=float)
    return np.divide(one, two, out=np.full(len(one), np.nan), where=two > 0)


def _bin_table(pairs, edges, confidence):
    both = np.asarray(pairs['status'] == 'both')
    table = QTable()
    table['snr_low'], table['snr_high'] = edges[:-1], edges[1:]
    for side, found, figure in (('second', 'n_found', 'completeness'),
                                ('first', 'n_confirmed', 'reliability')):
        snr = np.array(pairs[f'{side}_snr'], dtype=float)
        n_all, n_good = (_histogram(snr[rows], edges)
                         for rows in (pairs[f'{side}_row'] >= 0, both))
        table[f'n_{side}'], table[found] = n_all, n_good
        table[figure], table[f'{figure}_low'], table[f'{figure}_high'] = fraction(
            n_good, n_all, confidence=confidence)
    place = np.digitize(np.array(pairs['second_snr'], dtype=float), edges) - 1
    ratio = np.array(pairs['flux_ratio'], dtype=float)
    numbers = [median_scatter(ratio[both & (place == i)]) for i in range(len(edges) - 1)]
    table['flux_ratio'], table['flux_ratio_scatter'] = np.array(numbers).T
    return table


def _histogram(values, edges):
    """Counts in half-open bins, NaN in none."""
    place = np.digitize(values[~np.isnan(values)], edges) - 1
    return np.bincount(place[(place >= 0) & (place < len(edges) - 1)], minlength=len(edges) - 1)


def _expected_by_chance(one, two, radius, on_sky):
    """Pairs of unrelated sources, from their number in the box that both cover."""
    if not len(one) or not len(two):
        return 0.0
    if isinstance(radius, u.Quantity):
        centre = two.sky[0]
        flat = [part.sky.transform_to(centre.skyoffset_frame()) for part in (one, two)]
        planes = [(part.lon.wrap_at('180d').deg, part.lat.deg) for part in flat]
        radius = radius.to_value(u.deg)
    else:
        planes = [(part.x, part.y) for part in (one, two)]
    area, inside = 1.0, [np.ones(len(part), bool) for part in (one, two)]
    for axis in (0, 1):
        low = max(plane[axis].min() for plane in planes)
        high = min(plane[axis].max() for plane in planes)
        if high <= low:
            return 0.0
        area *= high - low
        inside = [good & (plane[axis] >= low) & (plane[axis] <= high)
                  for good, plane in zip(inside, planes, strict=True)]
    n_one, n_two = (int(good.sum()) for good in inside)
    return float(min(n_one * n_two * np.pi * radius ** 2 / area, n_one, n_two))
