import first_boxes
import numpy as np
import pytest

from astrofound.evaluation import BoxSet


def test_every_labelled_source_has_one_box(real_data):
    if not (real_data / 'first_rgz').is_dir():
        pytest.skip('no first_rgz')
    data = first_boxes.read_first(real_data / 'first_rgz')
    assert len(data) == 47
    assert data.n_boxes == 56
    for boxes in data.boxes:
        assert (boxes[:, 2:] - boxes[:, :2] >= 3).all()  # a beam
        apart = first_boxes.box_overlaps(boxes, boxes) - np.eye(len(boxes))
        assert (apart < 0.5).all()


def test_detectors_are_compared_on_the_images_that_all_have():
    truth = [BoxSet([[0, 0, 10, 10]], [label]) for label in (0, 0, 1)]
    right = [BoxSet(own.boxes, own.labels, [0.9]) for own in truth]
    wrong = BoxSet([[50, 50, 60, 60]], [0], [0.5])
    table = first_boxes.tabulate({'all': right, 'one fold': [right[0], wrong, None]}, truth, {})
    assert table['detector'].tolist() == ['all', 'all', 'one fold']
    assert table['n_images'].tolist() == [3, 2, 2]
    assert table['blind_50'].tolist() == pytest.approx([1.0, 1.0, 0.505], abs=0.01)
    assert table['1C-2P'][0] == pytest.approx(1.0)


def test_detections_without_classes_count_once():
    found = BoxSet([[0, 0, 10, 10], [1, 0, 10, 10], [30, 30, 40, 40]], [0, 1, 2], [0.5, 0.9, 0.1])
    blind = first_boxes.blind(found, suppressed=True)
    assert sorted(blind.scores.tolist()) == [0.1, 0.9]
    assert set(blind.labels) == {0}
