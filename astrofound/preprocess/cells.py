"""
From the statistics of mesh cells to a background and an rms mesh: no pixels here.

Which cells to believe, how to smooth them up to the rim, and what to put where there is none.
"""

import numpy as np
from scipy import ndimage

from .._kernels.mesh import neighbour_median
from ..utils import InputError

__all__ = ['bright_surroundings', 'clean_cells', 'pad_mesh', 'raised_cells']

_RAISED = 0.2          # least excess over the surroundings, in rms, of a cell in a source
_RAISED_SCATTER = 4.0  # the same in units of the scatter between cells
_STILL_PULLED = 0.7    # see clean_cells
_RAISED_SIGMA = 2.0    # excess, in its own scatter, from which a fine cell counts


def pad_mesh(mesh, *, falling=False):
    """
    Add nodes beyond the edge that carry the slope on.

    A noise map may rise towards an edge by as much again, as where a primary beam is divided
    out, but does not fall: too low an rms makes false sources, too high a one hides few.

    Parameters
    ----------
    mesh : 2D `~numpy.ndarray`
        Cell values.
    falling : bool, optional
        Whether the values may fall towards the edge, and below 0, as a background may.

    Returns
    -------
    padded : 2D `~numpy.ndarray`
        One row and column more on each side.
    """
    mesh = np.pad(mesh, 1, mode='edge')
    for view in (mesh, mesh[::-1], mesh.T, mesh.T[::-1]):
        if len(view) < 4:
            continue  # a single cell has no slope
        step = view[1] - view[2]
        view[0] = view[1] + (step if falling else np.clip(step, 0, view[1]))
    return mesh


def clean_cells(stats, cell_pixels, min_valid):
    """
    Choose the estimator, reject cells filled by sources, smooth and fill the gaps.

    Parameters
    ----------
    stats : 3D `~numpy.ndarray`
        What `mesh_cells` measured in each cell.
    cell_pixels : 2D `~numpy.ndarray`
        Pixels of each cell, blank ones too.
    min_valid : float
        Smallest share of finite pixels that a cell is believed with.

    Returns
    -------
    background, rms : 2D `~numpy.ndarray`
        Finite in every cell; ``rms`` is positive.
    filled : 2D `~numpy.ndarray` of bool
        Cells that took their neighbours' values.

    Raises
    ------
    InputError
        If no pixel is finite or no cell has a spread.
    """
    n_valid = stats[..., 0]
    if not n_valid.any():
        raise InputError('the image has no finite pixel: every one is NaN or masked')
    even, even_rms, low, low_rms = np.moveaxis(stats[..., 1:], -1, 0)
    usable = (even_rms > 0) & (n_valid > 1)
    if not usable.any():
        msg = ('constant image: no noise can be measured where all pixels have one value; '
               "pass 'rms' (--rms) if this is what it should be")
        raise InputError(msg)
    enough = usable & (n_valid >= min_valid * cell_pixels)
    if not enough.any():
        enough = usable & (n_valid >= n_valid[usable].max() / 2)
    # sources in a cell pull the even clip up; one cell's difference is noisy, nine agree
    pull = np.full(even.shape, np.nan)
    np.divide(even - low, low_rms, out=pull, where=enough & (low_rms > 0))
    pull = np.maximum(_median(pull, 1), 0)
    share = np.clip((pull - 0.05) / 0.05, 0, 1)
    share[~(low_rms > 0)] = 0
    # what pulls the even clip reaches below the hard limit too: in simulated crowded fields,
    # radio and optical, by 0.5 to 2.5 times the difference; 0.7 never went too far
    low = low - _STILL_PULLED * np.minimum(pull, 0.3) * low_rms
    level = np.where(enough, even + share * (low - even), np.nan)
    spread = np.where(enough, even_rms + share * (low_rms - even_rms), np.nan)
    level, spread = _reject_raised(level, spread)
    filled = np.isnan(level)
    background = _fill_gaps(np.where(filled, np.nan, _smooth_level(level)))
    spread = _without_slope(spread, background)
    # mirrored as a logarithm it stays positive
    log_rms = np.where(filled, np.nan, _median(np.log(spread), 1, mirror=True))
    rms = np.maximum(np.exp(_fill_gaps(log_rms, 0.25)), np.nanmin(spread))
    return background, rms, filled


def _smooth_level(level):
    """
    Median of 3x3 cells that keeps a slope up to the rim where there is one.

    At the rim the mirrored median is the cell's own value with all its noise, and the plain one
    half a step of the slope away; the larger their difference, the less it is noise.
    """
    plain, mirrored = _median(level, 1), _median(level, 1, mirror=True)
    noise = 2 * 1.4826 * np.nanmedian(np.abs(level - plain))
    square = (mirrored - plain) ** 2
    total = square + noise**2
    return plain + (mirrored - plain) * np.divide(square, total, out=np.ones_like(total),
                                                  where=total > 0)


def _without_slope(spread, background):
    """Take the background's slope across a cell, a uniform spread of its own, off the rms."""
    across = sum(np.gradient(background, axis=axis)**2
                 for axis in (0, 1) if background.shape[axis] > 2)
    return spread * np.sqrt(np.maximum(1 - across / 12 / spread**2, 0.25))


def _reject_raised(level, spread):
    """Blank the cells that stand above their neighbourhood: a source fills them."""
    for _ in range(8):
        flat = level - _lower_plane(level)
        residual = (flat - _median(flat, 3)) / _median(spread, 3)
        scatter = 1.4826 * np.nanmedian(np.abs(residual - np.nanmedian(residual)))
        raised = residual > max(_RAISED, _RAISED_SCATTER * scatter)
        if not raised.any() or raised.sum() >= np.isfinite(level).sum() - 1:
            break
        level, spread = np.where(raised, np.nan, level), np.where(raised, np.nan, spread)
    return level, spread


def _lower_plane(level):
    """Plane through the cells without those above it, so that a gradient is no source."""
    good = np.isfinite(level)
    if min(level.shape) < 3 or good.sum() < 9:
        return 0.0
    y, x = np.indices(level.shape)
    terms = np.stack([np.ones(level.shape), y, x], axis=-1)
    plane = 0.0
    for _ in range(5):
        if np.linalg.matrix_rank(terms[good]) < 3:
            break
        plane = terms @ np.linalg.lstsq(terms[good], level[good], rcond=None)[0]
        residual = level - plane
        scatter = 1.4826 * np.median(np.abs(residual[good] - np.median(residual[good])))
        with np.errstate(invalid='ignore'):
            kept = good & (residual < 2 * scatter)
        if kept.sum() < 6 or (kept == good).all():
            break
        good = kept
    return plane


def _median(mesh, radius, *, mirror=False):
    out = np.empty(mesh.shape)
    neighbour_median(np.ascontiguousarray(mesh, np.float64), radius, mirror, out)
    return out


def _fill_gaps(mesh, slope=0.0):
    """
    Fill NaN cells from their neighbours inwards.

    The first ring carries the slope on, at most by ``slope`` a cell.
    """
    while (empty := np.isnan(mesh)).any():
        padded = np.pad(mesh, 2, constant_values=np.nan)
        n_y, n_x = mesh.shape
        total, count = np.zeros(mesh.shape), np.zeros(mesh.shape)
        for dy, dx in np.ndindex(3, 3):
            near = padded[1 + dy:1 + dy + n_y, 1 + dx:1 + dx + n_x]
            far = padded[2 * dy:2 * dy + n_y, 2 * dx:2 * dx + n_x]
            step = np.nan_to_num(np.clip(near - far, -slope, slope))
            known = np.isfinite(near)
            total += np.where(known, near + step, 0)
            count += known
        mesh = np.where(empty & (count > 0), total / np.maximum(count, 1), mesh)
        slope = 0.0
    return mesh


def bright_surroundings(snr, limit):
    """
    Find the fine cells whose noise may be a bright source's doing: the brighter, the wider.

    Parameters
    ----------
    snr : 2D `~numpy.ndarray`
        Peak S/N of each fine cell.
    limit : float
        S/N from which on a source is bright.

    Returns
    -------
    wanted : 2D `~numpy.ndarray` of bool
        Cells to measure finely.
    """
    wanted = np.zeros(snr.shape, bool)
    # three to twelve cells are about 16 to 65 beams
    for radius in (3, 6, 12):
        bright = snr > limit * (radius / 3) ** 2
        if not bright.any():
            break
        grid = np.hypot(*np.mgrid[-radius:radius + 1, -radius:radius + 1])
        wanted |= ndimage.binary_dilation(bright, grid <= radius)
    return wanted


def raised_cells(fine, coarse, n_pix, fwhm_pix):
    """
    Lay the fine cells that exceed the coarse mesh by more than their own scatter over it.

    Smoothing the fine cells, or giving every one of them a say, was tried: it hides one real
    source in a hundred more and removes no further artefact.

    Parameters
    ----------
    fine, coarse : 2D `~numpy.ndarray`
        Rms of the fine cells, NaN where not measured, and the coarse mesh at their centres.
    n_pix : float
        Pixels in a fine cell.
    fwhm_pix : float
        FWHM of the beam in pixels.

    Returns
    -------
    mesh : 2D `~numpy.ndarray` or None
        Rms in fine cells; `None` where none is raised.
    """
    beam_area = np.pi / (4 * np.log(2)) * fwhm_pix**2
    # only the fainter half of the pixels is used, and one a beam is independent
    n_independent = max(1.0, n_pix / max(1.0, beam_area) / 2)
    fine = np.where(np.isnan(fine), _median(fine, 1), fine)
    with np.errstate(invalid='ignore'):
        raised = fine > coarse * (1 + _RAISED_SIGMA / np.sqrt(2 * n_independent))
    return np.where(raised, fine, coarse) if raised.any() else None
