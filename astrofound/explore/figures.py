"""What all figures share: colours, saving, a thumbnail of any image."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.stats import mad_std

from astrofound.utils import InputError, atomic_path, check_place

__all__ = [
    'FIGURE_COLORS', 'Thumbnail', 'add_sky_axes', 'check_figure_path', 'display_top',
    'display_unit', 'drawing', 'make_thumbnail', 'name_ticks', 'new_figure', 'reduce_blocks',
    'save_figure',
]

#: Colour of each class, from Okabe & Ito's set that colour-blind readers can tell apart.
FIGURE_COLORS = {'point': '#0072B2', 'extended': '#D55E00', 'multi': '#009E73'}
OTHER_COLOR = '#CC79A7'
# The whole set and a mark each, so that classes are told apart without colour as well.
PALETTE = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#D55E00', '#56B4E9', '#F0E442', '#000000')
MARKERS = 'osD^vP*X'
GREY = '#777777'
BLANK_COLOR = '#dfe8f1'
# Pixels are shown on an asinh scale from BOTTOM to `display_top`, in units of the noise.
SOFTENING, BOTTOM = 2.0, -3.0
FIGURE_TYPES = ('png', 'pdf', 'svg', 'jpg', 'jpeg', 'webp', 'tif', 'tiff', 'eps')


def new_figure(size):
    """
    Return a figure that belongs to no window.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        It works without a display and is freed with its last reference.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout='constrained')


@contextmanager
def drawing(path, figure, size):
    """
    Give a figure to draw on, and write it when the drawing is done.

    Parameters
    ----------
    path : path-like or None
        File to write, checked before anything is drawn.
    figure : `~matplotlib.figure.Figure` or None
        Where to draw; `None` makes a new one without a window.
    size : tuple of float
        Width and height of the new one in inches.

    Yields
    ------
    figure : `~matplotlib.figure.Figure`
        Where to draw.

    Raises
    ------
    InputError
        If the extension of ``path`` is not that of a figure.
    WriteError
        If the file cannot be written.
    """
    if path is not None:
        check_figure_path(path)
    figure = figure if figure is not None else new_figure(size)
    yield figure
    if path is not None:
        save_figure(figure, path)


def add_sky_axes(figure, wcs, position=(1, 1, 1)):
    """
    Add axes to a figure, labelled on the sky where there is a WCS.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Where to add them.
    wcs : `~astropy.wcs.WCS` or None
        Celestial; without one the axes count pixels.
    position : tuple of int, optional
        Rows, columns and number, as ``figure.add_subplot`` takes them.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        `~astropy.visualization.wcsaxes.WCSAxes` where there is a WCS.
    """
    if wcs is None:
        ax = figure.add_subplot(*position)
        ax.set(xlabel='x (pixels)', ylabel='y (pixels)')
        return ax
    ax = figure.add_subplot(*position, projection=wcs)
    frame = wcs.world_axis_physical_types[0] or ''
    names = ('Galactic longitude', 'Galactic latitude') if 'galactic' in frame else (
        'Right ascension', 'Declination')
    for coordinate, name in zip(ax.coords, names, strict=True):
        coordinate.set_axislabel(name)
        coordinate.display_minor_ticks(True)
        coordinate.set_ticklabel(exclude_overlapping=True)
        if position[1] > 1:  # labels of a narrow panel would touch each other
            coordinate.set_ticks(number=3)
            coordinate.set_ticklabel(size='small')
    return ax


def name_ticks(ax, names):
    """
    Write names along the x axis of a figure, aslant where they are long.

    Parameters
    ----------
    ax : `~matplotlib.axes.Axes`
        Where to write.
    names : sequence of str
        Those of the places 0, 1, 2 and so on.
    """
    long = max(map(len, names)) > 5
    ax.set_xticks(range(len(names)), names, rotation=30 if long else 0,
                  ha='right' if long else 'center', fontsize='small')


def save_figure(figure, path, *, dpi=150):
    """
    Write a figure to a file, wholly or not at all.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        What to write.
    path : path-like
        The extension decides about the format.
    dpi : float, optional
        Pixels an inch.

    Raises
    ------
    InputError
        If the extension is not that of a figure.
    WriteError
        If the file cannot be written.
    """
    kind = check_figure_path(path)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi)


def check_figure_path(path):
    """
    Check that a figure can be written, and return the format that its extension asks for.

    Parameters
    ----------
    path : path-like
        Where a figure shall go.

    Returns
    -------
    kind : str
        Lower-case extension without the dot.

    Raises
    ------
    InputError
        If it is not that of a figure.
    WriteError
        If nothing can be written there.
    """
    kind = Path(path).suffix.lower().lstrip('.')
    if kind not in FIGURE_TYPES:
        msg = f'cannot draw into {path}: the name must end in one of .{", .".join(FIGURE_TYPES)}'
        raise InputError(msg)
    check_place(path)
    return kind


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """
    An image reduced for display, with its robust level and noise.

    Parameters
    ----------
    data : 2D `~numpy.ndarray`
        Reduced pixels, NaN where blank.
    factor : int
        Original pixels along the side of a reduced one.
    level, noise : float
        Median and robust standard deviation of the original pixels.
    """

    data: np.ndarray
    factor: int
    level: float
    noise: float

    @property
    def extent(self):
        """Left, right, bottom and top edge in positions of the original image."""
        ny, nx = self.data.shape
        return (-0.5, nx * self.factor - 0.5, -0.5, ny * self.factor - 0.5)


def make_thumbnail(image, *, max_side=1600, peak_sigma=4.0):
    """
    Reduce an image strip by strip, so that a mosaic larger than memory can be drawn.

    A reduced pixel is the mean of its block, or the block's maximum where that stands out of
    the noise: faint compact sources survive, the noise does not grow.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image; only one strip of it is read at a time.
    max_side : int, optional
        Largest side of the result in pixels.
    peak_sigma : float, optional
        Height above the level in units of the noise that makes a peak.

    Returns
    -------
    thumbnail : `Thumbnail`
        The reduced image. Blank pixels are left out of blocks, wholly blank blocks are NaN.
    """
    ny, nx = image.shape
    factor = max(1, -(-max(ny, nx) // max_side))
    # about 32 MB a strip, a whole number of blocks high
    height = max(1, 8_000_000 // (nx * factor)) * factor
    means, peaks, sample = [], [], []
    for start in range(0, ny, height):
        strip = image.read_window((slice(start, min(start + height, ny)), slice(0, nx)))
        sample.append(strip[factor // 2::factor, factor // 2::factor].ravel())
        mean, peak = reduce_blocks(strip, factor)
        means.append(mean)
        peaks.append(peak)
    level, noise = _level_noise(np.concatenate(sample))
    mean, peak = np.concatenate(means), np.concatenate(peaks)
    data = np.where(peak > level + peak_sigma * noise, peak, mean)
    return Thumbnail(data, factor, level, noise)


def reduce_blocks(strip, factor):
    """
    Reduce pixels by whole blocks, the last of them filled up with blank pixels.

    Parameters
    ----------
    strip : 2D `~numpy.ndarray`
        Pixels, NaN where blank.
    factor : int
        Side of a block.

    Returns
    -------
    mean, peak : 2D `~numpy.ndarray`
        Mean and maximum of the valid pixels of each block, NaN in blank blocks.
    """
    if factor == 1:
        return strip, strip
    ny, nx = strip.shape
    pad = ((0, -ny % factor), (0, -nx % factor))
    blocks = np.pad(strip, pad, constant_values=np.nan)
    blocks = blocks.reshape(blocks.shape[0] // factor, factor, -1, factor)
    valid = np.isfinite(blocks)
    number = valid.sum(axis=(1, 3))
    total = np.where(valid, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    peak = np.where(valid, blocks, -np.inf).max(axis=(1, 3))
    return mean.astype(np.float32), np.where(number > 0, peak, np.nan)


def _level_noise(sample):
    """Median and noise of the valid pixels; 0 and 1 where there is no telling."""
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return 0.0, 1.0
    level, noise = float(np.median(sample)), float(mad_std(sample))
    if noise <= 0:      # more than half of the pixels are equal
        noise = float(np.std(sample)) or 1.0
    return level, noise


def display_top(thumbnail):
    """
    Choose the brightest value that is told apart when an image is shown.

    Parameters
    ----------
    thumbnail : `Thumbnail`
        The image.

    Returns
    -------
    top : float
        Height above the level, far enough up to tell bright from faint, not so far that 5 times
        the noise fades to white.
    """
    finite = thumbnail.data[np.isfinite(thumbnail.data)]
    top = np.percentile(finite, 99.9) - thumbnail.level if len(finite) else 0
    return min(max(top, 15 * thumbnail.noise), 300 * thumbnail.noise)


def display_unit(unit, scale):
    """
    Choose the prefix that makes typical values readable numbers.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase` or None
        Unit of the pixels.
    scale : float
        A typical value, in that unit.

    Returns
    -------
    factor : float
        What the values are multiplied with.
    label : str
        Name of the new unit, empty where there is none.
    """
    if unit is None or unit == u.dimensionless_unscaled:
        return 1.0, ''
    for prefix in (u.Jy, u.mJy, u.uJy):
        for target in (prefix / u.beam, prefix):
            if unit.is_equivalent(target) and scale * unit.to(target) >= 0.1:
                return unit.to(target), target.to_string('unicode', fraction='inline')
    return 1.0, unit.to_string('unicode', fraction='inline')
