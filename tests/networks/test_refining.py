import numpy as np
import pytest
from numpy.testing import assert_allclose

from astrofound._kernels.windowed import windowed_moments
from astrofound.networks import BoxRefiner, fit_refiner


def gaussian(shape, x, y, sx, sy, peak=100.0):
    """Gaussian whose centre is given as edges are: 0 at the outer edge of the first pixel."""
    j, i = np.mgrid[:shape[0], :shape[1]] + 0.5
    return peak * np.exp(-0.5 * (((i - x) / sx)**2 + ((j - y) / sy)**2))


@pytest.mark.parametrize('position', [(20.0, 15.0), (20.37, 14.81)])
def test_moments_of_a_gaussian_are_its_own(position):
    data = gaussian((30, 40), *position, 2.1, 1.6)
    boxes = np.array([[17.0, 11.0, 24.0, 17.0]])
    (measured,) = windowed_moments(data.astype(np.float32), boxes, 12)
    assert_allclose(measured[:4], [*position, 2.1, 1.6], atol=0.02)
    assert measured[4] == pytest.approx(data.max(), rel=1e-6)


def test_blank_pixels_and_noise_give_no_moments():
    data = np.full((30, 30), np.nan, np.float32)
    boxes = np.array([[5.0, 5, 15, 15], [5, 5, 5, 15]])
    assert np.isnan(windowed_moments(data, boxes, 6)).all()


def make_pairs(n_images=12, *, error, seed=0):
    """Images, boxes with an error in pixels, and true boxes of 2 sigma to each side."""
    rng = np.random.default_rng(seed)
    images, boxes, truth = [], [], []
    for _ in range(n_images):
        data, true = rng.standard_normal((64, 64)), []
        for corner in ((16, 16), (48, 16), (16, 48), (48, 48)):
            x, y = corner + rng.uniform(-4, 4, 2)
            sx, sy = rng.uniform(1.5, 3.0, 2)
            data += gaussian(data.shape, x, y, sx, sy, rng.uniform(20, 100))
            true.append([x - 2 * sx, y - 2 * sy, x + 2 * sx, y + 2 * sy])
        images.append(data.astype(np.float32))
        truth.append(np.array(true))
        boxes.append(truth[-1] + error * rng.standard_normal((4, 4)))
    return images, boxes, truth


def mean_iou(first, second):
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    area = [(one[:, 2:] - one[:, :2]).prod(axis=1) for one in (first, second)]
    return (both / (area[0] + area[1] - both)).mean()


def test_refined_boxes_are_much_better():
    refiner = fit_refiner(*make_pairs(error=1.0))
    images, boxes, truth = make_pairs(error=1.0, seed=1)
    before = np.mean([mean_iou(*pair) for pair in zip(boxes, truth, strict=True)])
    after = np.mean([mean_iou(refiner(image, own), true) for image, own, true in
                     zip(images, boxes, truth, strict=True)])
    assert before < 0.75
    assert after > 0.9


def test_good_boxes_are_left_alone():
    images, boxes, truth = make_pairs(error=0.0)
    refiner = fit_refiner(images, boxes, truth)
    assert mean_iou(refiner(images[0], boxes[0]), truth[0]) > 0.99


def test_too_few_pairs_teach_nothing():
    images, boxes, truth = make_pairs(2, error=1.0)
    assert fit_refiner(images, boxes, truth) == BoxRefiner()
    assert fit_refiner([], [], []) == BoxRefiner()


def test_what_cannot_be_measured_keeps_its_box():
    refiner = BoxRefiner(centre=(1.0, 0.0), size=(0.0, 2.0, 0.0, 0.0, 0.0))
    boxes = np.array([[5.0, 5, 15, 15]])
    assert_allclose(refiner(np.full((30, 30), np.nan, np.float32), boxes), boxes)
    assert refiner(np.zeros((30, 30), np.float32), []).shape == (0, 4)
