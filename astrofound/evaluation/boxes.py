"""Mean average precision of boxes, as the literature on detection measures it."""

from dataclasses import dataclass

import numpy as np

from ..utils import InputError, Rows, check_number

__all__ = ['IOU_THRESHOLDS', 'BoxScores', 'BoxSet', 'box_overlaps', 'match_boxes', 'score_boxes']

#: Overlaps at which the paper gives the mean average precision.
IOU_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, eq=False)
class BoxSet(Rows):
    """
    Boxes in one image, found or true.

    Parameters
    ----------
    boxes : 2D array_like
        ``(n, 4)`` edges ``[x1, y1, x2, y2]``.
    labels : 1D array_like of int
        Class of each, counted from 0.
    scores : 1D array_like, optional
        Of what was found; by default 1.
    ignored : 1D array_like of bool, optional
        Of what is true: regions inside which a detection counts neither as right nor as wrong.
    snr : 1D array_like, optional
        Signal-to-noise ratio of each.

    Raises
    ------
    InputError
        If the lengths differ.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray | None = None
    ignored: np.ndarray | None = None
    snr: np.ndarray | None = None

    def __post_init__(self):
        boxes = np.asarray(self.boxes, float).reshape(-1, 4)
        object.__setattr__(self, 'boxes', boxes)
        for name, dtype, default in (('labels', int, 0), ('scores', float, 1.0),
                                     ('ignored', bool, False), ('snr', float, np.nan)):
            value = getattr(self, name)
            value = np.full(len(boxes), default, dtype) if value is None else (
                np.asarray(value, dtype).reshape(-1))
            if len(value) != len(boxes):
                raise InputError(f'{name!r} must have one value for each of {len(boxes)} boxes, '
                                 f'got {len(value)}')
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class BoxScores:
    """
    Average precision by overlap and class.

    Attributes
    ----------
    iou : tuple of float
        Overlaps demanded.
    classes : tuple of str
        Names of the classes.
    precision : 2D `~numpy.ndarray`
        ``(n_iou, n_classes)``; NaN for a class without a true box.
    max_detections : int
        Most detections of an image that counted.
    """

    iou: tuple
    classes: tuple
    precision: np.ndarray
    max_detections: int

    @property
    def mean(self):
        """Mean over the classes at each overlap."""
        known = np.isfinite(self.precision).any(axis=0)
        if not known.any():
            return np.full(len(self.iou), np.nan)
        return self.precision[:, known].mean(axis=1)

    def at(self, iou):
        """
        Give the mean average precision at one overlap.

        Parameters
        ----------
        iou : float
            One of those measured.

        Returns
        -------
        precision : float
            Mean over the classes.

        Raises
        ------
        InputError
            If it was not measured.
        """
        near = np.flatnonzero(np.isclose(self.iou, iou))
        if not len(near):
            raise InputError(f"'iou' must be one of {self.iou}, got {iou}")
        return float(self.mean[near[0]])

    def to_dict(self):
        """
        Give the figures as plain numbers.

        Returns
        -------
        figures : dict
            ``map_50``, the other means by overlap, and ``ap_50`` by class; `None` for what is
            not known.
        """
        figures = {f'map_{round(100 * iou)}': _plain(value)
                   for iou, value in zip(self.iou, self.mean, strict=True)}
        near = np.flatnonzero(np.isclose(self.iou, 0.5))
        if len(near):
            figures['ap_50'] = {name: _plain(value) for name, value in zip(
                self.classes, self.precision[near[0]], strict=True)}
        return figures


def _plain(value):
    return round(float(value), 4) if np.isfinite(value) else None


def score_boxes(found, truth, *, classes=('source',), iou=IOU_THRESHOLDS, max_detections=None):
    """
    Measure the average precision of boxes [1]_.

    Each class is ranked over all images. A detection inside an ignored region counts for
    nothing, and so does a source that is ignored.

    Parameters
    ----------
    found, truth : sequence of BoxSet
        For each image.
    classes : sequence of str, optional
        Names of the classes.
    iou : sequence of float, optional
        Overlaps from which on a detection is right.
    max_detections : int, optional
        Most detections of an image that count, the surest first. By default twice the sources
        of the fullest image, and 100 at least: a fixed 100 would cut off full fields.

    Returns
    -------
    scores : BoxScores
        The figures.

    Raises
    ------
    InputError
        If the numbers of images differ, or there are none.

    References
    ----------
    .. [1] Lin et al. 2014, Microsoft COCO: Common Objects in Context, arXiv:1405.0312; the
       computation is that of pycocotools through torchmetrics.
    """
    found, truth = list(found), list(truth)
    if len(found) != len(truth) or not truth:
        raise InputError("'found' and 'truth' must be equally many images and at least one, got "
                         f'{len(found)} and {len(truth)}')
    if max_detections is None:
        fullest = max(int((~own.ignored).sum()) for own in truth)
        max_detections = max(100, 2 * fullest)
    check_number('max_detections', max_detections, minimum=1, integer=True)
    iou = tuple(float(value) for value in iou)
    precision = np.full((len(iou), len(classes)), np.nan)
    if any(len(own) for own in truth):
        measured, labels = _coco_precision(found, truth, iou, int(max_detections))
        for column, label in enumerate(labels):
            values = measured[:, :, column]  # (n_iou, n_recall); -1 without a true box
            if (values > -1).any():
                precision[:, label] = values.mean(axis=1)
    return BoxScores(iou, tuple(classes), precision, int(max_detections))


def _coco_precision(found, truth, iou, max_detections):
    """Interpolated precision ``(n_iou, n_recall, n_labels)``, and the labels."""
    import torch
    from torchmetrics.detection import MeanAveragePrecision

    def tensors(own):
        return {'boxes': torch.from_numpy(own.boxes.astype(np.float32)),
                'labels': torch.from_numpy(own.labels.astype(np.int64))}

    metric = MeanAveragePrecision(
        iou_thresholds=list(iou), class_metrics=True, extended_summary=True,
        max_detection_thresholds=[1, min(10, max_detections), max_detections],
        backend='pycocotools')
    metric.warn_on_many_detections = False
    metric.update(
        [{**tensors(own), 'scores': torch.from_numpy(own.scores.astype(np.float32))}
         for own in found],
        [{**tensors(own), 'iscrowd': torch.from_numpy(own.ignored.astype(np.int64))}
         for own in truth])
    summary = metric.compute()
    labels = torch.atleast_1d(summary['classes']).tolist()
    return summary['precision'][:, :, :, 0, -1].numpy(), labels


def box_overlaps(first, second):
    """
    Give the overlaps of all pairs of boxes.

    Parameters
    ----------
    first, second : 2D array_like
        ``(n, 4)`` and ``(m, 4)`` edges.

    Returns
    -------
    iou : 2D `~numpy.ndarray`
        ``(n, m)`` intersection over union.
    """
    first, second = (np.asarray(boxes, float).reshape(-1, 4) for boxes in (first, second))
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    area = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.nan_to_num(both / (area[0][:, None] + area[1][None] - both))


def match_boxes(found, truth, *, iou=0.5):
    """
    Give each true box its best detection, the surest choosing first.

    Parameters
    ----------
    found, truth : BoxSet
        Of one image; classes are not looked at.
    iou : float, optional
        Overlap from which on a detection is right.

    Returns
    -------
    row : 1D `~numpy.ndarray` of int
        Row in ``truth`` of each detection; -1 for none, -2 inside an ignored region.
    """
    row = np.full(len(found), -1)
    real = np.flatnonzero(~truth.ignored)
    overlap = box_overlaps(found.boxes, truth.boxes[real])
    free = np.ones(len(real), bool)
    for index in np.argsort(-found.scores, kind='stable'):
        best = np.where(free, overlap[index], 0.0)
        if len(best) and best.max() >= iou:
            free[best.argmax()] = False
            row[index] = real[best.argmax()]
    regions = truth.boxes[truth.ignored]
    if len(regions):
        low = np.maximum(found.boxes[:, None, :2], regions[None, :, :2])
        high = np.minimum(found.boxes[:, None, 2:], regions[None, :, 2:])
        area = np.maximum((found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1), 1e-9)
        inside = np.clip(high - low, 0, None).prod(axis=2).max(axis=1) / area
        row[(row == -1) & (inside >= iou)] = -2
    return row
