import numpy as np
import pytest

from astrofound.networks.decoding import unfold_vector
from astrofound.training import SourceLabels, encode_targets
from astrofound.training.augment import orient, random_crop
from astrofound.training.fields import TrainingField


def labels(*rows, middle=None):
    """Rows of (x, y, width, height, class, snr); by default each at the middle of its source."""
    x, y, width, height, code, snr = map(np.array, zip(*rows, strict=True))
    size = np.stack([width, height], axis=1)
    middle = np.stack([x, y], axis=1) if middle is None else np.array(middle)
    return SourceLabels(x.astype(float), y.astype(float), middle.astype(float),
                        size.astype(float), code.astype(int), snr.astype(float),
                        np.arange(len(x)))


VALID = np.ones((64, 64), bool)


def test_centre_cell_is_one_and_knows_its_source():
    targets = encode_targets(labels((21.3, 40.1, 8, 12, 2, 20)), VALID)
    row, column = np.unravel_index(targets.heat.argmax(), targets.heat.shape)
    assert targets.heat.max() == 1
    assert (row, column) == (20, 10)
    # cell 10 is centred on pixel 20.5
    np.testing.assert_allclose(targets.offset[:, row, column], [0.4, -0.2], atol=1e-6)
    np.testing.assert_allclose(np.exp(targets.size[:, row, column]), [4, 6], rtol=1e-6)
    assert targets.class_code[row, column] == 2


def test_a_part_points_at_the_middle_of_its_source():
    targets = encode_targets(labels((21, 40, 30, 8, 2, 20), middle=[(33, 40)]), VALID)
    row, column = np.unravel_index(targets.heat.argmax(), targets.heat.shape)
    # 12 pixels are 6 cells
    np.testing.assert_allclose(unfold_vector(targets.whole[:, row, column]), [6, 0], atol=1e-5)


def test_brighter_source_owns_the_shared_cell():
    targets = encode_targets(labels((21, 40, 8, 8, 0, 20), (21, 40, 8, 8, 2, 50)), VALID)
    assert targets.class_code[20, 10] == 2


@pytest.mark.parametrize(('snr', 'heat', 'trust'), [(1, 0, 1), (2, 0, 0), (4, 1, 1)])
def test_faint_sources_are_noise_open_or_demanded(snr, heat, trust):
    targets = encode_targets(labels((21, 40, 8, 8, 0, snr)), VALID)
    assert targets.heat[20, 10] == heat
    assert targets.trust[20, 10] == trust


def test_blank_cells_are_not_trusted():
    valid = VALID.copy()
    valid[10, 10] = False
    targets = encode_targets(labels((21, 40, 8, 8, 0, 20)), valid)
    assert targets.trust[5, 5] == 0
    assert targets.trust.sum() == 32 * 32 - 1


def test_sources_outside_the_crop_leave_no_trace():
    targets = encode_targets(labels((-30, 40, 8, 8, 0, 20), (500, 500, 8, 8, 0, 20)), VALID)
    assert targets.heat.max() == 0


@pytest.mark.parametrize('turn', range(8))
def test_orientation_moves_image_and_labels_together(turn):
    image = np.zeros((20, 30))
    image[4, 11] = 1
    turned, moved = orient(image, labels((11, 4, 3, 5, 0, 9), middle=[(14, 4)]), turn)
    y, x = np.unravel_index(turned.argmax(), turned.shape)
    assert (moved.x[0], moved.y[0]) == (x, y)
    away = moved.middle[0] - (x, y)
    assert tuple(np.abs(away)) == ((0, 3) if turn & 4 else (3, 0))
    assert away.sum() == (-3 if turn & 1 else 3)
    assert tuple(moved.size[0]) == ((5, 3) if turn & 4 else (3, 5))


def test_crop_of_a_small_field_is_padded_with_blank_sky():
    field = TrainingField(np.ones((40, 50), np.float32), labels((5, 6, 8, 8, 0, 9)), 'radio')
    crop, moved = random_crop(field, 64, np.random.default_rng(0))
    assert crop.shape == (64, 64)
    assert np.isfinite(crop).sum() == 40 * 50
    assert np.isfinite(crop[int(moved.y[0]), int(moved.x[0])])
