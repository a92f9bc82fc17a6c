import numpy as np
import pytest

from astrofound.training import MatchedCandidates, calibrate, figures_of_merit


def matched(real, logit, snr=10.0, n_demanded=None, peak=None):
    real, logit = np.asarray(real, bool), np.asarray(logit, float)
    return MatchedCandidates(
        logit=logit, real=real, on_source=real,
        peak_snr=np.full(len(real), 5.0) if peak is None else peak,
        snr=np.where(real, snr, np.nan), class_right=real, distance=np.where(real, 0.5, np.nan),
        n_demanded=n_demanded or int(real.sum()))


def test_perfect_detector():
    figures = figures_of_merit(matched([1, 1, 1, 0], [3, 2, 1, -1]))
    assert figures['f1'] == figures['completeness_95'] == 1
    assert figures['logit_cut'] == pytest.approx(1)


def test_faint_real_sources_are_neither_found_nor_false():
    figures = figures_of_merit(matched([1, 1, 1], [3, 2, 1], snr=np.array([9, 3, 9.0]),
                                       n_demanded=2))
    assert figures['f1'] == 1


def test_missed_sources_lower_completeness():
    figures = figures_of_merit(matched([1, 1], [3, 2], n_demanded=4))
    assert figures['completeness_95'] == 0.5
    assert figures['f1'] == pytest.approx(2 / 3)


def test_no_candidates():
    assert figures_of_merit(matched([], [], n_demanded=3))['f1'] == 0


def test_calibration_gives_the_share_of_real_ones():
    rng = np.random.default_rng(0)
    logit = rng.uniform(-4, 4, 20000)
    real = rng.random(20000) < 1 / (1 + np.exp(-2 * logit))  # overconfident raw score
    calibration = calibrate(matched(real, logit))
    assert (np.diff(calibration.probability) >= 0).all()
    for value in (-1.0, 0.0, 1.0):
        assert calibration([value], [5.0]) == pytest.approx(1 / (1 + np.exp(-2 * value)), abs=0.05)


def test_calibration_knows_that_a_doubtful_score_means_more_for_a_bright_source():
    rng = np.random.default_rng(0)
    logit, snr = rng.uniform(-3, 3, 40000), np.exp(rng.uniform(1, 5, 40000))
    real = rng.random(40000) < 1 / (1 + np.exp(-(logit + 2 * np.log(snr / 10))))
    calibration = calibrate(matched(real, logit, peak=snr))
    for value, bright, expected in ((-1, 10, 0.27), (-1, 30, 0.77), (1, 5, 0.40)):
        assert calibration([value], [bright]) == pytest.approx(expected, abs=0.06)
