"""Several stretches of one image as the channels of one array."""

from dataclasses import dataclass

import numpy as np

from .._kernels.stretch import nan_to_zero
from ..utils import InputError
from .scaling import Asinh, Linear, Stretch, make_stretch

__all__ = ['ComposeChannels', 'DETECTION_CHANNELS']


@dataclass(frozen=True)
class ComposeChannels:
    """
    Show one image to a network through several stretches at once.

    A single stretch keeps either the peaks or the faint islands of an image with a high dynamic
    range; as channels both survive.

    Parameters
    ----------
    stretches : tuple of Stretch or str
        One channel each; a name stands for that stretch with its defaults.

    Examples
    --------
    >>> import numpy as np
    >>> ComposeChannels(('linear', 'asinh'))(np.ones((4, 6))).shape
    (2, 4, 6)
    """

    stretches: tuple

    def __post_init__(self):
        stretches = self.stretches
        if isinstance(stretches, (str, Stretch)):
            stretches = (stretches,)
        stretches = tuple(make_stretch(stretch) for stretch in stretches)
        if not stretches:
            raise InputError("'stretches' must hold at least one stretch, got none")
        object.__setattr__(self, 'stretches', stretches)

    @property
    def n_channels(self):
        """Number of channels."""
        return len(self.stretches)

    def __call__(self, data, *, out=None):
        """
        Stretch an image into channels.

        Parameters
        ----------
        data : 2D `~numpy.ndarray`
            Image of shape ``(ny, nx)``.
        out : 3D `~numpy.ndarray` of float32, optional
            Where to write, shape ``(n_channels, ny, nx)``.

        Returns
        -------
        channels : 3D `~numpy.ndarray` of float32
            Shape ``(n_channels, ny, nx)``; pixels that were NaN are 0.
        """
        data = np.asarray(data)
        if out is None:
            out = np.empty((self.n_channels, *data.shape), np.float32)
        for channel, stretch in zip(out, self.stretches, strict=True):
            stretched = stretch(data)
            nan_to_zero(stretched.reshape(-1))
            channel[...] = stretched
        return out


# For significance images: the first keeps islands at the noise apart and saturates at 8 sigma,
# the second still tells S/N 1e4 from 1e5; both stay within about -1..3.
DETECTION_CHANNELS = ComposeChannels((Linear(-4.0, 8.0, 4.0), Asinh(1.0, 4.0)))
