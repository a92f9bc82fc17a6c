"""
Figures of Lastufka et al. 2025 that its text and tables print, to stand beside one's own.

What can only be read off a drawing is not here: the points of its Figs 3 to 5, B.1 and B.2 have
no printed values, but for the few that the text gives.
"""

import math
from dataclasses import dataclass

__all__ = ['PAPER', 'PublishedValue', 'find_published']

PAPER = 'Lastufka et al. 2025, A&A 703, A217'
RESNET, RADIO, ANY = 'ResNet-50', 'AM-RADIO', 'the best model'


@dataclass(frozen=True)
class PublishedValue:
    """
    One printed figure.

    Parameters
    ----------
    place : str
        Table or figure that it belongs to.
    what : str
        Strategy or panel.
    backbone : str
        As the paper names it.
    value : float
        Macro F1 on the test set.
    source : str
        Where it is printed.
    note : str, optional
        What is inconsistent or derived.
    change : float, optional
        Printed difference to the baseline; NaN where there is none.
    """

    place: str
    what: str
    backbone: str
    value: float
    source: str
    note: str = ''
    change: float = math.nan


def _table_4():
    derived = 'not printed: derived from the differences in Table 4'
    rows = [
        ('linear', 0.511, 0.0, 0.589, 0.0, derived),
        ('whitening', 0.519, 0.008, 0.603, 0.013, ''),
        ('mlp', 0.526, 0.015, 0.623, 0.034, ''),
        ('large', 0.486, -0.025, 0.625, 0.036,
         'the text says +8.1 % for ViT-L, the table is +6.1 %'),
        ('huge', 0.486, -0.026, 0.653, 0.063, ''),
        ('crop', 0.643, 0.132, 0.705, 0.115,
         'the text says +16 % for AM-RADIO, the table is +19.5 %'),
        ('upsample 320', 0.481, -0.031, 0.630, 0.041, ''),
        ('upsample 480', 0.465, -0.046, 0.666, 0.080,
         'the text calls it optimal for AM-RADIO; in the table 512 has 0.001 more'),
        ('upsample 512', 0.454, -0.057, 0.667, 0.078, ''),
        ('lora', 0.674, 0.163, 0.692, 0.102, ''),
        ('finetune', 0.737, 0.226, 0.721, 0.132, ''),
    ]
    for what, resnet, resnet_change, radio, radio_change, note in rows:
        for backbone, value, change in ((RESNET, resnet, resnet_change),
                                        (RADIO, radio, radio_change)):
            yield PublishedValue('Table 4', what, backbone, value, 'Table 4', note, change)
    yield PublishedValue('Table 4', 'crop + finetune', RADIO, 0.82, 'Sect. 3.2')


_PUBLISHED = (
    *_table_4(),
    PublishedValue('Fig. 3', 'optical 0.1', ANY, 0.87, 'Sect. 6',
                   '"close to 0.87 with only 800 labels"'),
    PublishedValue('Fig. 3', 'radio 1', RADIO, 0.589, 'Table 4',
                   'not printed: derived from the differences in Table 4'),
    PublishedValue('Fig. 3', 'radio 1', RESNET, 0.511, 'Table 4',
                   'not printed: derived from the differences in Table 4'),
    PublishedValue('Fig. 5', 'peaks 1', ANY, 0.74, 'Sect. 3.1', '"up to 0.74"'),
    PublishedValue('Fig. 5', 'components 1', 'MSN', 0.63, 'Sect. 3.1', 'the largest of all'),
)

# What the paper calls the networks of our registry.
_NAMES = {
    'am_radio': RADIO, 'cradio': RADIO, 'resnet50': RESNET, 'msn': 'MSN',
}


def find_published(place, what, backbone=None):
    """
    Look up what the paper prints.

    Parameters
    ----------
    place : str
        ``'Table 4'``, ``'Fig. 3'``, ``'Fig. 5'``, ...
    what : str
        Strategy, or panel and fraction as in ``'optical 0.1'``.
    backbone : str, optional
        Name in the registry; by default the best model, or AM-RADIO in Table 4.

    Returns
    -------
    value : PublishedValue or None
        `None` where nothing is printed.

    Examples
    --------
    >>> from astrofound.guidance import find_published
    >>> find_published('Table 4', 'crop', 'resnet50').value
    0.643
    >>> find_published('Fig. 4', 'optical 1') is None   # only drawn
    True
    """
    named = [name for start, name in _NAMES.items() if (backbone or '').startswith(start)]
    wanted = named or ([RADIO] if place == 'Table 4' else [ANY, 'MSN', RADIO])
    if backbone is not None and not named:
        return None
    for name in wanted:
        for one in _PUBLISHED:
            if (one.place, one.what, one.backbone) == (place, what, name):
                return one
    return None
