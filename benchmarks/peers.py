"""
PyBDSF and Aegean behind ``predict(path) -> QTable``.

They need numpy < 2.3, so they live in an environment of their own, whose python is given to
`detectors.py` as ``--peer-python``; this module and `runs.py` import nothing of astrofound::

    python -m venv peers
    peers/bin/pip install "numpy<2.3" numba bdsf AegeanTools
"""

import contextlib
import logging
import os
import tempfile
import warnings

import numpy as np
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS

__all__ = ['AegeanDetector', 'PyBDSFDetector']


class PyBDSFDetector:
    """
    PyBDSF with the rows of its source list (.srl), not its Gaussians.

    Parameters
    ----------
    threshold : float, optional
        ``thresh_pix``; PyBDSF's default is 5.
    tuned : bool, optional
        Whether the noise is measured in boxes of 15 beams, and of 7 beams near bright sources,
        in place of what PyBDSF chooses.
    wavelets : bool, optional
        Whether the residual is searched on larger scales too (``atrous_do``); sources of all
        scales come in one list, merged by PyBDSF.
    """

    def __init__(self, *, threshold=None, tuned=False, wavelets=False):
        self.threshold = threshold
        self.tuned = tuned
        self.wavelets = wavelets

    def options(self, header):
        """Arguments of ``bdsf.process_image``."""
        options = {'quiet': True, 'atrous_do': self.wavelets}
        if self.threshold is not None:
            options['thresh_pix'] = self.threshold
            options['thresh_isl'] = min(3.0, self.threshold)
        if not any(header.get(f'CTYPE{i}', '').startswith('FREQ') for i in (3, 4)):
            options['frequency'] = header.get('RESTFRQ', 1.4e9)
        if self.tuned:
            fwhm = beam_pixels(header)
            box, bright = max(int(15 * fwhm), 20), max(int(7.5 * fwhm), 12)
            options |= {'rms_box': (box, box // 3), 'adaptive_rms_box': True,
                        'adaptive_thresh': 100.0, 'rms_box_bright': (bright, bright // 3)}
        return options

    def predict(self, path):
        """Return positions, fluxes and their errors, and S/N."""
        import bdsf

        header = fits.getheader(path)
        with tempfile.TemporaryDirectory() as folder, moved(folder):
            result = bdsf.process_image(os.fspath(path), outdir=folder, **self.options(header))
        sources = [source for source in getattr(result, 'sources', None) or ()]
        # Not rms_isl: for a source of a larger scale that is the noise of the wavelet image.
        return sky_table(header, *(
            [float(value) for value in column] for column in (
                (s.posn_sky_centroid[0] for s in sources),
                (s.posn_sky_centroid[1] for s in sources),
                (s.posn_sky_centroidE[0] for s in sources),
                (s.posn_sky_centroidE[1] for s in sources),
                (s.total_flux for s in sources), (s.total_fluxE for s in sources),
                (s.peak_flux_max for s in sources))), rms=result.rms_arr)


class AegeanDetector:
    """
    Aegean on the noise map of BANE, with the rows of its component list.

    Parameters
    ----------
    threshold : float, optional
        Seed clip; Aegean's default is 5, with floods down to 4.
    tuned : bool, optional
        Whether BANE's boxes have 10 beams in place of its own 24, and islands with more than
        ten summits are estimated instead of fitted.
    """

    def __init__(self, *, threshold=None, tuned=False):
        self.threshold = threshold
        self.tuned = tuned

    def predict(self, path):
        """Return positions, fluxes and their errors, and S/N."""
        from AegeanTools import BANE
        from AegeanTools.source_finder import SourceFinder

        logging.disable(logging.WARNING)
        path, header = os.path.abspath(path), fits.getheader(path)
        options, boxes = {}, {}
        if self.threshold is not None:
            options = {'innerclip': self.threshold, 'outerclip': min(4.0, self.threshold - 0.5)}
        if self.tuned:
            step = max(round(2.5 * beam_pixels(header)), 4)
            boxes = {'step_size': (step, step), 'box_size': (4 * step, 4 * step)}
            options['max_summits'] = 10
        with tempfile.TemporaryDirectory() as folder:
            stem = os.path.join(folder, 'map')
            BANE.filter_image(path, stem, **boxes)
            found = SourceFinder().find_sources_in_image(
                path, rmsin=f'{stem}_rms.fits', bkgin=f'{stem}_bkg.fits', progress=False,
                **options)
        names = ('ra', 'dec', 'err_ra', 'err_dec', 'int_flux', 'err_int_flux', 'peak_flux',
                 'local_rms')
        columns = [[float(getattr(source, name)) for source in found] for name in names]
        return sky_table(header, *columns[:-1], rms=np.array(columns[-1]))


def beam_pixels(header):
    """Geometric mean of the beam's FWHMs in pixels."""
    return np.sqrt(header['BMAJ'] * header['BMIN']) / abs(header['CDELT2'])


@contextlib.contextmanager
def moved(folder):
    """Work in a folder, for files that go to the current one."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)


def sky_table(header, ra, dec, ra_err, dec_err, flux, flux_err, peak, *, rms):
    """
    Columns with the names of astrofound.

    Errors of the position are angles on the sky in degrees, ``rms`` is a map or one value a
    source. An error that is not positive is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        wcs = WCS(header).celestial
    pixel = abs(header['CDELT2'])
    ra, dec, ra_err, dec_err, flux, flux_err, peak = (
        np.array(column, dtype=float) for column in
        (ra, dec, ra_err, dec_err, flux, flux_err, peak))
    x, y = wcs.world_to_pixel_values(ra, dec) if len(ra) else (ra, dec)
    if rms.ndim == 2:   # PyBDSF holds its maps transposed
        column, row = (np.clip(np.rint(axis).astype(int), 0, size - 1)
                       for axis, size in zip((x, y), rms.shape, strict=True))
        rms = rms[column, row]
    table = QTable({'x_centroid': x, 'y_centroid': y, 'x_err': ra_err / pixel,
                    'y_err': dec_err / pixel, 'flux': flux, 'flux_err': flux_err,
                    'snr': peak / rms})
    for name in ('x_err', 'y_err', 'flux_err'):
        table[name][~(table[name] > 0)] = np.nan
    for name in ('flux', 'flux_err'):
        table[name].unit = 'Jy'
    table['class_name'] = np.full(len(table), 'source')
    return table
