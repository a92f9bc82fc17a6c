"""Fetch a backbone into a folder that can be carried to a machine without a network."""

import shutil
from pathlib import Path

from ..utils import InputError, WriteError, atomic_path
from .manifest import write_manifest
from .places import find_files, folder_name
from .registry import find_spec

__all__ = ['fetch_backbone']


def fetch_backbone(name, folder):
    """
    Copy all files of a backbone into a folder, with their hashes.

    Parameters
    ----------
    name : str
        A name of `list_backbones`, or ``'timm:NAME'``.
    folder : path-like
        Where to put them: into a folder of the backbone's name in it. Set
        ``ASTROFOUND_MODELS`` to it on the other machine.

    Returns
    -------
    path : `~pathlib.Path`
        The backbone's own folder.

    Raises
    ------
    InputError
        If there is no such backbone or nothing to fetch.
    ReadError
        If the hub cannot be reached or does not hand it out.
    WriteError
        If the folder cannot be written.
    """
    from .loading import resolve_spec, torchvision_state

    spec = resolve_spec(name) if name.startswith('timm:') else find_spec(name)
    if spec.library == 'astrofound' or spec.is_toy:
        raise InputError(f'{spec.name} needs no fetching: it comes with astrofound')
    if spec.obstacle:
        raise InputError(f'{spec.name} cannot be fetched: {spec.obstacle}')
    target = Path(folder) / folder_name(spec)
    if spec.library == 'torchvision':
        state = torchvision_state(spec)
        _make(target)
        _save(target / 'model.safetensors', state)
        write_manifest(target, spec, ['model.safetensors'])
        return target
    files = find_files(spec)
    found = [path for path in (files.folder / 'config.json', files.weights,
                               files.folder / 'preprocessor_config.json') if path.exists()]
    _make(target)
    for path in found:
        _copy(path, target / path.name)
    write_manifest(target, spec, [path.name for path in found], commit=files.commit)
    return target


def _make(target):
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f'cannot make the folder {target}: {error.strerror}') from None


def _copy(source, target):
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _save(path, state):
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
