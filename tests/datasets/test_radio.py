import dataclasses

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.datasets import (
    ArtefactOptions,
    FootprintOptions,
    NoiseOptions,
    RadioSky,
    SourceCounts,
    SourceMix,
)
from astrofound.image import PixelBeam

SMALL = RadioSky(shape=(200, 240), beam=(5.0, 4.0, 20.0), counts=SourceCounts(density=4.0))
RARE = SourceCounts(density=0.25, min_snr=20.0, max_snr=2000.0)


@pytest.fixture(scope='module')
def field():
    return SMALL(1)


def test_same_seed_same_field(field):
    again = SMALL(1)
    assert_array_equal(again.image.data, field.image.data)
    assert_array_equal(again.truth['flux'], field.truth['flux'])
    assert not np.array_equal(SMALL(2).image.data, field.image.data)


def test_other_noise_same_sources(field):
    other = dataclasses.replace(SMALL, noise=NoiseOptions(kind='beam', variation=0.1))(1)
    assert_array_equal(other.truth['flux'], field.truth['flux'])
    assert_array_equal(other.clean, field.clean)


def test_image_knows_its_units_and_beam(field):
    assert field.image.unit == u.Jy / u.beam
    assert field.image.beam == PixelBeam(*SMALL.beam)
    header = field.image.header
    assert header['BUNIT'] == 'Jy/beam'
    assert header['BMAJ'] * 3600 == pytest.approx(5.0 * SMALL.pixel_scale, rel=1e-4)
    assert 'seed 1' in str(header['HISTORY'])
    assert field.image.data.dtype == np.float32


def test_image_is_clean_image_plus_noise():
    sky = dataclasses.replace(SMALL, artefacts=None, noise=NoiseOptions(kind='beam'))
    field = sky(3)
    residual = (field.image.data - field.clean) / field.rms
    assert residual.std() == pytest.approx(1.0, abs=0.05)
    assert residual.mean() == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize('kind', ['gaussian', 'double', 'bent', 'diffuse', 'point'])
def test_fluxes_are_the_sums_in_the_clean_image(kind):
    mix = dict.fromkeys(('gaussian', 'double', 'bent', 'diffuse', 'companions'), 0.0)
    if kind != 'point':
        mix[kind] = 1.0
    sky = RadioSky(shape=(300, 300), counts=RARE, mix=SourceMix(**mix))
    seen = 0
    for seed in range(6):
        field = sky(seed)
        edge = np.concatenate([field.clean[0], field.clean[-1], *field.clean.T[[0, -1]]])
        if len(field.truth) == 0 or edge.max() > 0.01 * field.clean.max():
            continue  # part of a source lies outside, so the sums differ
        seen += 1
        area = PixelBeam(*sky.beam).area
        total = field.truth['flux'].to_value(u.Jy).sum()
        assert field.clean.sum() / area == pytest.approx(total, rel=0.03)
        peak = field.truth['peak_flux'].to_value(u.Jy / u.beam).max()
        assert field.clean.max() == pytest.approx(peak, rel=0.06)
        assert set(field.truth['kind']) == {kind}
    assert seen


def test_snr_is_peak_over_the_true_noise(field):
    x, y = (np.rint(field.truth[name]).astype(int) for name in ('x_centroid', 'y_centroid'))
    peak = field.truth['peak_flux'].to_value(u.Jy / u.beam)
    assert_allclose(field.truth['snr'], peak / field.rms[y, x], rtol=1e-5)
    assert np.all(field.truth['contrast'] <= field.truth['snr'] * (1 + 1e-9))
    assert np.all((field.truth['light_share'] > 0) & (field.truth['light_share'] <= 1))


def test_boxes_hold_their_sources(field):
    truth = field.truth
    for axis in 'xy':
        centre = np.rint(truth[f'{axis}_centroid'])
        assert np.all(truth[f'bbox_{axis}min'] <= centre)
        assert np.all(truth[f'bbox_{axis}max'] >= centre)
    point = truth[(truth['kind'] == 'point') & (truth['x_centroid'] > 20)
                  & (truth['x_centroid'] < 200)][0]
    # one FWHM to each side: the beam is 5 x 4 pixels, turned by 20 degrees
    half = np.hypot(5 * np.cos(np.deg2rad(20)), 4 * np.sin(np.deg2rad(20)))
    assert (point['bbox_xmax'] - point['bbox_xmin']) / 2 == pytest.approx(half, abs=0.8)


def test_a_double_is_one_row_with_component_rows():
    sky = RadioSky(shape=(300, 300), mix=SourceMix(gaussian=0, double=1.0, bent=0, diffuse=0),
                   counts=SourceCounts(density=1.0, min_snr=30, max_snr=300))
    field = sky(2)
    assert set(field.truth['class_name']) <= {'multi', 'extended'}
    multi = field.truth[field.truth['class_name'] == 'multi']
    assert len(multi)
    for row in multi:
        parts = field.components[field.components['parent_id'] == row['id']]
        assert list(parts['role']).count('lobe') <= 2
        assert row['n_components'] >= 2
        inside = (row['bbox_xmin'] > 0) & (row['bbox_xmax'] < 299)
        if inside and len(parts) >= row['n_components']:
            assert parts['flux'].sum() <= row['flux'] * (1 + 1e-9)


def test_points_are_points_and_blobs_are_extended(field):
    truth = field.truth
    assert set(truth['class_name'][truth['kind'] == 'point']) == {'point'}
    large = truth['minor_pix'] > 5
    assert 'point' not in set(truth['class_name'][large])


@pytest.mark.parametrize('kind', ['pointing', 'mosaic', 'irregular', 'scan'])
def test_footprints(kind):
    sky = dataclasses.replace(SMALL, footprint=FootprintOptions(kind=kind, extent=0.8))
    field = sky(5)
    blank = np.isnan(field.image.data)
    assert 0.05 < blank.mean() < 0.9
    assert_array_equal(blank, np.isnan(field.rms))
    assert np.nanmin(field.rms) > 0
    for table in (field.truth, field.components):
        x, y = (np.rint(table[name]).astype(int) for name in ('x_centroid', 'y_centroid'))
        assert not blank[y, x].any()


def test_primary_beam_raises_the_noise_outwards():
    footprint = FootprintOptions(kind='pointing', extent=1.0, cut=0.2)
    sky = dataclasses.replace(SMALL, footprint=footprint, noise=NoiseOptions(variation=0.0))
    rms = sky(1).rms
    assert np.nanmax(rms) / np.nanmin(rms) == pytest.approx(5.0, rel=0.1)


def test_positions_agree_with_the_wcs(field):
    sky = field.image.wcs.pixel_to_world(field.truth['x_centroid'], field.truth['y_centroid'])
    assert_allclose(sky.ra.deg, field.truth['ra'].to_value(u.deg), atol=1e-9)
    assert_allclose(sky.dec.deg, field.truth['dec'].to_value(u.deg), atol=1e-9)


def test_empty_sky_has_an_empty_table_with_every_column(field):
    sky = dataclasses.replace(SMALL, counts=SourceCounts(density=0.0))
    empty = sky(0)
    assert len(empty.truth) == len(empty.components) == len(empty.peaks) == 0
    assert empty.truth.colnames == field.truth.colnames
    assert empty.components.colnames == field.components.colnames
    assert np.isfinite(empty.image.data).all()


def test_artefacts_are_added_to_the_same_sky():
    sky = RadioSky(shape=(200, 200), counts=SourceCounts(density=2, min_snr=100, max_snr=900))
    quiet = dataclasses.replace(sky, artefacts=None)(3)
    bad = dataclasses.replace(sky, artefacts=ArtefactOptions(gain_error=0.05, limit=50))(3)
    assert_array_equal(bad.clean, quiet.clean)
    difference = (quiet.image.data - bad.image.data) / sky.rms
    assert 3 < np.abs(difference).max() < 100
    assert np.all(bad.truth['contrast'] < quiet.truth['contrast'])


@pytest.mark.parametrize(('options', 'message'), [
    ({'shape': (8, 100)}, "'shape' must be an integer of at least 32"),
    ({'beam': (0, 4, 0)}, 'a beam must have finite widths greater than 0'),
    ({'rms': -1}, "'rms' must be a number greater than 0"),
    ({'projection': 'SIM'}, "unknown projection 'SIM'; did you mean 'SIN'")])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        RadioSky(**options)


def test_bad_mix_and_footprint_and_seed():
    with pytest.raises(ValueError, match=r'must not sum to more than 1, got 1\.3'):
        SourceMix(gaussian=0.6, double=0.6, bent=0.1, diffuse=0.0)
    with pytest.raises(ValueError, match="unknown kind 'circle'"):
        FootprintOptions(kind='circle')
    with pytest.raises(ValueError, match="'seed' must be an integer of at least 0"):
        SMALL(-1)


def test_peaks_are_the_maxima_of_each_source():
    mix = SourceMix(gaussian=0.2, double=0.5, bent=0.2, diffuse=0.0, companions=0.0)
    sky = dataclasses.replace(SMALL, shape=(400, 400), mix=mix, counts=RARE, artefacts=None)
    n_several = 0
    for seed in range(8):
        field = sky(seed)
        assert set(field.peaks['parent_id']) == set(field.truth['id'])
        for row in field.truth:
            own = field.peaks[field.peaks['parent_id'] == row['id']]
            assert own['peak_flux'][0].value == pytest.approx(row['peak_flux'].value, rel=1e-3)
            n_several += len(own) > 1
            assert len(own) == 1 or row['kind'] in ('double', 'bent')
            for peak in own:
                x, y = round(peak['x_peak']), round(peak['y_peak'])
                if 4 < x < 395 and 4 < y < 395 and peak['light_share'] > 0.99:
                    around = field.clean[y - 1:y + 2, x - 1:x + 2]
                    assert around.max() < 1.02 * field.clean[y, x]
    assert n_several > 5


def test_bright_sources_are_the_more_often_radio_galaxies():
    snr = np.repeat([5.0, 50.0], 20_000)
    mix = SourceMix(gaussian=0.2, double=0.1, bent=0.05, diffuse=0.05, bright=3.0)
    kind = mix.choose(np.random.default_rng(0), snr)
    faint, bright = (np.bincount(part, minlength=5) / 20_000 for part in np.split(kind, 2))
    assert_allclose(faint, [0.2, 0.1, 0.05, 0.05, 0.6], atol=0.015)
    assert_allclose(bright, [0.2, 0.3, 0.15, 0.05, 0.3], atol=0.015)
