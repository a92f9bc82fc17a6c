"""Hold out images of sky that no other image shows."""

from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..image import as_survey_image
from ..utils import InputError, check_number

__all__ = ['shared_sky', 'split_sky']

_TOUCH = 0.5  # pixels of overlap up to which two images only touch


def split_sky(data, share=0.2, *, seed=0):
    """
    Hold out images such that none of the others shows the same sky.

    Whole fields are held out where there are several. A field of overlapping tiles is cut by a
    straight line, and tiles that reach over it are left out. Images without a WCS count as
    fields of their own.

    Parameters
    ----------
    data : BoxedImages
        The images.
    share : float, optional
        Share of the images to hold out, at least one.
    seed : int, optional
        Decides which.

    Returns
    -------
    learn, held_out : BoxedImages
        The two parts; ``notes`` of the first say how many images are in neither.

    Raises
    ------
    InputError
        If there are fewer than two images, or every other one shares sky with those held out.
    """
    check_number('share', share, above=0, maximum=0.9)
    n_images = len(data)
    if n_images < 2:
        raise InputError(f'at least two images are needed, one to learn from and one to judge '
                         f'by; got {n_images}')
    pairs, places = shared_sky([data.images[row] for row in range(n_images)])
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(n_images, n_images))
    fields = connected_components(graph, directed=False)[1]
    n_out = min(n_images - 1, max(1, round(share * n_images)))
    out = _choose(fields, places, n_out, np.random.default_rng(seed))
    shared = np.zeros(n_images, bool)
    shared[pairs[out[pairs].any(axis=1)]] = True
    shared &= ~out
    learn = data.select(~out & ~shared)
    if not len(learn):
        raise InputError('every image shares sky with the held-out ones; give images of other sky '
                         'to judge by, as with --held-out')
    if shared.any():
        learn = replace(learn, notes=[*learn.notes, f'{shared.sum()} images left out that share '
                                                    'sky with held-out ones'])
    return learn, data.select(out)


def _choose(fields, places, n_out, rng):
    """Mask of images: whole fields while they fit, then the end of the largest one left."""
    out = np.zeros(len(fields), bool)
    for field in rng.permutation(fields.max() + 1):
        own = fields == field
        if out.sum() + own.sum() <= n_out:
            out |= own
    if out.sum() < 0.5 * n_out:
        left = np.bincount(fields[~out])
        rows = np.flatnonzero((fields == left.argmax()) & ~out)
        away = places[rows] - places[rows].mean(axis=0)
        along = away @ np.linalg.svd(away, full_matrices=False)[2][0]
        order = np.argsort(along if rng.integers(2) else -along, kind='stable')
        out[rows[order[:n_out - int(out.sum())]]] = True
    return out


def shared_sky(images):
    """
    Find images that show the same sky.

    Parameters
    ----------
    images : sequence
        Of anything that `~astrofound.image.as_survey_image` takes.

    Returns
    -------
    pairs : 2D `~numpy.ndarray` of int
        ``(n, 2)`` numbers of images of which pixels overlap.
    places : 2D `~numpy.ndarray`
        ``(n_images, 3)`` unit vectors to their middles; NaN without a WCS.
    """
    frames, places = [], np.full((len(images), 3), np.nan)
    corners, reach = np.full((len(images), 4, 3), np.nan), np.zeros(len(images))
    for row, image in enumerate(images):
        image = as_survey_image(image)
        ny, nx = image.shape
        frames.append((image.wcs, nx, ny))
        if image.wcs is None:
            continue
        x, y = np.array([0, nx, nx, 0, nx / 2]) - 0.5, np.array([0, 0, ny, ny, ny / 2]) - 0.5
        points = image.wcs.pixel_to_world(x, y).icrs.cartesian.xyz.value.T
        corners[row], places[row] = points[:4], points[4]
        reach[row] = np.linalg.norm(points[:4] - points[4], axis=1).max()
    known = np.flatnonzero(np.isfinite(places).all(axis=1) & np.isfinite(reach))
    near = known[cKDTree(places[known]).query_pairs(2 * reach.max(), output_type='ndarray')]
    pairs = [(a, b) for a, b in near.tolist()
             if _reaches(corners[b], *frames[a]) and _reaches(corners[a], *frames[b])]
    return np.array(sorted(pairs), int).reshape(-1, 2), places


def _reaches(corners, wcs, nx, ny):
    """Whether what has some corners may overlap an image, seen in the pixels of that one."""
    from astropy.coordinates import SkyCoord

    x, y = wcs.world_to_pixel(SkyCoord(*corners.T, representation_type='cartesian'))
    over = (min(x.max(), nx - 0.5) - max(x.min(), -0.5),
            min(y.max(), ny - 0.5) - max(y.min(), -0.5))
    return min(over) > _TOUCH
