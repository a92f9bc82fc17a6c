"""Share whole things out."""

import numpy as np

__all__ = ['share_out']


def share_out(weights, total):
    """
    Share a number of things out in proportion, by largest remainders.

    Parameters
    ----------
    weights : 1D array-like
        How much each should get, in any unit.
    total : int
        How many there are.

    Returns
    -------
    shares : 1D `~numpy.ndarray` of int
        Their sum is ``total``.
    """
    weights = np.asarray(weights, float)
    exact = weights * (total / weights.sum())
    shares = np.floor(exact + 1e-9).astype(int)
    for k in np.argsort(shares - exact, kind='stable')[:total - shares.sum()]:
        shares[k] += 1
    return shares
