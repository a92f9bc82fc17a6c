"""Many prepared images as one tensor, in memory or in a temporary file."""

import logging
import tempfile
from dataclasses import dataclass

import numpy as np
import torch
from astropy.table import Table
from torch.nn import functional as F

from astrofound.pipeline import run_tiles
from astrofound.utils import AstrofoundError, InputError, progress_bar

__all__ = ['PreparedImages', 'prepare_images', 'resize_images']

logger = logging.getLogger(__name__)

_IN_MEMORY = 2**30  # bytes; more goes to a file that the system pages in and out


@dataclass(frozen=True, eq=False)
class PreparedImages:
    """
    Images of one size, ready for a backbone.

    Attributes
    ----------
    pixels : `torch.Tensor`
        Shape ``(n, n_channels, size, size)``; NaN is blank sky or what is beyond an image that
        is not square.
    rows : 1D `~numpy.ndarray` of int
        Which of the images given these are.
    failed : `~astropy.table.Table`
        Columns ``row`` and ``reason`` of those that could not be read.
    """

    pixels: torch.Tensor
    rows: np.ndarray
    failed: Table


def prepare_images(stamps, prepare, size, *, boxes=None, progress=False):
    """
    Read, crop, scale and resize images; those that cannot be read are left out.

    Parameters
    ----------
    stamps : sequence of `~astrofound.datasets.Stamp`
        The images, read one by one as they are asked for.
    prepare : Preparation
        Crop and scaling.
    size : int
        Side in pixels that the longer side of each image is brought to.
    boxes : sequence, optional
        Box of the source in each image.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    prepared : PreparedImages
        One tensor.

    Raises
    ------
    InputError
        If images differ in their number of bands, or none can be read.
    """
    def read(row):
        try:
            box = None if boxes is None else boxes[row]
            return row, torch.from_numpy(prepare(stamps[row], box)), ''
        except InputError:
            raise
        except (AstrofoundError, OSError) as error:
            return row, None, str(error)

    pixels, rows, failed = None, [], []
    arrived = progress_bar(run_tiles(range(len(stamps)), read, lambda one: one),
                           total=len(stamps), label='reading', show=progress)
    for row, image, reason in arrived:
        if image is None:
            failed.append((row, reason))
            continue
        if pixels is None:
            pixels = _room(len(stamps), len(image), size, prepare.spec.scale == 'unit')
        if len(image) != pixels.shape[1]:
            raise InputError(f'image {row} has {len(image)} bands after scaling, the first '
                             f'has {pixels.shape[1]}; give images of the same bands')
        pixels[len(rows)] = _to_square(image, size)
        rows.append(row)
    if pixels is None:
        raise InputError('there is no image that can be read' + (f': {failed[0][1]}' if failed
                                                                 else ''))
    table = Table(rows=failed or None, names=('row', 'reason'), dtype=(int, str))
    return PreparedImages(pixels[:len(rows)], np.array(rows), table)


def _room(n_images, n_channels, size, is_unit):
    # A thousandth of 0..1 is finer than a byte; significance runs to 1e5 and more.
    dtype = np.float16 if is_unit else np.float32
    shape = (n_images, n_channels, size, size)
    if np.prod(shape) * dtype().itemsize <= _IN_MEMORY:
        return torch.from_numpy(np.empty(shape, dtype))
    logger.info('prepared images do not fit into 1 GB: kept in a temporary file')
    with tempfile.TemporaryFile(prefix='astrofound-') as file:
        return torch.from_numpy(np.memmap(file, dtype, 'w+', shape=shape))


def _to_square(image, size):
    image, blank = resize_images(image[None], size)
    if blank is not None:
        image = torch.where(blank[:, None], torch.nan, image)
    ny, nx = image.shape[-2:]
    low_y, low_x = (size - ny) // 2, (size - nx) // 2
    pads = (low_x, size - nx - low_x, low_y, size - ny - low_y)
    return F.pad(image, pads, value=torch.nan)[0]


def resize_images(images, size):
    """
    Bring the longer side of images to a size, bilinearly.

    Parameters
    ----------
    images : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``; NaN is blank sky.
    size : int or None
        The side in pixels; `None` leaves images as they are.

    Returns
    -------
    resized : `torch.Tensor`
        Shape ``(n, n_channels, ny', nx')``.
    blank : `torch.Tensor` of bool or None
        Shape ``(n, ny', nx')``: what is mostly blank; `None` where nothing was resized or
        nothing is blank.
    """
    if size is None or max(images.shape[-2:]) == size:
        return images, None  # the backbone sees itself what is not finite
    blank = ~torch.isfinite(images).all(dim=1)
    factor = size / max(images.shape[-2:])
    shape = [max(1, round(side * factor)) for side in images.shape[-2:]]
    options = {'size': shape, 'mode': 'bilinear', 'align_corners': False, 'antialias': True}
    if not blank.any():
        return F.interpolate(images, **options), None
    weight = (~blank)[:, None].float()
    total = F.interpolate(weight, **options)
    images = F.interpolate(torch.nan_to_num(images, nan=0.0) * weight, **options)
    blank = total[:, 0] < 0.5
    images = torch.where(blank[:, None], torch.nan, images / total.clamp(min=1e-6))
    return images, blank
