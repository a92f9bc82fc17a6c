"""
How much of a bare training loop's speed is left, and how long a probe on known features takes.

    python benchmarks/classifier_speed.py

The bare loop and `train_classifier` take turns with the same network, images and batch size, so
that whatever else the machine does falls on both; the figure is the median of the ratios.
"""

import argparse
import time

import numpy as np
import torch
from torch.nn import functional as F

from astrofound.backbones import load_backbone
from astrofound.networks import build_head
from astrofound.training import (
    ClassifierRecipe,
    StrategyOptions,
    build_classifier,
    fit_head,
    train_classifier,
    unfreeze,
)


def make_network(name, n_classes):
    """Build a classifier all of which learns."""
    backbone = load_backbone(name, pretrained=False)
    options = StrategyOptions(strategy='scratch', pooling=backbone.spec.pooling)
    return build_classifier(backbone, n_classes, options)


def bare_loop(name, images, codes, batch_size):
    """Return images a second of the shortest loop that trains."""
    network = make_network(name, 4).train()
    unfreeze(network.backbone)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    order = torch.randperm(len(images))
    started = time.perf_counter()
    for rows in order.split(batch_size):
        batch = images[rows].contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(network(batch), codes[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return len(images) / (time.perf_counter() - started)


def our_loop(name, images, codes, batch_size, augment):
    """Return images a second that `train_classifier` reports."""
    recipe = ClassifierRecipe(n_epochs=1, batch_size=batch_size, augment=augment)
    history = train_classifier(make_network(name, 4), images, codes.numpy(), recipe=recipe,
                               train=np.arange(len(images)), validation=np.arange(0))
    return history[0]['images_per_second']


def probe_seconds(n_images, n_features, n_classes=4):
    """Return the seconds of a linear probe to convergence on known features."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, n_classes, n_images)
    features = rng.normal(size=(n_images, n_features)).astype(np.float32)
    features[:, :n_classes] += np.eye(n_classes, dtype=np.float32)[codes]
    head, rows = build_head('linear', n_features, n_classes), np.arange(n_images)
    started = time.perf_counter()
    fit_head(head, features, codes, train=rows[:-1000], validation=rows[-1000:])
    return time.perf_counter() - started


def main():
    """Print the ratios and the seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--backbone', default='compact')
    parser.add_argument('--size', type=int, default=96)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--images', type=int, default=192)
    parser.add_argument('--repeats', type=int, default=5)
    options = parser.parse_args()
    images = torch.rand(options.images, 1, options.size, options.size)
    codes = torch.arange(options.images) % 4
    arguments = options.backbone, images, codes, options.batch
    bare_loop(*arguments)  # whatever is slow the first time only
    ratios = {'none': [], 'sky': []}
    for _ in range(options.repeats):
        for augment, own in ratios.items():
            own.append(our_loop(*arguments, augment) / bare_loop(*arguments))
    for augment, own in ratios.items():
        low, middle, high = np.quantile(own, [0, 0.5, 1])
        print(f'{options.backbone}, augmentation {augment}: {middle:.2f} of a bare loop '
              f'({low:.2f} to {high:.2f})')
    print(f'linear probe on 10 000 x 768 features: {probe_seconds(10_000, 768):.1f} s')


if __name__ == '__main__':
    main()
