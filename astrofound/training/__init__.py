"""Training loops, targets, augmentation, validation and model cards."""

from importlib import import_module

from .adaptation import add_lora, count_parameters, freeze, hold_statistics, layer_groups, unfreeze
from .calibration import fit_calibration
from .classifier_network import ClassifierNetwork
from .classify import ClassifierRecipe, predict_logits, train_classifier
from .compact import RECIPES, CompactRecipe, train_compact
from .fields import FieldStream, TrainingField, make_pair_field, make_training_field
from .image_augment import AUGMENTATIONS, ImageAugmentation
from .pairs import PairSample, choose_link, fit_pairs, sample_pairs
from .probe import SOLVERS, fit_head
from .ranks import Ranks
from .strategies import (
    STRATEGIES,
    FittedClassifier,
    StrategyOptions,
    build_classifier,
    fit_classifier,
    make_recipe,
)
from .targets import SourceLabels, Targets, encode_targets
from .temperature import fit_temperature
from .validate import MatchedCandidates, calibrate, figures_of_merit, match_fields

__all__ = [
    'RECIPES', 'CompactRecipe', 'FieldStream', 'MatchedCandidates', 'SourceLabels', 'Targets',
    'AUGMENTATIONS', 'SOLVERS', 'STRATEGIES', 'ClassifierNetwork', 'ClassifierRecipe',
    'FittedClassifier', 'ImageAugmentation', 'Ranks', 'StrategyOptions', 'add_lora',
    'build_classifier', 'count_parameters', 'fit_classifier', 'fit_head', 'fit_temperature',
    'freeze', 'hold_statistics', 'layer_groups', 'make_recipe', 'predict_logits',
    'train_classifier', 'unfreeze',
    'PairSample', 'TrainingField', 'calibrate', 'choose_link', 'encode_targets',
    'figures_of_merit', 'fit_calibration',
    'fit_pairs', 'make_pair_field', 'make_training_field', 'match_fields', 'sample_pairs',
    'train_compact',
    'BOX_RECIPES', 'TUNINGS', 'BoxModel', 'BoxRecipe', 'BoxTile', 'choose_input', 'crop_tile',
    'describe_domain', 'find_boxes', 'judge_boxes', 'load_box_model', 'match_classes',
    'open_tiles', 'orient_tile', 'prepare_tile', 'refine_boxes', 'save_box_model', 'split_tiles',
    'train_boxes', 'true_boxes',
]

# Names whose modules load torchvision's detectors.
_HOMES = {
    'BOX_RECIPES': 'box_recipe', 'TUNINGS': 'box_recipe', 'BoxRecipe': 'box_recipe',
    'choose_input': 'box_input', 'describe_domain': 'box_input', 'match_classes': 'box_input',
    'true_boxes': 'box_judging', 'open_tiles': 'box_input',
    'BoxTile': 'box_tiles', 'crop_tile': 'box_tiles', 'orient_tile': 'box_tiles',
    'prepare_tile': 'box_tiles',
    'BoxModel': 'box_model', 'load_box_model': 'box_model', 'save_box_model': 'box_model',
    'find_boxes': 'box_judging', 'judge_boxes': 'box_judging', 'refine_boxes': 'box_judging',
    'split_tiles': 'boxes', 'train_boxes': 'boxes',
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)
