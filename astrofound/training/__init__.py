"""Training loops, targets, augmentation, validation and model cards."""

from .adaptation import add_lora, count_parameters, freeze, hold_statistics, layer_groups, unfreeze
from .classifier_network import ClassifierNetwork
from .classify import ClassifierRecipe, predict_logits, train_classifier
from .compact import RECIPES, CompactRecipe, train_compact
from .fields import FieldStream, TrainingField, make_training_field
from .image_augment import AUGMENTATIONS, ImageAugmentation
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
    'TrainingField', 'calibrate', 'encode_targets', 'figures_of_merit', 'make_training_field',
    'match_fields', 'train_compact',
    'AUGMENTATIONS', 'SOLVERS', 'STRATEGIES', 'ClassifierNetwork', 'ClassifierRecipe',
    'FittedClassifier', 'ImageAugmentation', 'Ranks', 'StrategyOptions', 'add_lora',
    'build_classifier', 'count_parameters', 'fit_classifier', 'fit_head', 'fit_temperature',
    'freeze', 'hold_statistics', 'layer_groups', 'make_recipe', 'predict_logits',
    'train_classifier', 'unfreeze',
]
