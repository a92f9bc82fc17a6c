"""The stages of a detection, and a whole one."""

import tempfile
from pathlib import Path

import numpy as np
from astropy.table import vstack

from astrofound.catalog import Detections, boxes_around, measure_sources, write_catalog
from astrofound.datasets import make_field
from astrofound.estimators import SourceDetector
from astrofound.preprocess import noise_map


class Field:
    """A simulated radio field."""

    params = (512, 1024)
    param_names = ('side',)
    timeout = 300

    def setup(self, side):
        """Simulate, and compile what is measured."""
        field = make_field('radio', shape=(side, side), seed=0)
        self.image = field.image
        x, y = (np.asarray(field.truth[f'{axis}_centroid']) for axis in 'xy')
        self.sources = Detections(x, y, boxes_around(x, y, self.image.beam.fwhm))
        self.noise = noise_map(self.image)
        self.detector = SourceDetector(device='cpu')
        self.detector.predict(self.image)

    def time_noise(self, side):
        """Background and noise."""
        noise_map(self.image)

    def time_measure(self, side):
        """Flux, size and position of every true source."""
        measure_sources(self.image, self.noise, self.sources)

    def time_detect(self, side):
        """All of it."""
        self.detector.predict(self.image)

    def peakmem_detect(self, side):
        """Memory of all of it."""
        self.detector.predict(self.image)


class Write:
    """A long catalogue."""

    params = (('.fits', '.vot', '.reg', '.ecsv'), (1_000, 100_000))
    param_names = ('ending', 'rows')
    timeout = 300

    def setup(self, ending, rows):
        """Repeat a short catalogue."""
        short = SourceDetector(device='cpu').predict(make_field('radio', seed=0).image)
        self.catalog = vstack([short] * -(-rows // len(short)))[:rows]
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / f'catalog{ending}'

    def teardown(self, ending, rows):
        """Remove what was written."""
        self.folder.cleanup()

    def time_write(self, ending, rows):
        """Write it."""
        write_catalog(self.catalog, self.path)
