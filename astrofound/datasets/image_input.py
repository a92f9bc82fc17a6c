"""Everything that can be a set of images, one image at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS

from ..catalog import find_positions, read_catalog
from ..image import SurveyImage, as_survey_image
from ..preprocess import noise_map, open_beam_space
from ..utils import InputError, ReadError, check_number

__all__ = ['CatalogCutouts', 'ImageSet', 'Stamp', 'open_images']

PICTURES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff')


@dataclass(frozen=True, eq=False)
class Stamp:
    """
    One image as it was read.

    Attributes
    ----------
    pixels : 3D `~numpy.ndarray`
        Shape ``(n_bands, ny, nx)``, bytes or float32 with NaN for blank sky.
    is_significance : bool
        Whether it is in units of the noise.
    wcs : `~astropy.wcs.WCS` or None
        Of a cutout whose pixels are those of its image.
    """

    pixels: np.ndarray
    is_significance: bool = False
    wcs: WCS | None = None


class ImageSet:
    """
    Images given one by one: arrays, files, survey images.

    Parameters
    ----------
    images : sequence
        The images: whatever `open_images` takes, or `Stamp`.
    beam_pix : float, optional
        FWHM in pixels to which survey images of known beam are resampled, in units of their
        noise; by default pixels stay as they are.
    """

    def __init__(self, images, *, beam_pix=None):
        self._images = images
        self._beam_pix = beam_pix

    def __len__(self):
        return len(self._images)

    def __getitem__(self, index):
        image = self._images[index]
        if isinstance(image, (str, Path)) and Path(image).suffix.lower() in PICTURES:
            return Stamp(_read_picture(image))
        if isinstance(image, (str, Path)):
            image = SurveyImage.read(image)
        if isinstance(image, Stamp):
            return image
        if isinstance(image, np.ndarray):
            return Stamp(_bands_first(image))
        image = as_survey_image(image)
        if self._beam_pix is None or image.beam is None:
            return Stamp(image.data[None])
        space = open_beam_space(image, noise_map(image), fwhm_pix=image.beam.fwhm,
                                target_fwhm_pix=self._beam_pix)
        whole = tuple(slice(0, side) for side in space.shape)
        return Stamp(space.read_window(whole)[None], is_significance=True)


class CatalogCutouts:
    """
    Cutouts of one image around the sources of a catalogue, in units of the local noise.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    catalog : `~astropy.table.Table`
        Positions, on the sky or in pixels.
    size : number, `~astropy.units.Quantity` or 'auto'
        Side in pixels or as an angle.
    n_beams : float
        Side in beams for ``'auto'``.
    beam_pix : float, optional
        FWHM in pixels to which the image is resampled; by default pixels stay as they are.
    """

    def __init__(self, image, catalog, *, size, n_beams, beam_pix=None):
        self._image = image.with_beam() if beam_pix is not None or _is_auto(size) else image
        self._noise = noise_map(self._image)
        x, y = _positions(self._image, catalog)
        side = _side_pix(self._image, size, n_beams)
        self._reader, zoom = self._image, 1.0
        if beam_pix is not None:
            space = open_beam_space(self._image, self._noise, fwhm_pix=self._image.beam.fwhm,
                                    target_fwhm_pix=beam_pix)
            self._reader, zoom = space, space.resampler.zoom
            x, y = space.resampler.to_network(x, y)
        self._side = max(1, round(side * zoom))
        self._x, self._y = x, y

    def __len__(self):
        return len(self._x)

    def __getitem__(self, index):
        # halves go up: an even side has its centre between two pixels
        starts = [int(np.ceil(centre - self._side / 2))
                  for centre in (self._y[index], self._x[index])]
        out = np.full((self._side, self._side), np.nan, np.float32)
        inside = [slice(max(start, 0), min(start + self._side, n))
                  for start, n in zip(starts, self._reader.shape, strict=True)]
        if all(part.stop > part.start for part in inside):
            data = self._reader.read_window(tuple(inside))
            if self._reader is self._image:
                data = self._noise.significance(data, tuple(inside))
            place = tuple(slice(part.start - start, part.stop - start)
                          for part, start in zip(inside, starts, strict=True))
            out[place] = data
        return Stamp(out[None], is_significance=True, wcs=self._wcs(starts))

    def _wcs(self, starts):
        if self._reader is not self._image or self._image.wcs is None:
            return None
        wcs = self._image.wcs.deepcopy()
        wcs.wcs.crpix -= starts[::-1]
        return wcs


def open_images(images, *, catalog=None, size='auto', n_beams=16.0, beam_pix=None):
    """
    Open images, or the cutouts of one, for reading one by one.

    Parameters
    ----------
    images : array, sequence or one image
        An array ``(n, ny, nx)``, ``(n, 3, ny, nx)`` or ``(n, ny, nx, 3)``; a list or other
        sequence of arrays, paths or survey images; with ``catalog``, one image.
    catalog : `~astropy.table.Table` or path-like, optional
        Sources to cut out.
    size, n_beams, beam_pix : optional
        As in `CatalogCutouts`.

    Returns
    -------
    stamps : ImageSet or CatalogCutouts
        Sequence of `Stamp`.

    Raises
    ------
    InputError
        If nothing in it is an image.
    ReadError
        If a file cannot be read.
    """
    if catalog is not None:
        table = catalog if isinstance(catalog, Table) else read_catalog(catalog)
        return CatalogCutouts(as_survey_image(images), table, size=size, n_beams=n_beams,
                              beam_pix=beam_pix)
    if isinstance(images, (ImageSet, CatalogCutouts)):
        return images
    if isinstance(images, (str, Path, SurveyImage)):
        images = [images]
    elif not isinstance(images, Sequence):
        images = np.asarray(images)
        if images.ndim not in (3, 4) or images.dtype.kind not in 'biuf':
            raise InputError("'images' must be an array of numbers (n, ny, nx), (n, 3, ny, nx) or "
                             '(n, ny, nx, 3), or a list of images; got the shape '
                             f'{images.shape} of {images.dtype}')
    return ImageSet(images, beam_pix=beam_pix)


def _bands_first(array):
    """Give ``(n_bands, ny, nx)`` of native bytes or float32."""
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 3 and array.shape[0] not in (1, 3) and array.shape[2] in (1, 3):
        array = np.moveaxis(array, 2, 0)
    if array.ndim != 3 or array.shape[0] not in (1, 3):
        raise InputError('an image must have one band or three: (ny, nx), (3, ny, nx) or '
                         f'(ny, nx, 3), got {array.shape}')
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array, np.float32)


def _read_picture(path):
    """Read a picture with its colours, the first row at the bottom as in FITS."""
    from PIL import Image

    try:
        with Image.open(path, formats=('PNG', 'JPEG', 'TIFF')) as picture:
            colourful = picture.mode not in ('1', 'L', 'LA', 'I', 'F', 'I;16', 'I;16B')
            array = np.asarray(picture.convert('RGB' if colourful else picture.mode.rstrip('A')))
    except (OSError, SyntaxError, ValueError) as error:
        raise ReadError(f'cannot read {path}: {error}') from None
    return _bands_first(array[::-1] if array.ndim == 2 else np.moveaxis(array[::-1], 2, 0))


def _is_auto(size):
    return isinstance(size, str) and size == 'auto'


def _side_pix(image, size, n_beams):
    if _is_auto(size):
        return n_beams * image.beam.fwhm
    if isinstance(size, u.Quantity) and size.unit.is_equivalent(u.arcsec):
        if image.wcs is None:
            raise InputError(f"'cutout_size' is an angle, and {image.name} has no celestial WCS")
        return float((size / image.pixel_scale).to_value(u.pix))
    return check_number('cutout_size', getattr(size, 'value', size), above=0)


def _positions(image, catalog):
    found = find_positions(catalog, prefer_sky=image.wcs is not None)
    if not isinstance(found, SkyCoord):
        x, y = found.T
    elif image.wcs is None:
        raise InputError(f'{image.name} has no celestial WCS to place sources with only ra and '
                         'dec')
    else:
        x, y = image.wcs.world_to_pixel(found)
    lost = np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
    if lost.size:
        raise InputError(f'{lost.size} of {len(catalog)} sources have no position on {image.name}, '
                         f'the first is row {lost[0]}')
    return x, y
