"""What several photos and tracklets of a person say, each on its own, of the hits of all together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gallery import Hit, RecordedHit, Snapshot, Stored
from models.feedback.fusion import pulled_by
from service.searches.credibility import Seen
from service.searches.targets import Target


def seen_by(snapshot: Snapshot, targets: Sequence[Target], hits: Sequence[Hit]) -> list[Seen]:
    """What each target says of the hits, where there are several; else nothing.

    A hit that left the snapshot meanwhile keeps what all together say of it.
    """
    if len(targets) == 1 or not hits:
        return []
    place = {hit.tracklet_id: number for number, hit in enumerate(hits)}
    stored = snapshot.stored(list(place))
    rows = [place[one] for one in stored.ids]
    found = []
    for target in targets:
        scores = np.array([hit.standard_score for hit in hits], np.float64)
        cosines = np.array([hit.score for hit in hits], np.float64)
        own = seen_of(target, snapshot, stored)
        scores[rows], cosines[rows] = own.scores, own.cosines
        found.append(replace(own, scores=scores, cosines=cosines))
    return found


def seen_of(target: Target, snapshot: Snapshot, stored: Stored) -> Seen:
    """What a target says of some tracklets of a snapshot."""
    cosines = (stored.vectors @ target.vector).astype(np.float64)
    return Seen(target.look, target.searched.weight, snapshot.standing(target.vector, stored), cosines)


def pulled(seen: Sequence[Seen], hits: Sequence[RecordedHit]) -> list[RecordedHit]:
    """The hits, each with the target that it resembles most, where there are several."""
    if not seen:
        return list(hits)
    which = pulled_by(np.stack([one.scores for one in seen]), [one.weight for one in seen]).tolist()
    return [replace(hit, pulled_by=one) for hit, one in zip(hits, which, strict=True)]
