"""What every backbone promises, proved on small random networks of every family."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from astrofound.backbones import POOLINGS, find_spec, list_backbones, load_backbone
from astrofound.preprocess import DETECTION_CHANNELS

NAMES = ['compact', *(name for name in list_backbones(toys=True) if name.startswith('toy_'))]


@pytest.fixture(scope='module', params=NAMES)
def backbone(request):
    return load_backbone(request.param)


def sky(n=3, channels=1, shape=(40, 52), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((n, channels, *shape), generator=generator)


@torch.inference_mode()
def features(backbone, images, **keywords):
    return backbone(images, **keywords)


def everything(found):
    return torch.cat([found.dense.flatten(1), found.prefix.flatten(1), found.own], dim=1).numpy()


def test_shapes_are_those_of_the_record(backbone):
    spec = backbone.spec
    found = features(backbone, sky())
    patch = spec.patch_size
    assert found.dense.shape == (3, spec.n_features, -(-40 // patch), -(-52 // patch))
    assert found.prefix.shape == (3, spec.n_prefix, spec.n_features)
    assert found.own.shape == (3, backbone.n_own)
    assert found.dense.dtype == found.own.dtype == torch.float32
    assert np.isfinite(everything(found)).all()


def test_same_answer_twice(backbone):
    first, second = (everything(features(backbone, sky())) for _ in range(2))
    assert (first == second).all()


def test_loaded_twice_gives_the_same(backbone):
    again = load_backbone(backbone.spec.name)
    assert again.fingerprint() == backbone.fingerprint()
    assert (everything(features(again, sky())) == everything(features(backbone, sky()))).all()


def test_no_image_depends_on_its_batch(backbone):
    images = sky(5)
    together = everything(features(backbone, images))
    alone = np.concatenate([everything(features(backbone, one[None])) for one in images])
    assert_allclose(together, alone, atol=2e-5)


def test_order_is_kept(backbone):
    order = torch.tensor([2, 0, 1])
    assert_allclose(everything(features(backbone, sky()[order])),
                    everything(features(backbone, sky()))[order], atol=2e-5)


@pytest.mark.parametrize('shape', [(32, 32), (1, 1), (33, 64), (7, 65)])
def test_any_size_is_padded_and_never_cropped(backbone, shape):
    found = features(backbone, sky(1, shape=shape))
    patch = backbone.spec.patch_size
    ny, nx = found.dense.shape[2:]
    assert ny * patch >= shape[0]
    assert nx * patch >= shape[1]
    # what each patch counts adds up to the image
    assert float(found.coverage.sum()) * patch**2 == pytest.approx(shape[0] * shape[1], rel=1e-5)


def test_the_last_pixel_matters(backbone):
    images = sky(1, shape=(33, 41))
    changed = images.clone()
    changed[..., -1, -1] = 1 - changed[..., -1, -1].round()
    assert not torch.equal(features(backbone, images).dense, features(backbone, changed).dense)


def test_rows_and_columns_are_those_of_the_image(backbone):
    size = 4 * backbone.spec.patch_size
    images = torch.full((1, 1, size, size), 0.2)
    changed = images.clone()
    corner = backbone.spec.patch_size
    changed[..., :corner, -corner:] = sky(1, shape=(corner, corner)) * (
        1 if backbone.spec.scale == 'unit' else 30)
    shift = features(backbone, changed).dense - features(backbone, images).dense
    shift = shift.norm(dim=1)[0]
    # convolutions spread a change over their neighbours: look at quarters, not at patches
    quarters = shift.reshape(2, 2, 2, 2).sum(dim=(1, 3))
    assert divmod(int(quarters.argmax()), 2) == (0, 1)


def test_one_channel_is_three_alike(backbone):
    one = features(backbone, sky())
    three = features(backbone, sky().expand(-1, 3, -1, -1))
    assert_allclose(everything(one), everything(three), atol=1e-5)


def test_three_channels_differ(backbone):
    images = sky(2, channels=3)
    found = features(backbone, images)
    assert found.dense.shape[0] == 2
    other = features(backbone, torch.cat([images[:, :1], images[:, 1:] * 0.5], dim=1))
    assert not torch.equal(found.dense, other.dense)


def test_mixed_precision_is_close(backbone):
    images = sky()
    exact = everything(features(backbone, images))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = features(backbone, images)
    assert rough.dense.dtype == rough.own.dtype == torch.float32
    rough = everything(rough)
    cosine = (exact * rough).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rough, axis=1)
    assert (cosine > 0.995).all()


def test_normalized_exactly_once(backbone):
    spec = backbone.spec
    seen = []
    first = next(module for module in backbone.model.modules()
                 if isinstance(module, torch.nn.Conv2d | torch.nn.Linear))
    handle = first.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = torch.full((1, 1, 64, 64), 0.7)
    features(backbone, images)
    handle.remove()
    if spec.scale == 'significance':
        expected = DETECTION_CHANNELS(np.full((64, 64), 0.7))[:, 0, 0]
    else:
        expected = (0.7 - np.array(spec.mean)) / np.array(spec.std)
    # a convolution sees channels first, the linear embedding of naflex pixels with channels last
    given = seen[0]
    channels = given.transpose(0, 1).reshape(len(expected), -1) if given.ndim == 4 else (
        given.reshape(-1, 3).T)
    assert_allclose(channels.mean(dim=1), expected, rtol=1e-5)
    assert float(channels.std(dim=1).max()) < 1e-5


def test_blank_pixels_weigh_nothing(backbone):
    patch = backbone.spec.patch_size
    images = sky(1, shape=(2 * patch, 2 * patch))
    images[..., :patch, :] = torch.nan
    found = features(backbone, images)
    assert found.coverage[0].tolist() == [[0, 0], [1, 1]]
    assert_allclose(found.pooled('mean'), found.dense[:, :, 1].mean(dim=2), atol=1e-6)
    assert_allclose(found.pooled('max'), found.dense[:, :, 1].amax(dim=2), atol=1e-6)
    blank = torch.zeros((1, 2 * patch, 2 * patch), dtype=torch.bool)
    blank[:, :, patch:] = True
    found = features(backbone, images, blank=blank)
    assert found.coverage[0].tolist() == [[0, 0], [1, 0]]


def test_wholly_blank_image_is_finite(backbone):
    found = features(backbone, torch.full((2, 1, 40, 40), torch.nan))
    assert np.isfinite(everything(found)).all()
    for pooling in ('mean', 'max', 'center'):
        assert torch.isfinite(found.pooled(pooling)).all()


@pytest.mark.parametrize('pooling', POOLINGS)
def test_every_pooling_or_a_clear_no(backbone, pooling):
    found = features(backbone, sky())
    if 'cls' in pooling and not backbone.spec.n_prefix:
        with pytest.raises(ValueError, match='no class token'):
            backbone.spec.check_pooling(pooling)
        with pytest.raises(ValueError, match='no class token'):
            found.pooled(pooling)
        return
    assert backbone.spec.check_pooling(pooling) == pooling
    assert found.pooled(pooling).shape == (3, backbone.n_pooled(pooling))


def test_center_pooling_looks_at_the_center():
    backbone = load_backbone('toy_dinov2')
    found = features(backbone, sky(1, shape=(72, 72)))
    object.__setattr__(found, 'dense', torch.zeros((1, 1, 9, 9)))
    found.dense[0, 0, 4, 4] = 1
    middle = float(found.pooled('center'))
    found.dense[0, 0, 4, 4], found.dense[0, 0, 0, 0] = 0, 1
    assert middle > 20 * float(found.pooled('center'))
    found.dense[:] = 1
    assert float(found.pooled('center')) == pytest.approx(1)


def test_stages_are_finest_first(backbone):
    with torch.inference_mode():
        maps = backbone.stages(sky(2, shape=(64, 64)))
    strides = list(maps)
    assert strides == sorted(strides)
    assert strides[-1] == backbone.spec.patch_size
    assert all(one.shape[2] * stride == 64 for stride, one in maps.items())


def test_gradients_reach_the_weights(backbone):
    # another room trains these networks further
    backbone.zero_grad()
    backbone(sky(1)).pooled('own').sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in backbone.parameters())
    backbone.zero_grad()
    assert backbone.blocks


@pytest.mark.parametrize(('images', 'message'), [
    (torch.rand(3, 40, 40), r'shape \(n, channels, ny, nx\)'),
    (torch.rand(1, 2, 40, 40), 'one or three'),
    (torch.zeros((1, 1, 40, 40), dtype=torch.uint8), 'bytes are divided by 255'),
    (torch.rand(1, 1, 40, 40) * 255, r'scaled to 0\.\.1, these run from 0.* to 25'),
    (torch.rand(1, 1, 0, 40), 'has none'),
])
def test_wrong_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        load_backbone('toy_dino')(images)


def test_too_large_image_is_refused():
    spec = find_spec('cradio_v3_b')
    assert spec.grid_shape((2048, 1)) == (128, 1)
    with pytest.raises(ValueError, match='at most 2048 pixels, got 2049 x 5'):
        spec.grid_shape((5, 2049))


def test_fixed_size_is_said():
    spec = find_spec('toy_vit').replace(fixed_size=True)
    with pytest.raises(ValueError, match='32 x 32 pixels only, got 40 x 32'):
        spec.grid_shape((32, 40))


def test_fingerprint_follows_the_weights():
    backbone = load_backbone('toy_vit')
    before = backbone.fingerprint()
    with torch.no_grad():
        next(backbone.parameters()).add_(1e-3)
    assert backbone.fingerprint() != before
