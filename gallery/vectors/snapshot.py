"""What can be searched at one moment: an unchanging view that many threads search at once.

Search is exact. Filters decide which rows FAISS may look at before it ranks them, so filtered recall is 1.000
by construction. One query runs in the caller's thread alone.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidInput, NotFound
from gallery.records.searching import Filters, Hit, Ranking
from gallery.records.tracklets import FloatArray
from gallery.times import microseconds, time_range
from gallery.vectors.block import Block, Mask, Rows, cosines
from gallery.vectors.embedding import checked_vector
from gallery.vectors.segment import SegmentVanished, read_clips

_ATTEMPTS = 5

_Candidate = tuple[float, str, Rows, int]  # minus the score, tracklet id, where it lies


@dataclass(frozen=True, slots=True)
class _Share:
    """What of a block may be in an answer: all of it when `mask` is None."""

    block: Block
    mask: Mask | None
    count: int


class Snapshot:
    """The tracklets of one model at one change of the gallery.

    Attributes:
        model_id: the model whose embeddings these are.
        change: the change sequence; every change up to it is in, none after it.
        blocks: the rows.
        tracklet_count: how many can be found.
    """

    def __init__(
        self, model_id: str, change: int, blocks: Sequence[Block], renew: Callable[[], "Snapshot"]
    ) -> None:
        self.model_id = model_id
        self.change = change
        self.blocks = tuple(blocks)
        self.tracklet_count = sum(block.live_count for block in blocks)
        self._renew = renew

    def search(self, query: FloatArray, *, limit: int, filters: Filters | None = None) -> Ranking:
        """Rank the tracklets that pass the filters by their cosine with `query`.

        When compaction or an erasure has taken files away since this snapshot was made, a newer one answers;
        the ranking says which change it is of.

        Args:
            query: (D,) float32, L2-normalised.
            limit: length of the answer.
            filters: what may be in it.

        Returns:
            Hits best first, equal scores in the order of their ids; each with the clip nearest to the query.

        Raises:
            InvalidInput: another dimension, not normalised, not finite; limit below 1; an empty time range.
            CorruptSegment: a file that should be there is missing or damaged.
        """
        if limit < 1:
            raise InvalidInput(f"limit must be at least 1, not {limit}")
        wanted = Filters() if filters is None else filters
        snapshot = self
        for _ in range(_ATTEMPTS):
            try:
                return snapshot._search(query, limit, wanted)
            except SegmentVanished:
                snapshot = snapshot._renew()
        return snapshot._search(query, limit, wanted)

    def vector(self, tracklet_id: str) -> FloatArray:
        """Return the embedding of a tracklet, (D,) float32, L2-normalised: use a hit as the next probe.

        Raises:
            NotFound: no such tracklet in this snapshot.
        """
        video_id, _, number = tracklet_id.partition("-")
        for block in self.blocks:
            rows = block.rows
            for ordinal in np.flatnonzero((rows.videos["id"] == video_id.encode()) & ~block.erased):
                row = self._row(rows.videos[ordinal], number)
                if row is not None:
                    vector: FloatArray = rows.vectors()[row].astype(np.float32)
                    vector /= np.linalg.norm(vector)
                    return vector
        raise NotFound(f"no tracklet {tracklet_id!r} with an embedding of this model"[:200])

    @staticmethod
    def _row(video: np.void, number: str) -> int | None:
        if not (number.isascii() and number.isdigit() and str(int(number)) == number):
            return None
        return int(video["first"]) + int(number) if int(number) < video["count"] else None

    def _search(self, query: FloatArray, limit: int, filters: Filters) -> Ranking:
        searched = self._select(filters)
        compared = sum(share.count for share in searched)
        dimension = self.blocks[0].rows.index.d if self.blocks else query.size
        query = checked_vector(query, dimension, "the query")
        best = _best(searched, query.reshape(1, -1), limit) if compared else []
        return Ranking(_hits(best, query), compared, self.change)

    def _select(self, filters: Filters) -> list[_Share]:
        """Find the rows that pass; blocks without any are left out."""
        start, end = time_range(filters)
        start_us = None if start is None else microseconds(start)
        end_us = None if end is None else microseconds(end)
        cameras = None if filters.camera_ids is None else np.array(sorted(filters.camera_ids), np.int64)
        videos = None if filters.video_ids is None else _encoded(filters.video_ids)
        shares = []
        for block in self.blocks:
            mask = block.select(cameras, videos, start_us, end_us)
            count = len(block.rows) if mask is None else int(np.count_nonzero(mask))
            if count:
                shares.append(_Share(block, mask, count))
        return shares


def _encoded(video_ids: frozenset[str]) -> NDArray[np.bytes_]:
    # Whatever is no id in ASCII matches nothing.
    return np.array(sorted(i.encode() for i in video_ids if i.isascii() and len(i) == 32), "S32")


def _best(searched: Sequence[_Share], query: FloatArray, limit: int) -> list[_Candidate]:
    """Merge the best of all blocks.

    One more than asked for is ranked: when it scores the same as the last that fits, ids must decide between
    equals that FAISS may have dropped, and all of them are fetched.
    """
    found = [share.block.nearest(query, min(limit + 1, share.count), share.mask) for share in searched]
    ranked = np.sort(np.concatenate([scores for scores, _ in found]))[::-1]
    if len(ranked) > limit and ranked[limit] == ranked[limit - 1]:
        below = float(np.nextafter(ranked[limit - 1], np.float32(-np.inf)))
        found = [share.block.above(query, below, share.mask) for share in searched]
    last = ranked[min(limit, len(ranked)) - 1]
    candidates: list[_Candidate] = []
    for share, (scores, rows) in zip(searched, found, strict=True):
        kept = scores >= last
        if kept.any():
            own, numbers = share.block.rows, rows[kept]
            ids = own.tracklet_ids(numbers)
            candidates += zip((-scores[kept]).tolist(), ids, repeat(own), numbers.tolist(), strict=False)
    return sorted(candidates, key=itemgetter(0, 1))[:limit]


def _hits(best: Sequence[_Candidate], query: FloatArray) -> list[Hit]:
    """Locate the best clip of each hit; only the hits' clips are read."""
    by_segment = defaultdict(list)
    for rank, (_, _, rows, row) in enumerate(best):
        part = rows.part_of(row)
        by_segment[part.directory].append((rank, rows.clips_of(row, part)))
    wanted = [(rank, end - first) for ranges in by_segment.values() for rank, (first, end) in ranges]
    vectors = [
        read_clips(directory, query.size, [limits for _, limits in ranges])
        for directory, ranges in by_segment.items()
    ]
    scores = iter(cosines(query, np.concatenate(vectors)).tolist() if vectors else [])
    nearest: dict[int, tuple[int, float]] = {}
    for rank, count in wanted:
        own = list(islice(scores, count))
        score = max(own)
        nearest[rank] = own.index(score), score
    return [Hit(id_, -negative, *nearest[rank]) for rank, (negative, id_, _, _) in enumerate(best)]
