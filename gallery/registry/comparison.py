"""What would change if another model were in use: both asked for the same people.

The probes are tracklets that both models embedded. Of one with two clips or more, the first half is asked for
and the last is to be found among all other tracklets; one with a single clip is asked for as it is. Nobody
says which tracklets are of one person, so another tracklet of the same person counts as a wrong answer, for
both models alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.records.models import Comparison, Retrieval
from gallery.records.searching import RankBy
from gallery.vectors.snapshot import Snapshot

FloatArray = NDArray[np.float32]

FIRST = 10  # hits of an answer that are compared
DEPTH = 100  # hits of an answer that are looked at


@dataclass(frozen=True, slots=True)
class _Answer:
    """The hits of a probe, itself left out; and the rank of its other half, None where it has one clip."""

    hits: list[str]
    rank: int | None


def compare_tracklets(before: Snapshot, after: Snapshot, *, probes: int) -> Comparison:
    """Compare two models by tracklets that both have, spread over all that there are.

    Args:
        before: of the model in use.
        after: of the other one.
        probes: how many tracklets at most.
    """
    wanted = sorted(set(before.tracklet_ids()) & set(after.tracklet_ids()))
    if len(wanted) > probes:
        wanted = [wanted[index] for index in np.linspace(0, len(wanted) - 1, probes).astype(int)]
    return _compared([(_answer(before, one), _answer(after, one)) for one in wanted])


def _answer(snapshot: Snapshot, tracklet_id: str) -> _Answer:
    clips = snapshot.clips(tracklet_id)
    middle = len(clips) // 2
    query = _mean(clips[:middle] if middle else clips)
    found = snapshot.search(query, limit=DEPTH + 1, by=RankBy.COSINE).hits
    others = [hit for hit in found if hit.tracklet_id != tracklet_id][:DEPTH]
    ids = [hit.tracklet_id for hit in others]
    if not middle:
        return _Answer(ids, None)
    own = float(query @ _mean(clips[middle:]))
    return _Answer(ids, 1 + sum(hit.score > own for hit in others))


def _mean(clips: FloatArray) -> FloatArray:
    mean = clips.mean(axis=0)
    scaled: FloatArray = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return scaled


def _compared(pairs: Sequence[tuple[_Answer, _Answer]]) -> Comparison:
    asked = [(old, new) for old, new in pairs if old.hits or new.hits]
    overlaps = [_overlap(old.hits, new.hits) for old, new in asked]
    same = [old.hits[:1] == new.hits[:1] for old, new in asked]
    moved = [_place(old.hits[0], new.hits) for old, new in asked if old.hits]
    return Comparison(
        count=len(asked),
        overlap=_share(overlaps),
        same_first=_share(same),
        median_rank=float(np.median(moved)) if moved else None,
        lost_first=_share([rank > FIRST for rank in moved]),
        before=_retrieval([old.rank for old, _ in asked]),
        after=_retrieval([new.rank for _, new in asked]),
    )


def _overlap(old: Sequence[str], new: Sequence[str]) -> float:
    first, second = set(old[:FIRST]), set(new[:FIRST])
    return len(first & second) / max(len(first), len(second))


def _place(tracklet_id: str, hits: Sequence[str]) -> int:
    return hits.index(tracklet_id) + 1 if tracklet_id in hits else DEPTH + 1


def _share(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _retrieval(ranks: Sequence[int | None]) -> Retrieval | None:
    known = np.array([rank for rank in ranks if rank is not None], dtype=np.float64)
    if not len(known):
        return None
    # One right answer each: its average precision is the reciprocal of its rank, 0 beyond DEPTH.
    precision = np.where(known > DEPTH, 0.0, 1 / known)
    return Retrieval(float(np.mean(known == 1)), float(np.mean(known <= FIRST)), float(precision.mean()))
