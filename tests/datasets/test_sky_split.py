import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS

from astrofound.datasets import BoxedImages, cut_tiles, split_sky
from astrofound.datasets.sky_split import shared_sky
from astrofound.image import SurveyImage
from astrofound.utils import InputError


def mosaic(shape, *, ra=10.0, turn=0.0):
    """An image whose pixels are numbers, with a WCS that may be turned."""
    cos, sin = np.cos(np.deg2rad(turn)) / 3600, np.sin(np.deg2rad(turn)) / 3600
    ny, nx = shape
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ['RA---SIN', 'DEC--SIN'], [ra, -30]
    wcs.wcs.crpix = [nx / 2 + 0.5, ny / 2 + 0.5]
    wcs.wcs.cd = [[-cos, sin], [sin, cos]]
    pixels = np.arange(ny * nx, dtype=float).reshape(shape)
    return SurveyImage(pixels, wcs=wcs, beam='4pix')


def tiles_of(image, side):
    ny, nx = image.shape
    y, x = (part.ravel() for part in np.mgrid[8:ny:16, 8:nx:16])
    return cut_tiles(image, Table({'x_centroid': x, 'y_centroid': y}), side=side)


def pixels_of(data):
    return set(np.concatenate([data.images[row].data.ravel() for row in range(len(data))]).tolist())


@pytest.mark.parametrize(('shape', 'side'), [((200, 300), 64), ((300, 90), 48), ((160, 160), 50)])
@pytest.mark.parametrize('seed', range(3))
def test_no_pixel_is_on_both_sides(shape, side, seed):
    data = tiles_of(mosaic(shape, turn=20 * seed), side)
    learn, held_out = split_sky(data, seed=seed)
    assert not pixels_of(learn) & pixels_of(held_out)
    assert len(held_out) == round(0.2 * len(data))
    assert len(learn) >= 0.4 * len(data)
    n_neither = len(data) - len(learn) - len(held_out)
    assert any(note.startswith(f'{n_neither} images left out') for note in learn.notes) == (
        n_neither > 0)


def test_whole_fields_are_held_out_where_there_are_several():
    images = [mosaic((40, 40), ra=ra, turn=turn) for ra in (10, 40, 70, 100, 130)
              for turn in (0, 45)]  # twice the same sky
    data = BoxedImages(images, [[[4, 4, 9, 9]]] * 10, [[0]] * 10, ['source'])
    for seed in range(5):
        learn, held_out = split_sky(data, 0.4, seed=seed)
        assert len(learn) == 6
        assert not learn.notes
        sky = [{round(image.wcs.celestial.wcs.crval[0]) for image in part.images}
               for part in (learn, held_out)]
        assert not sky[0] & sky[1]


def test_tiles_that_only_touch_share_nothing():
    data = tiles_of(mosaic((100, 150)), 50)
    pairs, _ = shared_sky([data.images[row] for row in range(len(data))])
    assert not len(pairs)
    assert len(split_sky(data, 0.5)[0]) == 3


def test_images_without_a_wcs_are_split_one_by_one():
    data = BoxedImages(np.zeros((10, 32, 32)), [[[4, 4, 9, 9]]] * 10, [[0]] * 10, ['source'])
    parts = [split_sky(data, 0.3, seed=seed) for seed in (0, 0, 1)]
    assert [len(part) for part in parts[0]] == [7, 3]
    names = [tuple(held_out.names) for _, held_out in parts]
    assert names[0] == names[1] != names[2]


def test_nothing_left_to_learn_from():
    images = [mosaic((40, 40), turn=turn) for turn in (0, 10, 20)]
    data = BoxedImages(images, [[[4, 4, 9, 9]]] * 3, [[0]] * 3, ['source'])
    with pytest.raises(InputError, match='every image shares sky with the held-out ones'):
        split_sky(data)
    with pytest.raises(InputError, match='at least two images'):
        split_sky(data.select([0]))
