"""Find the files of a backbone: a folder, the hub's cache, or the hub."""

import os
import re
from pathlib import Path

from ..utils import ReadError
from .manifest import check_folder, check_sha256

__all__ = ['Files', 'files_of_folder', 'find_files', 'folder_name', 'own_folder', 'remedy']

_WEIGHTS = ('model.safetensors', 'pytorch_model.bin')
_HASH = re.compile('[0-9a-f]{64}')
_COMMIT = re.compile('[0-9a-f]{40}')


class Files:
    """
    Where the files of a backbone are.

    Parameters
    ----------
    folder : path-like
        Folder that holds them.
    weights : path-like
        The weight file.
    commit : str, optional
        Commit they belong to, as far as it is known.
    """

    def __init__(self, folder, weights, commit=''):
        self.folder = Path(folder)
        self.weights = Path(weights)
        self.commit = commit


def folder_name(spec):
    """
    Give the name of the folder in which the files of a backbone are kept.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.

    Returns
    -------
    name : str
        Without a character that some disks refuse.
    """
    return re.sub(r'[^\w.-]', '_', spec.name)


def own_folder(spec):
    """
    Give the folder of a backbone in ``ASTROFOUND_MODELS``.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.

    Returns
    -------
    folder : `~pathlib.Path` or None
        `None` where the variable is not set or there is no such folder in it.
    """
    models = os.environ.get('ASTROFOUND_MODELS')
    folder = Path(models) / folder_name(spec) if models else None
    return folder if folder is not None and folder.is_dir() else None


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
    if folder is None:
        folder = own_folder(spec)
    files = _from_hub(spec) if folder is None else files_of_folder(spec, Path(folder))
    check_sha256(files.weights, spec.sha256)
    return files


def files_of_folder(spec, folder):
    """
    Find the files of a backbone in a folder of its own.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.
    folder : `~pathlib.Path`
        Where they must be.

    Returns
    -------
    files : Files
        Safetensors before other weights; their hashes are checked where a manifest says them.

    Raises
    ------
    ReadError
        If there are no weights, or a file is not the one that was fetched.
    """
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise ReadError(f'{folder} has no weights for {spec.name}: neither '
                        f"{' nor '.join(_WEIGHTS)}; {remedy(spec)}")
    return Files(folder, weights, check_folder(folder, weights).get('commit', ''))


def _from_hub(spec):
    """Ask the hub's client, which looks into its cache and, where allowed, into the network."""
    from huggingface_hub import hf_hub_download

    if not spec.repo:
        raise ReadError(f'no repository of the hub is known for the weights of {spec.name}; pass '
                        'weights= with a folder or .safetensors file of yours')
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
    snapshot = weights.parent.name
    return Files(weights.parent, weights, snapshot if _COMMIT.fullmatch(snapshot) else '')


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
        raise ReadError(f'cannot fetch {name} of {spec.repo}: {error}; {remedy(spec)}') from None


def _nowhere(spec, name):
    from huggingface_hub import constants

    looked = [f'the cache {constants.HF_HUB_CACHE}']
    if models := os.environ.get('ASTROFOUND_MODELS'):
        looked.insert(0, str(Path(models) / folder_name(spec)))
    return (f'{spec.name} needs {name} of {spec.repo} (revision {spec.revision}), which is not in '
            f"{' nor in '.join(looked)}, and the hub cannot be reached; {remedy(spec)}")


def remedy(spec):
    """
    Say how to get weights onto a machine without a network.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.

    Returns
    -------
    text : str
        The end of an error message.
    """
    return (f"where there is a network run 'astrofound models fetch {spec.name} --to DIR', copy "
            f'DIR here and set ASTROFOUND_MODELS=DIR, or pass weights=DIR/{folder_name(spec)}')
