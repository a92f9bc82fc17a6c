"""What a data set is like, before a network sees it."""

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from astrofound.backbones import find_spec, report_resolution
from astrofound.image import SurveyImage, as_survey_image
from astrofound.preprocess import noise_map, to_significance
from astrofound.utils import InputError

__all__ = ['Description', 'describe']

_SOURCE, _PEAK = 3.0, 5.0  # significance of a pixel that counts as source, and of its peak
_MAX_SIDE = 4096  # pixels of a mosaic that are looked at along each axis
_FWHM_OF_SIGMA = 2.3548


@dataclass(frozen=True)
class Description:
    """
    Properties of an image or of a set of images that decide how to prepare it.

    Attributes
    ----------
    n_images : int
        Number of images.
    image_pix : float
        Median of their longer sides in pixels.
    blank : float
        Fraction of blank pixels.
    fill_factor : float
        Fraction of the other pixels that belong to sources, above 3 times the noise.
    n_sources : int
        Groups of such pixels with a peak above 5 times the noise.
    snr : float
        Median peak of those groups, in units of the noise.
    dynamic_range : float
        Largest pixel in units of the noise.
    noise_length : float
        FWHM in pixels of the autocorrelation of the noise; below 1 where pixels are
        independent.
    source_pix : float
        Median FWHM of the sources in pixels, of the catalogue where there is one.
    """

    n_images: int
    image_pix: float
    blank: float
    fill_factor: float
    n_sources: int
    snr: float
    dynamic_range: float
    noise_length: float
    source_pix: float

    def resolution(self, backbone, *, image_size='auto', cutout_pix=None):
        """
        Say how many patches of a backbone a typical source spans.

        Parameters
        ----------
        backbone : str or `~astrofound.backbones.BackboneSpec`
            The backbone.
        image_size : int, 'auto' or None, optional
            As of `~astrofound.estimators.FeatureExtractor`.
        cutout_pix : float, optional
            Side of the cutouts in pixels, by default the whole image.

        Returns
        -------
        report : `~astrofound.backbones.ResolutionReport`
            Its text is one sentence.

        Raises
        ------
        InputError
            If no source was seen or there is no such backbone.
        """
        if not np.isfinite(self.source_pix):
            raise InputError('no source was seen whose size could be told; pass a catalogue to '
                             'describe()')
        spec = find_spec(backbone) if isinstance(backbone, str) else backbone
        return report_resolution(spec, self.source_pix, image_pix=cutout_pix or self.image_pix,
                                 image_size=image_size)

    def summary(self):
        """
        Write the properties as text.

        Returns
        -------
        text : str
            One property a line.
        """
        words = {
            'n_images': f'{self.n_images} of {self.image_pix:.0f} pixels',
            'blank': f'{self.blank:.1%}', 'fill_factor': f'{self.fill_factor:.2%} of the pixels',
            'n_sources': f'{self.n_sources}', 'snr': f'{self.snr:.1f}',
            'dynamic_range': f'{self.dynamic_range:.3g}',
            'noise_length': f'{self.noise_length:.1f} pixels',
            'source_pix': f'{self.source_pix:.1f} pixels',
        }
        names = {'n_images': 'images', 'blank': 'blank', 'fill_factor': 'fill factor',
                 'n_sources': 'sources', 'snr': 'peak S/N', 'dynamic_range': 'dynamic range',
                 'noise_length': 'noise correlation', 'source_pix': 'size of a source'}
        return '\n'.join(f'{names[one.name]:18} {words[one.name]}' for one in fields(self)
                         if one.name in words)


def describe(images, *, catalog=None):
    """
    Measure what decides how to prepare images for a network.

    Parameters
    ----------
    images : array, sequence or one image
        An array ``(n, ny, nx)`` or a list of images makes a data set; one survey image or path
        is described by up to 4096 x 4096 pixels around its centre.
    catalog : `~astropy.table.Table`, optional
        Sources; their median ``fwhm_major`` is the size of a source.

    Returns
    -------
    description : Description
        The properties.

    Raises
    ------
    InputError
        If nothing in it is an image.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> from astrofound.explore import describe
    >>> field = make_field('radio', shape=(256, 256), seed=0)
    >>> print(describe(field.image).resolution('dino_vitb16'))
    your sources span ... patches of dino_vitb16 (16 pixels): too small to have a shape; ...
    """
    one = isinstance(images, SurveyImage) or not isinstance(images, (list, tuple, np.ndarray))
    maps = [_central(as_survey_image(images))] if one else [_small(image) for image in images]
    if not maps:
        raise InputError('there are no images to describe')
    parts = [_measure(significance) for significance in maps]
    sizes = np.concatenate([part['sizes'] for part in parts])
    peaks = np.concatenate([part['peaks'] for part in parts])
    if catalog is not None and 'fwhm_major' in catalog.colnames:
        sizes = np.asarray(catalog['fwhm_major'], float)
        sizes = sizes[np.isfinite(sizes)]
    seen = sum(part['seen'] for part in parts)
    total = sum(one.size for one in maps)
    lengths = [part['length'] for part in parts if np.isfinite(part['length'])]
    return Description(
        n_images=len(maps), image_pix=float(np.median([max(one.shape) for one in maps])),
        blank=1 - seen / total,
        fill_factor=sum(part['filled'] for part in parts) / max(seen, 1),
        n_sources=len(peaks), snr=float(np.median(peaks)) if len(peaks) else np.nan,
        dynamic_range=float(max(part['top'] for part in parts)),
        noise_length=float(np.median(lengths)) if lengths else np.nan,
        source_pix=float(np.median(sizes)) if len(sizes) else np.nan)


def _central(image):
    """Significance around the centre of a survey image."""
    window = tuple(slice(max(0, (n - _MAX_SIDE) // 2), min(n, (n + _MAX_SIDE) // 2))
                   for n in image.shape)
    fwhm = image.beam.fwhm if image.beam is not None else 4.0
    noise = noise_map(image, fwhm_pix=fwhm)
    return noise.significance(image.read_window(window), window)


def _small(image):
    """Significance of one image of a set, the mean of its bands."""
    if isinstance(image, np.ndarray):
        data = image.astype(np.float32)
        if data.ndim == 3:
            data = data.mean(axis=0 if data.shape[0] in (1, 3) else 2)
    else:
        data = as_survey_image(image).data
    return to_significance(data)


def _measure(significance):
    """Counts and sizes of one map of significance."""
    seen = np.isfinite(significance)
    filled = significance > _SOURCE
    labels, n_groups = ndimage.label(filled, structure=np.ones((3, 3)))
    numbers = np.arange(1, n_groups + 1)
    peaks = np.asarray(ndimage.maximum(significance, labels, numbers)) if n_groups else (
        np.empty(0))
    real = peaks > _PEAK
    sizes = np.empty(0)
    if real.any():
        areas = ndimage.sum_labels(filled, labels, numbers)[real]
        # area of a Gaussian above the threshold, turned into its FWHM along the mean axis
        sizes = np.sqrt(areas * 4 * np.log(2) / (np.pi * np.log(peaks[real] / _SOURCE)))
    # a few pixels in a thousand of pure noise are above 3 sigma: islands without a peak are not
    # counted as filled
    counted = int(np.isin(labels, numbers[real]).sum()) if real.any() else 0
    return {'seen': int(seen.sum()), 'filled': counted, 'peaks': peaks[real], 'sizes': sizes,
            'top': float(np.nanmax(significance)) if seen.any() else 0.0,
            'length': _noise_length(significance, filled)}


def _noise_length(significance, filled):
    """FWHM of the autocorrelation of the pixels without sources, as of a Gaussian."""
    quiet = np.isfinite(significance) & ~ndimage.binary_dilation(filled, iterations=2)
    data = np.where(quiet, significance, 0)
    correlations = []
    for axis in (0, 1):
        ahead = [slice(None)] * 2
        behind = [slice(None)] * 2
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        both = quiet[tuple(ahead)] & quiet[tuple(behind)]
        if both.sum() < 30:
            return np.nan
        first, second = data[tuple(ahead)][both], data[tuple(behind)][both]
        correlations.append(np.corrcoef(first, second)[0, 1])
    correlation = float(np.clip(np.mean(correlations), 1e-6, 0.999))
    # taken as a Gaussian, which one step tells; of an interferometer it is the dirty beam
    return _FWHM_OF_SIGMA * np.sqrt(-1 / (2 * np.log(correlation)))
