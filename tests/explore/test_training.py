import json

import pytest

from astrofound.explore.training import plot_box_training

TERMS = {'rcnn': ('loss_objectness', 'loss_rpn_box_reg', 'loss_classifier', 'loss_box_reg'),
         'query': ('loss_classes', 'loss_boxes', 'loss_overlap')}


@pytest.mark.parametrize(('head', 'labels'), [
    ('rcnn', ['sum', 'proposals', 'classes', 'boxes']),
    ('query', ['sum', 'classes', 'boxes', 'overlap']),
])
def test_terms_of_the_loss_of_each_head(head, labels, tmp_path):
    entries = [{'epoch': epoch, 'loss': 3.0 / epoch, **dict.fromkeys(TERMS[head], 1.0 / epoch),
                'map_50': 0.4, 'map_70': 0.2} for epoch in (1, 2)]
    (tmp_path / 'history.jsonl').write_text('\n'.join(map(json.dumps, entries)))
    figure = plot_box_training(tmp_path / 'history.jsonl', path=tmp_path / 'history.png')
    losses, merits = figure.axes
    assert [line.get_label() for line in losses.lines] == labels
    figure.draw_without_rendering()
    assert losses.get_legend().get_window_extent().y0 >= losses.get_window_extent().y1
    assert [line.get_label() for line in merits.lines] == ['mAP@50', 'mAP@70']
    assert (tmp_path / 'history.png').stat().st_size > 0
