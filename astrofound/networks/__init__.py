"""Torch modules of astrofound: the compact detector, and detectors on any backbone."""

from importlib import import_module

from .calibration import ScoreCalibration, peak_snr
from .runs import is_box_run, locate_weights

__all__ = [
    'HEADS', 'AttentionHead', 'VectorHead', 'build_head',
    'Candidates', 'CompactNetwork', 'CompactWeights', 'PairNetwork', 'ScoreCalibration', 'decode',
    'for_inference', 'is_box_run', 'load_weights', 'locate_weights', 'peak_snr', 'save_weights',
    'BOX_HEADS', 'AnchorPlan', 'BoxNetwork', 'BoxOptions', 'BoxRefiner', 'FasterRcnn',
    'FeaturePyramid', 'QueryNetwork', 'QueryOptions', 'RcnnOptions', 'SimplePyramid', 'best_iou',
    'build_box_network', 'fit_anchors', 'fit_refiner', 'plan_anchors', 'usual_anchors',
]

# Names whose modules load torch: what a network is to see can be prepared before. Those below the
# line load torchvision's detectors too, which the compact detector does without.
_HOMES = {
    'CompactNetwork': 'compact', 'for_inference': 'compact',
    'Candidates': 'decoding', 'decode': 'decoding',
    'HEADS': 'heads', 'AttentionHead': 'heads', 'VectorHead': 'heads', 'build_head': 'heads',
    'PairNetwork': 'pairs',
    'CompactWeights': 'weights', 'load_weights': 'weights', 'save_weights': 'weights',
    # ---
    'AnchorPlan': 'anchors', 'best_iou': 'anchors', 'fit_anchors': 'anchors',
    'usual_anchors': 'anchors',
    'BOX_HEADS': 'box_heads', 'build_box_network': 'box_heads', 'plan_anchors': 'box_heads',
    'BoxNetwork': 'box_network', 'BoxOptions': 'box_network',
    'FasterRcnn': 'rcnn', 'RcnnOptions': 'rcnn',
    'QueryNetwork': 'queries', 'QueryOptions': 'queries',
    'FeaturePyramid': 'pyramid', 'SimplePyramid': 'pyramid',
    'BoxRefiner': 'refining', 'fit_refiner': 'refining',
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)
