import numpy as np
import pytest
from astropy.table import Table

from astrofound.evaluation import compare_catalogs
from astrofound.explore import plot_comparison


def catalog(n, seed=0, sky=True, snr=True):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1, (2, n))
    table = Table({'ra': 10 + x, 'dec': -30 + y} if sky else
                  {'x_centroid': 1000 * x, 'y_centroid': 1000 * y})
    table['flux'] = strength = 3 / rng.uniform(0.01, 1, n)
    if snr:
        table['snr'] = strength
    return table


@pytest.mark.parametrize('truth', [True, False])
@pytest.mark.parametrize('sky', [True, False])
def test_figure_of_two_catalogues(tmp_path, sky, truth):
    import astropy.units as u

    one, two = catalog(300, sky=sky)[:250], catalog(300, sky=sky)[40:]
    comparison = compare_catalogs(one, two, radius=3 * u.arcsec if sky else 3, truth=truth)
    figure = plot_comparison(comparison, path=tmp_path / 'a.png')
    fractions, fluxes, offsets = figure.axes
    assert len(fractions.get_legend().get_texts()) == 2
    assert ('completeness' in fractions.get_legend().get_texts()[0].get_text()) == truth
    assert fluxes.get_xscale() == 'log'
    assert ('RA' in offsets.get_xlabel()) == sky
    assert (tmp_path / 'a.png').stat().st_size > 10_000


@pytest.mark.parametrize(('n_one', 'n_two'), [(0, 10), (10, 0), (0, 0), (1, 1)])
def test_few_or_no_sources(tmp_path, n_one, n_two):
    comparison = compare_catalogs(catalog(n_one, sky=False), catalog(n_two, sky=False), radius=2)
    plot_comparison(comparison, path=tmp_path / 'a.png')


def test_without_snr_and_flux(tmp_path):
    table = catalog(20, sky=False, snr=False)
    del table['flux']
    figure = plot_comparison(compare_catalogs(table, table, radius=2), path=tmp_path / 'a.png')
    said = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert said == ['no S/N in the catalogues', 'no fluxes to compare']
