"""The ellipse of the source in the middle of a cutout, and coordinates that follow it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

__all__ = ['EllipseFrame', 'fit_frame', 'as_bands']

_BORDER = 16       # the sky is a frame as wide as a side over this
_SMOOTHING = 0.01  # sigma of the smoothing, as a share of the side
_START = 0.08      # sigma of the first window, as a share of the side
_ROAM = 0.15       # how far from the middle the centre may be, as a share of the side
_LARGEST = 0.3     # largest sigma, as a share of the side
_N_ITER = 40
_THINNEST = 0.3    # axis ratio below which a disc is not made round: it is seen from its edge


@dataclass(frozen=True, eq=False)
class EllipseFrame:
    """
    A source, and the ellipse that its light follows.

    Attributes
    ----------
    bands : 3D `~numpy.ndarray`
        Shape ``(n_bands, ny, nx)``, the sky taken off; blank pixels are 0.
    noise : float
        Standard deviation of the sky in the mean of the bands.
    smooth : 2D `~numpy.ndarray`
        Mean of the bands, smoothed by a hundredth of its side.
    centre : 1D `~numpy.ndarray`
        ``(y, x)`` in pixels.
    covariance : 2D `~numpy.ndarray`
        Of the light along y and x, in square pixels: that of a Gaussian source.
    """

    bands: np.ndarray
    noise: float
    smooth: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray

    @cached_property
    def light(self):
        """Mean of the bands."""
        return self.bands.mean(axis=0)

    @cached_property
    def axes(self):
        """Sigmas along minor and major axis in pixels, and their directions as columns."""
        squares, directions = np.linalg.eigh(self.covariance)
        return np.sqrt(squares), directions

    @cached_property
    def offsets(self):
        """Distance of each pixel from the centre along y and x; shape ``(2, ny, nx)``."""
        return np.indices(self.light.shape) - self.centre[:, None, None]

    @cached_property
    def radius(self):
        """Elliptical radius of each pixel in units of sigma."""
        return np.sqrt(_form(self.offsets, np.linalg.inv(self.covariance)))

    @cached_property
    def peak(self):
        """Brightest of the smoothed pixels near the centre, never 0."""
        y, x = np.rint(self.centre).astype(int)
        return max(float(self.smooth[max(0, y - 2):y + 3, max(0, x - 2):x + 3].max()), 1e-9)

    def at(self, radius, angle):
        """
        Return where points of the face-on source are in the image.

        The ellipse becomes a circle by a stretch along its minor axis, which turns nothing and
        mirrors nothing.

        Parameters
        ----------
        radius : `~numpy.ndarray`
            In units of the major sigma.
        angle : `~numpy.ndarray`
            From x towards y in radians.

        Returns
        -------
        position : `~numpy.ndarray`
            ``(y, x)`` in pixels along the first axis.
        """
        (minor, major), directions = self.axes
        sigmas = max(minor, _THINNEST * major), major
        stretch = directions * sigmas @ directions.T
        unit = np.stack([radius * np.sin(angle), radius * np.cos(angle)])
        return np.tensordot(stretch, unit, 1) + self.centre.reshape(2, *[1] * (unit.ndim - 1))


def as_bands(images):
    """
    Put an axis for bands where an image has none.

    Parameters
    ----------
    images : 2D or 3D array
        Shape ``(ny, nx)`` or ``(n_bands, ny, nx)``.

    Returns
    -------
    bands : 3D `~numpy.ndarray` of float64
        Shape ``(n_bands, ny, nx)``.
    """
    return np.array(images, float).reshape(-1, *np.shape(images)[-2:])


def fit_frame(bands):
    """
    Fit an ellipse to the light in the middle of an image.

    The window of the moments is a Gaussian that follows what they measure [1]_.

    Parameters
    ----------
    bands : 3D `~numpy.ndarray`
        Shape ``(n_bands, ny, nx)``; NaN is blank sky.

    Returns
    -------
    frame : EllipseFrame
        The source and its ellipse.

    References
    ----------
    .. [1] Bernstein & Jarvis 2002, AJ 123, 583, section 3.1.
    """
    width = max(2, max(bands.shape[1:]) // _BORDER)
    border = np.ones(bands.shape[1:], bool)
    border[width:-width, width:-width] = False
    sky = np.where(np.isfinite(bands), bands, np.nan)[:, border]
    known = np.isfinite(sky).any(axis=1)
    level = np.zeros(len(bands))
    level[known] = np.nanmedian(sky[known], axis=1)
    bands = np.nan_to_num(bands - level[:, None, None], nan=0.0, posinf=0.0, neginf=0.0)
    light = bands.mean(axis=0)
    top = max(float(light.max()), 1e-9)
    # A sky that was clipped to nothing has no noise left; divisions want some.
    noise = max(1.4826 * float(np.median(np.abs(light[border]))), 1e-3 * top)
    smooth = ndimage.gaussian_filter(light, _SMOOTHING * max(light.shape))
    return EllipseFrame(bands, noise, smooth, *_moments(np.clip(smooth, 0, None)))


def _moments(light):
    side = max(light.shape)
    pixels = np.indices(light.shape)
    middle = (np.array(light.shape) - 1) / 2
    centre, covariance = middle, np.eye(2) * (_START * side)**2
    for _ in range(_N_ITER):
        offsets = pixels - centre[:, None, None]
        weight = light * np.exp(-0.5 * _form(offsets, np.linalg.inv(covariance)))
        total = weight.sum()
        if not total > 0:
            break
        shift = (weight * offsets).sum(axis=(1, 2)) / total
        seen = np.einsum('yx,iyx,jyx->ij', weight, offsets, offsets) / total
        # A Gaussian of sigma s seen through its own window has s^2/2; a pixel is no point.
        new = 2 * seen + 0.2 * np.eye(2)
        new *= min(1.0, (_LARGEST * side)**2 / np.linalg.eigvalsh(new)[1])
        settled = np.abs(new - covariance).max() < 1e-3 * np.trace(new)
        covariance = new
        centre = middle + np.clip(centre + shift - middle, -_ROAM * side, _ROAM * side)
        if settled and np.abs(shift).max() < 0.01:
            break
    return centre, covariance


def _form(offsets, matrix):
    y, x = offsets
    return matrix[0, 0] * y**2 + 2 * matrix[0, 1] * y * x + matrix[1, 1] * x**2
