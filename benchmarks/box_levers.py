"""
Measure what each change to the paper's detector gives, one at a time.

    python benchmarks/box_levers.py -o benchmarks/results/box_levers.ecsv

Trains Faster R-CNN over the compact encoder on simulated MGCLS tiles: with the network and input
of the paper's code, with one change each, and with all of them. Every run takes the same tiles,
steps and optimiser, except where that is the change.
"""

import argparse
import shutil
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
          'patience': None, 'averaging': 0.9, 'mixed_precision': False}
PAPER = BOX_RECIPES['default'].change(
    **COMMON, anchors='usual', normalized=False, extra_level=True, n_detections=100,
    n_proposals=1000, augmentation='photometric')
OURS = BOX_RECIPES['default'].change(**COMMON)
PAPER_INPUT = NetworkInput(scaling='contrast', zoom=1.0)


def runs(data):
    """Name, recipe and input of each run."""
    ours = choose_input(data, load_backbone('compact'))
    density = {'n_detections': None, 'n_proposals': None}
    yield "the paper's", PAPER, PAPER_INPUT
    yield 'all of these', OURS, ours
    yield 'anchors fitted to the boxes', replace(PAPER, anchors='fitted'), PAPER_INPUT
    yield 'detections from the density', replace(PAPER, **density), PAPER_INPUT
    yield 'turned and mirrored', replace(PAPER, augmentation='sky'), PAPER_INPUT
    yield ("the backbone's own input", replace(PAPER, normalized=True),
           NetworkInput(scaling='significance', zoom=1.0))
    yield 'scale from beam and stride', PAPER, replace(PAPER_INPUT, zoom=ours.beam_pix / 13.9)
    yield 'all, with queries', replace(OURS, head='query', learning_rate=1e-3), ours
    yield ("all, with the paper's SGD", replace(
        OURS, optimizer='sgd', weight_decay=0.0, schedule='constant', warmup=0.0, clip=None,
        averaging=0.0), ours)


def measure(name, recipe, network_input, sets, folder, n_epochs):
    """Train one detector and judge it on tiles that it has not seen."""
    started = time.process_time()
    train, held_out, test = (open_tiles(part, network_input) for part in sets)
    scale = train[0].shape[0] / 512
    recipe = replace(recipe, n_epochs=n_epochs, crop=round(CROP * scale / 32) * 32)
    run = Path(folder) / name.replace(' ', '_').replace("'", '')
    model = train_boxes(run, train, held_out, classes=('compact',), backbone='compact',
                        network_input=network_input, recipe=recipe, device='cpu')
    found = find_boxes(model.network, test, network_input.scaling, batch_size=1)
    plain = judge_boxes(found, test, model.classes)
    refined = judge_boxes(refine_boxes(found, test, model.refiner), test, model.classes)
    return {'change': name, 'map_50': plain.at(0.5), 'map_70': plain.at(0.7),
            'map_50_refined': refined.at(0.5), 'map_70_refined': refined.at(0.7),
            'map_80_refined': refined.at(0.8), 'seconds': time.process_time() - started}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-o', '--output', required=True)
    parser.add_argument('--runs', default='runs/box_levers', help='folder of the runs')
    parser.add_argument('--tiles', type=int, default=16)
    parser.add_argument('--test', type=int, default=8)
    parser.add_argument('--epochs', type=int, default=15)
    parser.add_argument('--only', nargs='*', type=int, help='numbers of the runs')
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets = [make_boxed('mgcls', n, seed=seed, pixels='float') for seed, n in enumerate(
        (options.tiles, max(4, options.tiles // 4), options.test))]
    shutil.rmtree(options.runs, ignore_errors=True)
    rows = []
    for number, (name, recipe, network_input) in enumerate(runs(sets[0])):
        if options.only is None or number in options.only:
            rows.append(measure(name, recipe, network_input, sets, options.runs, options.epochs))
            print(rows[-1], flush=True)
            table = Table(rows, meta={'tiles': options.tiles, 'test': options.test,
                                      'epochs': options.epochs})
            table.write(options.output, overwrite=True)


if __name__ == '__main__':
    main()
