import numpy as np
import pytest

from astrofound.evaluation import BoxSet, published_boxes, score_boxes
from astrofound.explore import plot_box_scores
from astrofound.utils import InputError


def test_difference_to_from_scratch_as_in_the_paper(tmp_path):
    table = published_boxes('mgcls')
    curves = {row['model']: [row[f'map_{10 * step}'] for step in range(1, 10)] for row in table
              if np.isfinite(row['map_50'])}
    boxes = BoxSet([[0, 0, 10, 10]], [0])
    curves['own'] = score_boxes([boxes], [boxes])
    figure = plot_box_scores(curves, reference='ViT-B from scratch', path=tmp_path / 'c1.png')
    above, below = figure.axes
    assert len(above.lines) == 4
    drawn = {line.get_label(): line.get_ydata() for line in below.lines}
    assert drawn['own'][6] == pytest.approx(1 - 0.437)
    assert (tmp_path / 'c1.png').stat().st_size


def test_reference_must_be_drawn():
    with pytest.raises(InputError, match="'reference' must be one of own"):
        plot_box_scores({'own': np.ones(9)}, reference='theirs')
