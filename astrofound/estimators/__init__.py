"""The public contract: estimators that take images and give tables."""

from .base import BaseDetector
from .detector import SourceDetector
from .diffuse import DiffuseOptions, add_diffuse
from .islands import score_diffuse

__all__ = ['BaseDetector', 'DiffuseOptions', 'SourceDetector', 'add_diffuse', 'score_diffuse']
