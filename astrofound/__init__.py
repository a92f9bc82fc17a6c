"""
Turn radio and optical survey images into catalogues with vision foundation models.

Subpackages and the names below arrive on first use, so that ``import astrofound``
loads neither torch nor numba.
"""

from importlib import import_module
from importlib.metadata import version

__all__ = ['FeatureExtractor', 'SourceDetector', 'SurveyImage', '__version__', 'read_catalog',
           'write_catalog']

__version__ = version('astrofound')

_SUBPACKAGES = {
    'backbones', 'baselines', 'catalog', 'datasets', 'estimators', 'evaluation', 'explore',
    'guidance', 'image', 'networks', 'pipeline', 'preprocess', 'training', 'utils',
}
_HOMES = {
    'FeatureExtractor': 'estimators',
    'SourceDetector': 'estimators',
    'SurveyImage': 'image',
    'read_catalog': 'catalog',
    'write_catalog': 'catalog',
}


def __getattr__(name):
    if name in _SUBPACKAGES:
        return import_module(f'.{name}', __name__)
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)


def __dir__():
    return sorted({*globals(), *_SUBPACKAGES, *_HOMES})
