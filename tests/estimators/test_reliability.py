import numpy as np
import pytest

from astrofound.estimators import score_cut


def test_what_is_kept_is_expected_to_be_as_reliable_as_asked():
    rng = np.random.default_rng(1)
    score = rng.beta(0.4, 0.4, 500)
    for reliability in (0.5, 0.8, 0.95, 0.99):
        cut = score_cut(score, reliability)
        assert score[score >= cut].mean() >= reliability - 1e-9
        # one more would be too many
        below = np.sort(score[score < cut])[-1:]
        assert np.append(score[score >= cut], below).mean() < reliability


def test_a_calibrated_score_gives_the_reliability():
    rng = np.random.default_rng(2)
    score = rng.beta(0.3, 0.6, 200_000)
    real = rng.random(len(score)) < score
    kept = score >= score_cut(score, 0.95)
    assert real[kept].mean() == pytest.approx(0.95, abs=0.005)


def test_an_empty_field_gets_a_stricter_cut_than_a_full_one():
    doubtful = [0.6, 0.5, 0.3]
    assert score_cut([*[1.0] * 50, *doubtful], 0.95) < score_cut([1.0, *doubtful], 0.95)


def test_equal_scores_stay_together():
    assert score_cut([1.0] + 5 * [0.9], 0.95) == 1.0
    assert score_cut([1.0] + 5 * [0.9], 0.91) == 0.9


def test_a_single_likely_source_is_listed():
    assert score_cut([0.8, 0.2], 0.95) == 0.8
    assert score_cut([0.6, 0.2], 0.95) == np.inf


@pytest.mark.parametrize('score', [[], [0.2, 0.1]])
def test_nothing_may_be_kept(score):
    assert score_cut(score, 0.95) == np.inf


def test_asking_for_nothing_keeps_everything():
    assert score_cut([0.5, 0.0], 0) == 0
