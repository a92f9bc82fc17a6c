"""How good a catalogue is, against another one or the truth; and how good a classifier."""

from .box_rates import box_rates
from .boxes import (
    IOU_THRESHOLDS,
    BoxScores,
    BoxSet,
    box_overlaps,
    match_boxes,
    score_boxes,
)
from .classification import ClassificationReport, class_rates, macro_mean, score_classes
from .comparison import Comparison, compare_catalogs
from .cross_validation import CrossValidation
from .experiments import CompareStrategies, LearningCurve
from .published_boxes import published_boxes
from .runs import read_runs
from .sources import SourceList
from .statistics import SNR_EDGES, f1_score, fraction, median_scatter
from .truth import TruthScore, score_truth

__all__ = [
    'SNR_EDGES', 'Comparison', 'SourceList', 'TruthScore',
    'compare_catalogs', 'ClassificationReport', 'class_rates', 'macro_mean', 'score_classes',
    'CompareStrategies', 'CrossValidation', 'LearningCurve', 'read_runs',
    'IOU_THRESHOLDS', 'BoxScores', 'BoxSet', 'box_overlaps', 'box_rates', 'match_boxes',
    'published_boxes', 'score_boxes',
    'f1_score', 'fraction', 'median_scatter', 'score_truth',
]
