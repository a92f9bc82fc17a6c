"""Labelled images and boxes, real data sets, splits, and simulated skies."""

from .boxed import BoxedImages, join_boxed
from .checks import check_images
from .coco import read_coco, write_coco
from .fetching import FETCHED_SETS, fetch_dataset
from .folders import label_cutouts, read_image_folders, read_image_table
from .galaxy_mnist import GALAXY_MNIST_CLASSES, read_galaxy_mnist
from .image_input import CatalogCutouts, ImageSet, Stamp, open_images
from .image_names import name_positions
from .label_schemes import LABEL_SCHEMES, map_labels
from .labelled import LabelledImages, join_labelled
from .lazy import LazyImages
from .leaks import check_leaks, group_positions
from .mgcls import read_mgcls
from .mirabest import read_mirabest
from .radio_galaxy_zoo import RGZ_CATEGORIES, read_radio_galaxy_zoo
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
from .sky_split import split_sky
from .splits import LabelSplit, fold_labelled, split_labelled
from .tiles import catalog_boxes, cut_tiles, prepare_tiles, split_area

__all__ = [
    'ArtefactOptions', 'DetectorOptions', 'FootprintOptions', 'NoiseOptions', 'OpticalMix',
    'OpticalSky', 'RadioSky', 'SimulatedField', 'SourceCounts', 'SourceMix', 'UVOptions',
    'make_field', 'random_sky',
    'BOXED_SETS', 'LABELLED_SETS', 'make_boxed', 'make_labelled',
    'LABEL_SCHEMES', 'LabelSplit', 'LabelledImages', 'check_images', 'check_leaks',
    'fold_labelled', 'group_positions', 'join_labelled', 'label_cutouts', 'map_labels',
    'name_positions', 'read_image_folders', 'read_image_table', 'split_labelled',
    'BoxedImages', 'catalog_boxes', 'cut_tiles', 'join_boxed', 'prepare_tiles',
    'read_coco', 'split_area', 'split_sky', 'write_coco',
    'FETCHED_SETS', 'GALAXY_MNIST_CLASSES', 'RGZ_CATEGORIES', 'fetch_dataset',
    'read_galaxy_mnist', 'read_mgcls', 'read_mirabest', 'read_radio_galaxy_zoo',
    'CatalogCutouts', 'ImageSet', 'LazyImages', 'Stamp', 'open_images',
]
