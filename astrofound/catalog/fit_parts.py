"""Fit the Gaussians of some sources of an image, and of all that can act on them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._kernels.blends import FIXED, FREE, N_OUT, OUT_STATUS, fit_stamps
from .._kernels.gaussian import CONVERGED
from .gaussians import beam_precision, resolved_excess, shape_of

__all__ = ['FitJob', 'Links', 'Part', 'part_of']


@dataclass
class Links:
    """Neighbours of each source: those whose light reaches it, those fitted with it."""

    first: np.ndarray
    index: np.ndarray
    close_first: np.ndarray
    close_index: np.ndarray


@dataclass
class Part:
    """Some sources, and all that can act on them."""

    number: np.ndarray      # of every member among all sources
    steps: np.ndarray       # from neighbour to neighbour to a source it answers for, 0 for these
    link: Links
    x: np.ndarray
    y: np.ndarray
    code: np.ndarray
    active: np.ndarray
    start: np.ndarray
    window: np.ndarray
    gap: np.ndarray
    fwhm: np.ndarray


def part_of(core, link, n_passes, detections, **columns):
    """
    Gather some sources with their neighbours, and the neighbours of these.

    Parameters
    ----------
    core : `~numpy.ndarray` of int
        The sources to answer for.
    link : Links
        Neighbours of all sources.
    n_passes : int
        Passes of the fit: light travels from source to source once between two of them.
    detections : `Detections`
        All sources.
    **columns : `~numpy.ndarray`
        The other columns of `Part`, for all sources.

    Returns
    -------
    part : Part
        Holds all that a fit of the core depends on.
    """
    members, steps = _with_neighbours(core, link.first, link.index, n_passes - 1)
    near = Links(*_sublist(members, link.first, link.index),
                  *_sublist(members, link.close_first, link.close_index))
    return Part(members, steps, near, detections.x[members],
                 detections.y[members], detections.class_code[members],
                 **{name: values[members] for name, values in columns.items()})


@dataclass
class FitJob:
    """Fits the sources of one part after the other."""

    parallel: ClassVar[bool] = True

    reader: object
    beam: object
    theta_n: float
    n_passes: int
    free_position: bool
    significance: np.ndarray
    beam_error: float

    def read(self, part):
        """Read the stamps of a part, and the noise at its sources."""
        background, rms = np.empty(len(part.x)), np.empty(len(part.x))
        for k in np.argsort(self.reader.field_of(part.x, part.y), kind='stable').tolist():
            background[k], rms[k] = self.reader.value_at(part.x[k], part.y[k])
        return part, _Stamps(self.reader, part.window), background, rms

    @np.errstate(all='ignore')  # pixels of any size: what overflows ends as NaN and is flagged
    def work(self, prepared):
        """Fit a part; give the results of its core."""
        part, stamps, background, rms = prepared
        out, model, resolved = self._fit(part, stamps, rms)
        core = part.steps == 0
        return {'number': part.number[core], 'out': out[core], 'model': model[core],
                'resolved': resolved[core], 'rms': rms[core], 'background': background[core]}

    def _fit(self, part, stamps, rms):
        n, link = len(part.x), part.link
        start, active = part.start.copy(), part.active
        threshold = self.significance[part.code]
        max_shift = np.maximum(0.6 * self.beam.fwhm, 0.5 * part.fwhm)
        # Two sources must not change places.
        max_shift = np.minimum(max_shift, np.maximum(0.45 * part.gap, 0.5))
        max_fwhm = 4.0 * part.fwhm + 8.0
        # In beam-correlated noise the wings carry no information, only neighbours.
        correlated = self.theta_n > 0.4 * self.beam.fwhm
        radius = np.array([0.7, 0.85] if correlated else [1.0, 1.0])
        spacing = max(1, round(0.5 * self.beam.minor)) if correlated else 1
        out, model = np.full((n, N_OUT), np.nan), np.zeros((n, 6))
        resolved = np.zeros(n, bool)
        todo = np.flatnonzero(active)
        crowded = np.diff(link.first) > 1
        for n_left in reversed(range(self.n_passes)):
            fit_stamps(todo, stamps.flat, stamps.begin, stamps.window, start, model, link.first,
                       link.index, link.close_first, link.close_index, beam_precision(self.beam),
                       radius, spacing, max_shift, max_fwhm, self.free_position, out)
            resolved[todo] = self._is_resolved(out[todo], rms[todo], threshold[todo])
            new = np.where(resolved[:, None], out[:, FREE:FREE + 6], out[:, FIXED:FIXED + 6])
            new[~np.isfinite(new).all(axis=1) | ~active] = 0
            new[:, 0] = np.maximum(new[:, 0], 0)  # a hole is not a neighbour
            model[todo] = new[todo]
            keep = todo[resolved[todo] & (out[todo, FREE + OUT_STATUS] == CONVERGED)]
            start[keep, 3:] = out[keep, FREE + 3:FREE + 6]
            # what is farther away than there are passes left no longer reaches the core
            todo = np.flatnonzero(active & crowded & (part.steps < n_left))
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


class _Stamps:
    """Pixels of a batch of sources in one flat array."""

    def __init__(self, reader, window):
        area = window[:, 2] * window[:, 3]
        self.window = window
        self.begin = np.concatenate([[0], np.cumsum(area)[:-1]]).astype(np.int64)
        self.flat = np.empty(int(area.sum()), np.float32)
        # Tile by tile, so that each tile is read once whatever the order of the sources.
        order = np.argsort(reader.field_of(window[:, 1], window[:, 0]), kind='stable')
        for k in order.tolist():
            top, left, height, width = window[k].tolist()
            data, _, _ = reader.read((slice(top, top + height), slice(left, left + width)))
            self.flat[self.begin[k]:self.begin[k] + height * width] = data.ravel()


def _with_neighbours(core, first, index, n_steps):
    """Add the neighbours of neighbours up to so many steps away; give all, and their steps."""
    if len(core) == len(first) - 1:
        return np.arange(len(core)), np.zeros(len(core), np.int64)
    members = edge = np.sort(core)
    rings = [members]
    for _ in range(n_steps):
        near = np.unique(np.concatenate([index[first[i]:first[i + 1]] for i in edge.tolist()]))
        edge = np.setdiff1d(near, members, assume_unique=True)
        if not len(edge):
            break
        members = np.union1d(members, edge)
        rings.append(edge)
    steps = np.empty(len(members), np.int64)
    for step, ring in enumerate(rings):
        steps[np.searchsorted(members, ring)] = step
    return members, steps


def _sublist(members, first, index):
    """Neighbour lists among the members, renumbered."""
    if len(members) == len(first) - 1:
        return first, index
    lists = []
    for i in members.tolist():
        part = index[first[i]:first[i + 1]]
        place = np.searchsorted(members, part).clip(0, len(members) - 1)
        lists.append(place[members[place] == part])
    sizes = np.array([len(part) for part in lists], np.int64)
    return np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(lists)
