"""Keeps the newest snapshot of each model, and makes the next one from what has changed since."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy import select

from gallery.errors import CorruptSegment
from gallery.sql.changes import current_change
from gallery.sql.database import Database
from gallery.sql.tables import Segment, Tombstone
from gallery.vectors.block import Block, Rows, join_rows
from gallery.vectors.cohorts import cohorts_of
from gallery.vectors.index import FlatVectors, Mask
from gallery.vectors.segment import MAPPED_FROM, SegmentVanished, open_segment, segment_directory
from gallery.vectors.snapshot import Snapshot

BLOCK_ROWS = 131072  # small segments are joined in memory up to this many tracklets


@dataclass(frozen=True, slots=True)
class _Listing:
    """The segments of a model and what was erased from them, at one change."""

    change: int
    segments: frozenset[str]
    order: tuple[str, ...]
    tombstones: Mapping[str, frozenset[str]]


class Snapshots:
    """Hands out the newest snapshot of a model.

    Searches in a snapshot go on undisturbed while the next one is made. Whoever asks after a change waits
    until it is in, so nobody is given what was erased before they asked.
    """

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir
        self._newest: dict[str, Snapshot] = {}
        self._lock = threading.Lock()

    def newest(self, model_id: str) -> Snapshot:
        """Return a snapshot that has every change committed before the call.

        Raises:
            CorruptSegment: a segment that the catalogue names is missing or damaged.
        """
        with self._database.read() as session:
            change = current_change(session)
        known = self._newest.get(model_id)
        if known is not None and known.change >= change:
            return known
        with self._lock:
            known = self._newest.get(model_id)
            if known is None or known.change < change:
                known = self._newest[model_id] = self._make(model_id, known)
            return known

    def _make(self, model_id: str, known: Snapshot | None) -> Snapshot:
        listing = self._list(model_id)
        while True:
            try:
                blocks = self._blocks(listing, known.blocks if known else ())
            except SegmentVanished:
                newer = self._list(model_id)
                if newer.change == listing.change:
                    raise
                listing = newer
            else:
                cohorts = cohorts_of(blocks, known.cohorts if known else {})
                return Snapshot(model_id, listing.change, blocks, cohorts, partial(self.newest, model_id))

    def _list(self, model_id: str) -> _Listing:
        ours = select(Segment.id).where(Segment.model_id == model_id, Segment.tracklet_count > 0)
        erased = defaultdict(set)
        with self._database.read() as session:
            change = current_change(session)
            order = tuple(session.scalars(ours.order_by(Segment.change, Segment.id)))
            for segment_id, video_id in session.execute(
                select(Tombstone.segment_id, Tombstone.video_id).where(Tombstone.segment_id.in_(ours))
            ):
                erased[segment_id].add(video_id)
        return _Listing(change, frozenset(order), order, {key: frozenset(ids) for key, ids in erased.items()})

    def _blocks(self, listing: _Listing, known: Sequence[Block]) -> list[Block]:
        wanted = set(listing.order)
        large: list[Rows] = []
        joined: list[Rows] = []
        for block in known:
            rows = block.rows
            kept = sum(part.count for part in rows.parts if part.segment_id in wanted)
            if kept and 2 * kept >= len(
                rows
            ):  # what is left of it is masked, and what lost too much read again
                (large if _is_large(rows) else joined).append(rows)
                wanted.difference_update(part.segment_id for part in rows.parts)
        opened = [
            open_segment(segment_directory(self._data_dir, segment_id))
            for segment_id in listing.order
            if segment_id in wanted
        ]
        large += [rows for rows in opened if _is_large(rows)]
        joined = join(joined, [rows for rows in opened if not _is_large(rows)])
        blocks = [Block(rows, _erased(rows, listing)) for rows in (*large, *joined)]
        if len({block.rows.vectors.dimension for block in blocks}) > 1:
            raise CorruptSegment("segments of one model differ in dimension")
        return blocks


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


def _is_large(rows: Rows) -> bool:
    """Whether a segment stays on the disk as it is: compaction once made ones of several cameras."""
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
