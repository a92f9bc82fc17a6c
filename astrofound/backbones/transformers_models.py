"""Backbones built by transformers."""

import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..utils import ReadError
from .backbone import Backbone
from .manifest import describe_folder
from .spec import BackboneSpec
from .tokens import split_tokens

__all__ = ['TransformersBackbone', 'build_transformers', 'spec_of_folder']

# model_type: configuration, model, what else they are called with
_MODELS = {
    'vit': ('ViTConfig', 'ViTModel'),
    'vit_mae': ('ViTMAEConfig', 'ViTMAEModel'),
    'vit_msn': ('ViTMSNConfig', 'ViTMSNModel'),
    'dinov2': ('Dinov2Config', 'Dinov2Model'),
    'dinov2_with_registers': ('Dinov2WithRegistersConfig', 'Dinov2WithRegistersModel'),
    'dinov3_vit': ('DINOv3ViTConfig', 'DINOv3ViTModel'),
    'siglip_vision_model': ('SiglipVisionConfig', 'SiglipVisionModel'),
    'radio': ('RadioConfig', 'RadioModel'),
    'resnet': ('ResNetConfig', 'ResNetModel'),
}
# What a configuration says of its file and not of the network, or what is chosen here.
_NO_OPTIONS = {'model_type', 'architectures', 'dtype', 'transformers_version', 'torch_dtype',
               'mask_ratio'}
# Their class token's pooler is random where the checkpoint has none: never built.
_POOLER_LEFT_OUT = {'vit'}
_MUST_BE_ASKED_TO_INTERPOLATE = {'vit', 'vit_mae', 'vit_msn', 'siglip_vision_model'}


class TransformersBackbone(Backbone):
    """
    A vision model of transformers.

    Parameters
    ----------
    spec : BackboneSpec
        What it is; ``spec.model`` is the ``model_type``.
    model : `torch.nn.Module`
        Model without a head.
    """

    def _arguments(self, pixels, grid):
        kind = self.spec.model
        arguments = {}
        if kind in _MUST_BE_ASKED_TO_INTERPOLATE:
            arguments['interpolate_pos_encoding'] = True
        if kind == 'vit_mae':
            # The order of this noise is the order in which patches are kept: all, as they are.
            n_patches = grid[0] * grid[1]
            arguments['noise'] = torch.arange(
                n_patches, device=pixels.device, dtype=torch.float32).expand(len(pixels), -1)
        return arguments

    def _tokens(self, pixels, grid):
        output = self.model(pixel_values=pixels, **self._arguments(pixels, grid))
        if self.spec.model == 'radio':
            dense, _ = split_tokens(output.features, 0, grid)
            hidden = output.last_hidden_state
            return dense, hidden[:, :self.spec.n_prefix], output.summary
        hidden = output.last_hidden_state
        if self.spec.model == 'resnet':
            return hidden, hidden.new_zeros(len(hidden), 0, hidden.shape[1]), (
                output.pooler_output.flatten(1))
        dense, prefix = split_tokens(hidden, self.spec.n_prefix, grid)
        if self.spec.model == 'siglip_vision_model':
            return dense, prefix, output.pooler_output
        return dense, prefix, prefix[:, 0]

    def _stages(self, pixels, grid):
        if self.spec.model != 'resnet':
            return super()._stages(pixels, grid)
        output = self.model(pixel_values=pixels, output_hidden_states=True)
        return {pixels.shape[-1] // one.shape[-1]: one for one in output.hidden_states[1:]}

    @property
    def n_own(self):
        """Length of the vector that the model pools itself."""
        if self.spec.model == 'radio':
            return self.spec.n_features * len(self.model.config.summary_idxs)
        return self.spec.n_features

    @property
    def blocks(self):
        """The blocks from the image upwards."""
        for name, module in self.model.named_modules():
            if isinstance(module, torch.nn.ModuleList) and name.rpartition('.')[2] in {
                    'layer', 'layers', 'stages'}:
                return list(module)
        return []


def _classes(model_type):
    """Return configuration and model class; transformers finds them when asked."""
    import transformers

    config, model = _MODELS[model_type]
    if not hasattr(transformers, model):
        raise ReadError(f'transformers {transformers.__version__} does not know {model_type!r} '
                        'models; install a later one')
    return getattr(transformers, config), getattr(transformers, model)


def _keywords(model_type):
    return {'add_pooling_layer': False} if model_type in _POOLER_LEFT_OUT else {}


def build_transformers(spec, folder=None, *, source=None):
    """
    Build a transformers network, with random weights or those of a folder.

    Parameters
    ----------
    spec : BackboneSpec
        What to build.
    folder : path-like, optional
        Folder with ``config.json`` and weights, as ``save_pretrained`` and the hub have it.
    source : path-like, optional
        What to name in messages, by default the folder.

    Returns
    -------
    backbone : TransformersBackbone
        In evaluation mode.

    Raises
    ------
    ReadError
        If the weights lack some of what the network needs.
    """
    config_class, model_class = _classes(spec.model)
    if folder is None:
        config = _configure(spec)
        return TransformersBackbone(spec, model_class(config, **_keywords(spec.model)))
    _check_kind(spec, folder)
    config = config_class.from_pretrained(folder, local_files_only=True)
    for name, value in _unmasked(spec.model).items():
        setattr(config, name, value)
    with _quietly():
        model, report = model_class.from_pretrained(
            folder, config=config, dtype=torch.float32, local_files_only=True,
            output_loading_info=True, **_keywords(spec.model))
    check_keys(report['missing_keys'], source or folder, spec)
    if any('register' in name for name in report['unexpected_keys']):
        raise ReadError(f'{source or folder} has register tokens, which a {spec.model!r} network '
                        'would leave out')
    return TransformersBackbone(spec, model)


def _configure(spec):
    """Make the configuration of a record; its sequences must be lists."""
    options = {name: list(value) if isinstance(value, tuple) else value
               for name, value in spec.options}
    return _classes(spec.model)[0](**options, **_unmasked(spec.model))


def _check_kind(spec, folder):
    """Refuse the weights of another architecture, which may fit in part."""
    configuration = describe_folder(folder)
    kind = configuration.get('model_type')
    if kind != spec.model and (kind, spec.model) != ('siglip', 'siglip_vision_model'):
        raise ReadError(f'{folder} holds a model of type {kind!r}, and {spec.name} is of type '
                        f'{spec.model!r}')
    if configuration.get('n_registers') or configuration.get('use_dino_encoder'):
        raise ReadError(f'{folder} is a variant with other layers than a {kind!r} network of '
                        'transformers has (registers, or the encoder of DINOv2)')


def build_from_file(spec, path):
    """
    Build a transformers network from a weight file alone.

    Parameters
    ----------
    spec : BackboneSpec
        What to build; its options are the configuration.
    path : path-like
        Weights in safetensors, under any names that transformers has used for them.

    Returns
    -------
    backbone : TransformersBackbone
        In evaluation mode.
    """
    config = _configure(spec)
    with TemporaryDirectory(prefix='astrofound-') as folder:
        config.save_pretrained(folder)
        (Path(folder) / 'model.safetensors').symlink_to(Path(path).resolve())
        backbone = build_transformers(spec, folder, source=path)
    return backbone


@contextmanager
def _quietly():
    """Keep transformers from reporting the heads that are left out on purpose."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def check_keys(missing, source, spec):
    """
    Make sure that a file gave every weight of a network.

    Parameters
    ----------
    missing : iterable of str
        Names of the weights that it lacks.
    source : path-like
        The file or folder.
    spec : BackboneSpec
        The network.

    Raises
    ------
    ReadError
        If something is missing; the message names the first weights.
    """
    missing = sorted(missing)
    if missing:
        more = f' and {len(missing) - 3} more' if len(missing) > 3 else ''
        raise ReadError(f'{source} holds other weights than those of {spec.name} '
                        f"({spec.architecture}): it lacks {', '.join(missing[:3])}{more}")


def _unmasked(model_type):
    """Options without which three quarters of the patches would be dropped at random."""
    return {'mask_ratio': 0.0} if model_type == 'vit_mae' else {}


def spec_of_folder(folder, configuration, *, name, mean=None, std=None):
    """
    Describe the model of a folder in the form in which the hub keeps transformers' models.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where it is.
    configuration : dict
        Contents of its ``config.json``.
    name : str
        Name of the record.
    mean, std : tuple of float, optional
        Statistics of its images where the folder has no ``preprocessor_config.json``.

    Returns
    -------
    spec : BackboneSpec
        Its record.

    Raises
    ------
    ReadError
        If the model is of a kind that gives no features here, or its statistics are nowhere.
    """
    kind = configuration['model_type']
    if kind == 'siglip':  # text and image together; the image's half is loaded
        kind, configuration = 'siglip_vision_model', {**configuration.get('vision_config', {})}
    if kind not in _MODELS:
        raise ReadError(f'{folder} holds a model of type {kind!r}, of which astrofound cannot '
                        f"take features; it can of {', '.join(_MODELS)}")
    options = {key: value for key, value in configuration.items() if key not in _NO_OPTIONS}
    config = _classes(kind)[0](**options)
    if kind == 'radio':  # normalises its images itself
        mean = std = ()
    elif mean is None or std is None:
        mean, std = _statistics(Path(folder))
    n_prefix, patch, width = _geometry(kind, config)
    native = getattr(config, 'image_size', 224)
    return BackboneSpec(
        name=name, family='self-supervised', library='transformers', model=kind,
        options=tuple(options.items()), architecture=kind, n_parameters=1, patch_size=patch,
        n_features=width, n_prefix=n_prefix, n_channels=config.num_channels, mean=mean, std=std,
        native_size=native, image_size=min(native, 224),
        pooling='cls' if n_prefix and kind != 'radio' else 'own', pretraining='see its folder',
        license='see its folder', reference=str(folder))


def _geometry(kind, config):
    """Prefix tokens, patch size and width of a configuration."""
    if kind == 'resnet':
        return 0, 32, config.hidden_sizes[-1]
    n_prefix = {'siglip_vision_model': 0,
                'radio': getattr(config, 'num_cls_tokens', 0) + getattr(config, 'num_registers', 0),
                }.get(kind, 1 + (getattr(config, 'num_register_tokens', 0) or 0))
    return n_prefix, config.patch_size, config.hidden_size


def _statistics(folder):
    path = folder / 'preprocessor_config.json'
    try:
        about = json.loads(path.read_text(encoding='utf-8'))
        return tuple(about['image_mean']), tuple(about['image_std'])
    except (OSError, ValueError, KeyError) as error:
        raise ReadError(f'{path} does not say the mean and standard deviation of the images '
                        f'({error}); copy it from the hub, or pass mean= and std=') from None
