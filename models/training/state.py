"""The state of a run on disk: enough to go on as if it had never stopped.

What is drawn at random is a function of seed and step (see loading.py), so no generator has a state to keep.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models.errors import TrainingError
from models.training.plan import Plan
from models.training.upgrade import upgrade

if TYPE_CHECKING:
    from models.training.objectives.base import Objective

FILE = "state.pt"
MODEL = "model"
"""Folder of the finished checkpoint in the run's folder."""
KEYS = {"recipe", "data", "step", "seconds", "objective", "optimiser", "average", "neighbours"}


@dataclass
class State:
    """What a run changes.

    `average` is the network with averaged weights, or None; `neighbours` are those of the graph sampler.
    """

    objective: "Objective"
    optimiser: torch.optim.Optimizer
    average: torch.optim.swa_utils.AveragedModel | None
    step: int = 0
    seconds: float = 0.0
    neighbours: Tensor | None = None


def save_state(out: Path, state: State, recipe: Plan, data: str) -> None:
    """Replace the state in `out` as a whole; a kill at any moment leaves the old one or the new one."""
    values = {
        "recipe": recipe.model_dump(mode="json"),
        "data": data,
        "step": state.step,
        "seconds": state.seconds,
        "objective": state.objective.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
        "neighbours": state.neighbours,
    }
    temporary = out / f".{FILE}.{os.getpid()}"
    with temporary.open("wb") as file:
        torch.save(values, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(out / FILE)


def restore_state(out: Path, state: State, recipe: Plan, data: str) -> None:
    """Put the state in `out` into `state`; without one, nothing changes.

    Raises:
        TrainingError: the state is damaged, or of a run with another recipe or other data.
    """
    if not (out / FILE).exists():
        return
    values = read_state(out)
    differing = _difference(upgrade(values["recipe"]), recipe.model_dump(mode="json"))
    if differing is not None:
        raise TrainingError(f"the run in {out} was started with another recipe: {differing}")
    if values["data"] != data:
        raise TrainingError(f"the run in {out} was started with other data")
    try:
        state.objective.load_state_dict(values["objective"])
        state.optimiser.load_state_dict(values["optimiser"])
        if state.average is not None:
            state.average.load_state_dict(values["average"])
    except (ValueError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"the run in {out} was begun by another version of Sightline: {reason}"
        ) from error
    state.step, state.seconds = values["step"], values["seconds"]
    state.neighbours = values["neighbours"]


def read_state(out: Path) -> dict[str, Any]:
    """The state in `out` as it was saved. Raises TrainingError if there is none or it is damaged."""
    if not (out / FILE).is_file():
        raise TrainingError(f"{out} holds no run: no {FILE}")
    try:
        values = torch.load(out / FILE, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no errors for damaged files: any may come
        raise TrainingError(f"{out / FILE} is damaged: {error}") from error
    if not isinstance(values, dict) or values.keys() != KEYS:
        raise TrainingError(f"{out / FILE} is not the state of a run")
    return values


def _difference(before: Any, now: Any, key: str = "") -> str | None:
    """The first key whose value differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        found = (_difference(before.get(k), now.get(k), f"{key}.{k}".strip(".")) for k in now)
        return next((text for text in found if text is not None), None)
    return None if before == now else f"{key} was {before}, not {now}"
