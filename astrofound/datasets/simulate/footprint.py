"""Where a radio image has data and how its noise changes over the field."""

from dataclasses import dataclass

import numpy as np

from ...utils import check_choice, check_number

__all__ = ['FOOTPRINTS', 'FootprintOptions', 'draw_footprint']

FOOTPRINTS = ('full', 'pointing', 'mosaic', 'irregular', 'scan')


@dataclass(frozen=True, kw_only=True)
class FootprintOptions:
    """
    The observed area.

    Parameters
    ----------
    kind : {'full', 'pointing', 'mosaic', 'irregular', 'scan'}, optional
        The whole array; one primary-beam corrected pointing, whose noise rises to a
        circular edge; several overlapping pointings; an irregular patch; the ragged
        rectangle of a scanning telescope.
    extent : float, optional
        Diameter of the observed area over the side of the image.
    cut : float, optional
        Primary-beam response below which a pointing is blank.
    """

    kind: str = 'full'
    extent: float = 1.2
    cut: float = 0.2

    def __post_init__(self):
        check_choice('kind', self.kind, FOOTPRINTS)
        check_number('extent', self.extent, minimum=0.3, maximum=10)
        check_number('cut', self.cut, minimum=0.02, maximum=0.9)


def draw_footprint(rng, shape, options):
    """
    Draw the observed area and the relative noise over it.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    shape : tuple of int
        Shape ``(ny, nx)``.
    options : FootprintOptions
        The footprint.

    Returns
    -------
    observed : 2D `~numpy.ndarray` of bool
        Where the image has data.
    relative_rms : 2D `~numpy.ndarray` of float32
        Noise relative to the best part of the field, at least about 1.
    """
    if options.kind == 'full':
        return np.ones(shape, dtype=bool), np.ones(shape, dtype=np.float32)
    ny, nx = shape
    y = (np.arange(ny, dtype=np.float32)[:, None] - 0.5 * (ny - 1)) / max(shape)
    x = (np.arange(nx, dtype=np.float32)[None, :] - 0.5 * (nx - 1)) / max(shape)
    radius = 0.5 * options.extent
    if options.kind in ('pointing', 'mosaic'):
        return _primary_beams(rng, x, y, radius, options)
    if options.kind == 'irregular':
        return _irregular(rng, x, y, radius), np.ones(shape, dtype=np.float32)
    return _scan_area(rng, x, y, radius), np.ones(shape, dtype=np.float32)


def _primary_beams(rng, x, y, radius, options):
    """One or several Gaussian primary beams, weighted by their noise."""
    if options.kind == 'pointing':
        centres = rng.normal(0, 0.05, (1, 2))
    else:
        n_pointings = rng.integers(2, 6)
        centres = rng.uniform(-0.45, 0.45, (n_pointings, 2))
        radius = radius * rng.uniform(0.5, 0.9)
    weight = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    nearest = np.full(weight.shape, np.inf, dtype=np.float32)
    for x0, y0 in centres.astype(np.float32):
        r2 = ((x - x0) ** 2 + (y - y0) ** 2) / np.float32(radius**2)
        weight += options.cut ** (2 * r2)
        nearest = np.minimum(nearest, r2)
    observed = nearest < 1
    weight /= max(weight.max(), 1e-6)
    return observed, 1 / np.sqrt(np.maximum(weight, options.cut**2))


def _irregular(rng, x, y, radius):
    angle = np.arctan2(y, x)
    limit = np.ones_like(angle)
    for order in range(1, 9):
        limit += rng.normal(0, 0.25 / order) * np.cos(order * angle
                                                      + rng.uniform(0, 2 * np.pi))
    return x**2 + y**2 < (radius * np.maximum(limit, 0.4)) ** 2


def _scan_area(rng, x, y, radius):
    """Scans of slightly different length side by side, turned by any angle."""
    angle = rng.uniform(0, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = x * cos + y * sin, y * cos - x * sin
    n_scans = int(rng.integers(20, 60))
    ends = 0.85 * radius + rng.normal(0, 0.02, (2, n_scans))
    ends += rng.normal(0, 0.1) * np.linspace(-1, 1, n_scans)
    scan = np.clip(((across / radius + 1) * 0.5 * n_scans).astype(int), 0, n_scans - 1)
    return (along < ends[0][scan]) & (along > -ends[1][scan]) & (np.abs(across) < 0.85 * radius)
