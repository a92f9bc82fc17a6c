"""Interferometer coverage of the uv plane, and the dirty beam that belongs to it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft

from ...utils import check_choice, check_number

__all__ = ['ARRAYS', 'UVCoverage', 'UVOptions']

ARRAYS = ('wye', 'core', 'east-west', 'spiral')
# gains and tracks need no more than this many points; more cost time and change nothing
_MAX_VISIBILITIES = 40_000


@dataclass(frozen=True, kw_only=True)
class UVOptions:
    """
    An observation with an interferometer.

    Parameters
    ----------
    array : {'wye', 'core', 'east-west', 'spiral'}, optional
        Antenna layout: the VLA's three arms, a dense core with outliers like MeerKAT's,
        a line like Westerbork's, or a logarithmic spiral.
    n_antennas : int, optional
        Number of antennas.
    hours : float, optional
        Length of the observation; 0.05 is a snapshot.
    declination : float, optional
        Degrees; foreshortens the tracks.
    robust : float, optional
        Briggs weighting, from -2 (uniform) to 2 (natural).
    bandwidth : float, optional
        Fractional bandwidth, which smears the tracks radially.
    """

    array: str = 'wye'
    n_antennas: int = 27
    hours: float = 1.0
    declination: float = 40.0
    robust: float = 0.0
    bandwidth: float = 0.1

    def __post_init__(self):
        check_choice('array', self.array, ARRAYS)
        check_number('n_antennas', self.n_antennas, minimum=4, maximum=128, integer=True)
        check_number('hours', self.hours, above=0, maximum=12)
        check_number('declination', self.declination, minimum=-90, maximum=90)
        check_number('robust', self.robust, minimum=-3, maximum=3)
        check_number('bandwidth', self.bandwidth, minimum=0, maximum=1)

    def antennas(self, rng):
        """
        Place the antennas.

        Parameters
        ----------
        rng : `numpy.random.Generator`
            Source of randomness for pads and core.

        Returns
        -------
        positions : 2D `~numpy.ndarray`
            East and north of each antenna, ``(n_antennas, 2)``, in arbitrary units.
        """
        n = self.n_antennas
        if self.array == 'wye':
            arm = np.deg2rad(np.array([355.0, 115.0, 236.0]))[np.arange(n) % 3]
            radius = (1.0 + np.arange(n) // 3) ** 1.716  # the VLA's power law
            where = np.stack([radius * np.sin(arm), radius * np.cos(arm)], axis=1)
        elif self.array == 'core':
            radius = np.where(rng.random(n) < 0.7, rng.rayleigh(0.25, n),
                              np.exp(rng.uniform(-1.0, 1.0, n)))
            angle = rng.uniform(0, 2 * np.pi, n)
            where = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        elif self.array == 'east-west':
            spots = np.sort(rng.choice(3 * n, n, replace=False)).astype(float)
            where = np.stack([spots, np.zeros(n)], axis=1)
        else:
            turn = np.arange(n) * 2.4
            radius = np.exp(2.5 * np.arange(n) / n)
            where = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        # antennas never stand exactly on the ideal pads
        return where + rng.normal(0, 0.003 * np.abs(where).max(), where.shape)

    def tracks(self, rng):
        """
        Follow every baseline through the observation.

        Parameters
        ----------
        rng : `numpy.random.Generator`
            Source of randomness.

        Returns
        -------
        uv : 2D `~numpy.ndarray`
            Points ``(n_visibilities, 2)`` in arbitrary units.
        pair : 2D `~numpy.ndarray` of int
            The two antennas of each point.
        """
        where = self.antennas(rng)
        first, second = np.triu_indices(len(where), 1)
        east, north = (where[second] - where[first]).T
        n_channels = 1 if self.bandwidth < 0.01 else 6
        n_times = max(1, round(self.hours * 8))
        n_times = int(np.clip(_MAX_VISIBILITIES // (first.size * n_channels), 1, n_times))
        latitude = np.deg2rad(rng.uniform(25, 45))
        middle = rng.uniform(-2, 2)
        angle = np.deg2rad(15 * (middle + np.linspace(-0.5, 0.5, n_times) * self.hours))
        dec = np.deg2rad(self.declination)
        channel = 1 + self.bandwidth * np.linspace(-0.5, 0.5, n_channels)
        sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
        bx, bz = -np.sin(latitude) * north, np.cos(latitude) * north
        u = (sin * bx + cos * east) * channel[:, None]
        v = (-np.sin(dec) * (cos * bx - sin * east) + np.cos(dec) * bz) * channel[:, None]
        repeat = n_times * n_channels
        pair = np.tile(np.stack([first, second], axis=1), (repeat, 1))
        return np.stack([u.ravel(), v.ravel()], axis=1), pair


class UVCoverage:
    """
    The gridded coverage whose dirty beam has a given main lobe.

    The tracks are stretched linearly, as a change of declination and array size would,
    until the dirty beam falls to one half on the ellipse of the clean beam.

    Parameters
    ----------
    options : UVOptions
        The observation.
    shape : tuple of int
        Shape ``(ny, nx)`` of the transform, in pixels.
    beam : tuple of float
        Clean beam: FWHM major and minor in pixels, angle in degrees from +x.
    rng : `numpy.random.Generator`
        Source of randomness.

    Attributes
    ----------
    transfer : 2D `~numpy.ndarray`
        Transform of the dirty beam on the half plane of `scipy.fft.rfft2`; the beam's
        peak is 1.
    noise_power : 2D `~numpy.ndarray`
        Power spectrum of the noise, on the same grid, for unit variance.
    """

    def __init__(self, options, shape, beam, rng):
        self.options = options
        self.shape = shape
        raw, self._pair = options.tracks(rng)
        major, minor, theta = beam
        angle = np.deg2rad(theta)
        axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        half = 0.5 * np.array([major, minor])[:, None] * axes  # to the half-power ellipse
        turn = np.deg2rad(np.arange(0, 180, 22.5))
        points = np.cos(turn)[:, None] * half[0] + np.sin(turn)[:, None] * half[1]
        spread = raw.T @ raw / len(raw)
        # second moments give the start: a Gaussian of FWHM F has <u^2> = 2 ln2 / (pi F)^2
        wanted = (half.T @ half * 4) * np.pi**2 / (2 * np.log(2))
        uv = raw @ _symmetric_power(spread, -0.5) @ _symmetric_power(wanted, -0.5)
        for _ in range(3):
            cells = self._grid(uv)
            uv = uv @ _half_power_correction(cells, points)
        self._uv = uv
        cells = self._grid(uv)
        _, _, weight, power = cells
        self.transfer = self._to_half_plane(cells, weight)
        self.noise_power = self._to_half_plane(cells, power)

    def _cell_index(self, uv):
        """Integer frequencies of each point, and whether the grid holds them."""
        ny, nx = self.shape
        column = np.rint(uv[:, 0] * nx).astype(np.int64)
        row = np.rint(uv[:, 1] * ny).astype(np.int64)
        inside = (np.abs(column) < nx // 2) & (np.abs(row) < ny // 2)
        return row, column, inside

    def _grid(self, uv):
        """Return frequencies, imaging weight and noise power of every cell with data."""
        ny, nx = self.shape
        row, column, inside = self._cell_index(np.concatenate([uv, -uv]))
        code = (row[inside] + ny) * 4 * nx + column[inside] + nx
        if code.size == 0:
            code = np.array([ny * 4 * nx + nx])
        code, count = np.unique(code, return_counts=True)
        count = count.astype(float)
        u, v = (code % (4 * nx) - nx) / nx, (code // (4 * nx) - ny) / ny
        scale = (5 * 10.0 ** -self.options.robust) ** 2 / (np.sum(count**2) / np.sum(count))
        weight = count / (1 + count * scale)  # Briggs 1995
        power = weight**2 / count
        return u, v, weight / weight.sum(), power / power.sum()

    def _to_half_plane(self, cells, values):
        ny, nx = self.shape
        u, v = cells[0], cells[1]
        row, column = np.rint(v * ny).astype(int) % ny, np.rint(u * nx).astype(int)
        plane = np.zeros((ny, nx // 2 + 1))
        keep = column >= 0
        plane[row[keep], column[keep]] = values[keep]
        return plane * (ny * nx)

    @cached_property
    def dirty_beam(self):
        """The dirty beam, peak 1, centred on pixel ``[0, 0]``."""
        return fft.irfft2(self.transfer, self.shape)

    def gain_error_transfer(self, error):
        """
        Transform of the response to gain errors, one complex number an antenna.

        Parameters
        ----------
        error : 1D `~numpy.ndarray` of complex
            Fractional gain error of each antenna.

        Returns
        -------
        transfer : 2D `~numpy.ndarray` of complex
            What a unit point source leaves behind, on the half plane.
        """
        factor = (1 + error[self._pair[:, 0]]) * np.conj(1 + error[self._pair[:, 1]]) - 1
        return self._visibility_transfer(factor)

    def bad_baseline_transfer(self, rng):
        """
        Transform of the response to one baseline with a wrong amplitude: stripes.

        Parameters
        ----------
        rng : `numpy.random.Generator`
            Chooses the baseline.

        Returns
        -------
        transfer : 2D `~numpy.ndarray` of complex
            On the half plane.
        """
        chosen = self._pair[rng.integers(len(self._pair))]
        factor = np.all(self._pair == chosen, axis=1) * np.exp(2j * np.pi * rng.random())
        return self._visibility_transfer(factor)

    def _visibility_transfer(self, factor):
        """Grid a factor of each visibility with the weights of the dirty beam."""
        ny, nx = self.shape
        row, column, inside = self._cell_index(np.concatenate([self._uv, -self._uv]))
        factor = np.concatenate([factor, np.conj(factor)])
        keep = inside & (column >= 0)
        code = (row[keep] % ny) * (nx // 2 + 1) + column[keep]
        size = ny * (nx // 2 + 1)
        count = np.bincount(code, minlength=size)
        total = (np.bincount(code, factor[keep].real, size)
                 + 1j * np.bincount(code, factor[keep].imag, size))
        return (total / np.maximum(count, 1)).reshape(ny, -1) * self.transfer


def _symmetric_power(matrix, power):
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 1e-9 * values.max())  # a snapshot of a line has rank one
    return (vectors * values**power) @ vectors.T


def _half_power_correction(cells, points):
    """Linear map of uv that brings the dirty beam to one half at each of the points."""
    u, v, weight, _ = cells
    value = np.cos(2 * np.pi * (points[:, :1] * u + points[:, 1:] * v)) @ weight
    squeeze = -np.log2(np.clip(value, 0.05, 0.95))  # a Gaussian falls as 2**-(r / half)**2
    x, y = points.T
    design = np.stack([x * x, 2 * x * y, y * y], axis=1)
    current = np.linalg.lstsq(design, squeeze, rcond=None)[0]
    target = np.linalg.lstsq(design, np.ones(len(points)), rcond=None)[0]
    now = np.array([[current[0], current[1]], [current[1], current[2]]])
    goal = np.array([[target[0], target[1]], [target[1], target[2]]])
    if np.linalg.eigvalsh(now).min() <= 0:
        return np.sqrt(np.sum(squeeze > 0) / max(squeeze.sum(), 1e-3)) * np.eye(2)
    return _symmetric_power(now, -0.5) @ _symmetric_power(goal, 0.5)
