"""Other labels for the same images: by peaks, by components, or by any mapping."""

import re
from collections.abc import Mapping

import numpy as np

from ..utils import InputError, check_choice

__all__ = ['LABEL_SCHEMES', 'map_labels']

# Radio Galaxy Zoo: n components and m peaks, as 1-2, 1C-2P, 1C2P or 1C_2P.
_RGZ = re.compile(r'(\d+)C?[-_ ]?(\d+)P?', re.IGNORECASE)
# MiraBest (Porter & Scaife 2023): FR class, 0 for a confident one, and the kind of oddity.
_MIRABEST = re.compile(r'([123])([01])\d')


def _by_peaks(label):
    match = _RGZ.fullmatch(label)
    return match and f'{match[2]}P'


def _by_components(label):
    match = _RGZ.fullmatch(label)
    return match and f'{match[1]}C'


def _by_fr_class(label):
    match = _MIRABEST.fullmatch(label)
    return match and {'1': 'FRI', '2': 'FRII', '3': ''}[match[1]]


def _by_confident_fr_class(label):
    match = _MIRABEST.fullmatch(label)
    return match and ('' if match[2] == '1' else _by_fr_class(label))


_RULES = {
    'peaks': (_by_peaks, 'of the form 1C-2P'),
    'components': (_by_components, 'of the form 1C-2P'),
    'fr': (_by_fr_class, 'a MiraBest code such as 102'),
    'fr_confident': (_by_confident_fr_class, 'a MiraBest code such as 102'),
}

#: Names of label schemes: as they are; number of peaks or of components of Radio Galaxy Zoo's
#: labels (Lastufka et al. 2025, Fig. 5); FR class of MiraBest's codes without the hybrids, and
#: without the uncertain ones.
LABEL_SCHEMES = ('original', *_RULES)


def map_labels(labels, scheme):
    """
    Give labels of another scheme.

    Parameters
    ----------
    labels : sequence of str
        One label an image, or one a class.
    scheme : str or mapping
        One of `LABEL_SCHEMES`, or ``{old: new}`` with `None` for what is to be left out.

    Returns
    -------
    labels : 1D `~numpy.ndarray` of str
        The new labels; an empty one where the image is to be left out.

    Raises
    ------
    InputError
        If there is no such scheme, or labels that it does not know; they are listed.

    Examples
    --------
    >>> from astrofound.datasets import map_labels
    >>> map_labels(['1C-1P', '1C-2P', '2C-2P'], 'peaks').tolist()
    ['1P', '2P', '2P']
    >>> map_labels(['spiral', 'merger', 'ring'], {'spiral': 'disk', 'merger': None, 'ring': 'disk'})
    array(['disk', '', 'disk'], dtype='<U4')
    """
    labels = np.asarray(labels, str)
    names, codes = np.unique(labels, return_inverse=True)
    if isinstance(scheme, Mapping):
        known = {str(old): '' if new is None else str(new) for old, new in scheme.items()}
        said = f"in the mapping, which has {', '.join(known) or 'none'}"
    else:
        check_choice('label scheme', scheme, LABEL_SCHEMES)
        if scheme == 'original':
            return labels
        rule, said = _RULES[scheme]
        known = {name: new for name in names.tolist() if (new := rule(name)) is not None}
    unknown = [name for name in names.tolist() if name not in known]
    if unknown:
        raise InputError(f"{len(unknown)} of the {len(names)} labels are not {said}: "
                         f"{', '.join(unknown[:20])}{', ...' if len(unknown) > 20 else ''}")
    return np.array([known[name] for name in names.tolist()], str)[codes]
