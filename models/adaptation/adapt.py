"""Adapt a model to the cameras of a gallery, without anybody's labels.

One call from tracklets to a judged checkpoint. It can be killed at any moment and called again with the same
folder: it goes on, and on a CPU ends with the same weights.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch

from models.adaptation.clock import Clock
from models.adaptation.gathering import Gathered, ParentStays, Run, choose, collect, gather
from models.adaptation.judging import judge
from models.adaptation.learner import Learner, image_backbone
from models.adaptation.result import Progress, Result
from models.adaptation.rounds import make_optimiser, run_rounds
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Source, Verdicts
from models.adaptation.state import RUN, State, read_json, restore_state, write_json
from models.adaptation.store import CropStore
from models.checkpoint import LoadedModel
from models.datasets.records import Dataset
from models.devices import in_bf16, resolve_device, resolve_precision
from models.errors import TrainingError
from models.memory import keep_memory
from models.training.optimisation.averaging import average_of

RESULT: Final = "result.json"


def adapt(
    source: Source,
    parent: LoadedModel,
    settings: AdaptationSettings,
    folder: Path,
    *,
    name: str,
    simulated: Dataset | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    device: str = "auto",
) -> Result:
    """Adapt a model.

    Args:
        source: of the tracklets.
        parent: what to begin with; it is copied, not changed.
        settings: all that matters but the tracklets.
        folder: of the run: crops, state, report.html, and the model in model/, or in rejected/ if the gate
            did not let it pass. A run that is in it goes on.
        name: of the new model.
        simulated: simulated people: those to train with are a share of each batch, those to test with are
            judged before and after.
        progress: told of every step.
        cancelled: asked at every step whether to stop.
        device: "auto", "cpu" or "cuda:N".

    Returns:
        How it ended. That there is too little to learn from, or that the new model is not better, is no
        error: the outcome is "kept", with the reason.

    Raises:
        TrainingError: the folder holds another run, the network cannot be adapted, or the loss is not finite.
        Cancelled: `cancelled` was true; the run can go on.
        BadDataset: a simulated crop cannot be read.
        DeviceUnavailable: there is no such device.
    """
    image_backbone(parent.network)  # a network that cannot be adapted is refused before anything is read
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    clock = Clock(settings.rounds, progress, cancelled)
    place = resolve_device(device)
    resolve_precision("bf16" if settings.learning.bf16 else "fp32", place)
    run = Run(parent, settings, folder, simulated, place, clock.tell)
    try:
        begun = _begin(source, run, name)
        learning = settings.learning.model_copy(update={"bf16": begun.get("bf16", False)})
        run = replace(run, settings=settings.model_copy(update={"learning": learning}))
        with CropStore(folder, parent.preprocessing) as store:
            sightings = collect(source, begun["tracklets"], store, clock.tell)
            gathered = gather(sightings, store, run, begun["offered"], _verdicts(begun))
            state = _learn(gathered, run)
            result = judge(gathered, run, state, name=name, source=begun["source"])
    except ParentStays as reason:
        result = Result("kept", str(reason))
    write_json(folder / RESULT, result.to_json())
    return result


def _learn(gathered: Gathered, run: Run) -> State:
    """Take all rounds, from where an earlier process left off."""
    learning = run.settings.learning
    network = deepcopy(run.parent.network).to(device=run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    learner = Learner(network, learning.frozen_blocks)
    average = average_of(network, learning.ema)
    state = State(learner, average, make_optimiser(learner, run.settings))
    restore_state(run.folder, state)
    run_rounds(gathered.material, state, run.folder, run.tell)
    return state


def _verdicts(begun: dict[str, Any]) -> list[Verdicts]:
    """What people had said when the run began; nothing in one that an earlier version began."""
    return [Verdicts(**one) for one in begun.get("verdicts", ())]


def _begin(source: Source, run: Run, name: str) -> dict[str, Any]:
    """What the folder's run is about: as it was begun, or as it begins now.

    Raises:
        ParentStays: there is too little to begin with.
        TrainingError: the folder holds another run.
    """
    settings = run.settings.model_dump(mode="json", exclude={"learning": {"bf16"}})
    asked: dict[str, Any] = {"parent": run.parent.id, "name": name, "settings": settings}
    file = run.folder / RUN
    found = read_json(file)
    bf16 = run.settings.learning.bf16
    if found is None:
        chosen = choose(source, run.settings)
        found = {**asked, "source": source.name, "offered": len(source.sightings()), "tracklets": chosen}
        # Asked once: on another machine the run goes on as it began.
        found["verdicts"] = [asdict(one) for one in source.verdicts()]  # marks made meanwhile wait
        found["bf16"] = in_bf16(bf16, run.device)
        write_json(file, found)
    if bf16 is not None:
        asked["bf16"] = bf16
    if not isinstance(found, dict) or any(found.get(key) != value for key, value in asked.items()):
        raise TrainingError(
            f"{run.folder} holds another run: choose another folder, or the same name, model and settings"
        )
    return found
