"""
Train Faster R-CNN on 47 real FIRST images, and judge it by cross-validation.

    python benchmarks/first_boxes.py --data DIR -o benchmarks/results/first_boxes.ecsv

``DIR`` holds the folder first_rgz. Its labels are those of Radio Galaxy Zoo: six classes by numbers
of components and peaks. A box is drawn round the islands above four times the noise on which the
components of a source lie, as the stand-in ``make_boxed('rgz')`` does. Detectors over the compact
encoder are compared, on the same splits: they learn from the real images alone, from simulated ones
alone, few or many, or from these first and then in one of several ways from the real ones.
"""

import argparse
import csv
import warnings
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from astropy.stats import mad_std
from astropy.table import Table
from scipy import ndimage

from astrofound.datasets import BoxedImages, make_boxed
from astrofound.evaluation import box_overlaps, published_boxes, score_boxes
from astrofound.image import as_survey_image
from astrofound.preprocess import NetworkInput
from astrofound.training import (
    BOX_RECIPES,
    crop_tile,
    describe_domain,
    find_boxes,
    open_tiles,
    refine_boxes,
    split_tiles,
    train_boxes,
    true_boxes,
)

__all__ = ['cross_validate', 'read_first']

CLASSES = ('1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P')
# Wu et al. 2019 (MNRAS 482, 1211), the README of rgz_rcnn: AP of each class on 4603 test images
# in which FIRST and WISE are joined.
CLARAN = (0.878, 0.707, 0.894, 0.820, 0.792, 0.927)
BEAM = '5.4arcsec'  # said in a comment of the headers only
STAMP = 100         # pixels in the middle, the 3' of an RGZ image: elsewhere sources lack labels
LEVEL = 4.0         # times the noise, of the lowest contour
INPUT = NetworkInput(scaling='significance', beam_pix=4.0)  # as the encoder was trained
RECIPE = BOX_RECIPES['default'].change(
    tuning='full', width=32, head_width=128, batch_size=4, learning_rate=1e-3, validate_every=5,
    averaging=0.95)


def read_first(folder):
    """
    Read the FIRST images with boxes.

    Where two entries of the catalogue claim the same islands, the one on which volunteers agreed
    more is kept.
    """
    with open(folder / 'components.csv') as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row['file'])
    images, boxes, labels, names = [], [], [], []
    for name, group in groupby(rows, key=lambda row: row['file']):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # TABs in the comments of these headers
            image = as_survey_image(folder / 'fits' / name, beam=BEAM)
        own, codes = _boxes(image, list(group))
        for into, value in ((images, image), (boxes, own), (labels, codes), (names, name)):
            into.append(value)
    return BoxedImages(images, boxes, labels, CLASSES, names=names, source='FIRST, RGZ labels')


def _boxes(image, rows):
    """Boxes of the sources of an image and their classes."""
    noise = mad_std(image.data)
    islands = ndimage.label(image.data > LEVEL * noise, np.ones((3, 3)))[0]
    sources = {}
    for row in rows:
        sources.setdefault(row['rgz_catalog_id'], []).append(row)
    boxes, labels = [], []
    for parts in sorted(sources.values(), key=lambda own: -float(own[0]['consensus_level'])):
        numbers = set()
        for part in parts:
            x, y = round(float(part['x'])), round(float(part['y']))
            numbers |= set(islands[y - 3:y + 4, x - 3:x + 4].ravel().tolist())
        y, x = np.nonzero(np.isin(islands, list(numbers - {0})))
        box = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], float)
        if not boxes or box_overlaps(box, np.concatenate(boxes)).max() < 0.5:
            boxes.append(box)
            labels.append(CLASSES.index(parts[0]['rgz_class'].replace('_', '-')))
    return np.concatenate(boxes), np.array(labels)


def stamps(data):
    """Tiles of the middle of each image, with the noise of the whole."""
    tiles = []
    for tile in open_tiles(data, INPUT):
        side = tile.shape[0] * STAMP / data.images[0].shape[0]
        start = round((tile.shape[0] - side) / 2)
        middle = slice(start, start + round(side))
        tiles.append(crop_tile(tile, (middle, middle)))
    return tiles


def learn_simulated(folder, n_images, domain, n_epochs):
    """Train a detector on images that are made up."""
    learnt, held_out = (open_tiles(make_boxed('rgz', n, seed=seed, pixels='float'), INPUT)
                        for seed, n in enumerate((n_images, n_images // 5)))
    return train_boxes(folder, learnt, held_out, classes=CLASSES, network_input=INPUT,
                       domain=domain, recipe=replace(RECIPE, n_epochs=n_epochs), device='cpu')


def find(model, tiles):
    """What a detector finds, refined."""
    found = find_boxes(model.network, tiles, INPUT.scaling)
    return refine_boxes(found, tiles, model.refiner)


def cross_validate(tiles, folder, *, n_folds=4, n_run=None, seed=0, start=None, recipe=RECIPE):
    """
    Find sources in every tile with a detector that has not seen it, None in folds not run.

    Of the tiles that a detector may see, a fifth tells when to stop and how to refine boxes.
    """
    order = np.random.default_rng(seed).permutation(len(tiles))
    found = [None] * len(tiles)
    for fold in range(n_folds if n_run is None else n_run):
        rows = order[fold::n_folds]
        seen = [tiles[row] for row in np.setdiff1d(order, rows)]
        learnt, held_out = split_tiles(seen, seed=seed)
        model = train_boxes(folder / str(fold), learnt, held_out, classes=CLASSES, start=start,
                            network_input=INPUT, recipe=recipe, seed=seed, device='cpu')
        print(folder.name, fold, 'kept epoch', model.training['epoch'], flush=True)
        for row, own in zip(rows, find(model, [tiles[row] for row in rows]), strict=True):
            found[row] = own
    return found


def ways(n_epochs, n_simulated):
    """Name of each way to use the real images, how many simulated ones came first, recipe."""
    recipe = replace(RECIPE, n_epochs=n_epochs)
    few, many = n_simulated
    gentle = replace(recipe, learning_rate=0.1 * RECIPE.learning_rate)
    yield f'{few} simulated, then real images', few, recipe
    yield 'the same, a tenth of the learning rate', few, gentle
    yield 'the same, backbone frozen', few, replace(recipe, head_epochs=n_epochs)
    yield f'{many} simulated, then real images at the lower rate', many, gentle
    yield 'real images alone', None, recipe


def blind(own, *, suppressed=False):
    """Forget the classes, and of boxes that overlap keep the surest."""
    own = replace(own, labels=np.zeros(len(own), int))
    if not suppressed:
        return own
    kept = []
    for index in np.argsort(-own.scores, kind='stable'):
        if not kept or box_overlaps(own.boxes[[index]], own.boxes[kept]).max() < 0.5:
            kept.append(index)
    return own.select(np.array(kept, int))


def figures(found, truth):
    """AP@50 of every class, their mean, and AP without classes at 0.5 and 0.7."""
    scores = score_boxes(found, truth, classes=CLASSES, iou=(0.5,))
    plain = score_boxes([blind(own, suppressed=True) for own in found],
                        [blind(own) for own in truth], iou=(0.5, 0.7))
    return {**dict(zip(CLASSES, scores.precision[0], strict=True)), 'map_50': scores.at(0.5),
            'blind_50': plain.at(0.5), 'blind_70': plain.at(0.7)}


def with_scatter(found, truth, *, n_draws=50, seed=0):
    """The same figures, and half the range of two thirds of those of resampled images."""
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(n_draws):
        rows = rng.integers(0, len(truth), len(truth))
        drawn.append(list(figures([found[row] for row in rows],
                                  [truth[row] for row in rows]).values()))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # a class that no image has
        low, high = np.nanpercentile(drawn, (16, 84), axis=0)
    own = figures(found, truth)
    return own, dict(zip(own, (high - low) / 2, strict=True))


def published():
    """Rows of what others reached on other images of Radio Galaxy Zoo."""
    yield {'detector': 'ClaRAN', **dict(zip(CLASSES, CLARAN, strict=True)),
           'map_50': round(float(np.mean(CLARAN)), 3)}
    for row in published_boxes('rgz'):
        yield {'detector': f'Lastufka et al. 2025, {row["model"]}', 'map_50': row['tuned']}


def tabulate(found, truth, meta):
    """Table of detectors on the images that all of them have, and the first on all images."""
    among = [all(own[row] is not None for own in found.values()) for row in range(len(truth))]
    everywhere = np.ones(len(truth), bool)
    groups = [(name, everywhere) for name, own in found.items()
              if not all(among) and all(one is not None for one in own)]
    rows = []
    for name, kept in [*groups, *((name, np.array(among)) for name in found)]:
        some = np.flatnonzero(kept)
        own, scatter = with_scatter([found[name][row] for row in some],
                                    [truth[row] for row in some])
        rows.append({'detector': name, 'n_images': len(some), **own,
                     **{f'{key}_err': value for key, value in scatter.items()}})
    return Table(rows, meta=meta)


def show(table):
    """Print the table, and below what others reached."""
    columns = (*CLASSES, 'map_50', 'blind_50')
    print(f"{'':44s} images " + ' '.join(f'{name:>8s}' for name in columns))
    for row in [*({name: row[name] for name in table.colnames} for row in table), *published()]:
        values = (row.get(name, np.nan) for name in columns)
        print(f"{row['detector']:44s} {row.get('n_images', '-'):>6} " + ' '.join(
            '       -' if value != value else f'{value:8.3f}' for value in values))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True, type=Path)
    parser.add_argument('-o', '--output', required=True)
    parser.add_argument('--runs', default='runs/first_boxes', type=Path, help='folder of the runs')
    parser.add_argument('--simulated', type=int, nargs=2, default=(200, 600),
                        help='images to learn from first, few and many')
    parser.add_argument('--epochs', type=int, default=15, help='passes over the real images')
    parser.add_argument('--first-epochs', type=int, default=10,
                        help='passes over the simulated ones')
    parser.add_argument('--folds', type=int, default=4)
    parser.add_argument('--run', type=int, metavar='N', help='only the first N of the folds')
    parser.add_argument('--seed', type=int, default=0, help='of the splits')
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = read_first(options.data / 'first_rgz')
    print(data, flush=True)
    tiles = stamps(data)
    starts, found = {None: None}, {}
    for n_images in options.simulated:
        starts[n_images] = options.runs / f'simulated_{n_images}'
        model = learn_simulated(starts[n_images], n_images, describe_domain(data),
                                options.first_epochs)
        print(n_images, 'simulated images:', model.training['refined'], flush=True)
        found[f'{n_images} simulated images alone'] = find(model, tiles)
    for number, (name, n_images, recipe) in enumerate(ways(options.epochs, options.simulated)):
        found[name] = cross_validate(
            tiles, options.runs / f'real_{number}_{options.seed}', seed=options.seed,
            start=starts[n_images], n_folds=options.folds, n_run=options.run, recipe=recipe)
    meta = {name: value for name, value in vars(options).items()
            if name not in ('data', 'output', 'runs')}
    table = tabulate(found, [true_boxes(tile) for tile in tiles], meta | {'boxes': data.counts()})
    table.write(options.output, overwrite=True)
    show(table)


if __name__ == '__main__':
    main()
