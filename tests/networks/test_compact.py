import numpy as np
import pytest
import torch

from astrofound.networks import CompactNetwork, decode, for_inference
from astrofound.networks.compact import HEAD_CHANNELS, STRIDE, TOTAL_STRIDE
from astrofound.networks.decoding import fold_vector, unfold_vector


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = CompactNetwork(widths=(8, 8, 8, 8))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def test_one_output_cell_every_half_beam(network):
    outputs = network(torch.zeros(1, 2, 64, 96))
    assert outputs.shape == (1, 10, 64 // STRIDE, 96 // STRIDE)


def test_under_three_million_parameters():
    assert sum(p.numel() for p in CompactNetwork().parameters()) < 3_000_000


def test_halo_holds_all_that_a_cell_sees(network):
    halo = network.receptive_halo
    side = 2 * halo + 64
    pixels = torch.zeros(1, 2, side, side, requires_grad=True)
    cell = side // 2 // STRIDE
    network(pixels)[0, :, cell, cell].sum().backward()
    seen = pixels.grad[0].abs().sum(dim=0).nonzero()
    assert seen.min() >= cell * STRIDE - halo
    assert seen.max() < (cell + 1) * STRIDE + halo
    # and it is not larger than it needs to be
    assert seen.min() < cell * STRIDE - halo + 2 * TOTAL_STRIDE


def test_a_tile_with_halo_answers_as_the_whole(network):
    torch.manual_seed(1)
    halo = network.receptive_halo
    pixels = torch.randn(1, 2, 3 * halo, 4 * halo)
    with torch.inference_mode():
        whole = network(pixels)
        tile = network(pixels[:, :, :2 * halo + 32, halo:3 * halo + 64])
    core = (slice(0, (halo + 32) // STRIDE), slice(halo // STRIDE, (halo + 64) // STRIDE))
    expected = whole[:, :, core[0], 2 * halo // STRIDE:(2 * halo + 64) // STRIDE]
    torch.testing.assert_close(tile[:, :, core[0], core[1]], expected, rtol=1e-4, atol=1e-5)


def test_fusing_changes_nothing(network):
    pixels = torch.randn(1, 2, 64, 64)
    with torch.inference_mode():
        before = network(pixels)
        after = for_inference(network, 'cpu')(pixels)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_half_precision_changes_little(network):
    pixels = torch.randn(1, 2, 64, 64)
    with torch.inference_mode():
        before = network(pixels)
        after = for_inference(network, 'cpu', torch.bfloat16)(pixels)
    assert after.dtype == torch.float32
    torch.testing.assert_close(after, before, rtol=0.05, atol=0.05)


def planes(row, column, *, offset=(0.0, 0.0), size=(0.0, 0.0), logit=3.0, whole=(0.0, 0.0),
           classes=(0.0, 2.0, 1.0)):
    outputs = torch.full((10, 16, 16), -10.0)
    outputs[HEAD_CHANNELS['whole'], row, column] = torch.tensor(
        fold_vector(np.array(whole)), dtype=torch.float32)
    outputs[HEAD_CHANNELS['score'], row, column] = logit
    outputs[HEAD_CHANNELS['offset'], row, column] = torch.tensor(offset)
    outputs[HEAD_CHANNELS['size'], row, column] = torch.tensor(size)
    outputs[HEAD_CHANNELS['class'], row, column] = torch.tensor(classes)
    return outputs


def test_decode_reads_position_box_and_class():
    found = decode(planes(3, 5, offset=(0.25, -0.5), size=(np.log(4.0), np.log(2.0))))
    assert len(found) == 1
    # cell 5 covers pixels 10 and 11, whose middle is 10.5; a quarter cell is half a pixel
    np.testing.assert_allclose([found.x[0], found.y[0]], [11.0, 5.5])
    np.testing.assert_allclose(found.boxes[0], [7.5, 4.0, 15.5, 8.0], rtol=1e-5)
    assert found.class_code[0] == 1
    assert found.logit[0] == pytest.approx(3.0)


def test_a_part_of_several_carries_the_box_of_the_whole():
    part = planes(3, 5, size=(np.log(4.0), np.log(2.0)), whole=(3.0, 0.0), classes=(0, 0, 1.0))
    found = decode(part)
    assert found.class_code[0] == 2
    np.testing.assert_allclose([found.x[0], found.y[0]], [10.5, 6.5])
    # three cells are six pixels to the right
    np.testing.assert_allclose(found.boxes[0], [13, 5, 21, 9], atol=1e-4)
    # a single source has its middle where it is, whatever that channel says
    single = decode(planes(3, 5, size=(np.log(4.0), np.log(2.0)), whole=(3.0, 0.0)))
    np.testing.assert_allclose(single.boxes[0], [7, 5, 15, 9], atol=1e-4)


@pytest.mark.parametrize('cells', [0.0, 0.3, -5.0, 80.0])
def test_folding_is_undone(cells):
    assert unfold_vector(fold_vector(cells)) == pytest.approx(cells)


def test_decode_counts_every_cell_once_across_tiles():
    outputs = planes(3, 8)
    left = decode(outputs, core=(slice(0, 32), slice(0, 16)))
    right = decode(outputs, core=(slice(0, 32), slice(16, 32)))
    assert (len(left), len(right)) == (0, 1)


def test_decode_adds_the_origin():
    here, there = decode(planes(3, 5)), decode(planes(3, 5), origin=(160, 320))
    np.testing.assert_allclose([there.x[0] - here.x[0], there.y[0] - here.y[0]], [320, 160])


def test_decode_keeps_the_highest_of_neighbours():
    outputs = planes(3, 5)
    outputs[HEAD_CHANNELS['score'], 3, 6] = 2.5
    outputs[HEAD_CHANNELS['score'], 3, 8] = 2.0
    assert sorted(decode(outputs).logit) == pytest.approx([2.0, 3.0])


def test_decode_of_an_empty_sky():
    found = decode(torch.full((10, 4, 4), -10.0))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
