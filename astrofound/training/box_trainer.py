"""One network in training on boxes: steps, epochs, checkpoints."""

import copy
import logging
import math

import numpy as np
import torch

from astrofound.utils import (
    TrainingError,
    atomic_path,
    has_fast_bfloat16,
    is_out_of_memory,
    progress_bar,
)

from .adaptation import layer_groups
from .box_model import is_learnt
from .box_tiles import collate_tiles, crop_tile, orient_tile
from .image_augment import AUGMENTATIONS
from .ranks import Ranks

__all__ = ['BoxTrainer']

logger = logging.getLogger(__name__)


class BoxTrainer:
    """
    A network, its running mean, its optimiser and the number of epochs done.

    Chance is drawn anew for each epoch from seed and epoch alone, so that a training that was
    stopped and goes on is the same as one that was not.

    Parameters
    ----------
    network : `~astrofound.networks.BoxNetwork`
        On its device; trained in place.
    recipe : BoxRecipe
        Settings.
    tiles : sequence of BoxTile
        What it learns from.
    scaling : str
        As in `~astrofound.preprocess.NetworkInput`.
    seed : int, optional
        Decides the order and the turns of the tiles, and which proposals are learnt from.
    ranks : Ranks, optional
        The processes that share each batch, on the device of the network; by default those
        that were launched together.
    """

    def __init__(self, network, recipe, tiles, *, scaling, seed=0, ranks=None):
        self.network, self.recipe, self.tiles = network, recipe, tiles
        self.scaling, self.seed = scaling, seed
        self.ranks = Ranks() if ranks is None else ranks
        self.device = network.backbone.body.device
        self.epoch = 0
        self.micro_batch = recipe.batch_size
        self._body = [parameter for parameter in network.backbone.body.parameters()
                      if parameter.requires_grad]
        self._set_frozen()
        self.averaged = copy.deepcopy(network).eval() if recipe.averaging else network
        self.optimizer = _make_optimizer(network, recipe, self._body)
        self.best = None
        mixed = recipe.mixed_precision
        self.mixed = has_fast_bfloat16(self.device) if mixed is None else mixed

    @property
    def n_steps(self):
        """Steps of an epoch."""
        return math.ceil(len(self.tiles) / self.recipe.batch_size)

    def train_epoch(self, *, progress=False):
        """
        Pass over the tiles once.

        Parameters
        ----------
        progress : bool, optional
            Whether to show a progress bar.

        Returns
        -------
        losses : dict of str to float
            Means over the steps, ``loss`` being their sum, and the last ``learning_rate``.

        Raises
        ------
        TrainingError
            If the loss is no number, or a single tile does not fit into memory.
        """
        self._set_frozen()
        self.network.train()
        rng = np.random.default_rng((self.seed, self.epoch))
        torch.manual_seed(int(rng.integers(2**62)) + self.ranks.index)
        order = rng.permutation(len(self.tiles))
        n_all = self.n_steps * self.recipe.n_epochs
        sums = {}
        for step in progress_bar(range(self.n_steps), label=f'epoch {self.epoch + 1}',
                                 show=progress):
            rate = self.recipe.rate_at(self.epoch * self.n_steps + step, n_all)
            for group in self.optimizer.param_groups:
                group['lr'] = group['top'] * rate
            rows = order[step * self.recipe.batch_size:(step + 1) * self.recipe.batch_size]
            tiles = [self._vary(self.tiles[row], rng) for row in rows]  # all, to draw alike
            own = self.ranks.share(np.arange(len(tiles)))
            losses = self._step([tiles[index] for index in own], step)
            self._average(self.epoch * self.n_steps + step)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
        self.ranks.average(self.network.buffers())  # of batch normalisations
        if self.averaged is not self.network:
            self.ranks.average(self.averaged.buffers())
        self.epoch += 1
        means = {name: round(value / self.n_steps, 5) for name, value in sums.items()}
        return {'loss': round(sum(means.values()), 5), **means,
                'learning_rate': self.recipe.learning_rate * rate}

    def _set_frozen(self):
        for parameter in self._body:
            parameter.requires_grad_(self.epoch >= self.recipe.head_epochs)

    def _vary(self, tile, rng):
        if self.recipe.crop is not None:
            window = []
            for side in tile.shape:
                start = int(rng.integers(0, max(1, side - self.recipe.crop + 1)))
                window.append(slice(start, min(side, start + self.recipe.crop)))
            tile = crop_tile(tile, tuple(window))
        turn = int(rng.integers(8))  # drawn in any case, so that recipes see the same order
        return orient_tile(tile, turn) if self.recipe.augmentation == 'sky' else tile

    def _change_looks(self, images):
        if self.recipe.augmentation != 'photometric':
            return images
        changed = [AUGMENTATIONS['photometric'](image[None])[0] for image in images]
        if self.network.backbone.body.spec.scale == 'unit':
            changed = [image.clamp(0, 1) for image in changed]
        return changed

    def _step(self, tiles, step):
        """Learn from some tiles, in as many parts as memory asks for."""
        while True:
            try:
                return self._try_step(tiles, step)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.micro_batch == 1:
                    raise TrainingError(
                        f'one tile of {tiles[0].shape[1]} x {tiles[0].shape[0]} pixels does not '
                        'fit into memory; cut smaller ones with --crop, or choose a smaller '
                        'backbone') from None
            # outside of the handler, whose traceback would keep the tensors alive
            self.micro_batch = max(1, min(self.micro_batch, len(tiles)) // 2)
            self.optimizer.zero_grad(set_to_none=True)
            if self.device.type == 'cuda':
                torch.cuda.empty_cache()
            logger.warning('out of memory: going on with %d tiles at once', self.micro_batch)

    def _try_step(self, tiles, step):
        self.optimizer.zero_grad(set_to_none=True)
        sums = {}
        for start in range(0, len(tiles), self.micro_batch):
            part = tiles[start:start + self.micro_batch]
            images, targets = collate_tiles(part, self.scaling)
            images = self._change_looks(images)
            images = [image.to(self.device) for image in images]
            targets = [{name: value.to(self.device) for name, value in target.items()}
                       for target in targets]
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
                losses = self.network(images, targets)
            share = len(part) / len(tiles)
            total = share * sum(losses.values())
            if not torch.isfinite(total):
                self._complain(losses, part, step)
            total.backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + share * value.item()
        self._share_gradients()
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimizer.step()
        return sums

    def _share_gradients(self):
        if self.ranks.n == 1:
            return
        learning = [own for own in self.network.parameters() if own.requires_grad]
        for own in learning:
            if own.grad is None:  # what one process had no use for another may have
                own.grad = torch.zeros_like(own)
        self.ranks.average(own.grad for own in learning)

    def _complain(self, losses, tiles, step):
        which = ', '.join(name for name, value in losses.items() if not torch.isfinite(value))
        raise TrainingError(
            f'the loss is no number any more ({which}) in epoch {self.epoch + 1}, step {step + 1}, '
            f"tiles {', '.join(tile.name for tile in tiles)}; the state after epoch {self.epoch} "
            'is kept: lower the learning rate, or look at these tiles')

    @torch.no_grad()
    def _average(self, step):
        if self.averaged is self.network:
            return
        decay = min(self.recipe.averaging, (1 + step) / (10 + step))  # forget the random start
        for own, other in zip(self.averaged.state_dict().values(),
                              self.network.state_dict().values(), strict=True):
            if own.is_floating_point():
                own.lerp_(other, 1 - decay)
            else:
                own.copy_(other)

    def save(self, path):
        """
        Write a checkpoint.

        Parameters
        ----------
        path : path-like
            File, replaced as a whole.
        """
        state = {'network': self._moving(self.network), 'optimizer': self.optimizer.state_dict(),
                 'epoch': self.epoch, 'best': self.best, 'micro_batch': self.micro_batch}
        if self.averaged is not self.network:
            state['averaged'] = self._moving(self.averaged)
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def resume(self, path):
        """
        Go on from a checkpoint, where there is one.

        Parameters
        ----------
        path : `~pathlib.Path`
            File.
        """
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state['network'], strict=False)
        if self.averaged is not self.network:
            self.averaged.load_state_dict(state['averaged'], strict=False)
        self.optimizer.load_state_dict(state['optimizer'])
        self.epoch, self.best = state['epoch'], state['best']
        self.micro_batch = state['micro_batch']
        logger.info('going on from epoch %d', self.epoch)

    def save_weights(self, path):
        """
        Write the weights to be kept, those of a frozen backbone left out.

        Parameters
        ----------
        path : path-like
            File, replaced as a whole.
        """
        with atomic_path(path) as temporary:
            torch.save(self._moving(self.averaged), temporary)

    def load_weights(self, path):
        """
        Take weights that `save_weights` wrote.

        Parameters
        ----------
        path : path-like
            File.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.averaged.load_state_dict(state, strict=False)

    def _moving(self, network):
        return {name: value for name, value in network.state_dict().items()
                if is_learnt(name, self.recipe.tuning)}


def _make_optimizer(network, recipe, body):
    """Groups by learning rate: pyramid and heads at the full one, the backbone below."""
    for parameter in body:
        parameter.requires_grad_(True)
    same = recipe.tuning == 'scratch'
    groups = layer_groups(network.backbone.body, network.head_modules, recipe.learning_rate,
                          backbone_factor=1.0 if same else recipe.backbone_factor,
                          layer_decay=1.0 if same else recipe.layer_decay)
    for group in groups:
        group['top'] = group['lr']
    options = {'lr': recipe.learning_rate, 'weight_decay': recipe.weight_decay}
    if recipe.optimizer == 'sgd':
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True, **options)
    return torch.optim.AdamW(groups, **options)
