"""The public contract: estimators that take images and give tables."""

from .base import BaseDetector
from .detector import SourceDetector
from .feature_files import read_features, write_features
from .features import FeatureExtractor

__all__ = ['BaseDetector', 'FeatureExtractor', 'SourceDetector', 'read_features',
           'write_features']
