"""Training loops, targets, augmentation, validation and model cards."""

from .compact import RECIPES, CompactRecipe, train_compact
from .fields import FieldStream, TrainingField, make_training_field
from .targets import SourceLabels, Targets, encode_targets
from .validate import MatchedCandidates, calibrate, figures_of_merit, match_fields

__all__ = [
    'RECIPES', 'CompactRecipe', 'FieldStream', 'MatchedCandidates', 'SourceLabels', 'Targets',
    'TrainingField', 'calibrate', 'encode_targets', 'figures_of_merit', 'make_training_field',
    'match_fields', 'train_compact',
]
