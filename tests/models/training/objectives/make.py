"""Objectives as training makes them, of the type that a test wants."""

from typing import TypeVar

import torch

from models.networks.network import Network
from models.training.objectives import OBJECTIVES, Objective, People
from models.training.recipe import Recipe

Some = TypeVar("Some", bound=Objective)


def told(settings: str) -> list[str]:
    """Overrides of a system's settings, "a: b, c: d" as in YAML."""
    return [f"system.{text.replace(': ', '=')}" for text in settings.split(", ") if text]


def make(wanted: type[Some], recipe: Recipe, network: Network, people: People) -> Some:
    """The objective of a recipe, with a neck where the recipe wants one."""
    if recipe.system.has_neck and not network.has_neck:
        network.add_neck()
    generator = torch.Generator().manual_seed(0)
    made = OBJECTIVES[recipe.network](network.requires_grad_(True), people, recipe, recipe.system, generator)
    assert isinstance(made, wanted)
    return made
