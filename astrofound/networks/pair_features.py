"""What tells whether two parts belong to one source: what each is like, and the sky between."""

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

__all__ = ['MARGIN', 'N_FEATURES', 'N_TRAITS', 'REACH', 'REVERSED', 'near_pairs',
           'pair_features', 'part_traits']

REACH = 112.0   # network pixels between two parts of a source at most: 28 beams
MARGIN = 56     # network pixels beyond a pair that its features may look at
N_TRAITS = 9

_ALONG = np.linspace(-0.4, 1.4, 37)  # of the way from one part to the other
_ACROSS = np.linspace(-1, 1, 9)      # of the half width of a strip
_BETWEEN = slice(11, 26)             # columns of a strip from 0.15 to 0.85 of the way
_MIDDLE = slice(3, 6)                # rows of a strip next to the straight way
_FAR = 2.0                           # ways to the middle are told apart up to here, in separations
_N_OWN = 8
_N_SHARED = 5
_N_PROFILES = 4
N_FEATURES = _N_SHARED + 2 * _N_OWN + _N_PROFILES * len(_ALONG) + 6


def _reversed():
    """Index of each feature once the two parts change places."""
    index = np.arange(N_FEATURES)
    index[[1, 2]] = 2, 1
    own = index[_N_SHARED:_N_SHARED + 2 * _N_OWN].reshape(2, _N_OWN)
    start = _N_SHARED + 2 * _N_OWN
    profiles = index[start:start + _N_PROFILES * len(_ALONG)].reshape(_N_PROFILES, -1)
    index[_N_SHARED:start] = own[::-1].ravel()
    index[start:start + profiles.size] = profiles[:, ::-1].ravel()
    return index


#: ``features[:, REVERSED]`` are the features of the same pairs in the other order.
REVERSED = _reversed()


def part_traits(candidates, snr):
    """
    Gather what the network says of each part.

    Parameters
    ----------
    candidates : Candidates
        Parts that were found.
    snr : (n,) `~numpy.ndarray`
        S/N of their peaks.

    Returns
    -------
    traits : (n, 9) `~numpy.ndarray` of float64
        Raw score, ln of the S/N, logits of the three classes, way to the middle of the whole
        source in x and y, and ln of the width and height of its box, in network pixels.
    """
    return np.column_stack([
        candidates.logit, np.log(np.maximum(snr, 1.0)), candidates.class_logits, candidates.way,
        candidates.ln_size]).reshape(-1, N_TRAITS)


def near_pairs(places):
    """
    List the pairs that could be of one source.

    Parameters
    ----------
    places : (n, 2) `~numpy.ndarray`
        ``(x, y)`` of the parts in network pixels.

    Returns
    -------
    first, second : (m,) `~numpy.ndarray` of int
        Each pair once, the smaller index first, in order.
    """
    if len(places) < 2:
        return np.empty((2, 0), np.int64)
    pairs = cKDTree(places).query_pairs(REACH, output_type='ndarray')
    first, second = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].T
    apart = np.hypot(*(places[first] - places[second]).T) > 0.5  # two guesses at one pixel
    return first[apart], second[apart]


def pair_features(significance, origin, places, traits, first, second):
    """
    Describe pairs of parts.

    Parameters
    ----------
    significance : 2D `~numpy.ndarray`
        Window of the network frame that reaches `MARGIN` beyond the pairs, where the frame
        does; NaN where blank.
    origin : tuple of int
        ``(y, x)`` of its first pixel.
    places : (n, 2) `~numpy.ndarray`
        ``(x, y)`` in the network frame of all parts that are near the pairs.
    traits : (n, 9) `~numpy.ndarray`
        See `part_traits`.
    first, second : (m,) `~numpy.ndarray` of int
        The pairs.

    Returns
    -------
    features : (m, N_FEATURES) `~numpy.ndarray` of float32
        Separation and surroundings, then what each of the two is like as seen from the other,
        then the sky along the way.
    """
    way = places[second] - places[first]
    shared = _surroundings(places, traits, first, second, way)
    own = [_seen_from(traits[index], direction) for index, direction in
           ((first, way), (second, -way))]
    strips = _strips(significance, places[first] - origin[::-1], way)
    return np.concatenate([shared, *own, _profiles(strips)], axis=1).astype(np.float32)


def _surroundings(places, traits, first, second, way):
    """Separation, neighbours of each that are nearer, and what lies in the middle."""
    separation = np.hypot(*way.T)
    tree = cKDTree(places)
    n_nearer = [np.log1p(np.maximum(tree.query_ball_point(
        places[index], separation, return_length=True) - 2, 0)) for index in (first, second)]
    near = tree.query_ball_point(places[first] + 0.5 * way, 0.35 * separation)
    pair = np.repeat(np.arange(len(way)), [len(found) for found in near])
    third = np.concatenate([np.empty(0, np.int64), *near]).astype(np.int64)
    along, across = _turned(places[third] - places[first[pair]], way[pair])
    between = ((third != first[pair]) & (third != second[pair])
               & (along > 0.15) & (along < 0.85) & (np.abs(across) < 0.2))
    brightest = np.zeros(len(way))
    np.maximum.at(brightest, pair[between], traits[third[between], 1] + 0.5)
    n_between = np.bincount(pair[between], minlength=len(way))
    return np.column_stack([np.log(np.maximum(separation, 0.5) / 4), *n_nearer, brightest,
                            np.log1p(n_between)])


def _turned(vector, way):
    """Components of vectors along and across ways, in units of their lengths."""
    squared = (way**2).sum(axis=1)
    return ((vector * way).sum(axis=1) / squared,
            (vector[:, 1] * way[:, 0] - vector[:, 0] * way[:, 1]) / squared)


def _seen_from(traits, way):
    """What a part is like, the other one lying in the direction of ``way``."""
    logit, bright = traits[:, 0], traits[:, 1]
    likely = np.exp(traits[:, 2:5] - traits[:, 2:5].max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    along, across = _turned(traits[:, 5:7], way)
    separation = np.hypot(*way.T)
    size = np.exp(traits[:, 7:9])
    length = np.hypot(*(size * way).T) / separation**2
    return np.column_stack([
        bright, logit, np.log(likely[:, 2] + 1e-3), np.log(likely[:, 1] + 1e-3),
        np.clip(along, -_FAR, _FAR), np.clip(np.abs(across), 0, _FAR), np.log(length + 0.01),
        0.5 * (traits[:, 7] + traits[:, 8])])


def _strips(significance, start, way):
    """Stretched significance in a strip along each way, shape ``(m, across, along)``."""
    separation = np.hypot(*way.T)
    half_width = np.clip(0.25 * separation, 4, 20)
    across = np.stack([-way[:, 1], way[:, 0]], axis=1) * (half_width / separation)[:, None]
    x, y = (start[:, axis, None, None] + way[:, axis, None, None] * _ALONG
            + across[:, axis, None, None] * _ACROSS[:, None] for axis in (0, 1))
    sky = np.nan_to_num(significance)
    values = map_coordinates(sky, [y.ravel(), x.ravel()], order=1, mode='constant')
    return np.arcsinh(values).reshape(x.shape)


def _profiles(strips):
    """What is seen along the strips, and along the brightest way through them."""
    smooth = _mean_of_three(strips, 2)
    profiles = [strips.max(axis=1), strips.mean(axis=1), strips[:, _MIDDLE].mean(axis=1),
                smooth[:, _MIDDLE].max(axis=1)]
    ways = [level for image in (strips, smooth, _mean_of_three(smooth, 1))
            for level in _brightest_way(image[:, :, _BETWEEN])]
    return np.concatenate([*profiles, np.stack(ways, axis=1)], axis=1)


def _mean_of_three(strips, axis):
    padded = np.pad(strips, [(0, 0), *((int(k == axis),) * 2 for k in (1, 2))], mode='edge')
    n = strips.shape[axis]
    return sum(np.take(padded, range(k, k + n), axis=axis) for k in range(3)) / 3


def _brightest_way(strips):
    """
    Return the lowest point of the way whose lowest point is highest, and the highest mean.

    A way goes from column to column and by one row at most: a bridge between two lobes, straight
    or bent, has a high one.
    """
    lowest = total = strips[:, :, 0]
    for column in np.moveaxis(strips[:, :, 1:], 2, 0):
        lowest = np.minimum(column, _largest_beside(lowest))
        total = column + _largest_beside(total)
    return lowest.max(axis=1), total.max(axis=1) / strips.shape[2]


def _largest_beside(values):
    padded = np.pad(values, [(0, 0), (1, 1)], mode='edge')
    return np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), values)
