import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrofound.preprocess import TileGrid, TilingOptions
from astrofound.utils import InputError


@st.composite
def grids(draw):
    align = draw(st.sampled_from([1, 4, 16]))
    halo = align * draw(st.integers(0, 3))
    shape = tuple(2 * halo + align * draw(st.integers(1, 5)) for _ in range(2))
    frame = draw(st.tuples(st.integers(1, 150), st.integers(1, 150)))
    return TileGrid(frame, TilingOptions(shape=shape, halo=halo, align=align))


@given(grids())
def test_cores_partition_the_frame(grid):
    count = np.zeros(grid.shape, int)
    for tile in grid:
        count[tile.core] += 1
    assert (count == 1).all()


@given(grids())
def test_padded_is_core_and_halo_inside_the_frame(grid):
    options = grid.options
    for index, tile in enumerate(grid):
        assert tile.index == index
        for axis in range(2):
            core, padded = tile.core[axis], tile.padded[axis]
            assert padded.start == max(0, core.start - options.halo)
            assert padded.stop == min(grid.shape[axis], core.stop + options.halo)
            assert padded.stop - padded.start <= options.shape[axis]
            assert core.start % options.align == 0
            assert padded.start % options.align == 0


@given(grids(), st.sampled_from([(), (2,), (1, 3)]))
def test_stitch_inverts_split(grid, leading):
    data = np.random.default_rng(0).normal(size=(*leading, *grid.shape)).astype('f4')
    np.testing.assert_array_equal(grid.stitch(grid.split(data)), data)


@given(grids())
def test_split_inverts_stitch_on_cores(grid):
    tiles = grid.split(np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape))
    again = grid.split(grid.stitch(tiles))
    for one, two in zip(tiles, again, strict=True):
        np.testing.assert_array_equal(one, two)


def test_halo_too_large():
    with pytest.raises(InputError, match="'halo' must be smaller than half the tile side 64"):
        TilingOptions(shape=(64, 64), halo=32)


@pytest.mark.parametrize('options', [{'shape': (100, 64)}, {'shape': (256, 256), 'halo': 20}])
def test_not_aligned(options):
    with pytest.raises(InputError, match='must be a multiple of align=16'):
        TilingOptions(**{'halo': 16, **options})


@pytest.mark.parametrize('shape', [512, (512,), 'ab', (512, 0), (51.2, 64)])
def test_bad_tile_shape(shape):
    with pytest.raises(InputError, match="'shape' must be"):
        TilingOptions(shape=shape, halo=0)


@pytest.mark.parametrize('shape', [(0, 4), (4,), (4, 4, 4)])
def test_bad_frame(shape):
    with pytest.raises(InputError, match="'shape' must be two lengths"):
        TileGrid(shape)


def test_wrong_pieces_are_refused():
    grid = TileGrid((100, 90), TilingOptions(shape=(64, 64), halo=16))
    tiles = grid.split(np.zeros(grid.shape))
    with pytest.raises(InputError, match='data must end in the shape'):
        grid.split(np.zeros((90, 100)))
    with pytest.raises(InputError, match='tile 0 must end in the shape'):
        grid.stitch([tiles[1][1:], *tiles[1:]])
    with pytest.raises(ValueError, match='shorter'):
        grid.stitch(tiles[:-1])


def test_indexing():
    grid = TileGrid((100, 90), TilingOptions(shape=(64, 64), halo=16))
    assert grid[-1] == list(grid)[-1]
    assert len(list(grid)) == len(grid) == 4 * 3
    with pytest.raises(IndexError):
        grid[len(grid)]
