"""The recommendation for a data set, with its reasons and what it would cost."""

import textwrap
from dataclasses import dataclass, field, replace

import numpy as np

from astrofound.backbones import find_spec, list_backbones
from astrofound.datasets import LabelledImages, Stamp
from astrofound.explore import Description, describe
from astrofound.utils import InputError, check_number, resolve_device

from .costs import Cost, estimate_cost, is_transformer, measure_speed
from .local import is_on_this_machine
from .published import PAPER
from .rules import RULES
from .situation import Situation

__all__ = ['Advice', 'Candidate', 'advise']

_SAMPLE = 200            # images that are measured
_HEAVY = 30_000_000      # parameters
_SIZES = (320, 480, 512)  # pixels that the paper enlarged to, brought to whole patches
_TOGETHER = 0.231 / 0.247  # crop and fine-tuning brought 0.231, one by one 0.115 + 0.132


@dataclass(frozen=True, eq=False)
class Candidate:
    """
    One way to set up a classifier or detector.

    Parameters
    ----------
    backbone, strategy, head : str
        As `~astrofound.estimators.MorphologyClassifier` names them.
    crop : str or None
        ``'box'``, ``'segmentation'`` or `None`.
    image_size : int
        Side in pixels that images are brought to.
    n_patches : float
        Patches that a source spans as the network sees it.
    gain : float
        Expected score against a linear head on a frozen backbone without anything else: the
        sum of what the rules say. It orders candidates and is no promise.
    cost : Cost
        Time and memory.
    available : bool
        Whether the weights are on this machine.
    rules : tuple of str
        Names of the rules that speak for it or against it.
    sets : dict
        Further parameters.
    """

    backbone: str
    strategy: str
    head: str
    crop: str | None
    image_size: int
    n_patches: float
    gain: float
    cost: Cost
    available: bool
    rules: tuple
    sets: dict = field(default_factory=dict)

    @property
    def settings(self):
        """Parameters of `~astrofound.estimators.MorphologyClassifier`, for classification."""
        return {'backbone': self.backbone, 'strategy': self.strategy, 'head': self.head,
                'crop': self.crop, 'image_size': self.image_size, **self.sets}

    @property
    def command(self):
        """The command that trains it, or for the bundled detector runs it."""
        if self.strategy == 'bundled':
            return 'astrofound detect IMAGE'
        words = {'backbone': self.backbone, 'strategy': self.strategy, 'head': self.head,
                 'crop': self.crop, 'size': self.image_size, 'scaling': self.sets.get('scaling'),
                 'augment': self.sets.get('augment')}
        return ' '.join(['astrofound train classifier DATA',
                         *(f'--{name} {value}' for name, value in words.items() if value)])

    def __str__(self):
        if self.strategy == 'bundled':
            return 'SourceDetector with the bundled weights: nothing to train'
        parts = [self.backbone, f'{self.image_size} pixels',
                 'no crop' if self.crop is None else f'crop {self.crop}',
                 f'{self.head} head', self.strategy]
        if self.head == 'faster_rcnn':
            parts[2:] = ['Faster R-CNN', self.strategy]
        missing = '' if self.available else '; weights not here'
        return f'{", ".join(parts)}: {self.gain:+.2f}, {self.cost}{missing}'


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
                  for one in _candidates(find_spec(name), situation, rules, device, speed)]
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


def _candidates(spec, situation, rules, device, speed):
    """All ways to use one backbone."""
    sizes = {'native': spec.image_size or 128}
    if (larger := _enlarged(spec, situation)) is not None:
        sizes['enlarged'] = larger
    here = is_on_this_machine(spec)
    for strategy, head, crop, size in _ways(spec, situation, sizes):
        traits = {'backbone': spec.name, 'strategy': strategy, 'head': head, 'size': size,
                  'kind': 'transformer' if is_transformer(spec) else 'convolutional',
                  'crop': 'yes' if crop else 'no',
                  'weight': 'heavy' if spec.n_parameters > _HEAVY else 'light'}
        spoken = {rule.name: points for rule in rules if (points := sum(
            favour.points for favour in rule.favours if favour.fits(traits)))}
        gain = sum(spoken.values())
        if crop and strategy != 'frozen' and gain > 0:
            gain *= _TOGETHER
        sets = {name: value for rule in rules for name, value in rule.sets.items()}
        if spec.scale == 'significance':
            sets.pop('scaling', None)
        cost = estimate_cost(spec, 'frozen' if strategy == 'bundled' else strategy,
                             image_size=sizes[size], n_images=max(situation.n_labels, 1),
                             device=device, speed=speed)
        share = min(1.0, 1.5 * situation.share) if crop else 1.0  # half of it margin
        yield Candidate(spec.name, strategy, head, crop, sizes[size],
                        situation.n_patches(spec, sizes[size]) / share, gain, cost,
                        here or strategy == 'scratch', tuple(spoken), sets)


def _ways(spec, situation, sizes):
    """Strategies, heads, crops and sizes that make sense together."""
    if situation.task == 'detection':
        if spec.name == 'compact':
            yield 'bundled', 'detector', None, 'native'
            return
        for strategy in ('frozen', 'finetune'):
            for size in sizes:
                yield strategy, 'faster_rcnn', None, size
        return
    crops = (None, 'box' if situation.boxes else 'segmentation')
    for crop in crops:
        for size in sizes if crop is None else ('native',):
            for head in ('linear', 'whiten', 'mlp'):
                yield 'frozen', head, crop, size
        for strategy in ('lora', 'finetune', 'scratch'):
            if strategy != 'scratch' or spec.family == 'supervised':
                yield strategy, 'linear', crop, 'native'


def _enlarged(spec, situation):
    """The smallest larger size at which a source fills a patch, or the largest there is."""
    size = spec.image_size
    if size is None or spec.fixed_size or situation.n_patches(spec, size) >= 1:
        return None
    sizes = [round(one / spec.patch_size) * spec.patch_size for one in _SIZES]
    sizes = [one for one in sizes if size < one <= (spec.max_size or one)]
    return next((one for one in sizes if situation.n_patches(spec, one) >= 1),
                sizes[-1] if sizes else None)


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
