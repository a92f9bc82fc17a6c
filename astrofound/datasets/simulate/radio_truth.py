"""Truth tables of a radio sky from the Gaussians it is made of."""

import numpy as np
from astropy import units as u

from ..._kernels.render import mixture_modes, mixture_peak
from .ellipses import convolve_beam, ellipse_moments, moments_ellipse
from .truth import make_tables, peak_table

__all__ = ['radio_tables']

_VISIBLE_SNR = 3.0  # a lobe below this does not make a source multiple
_RESOLVED_AREA = 1.2  # convolved area over beam area above which a Gaussian is extended
_SEPARATE = 0.8  # beams between two peaks that an observer tells apart


def radio_tables(population, gaussians, beam, levels, observed, wcs, meta):
    """
    Summarise sources and components.

    Parameters
    ----------
    population : Population
        For kinds and roles.
    gaussians : dict of arrays
        Its arrays, fluxes in Jy.
    beam : tuple of float
        FWHM major and minor in pixels, angle in degrees.
    levels : 3D array
        Noise, root mean square of the artefacts around each pixel, and the image without
        either, in Jy / beam.
    observed : 2D array of bool
        Where the image has data.
    wcs : `~astropy.wcs.WCS`
        Celestial 2-D WCS.
    meta : dict
        Provenance.

    Returns
    -------
    truth, components, peaks : `~astropy.table.QTable`
        Sources and components whose centres lie on observed pixels, components of sources
        that do not being left out; and the separate peaks of each of these sources.
    """
    sources = _summarise(gaussians, gaussians['source'], beam, levels)
    parts = _summarise(gaussians, gaussians['part'], beam, levels)
    if not population.kinds:
        gaussians = {name: values[:0] for name, values in gaussians.items()}
    owner = np.zeros(len(parts['x_centroid']), dtype=int)
    owner[gaussians['part']] = gaussians['source']
    visible = np.bincount(owner, parts['snr'] >= _VISIBLE_SNR, len(population.kinds))
    kinds = np.array(population.kinds, dtype='U8')
    n_components = np.maximum(visible.astype(int), 1)
    many = np.isin(kinds, ('double', 'bent'))
    resolved = _convolved_area(gaussians, beam, len(kinds)) > _RESOLVED_AREA
    class_name = np.where(many & (n_components > 1), 'multi',
                          np.where(many | (kinds == 'diffuse') | resolved, 'extended', 'point'))
    keep = _on_data(sources, observed)
    number = np.cumsum(keep)
    sources.update(class_name=class_name, kind=kinds, n_components=n_components)
    truth = {'id': number[keep]} | {name: column[keep] for name, column in sources.items()}
    part_keep = keep[owner] & _on_data(parts, observed)
    parts['role'] = np.array(population.roles, dtype='U8')
    components = {'id': np.arange(1, part_keep.sum() + 1), 'parent_id': number[owner][part_keep]}
    components |= {name: column[part_keep] for name, column in parts.items()}
    peaks = _peaks(gaussians, beam, levels, np.flatnonzero(keep & many))
    for name in ('x_peak', 'y_peak', 'peak_flux', 'contrast', 'light_share'):
        peaks[name] = np.concatenate([sources[name][keep & ~many], peaks[name]])
    peaks['parent_id'] = np.concatenate([number[keep & ~many], number[peaks['parent_id']]])
    units = (u.Jy, u.Jy / u.beam)
    return (make_tables(truth, wcs, *units, meta), make_tables(components, wcs, *units, meta),
            peak_table(peaks, units[1]))


def _peaks(gaussians, beam, levels, which):
    """Columns of the separate peaks of some sources; ``parent_id`` is the number of the source."""
    convolved = convolve_beam(gaussians['major'], gaussians['minor'], gaussians['theta'], beam)
    peak = gaussians['flux'] * beam[0] * beam[1] / (convolved[0] * convolved[1])
    rows = [np.empty((4, 0))]
    for k in which.tolist():
        own = slice(*np.searchsorted(gaussians['source'], (k, k + 1)))
        x, y = gaussians['x'][own], gaussians['y'][own]
        noise = np.hypot(*_nearest(levels[:2], x.mean(), y.mean()))
        modes = mixture_modes(x, y, peak[own], *(part[own] for part in convolved),
                              _SEPARATE * np.sqrt(beam[0] * beam[1]), noise)
        rows.append(np.stack([np.full(modes[0].size, k), *modes]))
    source, x, y, height = np.concatenate(rows, axis=1)
    local, artefacts = _nearest(levels[:2], x, y)
    return {'parent_id': source.astype(int), 'x_peak': x, 'y_peak': y, 'peak_flux': height,
            'contrast': height / np.hypot(local, artefacts),
            'light_share': np.minimum(height / np.maximum(_nearest(levels[2], x, y), 1e-30), 1.0)}


def _convolved_area(gaussians, beam, n_sources):
    major, minor, _ = convolve_beam(gaussians['major'], gaussians['minor'], gaussians['theta'],
                                    beam)
    largest = np.zeros(n_sources)
    np.maximum.at(largest, gaussians['source'], major * minor / (beam[0] * beam[1]))
    return largest


def _on_data(columns, observed):
    ny, nx = observed.shape
    x, y = np.rint(columns['x_centroid']).astype(int), np.rint(columns['y_centroid']).astype(int)
    inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
    inside[inside] = observed[y[inside], x[inside]]
    return inside


def _summarise(gaussians, group, beam, levels):
    """Columns of groups of consecutive Gaussians."""
    n = int(group.max()) + 1 if group.size else 0
    x, y, flux = gaussians['x'], gaussians['y'], gaussians['flux']
    total = np.bincount(group, flux, n)
    x_mean, y_mean = (np.bincount(group, flux * v, n) / total for v in (x, y))
    dx, dy = x - x_mean[group], y - y_mean[group]
    # positions spread as variances, sizes are FWHM squared: 8 ln 2 lies between them
    spread = [np.bincount(group, flux * (s + 8 * np.log(2) * d), n) / total for s, d in zip(
        ellipse_moments(gaussians['major'], gaussians['minor'], gaussians['theta']),
        (dx * dx, dx * dy, dy * dy), strict=True)]
    major_pix, minor_pix, theta = moments_ellipse(*spread)
    c_major, c_minor, c_theta = convolve_beam(gaussians['major'], gaussians['minor'],
                                              gaussians['theta'], beam)
    peak = flux * beam[0] * beam[1] / (c_major * c_minor)
    first = np.searchsorted(group, np.arange(n))
    last = np.searchsorted(group, np.arange(n), side='right')
    x_peak, y_peak, peak_flux = mixture_peak(x, y, peak, c_major, c_minor, c_theta, first, last,
                                             8)
    local, artefacts = _nearest(levels[:2], x_mean, y_mean)
    at_peak = np.maximum(_nearest(levels[2], x_peak, y_peak), 1e-30)
    boxes = _boxes(gaussians, group, peak, local, (c_major, c_minor, c_theta),
                   levels.shape[1:])
    return {'x_centroid': x_mean, 'y_centroid': y_mean, 'x_peak': x_peak, 'y_peak': y_peak,
            'flux': total, 'peak_flux': peak_flux, 'snr': peak_flux / local,
            'contrast': peak_flux / np.hypot(local, artefacts),
            'light_share': np.minimum(peak_flux / at_peak, 1.0),
            'major_pix': major_pix, 'minor_pix': minor_pix, 'theta': theta, **boxes}


def _nearest(images, x, y):
    """Values at the nearest pixels of the last two axes."""
    ny, nx = images.shape[-2:]
    return images[..., np.clip(np.rint(y), 0, ny - 1).astype(int),
                  np.clip(np.rint(x), 0, nx - 1).astype(int)]


def _boxes(gaussians, group, peak, local, convolved, shape):
    """Union of the boxes of those Gaussians that show."""
    n = local.size
    brightest = np.zeros(n)
    np.maximum.at(brightest, group, peak)
    shows = peak >= np.minimum(0.7 * local, 0.3 * brightest)[group]
    sxx, _, syy = ellipse_moments(*convolved)
    result = {}
    for axis, centre, size, side in (('x', gaussians['x'], sxx, shape[1]),
                                     ('y', gaussians['y'], syy, shape[0])):
        low, high = np.full(n, np.inf), np.full(n, -np.inf)
        half = np.sqrt(size)
        np.minimum.at(low, group[shows], (centre - half)[shows])
        np.maximum.at(high, group[shows], (centre + half)[shows])
        for end, edge in (('min', low), ('max', high)):
            pixel = np.clip(np.floor(edge + 0.5), 0, side - 1)
            result[f'bbox_{axis}{end}'] = pixel.astype(int)
    return result
