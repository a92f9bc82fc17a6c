"""Flux, position and size of sources that are no single Gaussian: sums over their pixels."""

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from .._kernels.boxes import overlap_lists
from .._kernels.gaussian import FWHM_PER_SIGMA, add_gaussian
from .boxes import box_window
from .parts import run_here
from .uncertainty import noise_area, principal_axes

__all__ = ['Island', 'measure_islands']

_THRESHOLD = 2.5   # sigmas of the smoothed image that bound an island
_SEEN = 8.0        # sigmas from which on the peak of the smoothed image shows the whole source
_WIDEST = 0.3      # largest smoothing, as a share of the box
_N_RINGS = 2       # half widths an island grows at most: more would collect its surroundings
_EIGHT = np.ones((3, 3), bool)
_PER_PART = 32
_KINDS = {float: np.float64, int: np.int64, bool: bool}


@dataclass
class Island:
    """
    What the pixels of one source add up to.

    Attributes
    ----------
    total, total_err : float
        Sum of the pixels and its error, in pixel units.
    x, y, x_err, y_err : float
        Centroid in the image.
    major, minor, theta : float
        FWHM of the Gaussian with the same second moments, and its angle in degrees.
    major_err, minor_err : float
        Errors of the axes.
    peak : float
        Brightest pixel.
    n_peaks : int
        Separate peaks.
    capped, blank, edge : bool
        Whether the window was cut, held blank pixels, or ended at the edge of the image.
    """

    total: float
    total_err: float
    x: float
    y: float
    x_err: float
    y_err: float
    major: float
    minor: float
    theta: float
    major_err: float
    minor_err: float
    peak: float
    n_peaks: int
    capped: bool
    blank: bool
    edge: bool


def measure_islands(reader, detections, which, model, rms, beam, theta_n, *, max_side=1536,
                    run=run_here, stage='islands'):
    """
    Sum the pixels of sources over their islands, the models of all others subtracted.

    An island is the set of pixels above 2.5 sigma of the image smoothed with the beam (wider
    for very large boxes and for what is faint), connected, with at least half of them in the
    source's box. It grows by half that width at a time as long as the ring around it is
    brighter than the noise of its mean, so that the flux below the threshold is in the sum and
    not in a correction.

    Parameters
    ----------
    reader : `WindowReader`
        The pixels.
    detections : `Detections`
        All sources.
    which : `~numpy.ndarray` of int
        Those to measure.
    model : (n, 6) `~numpy.ndarray`
        Gaussian of every source; peak 0 for none.
    rms : (n,) `~numpy.ndarray`
        Noise at each source.
    beam : `~astrofound.image.PixelBeam`
        Beam or PSF.
    theta_n : float
        Smoothing width of the noise.
    max_side : int, optional
        Largest window in pixels; larger sources are cut to it and flagged.
    run : callable, optional
        As in `fit_sources`.
    stage : str, optional
        Name of this stage.

    Returns
    -------
    islands : dict of int to `Island`
        Sources without a valid pixel or without any island are missing.
    """
    which = np.asarray(which, dtype=np.int64)
    order = which[np.argsort(reader.field_of(detections.x[which], detections.y[which]),
                             kind='stable')]
    boxes = detections.boxes[order].copy()
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    pad = 1.5 * beam.major + 0.15 * side
    boxes[:, :2] -= pad[:, None]
    boxes[:, 2:] += pad[:, None]
    reach = 1.8 * _model_width(model)
    circles = np.stack([detections.x - reach, detections.y - reach,
                        detections.x + reach, detections.y + reach], axis=1)
    first, index = overlap_lists(boxes, circles)
    parts = []
    for k, source in enumerate(order.tolist()):
        others = index[first[k]:first[k + 1]]
        others = others[(others != source) & (model[others, 0] > 0)]
        if k % _PER_PART == 0:
            parts.append([])
        parts[-1].append((source, detections.boxes[source], boxes[k], model[others], rms[source],
                          detections.class_code[source] == 2))
    islands = {}
    for found in run(stage, _IslandJob(reader, beam, theta_n, max_side), parts):
        values = zip(*(found[field.name].tolist() for field in fields(Island)), strict=True)
        islands |= {source: Island(*row)
                    for source, row in zip(found['source'].tolist(), values, strict=True)}
    return islands


@dataclass
class _IslandJob:
    """Sums some sources over their islands."""

    reader: object
    beam: object
    theta_n: float
    max_side: int

    def read(self, part):
        """Leave the pixels for later: each source has a window of its own."""
        return part

    @np.errstate(all='ignore')  # as in fits
    def work(self, part):
        """Measure the sources of a part; give a row each."""
        found = [(source, _measure_one(self.reader, inner, outer, models, rms, self.beam,
                                       self.theta_n, self.max_side, is_multi))
                 for source, inner, outer, models, rms, is_multi in part]
        found = [(source, island) for source, island in found if island is not None]
        rows = {'source': np.array([source for source, _ in found], np.int64)}
        return rows | {field.name: np.array([getattr(island, field.name) for _, island in found],
                                            _KINDS[field.type])
                       for field in fields(Island)}


def _model_width(model):
    """FWHM of the major axis of each model, 0 for none."""
    with np.errstate(all='ignore'):
        smaller = principal_axes(model[:, 3:6])[1]
        return np.where(model[:, 0] > 0, np.nan_to_num(FWHM_PER_SIGMA / np.sqrt(smaller)), 0)


def _cut_window(box, shape, max_side):
    """Window of a box, cut around its centre to ``max_side``; and whether it was."""
    centre = 0.5 * np.array([box[0] + box[2], box[1] + box[3]])
    half = 0.5 * np.array([box[2] - box[0], box[3] - box[1]])
    capped = bool((2 * half > max_side).any())
    half = np.minimum(half, max_side / 2)
    return box_window([*(centre - half), *(centre + half)], shape), capped


def _measure_one(reader, inner, outer, models, rms, beam, theta_n, max_side, is_multi):
    window, capped = _cut_window(outer, reader.shape, max_side)
    data, _, _ = reader.read(window)
    data = np.array(data, dtype=np.float64)
    top, left = window[0].start, window[1].start
    for peak, x, y, a, b, c in models:
        add_gaussian(data, peak, x - left, y - top, a, b, c, -1.0)
    valid = np.isfinite(data)
    if not valid.any() or not np.isfinite(rms):
        return None
    rows, columns = box_window(inner, reader.shape)
    inside = np.zeros(data.shape, bool)
    inside[max(rows.start - top, 0):max(rows.stop - top, 0),
           max(columns.start - left, 0):max(columns.stop - left, 0)] = True
    side = max(inner[2] - inner[0], inner[3] - inner[1])
    smooth = beam.fwhm if is_multi else max(beam.fwhm, side / 10)
    blurred, sigma = _smooth(data, valid, smooth, theta_n, rms)
    # what is faint for its size is seen whole only where it is smoothed more
    while (not is_multi and 1.4 * smooth < _WIDEST * side
           and blurred[inside].max(initial=-np.inf) < _SEEN * sigma):
        smooth *= 1.4
        blurred, sigma = _smooth(data, valid, smooth, theta_n, rms)
    region = _island(blurred > _THRESHOLD * sigma, inside, 0.5 * beam.area)
    if not region.any():
        return None
    core = data[region & valid].sum()
    region, tail = _grow(region, data, valid, rms, max(beam.fwhm, smooth), theta_n)
    # Where to stop is a choice: half of what the rings brought is taken as its error.
    doubt = 0.5 * abs(data[region & valid].sum() + tail - core)
    n_peaks = _count_peaks(blurred, region, sigma, beam.fwhm)
    return _sums(data, region & valid, tail, doubt, rms, theta_n, (top, left), n_peaks, capped,
                 bool((~valid & region).any()), _touches_edge(region, window, reader.shape))


def _smooth(data, valid, fwhm, theta_n, rms):
    """Smooth with a Gaussian, blank pixels left out; and the noise of the result."""
    sigma = fwhm / FWHM_PER_SIGMA
    filled = ndimage.gaussian_filter(np.where(valid, data, 0), sigma, mode='constant', truncate=3)
    weight = ndimage.gaussian_filter(valid.astype(float), sigma, mode='constant', truncate=3)
    with np.errstate(invalid='ignore', divide='ignore'):
        blurred = np.where(weight > 0.1, filled / weight, -np.inf)
    # Gaussians of FWHM theta_n and fwhm in a row: the variance falls as the areas.
    width2 = theta_n**2 + 0.44  # 0.44 is the square of the FWHM that stands for one pixel
    return blurred, rms * np.sqrt(width2 / (width2 + fwhm**2))


def _island(mask, inside, min_area):
    """Connected parts of a mask that lie mostly inside the box and are no specks."""
    labels, n = ndimage.label(mask, _EIGHT)
    if n == 0:
        return mask
    area = np.bincount(labels.ravel(), minlength=n + 1)
    area_in = np.bincount(labels[inside], minlength=n + 1)
    keep = (area_in >= 0.5 * area) & (area >= min_area)
    if not keep[1:].any() and area_in[1:].any():
        keep[1 + np.argmax(area_in[1:])] = True  # the source is at least what fills its box best
        keep[0] = False
        return keep[labels] & inside
    keep[0] = False
    return keep[labels]


def _grow(region, data, valid, rms, width, theta_n):
    """Grow a region ring by ring while the rings hold flux; and the flux beyond the last."""
    step = max(1, round(0.5 * width))
    area = noise_area(theta_n)
    peak = data[region & valid].max(initial=0)
    for _ in range(_N_RINGS):
        ring = _dilate(region, step) & ~region & valid
        n = int(ring.sum())
        if n == 0:
            return region, 0.0
        level, error = data[ring].mean(), rms * np.sqrt(area / n)
        if level < 2 * error:
            # The ring still goes into the sum: leaving out what happens to be faint biases.
            return region | ring, 0.0
        region = region | ring
    n = int((region & valid).sum())
    # Flux of a Gaussian outside its contour of this level and area.
    tail = level * n / np.log(peak / level) if 0 < level < 0.5 * peak else 0.0
    return region, min(tail, 0.2 * data[region & valid].sum())


def _dilate(region, step):
    """Dilate by a disc of radius ``step``."""
    return ndimage.distance_transform_edt(~region) <= step + 0.3


def _count_peaks(blurred, region, sigma, fwhm):
    """Count the maxima of a region that stand 4 sigma high, at least a beam apart."""
    size = 2 * round(0.6 * fwhm) + 1
    highest = ndimage.maximum_filter(blurred, size=size, mode='constant', cval=-np.inf)
    peaks = (blurred == highest) & (blurred > 4 * sigma) & region
    return max(1, ndimage.label(peaks, _EIGHT)[1])


def _touches_edge(region, window, shape):
    """Whether a region ends where the image does."""
    rows, columns = window
    return bool((rows.start == 0 and region[0].any())
                or (columns.start == 0 and region[:, 0].any())
                or (rows.stop == shape[0] and region[-1].any())
                or (columns.stop == shape[1] and region[:, -1].any()))


def _sums(data, region, tail, doubt, rms, theta_n, origin, n_peaks, capped, blank, edge):
    y, x = np.nonzero(region)
    value = data[region]
    total, n, area = value.sum(), len(value), noise_area(theta_n)
    error = rms * np.sqrt(n * area)
    if not total > 0:
        return None
    # sums and no products of vectors: BLAS gives another last digit for other threads
    xc, yc = (value * x).sum() / total, (value * y).sum() / total
    if not (x.min() <= xc <= x.max() and y.min() <= yc <= y.max()):
        return None
    dx, dy = x - xc, y - yc
    moments = np.array([(value * square).sum() for square in (dx**2, dx * dy, dy**2)]) / total
    larger, smaller, theta = principal_axes(moments)
    # One pixel at least: noise at the rim can push a second moment below zero.
    axes = FWHM_PER_SIGMA * np.sqrt(np.maximum([larger, smaller], 1 / 12))
    along = dx * np.cos(np.radians(theta)) + dy * np.sin(np.radians(theta))
    across = dy * np.cos(np.radians(theta)) - dx * np.sin(np.radians(theta))
    scale = rms * np.sqrt(area) / total
    axes_err = [scale * np.sqrt(((r**2 - m)**2).sum()) / (2 * max(m, 1 / 12)) * axis
                for r, m, axis in ((along, larger, axes[0]), (across, smaller, axes[1]))]
    return Island(
        total=total + tail, total_err=float(np.hypot(error, doubt)),
        x=xc + origin[1], y=yc + origin[0],
        x_err=scale * np.sqrt((dx**2).sum()), y_err=scale * np.sqrt((dy**2).sum()),
        major=axes[0], minor=axes[1], theta=float(theta), major_err=axes_err[0],
        minor_err=axes_err[1], peak=value.max(), n_peaks=n_peaks, capped=capped, blank=blank,
        edge=edge)
