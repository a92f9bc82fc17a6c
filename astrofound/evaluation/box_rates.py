"""Completeness and reliability of boxes against signal-to-noise ratio."""

import numpy as np
from astropy.table import Table

from .boxes import match_boxes
from .statistics import SNR_EDGES, check_edges, fraction

__all__ = ['box_rates']


def box_rates(found, truth, *, iou=0.5, score_min=0.5, edges=SNR_EDGES):
    """
    Count what was found and what is real, by the brightest pixel in the box.

    Parameters
    ----------
    found, truth : sequence of BoxSet
        For each image, with ``snr``.
    iou : float, optional
        Overlap from which on a detection is right, whatever its class.
    score_min : float, optional
        Detections with a lower score are left out.
    edges : sequence of float, optional
        Limits of the bins.

    Returns
    -------
    rates : `~astropy.table.Table`
        One row a bin: ``snr_low``, ``snr_high``, ``n_true``, ``completeness`` with
        ``completeness_low`` and ``completeness_high`` (one sigma), and the same of ``n_found``
        and ``reliability``. What is ignored counts nowhere.
    """
    edges = check_edges(edges)
    true_snr, hit, own_snr, right = ([], [], [], [])
    for own, true in zip(found, truth, strict=True):
        own = own.select(own.scores >= score_min)
        row = match_boxes(own, true, iou=iou)
        matched = np.zeros(len(true), bool)
        matched[row[row >= 0]] = True
        true_snr.append(true.snr[~true.ignored])
        hit.append(matched[~true.ignored])
        own_snr.append(own.snr[row > -2])
        right.append(row[row > -2] >= 0)
    table = Table({'snr_low': edges[:-1], 'snr_high': edges[1:]})
    for name, count, snr, good in (('completeness', 'n_true', true_snr, hit),
                                   ('reliability', 'n_found', own_snr, right)):
        snr, good = np.concatenate(snr), np.concatenate(good)
        n_all, _ = np.histogram(snr, edges)
        n_good, _ = np.histogram(snr[good], edges)
        table[count] = n_all
        table[name], table[f'{name}_low'], table[f'{name}_high'] = fraction(n_good, n_all)
    return table
