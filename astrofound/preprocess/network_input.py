"""An image as a detector on a foundation model sees it: scale and channels in one record."""

from dataclasses import dataclass

import numpy as np

from ..utils import InputError, check_choice, check_number
from .beamspace import BeamSpace, open_beam_space
from .noise import FixedNoise
from .resizing import BeamResampler
from .unit_range import UnitRange

__all__ = ['NETWORK_SCALINGS', 'NetworkInput', 'NetworkView']

#: Scalings that a detector can be trained with; all but one start from the significance.
NETWORK_SCALINGS = ('channels', 'asinh', 'linear', 'log', 'significance', 'contrast')

_CONTRAST = (2, 98)  # percentiles of the whole image, as in the paper
_N_ROWS = 256        # rows that they are taken from


@dataclass(frozen=True, kw_only=True)
class NetworkInput:
    """
    How pixels become what a network sees.

    Parameters
    ----------
    scaling : str, optional
        A key of ``SCALINGS`` that starts from the significance, or ``'contrast'``: between the
        2nd and the 98th percentile of the whole image, as in the paper.
    beam_pix : float, optional
        FWHM of the beam in network pixels; by default images keep their pixels, times ``zoom``.
    zoom : float, optional
        Network pixels an image pixel, where there is no ``beam_pix``.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> from astrofound.preprocess import noise_map
    >>> image = make_field(shape=(128, 128)).image
    >>> NetworkInput(beam_pix=8.0).open(image, noise_map(image)).n_channels
    3
    """

    scaling: str = 'channels'
    beam_pix: float | None = None
    zoom: float = 1.0

    def __post_init__(self):
        check_choice('scaling', self.scaling, NETWORK_SCALINGS)
        if self.beam_pix is not None:
            check_number('beam_pix', self.beam_pix, above=0)
        check_number('zoom', self.zoom, above=0)

    def open(self, image, noise):
        """
        Look at an image.

        Parameters
        ----------
        image : `~astrofound.image.SurveyImage`
            The image; its beam is needed where ``beam_pix`` is given.
        noise : `NoiseMap`
            Its background and rms.

        Returns
        -------
        view : NetworkView
            Ready to be read window by window.

        Raises
        ------
        InputError
            If the beam is needed and not known.
        """
        fwhm_pix, target = 1.0, self.zoom
        if self.beam_pix is not None:
            if image.beam is None:
                raise InputError(f'{image.name} has no beam, which sets the scale at which the '
                                 "network looks; pass beam='5.4arcsec' or the like")
            fwhm_pix, target = image.beam.fwhm, self.beam_pix
        space = open_beam_space(image, noise, fwhm_pix=fwhm_pix, target_fwhm_pix=target)
        if self.scaling != 'contrast':
            return NetworkView(space, space, UnitRange(self.scaling))
        low, high = contrast_limits(image)
        limits = FixedNoise(low, rms=high - low, shape=image.shape)
        return NetworkView(space, BeamSpace(image, limits, space.resampler), None)


@dataclass(frozen=True)
class NetworkView:
    """
    One image through a `NetworkInput`.

    Attributes
    ----------
    space : BeamSpace
        Significance in the network frame.
    pixels : BeamSpace
        What is scaled: the same, or the image between its percentiles.
    scaling : UnitRange or None
        Turns it into channels; `None` for the contrast, which is only cut at 0 and 1.
    """

    space: BeamSpace
    pixels: BeamSpace
    scaling: UnitRange | None

    @property
    def shape(self):
        """Shape ``(ny, nx)`` of the network frame."""
        return self.space.shape

    @property
    def resampler(self) -> BeamResampler:
        """Geometry between image and network frame."""
        return self.space.resampler

    @property
    def n_channels(self):
        """Number of channels."""
        return 3 if self.scaling is not None and self.scaling.scaling == 'channels' else 1

    def read_window(self, window):
        """
        Read a window of the network frame.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` in network pixels.

        Returns
        -------
        raw, significance : 2D `~numpy.ndarray` of float32
            What `to_channels` takes, and the significance; NaN where blank.
        """
        significance = self.space.read_window(window)
        if self.pixels is self.space:
            return significance, significance
        return self.pixels.read_window(window), significance

    def to_channels(self, raw):
        """
        Turn what was read into channels.

        Parameters
        ----------
        raw : 2D `~numpy.ndarray`
            From `read_window`.

        Returns
        -------
        channels : 3D `~numpy.ndarray` of float32
            Shape ``(n_channels, ny, nx)``; NaN where blank.
        """
        return to_channels(raw, self.scaling)


def to_channels(raw, scaling):
    """
    Turn significance, or an image between its percentiles, into channels.

    Parameters
    ----------
    raw : 2D `~numpy.ndarray`
        As read; NaN where blank.
    scaling : UnitRange or None
        `None` cuts at 0 and 1.

    Returns
    -------
    channels : 3D `~numpy.ndarray` of float32
        Shape ``(n_channels, ny, nx)``.
    """
    if scaling is None:
        return np.clip(raw, 0, 1)[None].astype(np.float32)
    return scaling(raw, is_significance=True)


def contrast_limits(image):
    """
    Give the percentiles of a whole image that the paper stretches between.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image; of a large one evenly spread rows are looked at.

    Returns
    -------
    low, high : float
        2nd and 98th percentile; an image without contrast gets a unit of it.

    Raises
    ------
    InputError
        If there are no pixels.
    """
    ny, nx = image.shape
    rows = np.unique(np.linspace(0, ny - 1, min(ny, _N_ROWS)).astype(int))
    values = np.concatenate([image.read_window((slice(row, row + 1), slice(0, nx))).ravel()
                             for row in rows])
    values = values[np.isfinite(values)]
    if not values.size:
        raise InputError(f'{image.name} is blank')
    low, high = (float(value) for value in np.percentile(values, _CONTRAST))
    return low, high if high > low else low + 1.0
