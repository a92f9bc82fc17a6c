import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, vstack
from figures import CUTS, extended, f1_at_cuts, score, summarize_pulls, true_pulls
from independent_sky import make_radio


@pytest.fixture(scope='module')
def truth():
    return make_radio((1500, 1500), seed=2).truth


def perfect(truth):
    strong = truth[truth['snr'] > 4]
    return QTable({'x_centroid': strong['x_centroid'], 'y_centroid': strong['y_centroid'],
                   'flux': strong['flux'], 'snr': strong['snr']})


def test_perfect_catalogue_has_perfect_figures(truth):
    figures, result = score(perfect(truth), truth, 'radio')
    assert figures['n'] == len(perfect(truth))
    assert figures['reliability'] == 1
    assert figures['completeness'] > 0.97     # sources that hide behind another one
    assert figures['c95'] == pytest.approx(figures['completeness'])
    # the truth has sources between S/N 3 and 4 too
    assert figures['c95_faint'] < figures['c95']
    assert figures['flux_bias'] == pytest.approx(0, abs=1e-6)
    assert figures['double_flux'] == pytest.approx(1)
    assert true_pulls(perfect(truth), truth, result) is None


def test_noise_peaks_on_a_halo_are_not_the_halo(truth):
    catalog = perfect(truth)
    halo = np.isin(catalog['flux'], truth['flux'][truth['kind'] == 'diffuse'])
    assert halo.any()
    catalog['flux'][halo] *= 0.1
    result = score(catalog, truth, 'radio')[1]
    assert extended(result, 'diffuse')['diffuse_found'] > 0.9
    assert extended(result, 'diffuse', smallest_flux=0.3)['diffuse_found'] == 0


def test_pulls_of_honest_errors_have_width_one(truth):
    rng = np.random.default_rng(0)
    catalog = perfect(truth)
    n = len(catalog)
    catalog['flux_err'] = 0.05 * catalog['flux']
    catalog['x_err'] = catalog['y_err'] = np.full(n, 0.2)
    catalog['flux'] += catalog['flux_err'] * rng.standard_normal(n)
    # twice the stated error, and off by one error
    for axis in 'xy':
        catalog[f'{axis}_centroid'] += 0.2 + 0.4 * rng.standard_normal(n)
    result = score(catalog, truth, 'radio')[1]
    pulls = true_pulls(catalog, truth, result)
    points = pulls[pulls['kind'] == 'point']
    rows = summarize_pulls(points)
    assert {row['snr'] for row in rows} == {'5-10', '10-30', '30-inf'}
    total = sum(row['n'] for row in rows)
    assert total == np.isfinite(points['flux']).sum() == len(points) / 2
    for name, expected in (('flux_pull', 0), ('flux_width', 1), ('position_pull', 1),
                           ('position_width', 2)):
        mean = sum(row[name] * row['n'] for row in rows) / total
        assert mean == pytest.approx(expected, abs=0.35)


def test_pulls_take_units_into_account(truth):
    catalog = perfect(truth)
    catalog['flux_err'] = (0.1 * catalog['flux']).to(u.mJy)
    catalog['flux'] = 1.1 * catalog['flux'].to(u.mJy)
    result = score(catalog, truth, 'radio')[1]
    pulls = true_pulls(catalog, truth, result)
    assert np.nanmedian(pulls['flux']) == pytest.approx(1, rel=1e-5)
    assert np.isnan(pulls['position']).all()


def test_cut_by_the_score_of_the_whole(truth):
    catalog = perfect(truth)
    false = catalog[:20].copy()
    false['x_centroid'] = -500.0
    false['snr'] = np.linspace(4, 8, 20)
    catalog = vstack([catalog, false])
    whole = f1_at_cuts(score(catalog, truth, 'radio')[1])
    for i in (0, 6, 12):
        part = catalog[catalog['snr'] >= CUTS[i]]
        assert score(part, truth, 'radio')[0]['f1'] == pytest.approx(whole[i])
    assert not f1_at_cuts(score(catalog[:0], truth, 'radio')[1]).any()
