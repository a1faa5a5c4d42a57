"""Models by name, or by the path of a checkpoint.

A folder here is a trained model that ships with the project: weights and card, named as the model. What no
weights are shipped of, and what training begins with, is built from ImageNet weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from models import checkpoint
from models.checkpoint import LoadedModel
from models.names import DEFAULT, IMAGENET, MODELS, SHIPPED, ZOO, check_model
from models.networks.backbones import BACKBONES
from models.networks.catalogue import build
from models.networks.network import Network, named
from models.networks.tkp import TKP
from models.preprocessing import Preprocessing

__all__ = ["DEFAULT", "NAMES", "SHIPPED", "LoadedModel", "fresh", "load", "untrained"]

UNTRAINED: Final = (
    "The weights are ImageNet initialisation only: these networks were never trained to tell people apart. "
    "Scores show likeness of colour and texture, not identity; expect most answers to be wrong."
)


NAMES: Final = MODELS


def load(name_or_path: str = DEFAULT) -> LoadedModel:
    """Load a model.

    Args:
        name_or_path: one of NAMES, or the path of a checkpoint directory. A name is never looked up as a
            path: write ./NAME for a directory that is called like a model.

    Raises:
        UnknownModel: neither a known name nor an existing path.
        MissingWeights: the name is known, but its weights are not on this machine.
        BadCheckpoint: the weights or the checkpoint cannot be used.
    """
    if name_or_path in SHIPPED:
        return checkpoint.load(ZOO / name_or_path)
    if name_or_path in NAMES:
        return untrained(name_or_path.removeprefix(IMAGENET))
    check_model(name_or_path)
    return checkpoint.load(Path(name_or_path))


def fresh(kind: str, architecture: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Network:
    """A network with these weights in its backbones, the rest as training begins: the same on every run.

    Raises:
        ValueError, TypeError: there is no such network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(kind, architecture)
    network.initialise(weights, torch.Generator().manual_seed(0))
    return network.eval().requires_grad_(False)


def untrained(backbone: str, kind: str = TKP.kind, **architecture: Any) -> LoadedModel:
    """Build a network as its training begins: ImageNet weights in its backbones.

    The same tensors and id on every run.

    Args:
        backbone: one that weights are known of and that the network can have.
        kind: of the network, a name in `models.networks.catalogue.NETWORKS`.
        architecture: further arguments of its constructor.

    Raises:
        ValueError: there is no such network.
        MissingWeights: the weights are not on this machine.
    """
    spec, name = named(backbone, BACKBONES), IMAGENET + backbone
    network = fresh(kind, {"backbone": backbone, **architecture}, spec.weights())
    preprocessing = Preprocessing(*spec.size, mean=spec.mean, std=spec.std)
    facts = {
        "warning": UNTRAINED,
        "weights": spec.source,
        "training": "none: all backbones hold the same ImageNet weights, the rest is where training begins",
        "intended_use": "trying out the system, and as the starting point of training",
        "limits": [
            "not trained for re-identification; figures on any benchmark are those of ImageNet features",
            "no claim about any group of people was tested",
        ],
    }
    card = checkpoint.describe(network, name, preprocessing, facts)
    return LoadedModel(network, card, preprocessing, card["id"], name, network.dimension)
