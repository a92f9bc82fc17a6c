"""Where to cut a list of candidates so that the catalogue is as reliable as was asked."""

import numpy as np

__all__ = ['score_cut']

_FEWEST = 6  # an image is allowed the false sources of this many, however few it has


def score_cut(score, reliability):
    """
    Return the smallest score to keep so that a share of what is kept is real.

    The sum of what calibrated probabilities lack to 1 is the number of false sources that is to
    be expected. It is held to a share ``1 - reliability`` of the sources kept, so the cut is
    loose in a field full of sure sources and strict in an empty one. In an image of fewer than
    6 sources it may be that share of 6: otherwise a single source that anybody would call real,
    but with a probability below ``reliability``, could never be listed.

    Parameters
    ----------
    score : 1D array_like
        Probability of being real of each candidate.
    reliability : float
        Share of real sources asked for, from 0 to 1.

    Returns
    -------
    cut : float
        Candidates with this score or more are kept; infinite where none may be.

    Examples
    --------
    >>> from astrofound.estimators import score_cut
    >>> float(score_cut([1.0, 1.0, 0.9, 0.2], 0.95))
    0.9
    """
    ranked = np.sort(np.asarray(score, float))[::-1]
    n_kept = np.arange(1, len(ranked) + 1)
    n_false = np.cumsum(1 - ranked)
    # of candidates with the same score all are kept or none
    last = np.append(np.diff(ranked) < 0, True)[:len(ranked)]
    allowed = (1 - reliability) * np.maximum(n_kept, _FEWEST) + 1e-9  # sums are not exact
    good = np.flatnonzero((n_false <= allowed) & last)
    return ranked[good[-1]] if len(good) else np.inf
