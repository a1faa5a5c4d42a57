"""Moving vectors from files into Milvus, and back.

Segment after segment is copied into one of the other kind, as compaction copies them, compared with it, and
put in its place by one transaction. Searches, commits and erasures go on; a run that is killed leaves
segments of both kinds, each whole, and the next one goes on with those that are left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select

from gallery.errors import CorruptSegment
from gallery.sql.database import Database
from gallery.sql.tables import Segment
from gallery.vectors.block import NUMBER, Rows
from gallery.vectors.segment import SegmentVanished, read_manifest
from gallery.vectors.segments import Segments
from gallery.writing.compact import merge, sources

_AT_ONCE = 1024  # tracklets whose vectors are compared


@dataclass(frozen=True, slots=True)
class VectorMigration:
    """What a migration of vectors did.

    Attributes:
        segments: that were moved.
        vectors: of tracklets and clips that were moved, each compared with what it was.
        there: segments that lay where they should already.
        damaged: ids of the segments that could not be copied.
    """

    segments: int = 0
    vectors: int = 0
    there: int = 0
    damaged: tuple[str, ...] = ()


def migrate_vectors(
    database: Database, segments: Segments, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> VectorMigration:
    """Move the vectors of all segments to where those of new ones go.

    Args:
        database: the catalogue.
        segments: where they lie; its new ones go where all are to go.
        progress: told how many segments have been looked at, of how many.

    Raises:
        VectorsUnavailable: Milvus cannot be reached; what was moved stays so.
    """
    moved = vectors = 0
    there: set[str] = set()
    damaged: set[str] = set()
    while left := [one for one in sources(database) if one.id not in there | damaged]:
        for source in left:
            try:
                if read_manifest(segments.directory(source.id)).in_milvus == segments.into_milvus:
                    there.add(source.id)
                elif (made := merge(database, segments, [source], compare=same_vectors)) is not None:
                    moved += 1
                    vectors += _count(database, made.id)
                    there.add(made.id)
            except SegmentVanished:
                with database.read() as session:
                    if session.get(Segment, source.id) is not None:
                        damaged.add(source.id)  # else compaction or an erasure took it
            except CorruptSegment:
                damaged.add(source.id)
            progress(len(there | damaged), len(there | damaged | {one.id for one in left}))
    return VectorMigration(moved, vectors, len(there) - moved, tuple(sorted(damaged)))


def _count(database: Database, segment_id: str) -> int:
    with database.read() as session:
        query = select(func.sum(Segment.tracklet_count + Segment.clip_count)).where(Segment.id == segment_id)
        return session.scalar(query) or 0


def same_vectors(old: Rows, new: Rows) -> None:
    """Compare every tracklet of a copied segment with what it was: times, vector, and vectors of its clips.

    Raises:
        CorruptSegment: something is not the same.
    """
    (part,), (copied,) = old.parts, new.parts
    for video in new.videos:
        (ordinal,) = np.flatnonzero(old.videos["id"] == video["id"]).tolist()
        first, end = int(video["first"]), int(video["first"] + video["count"])
        for start in range(first, end, _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, end))
            was = np.array([old.row_of(ordinal, int(number)) for number in new.numbers(rows)], np.int64)
            clips = [new.clips_of(row, copied) for row in rows.tolist()]
            clips_then = [old.clips_of(row, part) for row in was.tolist()]
            same = (
                np.array_equal(old.vectors.take(was), new.vectors.take(rows))
                and np.array_equal(old.columns[: NUMBER - 1, was], new.columns[: NUMBER - 1, rows])
                and [b - a for a, b in clips_then] == [b - a for a, b in clips]
                and np.array_equal(
                    part.read(part.directory, old.vectors.dimension, clips_then),
                    copied.read(copied.directory, new.vectors.dimension, clips),
                )
            )
            if not same:
                raise CorruptSegment(part.segment_id, "its copy is not the same")
