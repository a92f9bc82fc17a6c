"""How good a catalogue is: against another one, or against what really is there."""

from .comparison import Comparison, compare_catalogs
from .sources import SourceList
from .statistics import SNR_EDGES, f1_score, fraction, median_scatter
from .truth import TruthScore, score_truth

__all__ = [
    'SNR_EDGES', 'Comparison', 'SourceList', 'TruthScore',
    'compare_catalogs', 'f1_score', 'fraction', 'median_scatter', 'score_truth',
]
