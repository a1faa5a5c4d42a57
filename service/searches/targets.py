"""Whom a search looks for: photos and tracklets of one person, each with what it counts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gallery import (
    Gallery,
    NotFound,
    Notice,
    NoticeCode,
    QueriedProbe,
    SearchInfo,
    SelectedBy,
    Selection,
    Snapshot,
    TrackletInfo,
)
from models.feedback.fusion import fuse, weight
from models.feedback.refining import refine
from service import probing
from service.auth import Caller
from service.metrics.instruments import Stage
from service.networks import ProbeEmbedder
from service.probing import Chosen
from service.schemas import ProbeChoice
from service.searches.credibility import Look
from service.state import State
from service.work import checkpoint

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """A photo or tracklet of the person.

    Attributes:
        vector: (D,), L2-normalised.
        searched: as it is recorded, with what it counts.
        selection: how it was chosen.
        look: at the photo; None of a tracklet.
    """

    vector: Features
    searched: QueriedProbe
    selection: Selection
    look: Look | None = None


def of_photo(state: State, embedder: ProbeEmbedder, chosen: Chosen) -> Target:
    """The target that was chosen on a photo."""
    checkpoint()
    look = Look.of(chosen.crop)
    counts = round(weight(look.height, look.sharpness), 4)
    searched = replace(chosen.searched, weight=counts)
    with state.instruments.stage(Stage.EMBED):
        (vector,) = embedder.embed_images([chosen.crop])
    return Target(vector, searched, chosen.selection, look)


def of_tracklet(snapshot: Snapshot, tracklet: TrackletInfo) -> Target:
    """The target that a tracklet shows. Raises NotFound: it has no embedding of the snapshot's model."""
    quality = tracklet.quality
    # What an importer did not measure is taken to be good: the mean of many frames is.
    counts = weight(quality.get("height", np.inf), quality.get("sharpness", np.inf))
    searched = QueriedProbe(None, None, None, tracklet.id, round(counts, 4), tracklet.start_time)
    return Target(snapshot.vector(tracklet.id), searched, Selection(SelectedBy.TRACKLET))


def chosen_by(
    state: State,
    caller: Caller,
    embedder: ProbeEmbedder,
    choices: Sequence[ProbeChoice],
    snapshot: Snapshot | None = None,
) -> list[Target]:
    """The targets that a request names, each once: the same picture twice says nothing twice.

    Tracklets are looked up in `snapshot`, by default the newest.

    Raises:
        NotFound: no such probe of the caller, or no such tracklet under the model in use.
        InvalidRequest: no such person on a probe, or too little in a box.
    """
    snapshot = snapshot or state.gallery.snapshot(embedder.id)
    found: list[Target] = []
    known: set[object] = set()
    for place, choice in enumerate(choices):
        checkpoint()
        if choice.tracklet_id is not None:
            if choice.tracklet_id not in known:
                found.append(of_tracklet(snapshot, state.gallery.catalogue.tracklet(choice.tracklet_id)))
            known.add(choice.tracklet_id)
            continue
        assert choice.probe_id is not None
        probe = probing.own_probe(state, caller, choice.probe_id)
        chosen = probing.choose(probe, probing.probe_pixels(probe), choice, place)
        # A digest: twenty large crops by several requests at once would fill the memory.
        crop = (chosen.crop.shape, hashlib.sha256(chosen.crop.tobytes()).digest())
        if crop not in known:
            found.append(of_photo(state, embedder, chosen))
        known.add(crop)
    if repeated := len(choices) - len(found):
        last = found[-1]
        said = f"Photos or sightings named more than once, which count once: {repeated}."
        told = (*last.selection.notices, Notice(NoticeCode.NAMED_TWICE, said))
        found[-1] = replace(last, selection=replace(last.selection, notices=told))
    return found


def choices_of(gallery: Gallery, recorded: SearchInfo) -> list[ProbeChoice]:
    """The targets of a recorded search as a request would name them.

    Raises:
        NotFound: the recording of a tracklet was indexed anew, so that its id may be another person's.
    """
    queried = recorded.query.probes
    named = [one.tracklet_id for one in queried if one.tracklet_id is not None]
    if anew := gallery.still_there(recorded, named).anew:
        raise NotFound(f"the recording of tracklet {min(anew)} was indexed anew since search {recorded.id}")
    return [
        ProbeChoice(
            probe_id=one.id,
            tracklet_id=one.tracklet_id,
            person=one.person,
            box=one.box if one.person is None else None,
            taken_at=one.taken_at if one.tracklet_id is None else None,
        )
        for one in queried
    ]


def fused(targets: Sequence[Target]) -> Features:
    """One probe for all targets: (D,); of one it is that one."""
    return fuse([target.vector for target in targets], [target.searched.weight for target in targets])


@dataclass(frozen=True, slots=True)
class Moved:
    """Targets fused and moved by marked tracklets: (D,), how, and by which of them."""

    vector: Features
    method: str
    matches: Sequence[str]
    others: Sequence[str]


def moved(
    targets: Sequence[Target], snapshot: Snapshot, matches: Sequence[str], others: Sequence[str]
) -> Moved | None:
    """Move targets towards tracklets that show the person, and away from others.

    None: the snapshot has none of the tracklets.
    """
    near, far = snapshot.stored(matches), snapshot.stored(others)
    if not near.ids and not far.ids:
        return None
    found = refine(fused(targets), near.vectors, far.vectors)
    return Moved(found.vector, found.method, list(near.ids), list(far.ids))
