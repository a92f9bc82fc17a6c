"""The public contract: estimators that take images and give tables."""

from .assessment import Assessment, assess_detector
from .base import BaseDetector
from .classifier import MorphologyClassifier
from .detector import SourceDetector
from .diffuse import DiffuseOptions, add_diffuse
from .feature_files import read_features, write_features
from .features import FeatureExtractor
from .injecting import InjectionOptions
from .islands import score_diffuse
from .reliability import score_cut
from .saving import SavingMixin

__all__ = ['Assessment', 'InjectionOptions', 'assess_detector',
           'BaseDetector', 'DiffuseOptions', 'FeatureExtractor', 'MorphologyClassifier',
           'SavingMixin', 'SourceDetector', 'add_diffuse',
           'read_features', 'score_cut', 'score_diffuse', 'write_features']
