"""How many patches a source spans, which decides whether a backbone can see it."""

from dataclasses import dataclass

from ..utils import InputError, check_number
from .spec import BackboneSpec

__all__ = ['ResolutionReport', 'report_resolution']

_GOOD = (1.0, 4.0)  # patches; below one a source's shape is lost, the paper's section 3.1


@dataclass(frozen=True)
class ResolutionReport:
    """
    Size of typical sources in patches of a backbone.

    Attributes
    ----------
    backbone : str
        Its name.
    patch_size : int
        Side of a patch in pixels as the network sees them.
    source_pix : float
        Size (FWHM) of a typical source in pixels of the image.
    zoom : float
        Network pixels per image pixel.
    image_pix : float
        Longer side of the image or cutout in its own pixels.
    """

    backbone: str
    patch_size: int
    source_pix: float
    zoom: float
    image_pix: float

    @property
    def n_patches(self):
        """Patches along a typical source."""
        return self.source_pix * self.zoom / self.patch_size

    @property
    def zoom_needed(self):
        """Network pixels per image pixel that make a typical source fill one patch."""
        return self.patch_size / self.source_pix

    @property
    def image_size_needed(self):
        """``image_size`` at which a typical source fills one patch."""
        return round(self.image_pix * self.zoom_needed)

    @property
    def cutout_needed(self):
        """Side of a cutout in image pixels whose typical source fills one patch as it is."""
        return self.image_pix * self.zoom / self.zoom_needed

    def __str__(self):
        said = (f'your sources span {self.n_patches:.2g} patches of {self.backbone} '
                f'({self.patch_size} pixels)')
        if self.n_patches < _GOOD[0]:
            return (f'{said}: too small to have a shape; set image_size={self.image_size_needed} '
                    f'or cut out {self.cutout_needed:.0f} pixels, so that one fills a patch')
        if self.n_patches > _GOOD[1]:
            return f'{said}: well resolved; a smaller image_size would do and be faster'
        return f'{said}: as they should'


def report_resolution(spec, source_pix, *, image_pix, image_size='auto'):
    """
    Say how many patches of a backbone a typical source spans, and what would help.

    Parameters
    ----------
    spec : BackboneSpec
        The backbone.
    source_pix : float
        Size (FWHM) of a typical source in pixels of the image, as ``fwhm_major`` of a
        catalogue.
    image_pix : float
        Longer side of the image or cutout in pixels.
    image_size : int, 'auto' or None, optional
        As of `~astrofound.estimators.FeatureExtractor`.

    Returns
    -------
    report : ResolutionReport
        Its text is one sentence.

    Raises
    ------
    InputError
        If a size is not positive.

    Examples
    --------
    >>> from astrofound.backbones import find_spec, report_resolution
    >>> report = report_resolution(find_spec('dino_vitb16'), 5.0, image_pix=132)
    >>> print(report)
    your sources span 0.53 patches of dino_vitb16 (16 pixels): too small to have a shape; ...
    >>> report.image_size_needed
    422
    """
    if not isinstance(spec, BackboneSpec):
        raise InputError(f"'spec' must be a BackboneSpec, got {type(spec).__name__}")
    check_number('source_pix', source_pix, above=0)
    check_number('image_pix', image_pix, above=0)
    size = spec.image_size if image_size == 'auto' else image_size
    zoom = 1.0 if size is None else size / image_pix
    return ResolutionReport(spec.name, spec.patch_size, float(source_pix), float(zoom),
                            float(image_pix))
