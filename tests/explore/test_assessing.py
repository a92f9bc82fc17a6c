from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from astrofound.estimators import Assessment
from astrofound.explore import plot_assessment
from astrofound.utils import InputError


def assessment(n=60, *, unit=u.Jy, spurious=3, brightest=4e-3):
    rng = np.random.default_rng(0)

    def table(n_rows):
        return QTable({'x_centroid': rng.uniform(0, 99, n_rows),
                       'y_centroid': rng.uniform(0, 49, n_rows),
                       'snr': rng.uniform(2, 40, n_rows),
                       'flux': np.geomspace(2e-4, brightest, n_rows) * unit,
                       'score': rng.uniform(0.5, 1, n_rows)})

    injected = table(n)
    injected['found'] = injected['snr'] > 6
    injected['confused'] = np.arange(n) == 4
    return Assessment(injected, table(30), table(spurious), None, None, np.nan, (50, 100))


def test_three_panels(tmp_path):
    figure = plot_assessment(assessment(), path=tmp_path / 'a.png')
    first, second, cells, bar = figure.axes
    assert first.get_xlabel() == 'peak S/N'
    assert second.get_xlabel() == 'flux (mJy)'
    assert bar.get_ylabel() == 'completeness'
    assert len(cells.texts) == 8
    assert '59 sources injected,  30 detected,  3 in the inverted' in figure.get_suptitle()
    assert (tmp_path / 'a.png').stat().st_size > 1000


@pytest.mark.parametrize('brightest', [2e-3, 4e-3, 2e-2, 2e-1])
def test_labels_of_ticks_stay_apart(brightest):
    figure = plot_assessment(assessment(brightest=brightest))
    figure.set_size_inches(10, 3.3)
    figure.draw_without_rendering()
    for ax in figure.axes[:2]:
        low, high = ax.get_xlim()
        boxes = [label.get_window_extent() for tick, label in
                 zip(ax.get_xticks(), ax.get_xticklabels(), strict=True) if low <= tick <= high]
        assert len(boxes) >= 3
        assert all(one.x1 + 3 < other.x0 for one, other in pairwise(boxes))


def test_without_unit_or_spurious_sources():
    figure = plot_assessment(assessment(unit=u.dimensionless_unscaled, spurious=0), n_cells=1)
    assert figure.axes[1].get_xlabel() == 'flux'
    assert len(figure.axes[2].texts) == 1


def test_unknown_ending(tmp_path):
    with pytest.raises(InputError, match='the name must end in'):
        plot_assessment(assessment(), path=tmp_path / 'a.fits')
