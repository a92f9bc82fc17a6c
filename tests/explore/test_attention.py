import numpy as np
import pytest

from astrofound.backbones import AttentionMaps
from astrofound.datasets import make_field
from astrofound.estimators import FeatureExtractor
from astrofound.explore import plot_attention_blocks, plot_attention_contours


def hand_made(n_blocks=3, shape=(40, 56), peak=(1, 5)):
    maps = np.full((n_blocks, 2, 5, 7), 0.01, np.float32)
    maps[:, 0, peak[0]:peak[0] + 2, peak[1] - 1:peak[1] + 1] = 0.5
    maps[:, 1] += np.arange(35).reshape(5, 7) * 1e-3
    return AttentionMaps(maps, np.random.default_rng(0).random(shape), 8, 'cls', 'hand made')


def test_contour_lies_around_the_peak(tmp_path):
    figure = plot_attention_contours([hand_made()], heads=[0], path=tmp_path / 'a.png')
    ax = figure.axes[0]
    vertices = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    # four patches of 8 pixels meet at x = 39.5, y = 15.5
    assert np.abs(vertices.mean(axis=0) - [39.5, 15.5]).max() < 2


@pytest.mark.parametrize('percentile', [80, 90])
def test_contour_encloses_what_the_percentile_says(percentile):
    figure = plot_attention_contours([hand_made()], heads=[1], percentile=percentile)
    level = figure.axes[0].collections[0].levels[0]
    values = hand_made().maps[-1, 1]
    assert (values > level).mean() == pytest.approx(1 - percentile / 100, abs=0.03)


def test_flat_attention_has_no_contour():
    maps = hand_made()
    maps.maps[:] = 0.02
    figure = plot_attention_contours(maps, heads=[0, 1])
    assert not figure.axes[0].collections


def test_blocks_in_rows(tmp_path):
    figure = plot_attention_blocks([hand_made(), hand_made(2)], titles=['one', 'two'],
                                   path=tmp_path / 'b.png')
    assert len(figure.axes) == 2 * 4
    shown = figure.axes[1].images[0].get_array()
    np.testing.assert_allclose(shown, hand_made().maps[0].mean(axis=0))
    some = plot_attention_blocks(hand_made(), head=0, blocks=[0, -1])
    assert some.axes[2].get_title() == 'block 3'


def test_from_image_to_figure(tmp_path):
    image = make_field('radio', shape=(128, 128), seed=1).image
    extractor = FeatureExtractor('toy_dinov2', image_size=64)
    maps = extractor.attention([image, image.data])
    assert maps[0].maps.shape == (2, 3, 8, 8)
    assert maps[0].image.shape == (64, 64)
    figure = plot_attention_contours(maps[:1], heads=[0, 1, 2], image=image,
                                     path=tmp_path / 'c.png')
    assert figure.axes[0].get_xlim() == (-0.5, 127.5)
    assert hasattr(figure.axes[0], 'coords')  # celestial axes
    with pytest.raises(ValueError, match='has no attention'):
        FeatureExtractor('compact').attention(image)


@pytest.mark.parametrize(('options', 'message'), [
    ({'block': 3}, "'block' must be an integer of at least -3 and at most 2"),
    ({'heads': [2]}, "'head' must be"), ({'percentile': 101}, "'percentile' must be"),
    ({'image': [None, None]}, '2 images for 1 attention maps'),
])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        plot_attention_contours([hand_made()], **options)


def test_nothing_to_draw():
    with pytest.raises(ValueError, match='nothing to draw'):
        plot_attention_blocks([])
    with pytest.raises(ValueError, match="'head' must be"):
        plot_attention_blocks(hand_made(), head=7)
