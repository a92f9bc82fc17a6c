"""The loops that every pixel or every source goes through."""

import numpy as np

from astrofound._kernels.boxes import overlap_lists
from astrofound.preprocess import DETECTION_CHANNELS, BeamResampler, MeshBackground


class Pixels:
    """A square of noise."""

    params = (1024, 2048)
    param_names = ('side',)
    timeout = 300  # the first compiles

    def setup(self, side):
        """Make noise, and compile what is measured."""
        rng = np.random.default_rng(0)
        self.data = rng.standard_normal((side, side), dtype=np.float32)
        self.resampler = BeamResampler(shape=(side, side), fwhm_pix=5.5, target_fwhm_pix=4.0)
        self.window = tuple(slice(0, n) for n in self.resampler.network_shape)
        self.noise = MeshBackground(box_pix=64)(self.data)
        self.time_significance(side)
        self.time_resample(side)
        self.time_channels(side)

    def time_mesh(self, side):
        """Background and noise in cells."""
        MeshBackground(box_pix=64, n_threads=1)(self.data)

    def time_significance(self, side):
        """Pixels over noise."""
        self.noise.significance(self.data, (slice(0, side), slice(0, side)))

    def time_resample(self, side):
        """To beam units."""
        self.resampler.resample(lambda window: self.data[window], self.window)

    def time_channels(self, side):
        """Significance as the network sees it."""
        DETECTION_CHANNELS(self.data)


class Boxes:
    """Many boxes on one sky."""

    params = (10_000, 1_000_000)
    param_names = ('n',)
    timeout = 300

    def setup(self, n):
        """Scatter boxes at the density of a deep field."""
        rng = np.random.default_rng(0)
        low = rng.uniform(0, 40 * np.sqrt(n), (n, 2))
        self.boxes = np.hstack([low, low + rng.uniform(8, 16, (n, 2))])
        overlap_lists(self.boxes[:10], self.boxes[:10])

    def time_overlaps(self, n):
        """Who overlaps whom."""
        overlap_lists(self.boxes, self.boxes)
