"""Numbers that describe the form of a source: concentration, asymmetry, Gini, M20, winding."""

import numpy as np
from astropy.table import Table
from scipy import ndimage

from ..utils import InputError
from .ellipse_frame import as_bands, fit_frame
from .winding import MODES, unwrap, winding_power

__all__ = ['SHAPES', 'measure_shapes']

_LEVELS = (60, 30, 15, 7)  # isophotes, in per cent of the peak
_ZONES = {'inner': (0.0, 0.7), 'middle': (0.7, 1.5), 'outer': (1.5, 3.0)}  # in sigma
_AROUND = 8.0  # sigma within which companions count
_GRAIN = (1, 2, 4)  # pixels
_RADII = ((80, 20), (90, 50), (50, 20))  # that hold so many per cent of the light
_BORDER = 16  # strips of sky are as wide as a side over this

#: What `measure_shapes` measures, by name.
SHAPES = {
    'log_size': 'ln of the major sigma over the side of the image',
    'axis_ratio': 'minor over major sigma',
    'log_peak_snr': 'ln of the brightest pixel over the noise',
    **{f'grain_{lag}': f'correlation of sky pixels {lag} apart' for lag in _GRAIN},
    'half_light_radius': 'elliptical radius of half the light, in sigma',
    **{f'concentration_{outer}_{inner}':
       f'ln of the ratio of the radii that hold {outer} and {inner} per cent of the light'
       for outer, inner in _RADII},
    **{f'{name}_{level}': f'{text} at {level} per cent of the peak' for level in _LEVELS
       for name, text in (
           ('axis_ratio', 'axis ratio of the isophote'),
           ('log_area', 'ln of its share of the image'),
           ('filling', 'its area over that of an ellipse of its moments'),
           ('offset', 'of its middle from the centre, in sigma'),
           ('companions', 'ln of 1 and the light of other islands in per cent'))},
    'n_peaks': 'maxima above 15 per cent of the peak, 6 at most',
    'second_peak': 'height of the next maximum over the peak',
    'second_distance': 'its distance in sigma, 8 if there is none',
    'central_peak': 'the peak over the brightest pixel',
    'gini': 'Gini coefficient of the pixels',
    'm20': 'lg of the second moment of the brightest fifth over the whole, at least -3',
    'asymmetry': 'change by half a turn within 3.5 sigma',
    'asymmetry_inner': 'change by half a turn within 1.5 sigma',
    'clumpiness': 'share of the light in small structure, 0.7 to 3.5 sigma',
    **{f'{band}_band_{zone}': f'share of the light in the {band} band, {low} to {high} sigma'
       for zone, (low, high) in _ZONES.items() for band in ('first', 'last')},
    'colour_scatter': 'of first less last band over their mean, within 2 sigma',
    'colour_shift': 'between the centres of first and last band, in sigma',
    'fall_inner': 'ln of the mean light farther out over that at the centre',
    'fall_outer': 'ln of the mean light outside over that inside',
    **{f'mode_{mode}_{zone}': f'ln of the Fourier mode {mode} of the relative light'
       for mode in range(1, 5) for zone in ('inner', 'outer')},
    **{f'{name}_{mode}': text.format(f'{mode} arms') for mode in (*MODES, 'all')
       for name, text in (('arms', 'ln of the power of {}'), ('wound', 'how surely {} wind'),
                          ('winding', 'sense of {}: 1 from x towards y outwards'))},
}


def measure_shapes(images):
    """
    Describe the form of the source in the middle of each image by numbers.

    What astronomers measured before there were networks: concentration and asymmetry [1]_,
    Gini coefficient and M20 [2]_, ellipticity and companions at four isophotes, colours in three
    zones, and the Fourier modes of arms with the sense in which they wind [3]_. Every number is
    the same for an image that is turned; those that begin with ``winding`` change their sign in
    a mirror, all others stay.

    Parameters
    ----------
    images : sequence of array
        Each of shape ``(ny, nx)`` or ``(n_bands, ny, nx)``, at least 16 pixels a side, in any
        unit that rises with the light, the source in the middle, sky at the border. NaN is
        blank sky.

    Returns
    -------
    shapes : `~astropy.table.Table`
        One row an image, columns as in ``SHAPES``. All are finite, also where there is no light
        at all; with one band there are no colours, and theirs are constant.

    Raises
    ------
    InputError
        If there are none, or one is too small.

    References
    ----------
    .. [1] Conselice 2003, ApJS 147, 1.
    .. [2] Lotz, Primack & Madau 2004, AJ 128, 163.
    .. [3] Davis et al. 2012, ApJS 199, 33.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.catalog import measure_shapes
    >>> x, y = np.meshgrid(np.arange(48.0) - 24, np.arange(48.0) - 24)
    >>> disc = np.exp(-np.hypot(x, 2 * y) / 6)
    >>> shapes = measure_shapes([disc, np.roll(disc, 1, axis=0)])
    >>> bool(np.all(np.abs(shapes['axis_ratio'] - 0.5) < 0.05))
    True
    """
    rows = []
    for index, image in enumerate(images):
        bands = as_bands(image)
        if min(bands.shape[1:]) < 16:
            raise InputError(f'image {index} has {bands.shape[1]} x {bands.shape[2]} pixels; '
                             'shapes are measured from 16 on')
        rows.append(_measure(bands))
    if not rows:
        raise InputError('there are no images to measure')
    values = np.nan_to_num(np.array(rows), nan=0.0, posinf=0.0, neginf=0.0)
    table = Table(values, names=list(SHAPES))
    for name, description in SHAPES.items():
        table[name].description = description
    return table


def _measure(bands):
    """Values in the order of ``SHAPES``."""
    frame = fit_frame(bands)
    with np.errstate(divide='ignore', invalid='ignore'):  # no light: not finite, then 0
        found = {**_sizes(frame), **_growth(frame), **_isophotes(frame), **_peaks(frame),
                 **_texture(frame), **_colours(frame), **_arms(frame)}
    return [found[name] for name in SHAPES]


def _sizes(frame):
    (minor, major), _ = frame.axes
    light = frame.light
    width = max(2, max(light.shape) // _BORDER)
    strips = light[:width], light[-width:], light[:, :width].T, light[:, -width:].T
    power = sum((strip**2).mean() for strip in strips)
    return {
        'log_size': np.log(major / max(light.shape)),
        'axis_ratio': minor / major,
        'log_peak_snr': np.log(max(frame.smooth.max(), 1e-9) / frame.noise),
        **{f'grain_{lag}': sum((strip[:, lag:] * strip[:, :-lag]).mean()
                               for strip in strips) / power for lag in _GRAIN}}


def _growth(frame):
    """Elliptical radii that hold given shares of the light within 4 sigma."""
    radius = frame.radius.ravel()
    order = np.argsort(radius)
    order = order[radius[order] < 4]
    total = np.cumsum(frame.light.ravel()[order])
    least = 0.1 / frame.axes[0][1]  # a tenth of a pixel: the light may all be in one
    held = {share: max(least, radius[order][np.argmax(total >= share / 100 * total[-1])])
            for share in (20, 50, 80, 90)}
    return {'half_light_radius': held[50],
            **{f'concentration_{outer}_{inner}': np.log(held[outer] / held[inner])
               for outer, inner in _RADII}}


def _isophotes(frame):
    y, x = np.rint(frame.centre).astype(int)
    (_, major), _ = frame.axes
    smooth, out = frame.smooth, {}
    for level in _LEVELS:
        islands, _ = ndimage.label(smooth > level / 100 * frame.peak)
        sizes = np.bincount(islands.ravel(), minlength=2)
        own = islands[y, x] or 1 + int(np.argmax(sizes[1:]))
        inside = islands == own
        offsets, area = frame.offsets[:, inside], inside.sum()
        if not area:
            out |= dict.fromkeys((f'{name}_{level}' for name in (
                'axis_ratio', 'log_area', 'filling', 'offset', 'companions')), np.nan)
            continue
        spread = np.cov(offsets, bias=True) + 0.08 * np.eye(2)  # a pixel is no point
        small, large = np.linalg.eigvalsh(spread)
        others = (islands > 0) & ~inside & (frame.radius < _AROUND)
        beside = smooth[others].sum() / smooth[inside].sum()
        out |= {f'axis_ratio_{level}': np.sqrt(small / large),
                f'log_area_{level}': np.log(area / smooth.size),
                f'filling_{level}': area / (4 * np.pi * np.sqrt(small * large)),
                f'offset_{level}': np.hypot(*offsets.mean(axis=1)) / major,
                f'companions_{level}': np.log1p(100 * beside)}
    return out


def _peaks(frame):
    (_, major), _ = frame.axes
    smooth, peak = frame.smooth, frame.peak
    tops = ndimage.maximum_filter(smooth, 1 + 2 * max(1, int(0.25 * major))) == smooth
    tops &= (smooth > 0.15 * peak) & (frame.radius < 6)
    heights, distances = smooth[tops], np.hypot(*frame.offsets[:, tops]) / major
    apart = np.flatnonzero(distances > 0.8)
    second = apart[np.argmax(heights[apart])] if len(apart) else None
    return {'n_peaks': min(len(heights), 6),
            'second_peak': 0.0 if second is None else heights[second] / peak,
            'second_distance': 8.0 if second is None else distances[second],
            'central_peak': peak / smooth.max()}


def _texture(frame):
    smooth, radius = frame.smooth, frame.radius
    (_, major), _ = frame.axes
    source = (radius < 4) & (smooth > 3 * frame.noise)
    if source.sum() < 20:
        source = radius < 2
    turned = ndimage.map_coordinates(smooth, frame.centre[:, None, None] - frame.offsets,
                                     order=1, mode='nearest')
    changes = [np.abs(smooth - turned)[near].sum() / (2 * np.abs(smooth[near]).sum())
               for near in (radius < 3.5, radius < 1.5)]
    fine = np.clip(smooth - ndimage.gaussian_filter(smooth, 0.25 * major), 0, None)
    ring = (radius > 0.7) & (radius < 3.5)
    return {'gini': _gini(np.abs(smooth[source])),
            'm20': _m20(smooth[source], (frame.offsets**2).sum(axis=0)[source]),
            'asymmetry': changes[0], 'asymmetry_inner': changes[1],
            'clumpiness': fine[ring].sum() / smooth[ring].sum()}


def _gini(values):
    values, n = np.sort(values), len(values)
    ranks = np.arange(1, n + 1)
    return np.sum((2 * ranks - n - 1) * values) / (values.mean() * n * (n - 1))


def _m20(values, squares):
    order = np.argsort(values)[::-1]
    values, moments = values[order], (values * squares)[order]
    n_brightest = np.searchsorted(np.cumsum(values), 0.2 * values.sum()) + 1
    # One pixel may hold a fifth of all: its moment is 0.
    return np.log10(max(moments[:n_brightest].sum() / moments.sum(), 1e-3))


def _colours(frame):
    bands, radius = frame.bands, frame.radius
    out = {}
    for zone, (low, high) in _ZONES.items():
        light = bands[:, (radius >= low) & (radius < high)].sum(axis=1)
        shares = light / np.abs(light).sum()
        out |= {f'first_band_{zone}': shares[0], f'last_band_{zone}': shares[-1]}
    near = radius < 2
    (_, major), _ = frame.axes
    colour = (bands[0] - bands[-1]) / (len(bands) * (frame.light + 2 * frame.noise))
    first, last = ((frame.offsets * band)[:, near].sum(axis=1) / band[near].sum()
                   for band in (bands[0], bands[-1]))
    return {**out, 'colour_scatter': colour[near].std(),
            'colour_shift': np.hypot(*(first - last)) / major}


def _arms(frame):
    polar = unwrap(frame)
    profile = polar.mean(axis=1)
    centre, middle, outside = np.abs(profile[[0, 8, 30]]) + 0.2 * frame.noise
    out = {'fall_inner': np.log(middle / centre), 'fall_outer': np.log(outside / middle)}
    relative = polar / (profile[:, None] + 0.03 * frame.peak)
    modes = np.abs(np.fft.fft(relative, axis=1))[:, 1:5] / polar.shape[1]
    half = len(polar) // 2
    for mode, values in enumerate(modes.T, 1):
        out |= {f'mode_{mode}_inner': np.log(values[:half].mean() + 1e-3),
                f'mode_{mode}_outer': np.log(values[half:].mean() + 1e-3)}
    power = winding_power(polar / frame.peak)
    for mode, (one, other) in zip((*MODES, 'all'), (*power, power.sum(axis=0)), strict=True):
        sense = (one - other) / (one + other + 1e-9)
        out |= {f'arms_{mode}': np.log(one + other + 1e-6),
                f'wound_{mode}': abs(sense), f'winding_{mode}': sense}
    return out
