"""Re-ranking the head of an answer by neighbours that hits and probe have in common.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gallery import Notice, NoticeCode, RecordedHit, Snapshot

HEAD: Final = 200  # hits whose neighbours are looked at
# Fewer than the paper's 20 and 6: a person has a few tracklets in a gallery; see benchmarks/README.md.
NEIGHBOURS: Final = 6  # k1
AVERAGED: Final = 2  # k2


def rerank(snapshot: Snapshot, probe: NDArray[np.float32], hits: Sequence[RecordedHit]) -> list[RecordedHit]:
    """Put the first `HEAD` hits in the order of their distance by k-reciprocal neighbours.

    Only the head is looked at, by its stored embeddings: the hits after it stay where they are, and nothing
    comes in from behind it. Scores and probabilities stay those of the plain comparison.

    Args:
        snapshot: that answered.
        probe: (D,) L2-normalised, what was searched for.
        hits: best first.
    """
    from models.evaluation.reranking import k_reciprocal

    stored = snapshot.stored([hit.tracklet_id for hit in hits[:HEAD]])
    if len(stored.ids) < len(hits[:HEAD]) or not hits:  # vectors were damaged meanwhile
        return [*hits]
    distances = k_reciprocal(probe[None], stored.vectors, k1=NEIGHBOURS, k2=AVERAGED)[0]
    place = {tracklet_id: at for at, tracklet_id in enumerate(stored.ids)}
    head = [
        replace(hit, neighbour_distance=round(float(distances[place[hit.tracklet_id]]), 6))
        for hit in hits[:HEAD]
    ]
    order = np.argsort([distances[place[hit.tracklet_id]] for hit in head], kind="stable")
    return [*(head[at] for at in order), *hits[HEAD:]]


def notice(count: int) -> Notice:
    """Say what must be known of an answer whose first hits were re-ranked."""
    return Notice(
        NoticeCode.RERANKED,
        f"The first {count} hits are in the order of the look-alikes that they share with the photo "
        "(re-ranking). Their numbers are those of the plain comparison and do not follow that order.",
    )
