"""Shapes of extended radio sources as sums of Gaussians."""

import numpy as np

__all__ = ['Morphology', 'bent_source', 'diffuse_source', 'double_source']


class Morphology:
    """
    Gaussians around an origin, grouped into components, fluxes summing to 1.

    After `done` the arrays ``part``, ``x``, ``y``, ``flux``, ``major``, ``minor`` and
    ``theta`` hold one value a Gaussian, and ``roles`` one name a component.
    """

    def __init__(self):
        self.roles, self._rows = [], []

    def component(self, role, x, y, flux, major, minor=None, theta=0.0):
        """
        Add a component of one or several Gaussians.

        Parameters
        ----------
        role : str
            What it is, such as ``'lobe'``.
        x, y, flux, major, minor, theta : float or 1D array
            Centre, flux, FWHM (``minor`` by default equal to ``major``) and angle in degrees.
        """
        minor = major if minor is None else minor
        rows = np.stack(np.broadcast_arrays(len(self.roles), x, y, flux, major, minor, theta))
        self._rows.append(rows.reshape(7, -1))
        self.roles.append(role)

    def done(self):
        """
        Join the components and normalise their flux.

        Returns
        -------
        shape : Morphology
            Itself.
        """
        rows = np.concatenate(self._rows, axis=1)
        self.part = rows[0].astype(int)
        self.x, self.y, self.flux, self.major, self.minor, self.theta = rows[1:]
        self.flux = self.flux / self.flux.sum()
        return self


def _lobe(rng, shape, role, end, flux, length):
    """Hotspot at ``end`` with a plume that trails back towards the core."""
    x, y = end
    reach = np.hypot(x, y)
    angle = np.rad2deg(np.arctan2(y, x))
    n = int(rng.integers(3, 8))
    back = np.sort(rng.uniform(0.0, rng.uniform(0.3, 0.95), n))
    side = rng.normal(0, 0.05, n) * length
    along_x, along_y = x / reach, y / reach
    px = x * (1 - back) - along_y * side
    py = y * (1 - back) + along_x * side
    width = length * rng.uniform(0.08, 0.25) * (1 + rng.uniform(0, 1.5) * back)
    weight = np.exp(-back * rng.uniform(0.5, 4.0)) * rng.uniform(0.5, 1.5, n)
    hotspot = rng.beta(1.5, 1.5)
    major = width * rng.uniform(1.0, 1.8, n)
    spot = length * rng.uniform(0.0, 0.08)
    shape.component(role,
                    np.append(px, x), np.append(py, y),
                    flux * np.append((1 - hotspot) * weight / weight.sum(), hotspot),
                    np.append(major, spot), np.append(width, spot), angle)


def double_source(rng):
    """
    Draw a straight double: two lobes, perhaps a core and a jet; total length 1.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    shape : Morphology
        Lobes at about -0.5 and 0.5 on the x axis.
    """
    shape = Morphology()
    arm = rng.uniform(0.35, 0.5)
    bend = np.deg2rad(rng.normal(0, 8))
    split = 1 / (1 + np.exp(rng.normal(0, 0.5)))
    core = rng.choice([0.0, np.exp(rng.uniform(np.log(0.005), np.log(0.4)))], p=[0.4, 0.6])
    ends = [((1 - arm) * np.cos(bend), (1 - arm) * np.sin(bend)),
            (-arm * np.cos(bend), arm * np.sin(bend))]
    for end, part in zip(ends, (split, 1 - split), strict=True):
        _lobe(rng, shape, 'lobe', end, (1 - core) * part, 1.0)
    if core > 0:
        shape.component('core', 0.0, 0.0, core, 0.0)
    if rng.random() < 0.3:
        n = int(rng.integers(3, 8))
        step = np.linspace(0.1, 0.8, n)
        end = ends[int(rng.integers(2))]
        shape.component('jet', step * end[0], step * end[1],
                        rng.uniform(0.01, 0.15) / n * rng.uniform(0.3, 1.7, n),
                        0.5 / n, 0.03, np.rad2deg(np.arctan2(end[1], end[0])))
    return shape.done()


def bent_source(rng):
    """
    Draw plumes that fade from a core: straight, wide-angle, narrow-angle or one-sided.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    shape : Morphology
        Length of each plume about 0.5.
    """
    shape = Morphology()
    one_sided = rng.random() < 0.2
    opening = rng.choice([rng.normal(90, 8), rng.uniform(40, 85), rng.uniform(8, 40)],
                         p=[0.35, 0.4, 0.25])
    curl = rng.uniform(0, 80) * (opening < 80)
    fade, n = rng.uniform(0.5, 4.0), int(rng.integers(8, 15))
    bright = rng.uniform(0.0, 0.4)  # where along the plume it is brightest
    step = (np.arange(n) + 0.5) / n
    core = np.exp(rng.uniform(np.log(0.01), np.log(0.5)))
    clumpy = rng.choice([0.2, 0.5, 1.0], p=[0.4, 0.35, 0.25])
    for sign in ((1,) if one_sided else (1, -1)):
        length = 0.5 * rng.uniform(0.7, 1.3)
        local = np.deg2rad(sign * (opening - curl * step) + rng.normal(0, 6, n).cumsum() / n)
        x = np.concatenate([[0], np.cumsum(np.cos(local))])[:-1] * length / n
        y = np.concatenate([[0], np.cumsum(np.sin(local))])[:-1] * length / n
        width = 0.02 + rng.uniform(0.05, 0.22) * step ** rng.uniform(0.5, 1.2)
        weight = np.exp(-fade * np.abs(step - bright) + rng.normal(0, clumpy, n))
        weight *= rng.uniform(0.5, 1.0) * (1 - core) / weight.sum()
        x, y = x + 0.04 * np.cos(local), y + 0.04 * np.sin(local)
        shape.component('tail' if opening < 80 else 'plume', x, y, weight,
                        np.maximum(width, 1.2 * length / n), width, np.rad2deg(local))
    shape.component('core', 0.0, 0.0, core, 0.0)
    return shape.done()


def diffuse_source(rng):
    """
    Draw diffuse emission: a patchy halo, an arc or a shell; size about 1.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    shape : Morphology
        One component.
    """
    shape = Morphology()
    form = rng.choice(['halo', 'arc', 'shell'], p=[0.6, 0.25, 0.15])
    n = int(rng.integers(12, 40))
    if form == 'halo':
        squash = rng.uniform(0.3, 1.0)
        x, y = rng.normal(0, 0.22, n), squash * rng.normal(0, 0.22, n)
        size = rng.uniform(0.15, 0.45, n) * squash**0.5
    else:
        span = rng.uniform(60, 180) if form == 'arc' else 360.0
        turn = np.deg2rad(rng.uniform(0, span, n))
        radius = 0.5 if form == 'shell' else rng.uniform(0.5, 1.2)
        x = radius * np.cos(turn) + rng.normal(0, 0.03, n)
        y = radius * np.sin(turn) + rng.normal(0, 0.03, n)
        size = rng.uniform(0.08, 0.25, n)
    weight = rng.uniform(0.3, 1.0, n) * size**2
    shape.component('diffuse', x - np.average(x, weights=weight),
                    y - np.average(y, weights=weight), weight, size * rng.uniform(1, 1.6, n),
                    size, rng.uniform(0, 180, n))
    return shape.done()
