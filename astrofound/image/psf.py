"""Measure the beam or PSF of an image from its own compact sources."""

import math

import numpy as np
from scipy import ndimage

from .beam import PixelBeam
from .geometry import matrix_to_ellipse

__all__ = ['measure_beam']

_WINDOW = 512  # pixels; nine such windows hold enough stars and bound the work
_SINGLE = 1536  # smaller images are looked at as a whole
_GRIDS = ((0.15, 0.5, 0.85), (0.03, 0.325, 0.675, 0.97))  # the second where the first is poor
_MESH = 64  # pixels of a background box
_MIN_SNR = (10.0, 6.0)  # the second where the first finds too few
_ENOUGH = 4
_MANY = 8
_MAX_SOURCES = 400
_FWHM_TO_VARIANCE = 8 * math.log(2)


def measure_beam(image):
    """
    Measure the beam or PSF of an image from its compact sources.

    Isolated, unsaturated maxima with a signal to noise above 10 are fitted with elliptical
    Gaussians. Unresolved sources all have the same width, resolved ones each their own, so
    that the narrow peak at the small end of the width distribution is the beam; cosmic rays
    and hot pixels are sharper than any beam and are left out by their shape.

    Where fewer than eight sources are found in an image in units per beam, the noise decides:
    that of an interferometer has about the beam as its autocorrelation. A source much wider
    than the noise is then taken as resolved.

    Parameters
    ----------
    image : SurveyImage
        Any image; of a large one nine windows are looked at, or 25 where these hold too few.

    Returns
    -------
    beam : PixelBeam or None
        Widths that hold for the Gaussian core; `None` where no compact source is found.

    References
    ----------
    .. [1] Guo 2011, IEEE Signal Processing Magazine 28(5), 134 (the iterated log-parabola
       fit of a Gaussian).
    .. [2] Condon 1997, PASP 109, 166 (noise correlated like the beam).
    """
    shapes, noise_widths = np.empty((0, 4)), []
    for windows in _windows(image.shape):
        for window in windows:
            found, width = _measure_window(image.read_window(window), image.is_per_beam)
            shapes = np.concatenate([shapes, found])
            noise_widths += [] if width is None else [width]
        if len(shapes) >= _MANY:
            break
    return _choose(shapes, np.median(noise_widths) if noise_widths else None)


def _windows(shape):
    """Give lists of windows, of which the next is wanted where those before hold too little."""
    if max(shape) <= _SINGLE:
        return [[(slice(0, shape[0]), slice(0, shape[1]))]]
    grids = []
    for parts in _GRIDS:
        ys, xs = (sorted({round(max(n - _WINDOW, 0) * part) for part in parts}) for n in shape)
        grids.append([(slice(y, min(y + _WINDOW, shape[0])), slice(x, min(x + _WINDOW, shape[1])))
                      for y in ys for x in xs])
    return grids


def _measure_window(data, per_beam):
    """Return rows ``(c_xx, c_xy, c_yy, snr)`` of FWHM squared, and the width of the noise."""
    good = np.isfinite(data)
    if good.sum() < 25:
        return np.empty((0, 4)), None
    data = data - _background(data, good)
    noise = _noise(data[good][::max(1, good.sum() // 100_000)])
    if noise <= 0:
        return np.empty((0, 4)), None
    filled = np.where(good, data, 0)
    for min_snr in _MIN_SNR:
        rows = [_fit(filled, good, y, x, noise) for y, x in _peaks(filled, good, noise, min_snr)]
        rows = [row for row in rows if row is not None]
        if len(rows) >= _ENOUGH:
            break
    return np.array(rows).reshape(-1, 4), _noise_width(filled, good, noise) if per_beam else None


def _noise_width(data, good, noise):
    """FWHM of a Gaussian with the correlation of noise in neighbouring pixels."""
    quiet = good & ~ndimage.binary_dilation(np.abs(data) > 4 * noise, iterations=4)
    if quiet.sum() < 500:
        return None
    values = np.where(quiet, data - data[quiet].mean(), 0)
    pairs = [(quiet[:, 1:] & quiet[:, :-1], values[:, 1:] * values[:, :-1]),
             (quiet[1:] & quiet[:-1], values[1:] * values[:-1])]
    correlation = np.mean([product[both].mean() for both, product in pairs])
    correlation /= (values[quiet]**2).mean()
    if not 0.3 < correlation < 0.97:
        return None  # white noise has no beam, a smooth image no noise
    return math.sqrt(4 * math.log(2) / -math.log(correlation))


def _background(data, good):
    """Median of boxes after two clips, joined by straight lines."""
    counts = [max(1, round(n / _MESH)) for n in data.shape]
    edges = [np.linspace(0, n, count + 1).astype(int)
             for n, count in zip(data.shape, counts, strict=True)]
    mesh = np.full(counts, np.nan)
    for i, j in np.ndindex(*counts):
        box = data[edges[0][i]:edges[0][i + 1], edges[1][j]:edges[1][j + 1]]
        values = box[np.isfinite(box)]
        if values.size < 0.1 * box.size:
            continue
        for _ in range(3):
            middle = np.median(values)
            spread = 1.4826 * np.median(np.abs(values - middle))  # MAD of a Gaussian to sigma
            if spread == 0:
                break
            values = values[np.abs(values - middle) < 3 * spread]
        mesh[i, j] = np.median(values)
    if not np.isfinite(mesh).any():
        return np.median(data[good])
    mesh[np.isnan(mesh)] = np.nanmedian(mesh)
    if min(counts) > 2:
        mesh = ndimage.median_filter(mesh, 3, mode='nearest')
    positions = [np.interp(np.arange(n), 0.5 * (edge[1:] + edge[:-1]) - 0.5, np.arange(count))
                 for n, edge, count in zip(data.shape, edges, counts, strict=True)]
    return ndimage.map_coordinates(mesh, np.meshgrid(*positions, indexing='ij'), order=1,
                                   mode='nearest').astype(np.float32)


def _noise(values):
    """Clipped MAD; of a picture without noise, the smallest step between its values."""
    for _ in range(4):
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        if spread == 0:
            steps = np.abs(values - middle)
            steps = steps[steps > 0]
            return float(steps.min()) if steps.size else 0.0
        kept = values[np.abs(values - middle) < 3 * spread]
        if kept.size == values.size:
            break
        values = kept
    return float(spread)


def _peaks(data, good, noise, min_snr):
    """Local maxima, brightest first, that are neither flat tops nor single pixels."""
    top = ndimage.maximum_filter(data, 5, mode='constant', cval=np.inf)  # the edge is no peak
    near_blank = ndimage.binary_dilation(~good, iterations=2)
    ys, xs = np.nonzero((data == top) & (data > min_snr * noise) & ~near_blank)
    order = np.argsort(data[ys, xs], kind='stable')[::-1]
    ys, xs = ys[order], xs[order]
    chosen = []
    ceiling = data.max()
    at_ceiling = (data >= 0.98 * ceiling).sum() > 3 * max(1, (data[ys, xs] >= 0.98 * ceiling).sum())
    for y, x in zip(ys, xs, strict=True):
        peak = data[y, x]
        stamp = data[y - 1:y + 2, x - 1:x + 2]
        if stamp.shape != (3, 3) or (at_ceiling and peak >= 0.98 * ceiling):
            continue
        if (stamp > 0.995 * peak).sum() > 2:
            continue  # a flat top: saturated, or a bleeding trail
        sides = np.array([stamp[1, 0] + stamp[1, 2], stamp[0, 1] + stamp[2, 1]]) / (2 * peak)
        if sides.min() < 0.1:
            continue  # sharper than a FWHM of 1.1 pixels in one direction: cosmic ray or hot pixel
        chosen.append((y, x))
        if len(chosen) == _MAX_SOURCES:
            break
    return chosen


def _half_width(data, y, x, peak):
    """FWHM of the connected area above half the peak, grown until it fits in its stamp."""
    for radius in (6, 14, 32):
        y1, x1 = max(y - radius, 0), max(x - radius, 0)
        stamp = data[y1:y + radius + 1, x1:x + radius + 1]
        labels, _ = ndimage.label(stamp > 0.5 * peak)
        inside = labels == labels[y - y1, x - x1]
        width = 2 * math.sqrt(inside.sum() / math.pi)
        if width < 0.8 * radius:
            return width
    return None


def _fit(data, good, y, x, noise):
    """Fit the core above a quarter of the peak with an elliptical Gaussian."""
    peak = data[y, x]
    width = _half_width(data, y, x, peak)
    if width is None:
        return None
    reach = max(3, math.ceil(2.5 * width))
    part = (slice(max(y - reach, 0), y + reach + 1), slice(max(x - reach, 0), x + reach + 1))
    stamp, ok = data[part], good[part]
    dy, dx = np.indices(stamp.shape)
    dy, dx = dy - (y - part[0].start), dx - (x - part[1].start)
    distance = np.hypot(dx, dy)
    core = distance <= max(1.5, 0.75 * width)
    if not ok[core].all() or _has_neighbour(stamp, distance, width, peak, noise):
        return None
    result = _log_parabola(stamp[core], dx[core] / width, dy[core] / width, noise)
    if result is None:
        return None
    covariance, residual = result
    # a blend or a source with structure is no Gaussian; noise may explain 3 sigma or 5 %
    if residual > max(3 * noise, 0.06 * peak):
        return None
    covariance = covariance * width**2 * _FWHM_TO_VARIANCE
    return covariance[0, 0], covariance[0, 1], covariance[1, 1], peak / noise


def _has_neighbour(stamp, distance, width, peak, noise):
    """Say whether another maximum lies near enough to touch the core."""
    ring = (distance > 1.2 * width) & (distance <= 2.5 * width)
    tops = stamp == ndimage.maximum_filter(stamp, 3, mode='nearest')
    return bool((tops & ring & (stamp > max(0.25 * peak, 5 * noise))).any())


def _log_parabola(values, x, y, noise):
    design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    model = np.maximum(values, 0)
    usable = values > noise
    if usable.sum() < 7:
        return None
    logs = np.log(np.where(usable, values, 1))
    for _ in range(8):
        weights = np.where(usable, model, 0)
        coefficients, *_ = np.linalg.lstsq(design * weights[:, None], logs * weights, rcond=None)
        exponent = design @ coefficients
        if not np.isfinite(exponent).all() or exponent.max() > 80:
            return None
        model = np.exp(exponent)
    _, _, _, xx, xy, yy = coefficients
    curvature = -np.array([[2 * xx, xy], [xy, 2 * yy]])
    eigenvalues = np.linalg.eigvalsh(curvature)
    if eigenvalues[0] <= 0 or eigenvalues[1] > 60 * eigenvalues[0]:
        return None
    residual = math.sqrt(np.mean((values - model)[usable]**2))
    return np.linalg.inv(curvature), residual


def _choose(shapes, noise_width):
    """Find the beam among widths of compact and resolved sources."""
    determinant = shapes[:, 0] * shapes[:, 2] - shapes[:, 1]**2
    widths = np.log(determinant) / 4  # log of the geometric mean FWHM
    if len(shapes) < _MANY and noise_width is not None:
        # the noise gives the width to 15 % in FIRST, artefacts make it wider
        alike = np.abs(widths - math.log(noise_width) - 0.05) < 0.35
        if not alike.any():
            return PixelBeam(noise_width, noise_width)
        shapes, widths = shapes[alike], widths[alike]
    if not len(shapes):
        return None
    if len(shapes) < _ENOUGH:
        return _trust(_beam_of(shapes[np.argmin(widths), :3]), noise_width)
    # a width is known to about 0.6 / snr, and no better than the PSF varies over the field
    errors = np.hypot(0.6 / shapes[:, 3], 0.03)
    grid = np.arange(widths.min() - 0.1, widths.max() + 0.1, 0.01)
    density = (np.exp(-0.5 * ((grid[:, None] - widths) / errors)**2) / errors).sum(axis=1)
    tops = np.flatnonzero((density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])) + 1
    # resolved sources can outnumber points: the smallest peak of weight is the beam's
    strong = tops[density[tops] >= 0.5 * density.max()]
    near = np.abs(widths - grid[strong[0]]) < np.maximum(0.12, 2 * errors)
    beam = _beam_of(np.median(shapes[near, :3], axis=0))
    return beam if near.sum() >= _MANY else _trust(beam, noise_width)


def _trust(beam, noise_width):
    """Doubt a long beam seen in a handful of sources: galaxies and jets are long."""
    if beam.ellipticity < 0.25:
        return beam
    return None if noise_width is None else PixelBeam(noise_width, noise_width)


def _beam_of(row):
    major, minor, theta = matrix_to_ellipse(np.array([[row[0], row[1]], [row[1], row[2]]]))
    return PixelBeam(major, minor, theta)
