"""Adapt a model to the cameras of a gallery, without anybody's labels.

One call from tracklets to a judged checkpoint. It can be killed at any moment and called again with the same
folder: it goes on, and on a CPU ends with the same weights.
"""

import shutil
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from models import checkpoint
from models.adaptation.card import describe, recordings
from models.adaptation.clock import Clock
from models.adaptation.gate import look, measure, verdict
from models.adaptation.gathering import Gathered, Run, TooLittle, choose, collect, gather
from models.adaptation.learner import Learner, image_backbone, take_over
from models.adaptation.page import write_page
from models.adaptation.result import Progress, Result, Round
from models.adaptation.rounds import make_optimiser, run_rounds, settled_network
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Source
from models.adaptation.state import RUN, State, read_json, restore_state, write_json
from models.adaptation.store import CropStore
from models.checkpoint import LoadedModel
from models.datasets.records import Dataset
from models.devices import resolve_device
from models.embedder import Embedder
from models.errors import TrainingError
from models.memory import keep_memory
from models.training.averaging import average_of

MODEL: Final = "model"
REJECTED: Final = "rejected"
REPORT: Final = "report.html"
RESULT: Final = "result.json"

ONE_PERSON: Final = 0.5  # share of the tracklets in one cluster that is worth a note


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
        folder: of the run: pictures, state, report.html, and the model in model/, or in rejected/ if the gate
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
        BadDataset: a simulated picture cannot be read.
        DeviceUnavailable: there is no such device.
    """
    image_backbone(parent.network)  # a network that cannot be adapted is refused before anything is read
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    clock = Clock(settings.rounds, progress, cancelled)
    run = Run(parent, settings, folder, simulated, resolve_device(device), clock.tell)
    try:
        begun = _begin(source, run, name)
        store = CropStore(folder, parent.preprocessing)
        try:
            sightings = collect(source, begun["tracklets"], store, clock.tell)
            gathered = gather(sightings, store, run, begun["offered"])
            result = _learn_and_judge(gathered, run, name=name, source=begun["source"])
        finally:
            store.close()
    except TooLittle as reason:
        result = Result("kept", str(reason))
    write_json(folder / RESULT, result.to_json())
    return result


def _learn_and_judge(gathered: Gathered, run: Run, *, name: str, source: str) -> Result:
    """Take the rounds, write the model and the page, and let the gate decide."""
    state = _learn(gathered, run)
    material = gathered.material
    network = settled_network(material, state).cpu()
    take_over(network)
    # What is judged is what would be used: weights in half precision, read from disk.
    folder = run.folder / MODEL
    make_card = partial(
        describe,
        gathered,
        run,
        network,
        name=name,
        source=source,
        rounds=state.rounds,
        seconds=state.seconds,
    )
    checkpoint.save(folder, network, make_card(measures=()), half=True)
    before, after = (
        look(Embedder(model, device=run.device), gathered.held, partial(run.tell, f"gate {number}/2"))
        for number, model in enumerate((run.parent, checkpoint.load(folder)), 1)
    )
    measures = measure(before, after, gathered.held, run.settings.gate)
    passed, reason = verdict(measures)
    if passed:
        checkpoint.save(folder, network, make_card(measures=measures), half=True)
    else:
        shutil.rmtree(run.folder / REJECTED, ignore_errors=True)
        folder.rename(run.folder / REJECTED)
    result = Result(
        "adapted" if passed else "kept",
        reason,
        notes_on(gathered, run, state.rounds),
        gathered.counts,
        gathered.missing,
        tuple(recordings(gathered)),
        measures,
        tuple(state.rounds),
        state.seconds,
        folder if passed else None,
        run.folder / REPORT,
    )
    write_page(run.folder / REPORT, name, result, gathered, state, before, after)
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


def notes_on(gathered: Gathered, run: Run, rounds: Sequence[Round]) -> tuple[str, ...]:
    """What an operator should know beside the verdict, a sentence each."""
    notes = []
    if len(gathered.cameras) == 1:
        notes.append(
            "All tracklets are of one camera: nothing could be learnt about finding people on others."
        )
    pieces = len(gathered.material.pieces)
    if rounds and rounds[-1].largest > ONE_PERSON * pieces:
        share = round(100 * rounds[-1].largest / pieces)
        notes.append(f"{share} % of the tracklets look like one person: there was little to tell apart.")
    if rounds and not any(one.clusters for one in rounds):
        notes.append("No two tracklets were alike enough to be taken for one person.")
    if rounds and rounds[-1].clusters and not rounds[-1].across and len(gathered.cameras) > 1:
        notes.append("No cluster reaches over two cameras: the model still keeps them apart.")
    if (lost := sum(gathered.missing.values())) > 0:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in gathered.missing.items())
        notes.append(f"{lost} tracklets have no pictures any more ({reasons}).")
    if not gathered.held.apart:
        notes.append("Nobody held out was seen side by side with others: sure negatives could not be judged.")
    if gathered.held.simulated is None:
        notes.append(
            "No simulated people were given: what the model knows of people at large was not judged."
        )
    if len(rounds) < run.settings.rounds:
        notes.append(f"Time was up after {len(rounds)} of {run.settings.rounds} rounds.")
    return tuple(notes)


def _begin(source: Source, run: Run, name: str) -> dict[str, Any]:
    """What the folder's run is about: as it was begun, or as it begins now.

    Raises:
        TooLittle: there is too little to begin with.
        TrainingError: the folder holds another run.
    """
    asked = {"parent": run.parent.id, "name": name, "settings": run.settings.model_dump(mode="json")}
    file = run.folder / RUN
    found = read_json(file)
    if found is None:
        chosen = choose(source, run.settings)
        found = {**asked, "source": source.name, "offered": len(source.sightings()), "tracklets": chosen}
        write_json(file, found)
    if not isinstance(found, dict) or any(found.get(key) != value for key, value in asked.items()):
        raise TrainingError(
            f"{run.folder} holds another run: choose another folder, or the same name, model and settings"
        )
    return found
