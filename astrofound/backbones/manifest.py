"""The note beside fetched files that says what they are, so that every load can check it."""

import json
from pathlib import Path

from ..utils import ReadError, atomic_path, file_digest

__all__ = ['MANIFEST', 'check_folder', 'check_sha256', 'describe_folder', 'read_manifest',
           'write_manifest']

MANIFEST = 'astrofound.json'  # written by ``astrofound models fetch`` beside the weights
FORMAT = 1


def write_manifest(folder, spec, names, *, commit=''):
    """
    Write the hashes of files that were fetched, and where they are from.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The backbone's own folder.
    spec : BackboneSpec
        The backbone.
    names : list of str
        Files in that folder.
    commit : str, optional
        What the revision stood for when the files were fetched, where it is known.
    """
    digests = {name: file_digest(folder / name) for name in names}
    content = {'format': FORMAT, 'name': spec.name, 'repo': spec.repo, 'revision': spec.revision,
               'commit': commit, 'license': spec.license, 'reference': spec.reference,
               'sha256': digests}
    with atomic_path(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def read_manifest(folder):
    """
    Read the note of a folder.

    Parameters
    ----------
    folder : path-like
        The folder.

    Returns
    -------
    manifest : dict
        What `write_manifest` wrote; empty where there is none.

    Raises
    ------
    ReadError
        If it is damaged or of a later format.
    """
    manifest = describe_folder(folder, MANIFEST, needed=False)
    if not manifest:
        return {}
    path = Path(folder) / MANIFEST
    if manifest.get('format') != FORMAT:
        raise ReadError(f"{path} is of format {manifest.get('format')!r}, and this version of "
                        f'astrofound reads format {FORMAT}; fetch the backbone again')
    digests = manifest.get('sha256')
    names_only = isinstance(digests, dict) and all(
        isinstance(digest, str) and Path(name).name == name for name, digest in digests.items())
    if not (names_only and isinstance(manifest.get('name'), str)):
        raise ReadError(f'{path} is damaged; fetch the backbone again')
    return manifest


def check_folder(folder, weights):
    """
    Make sure that all files of a folder are those that were fetched.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The folder; without a manifest there is nothing to check.
    weights : `~pathlib.Path`
        The file in it that is about to be loaded.

    Returns
    -------
    manifest : dict
        As from `read_manifest`.

    Raises
    ------
    ReadError
        If a file is missing or another, or the manifest does not know the weights.
    """
    manifest = read_manifest(folder)
    if manifest and weights.name not in manifest['sha256']:
        raise ReadError(f'{weights} was not fetched with the other files of its folder; remove it, '
                        f'or remove {MANIFEST} if you trust it')
    for name, digest in manifest.get('sha256', {}).items():
        check_sha256(folder / name, digest)
    return manifest


def check_sha256(path, expected):
    """
    Make sure that a file is the one it should be.

    Parameters
    ----------
    path : path-like
        The file.
    expected : str
        Its SHA-256 in hexadecimal or the beginning of it; empty checks nothing.

    Raises
    ------
    ReadError
        If it cannot be read or is another file.
    """
    if not expected:
        return
    try:
        found = file_digest(path)
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from None
    if not found.startswith(expected):
        raise ReadError(f'{path} is damaged or not the file it should be: its SHA-256 is '
                        f'{found[:16]}..., not {expected[:16]}...; fetch it again')


def describe_folder(folder, name='config.json', *, needed=True):
    """
    Read a JSON file of a folder.

    Parameters
    ----------
    folder : path-like
        The folder.
    name : str, optional
        Which file.
    needed : bool, optional
        Whether it must be there.

    Returns
    -------
    content : dict
        What it says; empty where it is not there and need not be.

    Raises
    ------
    ReadError
        If it is needed and not there, or is not JSON.
    """
    path = Path(folder) / name
    if not path.is_file():
        if needed:
            raise ReadError(f'{folder} has no {name}; a backbone folder holds it beside '
                            'model.safetensors')
        return {}
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ReadError(f'cannot read {path}: {error}') from None
    if not isinstance(content, dict):
        raise ReadError(f'{path} does not hold a description')
    return content
