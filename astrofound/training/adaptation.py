"""Which parameters of a backbone learn: none, the upper blocks, all, or low-rank additions."""

from torch import nn

from astrofound.utils import InputError, check_number

__all__ = [
    'add_lora', 'count_parameters', 'freeze', 'hold_statistics', 'layer_groups', 'trainable_state',
    'unfreeze',
]

# Linear layers of every family of transformers, in the names of timm and of transformers.
_LINEARS = ('qkv', 'proj', 'fc1', 'fc2', 'q_proj', 'k_proj', 'v_proj', 'o_proj', 'out_proj',
            'up_proj', 'down_proj', 'query', 'key', 'value', 'dense')


def freeze(module):
    """
    Stop every parameter of a module from learning.

    Parameters
    ----------
    module : `torch.nn.Module`
        Changed in place.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def unfreeze(backbone, n_blocks='all'):
    """
    Let a backbone learn, all of it or its upper blocks.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Changed in place; what is not named is frozen.
    n_blocks : int or 'all', optional
        Number of blocks from the top, with the final normalisation and whatever else comes
        after the last block.

    Raises
    ------
    InputError
        If the backbone has fewer blocks, or does not say what its blocks are.
    """
    freeze(backbone)
    if n_blocks == 'all':
        for parameter in backbone.parameters():
            parameter.requires_grad_(True)
        return
    check_number('n_blocks', n_blocks, minimum=0, integer=True)
    blocks = backbone.blocks
    if n_blocks > len(blocks):
        raise InputError(f"'n_blocks' must be at most {len(blocks)}, the number of blocks of "
                         f"{backbone.spec.name}, or 'all'; got {n_blocks}")
    if n_blocks:
        inside = {id(p) for block in blocks for p in block.parameters()}
        for parameter in _after_blocks(backbone, inside):
            parameter.requires_grad_(True)
        for block in blocks[-n_blocks:]:
            for parameter in block.parameters():
                parameter.requires_grad_(True)


def _after_blocks(backbone, inside):
    """Parameters that stand behind the last block in the order of the modules."""
    ordered = list(backbone.parameters())
    last = max(index for index, parameter in enumerate(ordered) if id(parameter) in inside)
    return ordered[last + 1:]


def hold_statistics(module):
    """
    Keep batch normalisations of frozen layers at their running statistics.

    Called after ``module.train()``: a frozen layer that goes on averaging batches is not
    frozen.

    Parameters
    ----------
    module : `torch.nn.Module`
        Changed in place.
    """
    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm) and not any(
                parameter.requires_grad for parameter in child.parameters()):
            child.eval()


def layer_groups(backbone, head, learning_rate, *, backbone_factor=1.0, layer_decay=1.0):
    """
    Group what learns by learning rate, lower from block to block towards the image.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Frozen parameters are left out.
    head : `torch.nn.Module`
        Learns at the full rate.
    learning_rate : float
        Rate of the head.
    backbone_factor : float, optional
        Rate of the backbone's last block, in units of the head's.
    layer_decay : float, optional
        Factor from one block to the one below; 1 gives all the same.

    Returns
    -------
    groups : list of dict
        ``params`` and ``lr``, as optimisers of torch take them.
    """
    groups = [{'params': list(head.parameters()), 'lr': learning_rate}]
    blocks = list(backbone.blocks)
    depth = {}
    for index, block in enumerate(blocks):
        for parameter in block.parameters():
            depth.setdefault(id(parameter), len(blocks) - 1 - index)
    ordered = list(backbone.parameters())
    seen_block = False
    by_depth = {}
    for parameter in ordered:
        seen_block = seen_block or id(parameter) in depth
        # what stands before the first block is below all of them, what follows is on top
        level = depth.get(id(parameter), 0 if seen_block else len(blocks))
        if parameter.requires_grad:
            by_depth.setdefault(level, []).append(parameter)
    for level, parameters in sorted(by_depth.items()):
        rate = learning_rate * backbone_factor * layer_decay**level
        groups.append({'params': parameters, 'lr': rate})
    return [group for group in groups if group['params']]


def add_lora(backbone, *, rank=8, alpha=16, dropout=0.1):
    """
    Freeze a backbone and add low-rank matrices that learn in its place (LoRA [1]_).

    They go beside every linear layer in the blocks of a transformer, or beside every
    convolution in the blocks of a convolutional network.

    Parameters
    ----------
    backbone : `~astrofound.backbones.Backbone`
        Changed in place.
    rank : int, optional
        Rank of the matrices.
    alpha : float, optional
        Their weight is ``alpha / rank``.
    dropout : float, optional
        Share of their inputs left out in training.

    Raises
    ------
    InputError
        If the backbone has no layer to add them to.

    References
    ----------
    .. [1] Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models,
       arXiv:2106.09685.
    """
    from peft import LoraConfig, inject_adapter_in_model

    check_number('lora_rank', rank, minimum=1, integer=True)
    freeze(backbone)
    targets = _lora_targets(backbone)
    if not targets:
        raise InputError(f'{backbone.spec.name} has no layer that LoRA can be added to')
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=targets)
    inject_adapter_in_model(config, backbone.model)
    backbone.model.requires_grad_(False)
    for name, parameter in backbone.model.named_parameters():
        parameter.requires_grad_('lora_' in name)


def _lora_targets(backbone):
    """Full names of the layers in the blocks."""
    inside = {id(module) for block in backbone.blocks for module in block.modules()}
    linears, convolutions = [], []
    for name, module in backbone.model.named_modules():
        if id(module) not in inside:
            continue
        if isinstance(module, nn.Linear) and name.rpartition('.')[2] in _LINEARS:
            linears.append(name)
        elif isinstance(module, nn.Conv2d) and module.groups == 1 and (
                'downsample' not in name):
            convolutions.append(name)
    return linears or convolutions


def count_parameters(*modules):
    """
    Count parameters.

    Parameters
    ----------
    *modules : `torch.nn.Module`
        Modules without common parameters.

    Returns
    -------
    n_trainable, n_total : int
        Those that learn, and all.
    """
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return (sum(p.numel() for p in parameters if p.requires_grad),
            sum(p.numel() for p in parameters))


def trainable_state(module):
    """
    Return what a training changes: parameters that learn, and running statistics.

    Parameters
    ----------
    module : `torch.nn.Module`
        The module.

    Returns
    -------
    state : dict of str to `torch.Tensor`
        On the CPU.
    """
    frozen = {name for name, parameter in module.named_parameters()
              if not parameter.requires_grad}
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()
            if name not in frozen}
