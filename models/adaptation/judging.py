"""The last part of a run: write the network, measure it against its parent, and decide."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from models import checkpoint
from models.adaptation.card import describe, labels, recordings
from models.adaptation.gate import Seen, look, measure, verdict
from models.adaptation.gathering import Gathered, ParentStays, Run
from models.adaptation.learner import take_over
from models.adaptation.page import Shown, write_page
from models.adaptation.result import Result, Round
from models.adaptation.rounds import settled_network
from models.adaptation.state import State
from models.embedder import Embedder
from models.errors import BadCheckpoint

CANDIDATE: Final = "candidate"
MODEL: Final = "model"
REJECTED: Final = "rejected"
REPORT: Final = "report.html"

SHOWN: Final = 20  # marks that were left out, by name

ONE_PERSON: Final = 0.5  # share of the tracklets in one cluster that is worth a note


def judge(gathered: Gathered, run: Run, state: State, *, name: str, source: str) -> Result:
    """Write the averaged network as a checkpoint, and let the gate decide what becomes of it.

    What is judged is what would be used: weights in half precision, read from disk.

    Args:
        gathered: what was learnt from, and what is judged by.
        run: settings and the rest.
        state: after the last round.
        name: of the new model.
        source: name of the source.

    Raises:
        ParentStays: the network cannot be written at all.
        BadDataset: a simulated crop cannot be read.
        Cancelled: by `run.tell`.
    """
    network = settled_network(gathered.material, state).cpu()
    take_over(network)
    card = partial(describe, gathered, run, network, name=name, source=source)
    card = partial(card, rounds=state.rounds, seconds=state.seconds)
    candidate = run.folder / CANDIDATE
    try:
        checkpoint.save(candidate, network, card(measures=()), half=True)
    except BadCheckpoint as error:
        raise ParentStays(f"The old model stays: the adapted one cannot be used ({error}).") from error
    before, after = _look(gathered, run, candidate)
    measures = measure(before, after, gathered.held, run.settings.gate)
    passed, reason = verdict(measures)
    checkpoint.save(candidate, network, card(measures=measures), half=True)
    place = _move(candidate, run.folder / (MODEL if passed else REJECTED))
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
        place if passed else None,
        run.folder / REPORT,
    )
    labels = np.zeros(0, dtype=np.int64) if state.learnt is None else state.learnt.numpy()
    write_page(run.folder / REPORT, Shown(name, run.parent.name, result, gathered, labels, before, after))
    return result


def _look(gathered: Gathered, run: Run, candidate: Path) -> tuple[Seen, Seen]:
    """What is held out, as the parent and as the candidate see it."""
    parent, adapted = (
        look(Embedder(model, device=run.device), gathered.held, partial(run.tell, f"gate {number}/2"))
        for number, model in enumerate((run.parent, checkpoint.load(candidate)), 1)
    )
    return parent, adapted


def _move(candidate: Path, place: Path) -> Path:
    """Put the candidate where its verdict belongs, and remove what an earlier verdict left."""
    for old in (candidate.parent / MODEL, candidate.parent / REJECTED):
        shutil.rmtree(old, ignore_errors=True)
    return candidate.rename(place)


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
        notes.append(f"{lost} tracklets have no crops any more ({reasons}).")
    if not gathered.held.apart:
        notes.append("Nobody held out was seen side by side with others: sure negatives could not be judged.")
    if gathered.held.simulated is None:
        notes.append(
            "No simulated people were given: what the model knows of people at large was not judged."
        )
    if gathered.said.together or gathered.said.apart:
        notes.append(f"People had said of some tracklets who is one person ({labels(gathered.said)}).")
    if refused := gathered.said.refused:
        more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
        notes.append(f"Marks that cannot be true were left out: {'; '.join(refused[:SHOWN])}{more}.")
    if len(rounds) < run.settings.rounds:
        notes.append(f"Time was up after {len(rounds)} of {run.settings.rounds} rounds.")
    return tuple(notes)
