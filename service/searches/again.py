"""Asking a recorded search again: in the snapshot that it was asked in, or among all that is there now."""

from gallery import NotFound, Notice, NoticeCode, RepeatOn, SearchInfo, Snapshot
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
    repeat = Repeat(first, on)
    known = _targets(state, first, embedder)
    snapshot = repeat.snapshot(state.gallery, embedder.id)
    refining = _refining(state, first, known, snapshot)
    return searching.search(
        state, caller, embedder, known, question, refining=refining, repeat=repeat, snapshot=snapshot
    )


def asked_with(
    state: State, first: SearchInfo, embedder: ProbeEmbedder, snapshot: Snapshot
) -> targets.Features:
    """The feature that a search was asked with, (D,), from what it looked for and the marks that moved it.

    Raises:
        ProbeUnavailable: something that it looked for is gone.
        StateConflict: it was answered by another model than the one in use.
    """
    if first.model_id != embedder.id:
        raise StateConflict(f"The search was answered by {first.model_name}; {embedder.name} is in use.")
    known = _targets(state, first, embedder)
    refining = _refining(state, first, known, snapshot)
    return targets.fused(known) if refining is None else refining.vector


def _targets(state: State, first: SearchInfo, embedder: ProbeEmbedder) -> list[Target]:
    try:
        choices = targets.choices_of(state.gallery, first)
        # In the name of the key that asked first: an operator on the machine may ask for any key.
        return targets.chosen_by(state, Caller(first.key_id), embedder, choices)
    except NotFound as error:
        raise ProbeUnavailable(
            f"{error}: all that a search looked for must be kept to ask it again. Its recorded answer can "
            "still be read."
        ) from error


def _refining(state: State, first: SearchInfo, known: list[Target], snapshot: Snapshot) -> Refining | None:
    """What marks had moved the probe to, by those of the marked tracklets that are still the same."""
    record = first.query.refined
    if record is None:
        return None
    there = state.gallery.still_there(first, [*record.matches, *record.others]).tracklets
    matches, others = ([one for one in ids if one in there] for ids in (record.matches, record.others))
    moved = targets.moved(known, snapshot, matches, others)
    if moved is None:
        raise ProbeUnavailable("The marked hits that refined the search are erased or indexed anew.")
    lost = len(record.matches) + len(record.others) - len(moved.matches) - len(moved.others)
    said = f"Marked hits that refined the search and were erased or indexed anew: {lost}."
    return Refining(moved.vector, record, [Notice(NoticeCode.MARKS_LOST, said)] if lost else [])
