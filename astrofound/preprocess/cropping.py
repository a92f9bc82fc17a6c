"""Crop cutouts to their source: after scaling, the paper's second-best lever."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import ndimage

from ..utils import InputError, check_number
from .unit_range import to_significance

__all__ = ['CropToSource']

_THRESHOLD = 3.0   # significance of an island's pixels
_JOIN = 0.02       # gap between islands of one source, as a share of the image's side
_SMOOTHING = 0.15  # how far from the centre, in half sides, an island counts as central


@dataclass(frozen=True, kw_only=True)
class CropToSource:
    """
    Cut a square round the source in the middle of a cutout.

    Parameters
    ----------
    crop : float or {'segmentation', 'box'} or None, optional
        A number from 0 to 1 keeps that share of each side, round the centre.
        ``'segmentation'`` finds the central source by its islands above 3 sigma, lobes
        together. ``'box'`` takes a box that is given with each image. `None` keeps all.
    margin : float, optional
        Sky left round segmentation or box on each side, as a share of its side.
    smallest : float, optional
        Smallest side, as a share of the image's, so that a point does not become a blob.

    Examples
    --------
    >>> import numpy as np
    >>> CropToSource(crop=0.5)(np.zeros((1, 40, 60))).shape
    (1, 20, 30)
    """

    crop: float | str | None = None
    margin: float = 0.25
    smallest: float = 0.15

    def __post_init__(self):
        if isinstance(self.crop, Real) and not isinstance(self.crop, bool):
            check_number('crop', self.crop, above=0, maximum=1)
        elif self.crop not in (None, 'segmentation', 'box'):
            raise InputError("'crop' must be a number from 0 to 1, 'segmentation', 'box' or None, "
                             f'got {self.crop!r}')
        check_number('margin', self.margin, minimum=0)
        check_number('smallest', self.smallest, minimum=0, maximum=1)

    def __call__(self, bands, *, box=None, is_significance=False):
        """
        Crop an image.

        Parameters
        ----------
        bands : 3D `~numpy.ndarray`
            Shape ``(n_bands, ny, nx)``.
        box : sequence of float, optional
            Edges ``(x1, y1, x2, y2)`` of the source in pixels, for ``crop='box'``.
        is_significance : bool, optional
            Whether the image is in units of its noise already.

        Returns
        -------
        cropped : 3D `~numpy.ndarray`
            View of the part; where a square reaches beyond the image it is moved inside, and
            is as large as the image where it is larger.

        Raises
        ------
        InputError
            If a box is needed and none is given.
        """
        y, x = self.window(bands, box=box, is_significance=is_significance)
        return bands[:, y, x]

    def window(self, bands, *, box=None, is_significance=False):
        """
        Find the part to keep.

        Parameters
        ----------
        bands, box, is_significance : optional
            As for calling.

        Returns
        -------
        window : (slice, slice)
            Slices along y and x.

        Raises
        ------
        InputError
            If a box is needed and none is given.
        """
        ny, nx = bands.shape[1:]
        if self.crop is None:
            return slice(0, ny), slice(0, nx)
        if not isinstance(self.crop, str):
            sides = [max(1, round(self.crop * n)) for n in (ny, nx)]
            # As odd or even as the image: as much is left off on either side.
            sides = [side + (n - side) % 2 for side, n in zip(sides, (ny, nx), strict=True)]
            return _window(((nx - 1) / 2, (ny - 1) / 2), sides, (ny, nx))
        if self.crop == 'box':
            if box is None:
                raise InputError("crop='box' needs the box of the source in each image; pass "
                                 "boxes, or use crop='segmentation'")
            x1, y1, x2, y2 = (float(edge) for edge in box)
        else:
            found = _central_source(bands, is_significance)
            if found is None:  # nothing rises above the noise
                return slice(0, ny), slice(0, nx)
            x1, y1, x2, y2 = found
        side = max(x2 - x1, y2 - y1) * (1 + 2 * self.margin)
        side = max(1, round(max(side, self.smallest * max(ny, nx))))
        return _window((0.5 * (x1 + x2) - 0.5, 0.5 * (y1 + y2) - 0.5), (side, side), (ny, nx))


def _window(center, sides, shape):
    window = []
    for middle, side, n in zip(center[::-1], sides, shape, strict=True):
        side = min(side, n)
        start = min(max(0, int(np.ceil(middle - side / 2))), n - side)
        window.append(slice(start, start + side))
    return tuple(window)


def _central_source(bands, is_significance):
    """Edges of the islands that belong to the source nearest to the centre."""
    image = bands.astype(np.float32).mean(axis=0)
    significance = image if is_significance else to_significance(image)
    if not is_significance and _is_clipped(image):
        islands = significance > 1  # all that was left
    else:
        islands = np.nan_to_num(significance, nan=0.0) > _THRESHOLD
        islands = ndimage.binary_opening(islands, np.ones((2, 2), bool))
    if not islands.any():
        return None
    ny, nx = image.shape
    reach = max(1, round(_JOIN * max(ny, nx)))
    joined = ndimage.binary_dilation(islands, iterations=reach)
    labels, n_labels = ndimage.label(joined, np.ones((3, 3), bool))
    light = ndimage.sum_labels(np.where(islands, np.nan_to_num(image), 0), labels,
                               np.arange(1, n_labels + 1))
    y, x = np.ogrid[:ny, :nx]
    away = np.hypot((x - (nx - 1) / 2) / (nx / 2), (y - (ny - 1) / 2) / (ny / 2))
    nearest = ndimage.minimum(away, labels, np.arange(1, n_labels + 1))
    # the brightest of those in the middle; a speck there does not beat a source beside it
    merit = light * np.exp(-0.5 * (np.asarray(nearest) / _SMOOTHING) ** 2)
    chosen = islands & (labels == 1 + int(np.argmax(merit)))
    rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def _is_clipped(image):
    """Whether somebody set the sky to 0 before, so that there is no noise to measure."""
    return image.min() == 0 and (image == 0).mean() > 0.5
