"""
The backbones of Lastufka et al. 2025 and those that users ask for beside them.

Widths, prefix tokens and parameter numbers are checked against the libraries by
``tests/backbones/test_published.py``, which builds each network without weights.
"""

from .spec import CLIP_MEAN, CLIP_STD, HALF, BackboneSpec

__all__ = ['PUBLISHED']

_VIT_B = {'architecture': 'ViT-B/16', 'patch_size': 16, 'n_features': 768, 'n_prefix': 1,
          'n_parameters': 85_798_656}
_HALF = {'mean': HALF, 'std': HALF}
_NVIDIA_OPEN = {'license': 'NVIDIA Open Model License', 'restricted': True}
_IMAGENET = 'ImageNet-1k'

_SELF_SUPERVISED = [
    BackboneSpec(
        name='mae_vitb16', family='self-supervised', library='transformers', model='vit_mae',
        repo='facebook/vit-mae-base',
        revision='25b184bea5538bf5c4c852c79d221195fdd2778d',
        pretraining=_IMAGENET, license='Apache-2.0', **_VIT_B,
        reference='He et al. 2022, CVPR, arXiv:2111.06377',
        note='runs unmasked and unshuffled, so that features repeat'),
    BackboneSpec(
        name='dino_vitb16', family='self-supervised', library='transformers', model='vit',
        repo='facebook/dino-vitb16',
        revision='f205d5d8e640a89a2b8ef0369670dfc37cc07fc2',
        pretraining=_IMAGENET, license='Apache-2.0', **_VIT_B,
        reference='Caron et al. 2021, ICCV, arXiv:2104.14294'),
    BackboneSpec(
        name='dinov2_vits14', family='self-supervised', library='transformers', model='dinov2',
        repo='facebook/dinov2-small',
        revision='ed25f3a31f01632728cabb09d1542f84ab7b0056',
        architecture='ViT-S/14', patch_size=14, n_features=384,
        options=(('hidden_size', 384), ('num_attention_heads', 6), ('image_size', 518)),
        n_prefix=1, n_parameters=22_056_576, native_size=518, pretraining='LVD-142M',
        license='Apache-2.0', reference='Oquab et al. 2024, TMLR, arXiv:2304.07193'),
    BackboneSpec(
        name='dinov2_vitb14', family='self-supervised', library='transformers', model='dinov2',
        repo='facebook/dinov2-base',
        revision='f9e44c814b77203eaa57a6bdbbd535f21ede1415',
        architecture='ViT-B/14', patch_size=14, n_features=768,
        options=(('image_size', 518),), n_prefix=1, n_parameters=86_580_480, native_size=518,
        pretraining='LVD-142M', license='Apache-2.0',
        reference='Oquab et al. 2024, TMLR, arXiv:2304.07193'),
    BackboneSpec(
        name='dinov2_reg_vitb14', family='self-supervised', library='transformers',
        model='dinov2_with_registers', repo='facebook/dinov2-with-registers-base',
        revision='a1d738ccfa7ae170945f210395d99dde8adb1805',
        options=(('patch_size', 14), ('image_size', 518)), architecture='ViT-B/14 + registers',
        patch_size=14, n_features=768, n_prefix=5, n_parameters=86_583_552, native_size=518,
        pretraining='LVD-142M', license='Apache-2.0',
        reference='Darcet et al. 2024, ICLR, arXiv:2309.16588'),
    BackboneSpec(
        name='msn_vitb16', family='self-supervised', library='transformers', model='vit_msn',
        repo='facebook/vit-msn-base',
        pretraining=_IMAGENET, license='Apache-2.0', **_VIT_B,
        reference='Assran et al. 2022, ECCV, arXiv:2204.07141'),
    BackboneSpec(
        name='dinov3_vits16', family='self-supervised', library='timm',
        model='vit_small_patch16_dinov3.lvd1689m', repo='timm/vit_small_patch16_dinov3.lvd1689m',
        revision='3bf4720a82ec2066db88137180ff1f83a675cef0',
        architecture='ViT-S/16', patch_size=16, n_features=384, n_prefix=5,
        n_parameters=21_586_944, native_size=256, pretraining='LVD-1689M',
        license='DINOv3 License', restricted=True,
        reference='Simeoni et al. 2025, arXiv:2508.10104'),
    BackboneSpec(
        name='dinov3_vitb16', family='self-supervised', library='timm',
        model='vit_base_patch16_dinov3.lvd1689m', repo='timm/vit_base_patch16_dinov3.lvd1689m',
        revision='c6a5fb7d12bbd3cf3b0079253141c3332aaed7da',
        architecture='ViT-B/16', patch_size=16, n_features=768, n_prefix=5,
        n_parameters=85_641_216, native_size=256, pretraining='LVD-1689M',
        license='DINOv3 License', restricted=True,
        reference='Simeoni et al. 2025, arXiv:2508.10104'),
    BackboneSpec(
        name='dinov3_sat_vitl16', family='self-supervised', library='timm',
        model='vit_large_patch16_dinov3.sat493m', repo='timm/vit_large_patch16_dinov3.sat493m',
        architecture='ViT-L/16', patch_size=16, n_features=1024, n_prefix=5,
        n_parameters=303_079_424, native_size=256, mean=(0.430, 0.411, 0.296),
        std=(0.213, 0.156, 0.143), pretraining='SAT-493M', license='DINOv3 License',
        restricted=True, reference='Simeoni et al. 2025, arXiv:2508.10104',
        note='trained on satellite images, whose textures are nearer to radio maps'),
    BackboneSpec(
        name='stradavit_vitb16', family='self-supervised', library='transformers',
        model='vit_mae', repo='ISSA-ML/stradavit-base', pretraining='MeerKAT, ASKAP, LoTSS, SKA',
        license='Apache-2.0', **_VIT_B, pooling='mean', reference='arXiv:2603.29660',
        note='a variant with register tokens is not a plain vit_mae and is refused'),
]

_LANGUAGE = [
    BackboneSpec(
        name='siglip_vitb16', family='weakly supervised', library='transformers',
        model='siglip_vision_model', repo='google/siglip-base-patch16-224',
        revision='7fd15f0689c79d79e38b1c2e2e2370a7bf2761ed',
        architecture='ViT-B/16', patch_size=16, n_features=768, n_parameters=92_884_224,
        pooling='own', pretraining='WebLI (English)', license='Apache-2.0', **_HALF,
        reference='Zhai et al. 2023, ICCV, arXiv:2303.15343'),
    BackboneSpec(
        name='siglip2_vitb16', family='weakly supervised', library='timm',
        model='vit_base_patch16_siglip_224.v2_webli',
        repo='timm/vit_base_patch16_siglip_224.v2_webli',
        revision='4c3661e5ac879a276ddc5ddc6d3f0ecc78fd5d82', architecture='ViT-B/16',
        patch_size=16, n_features=768, n_parameters=92_884_224, pooling='own',
        pretraining='WebLI', license='Apache-2.0', **_HALF,
        reference='Tschannen et al. 2025, arXiv:2502.14786'),
]


def _radio(size, architecture, n_features, n_parameters):
    return BackboneSpec(
        name=f'cradio_v3_{architecture[4].lower()}', family='distilled', library='timm',
        model=f'naflexvit_{size}_patch16_radio_v3.c_radio',
        repo=f'timm/naflexvit_{size}_patch16_radio_v3.c_radio', architecture=architecture,
        patch_size=16, n_features=n_features, n_prefix=8,
        n_parameters=n_parameters, mean=CLIP_MEAN, std=CLIP_STD, native_size=512,
        max_size=2048, pooling='own', pretraining='teachers: CLIP, DINOv2, SAM and others',
        reference='Heinrich et al. 2025, CVPR, arXiv:2412.07679', **_NVIDIA_OPEN)


_DISTILLED = [
    _radio('base', 'ViT-B/16', 768, 98_252_544),
    _radio('large', 'ViT-L/16', 1024, 319_931_392),
    _radio('huge', 'ViT-H/16', 1280, 651_644_160),
    BackboneSpec(
        name='am_radio_b', family='distilled', library='transformers', model='radio',
        repo='nvidia/RADIO-B', architecture='ViT-B/16', patch_size=16, n_features=768,
        n_prefix=8, n_parameters=98_252_544, mean=(), std=(), native_size=768, image_size=224,
        max_size=2048, pooling='own', pretraining='teachers: CLIP, DINOv2, SAM',
        license='NVIDIA Source Code License (non-commercial)', restricted=True,
        reference='Ranzinger et al. 2024, CVPR, arXiv:2312.06709',
        obstacle='its repository holds code that would have to be run, which astrofound never '
                 'does; cradio_v3_b is the same network under an open licence'),
]

_SUPERVISED = [
    BackboneSpec(
        name='vitb16', family='supervised', library='transformers', model='vit',
        repo='google/vit-base-patch16-224',
        revision='3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3', license='Apache-2.0',
        pretraining='ImageNet-21k, ImageNet-1k', **_VIT_B, **_HALF,
        reference='Dosovitskiy et al. 2021, ICLR, arXiv:2010.11929'),
    *(BackboneSpec(
        name=f'resnet{depth}', family='supervised', library='torchvision',
        model=f'resnet{depth}', revision=revision, sha256=digest, architecture=f'ResNet-{depth}',
        patch_size=32, n_features=width, n_parameters=number, pooling='own',
        pretraining=_IMAGENET, license='BSD-3-Clause',
        reference='He et al. 2016, CVPR, arXiv:1512.03385')
      for depth, width, number, revision, digest in [
          (18, 512, 11_176_512, 'IMAGENET1K_V1', 'f37072fd'),
          (50, 2048, 23_508_032, 'IMAGENET1K_V2', '11ad3fa6'),
          (101, 2048, 42_500_160, 'IMAGENET1K_V2', 'cd907fc2'),
          (152, 2048, 58_143_808, 'IMAGENET1K_V2', 'f82ba261')]),
    *(BackboneSpec(
        name=f'zoobot_{size}', family='supervised', library='timm', model=f'convnext_{size}',
        repo=f'mwalmsley/zoobot-encoder-convnext_{size}', mean=(), std=(),
        architecture=f'ConvNeXt-{size}', patch_size=32, n_features=width, n_parameters=number,
        pooling='own', pretraining='Galaxy Zoo Evo', license='Apache-2.0',
        reference='Walmsley et al. 2024, arXiv:2404.02973',
        note='mean and std are taken from the configuration beside the weights')
      for size, width, number in [('nano', 640, 14_952_560), ('base', 1024, 87_566_464)]),
]

_BUNDLED = [
    BackboneSpec(
        name='compact', family='supervised', library='astrofound', model='compact',
        architecture='beam-space U-Net', patch_size=16, n_features=160, n_parameters=1_062_672,
        n_channels=1, mean=(), std=(), scale='significance', native_size=None, image_size=None,
        pooling='own', pretraining='simulated radio and optical skies of astrofound',
        license='BSD-3-Clause', reference='astrofound/weights/compact.md',
        note='bundled; the encoder of the compact detector, made for 4 pixels a beam'),
]

PUBLISHED = (*_BUNDLED, *_SELF_SUPERVISED, *_LANGUAGE, *_DISTILLED, *_SUPERVISED)
