"""What would change for real searches under another model: both answer recorded ones, and nobody sees how.

Only figures leave: which hits either model found is neither recorded nor shown.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gallery import NotFound, SearchInfo, Snapshot, Verdict
from models.errors import BadImage
from models.evaluation.bootstrap import bootstrap, paired_bootstrap
from service.auth import Caller
from service.errors import BadProbe, InvalidRequest
from service.networks import ProbeEmbedder
from service.schemas import ProbeChoice
from service.searches import targets
from service.searches.questions import Question, question_of
from service.shadow_schemas import Change, LeftOut, MarkedRanks, ShadowModel, ShadowReport, Share
from service.state import State
from service.work import checkpoint

FIRST: Final = (10, 20)  # how many of the first hits are compared
DEPTH: Final = 1000  # hits that are looked at; what comes later has the rank after them
ENOUGH: Final = 20  # searches below which no interval is said
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The ids of an answer's hits, the best first, and how long it took in seconds."""

    hits: Sequence[str]
    seconds: float

    def rank(self, tracklet_id: str) -> int:
        return self.hits.index(tracklet_id) + 1 if tracklet_id in self.hits else DEPTH + 1


@dataclass(frozen=True, slots=True)
class _Replayed:
    """A search that both models answered, and what people had said of its hits."""

    before: _Answer
    after: _Answer
    marks: Mapping[str, Verdict]


def shadow_report(
    state: State, before: ProbeEmbedder, after: ProbeEmbedder, *, searches: int, key_id: str | None
) -> ShadowReport:
    """Let two models answer the last recorded searches, and say how the answers differ.

    Photos are used only where the operator allows it (`compare_searches`).

    Raises:
        Abandoned: nobody waits for it any more.
    """
    gallery = state.gallery
    detail = {
        "old": before.id,
        "new": after.id,
        "searches": searches,
        "photos": state.settings.compare_searches,
    }
    gallery.audit.record("models.compare", key_id=key_id, detail=detail)
    recent = gallery.searches.recent(searches)
    snapshots = gallery.snapshot(before.id), gallery.snapshot(after.id)
    left_out: Counter[LeftOut] = Counter()
    replayed = []
    for search in recent:
        checkpoint()
        one = _replay(state, search, (before, after), snapshots)
        if isinstance(one, _Replayed):
            replayed.append(one)
        else:
            left_out[one] += 1
    return ShadowReport(
        before=ShadowModel(id=before.id, name=before.name),
        after=ShadowModel(id=after.id, name=after.name),
        searches=len(recent),
        replayed=len(replayed),
        left_out=dict(left_out),
        same_first=_share(float(one.before.hits[:1] == one.after.hits[:1]) for one in replayed),
        overlap_10=_share(_overlap(one, FIRST[0]) for one in replayed),
        overlap_20=_share(_overlap(one, FIRST[1]) for one in replayed),
        matches=_ranks(replayed, Verdict.MATCH),
        others=_ranks(replayed, Verdict.NOT),
        seconds=_change(
            [one.before.seconds for one in replayed],
            [one.after.seconds for one in replayed],
            range(len(replayed)),
        ),
    )


def _replay(
    state: State, search: SearchInfo, embedders: Sequence[ProbeEmbedder], snapshots: Sequence[Snapshot]
) -> _Replayed | LeftOut:
    """Ask a search of both models, or say why it cannot be asked."""
    if search.query.refined is not None or search.repeats is not None:
        return "asked_before"
    photos = [one.id for one in search.query.probes if one.id is not None]
    if photos and not state.settings.compare_searches:
        return "not_allowed"
    question = _question(state, search)
    if question is None:
        return "camera_gone"
    try:
        choices = targets.choices_of(state.gallery, search)
        old, new = (
            _answer(state, search, embedder, snapshot, choices, question)
            for embedder, snapshot in zip(embedders, snapshots, strict=True)
        )
    except NotFound:
        return "photo_gone" if any(_is_gone(state, one) for one in photos) else "tracklet_gone"
    except (BadProbe, BadImage, InvalidRequest):
        return "unreadable"
    return _told(state, search, old, new) if old.hits or new.hits else "nothing_there"


def _question(state: State, search: SearchInfo) -> Question | None:
    """What was asked, among the same cameras; None where one of them is no more."""
    try:
        question = question_of(state, search, as_it_was=search.query.filters.camera_ids is not None)
    except InvalidRequest:
        return None
    there = {camera.id for camera in question.cameras}
    return question if (question.filters.camera_ids or frozenset()) <= there else None


def _told(state: State, search: SearchInfo, old: _Answer, new: _Answer) -> _Replayed:
    """Two answers, with the marks on hits that are still what the search saw."""
    marks = {one.tracklet_id: one.verdict for one in state.gallery.marks.of(search.id)}
    there = state.gallery.still_there(search, list(marks)).tracklets
    return _Replayed(old, new, {one: verdict for one, verdict in marks.items() if one in there})


def _answer(  # noqa: PLR0917  (what is asked, of which model, where)
    state: State,
    search: SearchInfo,
    embedder: ProbeEmbedder,
    snapshot: Snapshot,
    choices: Sequence[ProbeChoice],
    question: Question,
) -> _Answer:
    """What a model answers, without what was searched for; in the name of the key that asked."""
    began = time.perf_counter()
    found = targets.chosen_by(state, Caller(search.key_id), embedder, choices, snapshot)
    mine = {target.searched.tracklet_id for target in found} - {None}
    ranking = snapshot.search(
        targets.fused(found), limit=DEPTH + len(mine), filters=question.filters, by=question.by
    )
    hits = [hit.tracklet_id for hit in ranking.hits if hit.tracklet_id not in mine][:DEPTH]
    return _Answer(hits, time.perf_counter() - began)


def _is_gone(state: State, probe_id: str) -> bool:
    try:
        state.gallery.probes.get(probe_id)
    except NotFound:
        return True
    return False


def _overlap(one: _Replayed, first: int) -> float:
    """The share of the first hits that both have."""
    old, new = set(one.before.hits[:first]), set(one.after.hits[:first])
    return len(old & new) / max(len(old), len(new))


def _share(values: Iterator[float]) -> Share | None:
    """A mean over searches, with its interval where there are enough."""
    known = np.array(list(values), dtype=np.float64)
    if not len(known):
        return None
    if len(known) < ENOUGH:
        return Share(value=float(known.mean()), low=None, high=None)
    interval = bootstrap([known], [np.arange(len(known))])
    return Share(value=float(known.mean()), low=interval.low, high=interval.high)


def _change(before: Sequence[float], after: Sequence[float], whose: Sequence[int]) -> Change | None:
    """Two means over the same, and the interval of their difference: searches, `whose`, are drawn for it."""
    if not before:
        return None
    old, new = (np.array(values, dtype=np.float64) for values in (before, after))
    low = high = None
    if len(set(whose)) >= ENOUGH:
        difference = paired_bootstrap([new], [old], [np.array(whose)])
        low, high = difference.low, difference.high
    return Change(before=float(old.mean()), after=float(new.mean()), low=low, high=high)


def _ranks(replayed: Sequence[_Replayed], verdict: Verdict) -> MarkedRanks | None:
    """Where hits with a mark stood under both models; None where there is no such mark."""
    marked = [
        (number, one.before.rank(tracklet_id), one.after.rank(tracklet_id))
        for number, one in enumerate(replayed)
        for tracklet_id, said in one.marks.items()
        if said == verdict
    ]
    if not marked:
        return None
    whose, old, new = zip(*marked, strict=True)

    def changed(figure: Callable[[int], float]) -> Change | None:
        return _change([figure(one) for one in old], [figure(one) for one in new], whose)

    return MarkedRanks(
        marks=len(marked),
        searches=len(set(whose)),
        median_before=median(old),
        median_after=median(new),
        first_ten=changed(lambda rank: float(rank <= FIRST[0])),
        reciprocal=changed(lambda rank: 0.0 if rank > DEPTH else 1 / rank),
    )
