"""Threshold, label and deblend with photutils."""

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyWarning
from scipy import ndimage

from astrofound.catalog import Detections
from astrofound.estimators.base import BaseDetector
from astrofound.utils import check_number, progress_bar

from .filtering import filtered_tiles, gaussian_score, natural_kernel

__all__ = ['PhotutilsSegmentation']

# Area above half of the peak, over that of a point, from which a segment counts as extended.
EXTENDED = 1.6


class PhotutilsSegmentation(BaseDetector):
    """
    Segmentation of the filtered significance with deblending, by photutils.

    Connected pixels above ``n_sigma`` are a segment; segments whose peak reaches
    ``peak_sigma`` are deblended by multi-thresholding and watershed, and each part whose own
    peak reaches it is a source.

    Parameters
    ----------
    peak_sigma : float, optional
        Smallest peak of a source in units of the noise of the filtered map.
    n_sigma : float, optional
        Limit of the segments in the same units.
    n_pixels : int, optional
        Smallest number of connected pixels; by default a quarter of the beam area, at
        least 3.
    kernel_beams : float, optional
        FWHM of the Gaussian detection filter in beams; by default 1, and 0.5 where the unit
        of the image is per beam, since the noise is then correlated already.
    deblend : bool, optional
        Whether to split segments.
    n_levels : int, optional
        Thresholds used for splitting a segment.
    contrast : float, optional
        Share of the flux of a segment that a part must have to be split off.
    min_snr : float, optional
        Smallest measured peak S/N in the catalogue; by default all that is found.

    Notes
    -----
    Every row is one segment: sources of several components stay in pieces, and no row has
    the class ``multi``. ``score`` is `astrofound.baselines.gaussian_score`.
    """

    def __init__(self, *, peak_sigma=5.0, n_sigma=3.0, n_pixels=None, kernel_beams=None,
                 deblend=True, n_levels=32, contrast=0.005, min_snr=None):
        self.peak_sigma = peak_sigma
        self.n_sigma = n_sigma
        self.n_pixels = n_pixels
        self.kernel_beams = kernel_beams
        self.deblend = deblend
        self.n_levels = n_levels
        self.contrast = contrast
        self.min_snr = min_snr

    def _check_parameters(self):
        super()._check_parameters()
        check_number('peak_sigma', self.peak_sigma, above=0)
        check_number('n_sigma', self.n_sigma, above=0, maximum=self.peak_sigma)
        check_number('n_levels', self.n_levels, minimum=1, integer=True)
        check_number('contrast', self.contrast, minimum=0, maximum=1)
        if self.n_pixels is not None:
            check_number('n_pixels', self.n_pixels, minimum=1, integer=True)
        if self.kernel_beams is not None:
            check_number('kernel_beams', self.kernel_beams, minimum=0)

    def _find(self, image, noise, *, progress):
        kernel = natural_kernel(image) if self.kernel_beams is None else self.kernel_beams
        # what the filter makes of a point
        fwhm = image.beam.fwhm * np.hypot(1, kernel)
        n_pixels = self.n_pixels or max(3, round(image.beam.area / 4))
        parts, peaks, n_valid = [], [], 0
        tiles = filtered_tiles(image, noise, kernel_beams=kernel)
        for tile in progress_bar(tiles, label='segmentation', show=progress):
            found, peak = self._find_in_tile(tile, n_pixels, fwhm, image.beam)
            parts.append(found)
            peaks.append(peak)
            n_valid += tile.filtered.size - np.count_nonzero(tile.blank)
        found = Detections.concatenate(parts)
        if not len(found):
            return found
        score = gaussian_score(np.concatenate(peaks), n_valid / (1.133 * fwhm ** 2))
        return Detections(found.x, found.y, found.boxes, score, found.class_code, found.origin)

    def _find_in_tile(self, tile, n_pixels, fwhm, beam):
        from photutils.segmentation import deblend_sources, detect_sources

        with warnings.catch_warnings():
            # photutils warns where nothing is found and where a segment has too many peaks
            warnings.simplefilter('ignore', AstropyWarning)
            segments = detect_sources(tile.filtered, self.n_sigma, n_pixels, mask=tile.blank)
            if segments is None:
                return Detections.empty(), np.empty(0)
            segments = self._drop_faint(tile, segments)
            if segments.n_labels and self.deblend:
                segments = deblend_sources(
                    tile.filtered, segments, n_pixels, n_levels=self.n_levels,
                    contrast=self.contrast, progress_bar=False)
        return self._describe(tile, segments, fwhm, beam)

    def _drop_faint(self, tile, segments):
        """Leave out what no peak stands in, before the slow step and not after it."""
        labels = segments.labels
        peak = ndimage.maximum(tile.filtered, segments.data, labels)
        segments.remove_labels(labels[peak < self.peak_sigma])
        return segments

    def _describe(self, tile, segments, fwhm, beam):
        """Positions, boxes and classes of the segments whose centre the tile owns."""
        rows = []
        for label, window in zip(segments.labels, segments.slices, strict=True):
            inside = segments.data[window] == label
            values = np.where(inside, tile.filtered[window], 0)
            peak = values.max()
            if peak >= self.peak_sigma:
                rows.append((peak, *_segment_shape(values, peak, window)))
        if not rows:
            return Detections.empty(), np.empty(0)
        peak, x, y, area, x1, y1, x2, y2 = np.array(rows).T
        x, y = x + tile.origin[0], y + tile.origin[1]
        boxes = np.stack([x1, y1, x2, y2], axis=1) + np.tile(tile.origin, 2)
        # a segment just above the threshold is smaller than the source
        half = 0.5 * beam.fwhm
        middle = np.stack([x, y], axis=1) + 0.5
        boxes[:, :2] = np.minimum(boxes[:, :2], middle - half)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], middle + half)
        extended = area > EXTENDED * 0.25 * np.pi * fwhm ** 2
        found = Detections(x, y, boxes, class_code=extended.astype(np.int8),
                           origin=np.full(len(x), tile.index))
        mine = tile.owns(x, y)
        return found.select(mine), peak[mine]


def _segment_shape(values, peak, window):
    """Centroid, area above half of the peak, and edges of one segment in its tile."""
    y0, x0 = window[0].start, window[1].start
    total = values.sum(dtype=np.float64)
    x = x0 + (values.sum(axis=0, dtype=np.float64) @ np.arange(values.shape[1])) / total
    y = y0 + (values.sum(axis=1, dtype=np.float64) @ np.arange(values.shape[0])) / total
    area = np.count_nonzero(values > 0.5 * peak)
    return x, y, area, x0, y0, window[1].stop, window[0].stop
