import copy

import pytest
import torch

from astrofound.backbones import load_backbone
from astrofound.networks import FeaturePyramid
from astrofound.networks.windows import BlockWindows, global_blocks
from astrofound.utils import InputError


@pytest.mark.parametrize('name', ['toy_dinov2', 'toy_siglip2'])
@pytest.mark.parametrize('grid', [(4, 4), (5, 7), (2, 9)])
def test_windows_come_together_again(name, grid):
    backbone = load_backbone(name, pretrained=False)
    windows = BlockWindows(backbone, 4)
    windows.grid = grid
    tokens = torch.rand(2, backbone.spec.n_prefix + grid[0] * grid[1], 3)
    cut = windows.split(tokens)
    n_windows = -(-grid[0] // 4) * -(-grid[1] // 4)
    assert cut.shape == (2 * n_windows, backbone.spec.n_prefix + 16, 3)
    torch.testing.assert_close(windows.merge(cut), tokens)


@pytest.mark.parametrize('name', ['toy_dinov2', 'toy_siglip2'])
def test_tokens_see_their_own_window_only(name):
    backbone = load_backbone(name, pretrained=False)
    windows = BlockWindows(backbone, 4)
    windows.grid = (4, 8)
    n_prefix, block = backbone.spec.n_prefix, backbone.blocks[0]
    tokens = torch.rand(1, n_prefix + 32, backbone.spec.n_features, requires_grad=True)
    out = block(tokens)
    out = out[0] if isinstance(out, tuple) else out
    out[0, n_prefix:].reshape(4, 8, -1)[:, :4].sum().backward()
    seen = tokens.grad[0, n_prefix:].reshape(4, 8, -1).abs().sum(dim=2) > 0
    assert seen[:, :4].all()
    assert not seen[:, 4:].any()


def test_a_pyramid_with_windows_gives_other_maps_and_can_be_copied():
    images = torch.rand(1, 1, 64, 96)
    plain, windowed = (FeaturePyramid(load_backbone('toy_dinov2'), 8, window=window).eval()
                       for window in (0, 4))
    windowed.neck.load_state_dict(plain.neck.state_dict())
    one, two = plain(images)['0'], windowed(images)['0']
    assert one.shape == two.shape
    assert not torch.allclose(one, two)
    twin = copy.deepcopy(windowed)
    windowed.windows.grid = (1, 1)  # the copy must not look at the original
    torch.testing.assert_close(twin(images)['0'], two)


def test_convolutional_networks_have_no_use_for_windows():
    assert FeaturePyramid(load_backbone('toy_resnet'), 8, window=14).windows is None


def test_positions_handed_to_blocks_cannot_be_cut():
    pyramid = FeaturePyramid(load_backbone('toy_dinov3'), 8, window=2)
    with pytest.raises(InputError, match='hands positions to its blocks'):
        pyramid(torch.rand(1, 1, 64, 64))


def test_global_blocks_are_evenly_spread():
    assert global_blocks(12) == (2, 5, 8, 11)
    assert global_blocks(24) == (5, 11, 17, 23)
    assert [global_blocks(n) for n in (1, 2, 6)] == [(0,), (1,), (2, 5)]
