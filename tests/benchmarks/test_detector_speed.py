import detector_speed
import torch


def test_both_detect_the_same_and_are_timed():
    ours = detector_speed.build_ours('timm:vit_tiny_patch16_224')
    bare = detector_speed.build_bare(ours, 64)
    ours.backbone.body.mean.zero_()  # torchvision's is told to subtract nothing
    ours.backbone.body.std.fill_(1)
    image = torch.rand(1, 64, 64)
    with torch.inference_mode():
        maps = [list(one.values()) for one in (
            ours.backbone(image[None]), bare.backbone(image[None]))]
    assert [one.shape for one in maps[0]] == [one.shape for one in maps[1]]
    torch.testing.assert_close(maps[0], maps[1])
    ratios = detector_speed.compare(ours, 64, 1)
    assert ratios.shape == (1, 2)
    assert (ratios > 0).all()
