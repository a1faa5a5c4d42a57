"""One network from several: the mean of their weights.

Networks that were trained on from the same weights lie in one valley of the loss, and their mean is often
better than each of them, above all on data unlike what they saw, at the cost of one. Wortsman et al., "Model
soups", ICML 2022; Cha et al., "SWAD: Domain Generalization by Seeking Flat Minima", NeurIPS 2021.
"""

import copy
import math
from collections.abc import Sequence
from typing import Any

from models.checkpoint import LoadedModel, describe
from models.errors import BadCheckpoint
from models.imported.network import ImportedNetwork
from models.networks.network import Network


def average(
    models: Sequence[LoadedModel], shares: Sequence[float], name: str
) -> tuple[Network, dict[str, Any]]:
    """The network whose weights are the mean of others', and its card.

    It has no projection, whichever they have: each is computed for its own network's features
    (`models.whitening`).

    Means and deviations of batch normalisation are averaged like weights; what counts is the first's.

    Args:
        models: two or more of one architecture and one preprocessing.
        shares: of each, positive; only their ratios matter.
        name: of the result, for its card.

    Raises:
        BadCheckpoint: too few, not of one kind, or not a positive share for each.
    """
    _check(models, shares)
    total = sum(shares)
    network = copy.deepcopy(models[0].network)
    network.drop_projection()
    states = [model.network.state_dict() for model in models]
    mean = {
        key: sum(share / total * state[key].double() for share, state in zip(shares, states, strict=True)).to(
            first.dtype
        )
        if first.is_floating_point()
        else first
        for key, first in network.state_dict().items()
    }
    network.load_state_dict(mean)
    parts = [
        {"name": model.name, "id": model.id, "share": share / total, "training": model.card.get("training")}
        for model, share in zip(models, shares, strict=True)
    ]
    return network, describe(network, name, models[0].preprocessing, {"training": {"average_of": parts}})


def _check(models: Sequence[LoadedModel], shares: Sequence[float]) -> None:
    if len(models) < 2:
        raise BadCheckpoint("an average is of two models or more")
    if len(shares) != len(models) or not all(0 < share < math.inf for share in shares):
        raise BadCheckpoint("an average needs a positive share for each model")
    if any(isinstance(model.network, ImportedNetwork) for model in models):
        raise BadCheckpoint("imported networks cannot be averaged: their weights are out of reach")
    first = models[0]
    for other in models[1:]:
        if _kind(other) != _kind(first):
            raise BadCheckpoint(f"{other.name} has another architecture or preprocessing than {first.name}")


def _kind(model: LoadedModel) -> tuple[object, ...]:
    architecture = {key: value for key, value in model.network.architecture.items() if key != "projection"}
    return model.network.kind, architecture, model.preprocessing
