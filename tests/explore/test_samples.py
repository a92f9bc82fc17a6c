"""Sample grids: balanced, boxed, with the raw image and its negative pixels."""

import numpy as np
import pytest

from astrofound.datasets import BoxedImages, LabelledImages
from astrofound.explore import plot_samples
from astrofound.utils import InputError


def labelled(n=12):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(n, 16, 16)).astype(np.float32)
    images[:, 8, 8] += 50
    return LabelledImages(images, ['a'] * (n - 2) + ['b', 'c'], source='numbers',
                          boxes=[[[7, 7, 10, 10]]] * n)


def boxed():
    images = np.random.default_rng(1).integers(0, 255, (3, 16, 16), np.uint8)
    return BoxedImages(images, [[[1, 1, 4, 4], [6, 6, 9, 12]], [], [[0, 0, 16, 16]]],
                       [[0, 0], [], [0]], ['a'], ignored=[[False, True], [], [False]])


def test_grid_of_two_sets(tmp_path):
    figure = plot_samples({'one': labelled(), 'two': boxed()}, n_samples=3,
                          path=tmp_path / 'samples.png')
    assert (tmp_path / 'samples.png').stat().st_size > 1000
    axes = np.array(figure.axes).reshape(2, 5)
    assert {ax.get_title() for ax in axes[0, :3]} == {'a', 'b', 'c'}  # one a class
    assert axes[0, 0].get_ylabel() == 'one'
    boxes = [len(ax.patches) for ax in axes[:, :3].ravel()]
    assert boxes == [1, 1, 1, 2, 0, 1]
    assert [patch.get_linestyle() for patch in axes[1, 0].patches] == ['-', '--']
    x, y = axes[0, 0].patches[0].get_xy()
    assert (x, y) == (6.5, 6.5)


def test_negative_pixels_have_their_colour():
    ax = plot_samples(labelled(), n_samples=1, raw=False).axes[-1]
    colours = {patch.get_facecolor() for patch in ax.patches}
    assert len(colours) == 2
    shown = sum(patch.get_height() for patch in ax.patches)
    assert shown == 256
    only_positive = plot_samples(boxed(), n_samples=1, raw=False).axes[-1]
    assert len({patch.get_facecolor() for patch in only_positive.patches}) == 1


def test_columns_can_be_left_out():
    assert len(plot_samples(labelled(), n_samples=2, raw=False, histogram=False).axes) == 2
    assert plot_samples(labelled(), boxes=False).axes[0].patches[:] == []
    assert len(plot_samples(boxed(), n_samples=8).axes) == 10  # fewer images than columns


def test_blank_image():
    data = LabelledImages(np.full((2, 8, 8), np.nan), ['a', 'b'])
    assert len(plot_samples(data, n_samples=2).axes) == 4


@pytest.mark.parametrize('data', [{}, 5, {'x': [1]}, labelled().select([])])
def test_nothing_to_draw(data):
    with pytest.raises(InputError, match="'data'"):
        plot_samples(data)
