"""Find the files of a backbone: a folder, the hub's cache, or the hub."""

import hashlib
import json
import os
import re
from pathlib import Path

from ..utils import ReadError

__all__ = ['MANIFEST', 'Files', 'check_sha256', 'describe_folder', 'find_files', 'models_folder']

MANIFEST = 'astrofound.json'  # written by ``astrofound models fetch`` beside the weights
_WEIGHTS = ('model.safetensors', 'pytorch_model.bin')
_HASH = re.compile('[0-9a-f]{64}')


class Files:
    """
    Where the files of a backbone are.

    Parameters
    ----------
    folder : path-like
        Folder that holds them.
    weights : path-like
        The weight file.
    revision : str, optional
        Commit they belong to, as far as it is known.
    """

    def __init__(self, folder, weights, revision=''):
        self.folder = Path(folder)
        self.weights = Path(weights)
        self.revision = revision


def models_folder():
    """
    Give the folder named by ``ASTROFOUND_MODELS``, in which fetched backbones lie.

    Returns
    -------
    folder : `~pathlib.Path` or None
        `None` where the variable is not set.
    """
    folder = os.environ.get('ASTROFOUND_MODELS')
    return Path(folder) if folder else None


def find_files(spec, folder=None):
    """
    Find the files of a backbone, on this machine first.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.
    folder : path-like, optional
        Where they must be; by default ``$ASTROFOUND_MODELS/NAME``, then the cache of the hub,
        then the hub itself unless ``HF_HUB_OFFLINE`` is set.

    Returns
    -------
    files : Files
        Paths that exist, hashes checked.

    Raises
    ------
    ReadError
        If they are nowhere, damaged, or the hub does not hand them out.
    """
    if folder is None and models_folder() is not None:
        own = models_folder() / spec.name
        folder = own if own.is_dir() else None
    files = _from_hub(spec) if folder is None else _from_folder(spec, Path(folder))
    check_sha256(files.weights, spec.sha256)
    return files


def _from_folder(spec, folder):
    weights = weight_file(folder)
    if weights is None:
        raise ReadError(f'{folder} has no weights for {spec.name}: neither '
                        f"{' nor '.join(_WEIGHTS)}; {_remedy(spec)}")
    manifest = describe_folder(folder, MANIFEST, needed=False)
    for name, digest in manifest.get('sha256', {}).items():
        check_sha256(folder / name, digest)
    return Files(folder, weights, manifest.get('revision', ''))


def weight_file(folder):
    """
    Give the weight file of a folder.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to look.

    Returns
    -------
    path : `~pathlib.Path` or None
        The file, safetensors before others; `None` where there is none.
    """
    return next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)


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


def _from_hub(spec):
    """Ask the hub's client, which looks into its cache and, where allowed, into the network."""
    from huggingface_hub import hf_hub_download

    got = {}
    for name in ('config.json', *_WEIGHTS, 'preprocessor_config.json'):
        if name in _WEIGHTS and any(one in got for one in _WEIGHTS):
            continue
        path = _download(hf_hub_download, spec, name, needed=name == 'config.json')
        if path is not None:
            got[name] = Path(path)
    weights = next((got[name] for name in _WEIGHTS if name in got), None)
    if weights is None:
        raise ReadError(_nowhere(spec, _WEIGHTS[0]))
    blob = weights.resolve().name  # the cache names large files by their hash
    if _HASH.fullmatch(blob):
        check_sha256(weights, blob)
    return Files(weights.parent, weights, weights.parent.name)


def _download(download, spec, name, *, needed):
    """Return the path of one file, `None` where the repository lacks it and may."""
    from huggingface_hub import errors

    try:
        return download(spec.repo, name, revision=spec.revision)
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        if not needed:
            return None
        raise ReadError(_nowhere(spec, name)) from None
    except errors.EntryNotFoundError:
        if not needed:
            return None
        raise ReadError(f'{spec.repo} has no {name} at revision {spec.revision}') from None
    except errors.GatedRepoError as error:
        refused = getattr(getattr(error, 'response', None), 'status_code', 401) == 403
        what = 'your account was not given access' if refused else (
            'it is handed out only to accounts that accepted its licence')
        raise ReadError(f'{spec.name}: {what} ({spec.license}); ask at '
                        f'https://huggingface.co/{spec.repo} and run `hf auth login`') from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        raise ReadError(f'the hub has no {spec.repo} at revision {spec.revision}, or hides it '
                        'from this account') from None
    except (errors.HfHubHTTPError, OSError) as error:
        raise ReadError(f'cannot fetch {name} of {spec.repo}: {error}; {_remedy(spec)}') from None


def _nowhere(spec, name):
    from huggingface_hub import constants

    looked = [f'the cache {constants.HF_HUB_CACHE}']
    if models_folder() is not None:
        looked.insert(0, str(models_folder() / spec.name))
    return (f'{spec.name} needs {name} of {spec.repo} (revision {spec.revision}), which is not in '
            f"{' nor in '.join(looked)}, and the hub cannot be reached; {_remedy(spec)}")


def _remedy(spec):
    return (f"where there is a network run 'astrofound models fetch {spec.name} --to DIR', copy "
            f'DIR here and set ASTROFOUND_MODELS=DIR, or pass weights=DIR/{spec.name}')


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
        with Path(path).open('rb') as file:
            found = hashlib.file_digest(file, 'sha256').hexdigest()
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from None
    if not found.startswith(expected):
        raise ReadError(f'{path} is damaged or not the file it should be: its SHA-256 is '
                        f'{found[:16]}..., not {expected[:16]}...; fetch it again')
