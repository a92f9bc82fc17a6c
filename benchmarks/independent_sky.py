"""
Skies to judge detectors with, written apart from the simulator they are trained on.

Nothing here comes from `astrofound.datasets`: other source shapes, other noise synthesis,
other artefacts, so that a detector cannot have learnt this code's habits. Only numpy, scipy
and astropy are used.

    python benchmarks/independent_sky.py radio sky.fits --seed 1 --size 4096
    python benchmarks/independent_sky.py optical sky.fits --seed 1 --size 2048

writes ``sky.fits`` and ``sky_truth.fits`` (tables TRUTH and COMPONENTS, true noise in RMS).
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS
from scipy import fft, ndimage, signal

__all__ = ['IndependentSky', 'make_optical', 'make_radio']

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
CLASSES = {'point': 'point', 'gaussian': 'extended', 'double': 'multi', 'diffuse': 'extended',
           'star': 'point', 'galaxy': 'extended'}

RADIO_RMS = 20e-6                   # Jy / beam at the field centre
RADIO_BEAM = (4.4, 3.7, 25.0)       # FWHM in pixels and angle from +x in degrees
RADIO_PIXEL = 1.5                   # arcsec
RADIO_DENSITY = 3.82e-4             # sources brighter than 2 sigma a pixel of the circular field
OPTICAL_FWHM = 3.5
OPTICAL_BETA = 3.0
OPTICAL_PIXEL = 0.2
OPTICAL_RMS = 12.0                  # counts
OPTICAL_SKY = 850.0
OPTICAL_FULL_WELL = 45000.0
OPTICAL_DENSITY = 4.4e-4            # sources a pixel


@dataclass(frozen=True)
class IndependentSky:
    """A simulated image with what is really in it."""

    data: np.ndarray
    rms: np.ndarray
    header: fits.Header
    truth: QTable
    components: QTable

    def write(self, path):
        """Write the image to ``path`` and tables and noise map to ``<stem>_truth.fits``."""
        path = Path(path)
        fits.PrimaryHDU(self.data, self.header).writeto(path, overwrite=True)
        tables = [fits.BinTableHDU(table, name=name)
                  for table, name in ((self.truth, 'TRUTH'), (self.components, 'COMPONENTS'))]
        rms = fits.ImageHDU(self.rms, self.header, name='RMS')
        fits.HDUList([fits.PrimaryHDU(), *tables, rms]).writeto(
            path.with_name(f'{path.stem}_truth.fits'), overwrite=True)
        return path


# --------------------------------------------------------------------------- radio

def power_law(rng, low, high, size):
    """Draw from dN/dS ~ S^-2 between two limits: 1/S is then uniform."""
    return 1 / rng.uniform(1 / high, 1 / low, size)


def covariance(major, minor, theta):
    """Turn FWHMs and an angle in degrees into (cxx, cxy, cyy)."""
    a, b = major / FWHM_PER_SIGMA, minor / FWHM_PER_SIGMA
    c, s = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    return np.array([a * a * c * c + b * b * s * s, (a * a - b * b) * s * c,
                     a * a * s * s + b * b * c * c])


def principal_axes(cov):
    """Turn (cxx, cxy, cyy) into FWHM major, minor and the angle in degrees."""
    mean, half = 0.5 * (cov[0] + cov[2]), 0.5 * (cov[0] - cov[2])
    spread = np.hypot(half, cov[1])
    axes = FWHM_PER_SIGMA * np.sqrt(np.maximum([mean + spread, mean - spread], 0))
    return axes[0], axes[1], np.degrees(0.5 * np.arctan2(cov[1], half)) % 180


def add_gaussian(image, x, y, flux, cov_intrinsic, cov_beam):
    """Add a component seen through the beam; return its peak in flux per beam."""
    cov = cov_intrinsic + cov_beam
    det = cov[0] * cov[2] - cov[1] ** 2
    peak = flux * np.sqrt((cov_beam[0] * cov_beam[2] - cov_beam[1] ** 2) / det)
    # bright sources are drawn until their wings are far under the noise
    reach = max(4.5, np.sqrt(2 * np.log(max(peak / RADIO_RMS, 1) * 100)))
    half_x, half_y = reach * np.sqrt(cov[0]), reach * np.sqrt(cov[2])
    ny, nx = image.shape
    x0, x1 = max(int(x - half_x), 0), min(int(x + half_x) + 2, nx)
    y0, y1 = max(int(y - half_y), 0), min(int(y + half_y) + 2, ny)
    if x0 < x1 and y0 < y1:
        dx = np.arange(x0, x1) - x
        dy = (np.arange(y0, y1) - y)[:, None]
        form = (cov[2] * dx ** 2 - 2 * cov[1] * dx * dy + cov[0] * dy ** 2) / det
        image[y0:y1, x0:x1] += peak * np.exp(-0.5 * form)
    return peak


def jet_chain(rng, x, y, length, angle, width, flux):
    """Lay a jet as a bending row of small components, fainter outwards."""
    n = max(int(length / width), 3)
    bend = rng.normal(0, 0.25)
    weight = np.exp(-np.linspace(0, 2, n))
    weight *= flux / weight.sum()
    rows = []
    for i, share in enumerate(weight):
        step = (i + 0.7) / (n + 0.7) * length
        heading = angle + bend * (i / n) ** 2
        rows.append((x + step * np.cos(heading), y + step * np.sin(heading), share,
                     1.6 * width, 0.5 * width, np.degrees(heading) % 180))
    return rows, heading


def double_components(rng, fwhm, x, y):
    """Components of unit total flux (x, y, flux, major, minor, theta) of a radio galaxy."""
    arm = fwhm * np.exp(rng.uniform(np.log(2.2), np.log(14)))
    axis = rng.uniform(0, np.pi)
    core = rng.uniform(0.03, 0.2) if rng.random() < 0.7 else 0.0
    jets = rng.uniform(0.05, 0.25)
    first = rng.uniform(0.3, 0.7)
    jet_side = rng.uniform(0.3, 0.7)
    rows = [(x, y, core, 0.0, 0.0, 0.0)] if core else []
    lobes = 1 - core - jets
    peaks = len(rows)
    for side, share, jet in ((0, first, jet_side), (1, 1 - first, 1 - jet_side)):
        length = arm * rng.uniform(0.75, 1.25)
        chain, heading = jet_chain(rng, x, y, length, axis + side * np.pi, 0.8 * fwhm, jets * jet)
        rows += chain
        # a hot spot at the end, its cocoon behind it
        end_x, end_y = x + length * np.cos(heading), y + length * np.sin(heading)
        hot = rng.uniform(0.35, 0.8)
        size = rng.uniform(0.3, 1.2) * fwhm
        rows.append((end_x, end_y, lobes * share * hot, size, 0.7 * size, rng.uniform(0, 180)))
        back = rng.uniform(0.08, 0.3)
        rows.append((x + (1 - back) * (end_x - x), y + (1 - back) * (end_y - y),
                     lobes * share * (1 - hot), rng.uniform(0.35, 0.7) * arm + 0.5 * fwhm,
                     rng.uniform(0.15, 0.35) * arm + 0.3 * fwhm, np.degrees(heading) % 180))
        peaks += 1
    return rows, peaks


def radio_population(rng, n, fwhm):
    """Yield kind, brightness in sigma and a list of components around (0, 0)."""
    kinds = rng.choice(['point', 'gaussian', 'double', 'diffuse'], n, p=[0.7, 0.2, 0.07, 0.03])
    level = power_law(rng, 2, 1e4, n)
    for kind, sigma in zip(kinds, level, strict=True):
        peaks = 1
        if kind == 'point':
            rows = [(0.0, 0.0, 1.0, 0.0, 0.0, 0.0)]
        elif kind == 'gaussian':
            major = fwhm * np.exp(rng.uniform(np.log(0.4), np.log(4)))
            rows = [(0.0, 0.0, 1.0, major, major * rng.uniform(0.3, 1), rng.uniform(0, 180))]
        elif kind == 'double':
            rows, peaks = double_components(rng, fwhm, 0.0, 0.0)
        else:
            sigma = power_law(rng, 1.2, 15, None)   # surface brightness, low by nature
            rows, peaks = diffuse_components(rng, fwhm), 1
        yield kind, sigma, rows, peaks


def diffuse_components(rng, fwhm):
    """A halo or relic: a few broad overlapping components, no bright peak."""
    size = fwhm * np.exp(rng.uniform(np.log(4), np.log(16)))
    ratio, theta = rng.uniform(0.25, 1), rng.uniform(0, 180)
    rows = []
    shares = rng.dirichlet(np.full(4, 3.0))
    for share in shares:
        along, across = rng.normal(0, 0.22 * size), rng.normal(0, 0.22 * size * ratio)
        c, s = np.cos(np.radians(theta)), np.sin(np.radians(theta))
        scale = rng.uniform(0.6, 1.0)
        rows.append((along * c - across * s, along * s + across * c, share, size * scale,
                     size * scale * ratio, theta))
    return rows


def correlated_noise(rng, shape, cov_beam):
    """
    Noise of unit rms whose autocorrelation is the beam.

    White noise through a kernel of beam / sqrt(2), as natural weighting gives: the power
    spectrum of the noise is the transform of the beam.
    """
    ny, nx = shape
    white = fft.rfft2(rng.standard_normal((ny, nx), dtype=np.float32), workers=-1)
    ky = (2 * np.pi * fft.fftfreq(ny)).astype(np.float32)[:, None]
    kx = (2 * np.pi * fft.rfftfreq(nx)).astype(np.float32)
    half = cov_beam / 2
    white *= np.exp(-0.5 * (half[0] * kx ** 2 + 2 * half[1] * kx * ky + half[2] * ky ** 2))
    noise = fft.irfft2(white, s=shape, workers=-1)
    return noise / noise.std()


def radio_rms(rng, shape):
    """True noise: 30 % slow variation, rising to the edge of a circle; NaN outside it."""
    ny, nx = shape
    small = (max(ny // 32, 8), max(nx // 32, 8))
    slow = ndimage.gaussian_filter(rng.standard_normal(small), max(small) / 12, mode='wrap')
    slow = ndimage.zoom(slow / slow.std(), (ny / small[0], nx / small[1]), order=1)[:ny, :nx]
    y = (np.arange(ny) - 0.5 * (ny - 1))[:, None]
    x = np.arange(nx) - 0.5 * (nx - 1)
    radius = np.hypot(x / (0.49 * nx), y / (0.49 * ny)).astype(np.float32)
    attenuation = np.exp(-1.1 * radius ** 2)        # 0.33 at the edge
    rms = RADIO_RMS * np.exp(0.3 * np.clip(slow, -2.5, 2.5)) / attenuation
    rms[radius > 1] = np.nan
    return rms.astype(np.float32)


def add_sidelobes(rng, image, x, y, peak, fwhm):
    """Rings with spokes, 1-3 % of the peak, fading outwards."""
    reach = fwhm * rng.uniform(6, 14)
    ny, nx = image.shape
    x0, x1 = max(int(x - 4 * reach), 0), min(int(x + 4 * reach), nx)
    y0, y1 = max(int(y - 4 * reach), 0), min(int(y + 4 * reach), ny)
    dx = np.arange(x0, x1) - x
    dy = (np.arange(y0, y1) - y)[:, None]
    r, phi = np.hypot(dx, dy), np.arctan2(dy, dx)
    spacing = fwhm * rng.uniform(2.5, 5)
    rings = np.cos(2 * np.pi * r / spacing + rng.uniform(0, 2 * np.pi))
    n_arms = rng.choice([3, 6, 9, 27])              # VLA snapshots leave three double arms
    arms = np.abs(np.cos(0.5 * n_arms * (phi - rng.uniform(0, np.pi)))) ** 12
    hole = 1 - np.exp(-(r / (2 * fwhm)) ** 4)
    pattern = np.exp(-r / reach) * (0.5 * rings + 0.5 * arms * rings)
    pattern += np.exp(-0.6 * r / reach) * arms * (0.2 + 0.4 * rings)
    level = rng.uniform(0.01, 0.03) * peak
    image[y0:y1, x0:x1] += level * hole * pattern


def place(rng, rms):
    """A random position inside the observed field."""
    ny, nx = rms.shape
    while True:
        x, y = rng.uniform(0, nx - 1), rng.uniform(0, ny - 1)
        if np.isfinite(rms[round(y), round(x)]):
            return x, y


def make_radio(shape=(4096, 4096), *, seed=0, density=RADIO_DENSITY):
    """
    Simulate an interferometric mosaic with its truth.

    Parameters
    ----------
    shape : tuple of int, optional
        ``(ny, nx)``.
    seed : int, optional
        Same seed, same sky.
    density : float, optional
        Sources a pixel of the field; the default gives about 1179 at S/N >= 5 on 4096x4096.

    Returns
    -------
    sky : `IndependentSky`
        Image in Jy/beam, NaN outside a circular field.
    """
    rng = np.random.default_rng([seed, 20825])
    major, minor, theta = RADIO_BEAM
    fwhm, cov_beam = np.sqrt(major * minor), covariance(major, minor, theta)
    rms = radio_rms(rng, shape)
    sky = np.zeros(shape, dtype=np.float32)
    rows, parts = [], []
    n = rng.poisson(density * np.isfinite(rms).sum())
    for kind, sigma, components, peaks in radio_population(rng, n, fwhm):
        x, y = place(rng, rms)
        scale = sigma * RADIO_RMS / brightest(components, cov_beam)
        placed = [(x + c[0], y + c[1], c[2] * scale, *c[3:]) for c in components]
        rows.append(draw_source(sky, rms, placed, cov_beam, kind, peaks))
        parts += [(len(rows), *c) for c in placed]
    header = radio_header(shape)
    truth = finish_truth(rows, header, RADIO_PIXEL, u.Jy / u.beam, u.Jy)
    order = np.argsort(-truth['peak_flux'].value)[:max(6, n // 350)]
    for i in order[truth['snr'][order] > 150]:
        add_sidelobes(rng, sky, truth['x_centroid'][i], truth['y_centroid'][i],
                      truth['peak_flux'][i].value, fwhm)
    sky += correlated_noise(rng, shape, cov_beam) * rms
    names = ('source_id', 'x_centroid', 'y_centroid', 'flux', 'major', 'minor', 'theta')
    return IndependentSky(sky, rms, header, truth, QTable(rows=parts, names=names))


def brightest(components, cov_beam):
    """Peak of the whole source for the given component fluxes, found on a coarse grid."""
    x = np.array([c[0] for c in components])
    y = np.array([c[1] for c in components])
    total = np.zeros(len(components))
    area = np.sqrt(cov_beam[0] * cov_beam[2] - cov_beam[1] ** 2)
    for c in components:
        cov = covariance(*c[3:]) + cov_beam
        det = cov[0] * cov[2] - cov[1] ** 2
        form = (cov[2] * (x - c[0]) ** 2 - 2 * cov[1] * (x - c[0]) * (y - c[1])
                + cov[0] * (y - c[1]) ** 2) / det
        total += c[2] * area / np.sqrt(det) * np.exp(-0.5 * form)
    return total.max()


def draw_source(sky, rms, components, cov_beam, kind, peaks):
    """Add one source to the sky and return its truth row."""
    flux = np.array([c[2] for c in components])
    x = np.array([c[0] for c in components])
    y = np.array([c[1] for c in components])
    covs = np.array([covariance(*c[3:]) for c in components])
    for c, cov in zip(components, covs, strict=True):
        add_gaussian(sky, c[0], c[1], c[2], cov, cov_beam)
    weight = flux / flux.sum()
    xc, yc = weight @ x, weight @ y
    moments = weight @ covs + [weight @ (x - xc) ** 2, weight @ ((x - xc) * (y - yc)),
                               weight @ (y - yc) ** 2]
    half_x = FWHM_PER_SIGMA / 2 * np.sqrt(covs[:, 0] + cov_beam[0]) * 2
    half_y = FWHM_PER_SIGMA / 2 * np.sqrt(covs[:, 2] + cov_beam[2]) * 2
    ny, nx = sky.shape
    noise = local_value(rms, xc, yc)
    peak = brightest(components, cov_beam)
    squeeze = np.sqrt(np.prod(np.linalg.eigvalsh(matrix(cov_beam))
                              / np.linalg.eigvalsh(matrix(cov_beam + 2 * moments))))
    major, minor, theta = principal_axes(moments)
    return {'x_centroid': xc, 'y_centroid': yc, 'flux': flux.sum(), 'peak_flux': peak,
            'major': major, 'minor': minor, 'theta': theta, 'kind': kind, 'n_components': peaks,
            'bbox_xmin': max(int(np.floor((x - half_x).min() + 0.5)), 0),
            'bbox_xmax': min(int(np.floor((x + half_x).max() + 0.5)), nx - 1),
            'bbox_ymin': max(int(np.floor((y - half_y).min() + 0.5)), 0),
            'bbox_ymax': min(int(np.floor((y + half_y).max() + 0.5)), ny - 1),
            'snr': peak / noise, 'snr_matched': flux.sum() / noise * np.sqrt(squeeze)}


def matrix(cov):
    """(cxx, cxy, cyy) as a 2x2 matrix."""
    return np.array([[cov[0], cov[1]], [cov[1], cov[2]]])


def local_value(rms, x, y):
    """True noise at a position, at the field edge the last finite one."""
    ny, nx = rms.shape
    value = rms[int(np.clip(round(y), 0, ny - 1)), int(np.clip(round(x), 0, nx - 1))]
    return value if np.isfinite(value) else np.nanmax(rms)


def finish_truth(rows, header, pixel, peak_unit, flux_unit):
    """Add sky positions, units and the contract's column order."""
    table = QTable(rows=rows)
    sky = WCS(header).pixel_to_world(table['x_centroid'], table['y_centroid'])
    out = QTable()
    out['id'] = np.arange(1, len(table) + 1)
    out['ra'], out['dec'] = sky.ra, sky.dec
    out['x_centroid'], out['y_centroid'] = table['x_centroid'], table['y_centroid']
    out['flux'] = table['flux'] * flux_unit
    out['peak_flux'] = table['peak_flux'] * peak_unit
    for name in ('major', 'minor'):
        out[name] = table[name] * pixel * u.arcsec
    out['pa_sky'] = (table['theta'] - 90) % 180 * u.deg     # north is up and east to the left
    out['class_name'] = [CLASSES[kind] for kind in table['kind']]
    for name in ('kind', 'n_components', 'bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax',
                 'snr', 'snr_matched'):
        out[name] = table[name]
    return out


def base_header(shape, projection, pixel, ra, dec, unit):
    """A plain celestial header, north up."""
    header = fits.Header()
    ny, nx = shape
    for axis, name, value, size, sign in ((1, 'RA--', ra, nx, -1), (2, 'DEC-', dec, ny, 1)):
        header[f'CTYPE{axis}'] = f'{name}-{projection}'
        header[f'CRVAL{axis}'] = value
        header[f'CRPIX{axis}'] = 0.5 * (size + 1)
        header[f'CDELT{axis}'] = sign * pixel / 3600
        header[f'CUNIT{axis}'] = 'deg'
    header['RADESYS'] = 'ICRS'
    header['BUNIT'] = unit
    return header


def radio_header(shape):
    """SIN header with the beam."""
    header = base_header(shape, 'SIN', RADIO_PIXEL, 187.5, 32.0, 'Jy/beam')
    header['BMAJ'] = RADIO_BEAM[0] * RADIO_PIXEL / 3600
    header['BMIN'] = RADIO_BEAM[1] * RADIO_PIXEL / 3600
    header['BPA'] = (RADIO_BEAM[2] - 90) % 180
    header['RESTFRQ'] = 1.4e9
    return header


# --------------------------------------------------------------------------- optical

def moffat(size, x, y):
    """A Moffat profile of unit sum of the seeing FWHM, centred on (x, y) of a square stamp."""
    alpha = OPTICAL_FWHM / (2 * np.sqrt(2 ** (1 / OPTICAL_BETA) - 1))
    dx, dy = np.arange(size) - x, (np.arange(size) - y)[:, None]
    norm = (OPTICAL_BETA - 1) / (np.pi * alpha ** 2)
    return norm * (1 + (dx ** 2 + dy ** 2) / alpha ** 2) ** -OPTICAL_BETA


def sersic(size, x, y, index, radius, ratio, theta):
    """A Sersic profile of unit sum, five samples a pixel side so that the cusp is right."""
    fine = 5
    grid = (np.arange(size * fine) + 0.5) / fine - 0.5
    c, s = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    dx, dy = grid - x, (grid - y)[:, None]
    along, across = dx * c + dy * s, (dy * c - dx * s) / ratio
    b = 2 * index - 1 / 3 + 4 / (405 * index)       # Ciotti & Bertin 1999
    profile = np.exp(-b * ((np.hypot(along, across) / radius) ** (1 / index) - 1))
    profile = profile.reshape(size, fine, size, fine).sum(axis=(1, 3))
    return profile / profile.sum()


def stamp_of(rng, kind, flux):
    """One optical source on a stamp: the stamp, centre, size FWHM, ratio and angle."""
    offset_x, offset_y = rng.uniform(-0.5, 0.5, 2)
    if kind == 'star':
        # the wings of bright stars reach far: out to where they fall under 0.03 rms
        half = int(np.clip(6 * (flux / (0.03 * OPTICAL_RMS)) ** (1 / (2 * OPTICAL_BETA)), 12, 250))
        stamp = flux * moffat(2 * half + 1, half + offset_x, half + offset_y)
        return stamp, half, offset_x, offset_y, 0.0, 1.0, 0.0
    index, ratio = rng.uniform(1, 4), rng.uniform(0.25, 1)
    radius = np.exp(rng.normal(np.log(2.5), 0.5)) * (flux / 2000) ** 0.15
    theta = rng.uniform(0, 180)
    half = int(np.clip(8 * radius, 16, 120))
    model = sersic(2 * half + 1, half + offset_x, half + offset_y, index, radius, ratio, theta)
    stamp = signal.fftconvolve(model, moffat(2 * half + 1, half, half), mode='same')
    return flux * stamp, half, offset_x, offset_y, 2 * radius, ratio, theta


def add_stamp(image, stamp, x, y):
    """Add a stamp whose corner lies at (x, y), clipped to the image."""
    ny, nx = image.shape
    size = stamp.shape[0]
    x0, x1, y0, y1 = max(x, 0), min(x + size, nx), max(y, 0), min(y + size, ny)
    if x0 < x1 and y0 < y1:
        image[y0:y1, x0:x1] += stamp[y0 - y:y1 - y, x0 - x:x1 - x]


def optical_row(rng, image, kind, flux):
    """Draw one source and return its truth row."""
    ny, nx = image.shape
    xi, yi = int(rng.integers(0, nx)), int(rng.integers(0, ny))
    stamp, half, dx, dy, size, ratio, theta = stamp_of(rng, kind, flux)
    add_stamp(image, stamp, xi - half, yi - half)
    width_x, width_y = bbox_half(size, ratio, theta)
    x, y, peak = xi + dx, yi + dy, stamp.max()
    # the signal to noise of the best filter for white noise
    return {'x_centroid': x, 'y_centroid': y, 'flux': flux, 'peak_flux': peak, 'major': size,
            'minor': size * ratio, 'theta': theta, 'kind': kind, 'n_components': 1,
            'bbox_xmin': max(round(x - width_x), 0),
            'bbox_xmax': min(round(x + width_x), nx - 1),
            'bbox_ymin': max(round(y - width_y), 0),
            'bbox_ymax': min(round(y + width_y), ny - 1),
            'snr': peak / OPTICAL_RMS,
            'snr_matched': np.sqrt((stamp ** 2).sum()) / OPTICAL_RMS}


def bbox_half(size, ratio, theta):
    """Half-widths of centre +- FWHM with the seeing added in quadrature."""
    cov = covariance(size, size * ratio, theta) + covariance(OPTICAL_FWHM, OPTICAL_FWHM, 0)
    return FWHM_PER_SIGMA * np.sqrt(cov[0]), FWHM_PER_SIGMA * np.sqrt(cov[2])


def bleed(image):
    """Clip at full well and let the surplus run along the columns."""
    surplus = image - OPTICAL_FULL_WELL
    ny = image.shape[0]
    for column in np.unique(np.nonzero(surplus > 0)[1]):
        rows = np.nonzero(surplus[:, column] > 0)[0]
        charge = surplus[rows, column].sum()
        length = int(min(0.5 * charge / OPTICAL_FULL_WELL, 200))
        low, high = max(rows.min() - length, 0), min(rows.max() + length + 1, ny)
        image[low:high, column] = OPTICAL_FULL_WELL
    np.minimum(image, OPTICAL_FULL_WELL, out=image)


def make_optical(shape=(2048, 2048), *, seed=0, density=OPTICAL_DENSITY):
    """
    Simulate a CCD frame: stars, galaxies, saturation trails and a sky gradient.

    Parameters
    ----------
    shape : tuple of int, optional
        ``(ny, nx)``.
    seed : int, optional
        Same seed, same sky.
    density : float, optional
        Sources a pixel.

    Returns
    -------
    sky : `IndependentSky`
        Image in counts.
    """
    rng = np.random.default_rng([seed, 73331])
    sky = np.zeros(shape, dtype=np.float32)
    n = rng.poisson(density * sky.size)
    kinds = np.where(rng.random(n) < 0.45, 'star', 'galaxy')
    flux = 9 * OPTICAL_RMS * OPTICAL_FWHM * rng.uniform(1e-4, 1, n) ** -1.1
    # a handful of stars over full well, whose unclipped peak is 1 to 20 times as high
    n_saturated = max(rng.poisson(2e-6 * sky.size), 1)
    peak = OPTICAL_FULL_WELL * np.exp(rng.uniform(0, np.log(20), n_saturated))
    kinds = np.append(kinds, np.full(n_saturated, 'star'))
    flux = np.append(flux, peak / moffat(3, 1, 1).max())
    rows = [optical_row(rng, sky, *source) for source in zip(kinds, flux, strict=True)]
    ny, nx = shape
    y, x = np.linspace(-1, 1, ny)[:, None], np.linspace(-1, 1, nx)
    slope = rng.uniform(-0.05, 0.05, 2)
    bow = rng.uniform(-0.03, 0.03)
    level = OPTICAL_SKY * (1 + slope[0] * x + slope[1] * y + bow * (x ** 2 + y ** 2))
    gain = OPTICAL_SKY / OPTICAL_RMS ** 2           # so that the empty sky has the stated rms
    rms = np.sqrt((level + sky) / gain).astype(np.float32)
    image = (level + sky + rms * rng.standard_normal(shape)).astype(np.float32)
    bleed(image)
    header = base_header(shape, 'TAN', OPTICAL_PIXEL, 150.1, 2.2, 'ct')
    truth = finish_truth(rows, header, OPTICAL_PIXEL, u.ct, u.ct)
    sky_rms = np.sqrt(level / gain).astype(np.float32)
    names = ('source_id', 'x_centroid', 'y_centroid', 'flux')
    components = QTable([truth['id'], truth['x_centroid'], truth['y_centroid'],
                         truth['flux'].value], names=names)
    return IndependentSky(image, np.broadcast_to(sky_rms, shape).copy(), header, truth, components)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('kind', choices=['radio', 'optical'])
    parser.add_argument('output')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--size', type=int, default=None)
    arguments = parser.parse_args()
    make, size = (make_radio, 4096) if arguments.kind == 'radio' else (make_optical, 2048)
    size = arguments.size or size
    sky = make((size, size), seed=arguments.seed)
    sky.write(arguments.output)
    strong = sky.truth['snr'] >= 5
    print(f'{arguments.output}: {len(sky.truth)} sources, {strong.sum()} at S/N >= 5')


if __name__ == '__main__':
    main()
