"""The ways to fit a classifier, by name, with settings that work."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from astrofound.networks import AttentionHead, build_head

from .adaptation import add_lora, count_parameters, freeze, trainable_state, unfreeze
from .classifier_network import ClassifierNetwork
from .classify import ClassifierRecipe, train_classifier
from .probe import fit_head

__all__ = ['STRATEGIES', 'FittedClassifier', 'StrategyOptions', 'build_classifier',
           'fit_classifier', 'make_recipe']

#: How a backbone and a head are fitted.
STRATEGIES = {
    'frozen': 'the backbone as it is, the head alone learns: seconds',
    'finetune': 'the head first, then the backbone too, or its upper blocks',
    'lora': 'low-rank matrices beside the layers of the frozen backbone: few parameters learn',
    'scratch': "the backbone's architecture from random weights: needs many labels",
    'semi': 'as finetune, with unlabelled images beside (FixMatch)',
}

_RECIPES = {
    'frozen': ClassifierRecipe(adapt='none', n_epochs=60),
    'finetune': ClassifierRecipe(n_epochs=40, unfreeze_after=10),
    'lora': ClassifierRecipe(adapt='given', n_epochs=40),
    'scratch': ClassifierRecipe(learning_rate=2e-3, n_epochs=80),
    'semi': ClassifierRecipe(n_epochs=40, unfreeze_after=10),
}
# Attention takes far smaller steps than convolutions with normalised batches.
_OF_TRANSFORMERS = {
    'finetune': {'backbone_factor': 0.05, 'layer_decay': 0.75},
    'semi': {'backbone_factor': 0.05, 'layer_decay': 0.75},
    'scratch': {'learning_rate': 5e-4},
}
_HEAD_DROPOUT = 0.2
_N_FOR_SCALE = 512  # images that tell mean and spread of the features well enough


@dataclass(frozen=True, kw_only=True)
class StrategyOptions:
    """
    What is asked of a fit; ``'auto'`` takes what suits strategy and backbone.

    Attributes
    ----------
    strategy : str
        A key of ``STRATEGIES``.
    head : str
        A key of `~astrofound.networks.HEADS`.
    pooling : str
        A key of `~astrofound.backbones.POOLINGS`.
    solver : str
        A key of ``SOLVERS``, for the head of a frozen backbone.
    lora_rank : int
        Rank of the matrices of ``'lora'``.
    n_epochs, learning_rate, batch_size, augment : object
        As in `ClassifierRecipe`.
    unfreeze_after, n_blocks, layer_decay, patience : object
        As in `ClassifierRecipe`.
    mixed_precision : bool
        Whether networks compute in bfloat16.
    n_measured : int
        How many numbers stand beside the pooled features of a frozen backbone.
    seed : int
        Decides what is random.
    """

    strategy: str = 'frozen'
    head: str = 'linear'
    pooling: str = 'mean'
    solver: str = 'lbfgs'
    lora_rank: int = 8
    n_epochs: int | str = 'auto'
    learning_rate: float | str = 'auto'
    batch_size: int = 64
    augment: str = 'sky'
    unfreeze_after: int | str = 'auto'
    n_blocks: int | str = 'all'
    layer_decay: float | str = 'auto'
    patience: int | str = 'auto'
    mixed_precision: bool = False
    n_measured: int = 0
    seed: int = 0

    @property
    def is_probe(self):
        """Whether a head is fitted to features that are computed once."""
        return self.strategy == 'frozen' and self.head != 'attention'


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """
    What a fit gives.

    Attributes
    ----------
    network : ClassifierNetwork
        In evaluation mode.
    state : dict of str to `torch.Tensor`
        The part of its state that the fit changed, on the CPU.
    history : list of dict
        Losses.
    n_trainable, n_total : int
        Number of parameters that learnt, and of all.
    """

    network: ClassifierNetwork
    state: dict
    history: list
    n_trainable: int
    n_total: int


def make_recipe(options, spec):
    """
    Choose the settings of a strategy for a backbone.

    Parameters
    ----------
    options : StrategyOptions
        What is asked for.
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.

    Returns
    -------
    recipe : ClassifierRecipe
        The settings.
    """
    recipe = _RECIPES[options.strategy]
    if 'ViT' in spec.architecture or spec.n_prefix:
        recipe = replace(recipe, **_OF_TRANSFORMERS.get(options.strategy, {}))
    asked = {name: getattr(options, name) for name in (
        'n_epochs', 'learning_rate', 'batch_size', 'augment', 'unfreeze_after', 'n_blocks',
        'layer_decay', 'patience', 'mixed_precision')}
    recipe = replace(recipe, **{name: value for name, value in asked.items() if value != 'auto'})
    if options.unfreeze_after == 'auto':  # a short training keeps most of it for the backbone
        recipe = replace(recipe, unfreeze_after=min(recipe.unfreeze_after, recipe.n_epochs // 4))
    return recipe


def build_classifier(backbone, n_classes, options):
    """
    Put a head on a backbone, and beside its layers what the strategy adds.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Becomes part of the network; ``'lora'`` adds to it.
    n_classes : int
        Number of classes.
    options : StrategyOptions
        Strategy, head and seed of the random weights.

    Returns
    -------
    network : ClassifierNetwork
        On the device of the backbone.
    """
    n_inputs = (backbone.spec.n_features if options.head == 'attention'
                else backbone.n_pooled(options.pooling))
    blocks = (n_inputs, options.n_measured) if options.n_measured else ()
    device = backbone.device
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        head = build_head(options.head, n_inputs + options.n_measured, n_classes, blocks=blocks,
                          dropout=0.0 if options.is_probe else _HEAD_DROPOUT)
        if options.strategy == 'lora':
            add_lora(backbone, rank=options.lora_rank, alpha=2 * options.lora_rank)
    network = ClassifierNetwork(backbone, head, options.pooling)
    return network.to(device, memory_format=torch.channels_last)


def fit_classifier(network, pixels, codes, *, train, validation, options, features_of,
                   class_weights=None, mirror=None, unlabelled=None, run=None, progress=False):
    """
    Fit a classifier by the strategy asked for.

    Parameters
    ----------
    network : ClassifierNetwork
        As `build_classifier` gives it; fitted in place.
    pixels : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``, prepared for the backbone.
    codes : 1D `~numpy.ndarray` of int
        Class of each image.
    train, validation : 1D `~numpy.ndarray` of int
        Rows for either.
    options : StrategyOptions
        What is asked for.
    features_of : callable
        From pixels to pooled features ``(n, n_features)`` of the backbone as it is, and beside
        them what was measured.
    class_weights, mirror, unlabelled, run, progress : optional
        As for `train_classifier`.

    Returns
    -------
    fitted : FittedClassifier
        The network and what was changed in it.
    """
    head = network.head
    if options.is_probe:
        freeze(network.backbone)
        rows = torch.from_numpy(np.sort(np.concatenate([train, validation])))
        features = np.zeros((len(pixels), len(head.level)), np.float32)
        features[rows] = features_of(pixels[rows])
        if mirror is not None:
            some = features_of(pixels[torch.from_numpy(train)].flip(3))
            features = np.concatenate([features, some])
            codes = np.append(codes, mirror[codes[train]])
            train = np.append(train, np.arange(len(pixels), len(features)))
        history = fit_head(
            head.cpu(), features, codes, train=train, validation=validation,
            solver=options.solver, class_weights=class_weights, seed=options.seed,
            n_epochs=100 if options.n_epochs == 'auto' else options.n_epochs,
            learning_rate=None if options.learning_rate == 'auto' else options.learning_rate)
        head.to(network.backbone.device)
        n_trainable, n_total = count_parameters(network)
        names = {f'head.{name}' for name in head.state_dict()}
    else:
        # Features of random weights hardly differ, and are others after a few steps.
        if options.strategy != 'scratch' and not isinstance(head, AttentionHead):
            some = np.random.default_rng(options.seed).permutation(train)[:_N_FOR_SCALE]
            some = features_of(pixels[torch.from_numpy(some)])
            head.fit_scale(torch.from_numpy(some).to(network.backbone.device))
        recipe = make_recipe(options, network.backbone.spec)
        if recipe.adapt != 'given':  # to know what will have learnt
            unfreeze(network.backbone, recipe.n_blocks if recipe.adapt == 'blocks' else 0)
        names, (n_trainable, n_total) = set(trainable_state(network)), count_parameters(network)
        history = train_classifier(
            network, pixels, codes, train=train, validation=validation, recipe=recipe,
            class_weights=class_weights, mirror=mirror, unlabelled=unlabelled, seed=options.seed,
            device=network.backbone.device, run=run, progress=progress)
    network.eval()
    state = {name: tensor.detach().cpu().clone()
             for name, tensor in network.state_dict().items() if name in names}
    return FittedClassifier(network, state, history, n_trainable, n_total)
