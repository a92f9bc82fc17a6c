"""Put fits, islands and apertures together to the rows of a catalogue."""

import numpy as np

from .boxes import edges_to_inclusive
from .columns import FLAGS, build_catalog
from .detections import CLASS_NAMES
from .gaussians import shape_of
from .names import iau_names
from .sky import (
    local_jacobian,
    pixel_shapes,
    sky_axes,
    sky_positions,
    transform_shapes,
)
from .uncertainty import deconvolve_beam, gaussian_errors

__all__ = ['assemble_catalog']

_BIT = {name: bit for name, (bit, _) in FLAGS.items()}


def assemble_catalog(image, beam, detections, fits, islands, apertures, *, theta_n,
                     point_factor=1.0, forced=False):
    """
    Choose a measurement for each source and fill every column.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image.
    beam : `~astrofound.image.PixelBeam`
        Beam, or PSF as its stars show it.
    detections : `Detections`
        The sources.
    fits : `FitTable`
        Gaussian fits of all of them.
    islands, apertures : dict
        `Island` and `Aperture` by row, where there is one.
    theta_n : float
        Smoothing width of the noise in pixels.
    point_factor : float, optional
        Flux of a point source over that of its Gaussian fit.
    forced : bool, optional
        Whether the positions are the caller's.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        In the order of ``detections``.
    """
    rows = _gaussian_rows(detections, fits, image, beam, theta_n, point_factor, forced)
    _take_islands(rows, detections, fits, islands, image)
    for i, aperture in apertures.items():
        if rows['flags'][i] & _BIT['island']:
            continue
        rows['flux'][i] = aperture.total * image.flux_per_sum
        rows['flux_err'][i] = aperture.total_err * image.flux_per_sum
        rows['flags'][i] |= (_BIT['aperture'] | _BIT['capped'] * aperture.capped
                             | _BIT['blank'] * aperture.blank | _BIT['edge'] * aperture.edge)
    _blank_rows(rows, fits, detections)
    _boxes(rows, detections, image.shape)
    deconvolved = _deconvolve(rows, beam)
    rows['class_name'] = np.array(CLASS_NAMES)[np.clip(detections.class_code, 0, 2)]
    rows['score'] = detections.score.astype(float)
    rows['id'] = np.arange(1, len(detections) + 1)
    _to_sky(rows, image, deconvolved)
    return build_catalog(image, rows, len(detections))


def _gaussian_rows(detections, fits, image, beam, theta_n, point_factor, forced):
    """Columns as the Gaussian fits give them, in pixels."""
    use = np.where(fits.resolved[:, None], fits.free, fits.fixed)
    major, minor, theta = shape_of(use[:, 3:])
    peak, rms = use[:, 0], fits.rms
    error = gaussian_errors(peak, rms, major, minor, theta, theta_n)
    with np.errstate(all='ignore'):
        snr = peak / rms
        if forced:
            corrected = peak
        else:
            # A peak that was looked for in two directions has gained error**2 / peak: its
            # square is that of the truth plus the two of the fitted position.
            corrected = np.sqrt(np.maximum(peak**2 - 2 * error['peak']**2, 0))
            corrected = np.where(peak > 2 * error['peak'], corrected, 0.7 * peak)
        per_sum = image.flux_per_sum
        area = np.pi / (4 * np.log(2)) * major * minor
        point = ~fits.resolved
        flux = corrected * area * per_sum * np.where(point, point_factor, 1)
        # The factor from fit to flux varies over the image as the PSF does.
        doubt = 0.0 if image.is_per_beam else 0.015 * np.abs(flux)
        flux_err = np.where(point, np.hypot(error['peak'] * area * per_sum * point_factor, doubt),
                            np.abs(flux) * error['flux'])
    flags = (_BIT['edge'] * fits.edge | _BIT['blank'] * fits.blank | _BIT['blended'] * fits.crowded
             | _BIT['saturated'] * fits.saturated | _BIT['point'] * point
             | _BIT['fit_failed'] * ~np.where(point, fits.fixed_ok, fits.free_ok)
             | _BIT['forced'] * forced).astype(np.int64)
    round_beam = beam.major < 1.001 * beam.minor
    rows = {
        'x_centroid': use[:, 1].copy(), 'y_centroid': use[:, 2].copy(),
        'x_err': error['x'], 'y_err': error['y'], 'peak_flux': corrected,
        'peak_flux_err': error['peak'], 'flux': flux, 'flux_err': flux_err, 'snr': snr,
        'local_rms': rms.copy(), 'local_background': fits.background.copy(),
        'fwhm_major': major, 'fwhm_minor': minor, 'theta': theta,
        'fwhm_major_err': np.where(point, np.nan, error['major']),
        'fwhm_minor_err': np.where(point, np.nan, error['minor']),
        'theta_err': np.where(point, np.nan, error['theta']),
        'n_components': np.ones(len(detections), np.int64), 'flags': flags,
    }
    if round_beam:
        rows['theta'] = np.where(point, 0.0, theta)
    if forced:
        rows['x_err'][:] = rows['y_err'][:] = 0.0
    return rows


def _take_islands(rows, detections, fits, islands, image):
    """Replace the Gaussian by the island where that is the better account of the source."""
    per_sum = image.flux_per_sum
    for i, island in islands.items():
        rows['flags'][i] |= (_BIT['capped'] * island.capped | _BIT['blank'] * island.blank
                             | _BIT['edge'] * island.edge)
        flux, error = island.total * per_sum, island.total_err * per_sum
        gaussian = rows['flux'][i]
        usable = detections.class_code[i] != 2 and fits.resolved[i] and np.isfinite(gaussian)
        if usable and abs(flux - gaussian) < 3 * error + 0.1 * abs(gaussian):
            continue
        bits = _BIT['point'] | _BIT['fit_failed']
        rows['flags'][i] = (rows['flags'][i] & ~bits) | _BIT['island']
        peak, rms = island.peak, fits.rms[i]
        values = {
            'x_centroid': island.x, 'y_centroid': island.y, 'x_err': island.x_err,
            'y_err': island.y_err, 'flux': flux, 'flux_err': error, 'snr': peak / rms,
            'peak_flux': np.sqrt(max(peak**2 - 2 * rms**2, 0.5 * peak**2)),
            'peak_flux_err': rms, 'fwhm_major': island.major, 'fwhm_minor': island.minor,
            'fwhm_major_err': island.major_err, 'fwhm_minor_err': island.minor_err,
            'theta': island.theta, 'n_components': island.n_peaks,
            'theta_err': np.degrees(min(island.major_err * island.major
                                        / max(island.major**2 - island.minor**2, 1e-9),
                                        np.pi / np.sqrt(12))),
        }
        for name, value in values.items():
            rows[name][i] = value


def _blank_rows(rows, fits, detections):
    """Sources without a single usable number keep their position and lose the rest."""
    with np.errstate(invalid='ignore'):
        island = (rows['flags'] & _BIT['island']) > 0
        unknown = ~np.isfinite(fits.rms) | (fits.empty & ~island)
        unknown |= ~(np.isfinite(rows['peak_flux']) & np.isfinite(rows['flux']))
    for name, column in rows.items():
        if column.dtype.kind == 'f' and name not in ('x_centroid', 'y_centroid'):
            column[unknown] = np.nan
    keep = _BIT['forced'] | _BIT['edge']
    rows['flags'][unknown] = (rows['flags'][unknown] & keep) | _BIT['no_data'] | _BIT['blank']
    for name, given in (('x_centroid', detections.x), ('y_centroid', detections.y)):
        rows[name] = np.where(unknown | ~np.isfinite(rows[name]), given, rows[name])


def _boxes(rows, detections, shape):
    limits = edges_to_inclusive(detections.boxes, shape)
    for name, limit in zip(('bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax'), limits,
                           strict=True):
        rows[name] = limit


def _deconvolve(rows, beam):
    """Shapes with the beam removed, in pixels; NaN rows where not resolved."""
    shape = pixel_shapes(rows['fwhm_major'], rows['fwhm_minor'], rows['theta'])
    beam_shape = pixel_shapes(beam.major, beam.minor, beam.theta)
    major, minor, angle = deconvolve_beam(shape, beam_shape)
    point = ((rows['flags'] & _BIT['point']) > 0) | ~np.isfinite(major)
    return np.where(point[:, None], np.nan, pixel_shapes(major, minor, angle))


def _to_sky(rows, image, deconvolved):
    """Fill the sky columns, and the names."""
    x, y = rows['x_centroid'], rows['y_centroid']
    if image.wcs is None:
        rows['name'] = np.array([f'x{a:.1f}_y{b:.1f}' for a, b in zip(x, y, strict=True)])
        return
    rows['ra'], rows['dec'] = sky_positions(image.wcs, x, y)
    rows['name'] = iau_names(rows['ra'], rows['dec'])
    jacobian = local_jacobian(image.wcs, x, y)
    scale = np.sqrt(np.abs(np.linalg.det(np.nan_to_num(jacobian))))
    scale[scale == 0] = np.nan
    variance = np.stack([rows['x_err']**2, np.zeros(len(x)), rows['y_err']**2], axis=1)
    variance = transform_shapes(jacobian, variance)
    rows['ra_err'], rows['dec_err'] = np.sqrt(variance[:, 0]), np.sqrt(variance[:, 2])
    shape = transform_shapes(jacobian, pixel_shapes(rows['fwhm_major'], rows['fwhm_minor'],
                                                    rows['theta']))
    rows['major'], rows['minor'], rows['pa_sky'] = sky_axes(shape)
    rows['major_err'] = rows['fwhm_major_err'] * rows['major'] / rows['fwhm_major']
    rows['minor_err'] = rows['fwhm_minor_err'] * rows['minor'] / rows['fwhm_minor']
    rows['pa_sky_err'] = rows['theta_err'].copy()
    _deconvolved_columns(rows, transform_shapes(jacobian, deconvolved), scale)


def _deconvolved_columns(rows, shape, scale):
    major, minor, angle = sky_axes(shape)
    with np.errstate(all='ignore'):
        # d(M0)/dM = M / M0, as M0^2 = M^2 - B^2; no better than half a pixel when M0 is 0.
        widen = [np.minimum(rows[name] / np.maximum(axis, 0.5 * scale), 1e3)
                 for name, axis in (('major', major), ('minor', minor))]
        turn = rows['pa_sky_err'] * np.minimum(
            (rows['major']**2 - rows['minor']**2) / np.maximum(major**2 - minor**2, 1e-12), 1e3)
    rows.update(
        deconvolved_major=major, deconvolved_minor=minor, deconvolved_pa=angle,
        deconvolved_major_err=rows['major_err'] * widen[0],
        deconvolved_minor_err=rows['minor_err'] * widen[1],
        deconvolved_pa_err=np.clip(turn, 0, 180 / np.sqrt(12)))
    for name in ('major', 'minor', 'pa'):
        rows[f'deconvolved_{name}_err'][np.isnan(major)] = np.nan
