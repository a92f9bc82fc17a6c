"""Background, clipping, scaling, channels, beam-aware resizing and tiling."""

from .background import MeshBackground, MeshNoiseMap, NoiseMap
from .beamspace import BeamSpace, open_beam_space
from .blocks import BlockMap
from .channels import DETECTION_CHANNELS, ComposeChannels
from .clipping import clip_sigma, clip_to_zero
from .cropping import CropToSource
from .network_input import NETWORK_SCALINGS, NetworkInput, NetworkView
from .noise import FixedNoise, noise_map
from .reading import BlankedReader
from .resizing import BeamResampler
from .scaling import (
    STRETCHES,
    Asinh,
    Linear,
    Log,
    Percentile,
    Power,
    Sqrt,
    Stretch,
    ZScale,
    make_stretch,
)
from .smoothed import SmoothedMap, artefact_level, peak_density, smoothed_noise
from .tiling import Tile, TileGrid, TilingOptions
from .unit_range import SCALINGS, UnitRange, to_significance

__all__ = [
    'FixedNoise', 'MeshBackground', 'MeshNoiseMap', 'NoiseMap', 'noise_map',
    'CropToSource', 'clip_sigma', 'clip_to_zero',
    'STRETCHES', 'Asinh', 'Linear', 'Log', 'Percentile', 'Power', 'Sqrt', 'Stretch', 'ZScale',
    'make_stretch',
    'DETECTION_CHANNELS', 'ComposeChannels',
    'BeamResampler', 'BeamSpace', 'open_beam_space',
    'BlankedReader', 'BlockMap', 'SmoothedMap', 'artefact_level', 'peak_density',
    'smoothed_noise',
    'Tile', 'TileGrid', 'TilingOptions',
    'NETWORK_SCALINGS', 'NetworkInput', 'NetworkView',
    'SCALINGS', 'UnitRange', 'to_significance',
]
