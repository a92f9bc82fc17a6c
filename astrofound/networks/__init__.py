"""Torch modules of astrofound: the compact beam-space detector and its weights."""

from .calibration import ScoreCalibration, peak_snr
from .compact import CompactNetwork, for_inference
from .decode import Candidates, decode
from .heads import HEADS, AttentionHead, VectorHead, build_head
from .weights import CompactWeights, load_weights, save_weights

__all__ = [
    'HEADS', 'AttentionHead', 'VectorHead', 'build_head',
    'Candidates', 'CompactNetwork', 'CompactWeights', 'ScoreCalibration', 'decode',
    'for_inference', 'load_weights', 'peak_snr', 'save_weights',
]
