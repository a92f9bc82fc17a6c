import numpy as np
import pytest

from astrofound.evaluation import BoxSet, box_rates, published_boxes
from astrofound.utils import InputError

TRUTH = BoxSet([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 60, 60]], [0, 0, 0],
               ignored=[0, 0, 1], snr=[6, 60, 60])
FOUND = BoxSet([[0, 0, 10, 9], [70, 70, 80, 80], [45, 45, 50, 50], [20, 20, 30, 30]], [0] * 4,
               [0.9, 0.8, 0.7, 0.4], snr=[6, 6, 50, 60])


def test_counts_by_hand():
    rates = box_rates([FOUND], [TRUTH], edges=(5, 10, 100))
    assert rates['n_true'].tolist() == [1, 1]
    assert rates['completeness'].tolist() == [1, 0]  # the second was found, but too unsure
    assert rates['n_found'].tolist() == [2, 0]  # one right, one wrong; one ignored
    assert rates['reliability'][0] == 0.5
    assert np.isnan(rates['reliability'][1])
    sure = box_rates([FOUND], [TRUTH], edges=(5, 10, 100), score_min=0.3)
    assert sure['completeness'].tolist() == [1, 1]


def test_the_papers_figures():
    table = published_boxes('rgz')
    assert len(table) == 10
    assert table['tuned'].max() == 0.73
    assert table['map_90'][0] == 0.079
    with pytest.raises(InputError, match='data set'):
        published_boxes('first')
