"""Small random networks of every family, for tests and for trying a pipeline in seconds."""

from .spec import CLIP_MEAN, CLIP_STD, HALF, BackboneSpec

__all__ = ['TOYS']

_SMALL = (('hidden_size', 24), ('num_hidden_layers', 2), ('num_attention_heads', 3),
          ('intermediate_size', 48))
_SMALL_MLP_RATIO = (*_SMALL[:3], ('mlp_ratio', 2))
_TIMM = (('embed_dim', 24), ('depth', 2), ('num_heads', 3))


def _toy(name, family, library, model, **fields):
    fields = {'architecture': 'toy', 'patch_size': 8, 'n_features': 24, 'n_prefix': 1,
              'n_parameters': 1, 'native_size': 32, 'image_size': 32, 'pretraining': 'none',
              'license': 'BSD-3-Clause', 'reference': 'random numbers', **fields}
    return BackboneSpec(name=f'toy_{name}', family=family, library=library, model=model, **fields)


def _transformer(name, family, model, options=_SMALL, **fields):
    options = (*options, ('image_size', 32), ('patch_size', 8))
    return _toy(name, family, 'transformers', model, options=options, **fields)


TOYS = (
    _transformer('mae', 'self-supervised', 'vit_mae'),
    _transformer('dino', 'self-supervised', 'vit'),
    _transformer('dinov2', 'self-supervised', 'dinov2', _SMALL_MLP_RATIO),
    _transformer('dinov2_reg', 'self-supervised', 'dinov2_with_registers', _SMALL_MLP_RATIO,
                 n_prefix=5),
    _transformer('dinov3', 'self-supervised', 'dinov3_vit',
                 (*_SMALL, ('num_register_tokens', 4)), n_prefix=5),
    _transformer('msn', 'self-supervised', 'vit_msn'),
    _transformer('siglip', 'weakly supervised', 'siglip_vision_model', n_prefix=0, pooling='own',
                 mean=HALF, std=HALF),
    _toy('siglip2', 'weakly supervised', 'timm', 'vit_base_patch16_siglip_224', n_prefix=0,
         pooling='own', options=(*_TIMM, ('img_size', 32), ('patch_size', 8)), mean=HALF,
         std=HALF),
    _toy('cradio', 'distilled', 'timm', 'naflexvit_base_patch16_radio_v3', n_prefix=8,
         pooling='own', options=(*_TIMM, ('patch_size', 8)), mean=CLIP_MEAN, std=CLIP_STD),
    _toy('vit', 'supervised', 'timm', 'vit_base_patch16_224',
         options=(*_TIMM, ('img_size', 32), ('patch_size', 8))),
    _toy('resnet', 'supervised', 'torchvision', 'toy_resnet', patch_size=32, n_features=512,
         n_prefix=0, pooling='own'),
    _toy('convnext', 'supervised', 'timm', 'convnext_atto', patch_size=32, n_features=32,
         options=(('depths', (1, 1, 1, 1)), ('dims', (4, 8, 16, 32))), n_prefix=0,
         pooling='own'),
)
