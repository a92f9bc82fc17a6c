"""Cutouts of radio galaxies as in Radio Galaxy Zoo and MiraBest, with labels that they show."""

from dataclasses import dataclass

import numpy as np

from ..._kernels.render import add_gaussians
from .ellipses import convolve_beam
from .morphologies import Morphology, bent_source, double_source
from .noise import NoiseOptions, field_noise
from .radio_sources import Population
from .structure import count_structure, fr_ratio, island_box

__all__ = ['CutoutStyle', 'MIRABEST', 'RGZ', 'add_noise', 'draw_mirabest', 'draw_rgz', 'to_bytes']

LEVEL = 4.0  # Radio Galaxy Zoo's lowest contour, in units of the noise


@dataclass(frozen=True)
class CutoutStyle:
    """
    What the cutouts of a data set have in common.

    Parameters
    ----------
    shape : tuple of int
        Shape ``(ny, nx)``.
    fwhm : float
        FWHM of the beam in pixels.
    pixel_scale : float
        Side of a pixel in arcsec.
    clip : float
        Pixels below this many times the noise become 0; 0 for none.
    """

    shape: tuple
    fwhm: float
    pixel_scale: float
    clip: float = 0.0


# FIRST has a beam of 5.4"; RGZ shows 3' on 132 pixels (Wu et al. 2019), MiraBest 1.8" a pixel.
RGZ = CutoutStyle((132, 132), 5.4 / 1.364, 1.364)
MIRABEST = CutoutStyle((150, 150), 3.0, 1.8, clip=3.0)

# Which kinds of source, how long in beams and how bright, are likely to look like a class.
_RECIPES = {
    '1C-1P': (('single', 'single', 'bent', 'double'), (1.5, 7.0)),
    '1C-2P': (('double', 'bent'), (3.5, 11.0)),
    '1C-3P': (('triple', 'triple', 'bent'), (4.0, 11.0)),
    '2C-2P': (('double',), (7.0, 24.0)),
    '2C-3P': (('triple', 'double'), (8.0, 22.0)),
    '3C-3P': (('triple', 'double'), (10.0, 28.0)),
}


def draw_rgz(rng, wanted, style=RGZ, *, room=None, n_tries=5000):
    """
    Draw a source until it shows the wanted numbers of components and peaks.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    wanted : str
        A class of Radio Galaxy Zoo such as ``'2C-3P'``.
    style : CutoutStyle, optional
        Size and beam.
    room : 2D array of bool, optional
        Where pixels above the lowest contour may be; the source is then put anywhere in it.
        By default it is about in the middle.
    n_tries : int, optional
        How many to draw at most.

    Returns
    -------
    found : tuple or None
        The image without noise, in units of it, and the edges ``(4,)`` of its lowest contour;
        `None` where no source drawn looked like it.
    """
    kinds, (shortest, longest) = _RECIPES[wanted]
    counts = int(wanted[0]), int(wanted[3])
    longest = min(longest, 0.85 * min(style.shape) / style.fwhm)
    for _ in range(n_tries):
        kind = kinds[int(rng.integers(len(kinds)))]
        length = style.fwhm * np.exp(rng.uniform(np.log(shortest), np.log(longest)))
        snr = np.exp(rng.uniform(np.log(10), np.log(400)))
        host = _about_middle(rng, style, 0.04 if room is None else 0.85)
        model = render_source(rng, kind, style, host, length, snr)
        box = island_box(model, LEVEL)
        if _reaches_edge(box, style.shape) or (room is not None and not room[model > LEVEL].all()):
            continue
        # what comes out of the noise only just could be counted either way
        if count_structure(model, LEVEL) == counts and (
                count_structure(model, 1.2 * LEVEL)[0] == counts[0]):
            return model, box
    return None


def draw_mirabest(rng, wanted, style=MIRABEST):
    """
    Draw a radio galaxy until it is clearly of the wanted class of Fanaroff & Riley.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    wanted : {'FRI', 'FRII'}
        The class.
    style : CutoutStyle, optional
        Size and beam.

    Returns
    -------
    found : tuple or None
        As from `draw_rgz`.
    """
    kinds = ('bent', 'bent', 'double') if wanted == 'FRI' else ('double',)
    host = ((style.shape[1] - 1) / 2, (style.shape[0] - 1) / 2)
    for _ in range(2000):
        kind = kinds[int(rng.integers(len(kinds)))]
        length = style.fwhm * np.exp(rng.uniform(np.log(6), np.log(40)))
        snr = np.exp(rng.uniform(np.log(12), np.log(400)))
        model = render_source(rng, kind, style, host, length, snr)
        box = island_box(model, LEVEL)
        if _reaches_edge(box, style.shape):
            continue
        ratio = fr_ratio(model, LEVEL, host, style.fwhm)
        extent = np.hypot(box[2] - box[0], box[3] - box[1])
        clear = ratio < 0.45 if wanted == 'FRI' else ratio > 0.55
        if clear and extent > 5 * style.fwhm:
            return model, box
    return None


def render_source(rng, kind, style, position, length, snr):
    """
    Draw one source of a kind, as seen with the beam.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    kind : {'single', 'double', 'triple', 'bent'}
        Shape.
    style : CutoutStyle
        Size and beam.
    position : tuple of float
        Where the host is, ``(x, y)``.
    length : float
        Length in pixels.
    snr : float
        Peak in units of the noise.

    Returns
    -------
    model : 2D `~numpy.ndarray`
        In units of the noise.
    """
    sources = Population()
    sources.add(kind, _SHAPES[kind](rng), position, 1.0, rng.uniform(0, 360), length)
    arrays = sources.arrays()
    beam = (style.fwhm, style.fwhm, 0.0)
    major, minor, theta = convolve_beam(arrays['major'], arrays['minor'], arrays['theta'], beam)
    peak = arrays['flux'] * style.fwhm**2 / (major * minor)
    model = np.zeros(style.shape)
    add_gaussians(model, arrays['x'], arrays['y'], peak, major, minor, theta,
                  0.01 * peak.max() / snr)
    return model * (snr / max(model.max(), 1e-30))


def add_noise(rng, model, style):
    """
    Add noise of unit variance with the correlation of the beam, and stripes of a short exposure.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    model : 2D array
        Image in units of the noise.
    style : CutoutStyle
        Beam.

    Returns
    -------
    image : 2D `~numpy.ndarray` of float32
        In units of the noise.
    """
    options = NoiseOptions(kind='beam', n_hot_cells=int(rng.integers(0, 4)))
    beam = (style.fwhm, style.fwhm, 0.0)
    noise = field_noise(rng, style.shape, style.shape, beam, options)
    return (model + noise / noise.std()).astype(np.float32)


def to_bytes(image, clip=0.0):
    """
    Make an 8-bit picture: linear from 0 or the lowest pixel to the highest.

    Parameters
    ----------
    image : 2D array
        In units of the noise.
    clip : float, optional
        Pixels below it become black.

    Returns
    -------
    picture : 2D `~numpy.ndarray` of uint8
        What is far below the peak is lost, as in the real sets.
    """
    image = np.where(image < clip, 0, image) if clip else image - image.min()
    return np.round(image * (255 / max(image.max(), 1e-30))).astype(np.uint8)


def _single(rng):
    """Draw a point or a Gaussian: a source of no structure, its length shared by chance."""
    shape = Morphology()
    size = rng.choice([0.0, rng.uniform(0.3, 1), rng.uniform(0.3, 1)])
    shape.component('core', 0.0, 0.0, 1.0, size, size * rng.uniform(0.3, 1), 0.0)
    return shape.done()


def _triple(rng):
    """Draw two compact lobes and a core of like brightness."""
    shape = Morphology()
    arm = rng.uniform(0.35, 0.65)
    bend = rng.normal(0, 0.08)
    share = np.exp(rng.normal(0, 0.5, 3))
    width = rng.uniform(0.02, 0.25, 2)
    for x, y, flux, wide in ((-arm, 0.0, share[0], width[0]), (1 - arm, bend, share[1], width[1])):
        shape.component('lobe', x, y, flux, wide * rng.uniform(1, 1.8), wide, rng.uniform(0, 180))
    shape.component('core', 0.0, 0.0, share[2] * rng.uniform(0.3, 1), 0.0)
    return shape.done()


_SHAPES = {'single': _single, 'double': double_source, 'triple': _triple, 'bent': bent_source}


def _about_middle(rng, style, spread):
    ny, nx = style.shape
    return ((nx - 1) / 2 + spread * nx * rng.uniform(-0.5, 0.5),
            (ny - 1) / 2 + spread * ny * rng.uniform(-0.5, 0.5))


def _reaches_edge(box, shape):
    return box is None or box[0] < 2 or box[1] < 2 or box[2] > shape[1] - 2 or (
        box[3] > shape[0] - 2)
