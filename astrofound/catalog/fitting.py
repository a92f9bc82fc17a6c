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
)
from .._kernels.boxes import overlap_lists
from .._kernels.gaussian import CONVERGED, NO_PIXELS
from .fit_parts import FitJob, Links, part_of
from .gaussians import beam_precision, shape_of
from .parts import run_here

__all__ = ['FitTable', 'fit_sources', 'looks_extended']

_8LN2 = 8 * np.log(2)
_REACH = np.sqrt(18.0 / _8LN2)  # FWHM beyond which the kernel draws nothing
_STAMP_PIXELS = 1_000_000       # of a part: 0.3 s, so that no worker waits long for another
_PER_SOURCE = 2000              # pixels that a source is worth beside those of its stamp


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


def fit_sources(reader, detections, beam, theta_n, *, n_passes=4, max_side=256,
                free_position=True, significance=(3.0, 1.5, 1.5),
                beam_error=0.02, run=run_here, stage='fit'):
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
    run : callable, optional
        ``run(stage, job, items)`` yields ``job.work(job.read(item))`` of each item, as the
        ``map`` of a `~astrofound.pipeline.Runner` does.
    stage : str, optional
        Name of this stage.

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
    link = Links(first, index, *close)
    parts = (part_of(core, link, n_passes, detections, active=active, start=start, window=window,
                      gap=gap, fwhm=fwhm)
             for core in _batches(_by_tile(reader, detections), window))
    job = FitJob(reader, beam, theta_n, n_passes, free_position,
                  np.asarray(significance, float), beam_error)
    found = {name: np.full((n, *shape), fill) for name, (shape, fill) in _RESULTS.items()}
    for part in run(stage, job, parts):
        for name, values in found.items():
            values[part['number']] = part[name]
    return _table(edge=edge, active=active, **found)


_RESULTS = {'out': ((N_OUT,), np.nan), 'model': ((6,), 0.0), 'resolved': ((), False),
            'rms': ((), np.nan), 'background': ((), np.nan)}


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


def _by_tile(reader, detections):
    return np.lexsort((detections.x, detections.y, reader.field_of(detections.x, detections.y)))


def _batches(order, window):
    """Cut the sources, in the order of their tiles, into parts of about the same work."""
    if not len(order):
        return []
    area = window[order, 2] * window[order, 3]
    filled = np.cumsum(area + min(_PER_SOURCE, _STAMP_PIXELS)) // _STAMP_PIXELS
    return np.split(order, np.flatnonzero(np.diff(filled)) + 1)


def _table(*, out, model, resolved, rms, background, edge, active):
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
