import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound.evaluation import BoxSet, box_overlaps, match_boxes, score_boxes
from astrofound.utils import InputError

TRUTH = [BoxSet([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 0]), BoxSet([[0, 0, 10, 10]], [1])]
FOUND = [BoxSet([[0, 0, 10, 10], [50, 50, 60, 60], [20, 20, 30, 28]], [0, 0, 0], [0.9, 0.8, 0.7]),
         BoxSet([[0, 0, 10, 10]], [1], [0.5])]


def test_precision_computed_by_hand():
    # Right, wrong, right: precision 1 up to recall 1/2 (51 of 101 points), 2/3 beyond. At an
    # overlap of 0.9 the last, which is 0.8, is wrong too.
    scores = score_boxes(FOUND, TRUTH, classes=('a', 'b', 'c'))
    assert_allclose(scores.precision[:8, 0], (51 + 50 * 2 / 3) / 101, rtol=1e-6)
    assert_allclose(scores.precision[8, 0], 51 / 101, rtol=1e-6)
    assert_allclose(scores.precision[:, 1], 1)
    assert np.isnan(scores.precision[:, 2]).all()
    assert scores.at(0.5) == pytest.approx((1 + (51 + 50 * 2 / 3) / 101) / 2)
    figures = scores.to_dict()
    assert figures['map_90'] == pytest.approx(0.7525)
    assert figures['ap_50']['c'] is None


def test_ignored_regions_neither_reward_nor_punish():
    truth = [BoxSet([*TRUTH[0].boxes, [45, 45, 70, 70]], [0, 0, 0], ignored=[0, 0, 1]), TRUTH[1]]
    assert_allclose(score_boxes(FOUND, truth, classes=('a', 'b')).at(0.5), 1)
    assert match_boxes(FOUND[0], truth[0]).tolist() == [0, -2, 1]


def test_full_fields_are_not_cut_at_a_hundred():
    corners = np.stack([np.arange(150) * 20.0, np.zeros(150)], axis=1)
    full = BoxSet(np.concatenate([corners, corners + 10], axis=1), np.zeros(150))
    assert score_boxes([full], [full]).at(0.9) == pytest.approx(1)
    assert score_boxes([full], [full], max_detections=100).at(0.9) < 0.7


def test_nothing_found_and_nothing_there():
    none = BoxSet([], [])
    assert score_boxes([none], [TRUTH[0]]).at(0.5) == 0
    assert np.isnan(score_boxes([FOUND[0]], [none]).mean).all()


def test_surest_detection_takes_the_source():
    found = BoxSet([[0, 0, 10, 9], [0, 0, 10, 10]], [0, 0], [0.9, 0.5])
    assert match_boxes(found, TRUTH[1]).tolist() == [0, -1]


def test_overlaps():
    assert_allclose(box_overlaps([[0, 0, 2, 2]], [[1, 0, 3, 2], [0, 0, 2, 2], [5, 5, 5, 5]]),
                    [[1 / 3, 1, 0]])


def test_bad_input():
    with pytest.raises(InputError, match='equally many images'):
        score_boxes([FOUND[0]], TRUTH)
    with pytest.raises(InputError, match="'labels' must have one value for each of 1 boxes"):
        BoxSet([[0, 0, 1, 1]], [0, 0])
    with pytest.raises(InputError, match="'iou' must be one of"):
        score_boxes(FOUND, TRUTH, classes=('a', 'b')).at(0.55)
