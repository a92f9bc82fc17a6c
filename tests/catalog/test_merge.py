import time

import numpy as np
import pytest

from astrofound.catalog import Detections, boxes_around, suppress
from astrofound.utils import InputError

POINT, EXTENDED, MULTI = 0, 1, 2


def detections(*rows):
    """Rows of x, y, half side, score, class."""
    x, y, half, score, code = np.array(rows, dtype=float).T
    return Detections(x, y, boxes_around(x, y, half), score, code)


def test_duplicates_become_one():
    found = suppress(detections((10, 10, 4, 0.8, POINT), (10.8, 10.3, 4, 0.9, POINT),
                                (30, 10, 4, 0.7, POINT)), fwhm_pix=4)
    assert found.score == pytest.approx([0.9, 0.7])


def test_close_neighbours_stay_apart():
    found = suppress(detections((10, 10, 4, 0.9, POINT), (14, 10, 4, 0.8, POINT)), fwhm_pix=4)
    assert len(found) == 2


@pytest.mark.parametrize('score', [0.5, 0.95])
def test_point_beside_extended_survives(score):
    found = suppress(detections((50, 50, 20, 0.9, EXTENDED), (60, 55, 4, score, POINT)),
                     fwhm_pix=4)
    assert len(found) == 2


def test_two_views_of_one_extended_source():
    found = suppress(detections((50, 50, 20, 0.9, EXTENDED), (58, 50, 15, 0.8, EXTENDED)),
                     fwhm_pix=4)
    assert len(found) == 1


def test_extended_and_multi_of_one_source():
    found = suppress(detections((50, 50, 20, 0.9, EXTENDED), (52, 50, 18, 0.8, MULTI)),
                     fwhm_pix=4)
    assert len(found) == 1


def test_components_belong_to_their_multi():
    rows = [(50, 50, 20, 0.7, MULTI), (38, 50, 6, 0.8, POINT), (62, 50, 6, 0.6, EXTENDED),
            (50, 50, 4, 0.5, POINT), (85, 50, 4, 0.5, POINT)]
    found = suppress(detections(*rows), fwhm_pix=4)
    assert found.x.tolist() == [50, 85]
    assert found.class_code[0] == MULTI


def test_weak_multi_claims_nothing_strong():
    found = suppress(detections((50, 50, 20, 0.2, MULTI), (38, 50, 4, 0.9, POINT)), fwhm_pix=4)
    assert len(found) == 2


def test_any_order_same_result():
    rng = np.random.default_rng(3)
    n = 400
    x, y = rng.integers(0, 120, (2, n)).astype(float)
    score = rng.integers(1, 5, n) / 5  # many ties
    found = Detections(x, y, boxes_around(x, y, rng.integers(3, 9, n)), score,
                       rng.integers(0, 3, n))
    first = suppress(found, fwhm_pix=4)
    for _ in range(5):
        again = suppress(found.select(rng.permutation(n)), fwhm_pix=4)
        for name in ('x', 'y', 'boxes', 'score', 'class_code'):
            np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    twice = suppress(first, fwhm_pix=4)
    assert len(twice) == len(first)


def test_empty_and_nan():
    assert len(suppress(Detections.empty())) == 0
    found = suppress(detections((np.nan, 3, 4, 0.5, POINT), (5, 5, 4, np.nan, POINT)))
    assert len(found) == 0


def test_hundred_thousand_are_fast():
    rng = np.random.default_rng(4)
    n = 100_000
    x, y = rng.uniform(0, 20_000, (2, n))
    found = Detections(x, y, boxes_around(x, y, 4.0), rng.random(n))
    suppress(found.select(slice(10)), fwhm_pix=4)
    started = time.perf_counter()
    kept = suppress(found, fwhm_pix=4)
    assert time.perf_counter() - started < 3
    assert 0.9 * n < len(kept) < n


def test_bad_limits():
    with pytest.raises(InputError, match="'iou' must be a number"):
        suppress(Detections.empty(), iou=2)
