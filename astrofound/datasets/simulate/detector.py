"""What a camera does to a sky: saturation, spikes, cosmic rays, bad columns, resampling."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...utils import check_choice, check_number

__all__ = [
    'RESAMPLINGS', 'DetectorOptions', 'add_cosmic_rays', 'add_spikes', 'blank_columns',
    'resampling_kernel', 'saturate',
]

RESAMPLINGS = ('none', 'bilinear', 'lanczos', 'drizzle')


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    """
    Imperfections of an optical image.

    Parameters
    ----------
    saturation : float, optional
        Full well in units of the noise above the sky; 0 for none.
    bleed : bool, optional
        Whether saturated stars bleed along their columns.
    n_spikes : int, optional
        Number of diffraction spikes of bright stars.
    spike_level : float, optional
        Brightness of spikes relative to a star's wings.
    cosmic_rays : float, optional
        Hits in a million pixels.
    bad_columns : float, optional
        Bad columns in a thousand; some are blank, some are bright or dark.
    hot_pixels : float, optional
        Hot pixels in a million.
    resampling : {'none', 'bilinear', 'lanczos', 'drizzle'}, optional
        Interpolation that has correlated the noise.
    gradient : float, optional
        Change of the sky across the field in units of the noise.
    """

    saturation: float = 0.0
    bleed: bool = True
    n_spikes: int = 0
    spike_level: float = 0.3
    cosmic_rays: float = 0.0
    bad_columns: float = 0.0
    hot_pixels: float = 0.0
    resampling: str = 'none'
    gradient: float = 1.0

    def __post_init__(self):
        for name in ('saturation', 'spike_level', 'cosmic_rays', 'bad_columns', 'hot_pixels',
                     'gradient'):
            check_number(name, getattr(self, name), minimum=0)
        check_number('n_spikes', self.n_spikes, minimum=0, maximum=12, integer=True)
        check_choice('resampling', self.resampling, RESAMPLINGS)


def resampling_kernel(rng, kind):
    """
    Draw the kernel by which an interpolation has correlated the noise.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Chooses the sub-pixel shift.
    kind : str
        One of `RESAMPLINGS`.

    Returns
    -------
    kernel : 2D `~numpy.ndarray` or None
        Sums to 1; `None` for no resampling.
    """
    if kind == 'none':
        return None
    shift = rng.uniform(0.1, 0.9, 2)
    if kind == 'bilinear':
        one = [np.array([1 - s, s, 0.0])[::-1] for s in shift]
    elif kind == 'lanczos':
        offset = np.arange(-3, 4)
        one = [np.sinc(offset - s) * np.sinc((offset - s) / 3) * (np.abs(offset - s) < 3)
               for s in shift]
    else:
        width = rng.uniform(0.4, 0.9)
        offset = np.arange(-2, 3)
        one = [np.exp(-0.5 * (offset / width) ** 2)] * 2
    kernel = np.outer(*one)
    return kernel / kernel.sum()


def add_spikes(image, x, y, peak, fwhm, floor, options, angle):
    """
    Add diffraction spikes to bright stars, in place.

    Parameters
    ----------
    image : 2D array
        Changed in place.
    x, y, peak : 1D arrays
        Centres and peaks of stars.
    fwhm : float
        FWHM of the point-spread function in pixels.
    floor : float
        Spikes are drawn out to where they fall to this value.
    options : DetectorOptions
        Number and brightness.
    angle : float
        Direction of one spike in degrees.
    """
    ny, nx = image.shape
    for x0, y0, height in zip(x, y, peak, strict=True):
        # a spike fades as the square of the distance, far slower than a Moffat wing
        strength = 0.05 * options.spike_level * height
        if strength < 3 * floor:
            continue
        radius = int(min(fwhm * np.sqrt(strength / floor), 0.4 * max(ny, nx)))
        rows = slice(max(0, int(y0) - radius), min(ny, int(y0) + radius + 1))
        columns = slice(max(0, int(x0) - radius), min(nx, int(x0) + radius + 1))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        dy = np.arange(rows.start, rows.stop)[:, None] - y0
        dx = np.arange(columns.start, columns.stop)[None, :] - x0
        distance2 = dx**2 + dy**2
        fade = strength / (1 + distance2 / fwhm**2) * (distance2 < radius**2)
        for k in range(options.n_spikes):
            turn = np.deg2rad(angle + 360 * k / options.n_spikes)
            along = dx * np.cos(turn) + dy * np.sin(turn)
            across = dy * np.cos(turn) - dx * np.sin(turn)
            image[rows, columns] += fade * (along > 0) * np.exp(-0.5 * (across / 0.8) ** 2)


def saturate(image, level, *, bleed):
    """
    Clip an image at the full well and let the charge run along its columns, in place.

    Parameters
    ----------
    image : 2D array
        Changed in place.
    level : float
        The full well.
    bleed : bool
        Whether the excess fills pixels above and below.

    Returns
    -------
    saturated : 2D `~numpy.ndarray` of bool
        Pixels at the full well.
    """
    over = image > level
    if bleed and over.any():
        labels, n = ndimage.label(over)
        for k, (rows, columns) in enumerate(ndimage.find_objects(labels, n), start=1):
            stamp = np.where(labels[rows, columns] == k, image[rows, columns] - level, 0.0)
            for column, excess in enumerate(stamp.sum(axis=0), start=columns.start):
                run = int(min(0.5 * excess / level, 0.3 * image.shape[0]))
                if run > 0:
                    first, last = max(0, rows.start - run), rows.stop + run
                    image[first:last, column] = np.maximum(image[first:last, column],
                                                           1.01 * level)
        over = image > level
    np.minimum(image, level, out=image)
    return over


def add_cosmic_rays(rng, image, n_rays, noise):
    """
    Add straight tracks one pixel wide, in place.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    image : 2D array
        Changed in place.
    n_rays : int
        Number of hits.
    noise : float
        Noise that their charge is measured in.
    """
    ny, nx = image.shape
    for _ in range(n_rays):
        length = 1 + rng.exponential(6)
        turn = rng.uniform(0, 2 * np.pi)
        step = np.arange(0, length, 0.4)
        x = np.rint(rng.uniform(0, nx) + step * np.cos(turn)).astype(int)
        y = np.rint(rng.uniform(0, ny) + step * np.sin(turn)).astype(int)
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
        charge = noise * np.exp(rng.uniform(np.log(5), np.log(500)))
        image[y[inside], x[inside]] += charge * rng.uniform(0.5, 1.0, int(inside.sum()))


def blank_columns(rng, image, n_columns, noise):
    """
    Spoil some columns in place: blank, bright or dark, whole or in part.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    image : 2D array
        Changed in place.
    n_columns : int
        How many.
    noise : float
        Noise that bright and dark columns are measured in.
    """
    ny, nx = image.shape
    for _ in range(n_columns):
        column, first = rng.integers(nx), rng.choice([0, rng.integers(ny)])
        rows = slice(int(first), None)
        if rng.random() < 0.5:
            image[rows, column] = np.nan
        else:
            image[rows, column] += rng.choice([-1, 1]) * noise * rng.uniform(2, 30)
