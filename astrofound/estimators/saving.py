"""An estimator as a folder: its parameters in JSON, and weights where they are its own."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import astropy.units as u
import numpy as np

from astrofound import __version__
from astrofound.utils import InputError, ReadError, WriteError, atomic_path

__all__ = ['WEIGHTS', 'SavingMixin']

FORMAT = 1
PARAMS = 'params.json'
WEIGHTS = 'weights.safetensors'
_LIBRARIES = ('numpy', 'astropy', 'scikit-learn', 'torch', 'torchvision', 'timm', 'transformers')


class SavingMixin:
    """
    Adds ``save`` and ``load`` to an estimator.

    A subclass whose weights are not found by name elsewhere writes them in ``_save_weights`` and
    checks in ``_check_loaded`` that it has become what was saved.
    """

    def save(self, folder):
        """
        Write the estimator to a folder.

        ``params.json`` holds the parameters and the versions of the libraries; weights that
        have no name of their own are written beside it.

        Parameters
        ----------
        folder : path-like
            Made where it is missing.

        Raises
        ------
        InputError
            If a parameter cannot be written.
        WriteError
            If the folder cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f'cannot make the folder {folder}: {error.strerror}') from None
        changed, learnt = self._save_weights(folder / WEIGHTS)
        parameters = {**self.get_params(deep=False), **changed}
        content = {
            'format': FORMAT, 'estimator': type(self).__name__,
            'parameters': {name: _to_json(name, value) for name, value in parameters.items()},
            'learnt': learnt,
            'versions': {'astrofound': __version__,
                         **{name: version(name) for name in _LIBRARIES}},
        }
        with atomic_path(folder / PARAMS) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')

    @classmethod
    def load(cls, folder, **changes):
        """
        Read an estimator that `save` wrote.

        Parameters
        ----------
        folder : path-like
            Where it is.
        **changes
            Parameters to have in place of the saved ones, such as ``device='cpu'``.

        Returns
        -------
        estimator : object
            Ready to use.

        Raises
        ------
        InputError
            If a parameter is not one of this estimator.
        ReadError
            If the folder does not hold an estimator of this kind and format, or its weights
            cannot be had or are not those it was saved with.
        """
        path = Path(folder) / PARAMS
        content = _read(path, cls.__name__)
        parameters = {name: _from_json(value) for name, value in content['parameters'].items()}
        for name, value in parameters.items():
            if value == WEIGHTS:
                parameters[name] = str(Path(folder) / WEIGHTS)
        known = cls._get_param_names()
        if unknown := [name for name in parameters if name not in known]:
            raise ReadError(f'{path} has a parameter {unknown[0]!r} that {cls.__name__} of '
                            f'astrofound {__version__} does not know')
        if unknown := [name for name in changes if name not in known]:
            raise InputError(f'{cls.__name__} has no parameter {unknown[0]!r}')
        estimator = cls(**{**parameters, **changes})
        estimator._check_loaded(path, content.get('learnt', {}))
        return estimator

    def _save_weights(self, path):
        """Write weights that have no name; return parameters to change, and what to check."""
        return {}, {}

    def _check_loaded(self, path, learnt):
        """Raise where this is not what was saved."""


def _read(path, kind):
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ReadError(f'there is no saved {kind} in {path.parent}: cannot read {path.name} '
                        f'({error.strerror})') from None
    except ValueError as error:
        raise ReadError(f'{path} is damaged: {error}') from None
    found = content.get('format') if isinstance(content, dict) else None
    if found != FORMAT:
        raise ReadError(f'{path} is of format {found!r}, and this version of astrofound reads '
                        f'format {FORMAT}; save it again, or install the version that wrote it')
    if content.get('estimator') != kind:
        raise ReadError(f"{path} holds a {content.get('estimator')} and not a {kind}")
    if not isinstance(content.get('parameters'), dict):
        raise ReadError(f'{path} is damaged: it has no parameters')
    return content


def _to_json(name, value):
    if isinstance(value, u.Quantity) and value.isscalar:
        return {'value': float(value.value), 'unit': value.unit.to_string()}
    if isinstance(value, tuple | list):
        return [_to_json(name, one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(f'the parameter {name!r} is of type {type(value).__name__}, which cannot be '
                     'saved; give it as a number, a name or a path')


def _from_json(value):
    if isinstance(value, dict):
        return value['value'] * u.Unit(value['unit'])
    return tuple(map(_from_json, value)) if isinstance(value, list) else value
