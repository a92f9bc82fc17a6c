"""The finders that the benchmarks compare, each behind ``predict(image) -> QTable``."""

from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable

__all__ = ['METHODS', 'Method', 'SepDetector', 'make_detector']

FWHM_PER_SIGMA = 2.3548


class SepDetector:
    """
    Source Extractor as the library sep, set up as an expert would.

    In Jy/beam images no filter is used: the noise has passed the beam already, and sep's
    matched filter would take it for white. Elsewhere the filter is the PSF, and the clean
    step is off, which removes faint sources wholesale.
    """

    def __init__(self, *, threshold=None, box=64, min_area=None, deblend_contrast=0.005):
        self.threshold = threshold
        self.box = box
        self.min_area = min_area
        self.deblend_contrast = deblend_contrast

    def predict(self, image):
        """Return positions, fluxes in the image's flux unit, S/N and boxes."""
        import sep

        from astrofound.image import as_survey_image

        image = as_survey_image(image).with_beam()
        data = np.ascontiguousarray(image.data)
        blank = ~np.isfinite(data)
        data[blank] = 0
        background = sep.Background(data, mask=blank, bw=self.box, bh=self.box)
        rms = background.rms()
        background.subfrom(data)
        correlated = image.is_per_beam
        threshold = self.threshold or (4.5 if correlated else 3.0)
        sep.set_extract_pixstack(max(300_000, data.size // 4))
        sep.set_sub_object_limit(20_000)
        found = sep.extract(
            data, threshold, err=rms, mask=blank, minarea=self.min_area or 5,
            filter_kernel=None if correlated else self._kernel(image.beam), clean=False,
            deblend_cont=self.deblend_contrast)
        return self._table(sep, found, data, rms, blank, image)

    @staticmethod
    def _kernel(beam):
        half = int(np.ceil(1.5 * beam.fwhm))
        grid = np.arange(-half, half + 1)
        square = grid ** 2 + grid[:, None] ** 2
        return np.exp(-0.5 * square * (FWHM_PER_SIGMA / beam.fwhm) ** 2)

    @staticmethod
    def _table(sep, found, data, rms, blank, image):
        """Kron fluxes (SExtractor's MAG_AUTO), centres and peaks."""
        a, b = (np.maximum(np.nan_to_num(found[name], nan=1.0), 0.3) for name in 'ab')
        theta = np.clip(np.nan_to_num(found['theta']), -1.5707, 1.5707)
        x, y = found['x'], found['y']
        kron, _ = sep.kron_radius(data, x, y, a, b, theta, 6.0, mask=blank)
        radius = 2.5 * np.clip(np.nan_to_num(kron, nan=1.4), 1.4, 6)
        flux, _, _ = sep.sum_ellipse(data, x, y, a, b, theta, radius, mask=blank)
        local = rms[found['ypeak'], found['xpeak']]
        unit = image.flux_unit
        flux = flux * image.flux_per_sum
        table = QTable({'x_centroid': x, 'y_centroid': y, 'flux': flux if unit is None else
                        flux * unit, 'snr': data[found['ypeak'], found['xpeak']] / local,
                        'fwhm_major': FWHM_PER_SIGMA * a, 'fwhm_minor': FWHM_PER_SIGMA * b,
                        'theta': np.degrees(theta)})
        for name in ('xmin', 'xmax', 'ymin', 'ymax'):
            table[f'bbox_{name}'] = found[name]
        table['class_name'] = np.full(len(table), 'source')
        return table


@dataclass(frozen=True, kw_only=True)
class Method:
    """
    How to build a finder, and which settings to try.

    Parameters
    ----------
    build : callable
        Takes a threshold, by default the finder's own, and returns something with
        ``predict(path)``.
    grid : tuple of float
        Thresholds to try beside the default.
    kinds : tuple of str, optional
        Kinds of images that it is made for.
    cuts : bool, optional
        Whether its catalogues are also cut in S/N in search of the best; one whose grid is in
        the quantity that ranks its rows needs none.
    peer : bool, optional
        Whether it lives in the environment of its own.
    available : callable, optional
        Whether it is installed here.
    """

    build: object
    grid: tuple
    kinds: tuple = ('radio', 'optical')
    cuts: bool = True
    peer: bool = False
    available: object = field(default=lambda: True)


def _photutils(threshold=None):
    from astrofound.baselines import PhotutilsSegmentation

    if threshold is None:
        return PhotutilsSegmentation()
    return PhotutilsSegmentation(peak_sigma=threshold, n_sigma=min(3.0, threshold))


def _stars(threshold=None):
    from astrofound.baselines import DAOStarFinder

    return DAOStarFinder() if threshold is None else DAOStarFinder(n_sigma=threshold)


def _peaks(threshold=None):
    from astrofound.baselines import PeakFinder

    return PeakFinder() if threshold is None else PeakFinder(n_sigma=threshold)


def _compact(threshold=None):
    from astrofound.estimators import SourceDetector

    return SourceDetector() if threshold is None else SourceDetector(threshold=threshold)


def _has_sep():
    try:
        import sep  # noqa: F401
    except ImportError:
        return False
    return True


def _sep(grid, kinds=('radio', 'optical'), **options):
    def build(threshold=None):
        return SepDetector(threshold=threshold, **options)

    return Method(build=build, grid=grid, kinds=kinds, available=_has_sep)


def _bdsf(grid, **options):
    def build(threshold=None):
        from peers import PyBDSFDetector

        return PyBDSFDetector(threshold=threshold, **options)

    return Method(build=build, grid=grid, kinds=('radio',), peer=True)


def _aegean(grid, **options):
    def build(threshold=None):
        from peers import AegeanDetector

        return AegeanDetector(threshold=threshold, **options)

    return Method(build=build, grid=grid, kinds=('radio',), peer=True)


# Each catalogue is also cut at every S/N of figures.CUTS, so low settings are what is needed.
SIGMAS = (3.5, 4.0, 4.5)
METHODS = {
    'compact': Method(build=_compact, grid=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
                      cuts=False),
    'photutils-segmentation': Method(build=_photutils, grid=SIGMAS),
    'photutils-stars': Method(build=_stars, grid=SIGMAS),
    'photutils-peaks': Method(build=_peaks, grid=SIGMAS),
    'sep': _sep((2.5, 3.0, 3.5, 4.0, 5.0)),
    # A fine background mesh, the usual remedy against artefacts; sep smooths the mesh by a
    # median of 3x3, so that 16 pixels are still twelve beams of these skies.
    'sep-mesh16': _sep((3.5, 4.0), ('radio',), box=16),
    # With their own noise maps these two drown in sidelobes, all the more at less than 5 sigma.
    'pybdsf': _bdsf(()),
    'pybdsf-box': _bdsf((4.0,), tuned=True),
    'pybdsf-wavelets': _bdsf((4.0,), tuned=True, wavelets=True),
    'aegean': _aegean(()),
    'aegean-box': _aegean((4.0,), tuned=True),
}


def make_detector(name, threshold=None):
    """
    Build a finder by name.

    Parameters
    ----------
    name : str
        A key of `METHODS`.
    threshold : float, optional
        By default the finder's own.

    Returns
    -------
    detector : object
        Something with ``predict(image)``.
    """
    if name not in METHODS:
        raise SystemExit(f'unknown method {name!r}; there are {", ".join(METHODS)}')
    return METHODS[name].build(threshold)
