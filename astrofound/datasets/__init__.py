"""Labelled images and boxes, real data sets, splits, and simulated skies."""

from .boxed import BoxedImages
from .checks import check_images
from .coco import read_coco, write_coco
from .folders import label_cutouts, read_image_folders, read_image_table
from .image_input import CatalogCutouts, ImageSet, Stamp, open_images
from .image_names import name_positions
from .label_schemes import LABEL_SCHEMES, map_labels
from .labelled import LabelledImages, join_labelled
from .lazy import LazyImages
from .leaks import check_leaks, group_positions
from .simulate import (
    BOXED_SETS,
    LABELLED_SETS,
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
    make_boxed,
    make_field,
    make_labelled,
    random_sky,
)
from .splits import LabelSplit, fold_labelled, split_labelled

__all__ = [
    'ArtefactOptions', 'DetectorOptions', 'FootprintOptions', 'NoiseOptions', 'OpticalMix',
    'OpticalSky', 'RadioSky', 'SimulatedField', 'SourceCounts', 'SourceMix', 'UVOptions',
    'make_field', 'random_sky',
    'BOXED_SETS', 'LABELLED_SETS', 'make_boxed', 'make_labelled',
    'LABEL_SCHEMES', 'LabelSplit', 'LabelledImages', 'check_images', 'check_leaks',
    'fold_labelled', 'group_positions', 'join_labelled', 'label_cutouts', 'map_labels',
    'name_positions', 'read_image_folders', 'read_image_table', 'split_labelled',
    'BoxedImages', 'read_coco', 'write_coco',
    'CatalogCutouts', 'ImageSet', 'LazyImages', 'Stamp', 'open_images',
]
