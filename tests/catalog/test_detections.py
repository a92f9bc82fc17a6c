import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.catalog import (
    Detections,
    box_centres,
    box_window,
    boxes_around,
    edges_to_inclusive,
    inclusive_to_edges,
)


def test_defaults_and_dtypes():
    found = Detections([1, 2], [3, 4], [[0, 0, 3, 3], [0, 0, 4, 4]])
    assert found.score.tolist() == [1, 1]
    assert found.class_code.dtype == np.int8
    assert found.x.dtype == found.boxes.dtype == np.float64


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="'boxes' must hold 2 detections"):
        Detections([1, 2], [3, 4], [[0, 0, 3, 3]])


def test_select_and_concatenate():
    found = Detections([1, 2, 3], [3, 4, 5], np.zeros((3, 4)), score=[0.1, 0.2, 0.3])
    parts = [found.select([2]), found.select(slice(0, 2)), Detections.empty()]
    assert Detections.concatenate(parts).x.tolist() == [3, 1, 2]
    assert len(Detections.concatenate([])) == 0


def test_box_round_trips():
    x, y = np.array([0.0, 7.25]), np.array([3.5, 1.0])
    assert_allclose(box_centres(boxes_around(x, y, 4.0, 3.0)), (x, y))
    limits = ([0, 3], [0, 9], [2, 4], [2, 5])
    assert_array_equal(edges_to_inclusive(inclusive_to_edges(*limits), (20, 20)), limits)


def test_first_pixel_spans_its_box():
    assert_array_equal(edges_to_inclusive([[0, 0, 1, 1]], (5, 5)), np.zeros((4, 1)))
    assert_allclose(boxes_around([0], [0], 0.5), [[0, 0, 1, 1]])


@pytest.mark.parametrize('box', [(-9, -9, -3, -3), (2, 2, 2, 2), (90, 1, 99, 2),
                                 (-5, -5, 50, 50), (np.nan,) * 4])
def test_windows_stay_inside(box):
    rows, columns = box_window(box, (10, 12), pad=1)
    assert 0 <= rows.start < rows.stop <= 10
    assert 0 <= columns.start < columns.stop <= 12
