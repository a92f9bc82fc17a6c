"""All ways to set up a backbone for a data set, with what is expected of each and its cost."""

from dataclasses import dataclass, field

from .costs import Cost, estimate_cost, is_transformer
from .local import is_on_this_machine

__all__ = ['Candidate', 'make_candidates']

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


def make_candidates(spec, situation, rules, device, speed):
    """
    Make all ways to use one backbone, with what the rules expect of each.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.
    situation : Situation
        Task, labels and images.
    rules : sequence of Rule
        Those that apply.
    device : str
        What the costs are for.
    speed : float
        Operations a second of that device.

    Yields
    ------
    candidate : Candidate
        One way.
    """
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
