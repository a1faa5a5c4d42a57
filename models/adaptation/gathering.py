"""The first part of a run: choose tracklets, get their crops, and see what is known of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from models.adaptation.choosing import held_out, spread_sample
from models.adaptation.gate import HeldOut
from models.adaptation.links import seen_together
from models.adaptation.material import Material
from models.adaptation.pieces import Cuts, Embedding, Piece, cut_at_jumps
from models.adaptation.rehearsal import Rehearsal
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Sighting, Source, Verdicts
from models.adaptation.state import read_json, write_json
from models.adaptation.store import CropStore
from models.adaptation.verdicts import Said, links_of
from models.checkpoint import LoadedModel
from models.datasets.records import Dataset
from models.errors import TrainingError
from models.evaluation.reranking import Ints

Tell = Callable[[str, int, int], None]

CUTS: Final = "cuts.json"


class ParentStays(Exception):
    """The run ends without a new model; the message says why, in a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Run:
    """What all parts of a run need.

    Attributes:
        parent: what it begins with.
        settings: all that matters but the tracklets.
        folder: of the run.
        simulated: simulated people; None for none.
        device: "cpu" or "cuda:N".
        tell: told of what is done; raises Cancelled to stop.
    """

    parent: LoadedModel
    settings: AdaptationSettings
    folder: Path
    simulated: Dataset | None
    device: str
    tell: Tell


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a run has to learn from and to judge by.

    Attributes:
        material: what is learnt from.
        held: what is judged by.
        used: the tracklets of the material, in their order.
        cameras: names of all cameras, in the order of their numbers.
        cuts: what cutting found among them.
        said: what people said of them, by their numbers.
        counts: tracklets by what became of them.
        missing: why tracklets had no crops.
    """

    material: Material
    held: HeldOut
    used: Sequence[Sighting]
    cameras: Sequence[str]
    cuts: Cuts
    said: Said
    counts: Mapping[str, int]
    missing: Mapping[str, int]


def choose(source: Source, settings: AdaptationSettings) -> list[str]:
    """The ids of the tracklets of a run. Raises ParentStays."""
    sightings = source.sightings()
    if len(sightings) < settings.least:
        raise ParentStays(
            f"The old model stays: {len(sightings)} tracklets are too few to learn from; "
            f"{settings.least} are the least."
        )
    most = settings.tracklets + settings.gate.most
    return [sightings[index].id for index in spread_sample(sightings, most, settings.seed)]


def collect(source: Source, chosen: Sequence[str], store: CropStore, tell: Tell) -> list[Sighting]:
    """Get the crops that are not stored yet; returns the chosen tracklets.

    Raises:
        TrainingError: a tracklet is no longer in the source: what was erased may not be learnt from.
        Cancelled: by `tell`; what was read so far is kept.
    """
    known = {sighting.id: sighting for sighting in source.sightings()}
    if gone := [name for name in chosen if name not in known]:
        raise TrainingError(
            f"{len(gone)} of the tracklets of this run are no longer in the gallery (erased?): "
            "begin again in another folder"
        )
    wanted = [name for name in chosen if name not in store.known]
    done = len(chosen) - len(wanted)
    tell("crops", done, len(chosen))
    try:
        for crops in source.crops(wanted) if wanted else ():
            if crops.id in known and crops.id not in store.known:
                store.add(crops)
                done += 1
                tell("crops", done, len(chosen))
    finally:
        store.flush()
    return [known[name] for name in chosen]


def gather(
    sightings: Sequence[Sighting],
    store: CropStore,
    run: Run,
    offered: int,
    verdicts: Sequence[Verdicts] = (),
) -> Gathered:
    """Sort out what can be used, hold out a part, and cut tracklets of two people.

    Args:
        sightings: that were chosen.
        store: of their crops.
        run: settings and the rest.
        offered: tracklets that the source had.
        verdicts: what people said of them.

    Raises:
        ParentStays: not enough is left.
        Cancelled: by `run.tell`.
    """
    settings, preprocessing = run.settings, run.parent.preprocessing
    have = [s for s in sightings if s.id in store.known and store.count(s.id)]
    missing = _missing(sightings, store)
    usable = _without_duplicates(have, store)
    _check(usable, missing, settings)
    used, held = _divide(usable, settings)
    names = sorted({s.camera for s in usable})
    cameras = _numbers(used, names)
    cuts = _cut(_whole(used, store), cameras, store, run)
    seen_apart = seen_together(used).apart
    said = links_of(verdicts, {s.id: number for number, s in enumerate(used)}, seen_apart)
    apart = _between_pieces(seen_apart, cuts.pieces) if settings.neighbourhood.cannot_links else []
    material = Material(
        cuts.pieces,
        cameras[[piece.number for piece in cuts.pieces]],
        [*apart, *_between_pieces(said.apart, cuts.pieces)],
        _between_pieces(said.together, cuts.pieces),
        store,
        preprocessing,
        _rehearsal(run),
        settings,
        run.device,
    )
    apart = seen_together(held).apart
    judge = HeldOut(_whole(held, store), _numbers(held, names), apart, store, _judged(run.simulated))
    counts = {
        "offered": offered,
        "not drawn": offered - len(sightings),
        "without crops": len(sightings) - len(have),
        "duplicates": len(have) - len(usable),
        "held out": len(held),
        "used": len(used),
        "cut": len(cuts.cut),
    }
    return Gathered(material, judge, used, names, cuts, said, counts, missing)


def _missing(sightings: Sequence[Sighting], store: CropStore) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for sighting in sightings:
        stored = store.known.get(sighting.id)
        if stored is None or stored.missing is not None:
            reasons[(stored and stored.missing) or "the source had nothing of it"] += 1
    return dict(sorted(reasons.items()))


def _without_duplicates(sightings: Sequence[Sighting], store: CropStore) -> list[Sighting]:
    """One of each: of equal crops the first, of what was tracked twice the longer."""
    first: dict[str, str] = {}
    for sighting in sightings:
        first.setdefault(store.known[sighting.id].digest, sighting.id)
    once = [s for s in sightings if first[store.known[s.id].digest] == s.id]
    twice = seen_together(once).twice
    return [s for index, s in enumerate(once) if index not in twice]


def _check(usable: Sequence[Sighting], missing: Mapping[str, int], settings: AdaptationSettings) -> None:
    """Raises ParentStays."""
    least = max(settings.least, 2 * settings.gate.least)
    if len(usable) >= least:
        return
    gone = sum(missing.values())
    if not usable and gone:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in missing.items())
        raise ParentStays(f"The old model stays: no tracklet has crops any more ({reasons}).")
    said = f" ({gone} have no crops any more)" if gone else ""
    raise ParentStays(
        f"The old model stays: {len(usable)} different tracklets with crops{said} are too few to learn "
        f"from and to judge by; {least} are the least."
    )


def _divide(
    usable: Sequence[Sighting], settings: AdaptationSettings
) -> tuple[list[Sighting], list[Sighting]]:
    """What is learnt from, and what is held out."""
    gate = settings.gate
    count = min(gate.most, max(gate.least, round(gate.held_out * len(usable))))
    judged = set(held_out(usable, count, settings.seed))
    used = [s for index, s in enumerate(usable) if index not in judged]
    return used[: settings.tracklets], [s for index, s in enumerate(usable) if index in judged]


def _numbers(sightings: Sequence[Sighting], names: Sequence[str]) -> Ints:
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[s.camera] for s in sightings], dtype=np.int64)


def _whole(sightings: Sequence[Sighting], store: CropStore) -> list[Piece]:
    return [Piece(s.id, number, 0, store.count(s.id)) for number, s in enumerate(sightings)]


def _cut(whole: Sequence[Piece], cameras: Ints, store: CropStore, run: Run) -> Cuts:
    """Cut tracklets of two people, or read what an earlier process found: it takes long."""
    found = read_json(run.folder / CUTS)
    if found is None:
        embedding = Embedding(run.parent.network, run.parent.preprocessing, store, run.device)
        features = embedding.crops(whole, partial(run.tell, "cutting"))
        share, seed = run.settings.cut, run.settings.seed
        cuts = cut_at_jumps(whole, features, cameras, share=share, seed=seed)
        write_json(run.folder / CUTS, cuts._asdict())
        return cuts
    pieces = [Piece(*piece) for piece in found["pieces"]]
    if [piece.number for piece in pieces if not piece.start] != [piece.number for piece in whole]:
        raise TrainingError(f"{run.folder} was begun with other tracklets: begin again in another folder")
    return Cuts(pieces, found["cut"], found["threshold"])


def _between_pieces(apart: Sequence[tuple[int, int]], pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """From pairs of tracklets to pairs of pieces. What is cut is in doubt, and its links are dropped."""
    times = Counter(piece.number for piece in pieces)
    whole = {piece.number: index for index, piece in enumerate(pieces) if times[piece.number] == 1}
    return [(whole[a], whole[b]) for a, b in apart if a in whole and b in whole]


def _rehearsal(run: Run) -> Rehearsal | None:
    learning = run.settings.learning
    people = round(learning.clusters * learning.simulated)
    if run.simulated is None or people < 2:
        return None
    train = run.simulated.splits[0].train
    rehearsal = Rehearsal(train, people, learning.tracklets, run.parent.preprocessing, run.settings.seed)
    return rehearsal if rehearsal else None


def _judged(simulated: Dataset | None) -> Dataset | None:
    """The set, if it has people to judge with."""
    if simulated is None or not any(split.query and split.gallery for split in simulated.splits):
        return None
    return simulated
