"""A fitted classifier in a folder: JSON for what it is, safetensors for what it learnt."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from astrofound import __version__
from astrofound.utils import InputError, ReadError, atomic_path, resolve_device

__all__ = ['FORMAT', 'load_classifier', 'save_classifier']

FORMAT = 1
_KIND = 'astrofound classifier'


def save_classifier(path, classifier):
    """
    Write a classifier.

    Parameters
    ----------
    path : path-like
        Folder, made where missing.
    classifier : MorphologyClassifier
        Fitted.

    Raises
    ------
    InputError
        If a parameter is an object that no file can name.
    """
    parameters = {name: _plain(name, value) for name, value in classifier.get_params().items()}
    described = {
        'kind': _KIND, 'format': FORMAT, 'version': __version__,
        'parameters': parameters, 'classes': [str(name) for name in classifier.classes_],
        'temperature': classifier.temperature_, 'n_channels': classifier.n_channels_,
        'image_size': classifier.image_size_, 'fingerprint': classifier.fingerprint_,
        'n_trainable': classifier.n_trainable_, 'n_parameters': classifier.n_parameters_,
        'history': classifier.history_,
    }
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / 'weights.safetensors') as temporary:
        save_file({name: tensor.contiguous() for name, tensor in classifier._state.items()},
                  temporary)
    with atomic_path(folder / 'params.json') as temporary:
        temporary.write_text(json.dumps(described, indent=1) + '\n')


def _plain(name, value):
    """Give a value that JSON can hold and `load_classifier` brings back."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, 'unit'):
        return str(value)
    raise InputError(f'{name!r} was given as an object ({type(value).__name__}); to save the '
                     'classifier give a name or a path')


def load_classifier(kind, path, device):
    """
    Read a classifier.

    Parameters
    ----------
    kind : type
        The class to make.
    path : path-like
        Folder that `save_classifier` wrote.
    device : str
        Where it will run.

    Returns
    -------
    classifier : MorphologyClassifier
        Fitted.

    Raises
    ------
    ReadError
        If the folder holds none, or one that this version cannot use.
    """
    folder = Path(path)
    described = _describe(folder)
    classifier = kind(**described['parameters'])
    classifier.set_params(device=device, run=None)
    classifier.classes_ = np.array(described['classes'])
    network = classifier._build(resolve_device(device))
    if classifier.fingerprint_ != described['fingerprint']:
        raise ReadError(f"{folder} was fitted with other weights of {classifier.backbone} than "
                        'those found now; point weights or ASTROFOUND_MODELS to the same ones')
    try:
        state = load_file(folder / 'weights.safetensors')
    except (OSError, SafetensorError) as error:
        raise ReadError(f'cannot read the weights in {folder}: {error}') from None
    try:
        unknown = network.load_state_dict(state, strict=False).unexpected_keys
    except RuntimeError as error:
        raise ReadError(f'the weights in {folder} do not fit its params.json: {error}') from None
    if unknown or not any(name.startswith('head.') for name in state):
        raise ReadError(f'{folder}/weights.safetensors does not belong to its params.json')
    network.eval().requires_grad_(False)
    classifier._state, classifier.history_ = state, described['history']
    for name in ('temperature', 'n_channels', 'n_trainable', 'n_parameters'):
        setattr(classifier, f'{name}_', described[name])
    return classifier


def _describe(folder):
    path = folder / 'params.json'
    try:
        described = json.loads(path.read_text())
    except OSError as error:
        raise ReadError(f'there is no classifier in {folder}: {error.strerror}') from None
    except ValueError as error:
        raise ReadError(f'{path} is damaged: {error}') from None
    if not isinstance(described, dict) or described.get('kind') != _KIND:
        raise ReadError(f'{path} does not describe a classifier of astrofound')
    if described['format'] > FORMAT:
        raise ReadError(f"{folder} was written by astrofound {described['version']}, whose format "
                        f"{described['format']} this version does not know; update astrofound")
    return described
