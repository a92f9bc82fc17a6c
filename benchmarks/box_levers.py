"""
Measure what each change to the paper's detector gives, one at a time.

    python benchmarks/box_levers.py -o benchmarks/results/box_levers.ecsv

Trains Faster R-CNN over the compact encoder on simulated MGCLS tiles: with the network and input
of the paper's code, with one change each, with all of them, and with all but one each. Every run
takes the same tiles, steps and optimiser, except where that is the change. Stopped, it goes on from
there when called again: remove the table and the folder of the runs to begin anew.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
from astropy.table import Table

from astrofound.backbones import load_backbone
from astrofound.datasets import make_boxed
from astrofound.preprocess import NetworkInput
from astrofound.training import (
    BOX_RECIPES,
    choose_input,
    find_boxes,
    judge_boxes,
    open_tiles,
    refine_boxes,
    train_boxes,
)

__all__ = ['measure']

CROP = 192  # image pixels of a training crop, so that every scale sees as much sky
COMMON = {'tuning': 'full', 'backbone_factor': 1.0, 'layer_decay': 1.0, 'width': 32,
          'head_width': 128, 'batch_size': 4, 'learning_rate': 3e-3, 'validate_every': 100,
          'averaging': 0.9, 'mixed_precision': False}
PAPER = BOX_RECIPES['default'].change(
    **COMMON, anchors='usual', normalized=False, extra_level=True, n_detections=100,
    n_proposals=1000, augmentation='photometric')
OURS = BOX_RECIPES['default'].change(**COMMON)
PAPER_INPUT = NetworkInput(scaling='contrast', zoom=1.0)
IOU = (0.5, 0.6, 0.7, 0.8, 0.9)
#: Runs that are repeated with more passes.
LONG = ("the paper's",)


def runs(ours):
    """Name, recipe and input of each run; ``ours`` is the input of the default."""
    density = {'n_detections': None, 'n_proposals': None}
    limited = {'n_detections': 100, 'n_proposals': 1000}
    yield "the paper's", PAPER, PAPER_INPUT
    yield 'all of these', OURS, ours
    yield 'all, with queries', replace(OURS, head='query'), ours
    yield 'anchors fitted to the boxes', replace(PAPER, anchors='fitted'), PAPER_INPUT
    yield 'detections from the density', replace(PAPER, **density), PAPER_INPUT
    yield 'turned and mirrored', replace(PAPER, augmentation='sky'), PAPER_INPUT
    yield ("the backbone's own input", replace(PAPER, normalized=True),
           replace(PAPER_INPUT, scaling=ours.scaling))
    yield ('scale from beam and stride', PAPER,
           replace(PAPER_INPUT, zoom=1.0, beam_pix=ours.beam_pix))
    yield ('all but anchors fitted to the boxes', replace(
        OURS, anchors='usual', extra_level=True), ours)
    yield 'all but detections from the density', replace(OURS, **limited), ours
    yield 'all but turned and mirrored', replace(OURS, augmentation='photometric'), ours
    yield ("all but the backbone's own input", replace(OURS, normalized=False),
           replace(ours, scaling='contrast'))
    yield 'all but scale from beam and stride', OURS, replace(PAPER_INPUT, scaling=ours.scaling)
    yield 'all, in bfloat16', replace(OURS, mixed_precision=True), ours
    yield 'all, with queries in bfloat16', replace(OURS, head='query', mixed_precision=True), ours


def measure(name, recipe, network_input, sets, folder, n_epochs, seed=0):
    """Train one detector and judge it on tiles that it has not seen, before and after refining."""
    started = time.process_time()
    train, held_out, test = (open_tiles(part, network_input) for part in sets)
    scale = train[0].shape[0] / 512
    recipe = replace(recipe, n_epochs=n_epochs, crop=round(CROP * scale / 32) * 32)
    run = Path(folder) / f'{name} {n_epochs} {seed}'.replace(' ', '_').replace("'", '')
    model = train_boxes(run, train, held_out, classes=('compact',), backbone='compact',
                        network_input=network_input, recipe=recipe, device='cpu', seed=seed)
    found = find_boxes(model.network, test, network_input.scaling, batch_size=1,
                       mixed=recipe.mixed_precision)
    plain = judge_boxes(found, test, model.classes)
    refined = judge_boxes(refine_boxes(found, test, model.refiner), test, model.classes)
    return {'change': name, 'epochs': n_epochs, 'seed': seed,
            **{f'map_{round(100 * iou)}': plain.at(iou) for iou in IOU},
            **{f'refined_{round(100 * iou)}': refined.at(iou) for iou in IOU},
            'seconds': round(time.process_time() - started, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-o', '--output', required=True)
    parser.add_argument('--runs', default='runs/box_levers', help='folder of the runs')
    parser.add_argument('--tiles', type=int, default=16)
    parser.add_argument('--test', type=int, default=8)
    parser.add_argument('--epochs', type=int, default=15)
    parser.add_argument('--long', type=int, default=40, help='passes of one more run')
    parser.add_argument('--seeds', type=int, nargs='+', default=(0,))
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets = [make_boxed('mgcls', n, seed=seed, pixels='float') for seed, n in enumerate(
        (options.tiles, max(4, options.tiles // 4), options.test))]
    listed = list(runs(choose_input(sets[0], load_backbone('compact'))))
    first, *others = ([(run, options.epochs, seed) for run in listed] for seed in options.seeds)
    first += [(run, options.long, options.seeds[0]) for run in listed if run[0] in LONG]
    rows = []
    if Path(options.output).exists():
        before = Table.read(options.output)
        rows = [dict(zip(before.colnames, row, strict=True)) for row in before.iterrows()]
    done = {(row['change'], row['epochs'], row['seed']) for row in rows}
    for run, n_epochs, seed in sum(others, first):
        if (run[0], n_epochs, seed) in done:
            continue
        rows.append(measure(*run, sets, options.runs, n_epochs, seed))
        print(rows[-1], flush=True)
        table = Table(rows, meta={'tiles': options.tiles, 'test': options.test})
        table.write(options.output, overwrite=True)


if __name__ == '__main__':
    main()
