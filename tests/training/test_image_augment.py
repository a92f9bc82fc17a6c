import numpy as np
import pytest
import torch

from astrofound.training import AUGMENTATIONS, ImageAugmentation
from astrofound.utils import InputError

STILL = ImageAugmentation(flip=False, rotate=False, zoom=1, shift=0, gain=0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(6, 1, 24, 24, generator=generator(1))


def test_nothing_asked_changes_nothing(images):
    torch.testing.assert_close(STILL(images, generator()), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name', [name for name, own in AUGMENTATIONS.items() if own])
def test_the_same_seed_gives_the_same_images(images, name):
    augment = AUGMENTATIONS[name]
    torch.testing.assert_close(augment(images, generator()), augment(images, generator()))
    assert not torch.allclose(augment(images, generator(1)), augment(images, generator(2)))


def test_handedness_is_kept_where_it_is_a_class():
    """A comma stays a comma under rotations; flips turn it round."""
    comma = torch.zeros(64, 1, 33, 33)
    comma[:, :, 16, 16:26] = 1.0  # an arm, and a hook that always lies to the left of it
    comma[:, :, 8:17, 25] = 0.5

    def side(image):
        arm, hook = ((image > low) & (image <= high) for low, high in ((0.75, 2), (0.25, 0.6)))
        (ya, xa), (yh, xh) = (mask.nonzero().double().mean(0) for mask in (arm, hook))
        y, x = ya - 16, xa - 16
        return float(x * (yh - 16) - y * (xh - 16)) > 0

    turned = ImageAugmentation(flip=False, zoom=1, shift=0, gain=0)(comma, generator())
    assert len({side(image[0]) for image in turned}) == 1
    both = ImageAugmentation(flip=True, zoom=1, shift=0, gain=0)(comma, generator())
    assert len({side(image[0]) for image in both}) == 2


def test_rotation_keeps_light_and_centre():
    y, x = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing='ij')
    image = torch.exp(-(x**2 + (y / 2)**2) / 18)[None, None].repeat(8, 1, 1, 1)
    turned = ImageAugmentation(zoom=1, shift=0, gain=0)(image, generator())
    torch.testing.assert_close(turned.sum((1, 2, 3)), image.sum((1, 2, 3)), rtol=0.02, atol=0)
    torch.testing.assert_close((turned * x).sum((1, 2, 3)), torch.zeros(8), atol=1.0, rtol=0)


def test_blank_pixels_stay_blank(images):
    images[:, :, 8:16, 8:16] = torch.nan
    turned = ImageAugmentation(shift=0, zoom=1)(images, generator())
    n_blank = torch.isnan(turned).sum((1, 2, 3)).numpy()
    np.testing.assert_allclose(n_blank, 64, atol=16)
    assert torch.isfinite(turned[:, :, 0]).all()


def test_blur_smooths(images):
    blurred = ImageAugmentation(flip=False, rotate=False, zoom=1, shift=0, gain=0, blur=3.0)(
        images, generator())
    spread = images.flatten(1).std(1), blurred.flatten(1).std(1)
    assert (spread[1] <= spread[0] + 1e-4).all()
    assert (spread[1] < 0.5 * spread[0]).any()


def test_impossible_zoom():
    with pytest.raises(InputError, match="'zoom'"):
        ImageAugmentation(zoom=0.5)
