"""The finders of point sources that photutils has."""

import warnings
from abc import abstractmethod

import numpy as np

from astrofound.catalog import Detections, boxes_around
from astrofound.estimators.base import BaseDetector
from astrofound.utils import check_number, progress_bar

from .filtering import filtered_tiles, gaussian_score

__all__ = ['DAOStarFinder', 'IRAFStarFinder', 'PeakFinder']


class _PointFinder(BaseDetector):
    """Base of the finders whose sources all are points."""

    _kernel_beams = 0.0     # the star finders bring their own filter

    def _check_parameters(self):
        super()._check_parameters()
        check_number('n_sigma', self.n_sigma, above=0)

    def _find(self, image, noise, *, progress):
        parts, peaks, n_valid = [], [], 0
        tiles = filtered_tiles(image, noise, kernel_beams=self._kernel_beams)
        for tile in progress_bar(tiles, label=type(self).__name__, show=progress):
            x, y, peak = self._find_in_tile(tile, image)
            x, y = x + tile.origin[0], y + tile.origin[1]
            mine = tile.owns(x, y)
            boxes = boxes_around(x[mine], y[mine], image.beam.fwhm)
            parts.append(Detections(x[mine], y[mine], boxes,
                                    origin=np.full(mine.sum(), tile.index)))
            peaks.append(peak[mine])
            n_valid += tile.filtered.size - np.count_nonzero(tile.blank)
        found = Detections.concatenate(parts)
        if not len(found):
            return found
        score = gaussian_score(np.concatenate(peaks), n_valid / image.beam.area)
        return Detections(found.x, found.y, found.boxes, score, found.class_code, found.origin)

    @abstractmethod
    def _find_in_tile(self, tile, image):
        """Return x, y and peak significance of what stands in a tile, in its pixels."""


class _StarFinder(_PointFinder):
    """Base of the two star finders of photutils, which differ in how they judge shapes."""

    def _find_in_tile(self, tile, image):
        from photutils.utils.exceptions import NoDetectionsWarning

        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            table = self._finder(image)(tile.significance, mask=tile.blank)
        if table is None:
            return np.empty(0), np.empty(0), np.empty(0)
        x, y = (np.asarray(table[name], float) for name in ('x_centroid', 'y_centroid'))
        ny, nx = tile.significance.shape
        inside = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
        x, y = x[inside], y[inside]
        row, column = np.rint(y).astype(int), np.rint(x).astype(int)
        good = ~tile.blank[row, column]
        return x[good], y[good], tile.significance[row, column][good]

    @abstractmethod
    def _finder(self, image):
        """Return the finder of photutils for the beam of an image."""


class DAOStarFinder(_StarFinder):
    """
    Point sources by DAOFIND (Stetson 1987), as photutils has it.

    Parameters
    ----------
    n_sigma : float, optional
        Smallest height in units of the local noise.
    sharpness_range, roundness_range : tuple of float, optional
        Limits of the two shape statistics; photutils' own by default.
    min_separation_beams : float, optional
        Nearest two sources may be, in beams.
    min_snr : float, optional
        Smallest measured peak S/N in the catalogue; by default all that is found.

    Notes
    -----
    In images in Jy/beam the threshold is that of a pixel: photutils' scaling for the gain of
    its filter holds for uncorrelated noise only.
    """

    def __init__(self, *, n_sigma=5.0, sharpness_range=(0.2, 1.0), roundness_range=(-1.0, 1.0),
                 min_separation_beams=1.0, min_snr=None):
        self.n_sigma = n_sigma
        self.sharpness_range = sharpness_range
        self.roundness_range = roundness_range
        self.min_separation_beams = min_separation_beams
        self.min_snr = min_snr

    def _finder(self, image):
        from photutils.detection import DAOStarFinder as Finder

        beam = image.beam
        return Finder(self.n_sigma, beam.major, ratio=beam.minor / beam.major, theta=beam.theta,
                      min_separation=self.min_separation_beams * beam.fwhm,
                      scale_threshold=not image.is_per_beam,
                      sharpness_range=self.sharpness_range,
                      roundness_range=self.roundness_range)


class IRAFStarFinder(_StarFinder):
    """
    Point sources by IRAF's starfind, as photutils has it.

    Parameters
    ----------
    n_sigma : float, optional
        Smallest height in units of the local noise.
    sharpness_range, roundness_range : tuple of float, optional
        Limits of the two shape statistics; photutils' own by default.
    min_separation_beams : float, optional
        Nearest two sources may be, in beams.
    min_snr : float, optional
        Smallest measured peak S/N in the catalogue; by default all that is found.
    """

    def __init__(self, *, n_sigma=5.0, sharpness_range=(0.5, 2.0), roundness_range=(0.0, 0.2),
                 min_separation_beams=1.0, min_snr=None):
        self.n_sigma = n_sigma
        self.sharpness_range = sharpness_range
        self.roundness_range = roundness_range
        self.min_separation_beams = min_separation_beams
        self.min_snr = min_snr

    def _finder(self, image):
        from photutils.detection import IRAFStarFinder as Finder

        beam = image.beam
        return Finder(self.n_sigma, beam.fwhm, min_separation=self.min_separation_beams * beam.fwhm,
                      sharpness_range=self.sharpness_range,
                      roundness_range=self.roundness_range)


class PeakFinder(_PointFinder):
    """
    Local maxima of the filtered significance, by photutils' ``find_peaks``.

    Parameters
    ----------
    n_sigma : float, optional
        Smallest peak in units of the noise of the filtered map.
    min_separation_beams : float, optional
        Nearest two peaks may be, in beams.
    min_snr : float, optional
        Smallest measured peak S/N in the catalogue; by default all that is found.
    """

    _kernel_beams = None

    def __init__(self, *, n_sigma=5.0, min_separation_beams=1.0, min_snr=None):
        self.n_sigma = n_sigma
        self.min_separation_beams = min_separation_beams
        self.min_snr = min_snr

    def _find_in_tile(self, tile, image):
        from photutils.detection import find_peaks
        from photutils.utils.exceptions import NoDetectionsWarning

        separation = max(self.min_separation_beams * image.beam.fwhm, 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            table = find_peaks(tile.filtered, self.n_sigma, min_separation=separation,
                               mask=tile.blank)
        if table is None:
            return np.empty(0), np.empty(0), np.empty(0)
        row, column = (np.asarray(table[name], int) for name in ('y_peak', 'x_peak'))
        return (*_refine(tile.filtered, row, column), np.asarray(table['peak_value'], float))


def _refine(data, row, column):
    """Move peaks to the top of the parabola through their neighbours, along each axis."""
    out = []
    for axis, index in ((1, column), (0, row)):
        last = data.shape[axis] - 1
        low, high = np.maximum(index - 1, 0), np.minimum(index + 1, last)
        at = [(row, place) if axis == 1 else (place, column) for place in (low, index, high)]
        left, middle, right = (data[place].astype(float) for place in at)
        bend = left - 2 * middle + right
        shift = np.divide(0.5 * (left - right), bend, out=np.zeros(len(index)), where=bend < 0)
        shift[(index == 0) | (index == last)] = 0
        out.append(index + np.clip(shift, -0.5, 0.5))
    return tuple(out)
