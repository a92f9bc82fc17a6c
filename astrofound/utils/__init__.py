"""Errors, validation, progress, device choice and safe files; no astronomy."""

from .atomic import atomic_path, check_place, file_state
from .device import has_fast_bfloat16, is_out_of_memory, resolve_device
from .download import download_file, file_digest
from .errors import (
    AstrofoundError,
    AstrofoundWarning,
    BeamWarning,
    DatasetWarning,
    DomainWarning,
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
    WorkerError,
    WriteError,
)
from .optional import require
from .plugins import load_plugins
from .process import tune_process
from .progress import progress_bar
from .rows import Rows
from .threads import limit_threads, usable_cores
from .validation import check_choice, check_number, nearest_name

__all__ = [
    'AstrofoundError', 'AstrofoundWarning', 'BeamWarning', 'DatasetWarning', 'DomainWarning',
    'HeaderWarning', 'InputError', 'Rows',
    'LicenseWarning', 'MissingDependencyError', 'NoBeamError', 'NoDetectionsWarning',
    'NoWCSWarning', 'ReadError', 'SkippedImagesWarning', 'TrainingError', 'WorkerError',
    'WriteError',
    'atomic_path', 'check_choice', 'check_number', 'check_place', 'file_state', 'nearest_name',
    'download_file', 'file_digest', 'limit_threads', 'load_plugins', 'progress_bar', 'require',
    'has_fast_bfloat16', 'is_out_of_memory', 'resolve_device', 'tune_process', 'usable_cores',
]
