"""How weights move, and how fast at which step."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import nn

from models.training.objectives import Objective
from models.training.plan import Optimiser, Schedule


def make_optimiser(objective: Objective, recipe: Optimiser) -> torch.optim.Optimizer:
    """Build the optimiser of all that learns; each group keeps the factor of its part as "scale".

    Weights of layers decay. What has one dimension does not: biases, and the gains of normalisations, for
    which decay would only be a second, hidden learning rate.
    """
    groups = [
        {"params": parameters, "scale": getattr(recipe.rates, name), "weight_decay": decay}
        for name, part in objective.parts().items()
        for decay, parameters in _by_decay(part, recipe.weight_decay)
        if parameters
    ]
    if recipe.name == "sgd":
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=recipe.momentum)
    kind = torch.optim.Adam if recipe.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=recipe.learning_rate)


def _by_decay(part: Iterable[nn.Parameter], decay: float) -> Iterator[tuple[float, list[nn.Parameter]]]:
    learning = [p for p in part if p.requires_grad]
    yield decay, [p for p in learning if p.ndim > 1]
    yield 0.0, [p for p in learning if p.ndim <= 1]


def rate(schedule: Schedule, step: int, steps: int) -> float:
    """The factor on all learning rates.

    Args:
        schedule: its kind and numbers.
        step: from 0.
        steps: of the whole run.
    """
    if step < schedule.warm_up:
        return (step + 1) / schedule.warm_up
    if schedule.kind == "multistep":
        return float(schedule.factor ** sum(step >= share * steps for share in schedule.milestones))
    progress = (step - schedule.warm_up) / max(1, steps - schedule.warm_up)
    return schedule.least + (1 - schedule.least) * (1 + math.cos(math.pi * progress)) / 2


def set_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    """Give every group `value` times its own factor."""
    for group in optimiser.param_groups:
        group["lr"] = value * group["scale"]
