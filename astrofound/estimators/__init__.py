"""The public contract: estimators that take images and give tables."""

from importlib import import_module

from .base import BaseDetector
from .saving import SavingMixin

__all__ = ['Assessment', 'InjectionOptions', 'assess_detector',
           'BaseDetector', 'DiffuseOptions', 'FeatureExtractor', 'MorphologyClassifier',
           'SavingMixin', 'SourceDetector', 'add_diffuse',
           'read_features', 'score_cut', 'score_diffuse', 'write_features']

# Names whose modules load torch or training: one is rarely needed with the others.
_HOMES = {
    'Assessment': 'assessment', 'assess_detector': 'assessment',
    'InjectionOptions': 'injecting',
    'DiffuseOptions': 'diffuse', 'add_diffuse': 'diffuse', 'score_diffuse': 'diffuse_scores',
    'FeatureExtractor': 'features',
    'read_features': 'feature_files', 'write_features': 'feature_files',
    'MorphologyClassifier': 'classifier',
    'SourceDetector': 'detector',
    'score_cut': 'reliability',
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)
