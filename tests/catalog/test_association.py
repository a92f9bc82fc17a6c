import numpy as np
import pytest

from astrofound.catalog import Detections, associate, boxes_around, group_parts

POINT, EXTENDED, MULTI = 0, 1, 2
FWHM = 4.0


def parts(*rows):
    """Rows of x, y, middle x, middle y, half side, class, score: what a network says of each."""
    x, y, middle_x, middle_y, half, code, score = np.array(rows, float).T
    return Detections(x, y, boxes_around(middle_x, middle_y, half), score, code)


def double(x=100, y=50, arm=20, error=0.0, score=0.9):
    """Two lobes that point at their middle, one of them with an error."""
    return [(x - arm, y, x + error, y, arm + 4, MULTI, score),
            (x + arm, y, x, y, arm + 4, MULTI, 0.5 * score)]


def test_two_lobes_become_one_source_with_two_parts():
    found = associate(parts(*double()), fwhm_pix=FWHM)
    np.testing.assert_array_equal(found.is_part, [False, True, True])
    np.testing.assert_array_equal(found.group, [1, 1, 1])
    assert (found.x[0], found.y[0], found.class_code[0]) == (100, 50, MULTI)
    assert found.score[0] == pytest.approx(0.9)
    np.testing.assert_allclose(found.x[1:], [80, 120])


def test_the_box_of_the_whole_holds_its_parts():
    rows = double()
    rows = [(*row[:4], 5, *row[5:]) for row in rows]  # boxes that are too small
    rows = [(*row[:2], row[0], row[1], *row[4:]) for row in rows]
    apart = associate(parts(*rows), fwhm_pix=FWHM)
    assert not apart.is_part.any()  # each says that the middle is at its own place
    whole = associate(parts(*double()), fwhm_pix=FWHM)
    assert whole.boxes[0, 0] <= 80
    assert whole.boxes[0, 2] >= 120


@pytest.mark.parametrize(('error', 'joined'), [(3, True), (8, True), (30, False)])
def test_guesses_may_err_with_the_distance(error, joined):
    assert associate(parts(*double(error=error)), fwhm_pix=FWHM).is_part.any() == joined


def test_two_doubles_side_by_side_stay_two():
    found = associate(parts(*double(y=50), *double(y=80)), fwhm_pix=FWHM)
    assert (~found.is_part).sum() == 2
    assert sorted(found.y[~found.is_part]) == [50, 80]


def test_points_stay_what_they_are():
    alone = parts((100, 50, 100, 50, 4, POINT, 0.8), (100, 60, 100, 60, 4, EXTENDED, 0.7))
    found = associate(alone, fwhm_pix=FWHM)
    np.testing.assert_array_equal(found.class_code, [POINT, EXTENDED])
    np.testing.assert_array_equal(found.boxes, alone.boxes)
    assert not found.group.any()


def test_a_lobe_without_its_partner_is_extended():
    found = associate(parts(double()[0]), fwhm_pix=FWHM)
    assert found.class_code.tolist() == [EXTENDED]
    np.testing.assert_allclose(found.boxes, boxes_around([80], [50], FWHM))


def test_two_guesses_at_one_lobe_are_no_double():
    row = double()[0]
    assert not group_parts(parts(row, (row[0] + 1, *row[1:])), fwhm_pix=FWHM).any()


def test_order_does_not_matter():
    rows = [*double(y=50), *double(y=80), (300, 300, 300, 300, 4, POINT, 0.5)]
    forward = group_parts(parts(*rows), fwhm_pix=FWHM)
    backward = group_parts(parts(*rows[::-1]), fwhm_pix=FWHM)[::-1]
    np.testing.assert_array_equal(np.equal.outer(forward, forward),
                                  np.equal.outer(backward, backward))


def test_nothing_comes_of_nothing():
    assert len(associate(Detections.empty(), fwhm_pix=FWHM)) == 0
