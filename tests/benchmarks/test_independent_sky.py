import importlib.util
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.wcs import WCS

from astrofound.evaluation import score_truth

SOURCE = Path(__file__).resolve().parents[2] / 'benchmarks' / 'independent_sky.py'


@pytest.fixture(scope='module')
def simulator():
    spec = importlib.util.spec_from_file_location('independent_sky', SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def radio(simulator):
    return simulator.make_radio((700, 700), seed=4)


@pytest.fixture(scope='module')
def optical(simulator):
    return simulator.make_optical((400, 400), seed=4)


def test_same_seed_same_sky(simulator, radio):
    again = simulator.make_radio((700, 700), seed=4)
    np.testing.assert_array_equal(radio.data, again.data)
    assert not np.array_equal(radio.data, simulator.make_radio((700, 700), seed=5).data,
                              equal_nan=True)


def test_field_is_a_circle(radio):
    assert np.isnan(radio.data[0, 0])
    assert np.isfinite(radio.data[350, 350])
    blank = np.isnan(radio.data).mean()
    assert blank == pytest.approx(1 - np.pi / 4 * 0.98 ** 2, abs=0.01)
    middle, edge = radio.rms[340:360, 340:360].mean(), radio.rms[345:355, 10:20].mean()
    assert edge > 1.5 * middle


def test_noise_is_correlated_like_the_beam(simulator):
    cov = simulator.covariance(*simulator.RADIO_BEAM)
    noise = simulator.correlated_noise(np.random.default_rng(0), (512, 512), cov)
    assert noise.std() == pytest.approx(1, rel=1e-3)
    for dy, dx in ((0, 2), (2, 0), (2, 2)):
        form = (cov[2] * dx ** 2 - 2 * cov[1] * dx * dy + cov[0] * dy ** 2)
        beam = np.exp(-0.5 * form / (cov[0] * cov[2] - cov[1] ** 2))
        shifted = np.roll(noise, (dy, dx), (0, 1))
        assert (noise * shifted).mean() == pytest.approx(beam, abs=0.03)


def test_bright_points_have_their_peak(radio):
    truth = radio.truth
    bright = truth[(truth['kind'] == 'point') & (truth['snr'] > 15)]
    assert len(bright)
    for row in bright:
        x, y = round(float(row['x_centroid'])), round(float(row['y_centroid']))
        top = np.nanmax(radio.data[y - 1:y + 2, x - 1:x + 2])
        assert top == pytest.approx(row['peak_flux'].value, rel=0.35)
        assert row['flux'].value == pytest.approx(row['peak_flux'].value, rel=1e-6)


def test_truth_has_the_columns_and_positions(radio, optical):
    for sky in (radio, optical):
        assert {'id', 'ra', 'dec', 'flux', 'peak_flux', 'major', 'minor', 'pa_sky', 'class_name',
                'kind', 'n_components', 'snr'} <= set(sky.truth.colnames)
        x, y = WCS(sky.header).world_to_pixel_values(sky.truth['ra'].value,
                                                     sky.truth['dec'].value)
        np.testing.assert_allclose(x, sky.truth['x_centroid'], atol=1e-6)
        np.testing.assert_allclose(y, sky.truth['y_centroid'], atol=1e-6)
        assert set(sky.truth['class_name']) <= {'point', 'extended', 'multi'}


def test_truth_found_at_its_own_positions_is_perfect(radio):
    score = score_truth(radio.truth, radio.truth, rank_column='snr')
    assert score.reliability > 0.99
    assert score.completeness > 0.97    # sources that hide behind another one


def test_matched_signal_to_noise(radio):
    points = radio.truth[radio.truth['kind'] == 'point']
    np.testing.assert_allclose(points['snr'], points['snr_matched'])
    other = radio.truth[radio.truth['kind'] == 'diffuse']
    assert (other['snr_matched'] > other['snr']).all()


def test_stars_hold_their_flux(simulator):
    stamp = simulator.moffat(301, 150, 150)
    assert stamp.sum() == pytest.approx(1, abs=0.01)
    half = np.abs(np.arange(301) - 150)[stamp[150] >= 0.5 * stamp.max()]
    assert half.max() == pytest.approx(simulator.OPTICAL_FWHM / 2, abs=0.8)


def test_saturated_stars_are_clipped(optical, simulator):
    full = simulator.OPTICAL_FULL_WELL
    assert optical.data.max() == full
    image = np.zeros((101, 101))
    image[50, 50], image[50, 51] = 20 * full, 0.5 * full
    simulator.bleed(image)
    assert image.max() == full
    # the charge runs along the column
    assert (image[40:61, 50] == full).sum() > 10
    assert (image == full).sum() == (image[:, 50] == full).sum()


def test_written_files_come_back(radio, tmp_path):
    radio.write(tmp_path / 'sky.fits')
    truth = QTable.read(tmp_path / 'sky_truth.fits', hdu='TRUTH')
    assert len(truth) == len(radio.truth)
    assert truth['flux'].unit == u.Jy
    assert len(QTable.read(tmp_path / 'sky_truth.fits', hdu='COMPONENTS')) >= len(truth)
