"""Mending what needs no recording. Everything is looked at again first: a report may be of an hour ago."""

from dataclasses import astuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gallery.sql.changes import advance_change, current_change
from gallery.sql.database import Database
from gallery.sql.tables import GalleryState, Segment, SegmentVideo, Tombstone
from gallery.upkeep.faults import Mended, Unnamed
from gallery.upkeep.rows import last_counted
from gallery.upkeep.verify import VerifyReport
from gallery.vectors.clusters import DamagedClusters, verify_clusters
from gallery.vectors.segments import Segments
from gallery.writing.sweep import sweep


def mend(database: Database, segments: Segments, report: VerifyReport) -> Mended:
    """Remove what nothing names, mask vectors without rows, and put the change sequence ahead."""
    removed = sum(astuple(sweep(database, segments)))
    removed += sum(_is_damaged(segments, one) and segments.discard_clusters(one) for one in report.clusters)
    with database.write() as session:
        corrected = int(_catch_up(session))
    for unnamed in report.unnamed:
        with database.write() as session:
            corrected += _mask(session, unnamed)
    for segment_id in report.empty:
        with database.write() as session:
            dropped = _drop(session, segment_id)
        if dropped:
            segments.discard(segment_id)
        corrected += dropped
    return Mended(removed, corrected)


def _is_damaged(segments: Segments, segment_id: str) -> bool:
    """Whether the clusters of a segment still are; a worker may have made them anew."""
    try:
        verify_clusters(segments.clusters(segment_id))
    except DamagedClusters:
        return True
    return False


def _catch_up(session: Session) -> bool:
    """Let the next change be a new one for everybody: a database that was put back counts from too low."""
    last = last_counted(session)
    if last <= current_change(session):
        return False
    session.execute(update(GalleryState).where(GalleryState.change < last).values(change=last + 1))
    return True


def _mask(session: Session, unnamed: Unnamed) -> bool:
    """Hide a video that a segment holds without a row; compaction takes its vectors from the disk."""
    segment = session.get(Segment, unnamed.segment_id, with_for_update=True)
    held = select(SegmentVideo).where(
        SegmentVideo.segment_id == unnamed.segment_id, SegmentVideo.video_id == unnamed.video_id
    )
    key = (unnamed.segment_id, unnamed.video_id)
    if segment is None or session.scalar(held) is not None or session.get(Tombstone, key) is not None:
        return False
    mask = Tombstone(segment_id=key[0], video_id=key[1], change=advance_change(session))
    session.add(mask)
    return True


def _drop(session: Session, segment_id: str) -> bool:
    """Delete the row of a segment that no video is in."""
    segment = session.get(Segment, segment_id, with_for_update=True)
    held = select(SegmentVideo).where(SegmentVideo.segment_id == segment_id).limit(1)
    if segment is None or session.scalar(held) is not None:
        return False
    session.execute(delete(Segment).where(Segment.id == segment_id))
    advance_change(session)
    return True
