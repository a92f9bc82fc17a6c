"""The public contract: estimators that take images and give tables."""

from .base import BaseDetector
from .classifier import MorphologyClassifier
from .detector import SourceDetector
from .diffuse import DiffuseOptions, add_diffuse
from .feature_files import read_features, write_features
from .features import FeatureExtractor
from .islands import score_diffuse
from .reliability import score_cut

__all__ = ['BaseDetector', 'DiffuseOptions', 'FeatureExtractor', 'MorphologyClassifier',
           'SourceDetector', 'add_diffuse',
           'read_features', 'score_cut', 'score_diffuse', 'write_features']
