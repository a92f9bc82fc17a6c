"""Stretches: how pixel values become the numbers a network or an eye looks at."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from .._kernels.stretch import asinh_stretch, linear_stretch
from ..utils import InputError, check_choice, check_number

__all__ = [
    'Asinh', 'Linear', 'Log', 'Percentile', 'Power', 'Sqrt', 'Stretch', 'ZScale',
    'STRETCHES', 'make_stretch',
]


class Stretch(ABC):
    """
    A pointwise change of scale; NaN stays NaN and has no influence on other pixels.

    Every stretch is odd around 0, so that noise around a subtracted background stays
    symmetric, and is changed with `dataclasses.replace`.
    """

    @abstractmethod
    def __call__(self, data):
        """
        Stretch an array.

        Parameters
        ----------
        data : `~numpy.ndarray`
            Pixels of any shape and numeric type.

        Returns
        -------
        stretched : `~numpy.ndarray` of float32
            Same shape.
        """

    def inverse(self, stretched):
        """
        Undo the stretch.

        Parameters
        ----------
        stretched : `~numpy.ndarray`
            Stretched pixels.

        Returns
        -------
        data : `~numpy.ndarray` of float64
            Pixels again, up to what clipping took away.

        Raises
        ------
        InputError
            If the limits of the stretch come from the image and cannot be known afterwards.
        """
        msg = f'{type(self).__name__} has no inverse: its limits come from each image'
        raise InputError(msg)


def _prepared(data):
    """Flat contiguous float32 view or copy, and an output for it."""
    with np.errstate(over='ignore', invalid='ignore'):
        flat = np.ascontiguousarray(data, np.float32).ravel()
    return flat, np.empty(flat.shape, np.float32)


@dataclass(frozen=True)
class Linear(Stretch):
    """
    ``clip(data, low, high) / scale``.

    Parameters
    ----------
    low, high : float or None, optional
        Limits in the data's unit; `None` leaves that side open.
    scale : float, optional
        Value that becomes 1, greater than 0.
    """

    low: float | None = None
    high: float | None = None
    scale: float = 1.0

    def __post_init__(self):
        for name in ('low', 'high'):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        check_number('scale', self.scale, above=0)
        if self.low is not None and self.high is not None and self.low >= self.high:
            msg = f"'low' must be smaller than 'high', got {self.low} and {self.high}"
            raise InputError(msg)

    def __call__(self, data):
        """See `Stretch`."""
        flat, out = _prepared(data)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        linear_stretch(flat, low, high, self.scale, out)
        return out.reshape(np.shape(data))

    def inverse(self, stretched):
        """See `Stretch`; clipped pixels come back at the limit."""
        return np.asarray(stretched, np.float64) * self.scale


@dataclass(frozen=True)
class Asinh(Stretch):
    """
    ``arcsinh(data / softening) / scale``: linear for faint pixels, logarithmic for bright ones.

    Parameters
    ----------
    softening : float, optional
        Where the one turns into the other, in the data's unit.
    scale : float, optional
        Divides the result.

    References
    ----------
    .. [1] Lupton, Gunn & Szalay 1999, AJ 118, 1406.
    """

    softening: float = 1.0
    scale: float = 1.0

    def __post_init__(self):
        check_number('softening', self.softening, above=0)
        check_number('scale', self.scale, above=0)

    def __call__(self, data):
        """See `Stretch`."""
        flat, out = _prepared(data)
        asinh_stretch(flat, self.softening, self.scale, out)
        return out.reshape(np.shape(data))

    def inverse(self, stretched):
        """See `Stretch`."""
        return self.softening * np.sinh(np.asarray(stretched, np.float64) * self.scale)


@dataclass(frozen=True)
class Log(Stretch):
    """
    ``sign(data) * log10(1 + abs(data) / softening) / scale``.

    Parameters
    ----------
    softening : float, optional
        Below this, in the data's unit, the stretch is nearly linear.
    scale : float, optional
        Divides the result; the number of decades that should fill 0..1.
    """

    softening: float = 1.0
    scale: float = 1.0

    def __post_init__(self):
        check_number('softening', self.softening, above=0)
        check_number('scale', self.scale, above=0)

    def __call__(self, data):
        """See `Stretch`."""
        data = np.asarray(data, np.float64)
        out = np.sign(data) * np.log1p(np.abs(data) / self.softening)
        return (out / (np.log(10) * self.scale)).astype(np.float32)

    def inverse(self, stretched):
        """See `Stretch`."""
        stretched = np.asarray(stretched, np.float64)
        size = np.expm1(np.abs(stretched) * np.log(10) * self.scale)
        return np.sign(stretched) * self.softening * size


@dataclass(frozen=True)
class Power(Stretch):
    """
    ``sign(data) * abs(data / scale) ** exponent``.

    Parameters
    ----------
    exponent : float, optional
        Below 1 raises faint pixels, above 1 lowers them.
    scale : float, optional
        Value that becomes 1.
    """

    exponent: float = 0.5
    scale: float = 1.0

    def __post_init__(self):
        check_number('exponent', self.exponent, above=0)
        check_number('scale', self.scale, above=0)

    def __call__(self, data):
        """See `Stretch`."""
        data = np.asarray(data, np.float64) / self.scale
        with np.errstate(over='ignore'):
            return (np.sign(data) * np.abs(data) ** self.exponent).astype(np.float32)

    def inverse(self, stretched):
        """See `Stretch`."""
        stretched = np.asarray(stretched, np.float64)
        return np.sign(stretched) * np.abs(stretched) ** (1 / self.exponent) * self.scale


@dataclass(frozen=True)
class Sqrt(Stretch):
    """
    ``sign(data) * sqrt(abs(data) / scale)``.

    Parameters
    ----------
    scale : float, optional
        Value that becomes 1.
    """

    scale: float = 1.0

    def __post_init__(self):
        check_number('scale', self.scale, above=0)

    def __call__(self, data):
        """See `Stretch`."""
        return Power(0.5, self.scale)(data)

    def inverse(self, stretched):
        """See `Stretch`."""
        return Power(0.5, self.scale).inverse(stretched)


class _BetweenLimits(Stretch):
    """Stretch of 0..1 between limits taken from the image itself."""

    def limits(self, data):
        """
        Find the limits of one image.

        Parameters
        ----------
        data : `~numpy.ndarray`
            Pixels; those that are not finite are left out.

        Returns
        -------
        low, high : float
            Values that become 0 and 1; both 0 when no pixel is finite.
        """
        raise NotImplementedError

    def __call__(self, data):
        """See `Stretch`; values outside the limits become 0 and 1, a constant image 0."""
        data = np.asarray(data, np.float64)
        low, high = self.limits(data)
        width = high - low if high > low else 1.0
        with np.errstate(over='ignore', invalid='ignore'):
            return np.clip((data - low) / width, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Percentile(_BetweenLimits):
    """
    Linear between two percentiles of the image's finite pixels.

    Parameters
    ----------
    lower, upper : float, optional
        Percentiles in 0..100 that become 0 and 1.
    """

    lower: float = 0.5
    upper: float = 99.5

    def __post_init__(self):
        check_number('lower', self.lower, minimum=0, maximum=100)
        check_number('upper', self.upper, minimum=0, maximum=100)
        if self.lower >= self.upper:
            msg = f"'lower' must be smaller than 'upper', got {self.lower} and {self.upper}"
            raise InputError(msg)

    def limits(self, data):
        """See `Stretch`."""
        finite = data[np.isfinite(data)]
        if finite.size == 0:
            return 0.0, 0.0
        return tuple(float(value) for value in np.percentile(finite, [self.lower, self.upper]))


@dataclass(frozen=True)
class ZScale(_BetweenLimits):
    """
    Linear between the limits that IRAF's zscale finds, through `astropy.visualization`.

    Parameters
    ----------
    contrast : float, optional
        Smaller values keep more of the range, in 0..1.
    n_samples : int, optional
        Pixels looked at.
    """

    contrast: float = 0.25
    n_samples: int = 1000

    def __post_init__(self):
        check_number('contrast', self.contrast, above=0, maximum=1)
        check_number('n_samples', self.n_samples, minimum=10, integer=True)

    def limits(self, data):
        """See `Stretch`."""
        from astropy.visualization import ZScaleInterval  # pulls in much that others never need

        finite = data[np.isfinite(data)]
        if finite.size == 0:
            return 0.0, 0.0
        interval = ZScaleInterval(contrast=self.contrast, n_samples=self.n_samples)
        return tuple(float(value) for value in interval.get_limits(finite))


STRETCHES = {
    'linear': Linear, 'asinh': Asinh, 'log': Log, 'sqrt': Sqrt, 'power': Power,
    'percentile': Percentile, 'zscale': ZScale,
}


def make_stretch(name, **options):
    """
    Build a stretch from its name.

    Parameters
    ----------
    name : str or Stretch
        A key of ``STRETCHES``; a stretch is returned as it is.
    **options
        Fields of that stretch, such as ``softening=3``.

    Returns
    -------
    stretch : Stretch
        The stretch.

    Raises
    ------
    InputError
        If the name or an option is unknown.

    Examples
    --------
    >>> make_stretch('asinh', softening=3.0)
    Asinh(softening=3.0, scale=1.0)
    """
    if isinstance(name, Stretch):
        return name
    kind = STRETCHES[check_choice('stretch', name, STRETCHES)]
    known = [field.name for field in fields(kind)]
    for option in options:
        check_choice(f'option of stretch {name!r}', option, known)
    return kind(**options)
