"""The image every other part of the package works on."""

import sys
import warnings
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits

from astrofound.utils import (
    BeamWarning,
    HeaderWarning,
    InputError,
    NoBeamError,
    NoWCSWarning,
    ReadError,
)

from .beam import as_pixel_beam
from .cutout import cutout_window
from .export import make_header
from .files import read_file
from .fits_reader import parse_header, raw_from_hdus
from .frequency import header_frequency
from .geometry import SMALLEST_FWHM_PIX, finite_position, pixel_area
from .header import clean_header
from .masks import BothMasks, as_mask_pixels
from .pixels import BlankZeroPixels, WindowPixels, array_pixels, has_zero_border
from .planes import image_index, parse_plane
from .psf import measure_beam
from .units import as_unit, flux_scale, is_per_beam
from .wcs_input import as_celestial_wcs

__all__ = ['SurveyImage']


_PACKAGE = __name__.partition('.')[0] + '.'


class SurveyImage:
    """
    A survey image: pixels read window by window, with mask, unit, WCS and beam.

    Parameters
    ----------
    data : array-like
        Pixels ``[y, x]`` or ``[..., y, x]`` with axes of length one; anything that can be
        sliced into arrays, also a dask array. NaN and infinite pixels are blank.
    wcs : `~astropy.wcs.WCS`, optional
        Its celestial part is used; by default that of ``header``.
    unit : `~astropy.units.Unit` or str, optional
        Unit of a pixel; by default that of ``data`` or BUNIT of ``header``.
    mask : array-like, path-like or HDU, optional
        Non-zero marks pixels to ignore.
    beam : optional
        Beam or PSF in any form of `~astrofound.image.parse_beam`; by default that of
        ``header``.
    header : `~astropy.io.fits.Header` or dict, optional
        Read for what is not given here.
    name : str, optional
        For messages and the catalogue.
    plane : int, sequence of int or str, optional
        Plane of a cube.

    Raises
    ------
    InputError
        If the image has no pixel to work on or an argument does not fit it.

    Notes
    -----
    Everything repaired in a header is said in one `~astrofound.utils.HeaderWarning` and kept
    in ``notes``.
    """

    def __init__(self, data, *, wcs=None, unit=None, mask=None, beam=None, header=None,
                 name='image', plane=None):
        if isinstance(data, np.ma.MaskedArray):
            mask = _join_masks(mask, np.ma.getmaskarray(data))
            data = data.data
        if isinstance(data, u.Quantity):
            unit, data = unit or data.unit, data.value
        array = _check_array(data, name)
        header, notes = clean_header(header if isinstance(header, fits.Header) else
                                     fits.Header(header or {}))
        index, plane_notes = image_index(array.shape, parse_plane(plane), header=header, name=name)
        pixels = array_pixels(array, index)
        raw = parse_header(header, pixels, wcs='header' if wcs is None else wcs,
                           unit=as_unit(unit), index=index, name=name)
        raw.notes = notes + plane_notes + raw.notes
        self._start(raw, name=name, mask=mask, beam=beam)

    def _start(self, raw, *, name, mask, beam):
        self._pixels = raw.pixels
        if has_zero_border(raw.pixels):
            self._pixels = BlankZeroPixels(raw.pixels)
            raw.notes.append('zeros are taken as blank, since the border holds nothing else')
        self.header = raw.header
        self.wcs = raw.wcs
        self.unit = raw.unit
        self.name = name
        self.path = raw.path
        self.hdu_index = raw.hdu_index
        self.plane = raw.plane
        self._mask = as_mask_pixels(mask, self.shape, name)
        self.beam = self.beam_origin = None
        if beam is not None:
            self.beam, self.beam_origin = as_pixel_beam(beam, self.wcs, self.shape), 'caller'
            self._check_beam()
        elif raw.beam is not None:
            self._take_header_beam(raw)
        self.notes = tuple(raw.notes)
        if self.notes:
            warnings.warn(HeaderWarning(f"{name}: {'; '.join(self.notes)}"),
                          stacklevel=_caller_level())
        self._check_pixels()

    def _take_header_beam(self, raw):
        try:
            self.beam = as_pixel_beam(raw.beam, self.wcs, self.shape)
            self.beam_origin = raw.beam_origin
        except InputError:
            raw.notes.append('the beam of the header cannot be used without a WCS')

    @classmethod
    def read(cls, path, *, hdu=None, plane=None, beam=None, mask=None, unit=None, wcs='header'):
        """
        Open an image file; pixels are read when a window is asked for.

        A plain FITS file is mapped, a tile-compressed one (.fz) unpacked tile by tile; one
        packed as a whole (.gz) has no windows and is unpacked into memory.

        Parameters
        ----------
        path : path-like
            FITS (also .gz, .fz, cubes and several extensions), PNG, JPEG or TIFF.
        hdu : int or str, optional
            Index or EXTNAME; by default the first image.
        plane : int, sequence of int or str, optional
            Plane of a cube, or band ``'R'``, ``'G'``, ``'B'`` of a picture.
        beam, mask, unit : optional
            As in `SurveyImage`; they win over the header.
        wcs : `~astropy.wcs.WCS`, 'header' or None, optional
            `None` ignores the header's WCS, so that a broken one does not matter.

        Returns
        -------
        image : SurveyImage
            The image.

        Raises
        ------
        ReadError
            If the file is missing, damaged or no image.
        InputError
            If it holds no such image or none that can be used.
        """
        raw = read_file(path, hdu=hdu, plane=plane, wcs=wcs, unit=as_unit(unit))
        return cls._from_raw(raw, name=raw.path.name, mask=mask, beam=beam)

    @classmethod
    def _from_hdus(cls, hdus, *, hdu, plane, wcs, unit, name, **keywords):
        raw = raw_from_hdus(hdus, hdu=hdu, plane=plane, wcs=wcs, unit=as_unit(unit), name=name)
        return cls._from_raw(raw, name=name, **keywords)

    @classmethod
    def _from_raw(cls, raw, **keywords):
        image = cls.__new__(cls)
        image._start(raw, **keywords)
        return image

    def __repr__(self):
        parts = [repr(self.name), f'shape={self.shape}']
        if self.unit is not None:
            parts.append(f'unit={self.unit.to_string()!r}')
        parts.append(f"wcs={self.wcs.wcs.ctype[0] if self.wcs is not None else None}")
        parts.append(f'beam={self.beam} ({self.beam_origin})' if self.beam else 'beam=None')
        return f"SurveyImage({', '.join(parts)})"

    # pixels

    @property
    def shape(self):
        """Shape ``(ny, nx)``."""
        return self._pixels.shape

    def read_window(self, window):
        """
        Read a part of the image.

        Parameters
        ----------
        window : (slice, slice)
            Slices along y and x within the image.

        Returns
        -------
        data : 2D `~numpy.ndarray` of float32
            A new C-contiguous array; masked and blank pixels are NaN.

        Raises
        ------
        ReadError
            If the file has changed or vanished since it was opened.
        """
        window = tuple(slice(*part.indices(n)[:2])
                       for part, n in zip(window, self.shape, strict=True))
        try:
            data = self._pixels.read(window)
        except (OSError, ValueError, EOFError) as error:
            raise ReadError(f'cannot read pixels of {self.name}: {error}') from error
        if self._mask is not None:
            data[self._mask.read(window) != 0] = np.nan  # also where the mask is NaN
        return data

    @property
    def data(self):
        """The whole image as float32; read again at each access of a file."""
        return self.read_window((slice(0, self.shape[0]), slice(0, self.shape[1])))

    def identity(self):
        """
        Say what tells this image from any other, so that work on it can be taken up again.

        Returns
        -------
        identity : dict or None
            State of its files or hash of its arrays, plane, unit, WCS and beam, as JSON can
            hold them; `None` for arrays of other libraries, which only their pixels tell apart.
        """
        pixels = self._pixels.identity()
        mask = None if self._mask is None else self._mask.identity()
        if pixels is None or (mask is None and self._mask is not None):
            return None
        wcs = None if self.wcs is None else self.wcs.to_header_string(relax=True)
        beam = None if self.beam is None else [self.beam.major, self.beam.minor, self.beam.theta]
        return {'pixels': pixels, 'zero_is_blank': isinstance(self._pixels, BlankZeroPixels),
                'mask': mask, 'shape': list(self.shape), 'unit': str(self.unit), 'wcs': wcs,
                'beam': beam}

    def _check_pixels(self):
        """Stop at the first good pixel, looked for from the centre outwards."""
        ny, nx = self.shape
        height = max(1, min(ny, 4_000_000 // nx))
        strips = sorted(range(0, ny, height), key=lambda start: abs(start + height / 2 - ny / 2))
        for start in strips:
            rows = slice(start, min(start + height, ny))
            if np.isfinite(self.read_window((rows, slice(0, nx)))).any():
                return
        reason = 'all pixels are blank (NaN)'
        if self._mask is not None:
            reason = 'all pixels are masked or blank; non-zero in a mask means masked'
        raise InputError(f'{self.name}: {reason}')

    # geometry

    @property
    def _centre(self):
        return finite_position(self.wcs, self.shape)

    @property
    def pixel_scale(self):
        """Arcsec per pixel at the centre (geometric mean of both axes), or `None`."""
        if self.wcs is None:
            return None
        return np.sqrt(pixel_area(self.wcs, *self._centre)) * 3600 * u.arcsec / u.pix

    @property
    def sky_beam(self):
        """The beam as `radio_beam.Beam`, or `None` without beam or WCS."""
        if self.wcs is None or self.beam is None:
            return None
        return self.beam.to_sky(self.wcs, position=self._centre)

    def warn_if_no_wcs(self):
        """
        Warn that positions stay in pixels where the image has no celestial WCS.

        Returns
        -------
        missing : bool
            Whether the WCS is missing.
        """
        if self.wcs is None:
            warnings.warn(NoWCSWarning(f'{self.name} has no celestial WCS; the catalogue stays '
                                       'in pixels'), stacklevel=_caller_level())
        return self.wcs is None

    @property
    def frequency(self):
        """Frequency of the observation in Hz as the header states it, else `None`."""
        return header_frequency(self.header)

    # units

    @property
    def is_per_beam(self):
        """Whether a pixel value counts per beam, as in Jy/beam."""
        return is_per_beam(self.unit)

    @property
    def peak_unit(self):
        """Unit of a pixel value; dimensionless where it is not known."""
        return u.dimensionless_unscaled if self.unit is None else self.unit

    def _flux_scale(self):
        area = None
        if self.wcs is not None:
            area = pixel_area(self.wcs, *self._centre) * (u.deg**2).to(u.sr)
        return flux_scale(self.unit, beam_area=self.beam and self.beam.area, pixel_area=area)

    @property
    def flux_unit(self):
        """Unit of an integrated flux."""
        return self._flux_scale()[1]

    @property
    def flux_per_sum(self):
        """Factor from a sum over pixels to an integrated flux in ``flux_unit``."""
        factor = self._flux_scale()[0]
        if factor is None:
            raise NoBeamError(f'{self.name} is in {self.unit} and its beam is not known; pass '
                              'beam= (--beam)')
        return factor

    # beam

    def _check_beam(self):
        longer, shorter = max(self.shape), min(self.shape)
        if self.beam.major > longer or self.beam.minor > shorter:
            raise InputError(f'the beam of {self.name}, {self.beam}, is larger than the image of '
                             f'{self.shape[1]} x {self.shape[0]} pixels')
        if self.beam.minor < SMALLEST_FWHM_PIX:
            raise InputError(f'the beam of {self.name}, {self.beam}, is much smaller than a pixel; '
                             'look at its unit')

    def with_beam(self):
        """
        Make sure that the beam is known, measuring it where nobody says it.

        Returns
        -------
        image : SurveyImage
            This image where its beam is known, else a copy with the beam of its own compact
            sources, about which a `~astrofound.utils.BeamWarning` is issued.

        Raises
        ------
        NoBeamError
            If the image has too few compact sources.
        InputError
            If the beam is larger than the image or much smaller than a pixel.
        """
        if self.beam is not None:
            self._check_beam()
            return self
        beam = measure_beam(self)
        if beam is None:
            raise NoBeamError(f'the resolution of {self.name} is neither in its header nor can it '
                              "be measured from compact sources; pass beam='5.4arcsec' or "
                              "'3.5pix' (--beam)")
        image = self.replace(beam=beam)
        image.beam_origin = 'measured'
        sky = f' ({_sky_text(image.sky_beam)})' if self.wcs is not None else ''
        warnings.warn(BeamWarning(f'{self.name}: beam of {beam}{sky} measured from the image '
                                  'itself; pass beam= (--beam) to set it'),
                      stacklevel=_caller_level())
        return image

    # other forms

    def replace(self, *, beam=None, mask=None, unit=None, wcs=None, name=None):
        """
        Copy the image with some of its properties changed; pixels are shared.

        Parameters
        ----------
        beam, mask, unit, wcs, name : optional
            As in `SurveyImage`; `None` keeps what is there. A mask adds to the old one.

        Returns
        -------
        image : SurveyImage
            The new image.
        """
        image = self._copy()
        image.name = name or self.name
        if wcs is not None:
            image.wcs = as_celestial_wcs(wcs, self.shape, [])
        if unit is not None:
            image.unit = as_unit(unit)
        if mask is not None:
            added = as_mask_pixels(mask, self.shape, image.name)
            image._mask = added if self._mask is None else BothMasks(self._mask, added)
            image._check_pixels()
        if beam is not None:
            image.beam = as_pixel_beam(beam, image.wcs, image.shape)
            image.beam_origin = 'caller'
            image._check_beam()
        return image

    def _copy(self):
        image = type(self).__new__(type(self))
        image.__dict__.update(self.__dict__)
        return image

    def cutout(self, position, size):
        """
        Cut a part out, still unread.

        Parameters
        ----------
        position : `~astropy.coordinates.SkyCoord` or (float, float)
            Centre on the sky or ``(x, y)`` in pixels.
        size : number, `~astropy.units.Quantity` or pair of them
            Side, or ``(height, width)``, in pixels or as an angle.

        Returns
        -------
        image : SurveyImage
            The part that lies inside the image, with its WCS and beam.

        Raises
        ------
        InputError
            If no pixel of it lies inside the image.
        """
        return self[cutout_window(self, position, size)]

    def __getitem__(self, window):
        """Give a part of the image by two slices, along y and x."""
        window = tuple(slice(*part.indices(n)[:2])
                       for part, n in zip(window, self.shape, strict=True))
        if any(part.stop <= part.start for part in window):
            raise InputError(f'the part {window} of {self.name} has no pixels')
        image = self._copy()
        image._pixels = WindowPixels(self._pixels, window)
        image._mask = None if self._mask is None else WindowPixels(self._mask, window)
        if self.wcs is not None:
            image.wcs = self.wcs[window]
            image.wcs.array_shape = image.shape
        return image

    def to_hdu(self):
        """
        Give the image as an HDU.

        Returns
        -------
        hdu : `~astropy.io.fits.PrimaryHDU`
            Pixels as float32 with WCS, unit and beam in the header, blank pixels as NaN.
        """
        return fits.PrimaryHDU(self.data, make_header(self))

    def to_ccddata(self):
        """
        Give the image as `~astropy.nddata.CCDData`.

        Returns
        -------
        ccd : `~astropy.nddata.CCDData`
            Blank and masked pixels are NaN and masked; the beam stands in its header.
        """
        from astropy.nddata import CCDData

        hdu = self.to_hdu()
        return CCDData(hdu.data, mask=~np.isfinite(hdu.data), unit=self.peak_unit, wcs=self.wcs,
                       meta=hdu.header)


def _caller_level():
    """Count the frames up to the first that is not astrofound's: a user's own line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get('__name__', '').startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level


def _check_array(data, name):
    if not (hasattr(data, 'shape') and hasattr(data, 'dtype') and hasattr(data, '__getitem__')):
        try:
            data = np.asarray(data)
        except ValueError:
            raise InputError(f'{name} must be an array of rows of equal length') from None
    if data.dtype.kind not in 'biuf':
        raise InputError(f'{name} must be an array of real numbers, got dtype {data.dtype}')
    return data


def _join_masks(mask, own):
    if mask is None:
        return own if own.any() else None
    if isinstance(mask, (str, Path)):
        raise InputError('a masked array and a mask file cannot be combined; fill the array with '
                         'NaN first')
    return own | (np.asarray(mask) != 0)


def _sky_text(beam):
    major, minor = beam.major.to_value(u.arcsec), beam.minor.to_value(u.arcsec)
    return f'{major:.3g} x {minor:.3g} arcsec, PA {beam.pa.to_value(u.deg):.0f} deg'
