"""Everything that decides the training of a detector on boxes, besides data and seed."""

import math
from dataclasses import dataclass, fields, replace

from astrofound.networks.box_heads import BOX_HEADS
from astrofound.utils import InputError, check_choice, check_number

__all__ = ['BOX_RECIPES', 'TUNINGS', 'BoxRecipe']

#: What learns besides pyramid, proposals and heads.
TUNINGS = {
    'frozen': 'the backbone stays as it is, to the last statistic',
    'lora': 'low-rank matrices beside the layers of the backbone learn',
    'full': 'the backbone learns too, more slowly',
    'scratch': 'the backbone starts from random weights',
}

_AUGMENTATIONS = ('sky', 'photometric', 'none')


@dataclass(frozen=True, kw_only=True)
class BoxRecipe:
    """
    Settings of a training.

    Attributes
    ----------
    head : str
        A key of ``BOX_HEADS``: ``'rcnn'`` proposes boxes and judges them, ``'query'`` has
        queries that each look for one source.
    tuning : str
        A key of ``TUNINGS``.
    n_epochs : int
        Passes over the tiles.
    batch_size : int
        Tiles a step. What does not fit into memory is halved and summed.
    optimizer : {'adamw', 'sgd'}
        SGD is that of the paper's code: momentum 0.9, Nesterov.
    learning_rate, weight_decay : float
        The optimizer's.
    backbone_factor, layer_decay : float
        Learning rate of a tuned backbone's last block in units of the rest's, and the factor
        from one block to the one below.
    lora_rank : int
        Rank of the matrices of ``tuning='lora'``.
    schedule : {'cosine', 'constant'}
        Whether the learning rate falls to zero along half a cosine.
    warmup : float
        Share of the steps over which the learning rate rises.
    head_epochs : int
        Epochs before a tuned backbone begins to learn.
    clip : float or None
        Largest norm of the gradient.
    averaging : float
        Decay a step of the running mean of the weights, which is what is kept; 0 keeps the
        last weights.
    augmentation : {'sky', 'photometric', 'none'}
        Whether tiles are turned and mirrored; or blurred and changed in contrast, as the
        paper's.
    crop : int or None
        Side in network pixels of a random part of each tile; `None` takes tiles whole.
    width, head_width : int
        Channels of the pyramid and width of the head.
    n_anchors : int
        Anchors of a level.
    n_detections, n_proposals : int or None
        Most detections and proposals of a tile; `None` chooses them by the density of sources.
    anchors : {'fitted', 'usual'}
        Whether anchors are fitted to the boxes or those of torchvision, 32 to 512 pixels.
    normalized : bool
        Whether images are normalised as in the backbone's pretraining.
    extra_level : bool
        Whether the pyramid gets a level coarser than the backbone's.
    last_only : bool
        Whether there is no pyramid, only the backbone's last map.
    window : int
        Tokens along the side of a window within which most blocks of a transformer attend; 0
        attends globally.
    validate_every : int
        Epochs between validations.
    patience : int or None
        Validations without improvement after which a training ends; `None` goes on to the end.
    mixed_precision : bool or None
        Whether the network computes in bfloat16; `None` does so where the device is fast at it.
    deterministic : bool
        Whether torch is asked for algorithms that repeat to the last bit.
    """

    head: str = 'rcnn'
    tuning: str = 'frozen'
    n_epochs: int = 40
    batch_size: int = 8
    optimizer: str = 'adamw'
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    backbone_factor: float = 0.3
    layer_decay: float = 0.9
    lora_rank: int = 8
    schedule: str = 'cosine'
    warmup: float = 0.05
    head_epochs: int = 0
    clip: float | None = 5.0
    averaging: float = 0.99
    augmentation: str = 'sky'
    crop: int | None = None
    width: int = 256
    head_width: int = 1024
    n_anchors: int = 4
    n_detections: int | None = None
    n_proposals: int | None = None
    anchors: str = 'fitted'
    normalized: bool = True
    extra_level: bool = False
    last_only: bool = False
    window: int = 0
    validate_every: int = 2
    patience: int | None = 6
    mixed_precision: bool | None = None
    deterministic: bool = False

    def __post_init__(self):
        check_choice('head', self.head, BOX_HEADS)
        check_choice('tuning', self.tuning, TUNINGS)
        check_choice('optimizer', self.optimizer, ('adamw', 'sgd'))
        check_choice('schedule', self.schedule, ('cosine', 'constant'))
        check_choice('augmentation', self.augmentation, _AUGMENTATIONS)
        check_choice('anchors', self.anchors, ('fitted', 'usual'))
        for name in ('n_epochs', 'batch_size', 'lora_rank', 'width', 'head_width', 'n_anchors',
                     'validate_every'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        for name in ('crop', 'n_detections', 'n_proposals', 'patience'):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), minimum=1, integer=True)
        check_number('window', self.window, minimum=0, integer=True)
        check_number('head_epochs', self.head_epochs, minimum=0, integer=True)
        check_number('learning_rate', self.learning_rate, above=0)
        for name in ('weight_decay', 'backbone_factor', 'layer_decay'):
            check_number(name, getattr(self, name), minimum=0)
        for name in ('warmup', 'averaging'):
            check_number(name, getattr(self, name), minimum=0, maximum=1)
        if self.averaging == 1:
            raise InputError("'averaging' must be less than 1, or nothing would be learnt")

    def rate_at(self, step, n_steps):
        """
        Give the learning rate of a step, in units of the highest.

        Parameters
        ----------
        step, n_steps : int
            Steps done and steps in all.

        Returns
        -------
        rate : float
            From 0 to 1.
        """
        warmup = round(self.warmup * n_steps)
        if step < warmup:
            return (step + 1) / warmup
        if self.schedule == 'constant':
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, n_steps - warmup))))

    def change(self, **changes):
        """
        Copy the recipe with some settings changed.

        Parameters
        ----------
        **changes
            Settings and their values; those that are `None` stay as they are.

        Returns
        -------
        recipe : BoxRecipe
            The new one.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        known = {field.name for field in fields(self)}
        for name in changes:
            check_choice('setting', name, known)
        return replace(self, **{name: value for name, value in changes.items()
                                if value is not None})


#: Recipes by name: ours, the paper's schedule in the paper's network, and a minute's trial.
BOX_RECIPES = {
    'default': BoxRecipe(),
    'paper': BoxRecipe(n_epochs=100, batch_size=16, optimizer='sgd', learning_rate=1e-3,
                       weight_decay=0.0, backbone_factor=1.0, layer_decay=1.0,
                       schedule='constant', warmup=0.0, clip=None, averaging=0.0,
                       augmentation='photometric', anchors='usual', normalized=False,
                       extra_level=True, window=14, n_detections=100, n_proposals=1000,
                       validate_every=10, patience=None),
    'smoke': BoxRecipe(n_epochs=2, batch_size=2, width=16, head_width=32, validate_every=1),
}
