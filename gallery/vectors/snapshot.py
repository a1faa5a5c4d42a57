"""The searchable gallery at one moment: an immutable view that many threads can search at once.

Search is exact, in FAISS and in Milvus, unless the caller takes what clusters of large segments find
(gallery.vectors.clusters); then the answer says so. Answers are ordered by cosines that are standardised
within their camera, or by plain ones. Each camera of a block is ranked by itself, which leaves its order as
it is; then all are merged. Filters decide which rows may be looked at before they are ranked, so filtered
recall is 1.000 by construction where the search is exact. What FAISS does of a query runs in the caller's
thread alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from gallery.errors import CorruptSegment, InvalidInput, NotFound
from gallery.records.searching import Approximation, DamagedSegment, Filters, Hit, RankBy, Ranking
from gallery.records.tracklets import FloatArray
from gallery.times import microseconds, time_range
from gallery.vectors.block import Block, Rows
from gallery.vectors.cohorts import KnownCohort
from gallery.vectors.embedding import checked_vector
from gallery.vectors.index import Integers, Mask, cosines
from gallery.vectors.levels import Level, levels
from gallery.vectors.plausible import check_clips, check_scores, check_vectors

_MORE = 16  # times as many are ranked when equal scores are cut


@dataclass(frozen=True, slots=True)
class Stored:
    """Tracklets of a snapshot: their ids, embeddings (N, D), L2-normalised, and cameras."""

    ids: tuple[str, ...]
    vectors: FloatArray
    camera_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row that may be in an answer, and what it is ranked by."""

    rank: float
    tracklet_id: str
    rows: Rows
    row: int
    score: float
    standard_score: float


@dataclass(frozen=True, slots=True)
class _Question:
    """A probe, (1, D), what it scores in each camera, and how its answer is ordered.

    `exact`: each tracklet is to be compared.
    """

    probe: FloatArray
    levels: Mapping[int, Level]
    by: RankBy
    exact: bool

    def ranks(self, camera_id: int, scores: FloatArray) -> NDArray[np.float64]:
        """Return what scores of a camera are ordered by."""
        if self.by is RankBy.COSINE:
            return scores.astype(np.float64)
        return self.levels[camera_id].standardise(scores)


@dataclass(frozen=True, slots=True)
class _Share:
    """The part of a block that may be in an answer: all of it when `mask` is None."""

    block: Block
    mask: Mask | None
    count: int


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The best of each camera of a share: ranks, camera, scores, rows; `recall` where clusters found them."""

    share: _Share
    cameras: Sequence[tuple[NDArray[np.float64], int, FloatArray, Integers]]
    recall: float | None


class Snapshot:
    """The tracklets of one model at one change of the gallery.

    Attributes:
        model_id: the model whose embeddings these are.
        change: the change sequence; every change up to it is in, none after it.
        blocks: the rows.
        cohorts: what is known of the tracklets of each camera on the whole.
        tracklet_count: how many can be found.
        damaged: segments of the model that are left out.
        cameras: ids of those that it is limited to; None: all.
    """

    def __init__(
        self,
        model_id: str,
        change: int,
        blocks: Sequence[Block],
        cohorts: Mapping[int, KnownCohort],
        *,
        renew: Callable[["Snapshot", CorruptSegment], "Snapshot"],
        damaged: Sequence[DamagedSegment] = (),
        cameras: frozenset[int] | None = None,
    ) -> None:
        self.model_id = model_id
        self.change = change
        self.blocks = tuple(blocks)
        self.cohorts = cohorts
        self.tracklet_count = sum(block.live_count for block in blocks)
        self.damaged = tuple(damaged)
        self.cameras = cameras
        self._renew = renew

    def search(
        self,
        query: FloatArray,
        *,
        limit: int,
        filters: Filters | None = None,
        by: RankBy = RankBy.STANDARD_SCORE,
        exact: bool = True,
    ) -> Ranking:
        """Rank the tracklets that pass the filters by how alike `query` they are.

        When compaction or an erasure has taken files away since this snapshot was made, a newer one answers;
        the ranking says which change it is of. A segment that turns out to be damaged is left out, and the
        ranking says so.

        Args:
            query: (D,) float32, L2-normalised.
            limit: length of the answer.
            filters: what may be in it; they move no score.
            by: what the answer is ordered by.
            exact: whether the query is compared with each tracklet, however many there are. Else a large
                segment may be searched by its clusters: scores are exact, some of the best may be missing,
                and `Ranking.approximate` says how many were when that was measured.

        Returns:
            Hits best first, equal scores in the order of their ids; each with the clip nearest to the query.

        Raises:
            InvalidInput: another dimension, not normalised, not finite; limit below 1; an empty time range.
        """
        if limit < 1:
            raise InvalidInput(f"limit must be at least 1, not {limit}")
        wanted = Filters() if filters is None else filters
        snapshot = self
        while True:
            try:
                return snapshot._search(query, limit, wanted, by, exact=exact)
            except CorruptSegment as error:
                # Each round sees a later change of the gallery, or one segment less.
                snapshot = snapshot._renew(snapshot, error)

    def vector(self, tracklet_id: str) -> FloatArray:
        """Return the embedding of a tracklet, (D,) float32, L2-normalised: use a hit as the next probe.

        Raises:
            NotFound: no such tracklet in this snapshot.
            CorruptSegment: its vector is damaged.
        """
        rows, row = self._find(tracklet_id)
        found = rows.vectors.take(np.array([row]))
        check_vectors(rows, found, np.array([row]))
        vector: FloatArray = found[0].astype(np.float32)
        vector /= np.linalg.norm(vector)
        return vector

    def stored(self, tracklet_ids: Sequence[str]) -> "Stored":
        """Return those of the tracklets that are in the snapshot, with their embeddings, as ordered."""
        snapshot = self
        while True:
            try:
                return snapshot._stored(tracklet_ids)
            except CorruptSegment as error:  # as in `search`
                snapshot = snapshot._renew(snapshot, error)

    def standing(self, query: FloatArray, stored: "Stored") -> NDArray[np.float64]:
        """Return the standard scores of a probe, (D,), with some tracklets: (N,)."""
        known = {camera: known.cohort for camera, known in self.cohorts.items()}
        by_camera = levels(query, known)
        scores = stored.vectors @ query
        own = [by_camera[camera] for camera in stored.camera_ids]
        return np.array([level.standardise(score) for level, score in zip(own, scores, strict=True)])

    def clips(self, tracklet_id: str) -> FloatArray:
        """Return the embeddings of a tracklet's clips, (N, D) float32, in order of time.

        Raises:
            NotFound: no such tracklet in this snapshot.
        """
        snapshot = self
        while True:
            try:
                rows, row = snapshot._find(tracklet_id)
                return rows.clips(row).astype(np.float32)
            except CorruptSegment as error:  # as in `search`
                snapshot = snapshot._renew(snapshot, error)

    def tracklet_ids(self) -> list[str]:
        """Return the ids of all tracklets that can be found."""
        everything = Filters()
        return [
            tracklet_id
            for share in self._select(everything)
            for tracklet_id in share.block.rows.tracklet_ids(
                np.arange(len(share.block.rows)) if share.mask is None else np.flatnonzero(share.mask)
            )
        ]

    def _stored(self, tracklet_ids: Sequence[str]) -> "Stored":
        found: list[tuple[str, FloatArray, int]] = []
        for tracklet_id in tracklet_ids:
            try:
                rows, row = self._find(tracklet_id)
            except NotFound:
                continue
            camera = int(rows.videos["camera_id"][rows.video_of_row[row]])
            found.append((tracklet_id, self.vector(tracklet_id), camera))
        dimension = self.blocks[0].rows.vectors.dimension if self.blocks else 0
        vectors = np.stack([one[1] for one in found]) if found else np.zeros((0, dimension), np.float32)
        return Stored(tuple(one[0] for one in found), vectors, tuple(one[2] for one in found))

    def _find(self, tracklet_id: str) -> tuple[Rows, int]:
        """The rows that a tracklet is in, and its number there. Raises NotFound."""
        video_id, _, number = tracklet_id.partition("-")
        for block in self.blocks:
            rows = block.rows
            for ordinal in np.flatnonzero((rows.videos["id"] == video_id.encode()) & ~block.erased):
                row = _row(rows, int(ordinal), number)
                if row is not None and (block.gone is None or not block.gone[row]):
                    return rows, row
        raise NotFound(f"no tracklet {tracklet_id!r} with an embedding of this model"[:200])

    def _search(self, query: FloatArray, limit: int, filters: Filters, by: RankBy, *, exact: bool) -> Ranking:
        searched = self._select(filters)
        compared = sum(share.count for share in searched)
        dimension = self.blocks[0].rows.vectors.dimension if self.blocks else query.size
        query = checked_vector(query, dimension, "the query")
        known = {camera: known.cohort for camera, known in self.cohorts.items()}
        question = _Question(query.reshape(1, -1), levels(query, known), by, exact)
        best, how = _best(searched, question, limit) if compared else ([], None)
        return Ranking(_hits(best, query), compared, self.change, by, self.damaged, how)

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


def _row(rows: Rows, ordinal: int, number: str) -> int | None:
    if not (number.isascii() and number.isdigit() and len(number) < 19 and str(int(number)) == number):
        return None
    return rows.row_of(ordinal, int(number))


def _encoded(video_ids: frozenset[str]) -> NDArray[np.bytes_]:
    # Whatever is no id in ASCII matches nothing.
    return np.array(sorted(i.encode() for i in video_ids if i.isascii() and len(i) == 32), "S32")


def _best(
    searched: Sequence[_Share], question: _Question, limit: int
) -> tuple[list[_Candidate], Approximation | None]:
    """Merge the best of all cameras of all blocks, and say how exactly they were found.

    One more than asked for is ranked: when a camera's last ties with the last that fits, ids must decide
    between equals of which some may have been dropped, and more are fetched. In the end that is all of them,
    and exactly: clusters were measured for a few thousand.
    """
    count = limit + 1
    while True:
        found = [_ranked(share, question, count) for share in searched]
        each_camera = [ranks for one in found for ranks, _, _, _ in one.cameras]
        ranks = np.sort(np.concatenate(each_camera))[::-1]
        last = ranks[min(limit, len(ranks)) - 1]
        if not any(len(own) >= count and own[-1] >= last for own in each_camera):
            break
        count *= _MORE
    candidates: list[_Candidate] = []
    for one in found:
        for ranked, camera_id, scores, rows in one.cameras:
            kept = ranked >= last
            level = question.levels[camera_id]
            candidates += _candidates(one.share.block.rows, level, ranked[kept], scores[kept], rows[kept])
    best = sorted(candidates, key=lambda one: (-one.rank, one.tracklet_id))[:limit]
    return best, _approximation(found)


def _approximation(found: Sequence[_Ranked]) -> Approximation | None:
    recalls = [one.recall for one in found if one.recall is not None]
    if not recalls:
        return None
    return Approximation(sum(one.share.count for one in found if one.recall is not None), min(recalls))


def _ranked(share: _Share, question: _Question, count: int) -> _Ranked:
    """Rank the best `count` of each camera of a block."""
    rows = share.block.rows
    near = None if question.exact else rows.nearest_about(question.probe, count, share.mask, share.count)
    found, recall = near or (rows.nearest_each(question.probe, count, share.mask), None)
    for scores, places in found.values():
        check_scores(rows, scores, places)
    cameras = [
        (question.ranks(camera_id, scores), camera_id, scores, places)
        for camera_id, (scores, places) in found.items()
        if len(places)  # a camera whose videos are all erased has no level
    ]
    return _Ranked(share, cameras, recall)


def _candidates(
    own: Rows, level: Level, ranks: NDArray[np.float64], scores: FloatArray, rows: Integers
) -> Iterator[_Candidate]:
    if not len(rows):
        return iter(())
    standard = level.standardise(scores).tolist()
    ids = own.tracklet_ids(rows)
    return map(_Candidate, ranks.tolist(), ids, repeat(own), rows.tolist(), scores.tolist(), standard)


def _hits(best: Sequence[_Candidate], query: FloatArray) -> list[Hit]:
    """Locate the best clip of each hit; only the hits' clips are read."""
    by_segment = defaultdict(list)
    for rank, one in enumerate(best):
        part = one.rows.part_of(one.row)
        by_segment[part.directory, part.read].append((rank, one.rows.clips_of(one.row, part)))
    wanted = [(rank, end - first) for ranges in by_segment.values() for rank, (first, end) in ranges]
    vectors = [
        read(directory, query.size, [limits for _, limits in ranges])
        for (directory, read), ranges in by_segment.items()
    ]
    found = cosines(query, np.concatenate(vectors)) if vectors else np.zeros(0, np.float32)
    check_clips(found, [(each.name, len(own)) for (each, _), own in zip(by_segment, vectors, strict=True)])
    scores = iter(found.tolist())
    nearest: dict[int, tuple[int, float]] = {}
    for rank, count in wanted:
        own = list(islice(scores, count))
        score = max(own)
        nearest[rank] = own.index(score), score
    return [
        Hit(one.tracklet_id, one.score, one.standard_score, *nearest[rank]) for rank, one in enumerate(best)
    ]
