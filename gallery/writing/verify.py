"""Verifying: is everything that the catalogue names on the disk, byte for byte as it was written?"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from gallery.disk.media import thumbnails_directory
from gallery.errors import CorruptSegment
from gallery.sql.database import Database
from gallery.sql.tables import Segment, Video
from gallery.vectors.segment import SegmentVanished, segment_directory, verify_segment


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Counts of what was checked, and a sentence for each problem."""

    segments: int
    vector_bytes: int
    videos: int
    problems: tuple[str, ...]


def verify(database: Database, data_dir: Path) -> VerifyReport:
    """Compare all segments with their checksums and the catalogue, and count the thumbnails of each video."""
    with database.read() as session:
        segments = list(session.scalars(select(Segment).order_by(Segment.id)))
        videos = session.execute(select(Video.id, Video.tracklet_count).order_by(Video.id)).all()
    problems, size = [], 0
    for segment in segments:
        try:
            manifest = verify_segment(segment_directory(data_dir, segment.id))
        except SegmentVanished as error:
            if _is_recorded(database, segment.id):  # else compaction or an erasure took it meanwhile
                problems.append(str(error))
        except CorruptSegment as error:
            problems.append(str(error))
        else:
            size += sum(int(file["bytes"]) for file in manifest.files.values())
            written = (manifest.model_id, manifest.tracklets, manifest.clips)
            if written != (segment.model_id, segment.tracklet_count, segment.clip_count):
                problems.append(f"segment {segment.id} is another one than the catalogue says")
    for video_id, count in videos:
        directory = thumbnails_directory(data_dir, video_id)
        found = sum(1 for _ in directory.glob("*.jpg"))
        if found != count and not (found == 0 and not _has_video(database, video_id)):
            problems.append(f"video {video_id} has {found} thumbnails for {count} tracklets")
    return VerifyReport(len(segments), size, len(videos), tuple(problems))


def _is_recorded(database: Database, segment_id: str) -> bool:
    with database.read() as session:
        return session.get(Segment, segment_id) is not None


def _has_video(database: Database, video_id: str) -> bool:
    with database.read() as session:
        return session.get(Video, video_id) is not None
