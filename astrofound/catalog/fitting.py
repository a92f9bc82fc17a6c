"""Gaussian fits of all sources of an image, neighbours shared out."""

from dataclasses import dataclass

import numpy as np

from .._kernels.blends import (
    FIXED,
    FREE,
    N_OUT,
    OUT_BLANK,
    OUT_CHI2,
    OUT_CROWDED,
    OUT_N,
    OUT_STATUS,
    OUT_TOP,
    fit_stamps,
)
from .._kernels.boxes import overlap_lists
from .._kernels.gaussian import CONVERGED, NO_PIXELS
from .uncertainty import condon_ratio

__all__ = ['FitTable', 'beam_precision', 'fit_sources', 'looks_extended', 'precision_of',
           'resolved_excess', 'shape_of']

_8LN2 = 8 * np.log(2)
_REACH = np.sqrt(18.0 / _8LN2)  # FWHM beyond which the kernel draws nothing
_STAMP_PIXELS = 24_000_000      # 96 MB of stamps in memory at a time


@dataclass
class FitTable:
    """
    Both fits of every source, and what was seen in its stamp.

    Attributes
    ----------
    fixed, free : (n, 6) `~numpy.ndarray`
        Peak, x, y and precision matrix, with the shape of the beam and with a free one.
    fixed_ok, free_ok : (n,) `~numpy.ndarray` of bool
        Whether the fit converged inside its bounds.
    reduced_chi2 : (n,) `~numpy.ndarray`
        Of the free fit, for unit noise; NaN without pixels.
    rms, background : (n,) `~numpy.ndarray`
        Noise map at the position.
    resolved : (n,) `~numpy.ndarray` of bool
        Whether the free fit is significantly larger than the beam.
    model : (n, 6) `~numpy.ndarray`
        The fit that was used to subtract the source from its neighbours.
    blank, edge, crowded, saturated, empty : (n,) `~numpy.ndarray` of bool
        Conditions that become flags.
    """

    fixed: np.ndarray
    free: np.ndarray
    fixed_ok: np.ndarray
    free_ok: np.ndarray
    reduced_chi2: np.ndarray
    rms: np.ndarray
    background: np.ndarray
    resolved: np.ndarray
    model: np.ndarray
    blank: np.ndarray
    edge: np.ndarray
    crowded: np.ndarray
    saturated: np.ndarray
    empty: np.ndarray


def precision_of(major, minor, theta):
    """
    Return precision matrices of FWHM axes and angles in degrees.

    Parameters
    ----------
    major, minor, theta : array-like
        FWHM in pixels, angle counter-clockwise from +x.

    Returns
    -------
    precision : (..., 3) `~numpy.ndarray`
        Elements xx, xy, yy.
    """
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    p, q = _8LN2 / np.square(major), _8LN2 / np.square(minor)
    return np.stack(np.broadcast_arrays(p * cos**2 + q * sin**2, (p - q) * sin * cos,
                                        p * sin**2 + q * cos**2), axis=-1)


def shape_of(precision):
    """
    Return FWHM axes and angles of precision matrices.

    Parameters
    ----------
    precision : (n, 3) `~numpy.ndarray`
        Elements xx, xy, yy.

    Returns
    -------
    major, minor, theta : `~numpy.ndarray`
        FWHM in pixels, angle of the major axis in degrees in [0, 180).
    """
    a, b, c = np.moveaxis(precision, -1, 0)
    mean, half = 0.5 * (a + c), np.hypot(0.5 * (a - c), b)
    with np.errstate(all='ignore'):
        major, minor = np.sqrt(_8LN2 / (mean - half)), np.sqrt(_8LN2 / (mean + half))
    return major, minor, np.degrees(0.5 * np.arctan2(-2 * b, c - a)) % 180.0


def beam_precision(beam):
    """Return the precision matrix of a `~astrofound.image.PixelBeam`."""
    return precision_of(beam.major, beam.minor, beam.theta)


def resolved_excess(peak, rms, major, minor, beam, theta_n, *, floor=0.02):
    """
    Return by how many sigmas a fitted Gaussian is larger than the beam.

    Two tests, of which the larger counts: the area (flux over peak, the classical envelope),
    and the major axis, which a source resolved in one direction passes first.

    Parameters
    ----------
    peak, rms, major, minor : `~numpy.ndarray`
        Free fit and noise.
    beam : `~astrofound.image.PixelBeam`
        The beam.
    theta_n : float
        Smoothing width of the noise.
    floor : float, optional
        Relative error of the beam itself, which bright sources cannot undercut.

    Returns
    -------
    excess : `~numpy.ndarray`
        Sigmas; errors are those that a point source of this peak would have.
    """
    snr = np.maximum(np.abs(peak) / rms, 1e-3)
    e_major = np.sqrt(2) / (snr * condon_ratio(beam.major, beam.minor, theta_n, 2.5, 0.5))
    e_minor = np.sqrt(2) / (snr * condon_ratio(beam.major, beam.minor, theta_n, 0.5, 2.5))
    area_err = np.sqrt(e_major**2 + e_minor**2 + 2 * floor**2)
    area = np.log(major * minor / (beam.major * beam.minor)) / area_err
    axis = np.log(major / beam.major) / np.hypot(e_major, floor)
    # The larger of two axes is larger than the beam by about 1 sigma from noise alone.
    return np.maximum(area, axis - 1.0)


class _Stamps:
    """Pixels of a batch of sources in one flat array."""

    def __init__(self, reader, window):
        area = window[:, 2] * window[:, 3]
        self.window = window
        self.begin = np.concatenate([[0], np.cumsum(area)[:-1]]).astype(np.int64)
        self.flat = np.empty(int(area.sum()), np.float32)
        # Tile by tile, so that each tile is read once whatever the order of the sources.
        order = np.argsort(reader.tile_of(window[:, 1], window[:, 0]), kind='stable')
        for k in order.tolist():
            top, left, height, width = window[k].tolist()
            data, _, _ = reader.read((slice(top, top + height), slice(left, left + width)))
            self.flat[self.begin[k]:self.begin[k] + height * width] = data.ravel()


def fit_sources(reader, detections, beam, theta_n, *, n_passes=4, max_side=256,
                free_position=True, significance=(3.0, 1.5, 1.5),
                beam_error=0.02):
    """
    Fit the beam and a free Gaussian to every source that is not a multi-component one.

    All sources of a pass see their neighbours as the pass before left them, so that neither
    the order of the sources nor the windows the image is read in change a result.

    Parameters
    ----------
    reader : `WindowReader`
        The pixels.
    detections : `Detections`
        The sources.
    beam : `~astrofound.image.PixelBeam`
        Beam or PSF.
    theta_n : float
        Smoothing width of the noise in pixels.
    n_passes : int, optional
        Passes over sources with neighbours; the others are fitted once.
    max_side : int, optional
        Largest stamp in pixels.
    free_position : bool, optional
        Whether positions are fitted.
    significance : tuple of float, optional
        Sigmas by which a source of each class must be larger than the beam to count as
        resolved.
    beam_error : float, optional
        Relative error of the beam.

    Returns
    -------
    fits : `FitTable`
        One row a source, in the order of ``detections``.
    """
    n = len(detections)
    start, fwhm = _start_values(detections, beam, max_side)
    active = detections.class_code != 2
    close, gap = _close_neighbours(detections, fwhm, active)
    half = np.minimum(np.ceil(1.2 * fwhm) + 2, max_side // 2)
    half = np.minimum(half + np.ceil(_far_of(close, detections)), max_side // 2)
    window, edge = _windows(detections, half, reader.shape, 0.7 * fwhm)
    reach = _REACH * fwhm
    boxes = np.stack([window[:, 1], window[:, 0], window[:, 1] + window[:, 3],
                      window[:, 0] + window[:, 2]], axis=1).astype(float)
    circles = np.stack([detections.x - reach, detections.y - reach,
                        detections.x + reach, detections.y + reach], axis=1)
    first, index = overlap_lists(boxes, circles)
    rms, background = np.empty(n), np.empty(n)
    out = np.full((n, N_OUT), np.nan)
    model = np.zeros((n, 6))
    resolved = np.zeros(n, bool)
    job = _Job(reader, detections, beam, theta_n, start, window, active, first, index, close,
               gap, fwhm, free_position, np.asarray(significance, float), beam_error)
    order = np.lexsort((detections.x, detections.y, reader.tile_of(detections.x, detections.y)))
    for i in order.tolist():
        background[i], rms[i] = reader.value_at(detections.x[i], detections.y[i])
    job.rms = rms
    for core in _batches(order, window):
        members = _with_neighbours(core, first, index, n_passes)
        b_out, b_model, b_resolved = job.run(members, n_passes)
        here = np.isin(members, core)
        out[members[here]], model[members[here]] = b_out[here], b_model[here]
        resolved[members[here]] = b_resolved[here]
    return _table(out, model, resolved, rms, background, edge, active)


@dataclass
class _Job:
    reader: object
    detections: object
    beam: object
    theta_n: float
    start: np.ndarray
    window: np.ndarray
    active: np.ndarray
    first: np.ndarray
    index: np.ndarray
    close: tuple
    gap: np.ndarray
    fwhm: np.ndarray
    free_position: bool
    significance: np.ndarray
    beam_error: float
    rms: np.ndarray = None

    def run(self, members, n_passes):
        """Fit the members of a batch; return output, models and which ones are resolved."""
        stamps = _Stamps(self.reader, self.window[members])
        first, index = _sublist(members, self.first, self.index)
        close_first, close_index = _sublist(members, *self.close)
        start = self.start[members].copy()
        active, rms = self.active[members], self.rms[members]
        threshold = self.significance[self.detections.class_code[members]]
        max_shift = np.maximum(0.6 * self.beam.fwhm, 0.5 * self.fwhm[members])
        # Two sources must not change places.
        max_shift = np.minimum(max_shift, np.maximum(0.45 * self.gap[members], 0.5))
        max_fwhm = 4.0 * self.fwhm[members] + 8.0
        # In beam-correlated noise the wings carry no information, only neighbours.
        correlated = self.theta_n > 0.4 * self.beam.fwhm
        radius = np.array([0.7, 0.85] if correlated else [1.0, 1.0])
        out = np.full((len(members), N_OUT), np.nan)
        model = np.zeros((len(members), 6))
        resolved = np.zeros(len(members), bool)
        todo = np.flatnonzero(active)
        crowded = np.diff(first) > 1
        for _ in range(n_passes):
            fit_stamps(todo, stamps.flat, stamps.begin, stamps.window, start, model, first,
                       index, close_first, close_index, beam_precision(self.beam), radius,
                       max_shift, max_fwhm, self.free_position, out)
            resolved[todo] = self._is_resolved(out[todo], rms[todo], threshold[todo])
            new = np.where(resolved[:, None], out[:, FREE:FREE + 6], out[:, FIXED:FIXED + 6])
            new[~np.isfinite(new).all(axis=1) | ~active] = 0
            new[:, 0] = np.maximum(new[:, 0], 0)  # a hole is not a neighbour
            model[todo] = new[todo]
            keep = todo[resolved[todo] & (out[todo, FREE + OUT_STATUS] == CONVERGED)]
            start[keep, 3:] = out[keep, FREE + 3:FREE + 6]
            todo = np.flatnonzero(active & crowded)
            if not len(todo):
                break
        return out, model, resolved

    def _is_resolved(self, out, rms, threshold):
        major, minor, _ = shape_of(out[:, FREE + 3:FREE + 6])
        with np.errstate(all='ignore'):
            excess = resolved_excess(out[:, FREE], rms, major, minor, self.beam, self.theta_n,
                                     floor=self.beam_error)
        good = (out[:, FREE + OUT_STATUS] == CONVERGED) & (out[:, FREE] > 0)
        return good & (excess > threshold)


def _start_values(detections, beam, max_side):
    """Start of the fits, and the FWHM expected of each source in pixels."""
    n = len(detections)
    sides = 0.5 * (detections.boxes[:, 2:] - detections.boxes[:, :2])
    sides = np.nan_to_num(np.clip(sides, 0, max_side))
    extended = looks_extended(detections, beam)
    # A box reaches one FWHM to each side of its source, so half its side is the FWHM seen.
    fwhm = np.where(extended[:, None], np.maximum(sides, beam.fwhm), beam.fwhm)
    start = np.zeros((n, 6))
    start[:, 1], start[:, 2] = detections.x, detections.y
    start[:, 3:] = np.where(extended[:, None], np.stack(
        [_8LN2 / fwhm[:, 0]**2, np.zeros(n), _8LN2 / fwhm[:, 1]**2], axis=1),
        beam_precision(beam))
    return start, np.maximum(fwhm.max(axis=1), beam.major)


def looks_extended(detections, beam):
    """Whether the class or the box of each detection says that it is larger than the beam."""
    side = (detections.boxes[:, 2:] - detections.boxes[:, :2]).max(axis=1, initial=0)
    return (detections.class_code > 0) | (side > 3.2 * beam.major)


def _close_neighbours(detections, fwhm, active, *, n_max=5, link=1.7):
    """
    List the neighbours that are fitted together, nearest first, and the distance of the nearest.

    Two sources nearer than ``link`` times their mean FWHM share pixels to an extent that
    subtracting one from the other in turns does not converge.
    """
    n = len(detections)
    reach = 0.5 * link * fwhm
    circles = np.stack([detections.x - reach, detections.y - reach,
                        detections.x + reach, detections.y + reach], axis=1)
    first, index = overlap_lists(circles, circles)
    lists, gap = [], np.full(n, np.inf)
    for i in np.arange(n).tolist():
        near = index[first[i]:first[i + 1]]
        if len(near) < 2:
            lists.append(near[:0])
            continue
        near = near[(near != i) & active[near] & active[i]]
        distance = np.hypot(detections.x[near] - detections.x[i],
                            detections.y[near] - detections.y[i])
        keep = distance < reach[i] + reach[near]
        near, distance = near[keep], distance[keep]
        # Ties by position: the order of the input must not matter.
        order = np.lexsort((detections.x[near], detections.y[near], distance))[:n_max]
        lists.append(near[order])
        if len(distance):
            gap[i] = distance.min()
    sizes = np.array([len(part) for part in lists], np.int64)
    flat = np.concatenate(lists) if n else np.empty(0, np.int64)
    return (np.concatenate([[0], np.cumsum(sizes)]), flat), gap


def _far_of(close, detections):
    """Distance of the farthest neighbour that is fitted together with each source."""
    first, index = close
    owner = np.repeat(np.arange(len(first) - 1), np.diff(first))
    far = np.zeros(len(first) - 1)
    np.maximum.at(far, owner, np.hypot(detections.x[index] - detections.x[owner],
                                       detections.y[index] - detections.y[owner]))
    return far


def _windows(detections, half, shape, reach):
    """Stamps clipped to the image, and whether they were clipped."""
    ny, nx = shape
    x = np.clip(np.round(np.nan_to_num(detections.x)), 0, nx - 1)
    y = np.clip(np.round(np.nan_to_num(detections.y)), 0, ny - 1)
    left, right = np.maximum(x - half, 0), np.minimum(x + half, nx - 1)
    top, bottom = np.maximum(y - half, 0), np.minimum(y + half, ny - 1)
    window = np.stack([top, left, bottom - top + 1, right - left + 1], axis=1).astype(np.int64)
    edge = ((detections.x - reach < -0.5) | (detections.y - reach < -0.5)
            | (detections.x + reach > nx - 0.5) | (detections.y + reach > ny - 0.5))
    return window, edge


def _batches(order, window):
    """Cut the sources, in the order of their tiles, where the stamps fill the memory."""
    if not len(order):
        return []
    filled = np.cumsum(window[order, 2] * window[order, 3]) // _STAMP_PIXELS
    return np.split(order, np.flatnonzero(np.diff(filled)) + 1)


def _with_neighbours(core, first, index, n_passes):
    """Add the neighbours of neighbours that can act on the core within so many passes."""
    if len(core) == len(first) - 1:
        return np.arange(len(core))
    members = np.zeros(len(first) - 1, bool)
    members[core] = True
    edge = core
    for _ in range(n_passes):
        if not len(edge):
            break
        near = np.concatenate([index[first[i]:first[i + 1]] for i in edge.tolist()])
        edge = np.unique(near[~members[near]])
        members[edge] = True
    return np.flatnonzero(members)


def _sublist(members, first, index):
    """Neighbour lists among the members, renumbered."""
    if len(members) == len(first) - 1:
        return first, index
    number = np.full(len(first) - 1, -1, np.int64)
    number[members] = np.arange(len(members))
    lists = [number[index[first[i]:first[i + 1]]] for i in members.tolist()]
    lists = [part[part >= 0] for part in lists]
    sizes = np.array([len(part) for part in lists], np.int64)
    return np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(lists)


def _table(out, model, resolved, rms, background, edge, active):
    with np.errstate(all='ignore'):
        reduced = (out[:, FREE + OUT_CHI2] / rms**2
                   / np.maximum(out[:, FREE + OUT_N] - 6, 1))
        top = out[:, OUT_TOP]
        width = shape_of(out[:, FIXED + 3:FIXED + 6])[0]
        # A Gaussian has 0.0018 FWHM^2 pixels within half a percent of its peak.
        saturated = (top >= 4 + 0.02 * width**2) & (out[:, FIXED] > 30 * rms)
    empty = active & ~(out[:, FIXED + OUT_STATUS] != NO_PIXELS)
    return FitTable(
        fixed=out[:, FIXED:FIXED + 6], free=out[:, FREE:FREE + 6],
        fixed_ok=out[:, FIXED + OUT_STATUS] == CONVERGED,
        free_ok=out[:, FREE + OUT_STATUS] == CONVERGED,
        reduced_chi2=reduced, rms=rms, background=background, resolved=resolved, model=model,
        blank=np.nan_to_num(out[:, OUT_BLANK]) > 0, edge=edge,
        crowded=np.nan_to_num(out[:, OUT_CROWDED]) > 0.05, saturated=saturated, empty=empty)
