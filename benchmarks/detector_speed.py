"""
Compare a detector on ViT-B with a bare loop over torchvision's Faster R-CNN, both in turn.

    python benchmarks/detector_speed.py --images 6

The bare loop hands images of 512 pixels to torchvision's own class over the same transformer of
timm and the same pyramid; ours prepares channels, runs, and measures the brightest pixel of each
detection. Weights are random and the same. Ratios are taken pair by pair, of wall and CPU time.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from astrofound.backbones import load_backbone
from astrofound.networks import RcnnOptions, build_box_network, plan_anchors
from astrofound.training import BoxTile, find_boxes

__all__ = ['build_bare', 'build_ours', 'compare']

SIDES = (32, 64, 128, 256)
RATIOS = (0.5, 1.0, 2.0)


class BareBody(nn.Module):
    """Transformer and pyramid without anything of ours but the layers."""

    def __init__(self, model, pyramid, width):
        super().__init__()
        self.model, self.pyramid, self.out_channels = model, pyramid, width

    def forward(self, images):
        tokens = self.model.forward_features(images.expand(-1, 3, -1, -1))[:, 1:]
        ny, nx = (side // 16 for side in images.shape[-2:])
        return self.pyramid({'0': tokens.transpose(1, 2).reshape(len(images), -1, ny, nx)})


def build_ours(name='timm:vit_base_patch16_224'):
    """Our detector with torchvision's anchors, frozen."""
    body = load_backbone(name, pretrained=False)
    options = plan_anchors(RcnnOptions(), body, [], usual=True)
    network = build_box_network(body, 1, options)
    network.set_frozen(True)
    return network.eval()


def build_bare(ours, side):
    """Torchvision's detector over copies of the same layers."""
    body = BareBody(ours.backbone.body.model, ours.backbone.neck, ours.backbone.out_channels)
    names = [str(level) for level in range(len(SIDES))]
    bare = FasterRCNN(
        body, num_classes=2, min_size=side, max_size=side, image_mean=[0.0], image_std=[1.0],
        rpn_anchor_generator=AnchorGenerator([(one,) for one in SIDES], [RATIOS] * len(SIDES)),
        box_roi_pool=MultiScaleRoIAlign(names, 7, 2))
    bare.rpn.head.load_state_dict(ours.rpn.head.state_dict())
    bare.roi_heads.box_head.load_state_dict(ours.roi_heads.box_head.state_dict())
    bare.roi_heads.box_predictor.load_state_dict(ours.roi_heads.box_predictor.state_dict())
    return bare.eval()


def compare(ours, side, n_images, seed=0):
    """Ratios (n_images, 2) of bare over ours, in wall and CPU time; above 1 ours is faster."""
    bare = build_bare(ours, side)
    rng, ratios = np.random.default_rng(seed), []
    nothing = np.zeros((0, 4))
    for number in range(n_images + 1):
        data = rng.uniform(0, 1, (side, side)).astype(np.float32)
        tile = BoxTile(data, data, nothing, np.zeros(0, int), nothing, str(number))
        image = torch.from_numpy(data)[None]
        costs = {}
        runs = [('ours', lambda tile=tile: find_boxes(ours, [tile], 'linear')),
                ('bare', lambda image=image: bare([image]))]
        for name, run in runs[::1 if number % 2 else -1]:
            started = time.perf_counter(), time.process_time()
            with torch.inference_mode():
                run()
            costs[name] = (time.perf_counter() - started[0], time.process_time() - started[1])
        if number:  # the first one warms up
            ratios.append([bare_cost / own for own, bare_cost in zip(
                costs['ours'], costs['bare'], strict=True)])
            print(f"image {number}: ours {costs['ours'][1]:.2f} s of CPU, bare "
                  f"{costs['bare'][1]:.2f}", flush=True)
    return np.array(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=6)
    parser.add_argument('--side', type=int, default=512)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--backbone', default='timm:vit_base_patch16_224')
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ratios = compare(build_ours(options.backbone), options.side, options.images)
    for name, values in zip(('wall time', 'CPU time'), ratios.T, strict=True):
        print(f'images/s of ours over the bare loop by {name}: {np.median(values):.3f} '
              f'({values.min():.3f} to {values.max():.3f})')


if __name__ == '__main__':
    main()
