"""From a name, folder or file to a backbone ready to run."""

import logging
import os
import warnings
from pathlib import Path

import torch

from ..utils import AstrofoundError, InputError, LicenseWarning, ReadError, resolve_device
from .compact_encoder import build_compact, new_compact
from .manifest import check_sha256, describe_folder, read_manifest
from .places import files_of_folder, find_files, own_folder, remedy
from .registry import find_spec
from .saving import fill, is_saved, read_saved_spec, read_state
from .spec import BackboneSpec
from .timm_models import build_timm, spec_of_timm, spec_of_timm_folder
from .torchvision_models import build_torchvision
from .transformers_models import build_from_file, build_transformers, spec_of_folder

__all__ = ['load_backbone', 'resolve_spec']

logger = logging.getLogger(__name__)

_licenses_told = set()


def load_backbone(name='compact', *, weights=None, pretrained=True, mean=None, std=None,
                  device='cpu'):
    """
    Load a backbone by name, or from a folder or file.

    Parameters
    ----------
    name : str, path-like or BackboneSpec, optional
        A name of `list_backbones`; ``'timm:NAME'`` for any model of timm; a folder with
        ``config.json`` and ``model.safetensors``; a file written by `save_backbone`; or the
        ``.safetensors`` file of a compact detector.
    weights : path-like, optional
        Folder or ``.safetensors`` file with the weights of a named backbone; by default they
        are looked for in ``$ASTROFOUND_MODELS/NAME``, in the cache of the hub and on the hub.
    pretrained : bool, optional
        `False` gives the same network with random weights, to be trained from scratch.
    mean, std : tuple of float, optional
        Statistics of the images, for a folder that does not say them.
    device : str or `torch.device`, optional
        As for `~astrofound.utils.resolve_device`.

    Returns
    -------
    backbone : Backbone
        In evaluation mode, float32.

    Raises
    ------
    InputError
        If the name is unknown or the backbone cannot be loaded at all.
    ReadError
        If weights are missing, damaged or of another network; the message says which and how
        to get them.

    Examples
    --------
    >>> import torch
    >>> backbone = load_backbone('toy_dinov2')
    >>> features = backbone(torch.rand(2, 1, 40, 48))
    >>> features.dense.shape, features.prefix.shape
    (torch.Size([2, 24, 5, 6]), torch.Size([2, 1, 24]))
    """
    device = resolve_device(device)
    spec, place = _resolve(name, mean, std)
    if weights is not None:
        place = Path(weights)
        if not place.exists():
            raise ReadError(f'there are no weights at {place}')
    if spec.obstacle and place is None:
        raise InputError(f'{spec.name} cannot be loaded: {spec.obstacle}')
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # weights that are random are the same ones every time
        if not pretrained or (spec.is_toy and place is None):
            backbone = _build(spec)
        else:
            backbone = _load(spec, place)
            _tell_license(backbone.spec)
    return backbone.to(device).eval()


def resolve_spec(name):
    """
    Give the record of a backbone without reading its weights.

    Parameters
    ----------
    name : str, path-like or BackboneSpec
        As for `load_backbone`.

    Returns
    -------
    spec : BackboneSpec
        The record.

    Raises
    ------
    InputError
        If there is no such backbone.
    ReadError
        If a folder or file does not say what it is.
    """
    return _resolve(name, None, None)[0]


def _resolve(name, mean, std):
    """Return the record, and the folder or file where ``name`` is one."""
    if isinstance(name, BackboneSpec):
        return name, None
    text = os.fspath(name)
    if text.startswith('timm:'):
        return spec_of_timm(text.removeprefix('timm:')), None
    if Path(text).is_dir():
        return _spec_of_folder(Path(text), mean, std), Path(text)
    if text.endswith('.safetensors'):
        if not Path(text).is_file():
            raise ReadError(f'there are no weights at {text}')
        spec = read_saved_spec(text) if is_saved(text) else find_spec('compact')
        return spec, Path(text)
    if os.sep in text and not text.startswith('timm/'):
        raise ReadError(f'there is no backbone folder {text}')
    return find_spec(text), None


def _spec_of_folder(folder, mean, std):
    manifest = read_manifest(folder)
    if manifest:
        return _resolve(manifest['name'], None, None)[0]
    configuration = describe_folder(folder)
    name = folder.resolve().name
    if 'model_type' in configuration:
        return spec_of_folder(folder, configuration, name=name, mean=mean, std=std)
    return spec_of_timm_folder(folder, configuration, name=name)


def _build(spec):
    """Make a network with random weights."""
    builders = {'astrofound': new_compact, 'timm': build_timm,
                'transformers': build_transformers, 'torchvision': build_torchvision}
    if spec.library == 'timm' and not spec.mean:
        spec = spec_of_timm(spec.model, name=spec.name)
    return builders[spec.library](spec)


def _load(spec, place):
    """Make a network with its own weights; whatever a library complains of names the file."""
    source = place
    try:
        if place is not None and is_saved(place):
            return _load_saved(spec, place)
        if spec.library == 'astrofound':
            return build_compact(spec, 'compact' if place is None else place)
        if place is not None and place.is_file():
            return _load_file(spec, place)
        if spec.library == 'torchvision':
            return _load_torchvision(spec, place)
        files = find_files(spec, place)
        source = files.weights
        spec = spec.replace(revision=files.commit or spec.revision)
        if spec.library == 'transformers':
            return build_transformers(spec, files.folder)
        return _load_timm(spec, files)
    except AstrofoundError:
        raise
    except Exception as error:  # three libraries raise what they like over a damaged file
        reason = ' '.join(str(error).split())
        raise ReadError(f'cannot load {spec.name} from {source}: {reason[:400]}') from error


def _load_saved(spec, path):
    own = read_saved_spec(path)
    if own.name != spec.name:
        raise ReadError(f'{path} holds the backbone {own.name}, and {spec.name} is asked for')
    return fill(_build(own), path)


def _load_timm(spec, files):
    if not spec.mean:  # said by the checkpoint only
        configuration = describe_folder(files.folder)
        spec = spec_of_timm_folder(files.folder, configuration, name=spec.name).replace(
            family=spec.family, pretraining=spec.pretraining, license=spec.license,
            reference=spec.reference, repo=spec.repo, revision=spec.revision)
    return build_timm(spec, files.weights)


def _load_file(spec, path):
    """Weights alone, whose architecture is that of the record."""
    if path.suffix != '.safetensors':
        raise ReadError(f'{path} must be a .safetensors file or a folder; others can hold code')
    if spec.library == 'timm':
        return build_timm(spec, path)
    if spec.library == 'torchvision':
        return build_torchvision(spec, read_state(path), source=path)
    return build_from_file(spec, path)


def _load_torchvision(spec, folder):
    folder = own_folder(spec) if folder is None else folder
    if folder is None:
        return build_torchvision(spec, torchvision_state(spec))
    path = files_of_folder(spec, folder).weights
    state = read_state(path) if path.suffix == '.safetensors' else torch.load(
        path, map_location='cpu', weights_only=True)
    return build_torchvision(spec, state, source=path)


def torchvision_state(spec):
    """
    Read torchvision's weights from its cache, or fetch them.

    Parameters
    ----------
    spec : BackboneSpec
        A backbone of torchvision.

    Returns
    -------
    state : dict of str to `torch.Tensor`
        The weights, whose hash agrees with the file's name.

    Raises
    ------
    ReadError
        If they are not in the cache and cannot be fetched.
    """
    from huggingface_hub import constants
    from torchvision import models

    url = models.get_model_weights(spec.model)[spec.revision].url
    path = Path(torch.hub.get_dir()) / 'checkpoints' / url.rpartition('/')[2]
    reason = 'HF_HUB_OFFLINE forbids to fetch it'
    if not path.exists() and not constants.HF_HUB_OFFLINE:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=spec.sha256,
                                           progress=False)
        except (OSError, RuntimeError) as error:
            reason = f'{url} cannot be fetched ({error})'
    if not path.exists():
        raise ReadError(f'{spec.name} needs {path.name}, which is not in {path.parent}, and '
                        f'{reason}; {remedy(spec)}')
    check_sha256(path, spec.sha256)
    return torch.load(path, map_location='cpu', weights_only=True)


def _tell_license(spec):
    """Say the licence of a model once a process; warn where it forbids something."""
    if spec.name in _licenses_told:
        return
    _licenses_told.add(spec.name)
    logger.info('%s: licence %s, %s', spec.name, spec.license, spec.reference)
    if spec.restricted:
        warnings.warn(LicenseWarning(f'{spec.name} is under the {spec.license}, which restricts '
                                     'its use; read it before you publish or sell'), stacklevel=4)
