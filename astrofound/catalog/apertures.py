"""
Total fluxes where profiles are not Gaussian: optical images and pictures.

A Gaussian fitted to a Moffat star or a Sersic galaxy misses its wings. Galaxies are summed in
an adaptive elliptical aperture (Kron 1980, with the scale factor 2.5 that SExtractor made
common); stars keep the precision of their fit, multiplied by one factor for the whole image
that bright isolated stars show between their growth curve and their fit.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammainc

from .._kernels.boxes import overlap_lists
from .._kernels.gaussian import add_gaussian
from .._kernels.moments import elliptical_sum, first_radius, mirror_neighbours
from .boxes import box_window
from .gaussians import shape_of
from .sky import pixel_shapes
from .uncertainty import noise_area, principal_axes

__all__ = ['Aperture', 'calibrate_psf', 'measure_apertures', 'point_correction']

_KRON = 2.5            # apertures reach this many first moments
_KRON_MOST = 6.0       # and at most as many
_KRON_LEAST = 3.5      # but at least as many sigmas of the fitted Gaussian
_STAR_RADIUS = 3.0     # FWHM within which a bright star is summed
_MAX_RADIUS = 160.0    # pixels


_INNER = 0.6           # of the radius, where the growth curve is looked at a second time
_TYPICAL_SHARE = 0.90  # of the flux lies in the aperture for Sersic profiles of index 1 to 4
# Growth curve of a Sersic profile of index 1.5, P(3, u) with u ~ R^(2/3), a compromise between
# discs and ellipticals: flux within 0.6 R over that within R, and the share within R.
_SCALES = np.linspace(3.5, 20.0, 200)
_SHARES = gammainc(3, _SCALES)
_RATIOS = gammainc(3, _SCALES * _INNER**(2 / 3)) / _SHARES


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
    order = np.argsort(reader.field_of(x, y), kind='stable')
    which, x, y = which[order], x[order], y[order]
    sigma = shape_of(fits.free[which, 3:])[0] / np.sqrt(8 * np.log(2))
    radius = np.minimum(_KRON_MOST * sigma + 2, _MAX_RADIUS)
    around = _Surroundings(reader, which, x, y, radius, fits.model)
    area = noise_area(theta_n)
    apertures, inner = {}, {}
    for k, source in enumerate(which.tolist()):
        data, cx, cy = around.cut(k)
        a, b, c = fits.free[source, 3:]
        r1 = first_radius(data, cx, cy, a, b, c, _KRON_MOST)
        reach = min(max(_KRON * r1, _KRON_LEAST), _KRON_MOST)
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
            capped=bool(_KRON_MOST * sigma[k] + 2 > _MAX_RADIUS), blank=bool(missing > 0.5),
            edge=edge)
        inner[source] = elliptical_sum(data, cx, cy, a, b, c, _INNER * reach)[0]
    _add_wings(apertures, inner)
    return apertures


def _add_wings(apertures, inner):
    """
    Add the flux beyond the apertures, as a Sersic profile of index 1.5 extrapolates it.

    The share comes from the flux within 0.6 of the radius. For faint sources that ratio is
    noise, so it is drawn to the median of the bright ones.
    """
    rows = list(apertures)
    if not rows:
        return
    total = np.array([apertures[row].total for row in rows])
    error = np.array([apertures[row].total_err for row in rows])
    ratio = np.array([inner[row] for row in rows]) / total
    share = np.interp(ratio, _RATIOS, _SHARES)
    bright = total > 30 * error
    typical = float(np.median(share[bright])) if bright.sum() >= 5 else _TYPICAL_SHARE
    weight = 1 / (1 + (15 * error / total)**2)
    share = weight * share + (1 - weight) * typical
    for row, part in zip(rows, share.tolist(), strict=True):
        apertures[row].total /= part
        apertures[row].total_err = float(np.hypot(apertures[row].total_err / part,
                                                  0.5 * (1 / part - 1) * apertures[row].total))


def calibrate_psf(detections, fits, beam, *, n_min=5):
    """
    Return the PSF as the free fits of bright stars show it.

    A Gaussian fitted to a star has another width than the Gaussian somebody else fitted to it
    within another radius; what is called resolved must be compared with like.

    Parameters
    ----------
    detections : `Detections`
        All sources.
    fits : `FitTable`
        Their fits.
    beam : `~astrofound.image.PixelBeam`
        The PSF so far.
    n_min : int, optional
        Least number of stars.

    Returns
    -------
    beam : `~astrofound.image.PixelBeam`
        Median shape of the stars at the most common size; ``beam`` itself with too few.
    """
    major, minor, theta = shape_of(fits.free[:, 3:])
    with np.errstate(invalid='ignore'):
        ratio = np.sqrt(major * minor) / beam.fwhm
        good = (fits.free_ok & ~fits.crowded & ~fits.saturated & ~fits.edge & ~fits.blank
                & (detections.class_code == 0) & (fits.free[:, 0] > 20 * fits.rms)
                & (ratio > 0.7) & (ratio < 1.5))
    if good.sum() < n_min:
        return beam
    common = _half_sample_mode(np.sort(ratio[good]))
    with np.errstate(invalid='ignore'):
        stars = good & (np.abs(ratio / common - 1) < 0.08)
    if stars.sum() < n_min:
        return beam
    matrix = np.median(pixel_shapes(major[stars], minor[stars], theta[stars]), axis=0)
    larger, smaller, angle = principal_axes(matrix)
    return replace(beam, major=float(np.sqrt(larger)), minor=float(np.sqrt(smaller)),
                   theta=float(angle))


def _half_sample_mode(values):
    """Most common value: the densest half of the densest half, and so on (Bickel 2002)."""
    while len(values) > 3:
        half = (len(values) + 1) // 2
        start = np.argmin(values[half - 1:] - values[:len(values) - half + 1])
        values = values[start:start + half]
    return float(np.mean(values))


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
    which = which[np.argsort(reader.field_of(fits.fixed[which, 1], fits.fixed[which, 2]),
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
