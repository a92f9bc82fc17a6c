"""From detections to a table: merging, measuring, naming, matching, reading and writing."""

from .boxes import box_centres, box_window, boxes_around, edges_to_inclusive, inclusive_to_edges
from .columns import COLUMNS, FLAGS, ColumnSpec, build_catalog, decode_flags, empty_catalog
from .detections import CLASS_NAMES, Detections
from .measure import MeasureOptions, force_photometry, measure_sources
from .merge import suppress
from .within import read_regions, select_within

__all__ = [
    'CLASS_NAMES', 'COLUMNS', 'FLAGS', 'ColumnSpec', 'Detections', 'MeasureOptions',
    'box_centres', 'box_window', 'boxes_around', 'build_catalog', 'decode_flags',
    'edges_to_inclusive', 'empty_catalog', 'force_photometry', 'inclusive_to_edges',
    'measure_sources', 'read_regions', 'select_within', 'suppress',
]
