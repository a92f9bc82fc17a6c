"""Backbones built by timm."""

import json
from pathlib import Path

import torch

from ..utils import InputError, ReadError, nearest_name
from .backbone import Backbone
from .spec import BackboneSpec
from .tokens import split_tokens

__all__ = ['TimmBackbone', 'build_timm', 'spec_of_timm', 'spec_of_timm_folder']


class TimmBackbone(Backbone):
    """
    A vision transformer or convolutional network of timm.

    Parameters
    ----------
    spec : BackboneSpec
        What it is.
    model : `torch.nn.Module`
        Model made with ``num_classes=0``.
    """

    def _tokens(self, pixels, grid):
        features = self.model.forward_features(pixels)
        own = self.model.forward_head(features, pre_logits=True).flatten(1)
        if features.ndim == 3:
            return *split_tokens(features, self.spec.n_prefix, grid), own
        if features.shape[1] != self.spec.n_features:  # some keep the channels last
            features = features.permute(0, 3, 1, 2)
        return features, features.new_zeros(len(features), 0, features.shape[1]), own

    def _stages(self, pixels, grid):
        if self.spec.n_prefix or not hasattr(self.model, 'feature_info') or (
                not hasattr(self.model, 'forward_intermediates')):
            return super()._stages(pixels, grid)
        maps = self.model.forward_intermediates(pixels, intermediates_only=True)
        return {pixels.shape[-1] // one.shape[-1]: one for one in maps}

    @property
    def n_own(self):
        """Length of the vector that the model pools itself."""
        return getattr(self.model, 'head_hidden_size', None) or self.spec.n_features

    @property
    def blocks(self):
        """The blocks from the image upwards."""
        for name in ('blocks', 'stages'):
            if hasattr(self.model, name):
                return list(getattr(self.model, name))
        return [getattr(self.model, name) for name in ('layer1', 'layer2', 'layer3', 'layer4')
                if hasattr(self.model, name)]


def build_timm(spec, file=None):
    """
    Build a timm network, with random weights or those of a file.

    Parameters
    ----------
    spec : BackboneSpec
        What to build.
    file : path-like, optional
        Weights in safetensors or a state dict that holds tensors only.

    Returns
    -------
    backbone : TimmBackbone
        In evaluation mode.
    """
    import timm

    options = {'num_classes': 0, **dict(spec.options)}
    if file is not None:
        # That the weights have no classes either makes timm insist on every weight.
        options |= {'pretrained': True, 'pretrained_cfg_overlay': {
            'state_dict': _without_classifier(spec, file), 'num_classes': 0, 'hf_hub_id': None,
            'url': '', 'custom_load': False}}
    # Position embeddings that follow the image; convolutional networks know no such option.
    for extra in ({'dynamic_img_size': True}, {}):
        try:
            model = timm.create_model(spec.model, **options, **extra)
            model.pretrained_cfg.pop('state_dict', None)  # would be held as long as the model
            return TimmBackbone(spec, model)
        except TypeError as error:
            if not extra or 'dynamic_img_size' not in str(error):
                raise
    raise AssertionError


def _without_classifier(spec, file):
    """Read weights, less the last layer that says classes."""
    import timm
    from timm.models import load_state_dict

    state = load_state_dict(str(file), weights_only=True)
    about = timm.get_pretrained_cfg(spec.model)
    classifiers = (about and about.classifier) or ()
    classifiers = (classifiers,) if isinstance(classifiers, str) else classifiers
    return {name: tensor for name, tensor in state.items()
            if name.rpartition('.')[0] not in classifiers}


def spec_of_timm(model, *, name=None, options=(), configuration=None):
    """
    Describe any model that timm knows.

    Parameters
    ----------
    model : str
        Its name there, with or without the tag of its weights.
    name : str, optional
        Name of the record.
    options : tuple of (str, object), optional
        What the model is built with.
    configuration : dict, optional
        Statistics and size of its images, by default those of timm.

    Returns
    -------
    spec : BackboneSpec
        Its record.

    Raises
    ------
    InputError
        If timm has no such model, or it gives no features of the expected form.
    """
    import timm

    bare = model.partition('.')[0]
    if not timm.is_model(bare):
        near = nearest_name(bare, timm.list_models())
        hint = f"; did you mean 'timm:{near}'?" if near else ''
        raise InputError(f'timm has no model {model!r}{hint}')
    draft = BackboneSpec(
        name='draft', family='supervised', library='timm', model=model, options=options,
        architecture=bare, n_parameters=1, patch_size=1, n_features=1, pretraining='', license='',
        reference='')
    try:
        with torch.device('meta'):
            network = build_timm(draft).model
    except RuntimeError as error:  # an unknown tag, says timm
        raise InputError(f'timm cannot build {model!r}: {error}') from None
    about = {**network.pretrained_cfg, **(configuration or {})}
    n_prefix = getattr(network, 'num_prefix_tokens', 0)
    fixed = not getattr(network, 'dynamic_img_size', False) and any(
        getattr(module, 'strict_img_size', False) for module in network.modules())
    return draft.replace(
        name=name or f'timm:{model}', repo=about.get('hf_hub_id') or '',
        n_parameters=sum(p.numel() for p in network.parameters()),
        patch_size=_patch_size(network, model), n_features=network.num_features,
        n_prefix=n_prefix, n_channels=about['input_size'][0], mean=about['mean'],
        std=about['std'], native_size=about['input_size'][-1],
        image_size=about['input_size'][-1] if fixed else min(224, about['input_size'][-1]),
        fixed_size=fixed, pooling='own',
        pretraining=about.get('tag') or 'see timm', license=about.get('license') or 'not stated',
        reference='timm')


def _patch_size(network, model):
    embedding = getattr(network, 'patch_embed', getattr(network, 'embeds', None))
    info = getattr(network, 'feature_info', None)
    if info:
        return int(info[-1]['reduction'] if isinstance(info[-1], dict) else info.reduction()[-1])
    size = getattr(embedding, 'patch_size', None)
    if size is None:
        raise InputError(f'{model} of timm does not say the size of its patches')
    size = size if isinstance(size, int) else size[0]
    return int(size)


def spec_of_timm_folder(folder, configuration, *, name):
    """
    Describe the model of a folder in the form in which the hub keeps timm's models.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where it is.
    configuration : dict
        Contents of its ``config.json``.
    name : str
        Name of the record.

    Returns
    -------
    spec : BackboneSpec
        Its record.

    Raises
    ------
    ReadError
        If the configuration does not say what to build.
    """
    if 'architecture' not in configuration:
        raise ReadError(f"{Path(folder) / 'config.json'} does not name an architecture of timm")
    about = configuration.get('pretrained_cfg') or configuration
    about = {key: about[key] for key in ('mean', 'std', 'input_size', 'license', 'tag')
             if about.get(key) is not None}
    options = json.loads(json.dumps(configuration.get('model_args') or {}))
    return spec_of_timm(configuration['architecture'], name=name, options=tuple(options.items()),
                        configuration=about)
