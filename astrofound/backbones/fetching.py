"""Fetch a backbone into a folder that can be carried to a machine without a network."""

import json
import shutil
from pathlib import Path

from ..utils import InputError, WriteError, atomic_path, file_digest
from .places import MANIFEST, find_files
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
    target = Path(folder) / spec.name.replace(':', '_')
    if spec.library == 'torchvision':
        state, revision = torchvision_state(spec), spec.revision
        _make(target)
        _save(target / 'model.safetensors', state)
    else:
        files = find_files(spec)
        revision = files.revision
        _make(target)
        for path in (files.folder / 'config.json', files.weights,
                     files.folder / 'preprocessor_config.json'):
            if path.exists():
                _copy(path, target / path.name)
    _write_manifest(target, spec, revision)
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


def _write_manifest(target, spec, revision):
    digests = {}
    for path in sorted(target.iterdir()):
        if path.is_file() and path.name != MANIFEST:
            digests[path.name] = file_digest(path)
    content = {'format': 1, 'name': spec.name, 'repo': spec.repo, 'revision': revision,
               'license': spec.license, 'reference': spec.reference, 'sha256': digests}
    with atomic_path(target / MANIFEST) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
