import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torchvision.models.detection.image_list import ImageList

from astrofound.networks import AnchorPlan, best_iou, fit_anchors, usual_anchors
from astrofound.networks.anchors import PlannedAnchors
from astrofound.utils import InputError

STRIDES = (4, 8, 16, 32)


def test_fitted_anchors_overlap_small_sources_where_the_usual_do_not():
    sides = np.random.default_rng(0).uniform(14, 18, (300, 2))  # PAPER, lever 2
    usual = best_iou(sides, usual_anchors(5), (*STRIDES, 64))
    fitted = best_iou(sides, fit_anchors(sides, STRIDES), STRIDES)
    assert np.median(usual) < 0.3
    assert (usual >= 0.5).mean() < 0.05
    assert np.median(fitted) > 0.7
    assert (fitted >= 0.5).mean() > 0.95


def test_levels_follow_the_sizes():
    rng = np.random.default_rng(1)
    both = np.concatenate([rng.uniform(10, 14, (50, 2)), rng.uniform(40, 60, (50, 2))])
    assert fit_anchors(both, STRIDES).levels == (0, 1)
    assert fit_anchors(rng.uniform(300, 400, (50, 2)), STRIDES).levels == (3,)


def test_each_shape_counts_lying_and_standing():
    sides = np.stack([np.full(50, 30.0), np.full(50, 10.0)], axis=1)
    (shapes,) = fit_anchors(sides, STRIDES, n_anchors=2).shapes
    assert set(shapes) == {(30.0, 10.0), (10.0, 30.0)}


def test_no_boxes():
    with pytest.raises(InputError, match='not one box with an area'):
        fit_anchors([[0, 5]], STRIDES)


def test_plan_has_equally_many_anchors_a_level():
    with pytest.raises(InputError, match='equally many'):
        AnchorPlan((0, 1), (((4, 4),), ((8, 8), (9, 9))))


def test_strides_of_a_patch_of_fourteen_are_not_rounded():
    generator = PlannedAnchors(AnchorPlan((0,), (((6, 4),),)))
    images = ImageList(torch.zeros(1, 1, 56, 56), [(56, 56)])
    (anchors,) = generator(images, [torch.zeros(1, 1, 16, 16)])  # stride 3.5
    centres = 0.5 * (anchors[:, :2] + anchors[:, 2:])
    assert_allclose(centres[0], [1.75, 1.75])
    assert_allclose(centres[-1], [54.25, 54.25])
    assert_allclose(anchors[0], [-1.25, -0.25, 4.75, 3.75])
