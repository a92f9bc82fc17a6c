"""Train the compact detector on simulated skies, from nothing, resumably."""

import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from astrofound.networks import CompactNetwork, CompactWeights, save_weights
from astrofound.networks.weights import KINDS
from astrofound.preprocess import DETECTION_CHANNELS
from astrofound.utils import InputError, atomic_path, check_number, progress_bar, resolve_device

from .augment import random_crop
from .fields import FieldStream, make_training_field
from .losses import detection_loss
from .model_card import write_model_card
from .pairs import choose_link, fit_pairs, judge_pairs, pair_fields, sample_pairs
from .targets import encode_targets
from .validate import calibrate, figures_of_merit, match_fields

__all__ = ['RECIPES', 'CompactRecipe', 'train_compact']

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CompactRecipe:
    """
    Everything that decides a training besides the seed.

    Attributes
    ----------
    n_rounds : int
        Rounds of new fields; the learning rate falls to zero along a half cosine over them.
    n_fields, reuse : int
        New fields a round, and the rounds each stays in use.
    n_steps : int
        Optimiser steps a round.
    batch_size : int
        Crops a step.
    crop : int
        Side of a crop in network pixels, a multiple of 16.
    learning_rate, weight_decay : float
        AdamW's.
    warmup_rounds : int
        Rounds over which the learning rate rises.
    averaging : float
        Decay a step of the running mean of the weights, which is what is kept.
    validate_every : int
        Rounds between validations.
    n_validation, n_calibration : int
        Fields for validations, and others that calibrate scores and links at the end.
    n_pair_fields : int
        Fields of `make_pair_field` from which to learn, in the end, what belongs together.
    pair_passes : int
        Passes over their pairs.
    shape : tuple of int
        ``(ny, nx)`` of the simulated images.
    radio_fraction : float
        Share of radio fields.
    beam_pix : float
        FWHM of the beam in network pixels.
    widths, depths : tuple of int
        Shape of the network.
    mixed_precision : bool
        Whether the network computes in bfloat16.
    """

    n_rounds: int = 260
    n_fields: int = 16
    reuse: int = 3
    n_steps: int = 24
    batch_size: int = 8
    crop: int = 256
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup_rounds: int = 4
    averaging: float = 0.999
    validate_every: int = 25
    n_validation: int = 32
    n_calibration: int = 400
    n_pair_fields: int = 3000
    pair_passes: int = 12
    shape: tuple[int, int] = (512, 512)
    radio_fraction: float = 0.75
    beam_pix: float = 4.0
    widths: tuple[int, ...] = (24, 48, 96, 160)
    depths: tuple[int, ...] = (1, 1, 2, 1)
    mixed_precision: bool = True

    def __post_init__(self):
        for name in ('n_rounds', 'n_fields', 'reuse', 'n_steps', 'batch_size', 'n_validation',
                     'n_calibration', 'n_pair_fields', 'pair_passes', 'validate_every'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        if self.crop % 16:
            raise InputError(f"'crop' must be a multiple of 16, got {self.crop}")

    def learning_rate_at(self, step):
        """
        Return the learning rate of a step: a linear rise, then half a cosine.

        Parameters
        ----------
        step : int
            Number of steps done.

        Returns
        -------
        rate : float
            Learning rate.
        """
        warmup = self.warmup_rounds * self.n_steps
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.n_rounds * self.n_steps - warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


RECIPES = {
    'compact': CompactRecipe(),
    # For owners of a GPU: 5 million parameters, 30 times the crops, and a wider view.
    'large': CompactRecipe(n_rounds=1200, n_fields=32, n_steps=40, batch_size=32, crop=384,
                           learning_rate=1e-3, averaging=0.9995, validate_every=50,
                           n_validation=64, n_pair_fields=8000, widths=(40, 80, 160, 288),
                           depths=(1, 2, 3, 2)),
    # A minute on a laptop: shows that everything works, finds bright sources only.
    'smoke': CompactRecipe(n_rounds=3, n_fields=2, reuse=2, n_steps=2, batch_size=2, crop=128,
                           warmup_rounds=1, validate_every=2, n_validation=2,
                           n_calibration=2, n_pair_fields=2, pair_passes=1, shape=(256, 256),
                           widths=(8, 16, 16, 16)),
}


def train_compact(run, *, recipe=RECIPES['compact'], seed=0, device='auto', n_workers=1,
                  progress=False):
    """
    Train a compact detector and write weights, history and model card into a folder.

    A run that was stopped goes on from its last round when called again with the same folder.

    Parameters
    ----------
    run : path-like
        Folder of the run, made where missing.
    recipe : CompactRecipe, optional
        Settings.
    seed : int, optional
        Decides weights, skies and crops.
    device : str, optional
        See `~astrofound.utils.resolve_device`.
    n_workers : int, optional
        Processes that simulate skies; 0 simulates between the steps.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    weights : CompactWeights
        The trained network with its calibration, as written to ``weights.safetensors``.

    Raises
    ------
    InputError
        If the folder holds a run with another recipe or seed.
    """
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    _check_same_run(run, recipe, seed)
    trainer = _Trainer(recipe, seed, resolve_device(device))
    trainer.resume(run / 'checkpoint.pt')
    options = {'shape': recipe.shape, 'beam_pix': recipe.beam_pix,
               'radio_fraction': recipe.radio_fraction}
    judges = [make_training_field(k, validation=True, **options)
              for k in range(recipe.n_validation)]
    stream = FieldStream(seed, n_fields=recipe.n_fields, reuse=recipe.reuse, start=trainer.round,
                         n_workers=n_workers, options=options)
    try:
        bar = progress_bar(range(trainer.round, recipe.n_rounds), label='training', show=progress)
        for index, fields in zip(bar, stream, strict=False):
            entry = {'round': index + 1, **trainer.train_round(fields)}
            if (index + 1) % recipe.validate_every == 0 or index + 1 == recipe.n_rounds:
                entry |= figures_of_merit(match_fields(trainer.averaged, judges))
                logger.info('round %d: %s', index + 1, entry)
            trainer.save(run / 'checkpoint.pt')
            with open(run / 'history.jsonl', 'a') as file:
                file.write(json.dumps(entry) + '\n')
    finally:
        stream.close()
    calibrators = [make_training_field(recipe.n_validation + k, validation=True, **options)
                   for k in range(recipe.n_calibration)]
    return _finish(run, trainer, judges, calibrators, n_workers)


def _finish(run, trainer, judges, calibrators, n_workers):
    network, recipe, seed = trainer.averaged.cpu(), trainer.recipe, trainer.seed
    training = {'recipe': asdict(recipe), 'seed': seed,
                'validation': {kind: figures_of_merit(match_fields(network, fields))
                               for kind, fields in _by_kind(judges).items()}}
    own = _by_kind(calibrators)  # a short training may have no field of one kind
    calibration = {kind: calibrate(match_fields(network, own.get(kind, calibrators)))
                   for kind in KINDS}
    pairs = fit_pairs(sample_pairs(network, pair_fields(
        recipe.n_pair_fields, n_workers=n_workers, shape=recipe.shape, beam_pix=recipe.beam_pix)),
        n_passes=recipe.pair_passes, seed=seed)
    usual = sample_pairs(network, own.get('radio', ()))
    link = choose_link(pairs, usual)
    training['pairs'] = judge_pairs(pairs, usual, link)
    weights = CompactWeights(network=network, beam_pix=recipe.beam_pix, training=training,
                             calibration=calibration, pairs=pairs, link=link)
    save_weights(run / 'weights.safetensors', weights)
    write_model_card(run / 'weights.md', weights)
    return weights


def _by_kind(fields):
    kinds = sorted({field.kind for field in fields})
    return {kind: [field for field in fields if field.kind == kind] for kind in kinds}


def _check_same_run(run, recipe, seed):
    """Keep a folder to one recipe and seed: a mixture could not be repeated."""
    described = json.loads(json.dumps({'recipe': asdict(recipe), 'seed': seed}))
    path = run / 'recipe.json'
    if not path.exists():
        path.write_text(json.dumps(described, indent=1) + '\n')
    elif json.loads(path.read_text()) != described:
        raise InputError(f'{run} holds a training with another recipe or seed; '
                         'choose another folder or remove it')


class _Trainer:
    """Network, its running mean, optimiser and the number of rounds done."""

    def __init__(self, recipe, seed, device):
        torch.manual_seed(seed)
        self.recipe, self.seed, self.device = recipe, seed, device
        self.network = self._new_network()
        self.averaged = self._new_network().eval()
        self.averaged.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.round = 0

    def _new_network(self):
        network = CompactNetwork(self.recipe.widths, self.recipe.depths)
        return network.to(self.device, memory_format=torch.channels_last)

    def resume(self, path):
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state['network'])
            self.averaged.load_state_dict(state['averaged'])
            self.optimizer.load_state_dict(state['optimizer'])
            self.round = state['round']
            logger.info('going on from round %d', self.round)

    def save(self, path):
        state = {'network': self.network.state_dict(), 'averaged': self.averaged.state_dict(),
                 'optimizer': self.optimizer.state_dict(), 'round': self.round}
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def train_round(self, fields):
        recipe = self.recipe
        # A generator of its own for each round, so that a resumed run draws the same crops.
        rng = np.random.default_rng((self.seed, self.round))
        self.network.train()
        sums = {}
        for step in range(self.round * recipe.n_steps, (self.round + 1) * recipe.n_steps):
            for group in self.optimizer.param_groups:
                group['lr'] = recipe.learning_rate_at(step)
            parts = self._step(self._batch(fields, rng))
            self._average(step)
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
        self.round += 1
        return {name: round(value / recipe.n_steps, 5) for name, value in sums.items()}

    def _batch(self, fields, rng):
        areas = np.array([field.significance.size for field in fields], float)
        chosen = rng.choice(len(fields), self.recipe.batch_size, p=areas / areas.sum())
        channels, targets = [], []
        for index in chosen:
            significance, labels = random_crop(fields[index], self.recipe.crop, rng)
            channels.append(DETECTION_CHANNELS(significance))
            targets.append(encode_targets(labels, np.isfinite(significance)))
        planes = {name: torch.from_numpy(np.stack([getattr(t, name) for t in targets]))
                  .to(self.device) for name in vars(targets[0])}
        channels = torch.from_numpy(np.stack(channels)).to(
            self.device, memory_format=torch.channels_last)
        return channels, planes

    def _step(self, batch):
        channels, planes = batch
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.mixed_precision):
            outputs = self.network(channels)
        loss, parts = detection_loss(outputs, **planes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        return parts

    @torch.no_grad()
    def _average(self, step):
        # A short memory at first, so that the random start is forgotten.
        decay = min(self.recipe.averaging, (1 + step) / (10 + step))
        own, other = self.averaged.state_dict(), self.network.state_dict()
        for name, tensor in own.items():
            if tensor.is_floating_point():
                tensor.lerp_(other[name], 1 - decay)
            else:
                tensor.copy_(other[name])
