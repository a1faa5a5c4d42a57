"""What training leaves: the network and a card that says how it came to be."""

import platform
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from models import checkpoint
from models.checkpoint import LoadedModel
from models.training.recipe import Recipe
from models.training.state import State


def write_model(
    folder: Path, recipe: Recipe, begun: LoadedModel, state: State, facts: Mapping[str, Any]
) -> str:
    """Write the network as it is now, half precision, with a card that says how it came to be."""
    network = deepcopy(state.objective.network)
    if state.average is not None:
        network.load_state_dict(state.average.module.state_dict())
    network = network.cpu().eval()
    state.objective.finish(network)
    training = {
        "recipe": recipe.model_dump(mode="json"),
        "begun_from": begun.id,
        "learns_from": state.objective.learns_from,
        "steps": state.step,
        "seconds": round(state.seconds),
        **facts,
        "torch": torch.__version__,
        "hardware": hardware(),
    }
    limits = ["no accuracy was measured during training; evaluate before use"]
    card = checkpoint.describe(
        network, recipe.name, begun.preprocessing, {"training": training, "limits": limits}
    )
    return checkpoint.save(folder, network, card, half=True)


def hardware() -> str:
    """The processor and the GPUs, in words."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return ", ".join([*gpus, cpu])
