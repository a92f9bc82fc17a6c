"""Boxes moved and resized by a fraction of a pixel, by what the pixels in them say."""

from dataclasses import dataclass

import numpy as np

from astrofound._kernels.windowed import windowed_moments

__all__ = ['BoxRefiner', 'fit_refiner']

_N_ITER = 8
_FAINTEST = 1.5  # S/N below which all peaks count alike
_DOUBT = 0.4      # overlap with the network's box below which a refined one is not believed
_PRIOR = 0.01     # pairs that the map of no data weighs as much as


@dataclass(frozen=True)
class BoxRefiner:
    """
    Linear map from a network's box and the moments of the pixels in it to a better box.

    What a box means differs from catalogue to catalogue (one sigma, one FWHM, an island), so
    the map is learnt from boxes that the network had not seen. A source whose moments cannot
    be measured keeps its box.

    Attributes
    ----------
    centre : tuple of float
        Share of the way from the middle of the box to the centroid of the pixels, and what is
        added to it over the S/N.
    size : tuple of float
        Half a side is the sum of these times: the network's half side, the sigma along it, that
        sigma over the S/N, that sigma times ``sqrt(2 ln(S/N))``, and 1.
    """

    centre: tuple = (0.0, 0.0)
    size: tuple = (1.0, 0.0, 0.0, 0.0, 0.0)

    def __call__(self, significance, boxes):
        """
        Refine boxes.

        Parameters
        ----------
        significance : 2D `~numpy.ndarray`
            Pixels in units of the noise.
        boxes : 2D array_like
            ``(n, 4)`` edges in its pixels.

        Returns
        -------
        boxes : 2D `~numpy.ndarray`
            Same shape.
        """
        boxes = np.asarray(boxes, float).reshape(-1, 4)
        if self == BoxRefiner() or not len(boxes):
            return boxes
        middle, half, shift, factors = _measure(significance, boxes)
        good = np.isfinite(shift).all(axis=(1, 2))
        return np.where(good[:, None], _apply(self, middle, half, shift, factors), boxes)


def _measure(significance, boxes):
    """Middle and half sides of boxes, and what the two sums of a refiner are made of."""
    moments = windowed_moments(np.ascontiguousarray(significance, np.float32),
                               np.ascontiguousarray(boxes), _N_ITER)
    middle, half = 0.5 * (boxes[:, :2] + boxes[:, 2:]), 0.5 * (boxes[:, 2:] - boxes[:, :2])
    away, sigma = moments[:, :2] - middle, moments[:, 2:4]
    snr = np.maximum(moments[:, 4:5], _FAINTEST)
    shift = np.stack([away, away / snr], axis=2)
    factors = np.stack([half, sigma, sigma / snr, sigma * np.sqrt(2 * np.log(snr)),
                        np.ones_like(half)], axis=2)
    return middle, half, shift, factors


def fit_refiner(significances, boxes, truth, *, fewest=20, before=None):
    """
    Learn how to refine boxes.

    Half of the pairs is fitted and the other half judges, then the other way round: unless both
    halves are better for it, boxes stay as they are.

    Parameters
    ----------
    significances : sequence of 2D `~numpy.ndarray`
        Images in units of their noise.
    boxes, truth : sequence of 2D `~numpy.ndarray`
        For each image the ``(n, 4)`` boxes of the network and the true box of each.
    fewest : int, optional
        Pairs that are needed.
    before : BoxRefiner, optional
        What stays where there are fewer; by default boxes stay as they are.

    Returns
    -------
    refiner : BoxRefiner
        The best map found.
    """
    measured = [_measure(image, np.asarray(own, float).reshape(-1, 4))
                for image, own in zip(significances, boxes, strict=True)]
    before = BoxRefiner() if before is None else before
    if not measured:
        return before
    middle, half, shift, factors = (np.concatenate(part) for part in zip(*measured, strict=True))
    truth = np.concatenate([np.asarray(own, float).reshape(-1, 4) for own in truth])
    good = np.isfinite(shift).all(axis=(1, 2)) & np.isfinite(factors).all(axis=(1, 2))
    middle, half, shift, factors, truth = (
        part[good] for part in (middle, half, shift, factors, truth))
    if len(truth) < fewest:
        return before
    parts = np.arange(len(truth)) % 2
    for judge in (0, 1):
        own, other = parts != judge, parts == judge
        refiner = _fit(middle[own], shift[own], factors[own], truth[own])
        before, after = (
            _paired_iou(_apply(candidate, middle[other], half[other], shift[other],
                               factors[other]), truth[other]).mean()
            for candidate in (BoxRefiner(), refiner))
        if after <= before:
            return BoxRefiner()
    return _fit(middle, shift, factors, truth)


def _apply(refiner, middle, half, shift, factors):
    new_middle = middle + shift @ np.array(refiner.centre)
    new_half = np.maximum(factors @ np.array(refiner.size), 0.25 * half)
    refined = np.concatenate([new_middle - new_half, new_middle + new_half], axis=1)
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    return np.where((_paired_iou(boxes, refined) > _DOUBT)[:, None], refined, boxes)


def _fit(middle, shift, factors, truth, *, n_rounds=5):
    """Least squares on both axes at once, outliers weighing less from round to round."""
    true_middle, true_half = (0.5 * (truth[:, :2] + truth[:, 2:]),
                              0.5 * (truth[:, 2:] - truth[:, :2]))
    scale = 1 / np.sqrt(true_half)  # errors count in units of the size
    answers = []
    for columns, wanted, prior in ((shift, true_middle - middle, (1.0, 0.0)),
                                   (factors, true_half, (1.0, 0.0, 0.0, 0.0, 0.0))):
        a, b = columns.reshape(-1, columns.shape[2]), wanted.reshape(-1)
        weight = (scale**2).reshape(-1)
        # the columns are nearly parallel where all sources are alike
        pull = np.diag(np.sqrt(_PRIOR * np.mean(weight[:, None] * a**2, axis=0)))
        for _ in range(n_rounds):
            root = np.sqrt(weight)[:, None]
            answer = np.linalg.lstsq(np.concatenate([a * root, pull]), np.concatenate(
                [b * root[:, 0], pull @ np.array(prior)]), rcond=None)[0]
            error = np.abs(b - a @ answer) * scale.reshape(-1)
            typical = np.median(error) + 1e-9
            weight = (scale**2).reshape(-1) / np.maximum(error / (1.5 * typical), 1.0)
        answers.append(tuple(np.round(answer, 5).tolist()))
    return BoxRefiner(*answers)


def _paired_iou(first, second):
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    area = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return both / (area[0] + area[1] - both)
