"""A copy of a network that computes the same features with less work."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.networks.tkp import TKP


def optimise(network: TKP) -> TKP:
    """Copy a network for inference: no gradients, channels_last, norms folded, idle blocks dropped.

    Features agree with the original's to float32 rounding. The original is left as it is.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    drop_idle_blocks(copy)
    for module in copy.modules():
        fold_norms(module)
    return copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def drop_idle_blocks(network: TKP) -> None:
    """Remove non-local blocks that add exactly zero: those of a network that has not been trained yet."""
    blocks = network.video.non_local
    for name, block in zip(list(blocks), network.non_local_blocks(), strict=True):
        if not block.norm.weight.any() and not block.norm.bias.any():
            del blocks[name]


def fold_norms(module: nn.Module) -> None:
    """Fold each batch normalisation of `module` into the convolution declared just before it.

    Layers of our networks and torchvision's are declared in the order in which they are applied.
    """
    children = list(module.named_children())
    for (conv_name, conv), (norm_name, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(module, norm_name, nn.Identity())
