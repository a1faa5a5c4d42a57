"""Models by name."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from models.errors import UnknownModel
from models.networks.backbones import efficientnet_lite0_imagenet
from models.networks.non_local import NonLocalBlock
from models.networks.tkp import TKP
from models.preprocessing import Preprocessing

DEFAULT: Final = "tkp-efficientnet-lite0"

# What the Lite weights were trained with: (pixel - 127) / 128.
LITE0_PREPROCESSING = Preprocessing(mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in evaluation mode with all that is needed to use it."""

    network: TKP
    card: Mapping[str, Any]
    preprocessing: Preprocessing
    id: str
    name: str
    dimension: int


def load(name_or_path: str = DEFAULT) -> LoadedModel:
    """Load a model. Raises UnknownModel."""
    if name_or_path != DEFAULT:
        raise UnknownModel(f"no model named {name_or_path!r}; known: {DEFAULT}")
    with torch.device("meta"):
        network = TKP("efficientnet-lite0")
    network.to_empty(device="cpu")
    weights = efficientnet_lite0_imagenet()
    network.image.load_state_dict(weights)
    network.video.backbone.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    for block in network.modules():
        if isinstance(block, NonLocalBlock):
            block.initialise(generator)
    network.eval().requires_grad_(False)
    card = {
        "name": DEFAULT,
        "warning": "The weights are ImageNet initialisation only: never trained to tell people apart.",
    }
    return LoadedModel(
        network, card, LITE0_PREPROCESSING, weights_id(network.state_dict()), DEFAULT, network.dimension
    )


def weights_id(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and values in name order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()
