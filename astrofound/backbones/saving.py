"""A backbone in one file that says itself what it is, for networks that were trained further."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..utils import ReadError, atomic_path
from .spec import BackboneSpec

__all__ = ['fill', 'is_saved', 'read_saved_spec', 'read_state', 'save_backbone']

FORMAT = '1'
_KEY = 'astrofound_backbone'


def save_backbone(path, backbone):
    """
    Write a backbone with its record, wholly or not at all.

    Parameters
    ----------
    path : path-like
        A ``.safetensors`` file, which `load_backbone` takes.
    backbone : Backbone
        The network, whatever it was trained on since it was loaded.

    Raises
    ------
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from astrofound.backbones import load_backbone, save_backbone
    >>> backbone = load_backbone('toy_dinov2')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_backbone(Path(folder) / 'mine.safetensors', backbone)
    ...     again = load_backbone(Path(folder) / 'mine.safetensors')
    >>> again.fingerprint() == backbone.fingerprint()
    True
    """
    state = {name: tensor.detach().cpu().contiguous()
             for name, tensor in backbone.state_dict().items()}
    about = {_KEY: FORMAT, 'spec': json.dumps(backbone.spec.to_dict())}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata=about)


def is_saved(path):
    """
    Tell whether `save_backbone` wrote a file.

    Parameters
    ----------
    path : path-like
        Anything.

    Returns
    -------
    saved : bool
        `False` also for what is no file of weights.
    """
    return Path(path).suffix == '.safetensors' and Path(path).is_file() and _KEY in _about(path)


def _about(path):
    try:
        with safe_open(path, framework='pt') as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ReadError(f'cannot read weights from {path}: {error}') from None


def read_saved_spec(path):
    """
    Read the record of a saved backbone.

    Parameters
    ----------
    path : path-like
        What `save_backbone` wrote.

    Returns
    -------
    spec : BackboneSpec
        The record it had.

    Raises
    ------
    ReadError
        If the file is of a later format.
    """
    about = _about(path)
    if about[_KEY] != FORMAT:
        raise ReadError(f'{path} is of format {about[_KEY]}, and this version of astrofound reads '
                        f'format {FORMAT}; install a later one')
    return BackboneSpec(**json.loads(about['spec']))


def read_state(path):
    """
    Read the tensors of a file.

    Parameters
    ----------
    path : path-like
        Weights in safetensors.

    Returns
    -------
    state : dict of str to `torch.Tensor`
        On the CPU.

    Raises
    ------
    ReadError
        If it is not such a file.
    """
    try:
        with safe_open(path, framework='pt') as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ReadError(f'cannot read weights from {path}: {error}') from None


def fill(backbone, path):
    """
    Give a network the weights of a file.

    Parameters
    ----------
    backbone : Backbone
        Built as the record in the file says.
    path : path-like
        What `save_backbone` wrote.

    Returns
    -------
    backbone : Backbone
        The same network.
    """
    backbone.load_state_dict(read_state(path))
    return backbone
