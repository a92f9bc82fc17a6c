"""What a trained detector finds on tiles with truth, and what is learnt from that."""

from dataclasses import replace

import numpy as np
import torch

from astrofound.evaluation.boxes import BoxSet, match_boxes, score_boxes
from astrofound.networks.refining import fit_refiner

from .box_tiles import collate_tiles
from .validate import fit_calibration

__all__ = ['calibrate_boxes', 'find_boxes', 'judge_boxes', 'peaks_in', 'raw_logit',
           'refine_boxes', 'true_boxes']

_SURE = 0.3  # raw score from which on detections teach the refiner


@torch.inference_mode()
def find_boxes(network, tiles, scaling, *, batch_size=4, mixed=False):
    """
    Run a detector over tiles.

    Parameters
    ----------
    network : `~astrofound.networks.BoxNetwork`
        In evaluation mode.
    tiles : sequence of BoxTile
        The tiles.
    scaling : str
        As in `~astrofound.preprocess.NetworkInput`.
    batch_size : int, optional
        Tiles at once.
    mixed : bool, optional
        Whether to compute in bfloat16.

    Returns
    -------
    found : list of `~astrofound.evaluation.BoxSet`
        For each tile, with raw scores and the S/N of the brightest pixel in the box.
    """
    device, found = network.backbone.body.device, []
    for start in range(0, len(tiles), batch_size):
        part = tiles[start:start + batch_size]
        images = [image.to(device) for image in collate_tiles(part, scaling)[0]]
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            results = network(images)
        for tile, result in zip(part, results, strict=True):
            boxes = result['boxes'].float().cpu().numpy().astype(float)
            found.append(BoxSet(boxes, result['labels'].cpu().numpy() - 1,
                                result['scores'].float().cpu().numpy(),
                                snr=peaks_in(tile.significance, boxes)))
    return found


def true_boxes(tile):
    """
    Give the truth of a tile in the form in which it is compared.

    Parameters
    ----------
    tile : BoxTile
        The tile.

    Returns
    -------
    truth : `~astrofound.evaluation.BoxSet`
        Boxes of every class, and the regions to be ignored once for each class.
    """
    classes = np.unique(tile.labels) if len(tile.labels) else np.array([0])
    boxes = [tile.boxes, *([tile.ignore] * len(classes))]
    labels = [tile.labels, *(np.full(len(tile.ignore), label) for label in classes)]
    boxes = np.concatenate(boxes)
    return BoxSet(boxes, np.concatenate(labels), ignored=np.arange(len(boxes)) >= len(tile.boxes),
                  snr=peaks_in(tile.significance, boxes))


def peaks_in(significance, boxes):
    """
    Give the S/N of the brightest pixel in each box.

    Parameters
    ----------
    significance : 2D `~numpy.ndarray`
        In units of the noise; NaN where blank.
    boxes : 2D `~numpy.ndarray`
        ``(n, 4)`` edges in its pixels.

    Returns
    -------
    snr : 1D `~numpy.ndarray`
        -inf where all is blank.
    """
    ny, nx = significance.shape
    snr = np.full(len(boxes), -np.inf)
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        part = significance[int(np.clip(y1, 0, ny - 1)):max(1, int(np.ceil(y2))),
                            int(np.clip(x1, 0, nx - 1)):max(1, int(np.ceil(x2)))]
        finite = part[np.isfinite(part)]
        if finite.size:
            snr[index] = finite.max()
    return snr


def judge_boxes(found, tiles, classes, **options):
    """
    Measure what was found on tiles.

    Parameters
    ----------
    found : sequence of `~astrofound.evaluation.BoxSet`
        For each tile.
    tiles : sequence of BoxTile
        With the truth.
    classes : sequence of str
        Names of the classes.
    **options
        As for `~astrofound.evaluation.score_boxes`.

    Returns
    -------
    scores : `~astrofound.evaluation.BoxScores`
        The figures.
    """
    return score_boxes(found, [true_boxes(tile) for tile in tiles], classes=classes, **options)


def raw_logit(score):
    """
    Turn raw scores into logits.

    Parameters
    ----------
    score : array_like
        From 0 to 1.

    Returns
    -------
    logit : `~numpy.ndarray`
        From -9 to 9 or so.
    """
    score = np.clip(np.asarray(score, float), 1e-4, 1 - 1e-4)
    return np.log(score / (1 - score))


def calibrate_boxes(found, tiles, *, iou=0.3, refiner=None):
    """
    Learn the probability that a detection is real, and how to refine its box.

    Parameters
    ----------
    found : sequence of `~astrofound.evaluation.BoxSet`
        What was found on tiles that took no part in the training.
    tiles : sequence of BoxTile
        These tiles.
    iou : float, optional
        Overlap from which on a detection is real, whatever its class.
    refiner : `~astrofound.networks.BoxRefiner`, optional
        What stays where there are too few detections to learn from; by default none.

    Returns
    -------
    calibration : `~astrofound.networks.ScoreCalibration`
        From raw score and S/N to probability.
    refiner : `~astrofound.networks.BoxRefiner`
        From box and pixels to a better box.
    """
    truths = [true_boxes(tile) for tile in tiles]
    rows = [match_boxes(own, truth, iou=iou) for own, truth in zip(found, truths, strict=True)]
    row = np.concatenate([np.zeros(0, int), *rows])
    score, snr = (np.concatenate([np.zeros(0), *(getattr(own, name) for own in found)])
                  for name in ('scores', 'snr'))
    counted = row > -2
    calibration = fit_calibration(raw_logit(score[counted]), snr[counted], row[counted] >= 0)
    sure = [(own_row >= 0) & (own.scores >= _SURE) for own, own_row in
            zip(found, rows, strict=True)]
    refiner = fit_refiner(
        [tile.significance for tile in tiles],
        [own.boxes[good] for own, good in zip(found, sure, strict=True)],
        [truth.boxes[own_row[good]] for truth, own_row, good in
         zip(truths, rows, sure, strict=True)], before=refiner)
    return calibration, refiner


def refine_boxes(found, tiles, refiner):
    """
    Refine what was found on tiles.

    Parameters
    ----------
    found : sequence of `~astrofound.evaluation.BoxSet`
        For each tile.
    tiles : sequence of BoxTile
        The tiles.
    refiner : `~astrofound.networks.BoxRefiner`
        What moves boxes.

    Returns
    -------
    found : list of `~astrofound.evaluation.BoxSet`
        With other boxes.
    """
    return [replace(own, boxes=refiner(tile.significance, own.boxes))
            for own, tile in zip(found, tiles, strict=True)]
