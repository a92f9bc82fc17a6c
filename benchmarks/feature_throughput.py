"""
Compare the speed of `FeatureExtractor` with a bare loop over the same network and batches.

    python benchmarks/feature_throughput.py --images 64 --batch 16 --rounds 15
    python benchmarks/feature_throughput.py --device cuda --images 2048 --batch 256 --size 224

The bare loop is what one would write with timm or transformers alone: images that are scaled and
in memory already are normalised, run and pooled, batch by batch. The extractor gets the same
pixels and does all it always does: checks, scaling, padding and masks, pooling. Both run in turn,
in the order changed from round to round, and the figure is the ratio of the medians, so that a
machine whose speed drifts slows both. The ratio of CPU time, of all threads, is told beside that of
wall time: what else the machine does changes it less.
"""

import argparse
import time

import numpy as np
import torch

from astrofound.backbones import load_backbone
from astrofound.estimators import FeatureExtractor

__all__ = ['NETWORKS', 'bare_loop', 'compare']

# Small networks of the two libraries, of which a core embeds an image in some milliseconds.
NETWORKS = {'timm': 'timm:vit_tiny_patch16_224', 'transformers': 'dinov2_vits14'}


def bare_loop(backbone, images, batch, device, precision):
    """Features as one would compute them without this package."""
    spec, model = backbone.spec, backbone.model
    mean, std = (torch.tensor(values, device=device).reshape(1, 3, 1, 1)
                 for values in (spec.mean, spec.std))
    found = []
    with torch.inference_mode(), torch.autocast(
            device.type, torch.bfloat16, enabled=precision == 'bfloat16'):
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(images[start:start + batch]).to(device)
            pixels = (pixels - mean) / std
            if spec.library == 'timm':
                vectors = model(pixels)
            else:
                vectors = model(pixel_values=pixels).last_hidden_state[:, 0]
            found.append(vectors.float().cpu().numpy())
    return np.concatenate(found)


def compare(name, *, images, batch, rounds, device='cpu', precision='float32'):
    """Return wall and CPU seconds of both, round by round, and how far their features differ."""
    backbone = load_backbone(name, pretrained=False)
    extractor = FeatureExtractor(backbone, image_size=None, scaling='none', batch_size=batch,
                                 device=device, precision=precision, pooling='own').fit()
    device = torch.device(device)
    jobs = [lambda: extractor.transform(images),
            lambda: bare_loop(backbone, images, batch, device, precision)]
    ours, bare = (job() for job in jobs)  # warm
    seconds = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter(), time.process_time()
            jobs[side]()
            seconds[side].append((time.perf_counter() - started[0],
                                  time.process_time() - started[1]))
    return *map(np.array, seconds), float(np.abs(ours - bare).max())


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--images', type=int, default=64)
    parser.add_argument('--size', type=int, default=224)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--precision', default='float32', choices=['float32', 'bfloat16'])
    arguments = parser.parse_args()
    shape = (arguments.images, 3, arguments.size, arguments.size)
    images = np.random.default_rng(0).random(shape, np.float32)
    print(f'{"library":14}{"bare, images/s":>16}{"astrofound":>12}{"ratio":>8}{"of CPU":>8}'
          f'{"difference":>12}')
    for library, name in NETWORKS.items():
        ours, bare, difference = compare(
            name, images=images, batch=arguments.batch, rounds=arguments.rounds,
            device=arguments.device, precision=arguments.precision)
        (bare_wall, bare_cpu), (wall, cpu) = (np.median(times, axis=0) for times in (bare, ours))
        print(f'{library:14}{arguments.images / bare_wall:16.1f}{arguments.images / wall:12.1f}'
              f'{bare_wall / wall:8.3f}{bare_cpu / cpu:8.3f}{difference:12.1e}')


if __name__ == '__main__':
    main()
