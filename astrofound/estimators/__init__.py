"""The public contract: estimators that take images and give tables."""

from .base import BaseDetector
from .detector import SourceDetector

__all__ = ['BaseDetector', 'SourceDetector']
