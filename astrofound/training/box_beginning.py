"""The network that a training on boxes begins with: a new one, or that of another detector."""

from dataclasses import replace

import numpy as np

from astrofound.backbones import load_backbone
from astrofound.networks.box_heads import BOX_HEADS, build_box_network, plan_anchors
from astrofound.utils import InputError

from .adaptation import add_lora

__all__ = ['begin', 'check_start', 'go_on']

_DENSITY_FACTOR = 5  # detections of a tile for each source of the fullest
_KEPT = ('full', 'scratch')  # tunings after which the backbone is part of the detector


def begin(backbone, backbone_weights, recipe, tiles, n_classes, *, seed, device):
    """
    Build a new network for some tiles.

    Parameters
    ----------
    backbone, backbone_weights : str or path-like
        As for `~astrofound.backbones.load_backbone`.
    recipe : BoxRecipe
        Settings.
    tiles : sequence of BoxTile
        Their boxes decide on anchors and numbers of detections.
    n_classes : int
        Classes besides the background.
    seed : int
        Decides the first weights.
    device : `torch.device`
        Where it is.

    Returns
    -------
    network : `~astrofound.networks.BoxNetwork`
        With what the recipe tunes set to learn.
    fingerprint : str
        Of the backbone, where its own weights stay what they are.
    """
    body = load_backbone(backbone, weights=backbone_weights, device=device,
                         pretrained=recipe.tuning != 'scratch')
    options = BOX_HEADS[recipe.head].options(
        width=recipe.width, head_width=recipe.head_width, normalized=recipe.normalized,
        extra_level=recipe.extra_level, last_only=recipe.last_only, window=recipe.window,
        **_limits(recipe, tiles))
    boxes = np.concatenate([tile.boxes for tile in tiles])
    options = plan_anchors(options, body, boxes[:, 2:] - boxes[:, :2],
                           n_anchors=recipe.n_anchors if recipe.head == 'rcnn' else 1,
                           usual=recipe.anchors == 'usual')
    body.requires_grad_(recipe.tuning in _KEPT)
    fingerprint = '' if recipe.tuning in _KEPT else body.fingerprint()
    if recipe.tuning == 'lora':
        add_lora(body, rank=recipe.lora_rank)
    return build_box_network(body, n_classes, options, seed=seed,
                             from_scratch=recipe.tuning == 'scratch'), fingerprint


def _limits(recipe, tiles):
    """Most detections of a tile, and what goes with them, by the density of sources."""
    wanted = _DENSITY_FACTOR * max(len(tile.boxes) for tile in tiles)
    n_detections = recipe.n_detections or max(100, wanted)
    if recipe.head == 'query':
        return {'n_detections': n_detections}
    return {'n_detections': n_detections,
            'n_proposals': recipe.n_proposals or max(300, 3 * n_detections),
            'n_samples': 512 if recipe.n_proposals else min(512, max(64, 4 * wanted))}


def check_start(begun, recipe, network_input):
    """
    Make sure that a training can go on from another detector.

    Parameters
    ----------
    begun : BoxModel
        The other detector.
    recipe : BoxRecipe
        Settings of the training.
    network_input : `~astrofound.preprocess.NetworkInput`
        How its tiles were prepared.

    Raises
    ------
    InputError
        If the two tune the backbone in ways that exclude each other, have heads of different
        kinds, or see images differently.
    """
    head = begun.network.options.head
    if head != recipe.head:
        raise InputError(f"'start' is a detector with head {head!r}, the recipe says "
                         f'{recipe.head!r}; choose the same')
    if begun.tuning != recipe.tuning and not {begun.tuning, recipe.tuning} <= set(_KEPT):
        raise InputError(f"'start' was trained with tuning {begun.tuning!r}, from which one with "
                         f'{recipe.tuning!r} cannot go on; choose the same, or full after scratch')
    if begun.network_input != network_input:
        raise InputError(f"'start' sees images with {begun.network_input}, these were prepared "
                         f'with {network_input}; take the input of the detector')


def go_on(begun, recipe, tiles, n_classes, *, seed):
    """
    Take the network of another detector for other tiles.

    Parameters
    ----------
    begun : BoxModel
        The other detector; its backbone becomes part of the network.
    recipe : BoxRecipe
        Settings.
    tiles : sequence of BoxTile
        Their boxes decide on the numbers of detections; anchors stay.
    n_classes : int
        Classes besides the background. Layers of another shape for them start anew.
    seed : int
        Decides what is new.

    Returns
    -------
    network : `~astrofound.networks.BoxNetwork`
        As from `begin`.
    fingerprint : str
        As from `begin`.
    """
    body = begun.network.backbone.body
    options = replace(begun.network.options, **_limits(recipe, tiles))
    network = build_box_network(body, n_classes, options, seed=seed,
                                from_scratch=begun.network.backbone.from_scratch)
    own = network.state_dict()
    network.load_state_dict({name: value for name, value in begun.network.state_dict().items()
                             if own[name].shape == value.shape}, strict=False)
    for name, parameter in body.named_parameters():
        parameter.requires_grad_(recipe.tuning in _KEPT
                                 or (recipe.tuning == 'lora' and 'lora_' in name))
    return network, begun.fingerprint
