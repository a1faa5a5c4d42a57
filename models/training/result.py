"""What training leaves: the network and a card that says how it came to be."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models import checkpoint
from models.checkpoint import LoadedModel
from models.training.objectives.base import Objective
from models.training.plan import IMAGENET
from models.training.recipe import FOLDERS, Recipe
from models.training.state import State


def write_model(
    folder: Path,
    recipe: Recipe,
    begun: LoadedModel,
    state: State,
    objective: Objective,
    *,
    facts: Mapping[str, Any],
) -> str:
    """Write a network in half precision, with a card that says how it came to be.

    Args:
        folder: of the checkpoint.
        recipe: what was done.
        begun: what training began with.
        state: how far it came.
        objective: holds the network; it is changed.
        facts: more for the card.

    Returns:
        The model's id.
    """
    network = objective.network.cpu().eval()
    objective.finish(network)
    training = {
        "recipe": public_recipe(recipe, begun, objective),
        "begun_from": begun.id,
        "learnt_before": sorted(set(checkpoint.data_learnt(begun.card))),
        "learns_from": {key: source.id for key, source in objective.learns_from.items()},
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


def public_recipe(recipe: Recipe, begun: LoadedModel, objective: Objective) -> dict[str, Any]:
    """The recipe in plain values, with names of models for the folders of the machine that trained."""
    values = recipe.model_dump(mode="json")
    names = {key: source.name for key, source in objective.learns_from.items()}
    names["initialise"] = IMAGENET if recipe.initialise == IMAGENET else begun.name
    for key in FOLDERS:
        *sections, last = key.split(".")
        section = values
        for name in sections:
            section = section[name]
        if last in section:
            section[last] = names.get(key)
    return values


def hardware() -> str:
    """The processor and the GPUs, in words."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return ", ".join([*gpus, cpu])
