"""The first sixth of EfficientNet-Lite0, with ImageNet weights: a VKD that adapts in a second.

What has to do with the course of a run, and not with what a large network learns, is tested with it.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from models import checkpoint, zoo
from models.networks import vkd
from models.networks.backbones import Backbone, ConvNorm, InvertedResidual
from models.zoo import LoadedModel, fresh
from tests.models.adaptation.world import SIZE

BLOCKS = 6
WIDTH = 64


def tiny_backbone() -> Backbone:
    """The stem and five blocks as EfficientNet-Lite0 has them, and a 1x1 convolution to 64 channels."""
    blocks: list[nn.Module] = [
        ConvNorm(3, 32, kernel=3, stride=2),
        InvertedResidual(32, 16, 1, 3, 1),
        InvertedResidual(16, 24, 6, 3, 2),
        InvertedResidual(24, 24, 6, 3, 1),
        InvertedResidual(24, 40, 6, 5, 2),
        InvertedResidual(40, 40, 6, 5, 1),
        ConvNorm(40, WIDTH),
    ]
    return Backbone(blocks, [32, 16, 24, 24, 40, 40, WIDTH])


def make_known(patch: pytest.MonkeyPatch) -> None:
    """Let checkpoints name it: a backbone of this name that VKD can have."""
    tiny = vkd.Architecture(tiny_backbone, "activation")
    patch.setattr(vkd, "ARCHITECTURES", {**vkd.ARCHITECTURES, "tiny": tiny})


def tiny_model() -> LoadedModel:
    """The same tensors each time; nothing in it learns."""
    whole = zoo.untrained("efficientnet-lite0", "vkd")
    known = {
        name.removeprefix("backbone."): tensor
        for name, tensor in whole.network.state_dict().items()
        if name.startswith("backbone.blocks.") and int(name.split(".")[2]) < BLOCKS
    }
    drawn = torch.Generator().manual_seed(1)
    last = tiny_backbone().blocks[-1].state_dict()
    last["conv.weight"] = torch.empty_like(last["conv.weight"]).normal_(0, 0.2, generator=drawn)
    known |= {f"blocks.{BLOCKS}.{name}": tensor for name, tensor in last.items()}
    network = fresh("vkd", {"backbone": "tiny", "neck": True}, known)
    network.requires_grad_(False)
    preprocessing = replace(whole.preprocessing, height=SIZE[0], width=SIZE[1])
    card = checkpoint.describe(network, "tiny", preprocessing, {})
    return LoadedModel(network, card, preprocessing, card["id"], "tiny", network.dimension)
