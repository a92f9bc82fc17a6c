"""The recommendation for a data set, with its reasons and what it would cost."""

import textwrap
from dataclasses import dataclass, replace

import numpy as np

from astrofound.backbones import find_spec, list_backbones
from astrofound.datasets import LabelledImages, Stamp
from astrofound.explore import Description, describe
from astrofound.utils import InputError, check_number, resolve_device

from .candidates import make_candidates
from .costs import measure_speed
from .published import PAPER
from .rules import RULES
from .situation import Situation

__all__ = ['Advice', 'advise']

_SAMPLE = 200            # images that are measured


@dataclass(frozen=True, eq=False)
class Advice:
    """
    Result of `advise`; its text is what the command prints.

    Parameters
    ----------
    situation : Situation
        What was looked at.
    candidates : tuple of Candidate
        The best first.
    rules : tuple of Rule
        The guidelines that apply.
    device : str
        What the costs are for.
    max_hours : float or None
        Longest time of a candidate.
    n_left_out : int
        Candidates that would take longer.
    """

    situation: Situation
    candidates: tuple
    rules: tuple
    device: str
    max_hours: float | None
    n_left_out: int

    @property
    def best(self):
        """The first candidate, wherever its weights are."""
        return self.candidates[0]

    @property
    def best_here(self):
        """The first candidate whose weights are on this machine; `best` where none is."""
        return next((one for one in self.candidates if one.available), self.best)

    def cheapest(self, n):
        """
        Choose what to try first.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        candidates : list of Candidate
            The cheapest whose weights are here, the best first where costs are equal.
        """
        here = [one for one in self.candidates if one.available]
        return sorted(here, key=lambda one: one.cost.seconds)[:n]

    def summary(self, *, n=5):
        """
        Write the recommendation as text.

        Parameters
        ----------
        n : int, optional
            Candidates to list.

        Returns
        -------
        text : str
            Measured traits, candidates, reasons, and what the figures mean.
        """
        situation = self.situation
        lines = ['What the images are like:', *_indent(situation.description.summary())]
        if situation.n_labels:
            sizes = f', {situation.n_smallest} to {situation.n_largest} a class' if (
                situation.classes) else ''
            lines.append(f'  labels             {situation.n_labels}{sizes}')
        lines += ['', f'Recommended for {situation.task}, best first (time and memory on '
                      f'{self.device}):']
        shown = list(_one_each(self.candidates))[:n]
        lines += [f'  {number}. {one}' for number, one in enumerate(shown, 1)]
        if self.best_here not in shown:
            lines.append(f'  here: {self.best_here}')
        if self.best_here.head != 'faster_rcnn':
            lines += ['', 'With what is here:', f'  {self.best_here.command}']
        lines += ['', 'Why:']
        told = {name for one in [*shown, self.best_here] for name in one.rules}
        for rule in self.rules:
            if rule.name in told or not rule.favours:
                lines += _wrapped(f'{_filled(rule.says, situation)}: {rule.because} '
                                  f'[{rule.reference}]', '  - ', '    ')
        lines.append('')
        over = ('the macro F1 of a linear head on a frozen backbone'
                if situation.task == 'classification' else 'an mAP of 0.5 at IoU 0.5')
        lines += _wrapped(
            f'Sections, tables and figures are those of {PAPER}. The number after a candidate is '
            f'the sum of what they report over {over}: it puts candidates in order and promises '
            'nothing for other data.')
        if self.best_here.strategy != 'bundled':
            lines += _wrapped(f'Time of {self.best_here.backbone}: {self.best_here.cost.how}; '
                              'right within a factor of two or three.')
        if self.n_left_out:
            lines += _wrapped(f'{self.n_left_out} candidates would take longer than '
                              f'{self.max_hours:g} hours and are not listed.')
        return '\n'.join(lines)

    def __str__(self):
        return self.summary()

    def __repr__(self):
        return f'<Advice for {self.situation.task}: {self.best}>'


def advise(data, task='classification', *, n_labels=None, domain=None, backbones=None,
           max_hours=24.0, device='auto', speed=None):
    """
    Recommend backbone, image size, crop, head and strategy for a data set.

    Parameters
    ----------
    data : `~astrofound.datasets.LabelledImages`, `~astrofound.explore.Description` or images
        Labelled images, of which up to 200 are measured; what
        `~astrofound.explore.describe` gave; or anything that it takes.
    task : {'classification', 'detection'}, optional
        What shall be learnt.
    n_labels : int, optional
        Number of labels; by default that of the labelled images.
    domain : {'radio', 'optical'}, optional
        Where the images come from. Without it, rules for one of them stay silent.
    backbones : sequence of str, optional
        Which to consider; by default all that can be loaded.
    max_hours : float or None, optional
        Candidates that would take longer are left out; `None` keeps all.
    device : str, optional
        What the costs are for.
    speed : float, optional
        Operations a second of that device; by default measured.

    Returns
    -------
    advice : Advice
        Candidates, reasons and costs; ``print(advice)`` tells all.

    Raises
    ------
    InputError
        If an argument is not possible or nothing in the data is an image.

    Examples
    --------
    >>> from astrofound.datasets import make_field
    >>> from astrofound.guidance import advise
    >>> sky = make_field('radio', shape=(256, 256), seed=0).image
    >>> advice = advise(sky, 'detection', domain='radio')
    >>> advice.best_here
    Candidate(backbone='compact', strategy='bundled', ...)
    """
    situation = _situation(data, task, n_labels, domain)
    device = str(resolve_device(device))
    if max_hours is not None:
        check_number('max_hours', max_hours, above=0)
    speed = measure_speed(device) if speed is None else check_number('speed', speed, above=0)
    if backbones is None:
        backbones = [name for name in list_backbones() if not find_spec(name).obstacle]
    rules = tuple(rule for rule in RULES if rule.when(situation))
    candidates = [one for name in backbones
                  for one in make_candidates(find_spec(name), situation, rules, device, speed)]
    if not candidates:
        raise InputError("'backbones' must name at least one backbone")
    within = [one for one in candidates if max_hours is None
              or one.cost.seconds <= 3600 * max_hours]
    if not any(one.available for one in within):    # something to begin with, at any price
        here = [one for one in candidates if one.available] or candidates
        within.append(min(here, key=lambda one: one.cost.seconds))
    within.sort(key=lambda one: (-round(one.gain, 6), one.cost.seconds))
    return Advice(situation, tuple(within), rules, device, max_hours,
                  len(candidates) - len(within))


def _situation(data, task, n_labels, domain):
    if isinstance(data, Description):
        return Situation(data, task, n_labels=n_labels or 0, domain=domain)
    if not isinstance(data, LabelledImages):
        return Situation(describe(data), task, n_labels=n_labels or 0, domain=domain)
    rows = np.random.default_rng(0).permutation(len(data))[:_SAMPLE]
    images = data.select(np.sort(rows)).images
    some = [_plain(images[number]) for number in range(len(images))]
    counts = [count for count in data.counts().values() if count]
    description = describe(some)
    if data.boxes is not None:    # sizes as the labels have them, not as the noise allows
        sides = np.concatenate([own[:, 2:] - own[:, :2] for own in data.boxes])
        description = replace(description, source_pix=float(np.median(sides.max(axis=1))))
    return Situation(
        description, task, n_labels=len(data) if n_labels is None else n_labels,
        classes=tuple(data.classes), n_smallest=min(counts), n_largest=max(counts),
        domain=domain, boxes=data.boxes is not None, bytes=_is_bytes(some[0]))


def _plain(image):
    """The pixels of a cutout, where it is one of a mosaic."""
    return image.pixels if isinstance(image, Stamp) else image


def _is_bytes(image):
    if isinstance(image, np.ndarray):
        return image.dtype == np.uint8
    return str(image).lower().endswith(('.png', '.jpg', '.jpeg'))


def _one_each(candidates):
    """The first candidate of each backbone and strategy."""
    seen = set()
    for one in candidates:
        if (one.backbone, one.strategy) not in seen:
            seen.add((one.backbone, one.strategy))
            yield one


def _filled(text, situation):
    """Fill the braces of a text with properties of the situation."""
    class Properties(dict):
        def __missing__(self, name):
            return getattr(situation, name)

    return text.format_map(Properties())


def _indent(text):
    return [f'  {line}' for line in text.splitlines()]


def _wrapped(text, first='', rest=''):
    return textwrap.wrap(text, 98, initial_indent=first, subsequent_indent=rest)
