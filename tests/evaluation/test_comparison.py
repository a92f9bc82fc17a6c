import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.evaluation import compare_catalogs


def sky_catalog(n=200, seed=0, shift=0.0, scale=1.0, ra=0.0):
    """Sources in a square degree around RA 0, so that some lie on either side of it."""
    rng = np.random.default_rng(seed)
    snr = 3 / rng.uniform(0.01, 1, n)
    return QTable({
        'ra': (ra + rng.uniform(-0.5, 0.5, n) + shift / 3600 / np.cos(np.radians(40))) % 360
        * u.deg,
        'dec': (40 + rng.uniform(-0.5, 0.5, n)) * u.deg,
        'flux': scale * snr * u.mJy, 'snr': snr, 'fwhm_major': np.full(n, 4.0),
        'major': np.full(n, 6.0) * u.arcsec,
    })


def pixel_catalog(x, y, **columns):
    return Table({'x_centroid': np.asarray(x, float), 'y_centroid': np.asarray(y, float),
                  **columns})


def test_a_catalogue_agrees_with_itself():
    table = sky_catalog()
    comparison = compare_catalogs(table, table)
    assert comparison.completeness == comparison.reliability == comparison.f1 == 1
    assert comparison.flux_ratio[0] == 1
    assert_allclose(comparison.matched['separation'].to_value(u.arcsec), 0, atol=1e-6)
    assert comparison.radius == 6 * u.arcsec


def test_offset_and_scale_are_recovered():
    comparison = compare_catalogs(sky_catalog(shift=1.5, scale=0.8), sky_catalog())
    assert comparison.n_matched == 200
    assert comparison.flux_ratio[0] == pytest.approx(0.8)
    x, _, y, _ = comparison.offsets
    assert x.to_value(u.arcsec) == pytest.approx(1.5, rel=1e-2)
    assert y.to_value(u.arcsec) == pytest.approx(0, abs=1e-6)


def test_swapping_swaps_the_figures():
    one, two = sky_catalog()[:150], sky_catalog()[100:]
    forth, back = compare_catalogs(one, two), compare_catalogs(two, one)
    assert forth.n_matched == back.n_matched == 50
    assert forth.completeness == back.reliability == 0.5
    assert forth.reliability == back.completeness == pytest.approx(1 / 3)


def test_every_source_is_in_the_table_once():
    comparison = compare_catalogs(sky_catalog()[:150], sky_catalog()[100:])
    pairs = comparison.pairs
    for side, n in (('first', 150), ('second', 100)):
        rows = np.array(pairs[f'{side}_row'])
        assert_array_equal(np.sort(rows[rows >= 0]), np.arange(n))
    assert len(pairs) == 200
    assert np.isfinite(pairs['ra'].value).all()
    only = pairs['status'] != 'both'
    assert np.isnan(pairs['flux_ratio'][only]).all()


def test_bins_add_up():
    one, two = sky_catalog()[20:], sky_catalog()
    bins = compare_catalogs(one, two, snr_edges=(0, 5, 10, 50, np.inf)).bins
    assert bins['n_second'].sum() == 200
    assert bins['n_first'].sum() == bins['n_confirmed'].sum() == bins['n_found'].sum() == 180
    assert_allclose(bins['completeness'], bins['n_found'] / bins['n_second'])
    assert (bins['completeness_low'] <= bins['completeness']).all()
    assert (bins['completeness'] <= bins['completeness_high']).all()


def test_pixels_serve_without_a_sky():
    one = pixel_catalog([10, 20, 30], [10, 20, 30], snr=[5.0, 6, 7])
    two = pixel_catalog([11, 20, 90], [10, 20, 90], snr=[5.0, 6, 7])
    comparison = compare_catalogs(one, two, radius=2)
    assert comparison.n_matched == 2
    assert_allclose(comparison.matched['delta_x'], [-1, 0])
    assert 'within 2 pix' in comparison.summary()


def test_units_are_converted_and_foreign_ones_left_alone():
    one, two = sky_catalog(), sky_catalog()
    two['flux'] = two['flux'].to(u.Jy)
    assert compare_catalogs(one, two).flux_ratio[0] == pytest.approx(1)
    two['flux'] = two['flux'].value * u.ct
    comparison = compare_catalogs(one, two)
    assert np.isnan(comparison.flux_ratio[0])
    assert 'flux ratio' not in comparison.summary()


@pytest.mark.parametrize(('n_one', 'n_two'), [(0, 5), (5, 0), (0, 0)])
def test_empty_catalogues(n_one, n_two):
    comparison = compare_catalogs(sky_catalog()[:n_one], sky_catalog()[:n_two])
    assert comparison.n_matched == 0
    assert len(comparison.pairs) == n_one + n_two
    assert comparison.summary()
    assert np.isnan(comparison.completeness) == (n_two == 0)


def test_chance_matches_are_counted():
    one = sky_catalog(2000, seed=1)
    two = sky_catalog(2000, seed=2)
    comparison = compare_catalogs(one, two, radius=10 * u.arcsec)
    assert comparison.n_matched == pytest.approx(comparison.n_chance, rel=0.3)


def test_radius_of_the_wrong_kind():
    pixels = pixel_catalog([1], [1])
    sky = Table({'ra': [1.0], 'dec': [2.0]})
    with pytest.raises(ValueError, match='no sky positions'):
        compare_catalogs(pixels, pixels, radius=1 * u.arcsec)
    with pytest.raises(ValueError, match='no pixel positions'):
        compare_catalogs(sky, sky, radius=3)
    with pytest.raises(ValueError, match='must be an angle'):
        compare_catalogs(sky, sky, radius=3 * u.Jy)
    with pytest.raises(ValueError, match="pass a 'radius'"):
        compare_catalogs(sky, sky)
    with pytest.raises(ValueError, match="'radius' must be a number greater than 0"):
        compare_catalogs(sky, sky, radius=0 * u.deg)
    with pytest.raises(ValueError, match='no positions in common'):
        compare_catalogs(pixels, sky, radius=3)


def test_truth_with_boxes_is_also_scored():
    truth = pixel_catalog([20, 60], [20, 60], snr=[9.0, 9], bbox_xmin=[16, 56],
                          bbox_xmax=[24, 64], bbox_ymin=[16, 56], bbox_ymax=[24, 64])
    found = pixel_catalog([20, 21, 90], [21, 20, 90], snr=[9.0, 9, 9])
    comparison = compare_catalogs(found, truth, radius=2, truth=True)
    assert comparison.score.completeness == 0.5
    assert 'by footprint' in comparison.summary()
    assert compare_catalogs(found, truth, radius=2).score is None


def test_repr_is_one_line():
    table = sky_catalog(10)
    assert repr(compare_catalogs(table, table, names=('a', 'b'))) == (
        '<Comparison a: 10, b: 10, in both: 10>')
