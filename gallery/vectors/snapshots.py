"""Keeps the newest snapshot of each model, and makes the next one from what has changed since."""

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.errors import CorruptSegment
from gallery.records.searching import DamagedSegment
from gallery.sql.changes import current_change, standing
from gallery.sql.database import Database
from gallery.sql.sight import Sight
from gallery.sql.tables import Model, Segment, SegmentVideo, Tombstone, TrackletTombstone, Video
from gallery.vectors.block import Block, Rows, join_rows
from gallery.vectors.cohorts import cohorts_of
from gallery.vectors.index import FlatVectors, Mask
from gallery.vectors.remote import MilvusVectors
from gallery.vectors.segment import MAPPED_FROM, SegmentVanished
from gallery.vectors.segments import Segments
from gallery.vectors.snapshot import Snapshot

BLOCK_ROWS = 131072  # small segments are joined in memory up to this many tracklets


@dataclass(frozen=True, slots=True)
class _Listing:
    """The segments of a model and what was erased from them, at one change."""

    change: int
    segments: frozenset[str]
    order: tuple[str, ...]
    tombstones: Mapping[str, frozenset[str]]
    singly: Mapping[str, Mapping[str, Sequence[int]]]  # numbers of erased tracklets, by segment and video
    dimension: int | None  # of the model; None when nothing was ever indexed with it

    def without(self, damaged: Mapping[str, str]) -> "_Listing":
        """Leave some segments out."""
        sound = tuple(segment_id for segment_id in self.order if segment_id not in damaged)
        return replace(self, segments=frozenset(sound), order=sound)


class Snapshots:
    """Hands out the newest snapshot of a model.

    Searches in a snapshot go on undisturbed while the next one is made. A caller that asks after a change
    waits until it is in, so nobody is given what was erased before they asked.
    """

    def __init__(self, database: Database, segments: Segments) -> None:
        self._database = database
        self._segments = segments
        self._newest: dict[str, Snapshot] = {}
        self._made_at: dict[str, float] = {}  # by the monotonic clock
        self._server: datetime | None = None  # whose changes these are: see `standing`
        self._lock = threading.Lock()

    def newest(self, model_id: str) -> Snapshot:
        """Return a snapshot that has every change committed before the call.

        Segments that are missing or damaged are left out of it, and it names them.
        """
        with self._database.read() as session:
            change, server = standing(session)
        if server != self._server:
            self._begin_anew(server)
        known = self._newest.get(model_id)
        if known is not None and known.change >= change:
            return known
        with self._lock:
            known = self._newest.get(model_id)
            if known is None or known.change < change:
                known = self._newest[model_id] = self._make(model_id, known, {})
                self._made_at[model_id] = time.monotonic()
            return known

    def _begin_anew(self, server: datetime | None) -> None:
        """Let go of what another server's changes have made: numbers of changes may mean others now."""
        with self._lock:
            if server != self._server:
                self._newest.clear()
                self._made_at.clear()
                self._server = server

    def loaded(self, model_id: str) -> tuple[int, float, int] | None:
        """Return change, age in seconds and tracklets of the snapshot in memory, as it is."""
        known, made_at = self._newest.get(model_id), self._made_at.get(model_id)
        if known is None or made_at is None:
            return None
        return known.change, time.monotonic() - made_at, known.tracklet_count

    def seen(self, model_id: str, sight: Sight) -> Snapshot:
        """Return the newest snapshot as if the gallery held nothing but the cameras that are seen.

        Levels, ranks and counts are of these alone. Its change is the last one of what is seen: changes of
        other cameras do not show.
        """
        newest = self.newest(model_id)
        return newest if sight.cameras is None else self._seen(newest, sight)

    def _seen(self, newest: Snapshot, sight: Sight) -> Snapshot:
        assert sight.cameras is not None
        ids = np.array(sorted(sight.cameras), np.int64)
        blocks = [block.without(~np.isin(block.rows.videos["camera_id"], ids)) for block in newest.blocks]
        cohorts = {camera: known for camera, known in newest.cohorts.items() if camera in sight.cameras}

        def renew(_: Snapshot, error: CorruptSegment) -> Snapshot:
            return self._seen(self.without(newest, error), sight)

        with self._database.read() as session:
            change = last_change(session, newest.model_id, sight, newest.change)
            damaged = _seen_of(session, newest.damaged, sight)
        return Snapshot(
            newest.model_id, change, blocks, cohorts, renew=renew, damaged=damaged, cameras=sight.cameras
        )

    def then(self, model_id: str, change: int, video_ids: Collection[str], sight: Sight) -> Snapshot:
        """Return what is left of the snapshot of an earlier change, which held these videos of what is seen.

        Its cohorts are of what is left too, so it ranks as the earlier one did unless something was erased.
        """
        newest = self.newest(model_id)
        while True:
            try:
                return self._only(newest, change, video_ids, sight)
            except CorruptSegment as error:
                newest = self.without(newest, error)

    def _only(self, newest: Snapshot, change: int, video_ids: Collection[str], sight: Sight) -> Snapshot:
        held = np.array(sorted(video_id.encode() for video_id in video_ids), "S32")
        blocks = [block.without(~np.isin(block.rows.videos["id"], held)) for block in newest.blocks]

        def renew(_: Snapshot, error: CorruptSegment) -> Snapshot:
            return self._only(self.without(newest, error), change, video_ids, sight)

        cohorts = cohorts_of(blocks, newest.cohorts)
        with self._database.read() as session:
            damaged = _seen_of(session, newest.damaged, sight)
        return Snapshot(
            newest.model_id, change, blocks, cohorts, renew=renew, damaged=damaged, cameras=sight.cameras
        )

    def forget(self, model_id: str) -> None:
        """Let go of a model's snapshot; searches in it go on, and asking for it makes it anew."""
        with self._lock:
            self._newest.pop(model_id, None)

    def is_loaded(self, model_id: str) -> bool:
        """Whether a snapshot of a model is in memory."""
        return model_id in self._newest

    def without(self, searched: Snapshot, error: CorruptSegment) -> Snapshot:
        """Return what can be searched when a search found a segment damaged or gone.

        That is a newer snapshot if there is one, where compaction or an erasure may have removed the segment;
        else one that leaves the segment out.
        """
        newest = self.newest(searched.model_id)
        if newest.change != searched.change:
            return newest
        with self._lock:
            newest = self._newest.get(searched.model_id, newest)
            if error.segment_id not in {one.segment_id for one in newest.damaged}:
                reasons = {one.segment_id: one.reason for one in newest.damaged}
                reasons[error.segment_id] = str(error)
                newest = self._newest[searched.model_id] = self._make(searched.model_id, newest, reasons)
            return newest

    def _make(self, model_id: str, known: Snapshot | None, damaged: dict[str, str]) -> Snapshot:
        """Make the next snapshot from the one before, without the damaged segments (reasons by id)."""
        listing = self._list(model_id)
        while True:
            sound = listing.without(damaged)
            try:
                blocks = self._blocks(sound, known.blocks if known else ())
                cohorts = cohorts_of(blocks, known.cohorts if known else {})
            except CorruptSegment as error:
                newer = self._list(model_id) if isinstance(error, SegmentVanished) else listing
                if newer.change == listing.change:
                    damaged[error.segment_id] = str(error)
                listing = newer
            else:
                left_out = self._named(damaged, listing)
                return Snapshot(
                    model_id, listing.change, blocks, cohorts, renew=self.without, damaged=left_out
                )

    def _named(self, damaged: Mapping[str, str], listing: "_Listing") -> list[DamagedSegment]:
        """Say which videos are missing for the damaged segments that the catalogue names."""
        videos = defaultdict(list)
        if damaged:
            query = select(SegmentVideo.segment_id, SegmentVideo.video_id).order_by(SegmentVideo.video_id)
            with self._database.read() as session:
                for segment_id, video_id in session.execute(
                    query.where(SegmentVideo.segment_id.in_(damaged))
                ):
                    videos[segment_id].append(video_id)
        return [
            DamagedSegment(segment_id, reason, videos[segment_id])
            for segment_id, reason in sorted(damaged.items())
            if segment_id in listing.segments
        ]

    def _list(self, model_id: str) -> _Listing:
        ours = select(Segment.id).where(Segment.model_id == model_id, Segment.tracklet_count > 0)
        erased = defaultdict(set)
        singly: dict[str, dict[str, list[int]]] = {}
        with self._database.read() as session:
            change = current_change(session)
            order = tuple(session.scalars(ours.order_by(Segment.change, Segment.id)))
            for segment_id, video_id in session.execute(
                select(Tombstone.segment_id, Tombstone.video_id).where(Tombstone.segment_id.in_(ours))
            ):
                erased[segment_id].add(video_id)
            columns = (TrackletTombstone.segment_id, TrackletTombstone.video_id, TrackletTombstone.number)
            for segment_id, video_id, number in session.execute(
                select(*columns).where(TrackletTombstone.segment_id.in_(ours))
            ):
                singly.setdefault(segment_id, {}).setdefault(video_id, []).append(number)
            dimension = session.scalar(select(Model.dimension).where(Model.id == model_id))
        tombstones = {key: frozenset(ids) for key, ids in erased.items()}
        return _Listing(change, frozenset(order), order, tombstones, singly, dimension)

    def _blocks(self, listing: _Listing, known: Sequence[Block]) -> list[Block]:
        wanted = set(listing.order)
        large: list[Rows] = []
        joined: list[Rows] = []
        remote: list[Rows] = []
        for block in known:
            rows = block.rows
            kept = sum(part.count for part in rows.parts if part.segment_id in wanted)
            if kept and 2 * kept >= len(
                rows
            ):  # what is left of it is masked, and what lost too much read again
                (remote if _is_remote(rows) else large if _is_large(rows) else joined).append(rows)
                wanted.difference_update(part.segment_id for part in rows.parts)
        opened = [
            self._open(segment_id, listing.dimension) for segment_id in listing.order if segment_id in wanted
        ]
        new = [rows for rows in opened if _is_remote(rows)]
        local = [rows for rows in opened if not _is_remote(rows)]
        large += [rows for rows in local if _is_large(rows)]
        large = [self._segments.clustered(rows) for rows in large]
        joined = join(joined, [rows for rows in local if not _is_large(rows)])
        if new:  # in Milvus all are searched together, however many; only columns are copied
            remote = [join_rows([*remote, *new])]
        return [
            Block(rows, _erased(rows, listing), _gone(rows, listing)) for rows in (*large, *joined, *remote)
        ]

    def _open(self, segment_id: str, dimension: int | None) -> Rows:
        rows = self._segments.open(segment_id)
        if rows.vectors.dimension != dimension:
            raise CorruptSegment(
                segment_id, f"vectors of {rows.vectors.dimension} dimensions, where the model has {dimension}"
            )
        return rows


def last_change(session: Session, model_id: str, sight: Sight, at_most: int) -> int:
    """The last change, up to `at_most`, that made a video of what is seen searchable with a model."""
    latest = (func.max(SegmentVideo.change), func.max(Video.tracklets_change))
    query = select(*latest).join(Video, Video.id == SegmentVideo.video_id)
    mine = (SegmentVideo.model_id == model_id, *sight.among(Video.camera_id))
    return min(at_most, max(change or 0 for change in session.execute(query.where(*mine)).one()))


def _seen_of(session: Session, damaged: Sequence[DamagedSegment], sight: Sight) -> list[DamagedSegment]:
    """Damaged segments as far as they hold videos of what is seen."""
    if not damaged or not sight.limited:
        return list(damaged)
    ids = [video_id for one in damaged for video_id in one.video_ids]
    seen = select(Video.id).where(Video.id.in_(ids), *sight.among(Video.camera_id))
    known = set(session.scalars(seen))
    left = [replace(one, video_ids=[i for i in one.video_ids if i in known]) for one in damaged]
    return [one for one in left if one.video_ids]


def join(joined: Sequence[Rows], small: Sequence[Rows]) -> list[Rows]:
    """Add small segments to the blocks that hold such.

    New rows are joined among themselves, then with the last blocks that are no more than twice as large, like
    the carries of a counter: each row is copied a number of times that grows with the logarithm of their
    number.
    """
    blocks = sorted(joined, key=len, reverse=True)
    pending: list[Rows] = []
    for rows in small:
        if pending and sum(map(len, pending)) + len(rows) > BLOCK_ROWS:
            blocks.append(join_rows(pending))
            pending = []
        pending.append(rows)
    count = sum(map(len, pending))
    blocks.sort(key=len, reverse=True)
    while pending and blocks and len(blocks[-1]) <= 2 * count and len(blocks[-1]) + count <= BLOCK_ROWS:
        count += len(blocks[-1])
        pending.insert(0, blocks.pop())
    if pending:
        blocks.append(join_rows(pending))
    return blocks


def _is_remote(rows: Rows) -> bool:
    return isinstance(rows.vectors, MilvusVectors)


def _is_large(rows: Rows) -> bool:
    """Return whether a segment stays on the disk as it is: compaction once merged several cameras."""
    return len(rows) >= MAPPED_FROM and isinstance(rows.vectors, FlatVectors) and len(rows.camera_ids) == 1


def _erased(rows: Rows, listing: _Listing) -> Mask:
    """Mark the videos of a block that are gone: erased, or with their whole segment."""
    erased = np.zeros(len(rows.videos), np.bool_)
    touched = [
        p for p in rows.parts if p.segment_id not in listing.segments or p.segment_id in listing.tombstones
    ]
    for part in touched:
        inside = (rows.videos["first"] >= part.first) & (rows.videos["first"] < part.first + part.count)
        if part.segment_id not in listing.segments:
            erased |= inside
        else:
            gone = [video_id.encode() for video_id in listing.tombstones[part.segment_id]]
            erased |= inside & np.isin(rows.videos["id"], gone)
    return erased


def _gone(rows: Rows, listing: _Listing) -> Mask | None:
    """Mark the tracklets of a block that were erased singly; None: none were."""
    touched = [part for part in rows.parts if part.segment_id in listing.singly]
    if not touched:
        return None
    gone = np.zeros(len(rows), np.bool_)
    for part in touched:
        for video_id, numbers in listing.singly[part.segment_id].items():
            for ordinal in np.flatnonzero(rows.videos["id"] == video_id.encode()):
                first = int(rows.videos["first"][ordinal])
                if not part.first <= first < part.first + part.count:
                    continue
                own = np.arange(first, first + int(rows.videos["count"][ordinal]))
                gone[own] |= np.isin(rows.numbers(own), numbers)
    return gone if gone.any() else None
