"""Train a detector on any backbone from images with boxes, resumably."""

import json
import logging
import os
import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from astrofound.networks.refining import BoxRefiner
from astrofound.utils import InputError, atomic_path, check_number, resolve_device

from .box_beginning import begin, check_start, go_on
from .box_judging import calibrate_boxes, find_boxes, judge_boxes, refine_boxes
from .box_model import BoxModel, load_box_model, save_box_model
from .box_recipe import BOX_RECIPES
from .box_trainer import BoxTrainer
from .ranks import Ranks

__all__ = ['split_tiles', 'train_boxes']

logger = logging.getLogger(__name__)


def train_boxes(run, tiles, held_out, *, classes, network_input, backbone='compact',
                backbone_weights=None, recipe=BOX_RECIPES['default'], start=None, domain=None,
                seed=0, device='auto', progress=False):
    """
    Train a detector on a backbone and write it into a folder.

    A run that was stopped goes on from its last epoch when called again with the same folder,
    and ends as if it had not been stopped. Processes that ``accelerate launch`` or ``torchrun``
    started share each batch; the first one writes.

    Parameters
    ----------
    run : path-like
        Folder of the run, made where missing.
    tiles : sequence of BoxTile
        What it learns from.
    held_out : sequence of BoxTile
        What it is judged by from time to time, and what calibrates scores and boxes at the
        end; from another part of the sky.
    classes : sequence of str
        Names of the classes.
    network_input : `~astrofound.preprocess.NetworkInput`
        How the tiles were prepared.
    backbone : str or path-like, optional
        As for `~astrofound.backbones.load_backbone`.
    backbone_weights : path-like, optional
        Its weights, as there.
    recipe : BoxRecipe, optional
        Settings.
    start : path-like, optional
        Run folder of a detector to go on from with other data. It gives backbone, network and
        anchors, whatever else is said; layers for other classes start anew. With the same
        classes its own weights are judged too, and kept unless a later epoch is better. Where
        the held-out tiles are too few to learn how to refine boxes, they are refined as before.
    domain : dict, optional
        What kind of images these are, from `describe_domain`; kept with the detector.
    seed : int, optional
        Decides first weights, order and turns.
    device : str, optional
        See `~astrofound.utils.resolve_device`.
    progress : bool, optional
        Whether to show progress bars.

    Returns
    -------
    model : BoxModel
        The trained detector, as written.

    Raises
    ------
    InputError
        If there is nothing to learn from, the folder holds another training, or ``start`` sees
        images otherwise or holds what this recipe would not keep.
    TrainingError
        If the loss is no number any more.
    """
    run = Path(run)
    classes = tuple(map(str, classes))
    _check_tiles(tiles, held_out, classes)
    run.mkdir(parents=True, exist_ok=True)
    ranks = Ranks()
    device = ranks.device(resolve_device(device))
    begun = None
    if start is not None:
        begun = load_box_model(start, backbone_weights=backbone_weights, device=device)
        check_start(begun, recipe, network_input)
        network, fingerprint = go_on(begun, recipe, tiles, len(classes), seed=seed)
        backbone = begun.source
    else:
        network, fingerprint = begin(backbone, backbone_weights, recipe, tiles, len(classes),
                                     seed=seed, device=device)
    _check_same_run(run, {
        'backbone': network.backbone.body.spec.name, 'recipe': asdict(recipe), 'seed': seed,
        'classes': classes, 'input': asdict(network_input), 'n_tiles': len(tiles),
        'start': '' if begun is None else begun.sha256,
        'n_boxes': sum(len(tile.boxes) for tile in tiles)}, is_main=ranks.is_main)
    with _deterministic(recipe.deterministic):
        trainer = BoxTrainer(network, recipe, tiles, scaling=network_input.scaling, seed=seed,
                             ranks=ranks)
        trainer.resume(run / 'checkpoint.pt')
        if begun is not None and begun.classes == classes and not trainer.epoch:
            _validate(run, trainer, held_out, classes)  # going on can make it worse
        _run_epochs(run, trainer, held_out, classes, progress)
    ranks.wait()  # for the first one to write
    trainer.load_weights(run / 'best.pt')
    model = _finish(trainer, held_out, classes, network_input, seed,
                    BoxRefiner() if begun is None else begun.refiner)
    model.training['domain'] = domain or {}
    model = replace(model, source=str(backbone), fingerprint=fingerprint)
    return save_box_model(run, model) if ranks.is_main else model


def _check_tiles(tiles, held_out, classes):
    for name, part in (('tiles', tiles), ('held_out', held_out)):
        if not sum(len(tile.boxes) for tile in part):
            raise InputError(f'{name!r} must hold at least one box, got {len(part)} tiles without')
    largest = max(int(tile.labels.max(initial=-1)) for tile in [*tiles, *held_out])
    if largest >= len(classes):
        raise InputError(f'class {largest} of a box is not among the {len(classes)} classes')


def _check_same_run(run, described, *, is_main):
    """Keep a folder to one training: a mixture could not be repeated."""
    described = json.loads(json.dumps(described))
    path = run / 'recipe.json'
    if not path.exists():
        if is_main:
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps(described, indent=1) + '\n')
        return
    before = json.loads(path.read_text())
    changed = [name for name in described if before.get(name) != described[name]]
    if changed:
        raise InputError(f"{run} holds a training with another {' and '.join(changed)}; choose "
                         'another folder or remove it')


def _run_epochs(run, trainer, held_out, classes, progress):
    recipe, history, is_main = trainer.recipe, run / 'history.jsonl', trainer.ranks.is_main
    if is_main:
        _forget_after(history, trainer.epoch)
    while trainer.epoch < recipe.n_epochs and not _is_over(trainer):
        entry = trainer.train_epoch(progress=progress)
        epoch = trainer.epoch
        if epoch % recipe.validate_every == 0 or epoch == recipe.n_epochs:
            entry |= _validate(run, trainer, held_out, classes)
        if is_main:
            trainer.save(run / 'checkpoint.pt')
            with open(history, 'a') as file:
                file.write(json.dumps({'epoch': epoch, **entry}) + '\n')


def _validate(run, trainer, held_out, classes):
    """Let the first process judge, tell the others, and keep the best weights."""
    scores = {'map_50': None}
    if trainer.ranks.is_main:
        found = find_boxes(trainer.averaged, held_out, trainer.scaling, mixed=trainer.mixed)
        scores = judge_boxes(found, held_out, classes).to_dict()
    score = trainer.ranks.agree(scores['map_50'] or 0.0)
    logger.info('epoch %d: mAP@50 %.3f', trainer.epoch, score)
    if trainer.best is None or score > trainer.best['score']:
        trainer.best = {'score': score, 'epoch': trainer.epoch}
        if trainer.ranks.is_main:
            trainer.save_weights(run / 'best.pt')
    return scores


def _forget_after(history, epoch):
    """Drop the lines of epochs whose checkpoint was not written any more."""
    if history.exists():
        lines = [line for line in history.read_text().splitlines()
                 if json.loads(line)['epoch'] <= epoch]
        history.write_text(''.join(f'{line}\n' for line in lines))


def _is_over(trainer):
    recipe, best = trainer.recipe, trainer.best
    return recipe.patience is not None and best is not None and (
        trainer.epoch - best['epoch'] >= recipe.patience * recipe.validate_every)


def _finish(trainer, held_out, classes, network_input, seed, refiner):
    """Calibrate the best weights and measure."""
    network = trainer.averaged.eval()
    found = find_boxes(network, held_out, trainer.scaling, mixed=trainer.mixed)
    calibration, refiner = calibrate_boxes(found, held_out, refiner=refiner)
    refined_boxes = refine_boxes(found, held_out, refiner)
    training = {
        'recipe': asdict(trainer.recipe), 'seed': seed, 'epoch': trainer.best['epoch'],
        'n_tiles': len(trainer.tiles), 'n_held_out': len(held_out),
        'as_found': judge_boxes(found, held_out, classes).to_dict(),
        'refined': judge_boxes(refined_boxes, held_out, classes).to_dict(),
    }
    return BoxModel(
        network=network, classes=classes, network_input=network_input,
        tile_side=max(max(tile.shape) for tile in trainer.tiles), tuning=trainer.recipe.tuning,
        lora_rank=trainer.recipe.lora_rank, refiner=refiner, calibration=calibration,
        training=training)


def split_tiles(tiles, share=0.2, *, seed=0):
    """
    Hold out some tiles, whatever sky they show.

    Of images with a WCS, `~astrofound.datasets.split_sky` holds out such that share no sky with
    the rest.

    Parameters
    ----------
    tiles : sequence of BoxTile
        All of them.
    share : float, optional
        Share to hold out, at least one tile.
    seed : int, optional
        Decides which.

    Returns
    -------
    tiles, held_out : list of BoxTile
        The two parts.

    Raises
    ------
    InputError
        If there are fewer than two tiles.
    """
    check_number('share', share, above=0, maximum=0.9)
    if len(tiles) < 2:
        raise InputError(f'at least two images are needed, one to learn from and one to judge '
                         f'by; got {len(tiles)}')
    order = np.random.default_rng(seed).permutation(len(tiles))
    n_out = min(len(tiles) - 1, max(1, round(share * len(tiles))))
    return [tiles[row] for row in sorted(order[n_out:])], [tiles[row] for row in
                                                           sorted(order[:n_out])]


@contextmanager
def _deterministic(wanted):
    """Ask torch for repeatable algorithms, and let it go on where it has none."""
    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # read at its first product
    with warnings.catch_warnings():
        if wanted:
            warnings.filterwarnings('ignore', message='.*does not have a deterministic')
            torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
