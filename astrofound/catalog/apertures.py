"""
Total fluxes where profiles are not Gaussian: optical images and pictures.

A Gaussian fitted to a Moffat star or a Sersic galaxy misses its wings. Galaxies are summed in
an adaptive elliptical aperture (Kron 1980, with the scale factor 2.5 that SExtractor made
common); stars keep the precision of their fit, multiplied by one factor for the whole image
that bright isolated stars show between their growth curve and their fit.
"""

from dataclasses import dataclass

import numpy as np

from .._kernels.boxes import overlap_lists
from .._kernels.gaussian import add_gaussian
from .._kernels.moments import elliptical_sum, first_radius, mirror_neighbours
from .boxes import box_window
from .fitting import shape_of
from .uncertainty import noise_area

__all__ = ['Aperture', 'measure_apertures', 'point_correction']

_KRON = 2.5            # apertures reach this many first moments
_KRON_LEAST = 3.5      # but at least as many sigmas of the fitted Gaussian
_STAR_RADIUS = 3.0     # FWHM within which a bright star is summed
_MAX_RADIUS = 160.0    # pixels


@dataclass
class Aperture:
    """
    Sum of one source in its ellipse.

    Attributes
    ----------
    total, total_err : float
        Sum of the pixels and its error, in pixel units.
    capped, blank, edge : bool
        Whether the aperture was cut, held blank pixels, or left the image.
    """

    total: float
    total_err: float
    capped: bool
    blank: bool
    edge: bool


class _Surroundings:
    """Pixels around sources with the models of the others taken away."""

    def __init__(self, reader, which, x, y, radius, models):
        self.reader, self.models, self.which = reader, models, which
        self.x, self.y, self.radius = x, y, radius
        boxes = np.stack([x - radius, y - radius, x + radius + 1, y + radius + 1], axis=1)
        self.boxes = boxes
        shape = shape_of(models[:, 3:])[0]
        reach = np.where(models[:, 0] > 0, np.nan_to_num(1.8 * shape), 0)
        mx, my = models[:, 1], models[:, 2]
        circles = np.stack([mx - reach, my - reach, mx + reach, my + reach], axis=1)
        self.first, self.index = overlap_lists(boxes, circles)

    def cut(self, k):
        """Pixels of the k-th source and its centre in them."""
        window = box_window(self.boxes[k], self.reader.shape)
        data = np.array(self.reader.read(window)[0], dtype=np.float64)
        top, left = window[0].start, window[1].start
        x, y = self.x[k] - left, self.y[k] - top
        others = self.index[self.first[k]:self.first[k + 1]]
        others = others[(others != self.which[k]) & (self.models[others, 0] > 0)]
        if len(others):
            own, sum_others = np.zeros(data.shape), np.zeros(data.shape)
            for target, rows in ((own, [self.which[k]]), (sum_others, others)):
                for peak, mx, my, a, b, c in self.models[rows]:
                    add_gaussian(target, peak, mx - left, my - top, a, b, c)
            data -= sum_others
            mirror_neighbours(data, x, y, own, sum_others)
        return data, x, y


def measure_apertures(reader, detections, which, fits, theta_n):
    """
    Sum sources in Kron ellipses, neighbours subtracted and where they win mirrored.

    Parameters
    ----------
    reader : `WindowReader`
        The pixels.
    detections : `Detections`
        All sources.
    which : `~numpy.ndarray` of int
        Those to measure.
    fits : `FitTable`
        Their Gaussian fits.
    theta_n : float
        Smoothing width of the noise.

    Returns
    -------
    apertures : dict of int to `Aperture`
        Sources whose sum makes no sense are missing.
    """
    which = np.asarray(which, dtype=np.int64)
    x, y = fits.free[which, 1], fits.free[which, 2]
    order = np.argsort(reader.tile_of(x, y), kind='stable')
    which, x, y = which[order], x[order], y[order]
    # SExtractor looks for the first moment within 6 sigmas of the profile.
    sigma = shape_of(fits.free[which, 3:])[0] / np.sqrt(8 * np.log(2))
    radius = np.minimum(6 * sigma + 2, _MAX_RADIUS)
    around = _Surroundings(reader, which, x, y, radius, fits.model)
    area = noise_area(theta_n)
    apertures = {}
    for k, source in enumerate(which.tolist()):
        data, cx, cy = around.cut(k)
        a, b, c = fits.free[source, 3:]
        r1 = first_radius(data, cx, cy, a, b, c, 6.0)
        reach = min(max(_KRON * r1, _KRON_LEAST), 6.0)
        total, inside, missing = elliptical_sum(data, cx, cy, a, b, c, reach)
        if inside < 1 or not total > 0:
            continue
        # What is blank or beyond the edge is taken to be as bright as the mean around it.
        total *= 1 + missing / inside if missing < 0.3 * inside else 1
        box = (x[k] - reach * sigma[k], y[k] - reach * sigma[k],
               x[k] + reach * sigma[k], y[k] + reach * sigma[k])
        edge = bool(min(box[:2]) < -0.5 or box[2] > reader.shape[1] - 0.5
                    or box[3] > reader.shape[0] - 0.5)
        apertures[source] = Aperture(
            total=total, total_err=float(fits.rms[source] * np.sqrt(inside * area)),
            capped=bool(6 * sigma[k] + 2 > _MAX_RADIUS), blank=bool(missing > 0.5), edge=edge)
    return apertures


def point_correction(reader, detections, fits, beam, *, n_max=200, n_min=3):
    """
    Return how much more flux stars of an image hold than Gaussian fits say.

    Parameters
    ----------
    reader : `WindowReader`
        The pixels.
    detections : `Detections`
        All sources.
    fits : `FitTable`
        Their fits.
    beam : `~astrofound.image.PixelBeam`
        The PSF.
    n_max, n_min : int, optional
        Largest number of stars used, and the least: with fewer the factor is 1.

    Returns
    -------
    factor : float
        Median of growth curve over fit, between 0.8 and 2.
    """
    with np.errstate(invalid='ignore'):
        snr = fits.fixed[:, 0] / fits.rms
        good = (fits.fixed_ok & ~fits.resolved & ~fits.crowded & ~fits.saturated & ~fits.edge
                & ~fits.blank & (detections.class_code == 0) & (snr > 30))
    which = np.flatnonzero(good)
    if len(which) < n_min:
        return 1.0
    which = which[np.argsort(-snr[which], kind='stable')][:n_max]
    which = which[np.argsort(reader.tile_of(fits.fixed[which, 1], fits.fixed[which, 2]),
                             kind='stable')]
    x, y = fits.fixed[which, 1], fits.fixed[which, 2]
    reach = _STAR_RADIUS * beam.fwhm
    around = _Surroundings(reader, which, x, y, np.full(len(which), reach + 1), fits.model)
    # A circle of this radius, written as the quadratic form of the kernel.
    ratios = []
    for k, source in enumerate(which.tolist()):
        data, cx, cy = around.cut(k)
        total, inside, missing = elliptical_sum(data, cx, cy, 1.0, 0.0, 1.0, reach)
        if missing < 0.02 * inside:
            ratios.append(total / (fits.fixed[source, 0] * beam.area))
    if len(ratios) < n_min:
        return 1.0
    return float(np.clip(np.median(ratios), 0.8, 2.0))
