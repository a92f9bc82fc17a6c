"""Colour pictures of galaxies as in GalaxyMNIST, with labels that they show."""

import numpy as np
from scipy.ndimage import gaussian_filter

from ..._kernels.render import add_sersics

__all__ = ['draw_galaxy', 'measured_axis_ratio']

_SIDE = 64  # pixels of GalaxyMNIST's small version
_PAD = 8
_FWHM = 2.6  # of the seeing, in pixels
_SIGMA = _FWHM / 2.3548
# red, green, blue of old and young stars in g, r, z pictures of the Legacy Surveys
_OLD, _YOUNG = np.array([1.15, 1.0, 0.72]), np.array([0.8, 0.95, 1.25])


def draw_galaxy(rng, wanted):
    """
    Draw a galaxy until it shows the wanted class.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.
    wanted : {'smooth_round', 'smooth_cigar', 'edge_on_disk', 'unbarred_spiral'}
        The class.

    Returns
    -------
    picture : 3D `~numpy.ndarray` of uint8
        Shape ``(64, 64, 3)``, the first row at the bottom.
    box : (4,) `~numpy.ndarray`
        Edges of what is above the noise.
    """
    while True:
        noise = np.exp(rng.uniform(np.log(0.002), np.log(0.012)))  # of the galaxy's peak
        old, young = _PARTS[wanted](rng)
        old, young = (gaussian_filter(part, _SIGMA) for part in (old, young))
        total = old + young
        old, young = old / total.max(), young / total.max()
        if _shows(wanted, old + young, young, noise):
            break
    colours = old[..., None] * _OLD + young[..., None] * _YOUNG
    colours *= np.exp(rng.normal(0, 0.12) * np.array([1, 0, -1]))  # ages, metals and dust
    colours += _neighbours(rng)
    # noise of pixels that were made larger: correlated over the seeing by half
    white = rng.normal(size=(*old.shape, 3))
    smooth = gaussian_filter(white, (0.6, 0.6, 0))
    colours += noise * smooth / smooth.std()
    rows, columns = np.nonzero((old + young)[_PAD:-_PAD, _PAD:-_PAD] > 3 * noise)
    box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
    return _to_picture(colours[_PAD:-_PAD, _PAD:-_PAD], noise), box


def measured_axis_ratio(image, floor):
    """
    Measure the axis ratio of what is above a floor, from its second moments.

    Parameters
    ----------
    image : 2D array
        A galaxy without noise.
    floor : float
        Pixels below it do not count.

    Returns
    -------
    ratio : float
        Minor over major axis.
    """
    y, x = np.nonzero(image > floor)
    moments = np.cov(np.stack([x, y]))
    low, high = np.linalg.eigvalsh(moments)
    return float(np.sqrt(max(low, 0) / high))


def _shows(wanted, image, young, noise):
    """Whether a class can be seen in the picture that was drawn for it."""
    ratio = measured_axis_ratio(image, 3 * noise)
    if wanted == 'smooth_round':
        return ratio > 0.8
    if wanted == 'smooth_cigar':
        return 0.3 < ratio < 0.6
    if wanted == 'edge_on_disk':
        return ratio < 0.4
    # arms count where they stand out of the disk as a whole, at three times the noise
    arms = young - gaussian_filter(young, 4 * _SIGMA)
    return ratio > 0.5 and (arms > 3 * noise).mean() > 0.03


def _smooth_round(rng):
    old = _sersic(rng, r_e=rng.uniform(5, 11), index=rng.uniform(2, 5), ratio=rng.uniform(0.82, 1))
    return old, np.zeros_like(old)


def _smooth_cigar(rng):
    old = _sersic(rng, r_e=rng.uniform(7, 13), index=rng.uniform(1.2, 3.5),
                  ratio=rng.uniform(0.25, 0.5))
    return old, np.zeros_like(old)


def _edge_on_disk(rng):
    theta = rng.uniform(0, 180)
    disk = _sersic(rng, r_e=rng.uniform(10, 16), index=rng.uniform(0.5, 1.0),
                   ratio=rng.uniform(0.07, 0.18), theta=theta)
    bulge = _sersic(rng, r_e=rng.uniform(1.5, 3.5), index=rng.uniform(1, 2.5),
                    ratio=rng.uniform(0.5, 0.9), theta=theta)
    share = rng.uniform(0.05, 0.35)
    young = rng.uniform(0, 0.6)
    return (1 - young) * disk + share * bulge, young * disk


def _unbarred_spiral(rng):
    ratio, theta = rng.uniform(0.55, 1), rng.uniform(0, np.pi)
    scale = rng.uniform(7, 11)
    side = _SIDE + 2 * _PAD
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    along = x * np.cos(theta) + y * np.sin(theta)
    across = (y * np.cos(theta) - x * np.sin(theta)) / ratio
    radius, angle = np.hypot(along, across) + 1e-6, np.arctan2(across, along)
    n_arms = int(rng.choice([2, 2, 2, 3, 4]))
    pitch = np.deg2rad(rng.uniform(12, 32)) * rng.choice([-1, 1])
    phase = n_arms * (angle - np.log(radius / scale) / np.tan(pitch)) + rng.uniform(0, 2 * np.pi)
    sharp = rng.uniform(1.5, 4)
    arms = np.exp(sharp * (np.cos(phase) - 1))
    disk = np.exp(-radius / scale)
    grown = 1 - np.exp(-((radius / (0.35 * scale)) ** 2))  # arms start outside the bulge
    knots = 1 + rng.uniform(0, 0.8) * gaussian_filter(rng.normal(size=disk.shape), 1.2) / 0.24
    young = disk * arms * grown * np.clip(knots, 0.1, None)
    bulge = _sersic(rng, r_e=rng.uniform(1.5, 3), index=rng.uniform(1, 3), ratio=1.0)
    old = rng.uniform(0.3, 0.8) * disk + rng.uniform(10, 40) * bulge
    return old, rng.uniform(0.6, 1.4) * young


_PARTS = {'smooth_round': _smooth_round, 'smooth_cigar': _smooth_cigar,
          'edge_on_disk': _edge_on_disk, 'unbarred_spiral': _unbarred_spiral}


def _sersic(rng, *, r_e, index, ratio, theta=None):
    """Draw a galaxy of unit flux in the middle."""
    image = np.zeros((_SIDE + 2 * _PAD,) * 2)
    theta = rng.uniform(0, 180) if theta is None else theta
    middle = np.full(1, (image.shape[0] - 1) / 2)
    add_sersics(image, middle, middle, np.ones(1), np.full(1, r_e), np.full(1, index),
                np.full(1, ratio), np.full(1, theta), 5.0, 2, _FWHM, 3.5)
    return image


def _neighbours(rng):
    """Draw stars and small galaxies around, as light in three colours."""
    image = np.zeros((_SIDE + 2 * _PAD, _SIDE + 2 * _PAD, 3))
    y, x = np.mgrid[:image.shape[0], :image.shape[1]]
    for _ in range(rng.poisson(1.2)):
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(18, 40)
        centre = (image.shape[0] - 1) / 2 + far * np.array([np.cos(turn), np.sin(turn)])
        sigma = _SIGMA * rng.choice([1, rng.uniform(1, 2)])
        peak = np.exp(rng.uniform(np.log(0.02), np.log(0.8)))
        profile = np.exp(-((x - centre[0])**2 + (y - centre[1])**2) / (2 * sigma**2))
        blend = rng.random()
        image += peak * profile[..., None] * (blend * _OLD + (1 - blend) * _YOUNG)
    return image


def _to_picture(colours, noise):
    """Stretch to bytes as Lupton et al. (2004) do: arcsinh of the intensity, colours kept."""
    mean = np.clip(colours.mean(axis=2, keepdims=True), 1e-9, None)
    soft = 6 * noise
    bright = np.arcsinh(mean / soft) / np.arcsinh(1 / soft)
    picture = colours / mean * np.where(colours.mean(axis=2, keepdims=True) > 0, bright, 0)
    return np.round(255 * np.clip(picture * 0.85 + 0.03, 0, 1)).astype(np.uint8)
