"""Simulated skies with truth tables."""

from .artefacts import ArtefactOptions
from .counts import SourceCounts
from .coverage import UVCoverage, UVOptions
from .detector import DetectorOptions
from .footprint import FootprintOptions
from .header import field_wcs
from .labelled import BOXED_SETS, LABELLED_SETS, make_boxed, make_labelled
from .noise import NoiseOptions
from .optical import OpticalSky
from .optical_sources import OpticalMix
from .presets import make_field, random_sky
from .radio import RadioSky
from .radio_sources import SourceMix
from .truth import SimulatedField, truth_path

__all__ = [
    'ArtefactOptions', 'DetectorOptions', 'FootprintOptions', 'NoiseOptions', 'OpticalMix',
    'OpticalSky', 'RadioSky', 'SimulatedField', 'SourceCounts', 'SourceMix', 'UVCoverage',
    'UVOptions', 'field_wcs', 'make_field', 'random_sky', 'truth_path',
    'BOXED_SETS', 'LABELLED_SETS', 'make_boxed', 'make_labelled',
]
