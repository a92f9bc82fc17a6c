"""Boxes that a detector starts from: fitted to those it shall find, or the usual ones."""

from dataclasses import dataclass

import numpy as np
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator

from astrofound.utils import InputError

__all__ = ['AnchorPlan', 'PlannedAnchors', 'best_iou', 'fit_anchors', 'usual_anchors']

_CELLS = 4      # a box belongs to the coarsest level on which its side is this many cells
_FEWEST = 0.01  # share of the boxes that a level needs for anchors of its own
_N_SIDES = 20_000


@dataclass(frozen=True)
class AnchorPlan:
    """
    Anchors of every level of a pyramid.

    Attributes
    ----------
    levels : tuple of int
        Levels that have anchors, 0 being the finest.
    shapes : tuple of tuple of (float, float)
        ``(width, height)`` in network pixels of the anchors of each of them, equally many.
    offset : float
        Where in a cell anchors are centred: 0.5 is its middle, 0 its corner as in torchvision.
    """

    levels: tuple
    shapes: tuple
    offset: float = 0.5

    def __post_init__(self):
        object.__setattr__(self, 'levels', tuple(int(level) for level in self.levels))
        object.__setattr__(self, 'shapes', tuple(
            tuple((float(w), float(h)) for w, h in level) for level in self.shapes))
        if len(self.levels) != len(self.shapes) or len({len(own) for own in self.shapes}) != 1:
            raise InputError("'shapes' must hold equally many anchors for each of 'levels'")


def usual_anchors(n_levels, *, sizes=(32, 64, 128, 256, 512), ratios=(0.5, 1.0, 2.0)):
    """
    Give the anchors of torchvision, which the paper's code uses.

    Parameters
    ----------
    n_levels : int
        Levels of the pyramid; a single one has all sizes.
    sizes : tuple of float, optional
        One for each level.
    ratios : tuple of float, optional
        Heights over widths.

    Returns
    -------
    plan : AnchorPlan
        Centred at the corners of the cells.
    """
    groups = [sizes] if n_levels == 1 else [(size,) for size in sizes[:n_levels]]
    if n_levels > len(sizes):
        raise InputError(f'{n_levels} levels need as many anchor sizes, got {len(sizes)}')
    shapes = [[(round(size / ratio**0.5), round(size * ratio**0.5))
               for ratio in ratios for size in group] for group in groups]
    return AnchorPlan(tuple(range(n_levels)), tuple(shapes), offset=0.0)


def fit_anchors(sides, strides, *, n_anchors=4, seed=0):
    """
    Fit anchors to boxes: k-means on the overlap, level by level.

    A box belongs to the coarsest level on which it still spans four cells. Levels that hardly
    any box belongs to get no anchors. The sky has no orientation, so each box counts lying and
    standing.

    Parameters
    ----------
    sides : 2D array_like
        ``(n, 2)`` widths and heights in network pixels.
    strides : sequence of float
        Network pixels a cell of each level, finest first.
    n_anchors : int, optional
        Anchors of a level.
    seed : int, optional
        Decides where the means start.

    Returns
    -------
    plan : AnchorPlan
        The anchors.

    Raises
    ------
    InputError
        If there are no boxes with an area.

    Examples
    --------
    >>> plan = fit_anchors([[16, 16], [14, 18], [15, 15], [17, 16]], (4, 8, 16, 32), n_anchors=1)
    >>> plan.levels
    (0,)
    """
    sides = np.asarray(sides, float).reshape(-1, 2)
    sides = sides[np.isfinite(sides).all(axis=1) & (sides > 0).all(axis=1)]
    if not len(sides):
        raise InputError('anchors cannot be fitted: there is not one box with an area')
    rng = np.random.default_rng(seed)
    if len(sides) > _N_SIDES:
        sides = sides[rng.choice(len(sides), _N_SIDES, replace=False)]
    level = _levels(sides, np.asarray(strides, float))
    shapes = [_cluster(np.concatenate([sides[level == k], sides[level == k, ::-1]]), n_anchors,
                       rng) for k in np.unique(level)]
    return AnchorPlan(tuple(np.unique(level).tolist()), tuple(map(tuple, shapes)))


def _levels(sides, strides):
    """Level of each box; boxes of rare levels go to the next finer one, or the next that is."""
    size = np.sqrt(sides.prod(axis=1))
    level = np.clip(np.searchsorted(_CELLS * strides, size, side='right') - 1, 0,
                    len(strides) - 1)
    common = np.bincount(level, minlength=len(strides)) >= max(1, _FEWEST * len(sides))
    used = np.flatnonzero(common)
    # of the levels in use the coarsest that is not coarser, else the finest
    place = np.clip(np.searchsorted(used, level, side='right') - 1, 0, None)
    return used[place]


def _cluster(sides, n_clusters, rng, *, n_iter_max=50):
    """Means of k-means with the distance 1 - IoU, smallest first."""
    distinct = np.unique(sides, axis=0)
    quantiles = np.quantile(np.sqrt(sides.prod(axis=1)), (np.arange(n_clusters) + 0.5)
                            / n_clusters)
    if len(distinct) <= n_clusters:  # fewer shapes than anchors: repeat some
        means = distinct[np.arange(n_clusters) % len(distinct)]
    else:
        means = np.stack([quantiles, quantiles], axis=1) * np.exp(
            0.1 * rng.standard_normal((n_clusters, 2)))
        owner = None
        for _ in range(n_iter_max):
            new = _shape_iou(sides, means).argmax(axis=1)
            if owner is not None and (new == owner).all():
                break
            owner = new
            means = np.array([np.median(sides[owner == k], axis=0) if (owner == k).any()
                              else means[k] for k in range(n_clusters)])
    order = np.lexsort((means[:, 0], means.prod(axis=1)))
    return [tuple(np.round(mean, 2).tolist()) for mean in means[order]]


def _shape_iou(sides, means):
    """Overlap of boxes with a common centre."""
    both = np.minimum(sides[:, None], means[None]).prod(axis=2)
    return both / (sides.prod(axis=1)[:, None] + means.prod(axis=1)[None] - both)


def best_iou(sides, plan, strides, *, seed=0):
    """
    Measure how well the best anchor overlaps boxes at random places.

    Parameters
    ----------
    sides : 2D array_like
        ``(n, 2)`` widths and heights in network pixels.
    plan : AnchorPlan
        The anchors.
    strides : sequence of float
        Network pixels a cell of each level.
    seed : int, optional
        Decides the places.

    Returns
    -------
    iou : 1D `~numpy.ndarray`
        Best overlap of each box.
    """
    sides = np.asarray(sides, float).reshape(-1, 2)
    rng = np.random.default_rng(seed)
    iou = np.zeros(len(sides))
    for level, shapes in zip(plan.levels, plan.shapes, strict=True):
        stride = strides[level]
        centre = rng.uniform(0, 1, sides.shape) * stride
        nearest = (np.rint(centre / stride - plan.offset) + plan.offset) * stride
        shift = np.abs(nearest - centre)[:, None]
        shapes = np.array(shapes)[None]
        low = np.maximum(-sides[:, None] / 2, shift - shapes / 2)
        high = np.minimum(sides[:, None] / 2, shift + shapes / 2)
        both = np.clip(high - low, 0, None).prod(axis=2)
        union = sides.prod(axis=1)[:, None] + shapes.prod(axis=2) - both
        iou = np.maximum(iou, (both / union).max(axis=1))
    return iou


class PlannedAnchors(AnchorGenerator):
    """
    Anchors of a plan, at exact strides.

    torchvision rounds strides down to whole pixels, which moves the anchors of a patch of 14
    pixels by a seventh of the image.

    Parameters
    ----------
    plan : AnchorPlan
        The anchors.
    """

    def __init__(self, plan):
        super().__init__(sizes=tuple((1,) for _ in plan.levels),
                         aspect_ratios=tuple((1.0,) for _ in plan.levels))
        self.plan = plan
        self.cell_anchors = [torch.tensor([[-w / 2, -h / 2, w / 2, h / 2] for w, h in shapes])
                             for shapes in plan.shapes]

    def num_anchors_per_location(self):
        """
        Count the anchors of a cell on each level.

        Returns
        -------
        counts : list of int
            The same for all.
        """
        return [len(shapes) for shapes in self.plan.shapes]

    def forward(self, image_list, feature_maps):
        """
        Place the anchors.

        Parameters
        ----------
        image_list : `torchvision.models.detection.image_list.ImageList`
            Images, padded to whole cells.
        feature_maps : list of `torch.Tensor`
            Maps of the levels that have anchors.

        Returns
        -------
        anchors : list of `torch.Tensor`
            ``(n, 4)`` edges for each image, level by level.
        """
        ny, nx = image_list.tensors.shape[-2:]
        placed = []
        for cells, level in zip(self.cell_anchors, feature_maps, strict=True):
            n_rows, n_columns = level.shape[-2:]
            rows, columns = (
                (torch.arange(n, device=level.device, dtype=torch.float32) + self.plan.offset)
                * (side / n) for n, side in ((n_rows, ny), (n_columns, nx)))
            y, x = torch.meshgrid(rows, columns, indexing='ij')
            centres = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
            placed.append((centres + cells.to(level.device)).reshape(-1, 4))
        placed = torch.cat(placed)
        return [placed for _ in image_list.image_sizes]
