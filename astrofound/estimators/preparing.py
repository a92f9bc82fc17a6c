"""From an image as it was read to the pixels that a backbone takes."""

from dataclasses import dataclass

import numpy as np

from astrofound.preprocess import SCALINGS, CropToSource, UnitRange, clip_to_zero
from astrofound.utils import InputError, check_choice, check_number

__all__ = ['Preparation', 'check_preparation']


@dataclass(frozen=True, eq=False)
class Preparation:
    """
    Crop, clip and scale images for a backbone.

    Attributes
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.
    scaling : str
        A key of `~astrofound.preprocess.SCALINGS`, or ``'auto'``: ``'significance'`` for a
        backbone that wants it, ``'none'`` for bytes and ``'asinh'`` for other pixels.
    crop : float, str or None
        As for `~astrofound.preprocess.CropToSource`.
    clip : float or None
        Pixels that do not rise so many sigma above the level become 0.
    """

    spec: object
    scaling: str = 'auto'
    crop: float | str | None = None
    clip: float | None = None

    def __call__(self, stamp, box=None):
        """
        Prepare one image.

        Parameters
        ----------
        stamp : `~astrofound.datasets.Stamp`
            The image as it was read.
        box : sequence of float, optional
            Edges ``(x1, y1, x2, y2)`` of the source, for ``crop='box'``.

        Returns
        -------
        pixels : 3D `~numpy.ndarray` of float32
            Shape ``(n_channels, ny, nx)``; NaN is blank sky.
        """
        bands, in_sigma = stamp.pixels, stamp.is_significance
        scaling = self._scaling(bands)
        if self.clip is not None:
            bands = np.stack([clip_to_zero(band, sigma=self.clip) for band in bands]).astype(
                bands.dtype)
        # Scaled first: the noise is better known from the whole image than from its middle.
        scaled = UnitRange(scaling)(bands, is_significance=in_sigma)
        crop = CropToSource(crop=self.crop)
        if self.crop is None:
            return scaled
        y, x = crop.window(bands, box=box, is_significance=in_sigma)
        return scaled[:, y, x]

    def _scaling(self, bands):
        if self.scaling != 'auto':
            return self.scaling
        if self.spec.scale == 'significance':
            return 'significance'
        return 'none' if bands.dtype == np.uint8 else 'asinh'


def check_preparation(spec, scaling, crop, clip):
    """
    Make sure that parameters of a preparation are possible for a backbone.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.
    scaling, crop, clip : object
        As in `Preparation`.

    Raises
    ------
    InputError
        If one of them is not.
    """
    check_choice('scaling', scaling, ('auto', *SCALINGS))
    CropToSource(crop=crop)
    if clip is not None:
        check_number('clip', clip, above=0)
    if (spec.scale == 'significance') != (scaling == 'significance') and scaling != 'auto':
        wanted = ('in units of the noise' if spec.scale == 'significance' else 'scaled to 0..1')
        raise InputError(f"{spec.name} takes images {wanted}; 'scaling' must be "
                         f"{'significance' if spec.scale == 'significance' else 'another'!r} "
                         f"or 'auto', got {scaling!r}")
