"""Candidates put to the test on the user's own labels."""

from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import CrossValidation
from astrofound.utils import InputError, check_number

__all__ = ['try_candidates']


def try_candidates(advice, data, *, n=3, n_folds=3, seed=0, cache=None, path=None,
                   progress=False):
    """
    Cross-validate the cheapest candidates of a recommendation and rank them.

    Parameters
    ----------
    advice : Advice
        Of `advise`, for classification.
    data : `~astrofound.datasets.LabelledImages`
        Images with labels.
    n : int, optional
        How many candidates; only those whose weights are on this machine.
    n_folds : int, optional
        Folds of the cross-validation.
    seed : int, optional
        Choice of the folds.
    cache : path-like, optional
        Folder in which features of frozen backbones are kept.
    path : path-like, optional
        ECSV file of the runs, as for `~astrofound.evaluation.CrossValidation`.
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    ranking : `~astropy.table.Table`
        One row a candidate, the best first: ``name``, macro ``f1`` with the extremes of the folds,
        ``expected`` (the gain that the rules foresee), ``seconds_fit`` and
        ``seconds_expected`` for one fold.
    best : Candidate
        The candidate of the first row.

    Raises
    ------
    InputError
        If the advice is for another task, no weights are here, or the labels do not suffice.
    """
    check_number('n', n, minimum=1, integer=True)
    if advice.situation.task != 'classification':
        raise InputError(f'candidates for {advice.situation.task} cannot be tried here; train one '
                         'and compare its catalogue with the truth')
    chosen = advice.cheapest(n)
    if not chosen:
        raise InputError('no candidate has its weights on this machine; fetch some with '
                         "'astrofound models fetch'")
    names = {_short(one): one for one in chosen}
    cross = CrossValidation(n_folds=n_folds, seed=seed)
    runs = cross.run({name: MorphologyClassifier(**one.settings, device=advice.device, cache=cache)
                      for name, one in names.items()}, data, path=path, progress=progress)
    ranking = cross.summarize(runs)['name', 'n_runs', 'f1', 'f1_low', 'f1_high', 'seconds_fit']
    part = (1 - 1 / n_folds) * len(data) / max(advice.situation.n_labels, 1)
    ranking['seconds_expected'] = [part * names[name].cost.seconds for name in ranking['name']]
    ranking['expected'] = [names[name].gain for name in ranking['name']]
    return ranking, names[ranking['name'][0]]


def _short(candidate):
    """A name that tells candidates apart."""
    parts = [candidate.backbone, f'{candidate.image_size}', candidate.strategy, candidate.head]
    return ' '.join([*parts, *([f'crop-{candidate.crop}'] if candidate.crop else [])])
