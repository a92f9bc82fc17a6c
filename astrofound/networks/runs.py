"""Where weights lie and what a run folder holds, told without torch."""

import json
from importlib import resources
from pathlib import Path

from astrofound.utils import ReadError

__all__ = ['BOX_KIND', 'BUNDLED', 'is_box_run', 'locate_weights', 'read_parameters']

BUNDLED = ('compact',)
BOX_KIND = 'box detector'
PARAMETERS = 'params.json'


def is_box_run(source):
    """
    Tell whether something is the run folder of a detector on a backbone.

    Parameters
    ----------
    source : str or path-like
        A name, folder or file.

    Returns
    -------
    found : bool
        Whether its parameters say so.
    """
    folder = Path(source)
    return (folder / PARAMETERS).is_file() and read_parameters(folder).get('kind') == BOX_KIND


def read_parameters(run):
    """
    Read the parameters of a run.

    Parameters
    ----------
    run : path-like
        Folder.

    Returns
    -------
    parameters : dict
        Contents of its ``params.json``.

    Raises
    ------
    ReadError
        If there are none, or they cannot be read.
    """
    path = Path(run) / PARAMETERS
    try:
        parameters = json.loads(path.read_text())
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from None
    except ValueError as error:
        raise ReadError(f'{path} is no JSON: {error}') from None
    return parameters if isinstance(parameters, dict) else {}


def locate_weights(source):
    """
    Give the file that holds weights.

    Parameters
    ----------
    source : str or path-like
        As for `load_weights`.

    Returns
    -------
    path : `~pathlib.Path`
        A file that is there.

    Raises
    ------
    ReadError
        If there is none.
    """
    if source in BUNDLED:
        return Path(str(resources.files('astrofound') / 'weights' / f'{source}.safetensors'))
    path = Path(source)
    if path.is_dir():
        path = path / 'weights.safetensors'
    if not path.is_file():
        raise ReadError(f'no detector weights at {path}; pass a .safetensors file, a run folder '
                        f"or one of the bundled names: {', '.join(BUNDLED)}")
    return path
