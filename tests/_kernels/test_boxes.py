import numpy as np
import pytest

from astrofound._kernels.boxes import overlap_lists


def all_pairs(queries, targets):
    """NumPy twin of the kernel."""
    q, t = queries[:, None], targets[None]
    hit = ((t[..., 0] <= q[..., 2]) & (t[..., 2] >= q[..., 0])
           & (t[..., 1] <= q[..., 3]) & (t[..., 3] >= q[..., 1]))
    return [np.flatnonzero(row) for row in hit]


@pytest.mark.parametrize(('n', 'm', 'spread'), [(200, 300, 100), (50, 1, 10), (1, 50, 1),
                                                (100, 100, 1e6), (80, 80, 0.0)])
def test_overlaps_like_brute_force(n, m, spread):
    rng = np.random.default_rng(n)

    def boxes(k):
        low = rng.uniform(-spread, spread, (k, 2))
        side = rng.uniform(0, 10, (k, 2)) * np.where(rng.random((k, 1)) < 0.03, 20, 1)
        return np.hstack([low, low + side])

    queries, targets = boxes(n), boxes(m)
    first, index = overlap_lists(queries, targets)
    for k, expected in enumerate(all_pairs(queries, targets)):
        np.testing.assert_array_equal(index[first[k]:first[k + 1]], expected)


def test_no_boxes():
    none, one = np.empty((0, 4)), np.ones((1, 4))
    assert overlap_lists(none, one)[0].tolist() == [0]
    assert overlap_lists(one, none)[0].tolist() == [0, 0]
