"""Simulated skies and real data sets."""

from .simulate import (
    ArtefactOptions,
    DetectorOptions,
    FootprintOptions,
    NoiseOptions,
    OpticalMix,
    OpticalSky,
    RadioSky,
    SimulatedField,
    SourceCounts,
    SourceMix,
    UVOptions,
    make_field,
    random_sky,
)

__all__ = [
    'ArtefactOptions', 'DetectorOptions', 'FootprintOptions', 'NoiseOptions', 'OpticalMix',
    'OpticalSky', 'RadioSky', 'SimulatedField', 'SourceCounts', 'SourceMix', 'UVOptions',
    'make_field', 'random_sky',
]
