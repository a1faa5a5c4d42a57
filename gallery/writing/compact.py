"""Compaction: many small segments of a camera become one, and erased vectors leave the disk.

The new segment is written beside the old ones while searches, commits and erasures go on. One transaction
puts it in their place; a video erased in between is masked in it. Compactors do not lock each other out: of
two that took the same segment, the second finds it gone and throws its work away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gallery.disk.files import move_durably
from gallery.disk.locks import Staging
from gallery.errors import CorruptSegment, InvalidInput
from gallery.sql.changes import advance_change
from gallery.sql.database import Database
from gallery.sql.tables import Model, Segment, SegmentVideo, Tombstone, TrackletTombstone, Video
from gallery.vectors.block import Rows
from gallery.vectors.segment import Manifest, SegmentVanished
from gallery.vectors.segments import BUILT, Segments
from gallery.writing.copying import copy_video
from gallery.writing.leaving import erased_singly
from gallery.writing.rows import new_segment

DEFAULT_MAX_TRACKLETS = 262_144  # 0.7 GB of fp16 vectors at 1280 dimensions


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did.

    Attributes:
        segments_before: segments taken.
        segments_after: segments made of them.
        tracklets_removed: erased tracklets that left the disk.
        abandoned: merges that others were faster with.
        damaged: ids of the segments that could not be copied.
        settled: erasures of which nothing is left on the disk since.
    """

    segments_before: int = 0
    segments_after: int = 0
    tracklets_removed: int = 0
    abandoned: int = 0
    damaged: tuple[str, ...] = ()
    settled: int = 0


@dataclass(slots=True)
class Source:
    """A segment that could be merged, with the videos that are still in it."""

    id: str
    model_id: str
    dimension: int
    tracklets: int
    has_erased: bool
    singly: frozenset[tuple[str, int]]  # erased tracklets of these, by video and number
    videos: frozenset[str] = field(default=frozenset())
    camera_id: int | None = None  # None when it has videos of several


def compact(
    database: Database, segments: Segments, *, max_tracklets: int = DEFAULT_MAX_TRACKLETS
) -> CompactionReport:
    """Merge the segments of each model and camera up to `max_tracklets`; rewrite those with erased videos.

    A segment that is more than half full, and has lost nothing, is left as it is: every tracklet is copied a
    bounded number of times. A damaged segment stays as it is too, for repair.
    """
    if max_tracklets < 1:
        raise InvalidInput(f"max_tracklets must be at least 1, not {max_tracklets}")
    before = after = removed = abandoned = 0
    damaged: set[str] = set()
    groups = list(_groups(sources(database), max_tracklets))
    while groups:
        group = groups.pop(0)
        held = sum(source.tracklets for source in group)
        try:
            made = merge(database, segments, group)
        except CorruptSegment as error:
            damaged.add(error.segment_id)
            sound = [source for source in group if source.id != error.segment_id]
            groups += _worthwhile(sound) if sound else []
            continue
        if made is None:
            abandoned += 1
        else:
            before += len(group)
            after += made.visible
            removed += held - made.tracklets
    return CompactionReport(before, after, removed, abandoned, tuple(sorted(damaged)))


def sources(database: Database) -> list[Source]:
    """List all segments, with the videos that are still in them and what of these was erased."""
    with database.read() as session:
        erased = set(session.scalars(select(Tombstone.segment_id)))
        singly = erased_singly(session)
        query = select(Segment.id, Segment.model_id, Model.dimension, Segment.tracklet_count).join(Model)
        sources = [
            Source(*row, row.id in erased or row.id in singly, singly.get(row.id, frozenset()))
            for row in session.execute(query)
        ]
        videos: dict[str, dict[str, int]] = {}
        rows = select(SegmentVideo.segment_id, Video.id, Video.camera_id).join(Video)
        for segment_id, video_id, camera_id in session.execute(rows):
            videos.setdefault(segment_id, {})[video_id] = camera_id
    for source in sources:
        own = videos.get(source.id, {})
        source.videos = frozenset(own)
        cameras = set(own.values())
        source.camera_id = cameras.pop() if len(cameras) == 1 else None
    return sources


def _groups(sources: Sequence[Source], max_tracklets: int) -> Iterator[list[Source]]:
    """Say which segments become one: of the same model and camera, smallest first, as long as they fit."""
    open_groups: dict[tuple[str, int | None], list[Source]] = {}
    for source in sorted(sources, key=lambda s: (s.tracklets, s.id)):
        if 2 * source.tracklets > max_tracklets and not source.has_erased:
            continue
        group = open_groups.setdefault((source.model_id, source.camera_id), [])
        if group and sum(s.tracklets for s in group) + source.tracklets > max_tracklets:
            yield from _worthwhile(group)
            group = open_groups[source.model_id, source.camera_id] = []
        group.append(source)
    for group in open_groups.values():
        yield from _worthwhile(group)


def _worthwhile(group: list[Source]) -> Iterator[list[Source]]:
    if len(group) > 1 or group[0].has_erased:
        yield group


@dataclass(frozen=True, slots=True)
class Made:
    """The outcome of a merge: no segment if everything in it was erased."""

    id: str
    visible: bool
    tracklets: int


def merge(
    database: Database,
    segments: Segments,
    group: Sequence[Source],
    compare: Callable[[Rows, Rows], None] | None = None,
) -> Made | None:
    """Put one segment in the place of several; None if somebody else was faster.

    `compare` looks at the only one of the group and at its copy, before anybody sees that.

    Raises:
        CorruptSegment: one of them is damaged, or not the same as its copy.
        VectorsUnavailable: Milvus, where vectors are or are to go, cannot be reached.
    """
    staging = Staging(segments.data_dir)
    at_commit = False
    try:
        try:
            manifest = _copy(staging, segments, group)
            if compare is not None:
                (source,) = group
                compare(segments.open(source.id), segments.open_staged(staging))
        except SegmentVanished:
            return None
        move_durably(staging.directory / BUILT, segments.directory(staging.id))
        with database.write() as session:
            made = _replace(session, staging.id, manifest, group)
            at_commit = made is not None and made.visible
    finally:
        # A commit that was interrupted may have succeeded all the same: then the sweep finds out.
        if not at_commit:
            segments.discard(staging.id)
        segments.end(staging)
    if made is not None:
        for source in group:
            segments.discard(source.id)
    return made


def _copy(staging: Staging, segments: Segments, group: Sequence[Source]) -> Manifest:
    """Copy the videos that are left, in the order of their ids: the same videos give the same bytes."""
    for source in group:
        segments.verify(source.id)  # a damaged file must not get a new, valid checksum
    opened = [segments.open(source.id) for source in group]
    places = sorted(
        (video["id"].decode(), number, ordinal)
        for number, (rows, source) in enumerate(zip(opened, group, strict=True))
        for ordinal, video in enumerate(rows.videos)
        if video["id"].decode() in source.videos
    )
    builder = segments.builder(staging, group[0].model_id, group[0].dimension)
    try:
        contents = [
            copy_video(
                builder,
                opened[number],
                ordinal,
                without=[gone for video, gone in group[number].singly if video == video_id],
            )
            for video_id, number, ordinal in places
        ]
        return builder.finish(contents)
    finally:
        builder.close()


def _replace(session: Session, segment_id: str, manifest: Manifest, group: Sequence[Source]) -> Made | None:
    """Swap the rows; None if a segment of the group is gone."""
    ids = [source.id for source in group]
    lock = select(Segment.id).where(Segment.id.in_(ids)).order_by(Segment.id).with_for_update()
    if len(session.scalars(lock).all()) != len(ids):
        return None
    here = SegmentVideo.segment_id.in_(ids)
    left = set(session.scalars(select(SegmentVideo.video_id).where(here)))
    erased = sorted(frozenset[str]().union(*(source.videos for source in group)) - left)
    copied = frozenset[tuple[str, int]]().union(*(source.singly for source in group))
    gone_since = sorted(frozenset[tuple[str, int]]().union(*erased_singly(session, ids).values()) - copied)
    row = new_segment(segment_id, manifest, 0)
    if left:
        session.add(row)
        session.flush()
        session.execute(update(SegmentVideo).where(here).values(segment_id=segment_id))
    session.execute(delete(Segment).where(Segment.id.in_(ids)))
    row.change = advance_change(session)
    if not left:
        return Made(segment_id, visible=False, tracklets=0)
    session.add_all(Tombstone(segment_id=segment_id, video_id=v, change=row.change) for v in erased)
    session.add_all(
        TrackletTombstone(segment_id=segment_id, video_id=video_id, number=number, change=row.change)
        for video_id, number in gone_since
    )
    return Made(segment_id, visible=True, tracklets=manifest.tracklets)
