import numpy as np
import pytest

from astrofound.datasets import ArtefactOptions, UVOptions
from astrofound.datasets.simulate import UVCoverage
from astrofound.datasets.simulate.artefacts import interferometer_artefacts

SHAPE = (240, 250)
BEAM = (4.0, 4.0, 0.0)
PERFECT = {'gain_error': 0.0, 'clean_threshold': 0.0}


@pytest.fixture(scope='module')
def coverage():
    return UVCoverage(UVOptions(hours=2.0), (256, 256), BEAM, np.random.default_rng(0))


def source(flux, x=120.3, y=110.8, size=0.0):
    values = {'x': x, 'y': y, 'flux': flux, 'major': size, 'minor': size, 'theta': 0.0}
    return {name: np.array([value], dtype=float) for name, value in values.items()}


def make(coverage, gaussians, seed=1, **options):
    return interferometer_artefacts(np.random.default_rng(seed), SHAPE, gaussians, BEAM, coverage,
                                    ArtefactOptions(**(PERFECT | options)))


def test_perfect_imaging_leaves_nothing(coverage):
    assert np.abs(make(coverage, source(1000.0))).max() < 1e-9


def test_what_is_not_deconvolved_keeps_its_sidelobes(coverage):
    left = make(coverage, source(50.0, x=120, y=110), clean_threshold=50.0)
    y, x = np.mgrid[:SHAPE[0], :SHAPE[1]]
    clean_beam = np.exp(-np.log(2) * ((x - 120) ** 2 + (y - 110) ** 2) / 4)
    dirty = np.roll(coverage.dirty_beam, (110, 120), (0, 1))[:SHAPE[0], :SHAPE[1]]
    np.testing.assert_allclose(left, 50 * (dirty - clean_beam), atol=0.05)


@pytest.mark.parametrize('name', ['gain_error', 'bad_baseline', 'rings', 'ghosts'])
@pytest.mark.parametrize('flux', [100.0, 1000.0])
def test_errors_scale_with_the_source(coverage, name, flux):
    pattern = make(coverage, source(flux), limit=1e9, **{name: 0.02})
    assert np.abs(pattern).max() == pytest.approx(0.02 * flux, rel=0.1)


def test_limit(coverage):
    pattern = make(coverage, source(1e5), gain_error=0.05, n_directions=1, limit=7.0)
    assert np.abs(pattern).max() < 14.1


def test_faint_sources_have_no_calibration_errors(coverage):
    assert not np.any(make(coverage, source(10.0), gain_error=0.05))


def test_missing_spacings_dig_a_bowl(coverage):
    bowl = make(coverage, source(1000.0, size=20.0), missing_spacings=0.1)
    assert bowl.min() < -1
    assert bowl[111, 120] == pytest.approx(bowl.min(), rel=0.2)


def test_bad_options():
    with pytest.raises(ValueError, match="'gain_error' must be a number of at least 0"):
        ArtefactOptions(gain_error=-0.1)
