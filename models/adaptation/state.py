"""The state of an adaptation on disk: enough to go on as if it had never stopped."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from models.adaptation.learner import Learner
from models.adaptation.result import Round
from models.errors import TrainingError

FILE: Final = "state.pt"
RUN: Final = "run.json"


@dataclass
class State:
    """What a run changes.

    Attributes:
        learner: the network that learns.
        average: the one that clusters, and is kept.
        optimiser: of the round.
        rounds: that are done.
        step: of the round that is not.
        seconds: of work.
        loss: sum over the steps of the round.
        labels: (N,) clusters of the round; None before it has any.
        proxies: (P, D) memories of the round; None like the labels.
        radius: that joined the clusters of the round.
        began: `seconds` when the round began.
        learnt: labels of the last round that is done, for the page.
    """

    learner: Learner
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    rounds: list[Round] = field(default_factory=list)
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    labels: Tensor | None = None
    proxies: Tensor | None = None
    radius: float = 0.0
    began: float = 0.0
    learnt: Tensor | None = None


MODULES: Final = ("learner", "average", "optimiser")
PLAIN: Final = ("step", "seconds", "loss", "labels", "proxies", "radius", "began", "learnt")


def save_state(folder: Path, state: State) -> None:
    """Replace the state in a folder as a whole."""
    values: dict[str, Any] = {name: getattr(state, name).state_dict() for name in MODULES}
    values |= {name: getattr(state, name) for name in PLAIN}
    values["rounds"] = [asdict(one) for one in state.rounds]
    temporary = folder / f".{FILE}"
    with temporary.open("wb") as file:
        torch.save(values, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / FILE)


def restore_state(folder: Path, state: State) -> None:
    """Put the state in a folder into `state`; without one, nothing changes.

    Raises:
        TrainingError: it is damaged, or of another version.
    """
    if not (folder / FILE).exists():
        return
    try:
        values = torch.load(folder / FILE, map_location="cpu", weights_only=True)
        for name in MODULES:
            getattr(state, name).load_state_dict(values[name])
        state.rounds = [Round(**one) for one in values["rounds"]]
        for name in PLAIN:
            setattr(state, name, values[name])
    except Exception as error:  # torch names no errors for damaged files: any may come
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise TrainingError(f"{folder / FILE} is damaged or of another version: {reason}") from error


def write_json(path: Path, values: Any) -> None:
    """Replace a JSON file as a whole."""
    temporary = path.with_name(f".{path.name}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(values, file, ensure_ascii=False, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """Read a JSON file; None where there is none. Raises TrainingError for a damaged one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
