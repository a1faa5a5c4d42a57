"""What can be searched at one moment: an unchanging view that many threads search at once.

Search is exact. Filters decide which rows FAISS may look at before it ranks them, so filtered recall is 1.000
by construction. One query runs in the caller's thread alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gallery.block import Block, Integers, Mask
from gallery.errors import InvalidInput, NotFound
from gallery.records import Filters, FloatArray, Hit, Ranking
from gallery.segment import SegmentVanished, read_clips
from gallery.times import microseconds, time_range
from gallery.vectors import checked_vector

_ATTEMPTS = 5

_Candidate = tuple[float, str, int, int]  # minus the score, tracklet id, block, row


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
        compared = sum(len(block.rows) if mask is None else int(mask.sum()) for block, mask in searched)
        dimension = self.blocks[0].rows.index.d if self.blocks else query.size
        query = checked_vector(query, dimension, "the query")
        best = _best(searched, query.reshape(1, -1), limit) if compared else []
        return Ranking(self._hits(best, [block for block, _ in searched], query), compared, self.change)

    def _select(self, filters: Filters) -> list[tuple[Block, Mask | None]]:
        """Pair each block with the rows that pass; blocks without any are left out."""
        start, end = time_range(filters)
        start_us = None if start is None else microseconds(start)
        end_us = None if end is None else microseconds(end)
        cameras = None if filters.camera_ids is None else np.array(sorted(filters.camera_ids), np.int64)
        videos = None if filters.video_ids is None else _encoded(filters.video_ids)
        pairs = ((block, block.select(cameras, videos, start_us, end_us)) for block in self.blocks)
        return [(block, mask) for block, mask in pairs if len(block.rows) and (mask is None or mask.any())]

    def _hits(self, best: Sequence[_Candidate], blocks: Sequence[Block], query: FloatArray) -> list[Hit]:
        """Locate the best clip of each hit; only the hits' clips are read."""
        by_segment = defaultdict(list)
        for rank, (_, _, number, row) in enumerate(best):
            rows = blocks[number].rows
            part = rows.part_of(row)
            by_segment[part.directory].append((rank, rows.clips_of(row, part)))
        clips: dict[int, tuple[int, float]] = {}
        for directory, wanted in by_segment.items():
            found = read_clips(directory, len(query), [limits for _, limits in wanted])
            for (rank, _), vectors in zip(wanted, found, strict=True):
                scores = vectors @ query
                nearest = int(scores.argmax())
                clips[rank] = (nearest, float(scores[nearest]))
        return [
            Hit(tracklet_id, -negative, *clips[rank])
            for rank, (negative, tracklet_id, _, _) in enumerate(best)
        ]


def _encoded(video_ids: frozenset[str]) -> NDArray[np.bytes_]:
    # Whatever is no id in ASCII matches nothing.
    return np.array(sorted(i.encode() for i in video_ids if i.isascii() and len(i) == 32), "S32")


def _best(searched: Sequence[tuple[Block, Mask | None]], query: FloatArray, limit: int) -> list[_Candidate]:
    """Merge the best of all blocks.

    One more than asked for is ranked: when it scores the same as the last that fits, ids must decide between
    equals that FAISS may have dropped, and all of them are fetched.
    """
    found = []
    for number, (block, mask) in enumerate(searched):
        marked = len(block.rows) if mask is None else int(mask.sum())
        found.append((number, *block.nearest(query, min(limit + 1, marked), mask)))
    scores = np.sort(np.concatenate([scores for _, scores, _ in found]))[::-1]
    if len(scores) > limit and scores[limit] == scores[limit - 1]:
        below = float(np.nextafter(scores[limit - 1], np.float32(-np.inf)))
        found = [(number, *block.above(query, below, mask)) for number, (block, mask) in enumerate(searched)]
    last = scores[min(limit, len(scores)) - 1]
    candidates = [
        (-score, searched[number][0].rows.tracklet_id(row), number, row)
        for number, scores, rows in found
        for score, row in _at_least(scores, rows, last)
    ]
    return sorted(candidates)[:limit]


def _at_least(scores: FloatArray, rows: Integers, last: float) -> Iterator[tuple[float, int]]:
    kept = scores >= last
    return zip(scores[kept].tolist(), rows[kept].tolist(), strict=True)
