"""Exceptions and warnings of the whole package."""

__all__ = [
    'AstrofoundError', 'InputError', 'MissingDependencyError', 'NoBeamError', 'ReadError',
    'TrainingError', 'WorkerError', 'WriteError',
    'AstrofoundWarning', 'BeamWarning', 'DatasetWarning', 'DomainWarning', 'HeaderWarning',
    'LicenseWarning', 'NoDetectionsWarning', 'NoWCSWarning', 'SkippedImagesWarning',
]


class AstrofoundError(Exception):
    """Base of every error a user's input can cause; the command line prints it in one line."""


class InputError(AstrofoundError, ValueError):
    """An argument or an image that cannot be used as it is."""


class NoBeamError(InputError):
    """The resolution of an image is not known and could not be measured."""


class ReadError(AstrofoundError, OSError):
    """A file that is missing, damaged or not what its name says."""


class WriteError(AstrofoundError, OSError):
    """An output that cannot be written."""


class TrainingError(AstrofoundError, RuntimeError):
    """A training that cannot go on, such as one whose loss is no number any more."""


class WorkerError(AstrofoundError, RuntimeError):
    """Workers on other processes or machines that are lost or cannot be reached."""


class MissingDependencyError(AstrofoundError, ImportError):
    """An optional library is asked for and not installed."""


class AstrofoundWarning(UserWarning):
    """Base of every warning of this package."""


class DomainWarning(AstrofoundWarning):
    """A detector meets images of another kind than those it was trained on."""


class DatasetWarning(AstrofoundWarning):
    """A data set was faulty and has been repaired in memory."""


class HeaderWarning(AstrofoundWarning):
    """A header was incomplete or wrong and has been repaired in memory."""


class LicenseWarning(AstrofoundWarning):
    """The licence of a model forbids some uses."""


class NoWCSWarning(AstrofoundWarning):
    """An image has no celestial WCS; the catalogue stays in pixels."""


class BeamWarning(AstrofoundWarning):
    """The beam or PSF was measured from the image itself."""


class NoDetectionsWarning(AstrofoundWarning):
    """A detector ran and found nothing."""


class SkippedImagesWarning(AstrofoundWarning):
    """Some of many images could not be read and were left out."""
