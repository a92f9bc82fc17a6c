"""From detections to a table: merging, measuring, naming, matching, reading and writing."""

from .association import associate
from .boxes import box_centres, box_window, boxes_around, edges_to_inclusive, inclusive_to_edges
from .columns import COLUMNS, FLAGS, ColumnSpec, build_catalog, decode_flags, empty_catalog
from .detections import CLASS_NAMES, Detections
from .guess import find_positions, guess_columns
from .match import cross_match
from .measure import MeasureOptions, force_photometry, measure_sources
from .merge import suppress
from .names import iau_names
from .read import read_catalog
from .region_text import CLASS_COLORS
from .sending import check_samp, send_catalog
from .shapes import SHAPES, measure_shapes
from .within import read_regions, select_within
from .write import FORMATS, check_writable, write_catalog, write_table

__all__ = [
    'CLASS_COLORS', 'CLASS_NAMES', 'COLUMNS', 'FLAGS', 'FORMATS', 'SHAPES', 'ColumnSpec',
    'Detections', 'MeasureOptions',
    'associate', 'box_centres', 'box_window', 'boxes_around', 'build_catalog', 'check_samp',
    'check_writable', 'cross_match', 'decode_flags', 'edges_to_inclusive', 'empty_catalog',
    'find_positions', 'force_photometry', 'guess_columns', 'iau_names',
    'inclusive_to_edges', 'measure_shapes', 'measure_sources', 'read_catalog', 'read_regions',
    'select_within', 'send_catalog', 'suppress', 'write_catalog', 'write_table',
]
