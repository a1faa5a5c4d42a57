"""Segments: files against their checksums, vectors against what embeddings are, columns against the rows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.errors import CorruptSegment
from gallery.sql.database import Database
from gallery.sql.tables import (
    Clip,
    Segment,
    SegmentVideo,
    Tombstone,
    Tracklet,
    TrackletTombstone,
    Video,
)
from gallery.times import microseconds
from gallery.upkeep.faults import Part, Remedy, Unnamed
from gallery.upkeep.files import is_there, sha256_of
from gallery.upkeep.findings import Findings
from gallery.vectors.block import END, FIRST_CLIP, START, Rows
from gallery.vectors.clusters import DamagedClusters, verify_clusters
from gallery.vectors.embedding import LENGTH_TOLERANCE
from gallery.vectors.segment import MANIFEST, SegmentVanished
from gallery.vectors.segments import Segments

_AT_ONCE = 4096  # vectors in memory
_ROUNDING = 2.0**-11  # of fp16, relative


def check_segment(database: Database, segments: Segments, segment: Segment, found: Findings) -> None:
    """Look at a segment and at what the catalogue says is in it, as they were at one moment."""
    with database.read() as session:
        if session.get(Segment, segment.id) is None:
            return  # compacted or erased meanwhile
        held = _held(session, segment.id)
        try:
            size = _compared_bytes(segments, segment)
            rows = segments.open(segment.id)
            faulty = _faulty_vectors(rows)
        except CorruptSegment as error:
            if not (isinstance(error, SegmentVanished) and not is_there(database, Segment, segment.id)):
                found.remake(Part.VECTORS, str(error), held, segment.model_id)
            return
        found.vector_bytes += size
        found.vectors += segment.tracklet_count + segment.clip_count
        if faulty:
            what = f"segment {segment.id}: {faulty} vectors are not finite and of length 1"
            found.remake(Part.VECTORS, what, held, segment.model_id)
            return
        _compare_videos(session, segment, rows, held, found)


def check_clusters(segments: Segments, segment_id: str, found: Findings) -> None:
    """Compare the clusters of a segment, if it has any, with their checksums."""
    directory = segments.clusters(segment_id)
    try:
        if directory.exists():
            verify_clusters(directory)
    except DamagedClusters as error:
        if directory.exists():  # else they were removed meanwhile
            found.add(Part.LEFTOVERS, str(error), Remedy.REMOVE)  # nothing is lost: the search is exact
            found.clusters.add(segment_id)


def _held(session: Session, segment_id: str) -> dict[str, Video]:
    query = select(Video).join(SegmentVideo, SegmentVideo.video_id == Video.id)
    return {video.id: video for video in session.scalars(query.where(SegmentVideo.segment_id == segment_id))}


def _compared_bytes(segments: Segments, segment: Segment) -> int:
    """Compare a segment with its checksums and with the catalogue, and return its size."""
    manifest = segments.verify(segment.id)
    written = (manifest.model_id, manifest.tracklets, manifest.clips)
    if written != (segment.model_id, segment.tracklet_count, segment.clip_count):
        raise CorruptSegment(segment.id, "is another one than the catalogue says")
    if segment.manifest_sha256 not in {None, sha256_of(segments.directory(segment.id) / MANIFEST)}:
        raise CorruptSegment(segment.id, "was rewritten together with its manifest")
    return sum(int(file["bytes"]) for file in manifest.files.values())


def _faulty_vectors(rows: Rows) -> int:
    """Count the vectors of tracklets and clips that no embedding can be."""
    return sum(_faulty(vectors) for vectors in _all_vectors(rows))


def _all_vectors(rows: Rows) -> Iterator[NDArray[np.float16]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows.vectors.take(np.arange(start, min(start + _AT_ONCE, len(rows))))
    (part,) = rows.parts
    for start in range(0, part.clip_end, _AT_ONCE):
        limits = (start, min(start + _AT_ONCE, part.clip_end))
        yield part.read(part.directory, rows.vectors.dimension, [limits])


def _faulty(vectors: NDArray[np.float16]) -> int:
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
        return int(np.count_nonzero(~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE + _ROUNDING)))


def _compare_videos(
    session: Session, segment: Segment, rows: Rows, held: dict[str, Video], found: Findings
) -> None:
    """Compare which videos are in a segment, and when and where it says their people were, with the rows."""
    query = select(Tombstone.video_id).where(Tombstone.segment_id == segment.id)
    masked = set(session.scalars(query))
    inside = {name.decode(): ordinal for ordinal, name in enumerate(rows.videos["id"].tolist())}
    if not held:
        what = f"segment {segment.id}: no video is in it"
        found.add(Part.ROWS, what, Remedy.CORRECT)
        found.empty.add(segment.id)
        return
    for video_id in sorted(inside.keys() - held.keys() - masked):
        what = f"segment {segment.id} has vectors of video {video_id}, which no row names"
        found.add(Part.LEFTOVERS, what, Remedy.CORRECT)
        found.unnamed.add(Unnamed(segment.id, video_id))
    for video_id in sorted(held.keys() & masked):
        what = f"segment {segment.id} hides video {video_id}, which is in it"
        found.remake(Part.ROWS, what, [video_id], segment.model_id)
    for video_id, video in sorted(held.items()):
        there = inside.get(video_id)
        if there is None:
            what = f"segment {segment.id} has no vectors of video {video_id}"
            found.remake(Part.VECTORS, what, [video_id], segment.model_id)
        elif not _agrees(session, rows, there, video):
            what = f"segment {segment.id} tells of other people, times or cameras of video {video_id}"
            found.remake(Part.VECTORS, what, [video_id], segment.model_id)


def _agrees(session: Session, rows: Rows, ordinal: int, video: Video) -> bool:
    """Compare the columns of a video with its rows: camera, and number, times and clips of each tracklet.

    Tracklets that were erased singly are in the columns until compaction, and masked.
    """
    clips = select(func.count()).where(Clip.tracklet_id == Tracklet.id).scalar_subquery()
    columns = (Tracklet.number, Tracklet.start_us, Tracklet.end_us, clips)
    query = select(*columns).where(Tracklet.video_id == video.id).order_by(Tracklet.number)
    recorded = [tuple(row) for row in session.execute(query)]
    if int(rows.videos["camera_id"][ordinal]) != video.camera_id or len(recorded) != video.tracklet_count:
        return False
    (part,) = rows.parts
    masked = set(
        session.scalars(
            select(TrackletTombstone.number).where(
                TrackletTombstone.segment_id == part.segment_id, TrackletTombstone.video_id == video.id
            )
        )
    )
    return [row for row in _tracklets(rows, ordinal, video) if row[0] not in masked] == recorded


def _tracklets(rows: Rows, ordinal: int, video: Video) -> list[tuple[int, int, int, int]]:
    """Number, start and end in the video in µs, and clips of each tracklet that a segment has of a video."""
    first, count = int(rows.videos["first"][ordinal]), int(rows.videos["count"][ordinal])
    if not count:
        return []
    (part,) = rows.parts
    columns = rows.columns[:, first : first + count]
    ends = np.append(columns[FIRST_CLIP, 1:], rows.clips_of(first + count - 1, part)[1])
    origin = microseconds(video.start_time)
    numbers = rows.numbers(np.arange(first, first + count))
    found = (numbers, columns[START] - origin, columns[END] - origin, ends - columns[FIRST_CLIP])
    return [tuple(row) for row in np.stack(found, axis=1).tolist()]
