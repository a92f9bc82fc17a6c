"""Errors, validation, progress, device choice and safe files; no astronomy."""

from .atomic import atomic_path, check_place
from .device import has_fast_bfloat16, resolve_device
from .download import download_file, file_digest
from .errors import (
    AstrofoundError,
    AstrofoundWarning,
    BeamWarning,
    DatasetWarning,
    HeaderWarning,
    InputError,
    LicenseWarning,
    MissingDependencyError,
    NoBeamError,
    NoDetectionsWarning,
    NoWCSWarning,
    ReadError,
    SkippedImagesWarning,
    TrainingError,
    WriteError,
)
from .optional import require
from .progress import progress_bar
from .validation import check_choice, check_number, nearest_name

__all__ = [
    'AstrofoundError', 'AstrofoundWarning', 'BeamWarning', 'DatasetWarning', 'HeaderWarning',
    'InputError',
    'LicenseWarning', 'MissingDependencyError', 'NoBeamError', 'NoDetectionsWarning',
    'NoWCSWarning', 'ReadError', 'SkippedImagesWarning', 'TrainingError', 'WriteError',
    'atomic_path', 'check_choice', 'check_number', 'check_place', 'nearest_name',
    'download_file', 'file_digest', 'progress_bar', 'require', 'has_fast_bfloat16',
    'resolve_device',
]
