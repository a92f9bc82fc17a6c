"""Bring several bands with different WCS onto one grid."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from astrofound.utils import InputError

from .convert import as_survey_image
from .geometry import finite_position, pixel_area
from .survey_image import SurveyImage
from .units import is_per_area

__all__ = ['BandStack', 'stack_bands']


@dataclass(frozen=True)
class BandStack:
    """
    Several bands on one pixel grid.

    Parameters
    ----------
    images : tuple of SurveyImage
        One image a band, all of the same shape and WCS, each with its own unit and beam.
    """

    images: tuple

    def __len__(self):
        return len(self.images)

    def __iter__(self):
        return iter(self.images)

    def __getitem__(self, band):
        """Give a band by its number or name."""
        if isinstance(band, str):
            if band not in self.names:
                raise InputError(f"no band {band!r} in the stack; it has {', '.join(self.names)}")
            band = self.names.index(band)
        return self.images[band]

    @property
    def names(self):
        """Names of the bands."""
        return tuple(image.name for image in self.images)

    @property
    def shape(self):
        """Shape ``(n_bands, ny, nx)``."""
        return (len(self.images), *self.images[0].shape)

    @property
    def wcs(self):
        """WCS of all bands, or `None`."""
        return self.images[0].wcs

    @property
    def data(self):
        """All bands as one float32 array ``(n_bands, ny, nx)``, NaN where blank."""
        return np.stack([image.data for image in self.images])

    def read_window(self, window):
        """
        Read a part of all bands.

        Parameters
        ----------
        window : (slice, slice)
            Slices along y and x.

        Returns
        -------
        data : 3D `~numpy.ndarray` of float32
            Shape ``(n_bands, ny, nx)``, NaN where blank.
        """
        return np.stack([image.read_window(window) for image in self.images])


def stack_bands(images, reference=0):
    """
    Resample bands to the pixels of one of them.

    A band with smaller pixels is averaged (Gaussian anti-aliasing), any other interpolated.
    Values are scaled by the change of pixel area where a pixel counts photons or flux, and
    kept where it is a brightness, so that integrated fluxes stay the same.

    Parameters
    ----------
    images : sequence
        Two bands or more in any form of `~astrofound.image.as_survey_image`.
    reference : int or str, optional
        Number or name of the band whose pixels all take.

    Returns
    -------
    stack : BandStack
        The bands in the order given; the reference is untouched, and so is every band that
        has its grid already.

    Raises
    ------
    InputError
        If a band has no WCS or another shape without one, or lies elsewhere on the sky.
    """
    bands = [as_survey_image(image) for image in images]
    if not bands:
        raise InputError('a stack needs at least one band')
    names = [band.name for band in bands]
    if isinstance(reference, str) and reference in names:
        reference = names.index(reference)
    if not isinstance(reference, (int, np.integer)) or not -len(bands) <= reference < len(bands):
        raise InputError(f"'reference' must be the number of a band, 0 to {len(bands) - 1}, or one "
                         f"of {', '.join(names)}; got {reference!r}")
    target = bands[reference]
    return BandStack(tuple(_align(band, target) for band in bands))


def _align(band, target):
    if band is target or _same_grid(band, target):
        return band
    if band.wcs is None or target.wcs is None:
        without = band if band.wcs is None else target
        raise InputError(f'{without.name} has no celestial WCS and cannot be brought onto one grid '
                         'with the other bands')
    data = _reproject(band, target)
    if not np.isfinite(data).any():
        raise InputError(f'{band.name} and {target.name} do not overlap on the sky')
    if not is_per_area(band.unit):
        data *= _area_ratio(band, target)
    aligned = SurveyImage(data.astype(np.float32), wcs=target.wcs, unit=band.unit, name=band.name)
    aligned.header = band.header
    if band.beam is not None:
        aligned.beam = type(band.beam).from_sky(band.sky_beam, target.wcs,
                                                position=finite_position(target.wcs, target.shape))
        aligned.beam_origin = band.beam_origin
    return aligned


def _same_grid(band, target):
    if band.shape != target.shape:
        return False
    if band.wcs is None or target.wcs is None:
        return band.wcs is None and target.wcs is None
    ny, nx = band.shape
    x, y = np.meshgrid(np.linspace(0, nx - 1, 5), np.linspace(0, ny - 1, 5))
    try:
        there = target.wcs.world_to_pixel(band.wcs.pixel_to_world(x, y))
    except ValueError:  # different frames without a way between them
        return False
    on_sky = np.isfinite(there[0])
    return bool(on_sky.any() and np.allclose(there[0][on_sky], x[on_sky], atol=1e-3)
                and np.allclose(there[1][on_sky], y[on_sky], atol=1e-3))


def _reproject(band, target):
    from reproject import reproject_adaptive, reproject_interp

    x, y = finite_position(target.wcs, target.shape)
    target_pixel = np.sqrt(pixel_area(target.wcs, x, y))
    band_pixel = band.pixel_scale.to_value(u.deg / u.pix)
    source = (band.data.astype(np.float64), band.wcs)
    if target_pixel > 1.2 * band_pixel:
        data, _ = reproject_adaptive(source, target.wcs, shape_out=target.shape,
                                     kernel='gaussian', boundary_mode='ignore',
                                     boundary_ignore_threshold=0.5, bad_value_mode='ignore')
    else:
        data, _ = reproject_interp(source, target.wcs, shape_out=target.shape, order='bilinear')
    return data


def _area_ratio(band, target):
    """Ratio of the target's pixel area to the band's where both images see the target's centre."""
    x, y = finite_position(target.wcs, target.shape)
    there = band.wcs.world_to_pixel(target.wcs.pixel_to_world(x, y))
    area = pixel_area(band.wcs, *there)
    if not np.isfinite(area):
        area = pixel_area(band.wcs, *finite_position(band.wcs, band.shape))
    return pixel_area(target.wcs, x, y) / area
