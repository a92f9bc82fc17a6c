import numpy as np
import pytest

from astrofound.catalog import Detections, associate, boxes_around

POINT, EXTENDED, MULTI = 0, 1, 2
FWHM = 4.0
NONE = ((), ())


def parts(*rows):
    """Rows of x, y, middle x, middle y, half side, class, score: what a network says of each."""
    x, y, middle_x, middle_y, half, code, score = np.array(rows, float).T
    return Detections(x, y, boxes_around(middle_x, middle_y, half), score, code)


def double(x=100, y=50, arm=20, code=MULTI, score=0.9):
    """Two lobes; of class ``multi`` they carry the box of the whole, else their own."""
    several = code == MULTI
    return [(x + side * arm, y, x if several else x + side * arm, y, arm + 4 if several else 3,
             code, share * score) for side, share in ((-1, 1), (1, 0.5))]


def test_two_lobes_become_one_source_with_two_parts():
    found = associate(parts(*double()), [0], [1], fwhm_pix=FWHM)
    np.testing.assert_array_equal(found.is_part, [False, True, True])
    np.testing.assert_array_equal(found.group, [1, 1, 1])
    assert (found.x[0], found.y[0], found.class_code[0]) == (100, 50, MULTI)
    assert found.score[0] == pytest.approx(0.9)
    np.testing.assert_allclose(found.x[1:], [80, 120])


@pytest.mark.parametrize('code', [POINT, EXTENDED])
def test_parts_that_do_not_know_of_each_other_can_be_joined(code):
    found = associate(parts(*double(code=code)), [0], [1], fwhm_pix=FWHM)
    assert found.class_code[0] == MULTI
    np.testing.assert_allclose(found.boxes[0], [77.5, 47.5, 123.5, 53.5])  # that of both


def test_the_box_of_the_whole_holds_its_parts():
    rows = [(*row[:4], 5, *row[5:]) for row in double()]  # guesses that are too small
    found = associate(parts(*rows), [0], [1], fwhm_pix=FWHM)
    assert found.boxes[0, 0] <= 80
    assert found.boxes[0, 2] >= 120


def test_two_doubles_side_by_side_stay_two():
    found = associate(parts(*double(y=50), *double(y=80)), [0, 2], [1, 3], fwhm_pix=FWHM)
    assert (~found.is_part).sum() == 2
    assert sorted(found.y[~found.is_part]) == [50, 80]


def test_all_that_hangs_together_is_one():
    row = (100, 50, 100, 50, 3, POINT, 0.4)
    found = associate(parts(*double(), row), [0, 1], [2, 2], fwhm_pix=FWHM)
    assert (~found.is_part).sum() == 1
    assert found.is_part.sum() == 3


def test_points_stay_what_they_are():
    alone = parts((100, 50, 100, 50, 4, POINT, 0.8), (100, 60, 100, 60, 4, EXTENDED, 0.7))
    found = associate(alone, *NONE, fwhm_pix=FWHM)
    np.testing.assert_array_equal(found.class_code, [POINT, EXTENDED])
    np.testing.assert_array_equal(found.boxes, alone.boxes)
    assert not found.group.any()


def test_a_lobe_without_its_partner_is_extended():
    found = associate(parts(*double()), *NONE, fwhm_pix=FWHM)
    assert found.class_code.tolist() == [EXTENDED, EXTENDED]
    np.testing.assert_allclose(found.boxes[0], boxes_around([80], [50], FWHM)[0])


def test_two_guesses_at_one_lobe_are_no_double():
    row = double()[0]
    found = associate(parts(row, (row[0] + 1, *row[1:])), [0], [1], fwhm_pix=FWHM)
    assert not found.group.any()


def test_order_does_not_matter():
    rows = [*double(y=50), *double(y=80), (300, 300, 300, 300, 4, POINT, 0.5)]
    forward = associate(parts(*rows), [0, 2], [1, 3], fwhm_pix=FWHM)
    backward = associate(parts(*rows[::-1]), [4, 1], [3, 2], fwhm_pix=FWHM)
    for found in (forward, backward):
        order = np.lexsort((found.x, found.y))
        np.testing.assert_array_equal(found.y[order], [50, 50, 50, 80, 80, 80, 300])
        assert len(set(found.group[order][:3])) == len(set(found.group[order][3:6])) == 1


def test_nothing_comes_of_nothing():
    assert len(associate(Detections.empty(), *NONE, fwhm_pix=FWHM)) == 0
