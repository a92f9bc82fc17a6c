"""Train a classifier end to end: freezing, early stopping, checkpoints, unlabelled images."""

import json
import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from astrofound.utils import InputError, atomic_path, check_choice, check_number, progress_bar

from .adaptation import freeze, hold_statistics, layer_groups, trainable_state, unfreeze
from .image_augment import AUGMENTATIONS, ImageAugmentation
from .ranks import Ranks

__all__ = ['ClassifierRecipe', 'predict_logits', 'train_classifier']

logger = logging.getLogger(__name__)

_SURE = 0.95  # probability from which on a guess at an unlabelled image is taken for its label
_UNLABELLED = 4  # unlabelled images for each labelled one in a step


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe:
    """
    Everything that decides how a classifier learns, besides data and seed.

    Attributes
    ----------
    n_epochs : int
        Passes over the training images.
    batch_size : int
        Images a step.
    optimizer : {'adamw', 'sgd'}
        ``'sgd'`` has neither momentum nor schedule, as in the paper.
    learning_rate : float
        Rate of the head.
    backbone_factor : float
        Rate of the backbone in units of the head's.
    layer_decay : float
        Factor of the rate from each block to the one below it.
    weight_decay : float
        AdamW's.
    adapt : {'none', 'blocks', 'given'}
        What of the backbone learns: nothing, ``n_blocks`` from the top, or whatever already
        has gradients (low-rank additions).
    n_blocks : int or 'all'
        Blocks that learn.
    unfreeze_after : int
        Epochs in which the head learns alone.
    label_smoothing : float
        Share of each label spread over all classes.
    averaging : float
        Decay a step of the running mean of the weights, which is what is kept.
    patience : int
        Epochs without a lower validation loss after which it stops; 0 never stops early.
    augment : str
        A key of ``AUGMENTATIONS``.
    mixed_precision : bool
        Whether the network computes in bfloat16.
    """

    n_epochs: int = 60
    batch_size: int = 64
    optimizer: str = 'adamw'
    learning_rate: float = 1e-3
    backbone_factor: float = 1.0
    layer_decay: float = 1.0
    weight_decay: float = 0.05
    adapt: str = 'blocks'
    n_blocks: int | str = 'all'
    unfreeze_after: int = 0
    label_smoothing: float = 0.05
    averaging: float = 0.99
    patience: int = 0
    augment: str = 'sky'
    mixed_precision: bool = False

    def __post_init__(self):
        check_choice('optimizer', self.optimizer, ('adamw', 'sgd'))
        check_choice('adapt', self.adapt, ('none', 'blocks', 'given'))
        check_choice('augment', self.augment, AUGMENTATIONS)
        for name in ('n_epochs', 'batch_size'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        for name in ('unfreeze_after', 'patience'):
            check_number(name, getattr(self, name), minimum=0, integer=True)
        check_number('learning_rate', self.learning_rate, above=0)

    def rate_at(self, done):
        """
        Return the factor of all learning rates.

        Parameters
        ----------
        done : float
            Share of the training that is done, 0 to 1.

        Returns
        -------
        factor : float
            A linear rise over 5 per cent and half a cosine for AdamW, 1 for SGD.
        """
        if self.optimizer == 'sgd':
            return 1.0
        return min(1.0, done / 0.05 + 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def train_classifier(network, images, codes, *, train, validation, recipe, class_weights=None,
                     mirror=None, unlabelled=None, seed=0, device='cpu', run=None,
                     progress=False):
    """
    Train a network on labelled images, in place.

    Parameters
    ----------
    network : ClassifierNetwork
        On its device; what is kept is the running mean of its weights, at the epoch of the
        lowest validation loss where there are validation images, else at the end.
    images : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``, as backbones take them, in any floating type.
    codes : 1D `~numpy.ndarray` of int
        Class of each image.
    train, validation : 1D `~numpy.ndarray` of int
        Rows of the images for either; ``validation`` may be empty.
    recipe : ClassifierRecipe
        Settings.
    class_weights : 1D `~numpy.ndarray`, optional
        Weight of each class in the loss.
    mirror : 1D `~numpy.ndarray` of int, optional
        Class of a mirror image of each class: half of the images are then mirrored, and their
        labels with them. The augmentation of the recipe must not mirror.
    unlabelled : `torch.Tensor`, optional
        Images without labels, for FixMatch [1]_: what the network is sure of on a lightly
        changed image it must also say of a strongly changed one.
    seed : int, optional
        Decides order and augmentation.
    device : `torch.device` or str, optional
        Where it runs. Processes that ``accelerate launch`` started share each batch.
    run : path-like, optional
        Folder for ``checkpoint.pt`` and ``history.jsonl``; a training that was stopped goes on.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    history : list of dict
        One entry an epoch: losses, accuracy on the validation images, images a second.

    Raises
    ------
    InputError
        If the folder holds another training, or the loss stops being a number.

    References
    ----------
    .. [1] Sohn et al. 2020, FixMatch: Simplifying Semi-Supervised Learning with Consistency
       and Confidence, arXiv:2001.07685.
    """
    trainer = _Trainer(network, images, np.asarray(codes), train, validation, recipe,
                       class_weights, mirror, unlabelled, seed, torch.device(device))
    folder = None if run is None else Path(run)
    if folder is not None:
        trainer.resume(folder)
    bar = progress_bar(range(trainer.epoch, recipe.n_epochs), label='training', show=progress)
    for _ in bar:
        if trainer.is_stale:
            logger.info('no lower validation loss for %d epochs: stopped', recipe.patience)
            break
        with torch.random.fork_rng():  # dropout draws from torch's own source of chance
            trainer.train_epoch()
        if folder is not None and trainer.ranks.is_main:
            trainer.save(folder)
    trainer.finish()
    return trainer.history


@torch.inference_mode()
def predict_logits(network, images, *, batch_size=64, mixed_precision=False):
    """
    Classify images with a network in evaluation mode.

    Parameters
    ----------
    network : ClassifierNetwork
        On its device.
    images : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``.
    batch_size : int, optional
        Images at once.
    mixed_precision : bool, optional
        Whether it computes in bfloat16.

    Returns
    -------
    logits : `torch.Tensor`
        Shape ``(n, n_classes)``, on the CPU.
    """
    device = next(network.parameters()).device
    network.eval()
    out = []
    for part in images.split(batch_size):
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision):
            out.append(network(part.to(device, torch.float32)).float().cpu())
    return torch.cat(out) if out else torch.zeros(0, 0)


class _Trainer:
    """Network, optimiser, running mean and how far the training is."""

    def __init__(self, network, images, codes, train, validation, recipe, class_weights,
                 mirror, unlabelled, seed, device):
        self.network, self.recipe, self.seed, self.device = network, recipe, seed, device
        self.images, self.codes = images, torch.from_numpy(codes.astype(np.int64))
        self.train, self.validation = np.asarray(train), np.asarray(validation)
        self.weights = None if class_weights is None else torch.as_tensor(
            class_weights, dtype=torch.float32, device=device)
        self.mirror = None if mirror is None else torch.from_numpy(np.asarray(mirror))
        self.unlabelled = unlabelled
        self.augment = AUGMENTATIONS[recipe.augment]
        self.epoch, self.step, self.history = 0, 0, []
        self.ranks = Ranks()
        self._open_up()

    def _open_up(self):
        """Let learn what learns from this epoch on, with a new optimiser for it."""
        recipe, backbone = self.recipe, self.network.backbone
        self.network.head.requires_grad_(True)
        self._head_only = recipe.adapt == 'none' or self.epoch < recipe.unfreeze_after
        if recipe.adapt != 'given':
            freeze(backbone)
            if not self._head_only:
                unfreeze(backbone, recipe.n_blocks)
        groups = layer_groups(backbone, self.network.head, recipe.learning_rate,
                              backbone_factor=recipe.backbone_factor,
                              layer_decay=recipe.layer_decay)
        if recipe.optimizer == 'sgd':
            self.optimizer = torch.optim.SGD(groups)
        else:
            self.optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        self._rates = [group['lr'] for group in self.optimizer.param_groups]
        self.averaged = trainable_state(self.network)
        self._since = self.step
        # What was best with less to learn does not know of the rest.
        self.best_loss, self.best_epoch, self.best = math.inf, self.epoch, None

    @property
    def is_stale(self):
        return bool(self.recipe.patience) and (
            self.epoch - max(self.best_epoch, self.recipe.unfreeze_after) >= self.recipe.patience)

    def train_epoch(self):
        recipe = self.recipe
        if self._head_only and recipe.adapt == 'blocks' and self.epoch >= recipe.unfreeze_after:
            self._open_up()
        # Chance of its own for each epoch, so that a resumed run draws the same.
        rng = np.random.default_rng((self.seed, self.epoch))
        seeds = rng.integers(2**62, size=(self.ranks.n, 2))[self.ranks.index]
        chance = torch.Generator().manual_seed(int(seeds[0]))
        torch.manual_seed(int(seeds[1]))  # dropout
        order = rng.permutation(self.train)
        n_steps = max(1, len(order) // recipe.batch_size)
        self.network.train()
        hold_statistics(self.network)
        started, loss_sum = time.perf_counter(), 0.0
        for index, rows in enumerate(np.array_split(order, n_steps)):
            done = (self.epoch + index / n_steps) / recipe.n_epochs
            for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
                group['lr'] = rate * recipe.rate_at(done)
            loss_sum += self._step(self.ranks.share(rows), chance, rng)
            self._average()
        self.ranks.average(self.network.buffers())  # of batch normalisations
        self.ranks.average(self.averaged.values())
        self.epoch += 1
        entry = {'epoch': self.epoch, 'loss': loss_sum / n_steps,
                 'images_per_second': len(order) / (time.perf_counter() - started)}
        if len(self.validation):
            entry |= self._validate()
        self.history.append(entry)

    def _step(self, rows, chance, rng):
        batch, codes = self._batch(self.images, rows, self.augment, chance), self.codes[rows]
        if self.mirror is not None:
            batch, codes = self._mirrored(batch, codes, chance)
        loss = self._loss(batch, codes.to(self.device), self.weights)
        if self.unlabelled is not None and len(self.unlabelled):
            loss = loss + self._consistency(len(rows), chance, rng)
        if not torch.isfinite(loss):
            raise InputError(f'the loss became {loss.item()} in epoch {self.epoch + 1}; lower '
                             "'learning_rate' or look for damaged images")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learning = [p for group in self.optimizer.param_groups for p in group['params']]
        self.ranks.average(p.grad for p in learning)
        torch.nn.utils.clip_grad_norm_(learning, 5.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _batch(self, images, rows, augment, chance):
        batch = images[torch.from_numpy(rows)].to(self.device, torch.float32,
                                                  memory_format=torch.channels_last)
        if augment is not None:
            batch = augment(batch, chance)
            if self.network.backbone.spec.scale == 'unit':
                batch = batch.clamp(0, 1)
        return batch

    def _mirrored(self, batch, codes, chance):
        """Mirror half of the images, and what their labels say."""
        chosen = torch.rand(len(codes), generator=chance) < 0.5
        there = chosen.to(self.device)[:, None, None, None]
        return torch.where(there, batch.flip(3), batch), torch.where(
            chosen, self.mirror[codes], codes)

    def _forward(self, batch):
        with torch.autocast(self.device.type, torch.bfloat16,
                            enabled=self.recipe.mixed_precision):
            return self.network(batch).float()

    def _loss(self, batch, codes, weights):
        return F.cross_entropy(self._forward(batch), codes, weight=weights,
                               label_smoothing=self.recipe.label_smoothing)

    def _consistency(self, n_labelled, chance, rng):
        n_drawn = min(len(self.unlabelled), _UNLABELLED * n_labelled)
        rows = rng.choice(len(self.unlabelled), n_drawn, replace=False)
        with torch.no_grad():
            weak = self._batch(self.unlabelled, rows, self.augment, chance)
            guess = torch.softmax(self._forward(weak), dim=1)
        probability, codes = guess.max(dim=1)
        strong = ImageAugmentation(zoom=1.4, shift=0.12, gain=0.4, blur=1.5, jitter=0.3,
                                   flip=self.augment is None or self.augment.flip)
        logits = self._forward(self._batch(self.unlabelled, rows, strong, chance))
        each = F.cross_entropy(logits, codes, reduction='none')
        return (each * (probability > _SURE)).mean()

    @torch.no_grad()
    def _average(self):
        # A short memory at first, so that the start is forgotten.
        own = self.step - self._since
        decay = min(self.recipe.averaging, (1 + own) / (10 + own))
        for name, tensor in self.network.state_dict().items():
            if name in self.averaged:
                mean = self.averaged[name]
                if mean.is_floating_point():
                    mean.lerp_(tensor.cpu(), 1 - decay)
                else:
                    mean.copy_(tensor)

    def _validate(self):
        with _Swapped(self.network, self.averaged):
            logits = predict_logits(self.network, self.images[torch.from_numpy(self.validation)],
                                    batch_size=self.recipe.batch_size)
        codes = self.codes[self.validation]
        weights = None if self.weights is None else self.weights.cpu()
        loss = F.cross_entropy(logits, codes, weight=weights).item()
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best = {name: tensor.clone() for name, tensor in self.averaged.items()}
        return {'validation_loss': loss,
                'accuracy': (logits.argmax(dim=1) == codes).float().mean().item()}

    def finish(self):
        """Leave the network with the weights to keep, frozen and in evaluation mode."""
        state = self.averaged if self.best is None else self.best
        self.network.load_state_dict(state, strict=False)
        self.network.eval()
        freeze(self.network)

    def save(self, folder):
        state = {'network': trainable_state(self.network), 'averaged': self.averaged,
                 'optimizer': self.optimizer.state_dict(), 'epoch': self.epoch,
                 'step': self.step, 'since': self._since, 'history': self.history,
                 'best': self.best, 'best_loss': self.best_loss, 'best_epoch': self.best_epoch}
        with atomic_path(folder / 'checkpoint.pt') as temporary:
            torch.save(state, temporary)
        with atomic_path(folder / 'history.jsonl') as temporary:
            temporary.write_text(''.join(json.dumps(entry) + '\n' for entry in self.history))

    def resume(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        described = json.loads(json.dumps({
            'recipe': asdict(self.recipe), 'seed': self.seed, 'n_train': len(self.train),
            'n_validation': len(self.validation)}))
        if self.mirror is not None:
            described['mirror'] = self.mirror.tolist()
        path = folder / 'recipe.json'
        if not path.exists():
            if self.ranks.is_main:
                with atomic_path(path) as temporary:
                    temporary.write_text(json.dumps(described, indent=1) + '\n')
        elif json.loads(path.read_text()) != described:
            raise InputError(f'{folder} holds a training with another recipe, seed or number of '
                             'images; choose another folder or remove it')
        if not (folder / 'checkpoint.pt').exists():
            return
        state = torch.load(folder / 'checkpoint.pt', map_location='cpu', weights_only=True)
        self.epoch, self.step = state['epoch'], state['step']
        # The optimiser in the checkpoint is the one of its last epoch.
        self._reopen(state)
        self.history = state['history']
        self.best, self.best_loss = state['best'], state['best_loss']
        self.best_epoch = state['best_epoch']
        logger.info('going on from epoch %d', self.epoch)

    def _reopen(self, state):
        epoch, self.epoch = self.epoch, max(0, self.epoch - 1)
        self._open_up()
        self.epoch = epoch
        self.network.load_state_dict(state['network'], strict=False)
        self.optimizer.load_state_dict(state['optimizer'])
        self.averaged, self._since = state['averaged'], state['since']


class _Swapped:
    """Put other weights into a network for a while."""

    def __init__(self, network, state):
        self.network, self.state = network, state

    def __enter__(self):
        current = self.network.state_dict()
        self.own = {name: current[name].clone() for name in self.state}
        self.network.load_state_dict(self.state, strict=False)

    def __exit__(self, *error):
        self.network.load_state_dict(self.own, strict=False)
