"""Asking a recorded search again: in the snapshot that it was asked in, or among all that is there now."""

from gallery import NotFound, RepeatOn, SearchInfo
from models.feedback.refining import refine
from service.answer_schemas import SearchAnswer
from service.auth import Caller
from service.errors import ProbeUnavailable, StateConflict
from service.networks import ProbeEmbedder
from service.searches import searching, targets
from service.searches.questions import question_of
from service.searches.repeats import Repeat
from service.searches.searching import Refining
from service.searches.targets import Target
from service.state import State


def ask_again(state: State, caller: Caller, first: SearchInfo, on: RepeatOn) -> SearchAnswer:
    """Ask a search again, record the answer as a search of its own, and say how the two compare.

    `caller` may ask it, and all that it looked for is the same key's: see answers.own_search.

    Raises:
        ProbeUnavailable: a photo of the search was deleted or expired, or a tracklet erased.
        StateConflict: its snapshot is of another model than the one in use.
        InvalidRequest: a camera or site that it names is not there any more.
        NotReady: the model is not loaded yet.
    """
    embedder = state.networks.embedder
    if on is RepeatOn.SNAPSHOT and first.model_id != embedder.id:
        raise StateConflict(
            f"The search was answered by the model {first.model_name}; {embedder.name} is in use. Ask it "
            "again now instead, or read its recorded answer."
        )
    question = question_of(state, first, as_it_was=on is RepeatOn.SNAPSHOT)
    known = _targets(state, first, embedder)
    refining = _refining(state, first, known, embedder)
    return searching.search(
        state, caller, embedder, known, question, refining=refining, repeat=Repeat(first, on)
    )


def _targets(state: State, first: SearchInfo, embedder: ProbeEmbedder) -> list[Target]:
    choices = targets.choices_of(first.query.probes)
    try:
        # In the name of the key that asked first: an operator on the machine may ask for any key.
        return targets.chosen_by(state, Caller(first.key_id), embedder, choices)
    except NotFound as error:
        raise ProbeUnavailable(
            f"{error}: all that a search looked for must be kept to ask it again. Its recorded answer can "
            "still be read."
        ) from error


def _refining(
    state: State, first: SearchInfo, known: list[Target], embedder: ProbeEmbedder
) -> Refining | None:
    """What marks had moved the probe to, by those of the marked tracklets that are left."""
    record = first.query.refined
    if record is None:
        return None
    snapshot = state.gallery.snapshot(embedder.id)
    matches, others = snapshot.stored(record.matches), snapshot.stored(record.others)
    lost = len(record.matches) + len(record.others) - len(matches.ids) - len(others.ids)
    if not matches.ids and not others.ids:
        raise ProbeUnavailable("The marked tracklets that refined the search are erased.")
    moved = refine(targets.fused(known), matches.vectors, others.vectors)
    warnings = [f"Marked tracklets that refined the search and are erased: {lost}."] if lost else []
    return Refining(moved.vector, record, warnings)
