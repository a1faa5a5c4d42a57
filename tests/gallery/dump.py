"""Everything a gallery holds, in a form that two galleries can be compared by."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gallery.gallery import Gallery
from gallery.sql.erasure_tables import PartErased
from gallery.sql.tables import (
    Camera,
    Clip,
    Model,
    Segment,
    SegmentVideo,
    Tombstone,
    Tracklet,
    TrackletTombstone,
    Video,
    VideoInterval,
)

# What differs between two runs over the same recording: times and changes, and the random names of segments.
_VARYING = {"created_at", "indexed_at", "rows_sha256", "change", "tracklets_change"}


def dump(gallery: Gallery) -> dict[str, Any]:
    """Rows, and the SHA-256 of every file, with segments named by the videos in them."""
    with gallery._database.read() as session:
        rows: dict[str, Any] = {
            table.__tablename__: sorted(
                json.dumps(
                    {c.name: getattr(row, c.name) for c in table.__table__.columns if c.name not in _VARYING},
                    default=repr,
                    sort_keys=True,
                )
                for row in session.scalars(select(table))
            )
            for table in (Camera, Video, VideoInterval, Tracklet, Clip, Model)
        }
        held: dict[str, list[str]] = {}
        for row in session.scalars(select(SegmentVideo).order_by(SegmentVideo.video_id)):
            held.setdefault(row.segment_id, []).append(row.video_id)
        segments = {
            row.id: (row.model_id, row.tracklet_count, row.clip_count)
            for row in session.scalars(select(Segment))
        }
        singly = [
            (row.segment_id, f"{row.video_id}-{row.number}")
            for row in session.scalars(select(TrackletTombstone))
        ]
        rows["parts"] = sorted(
            (row.video_id, row.tracklets, str(row.start_us), str(row.end_us))
            for row in session.scalars(select(PartErased))
        )
        tombstones = [(row.segment_id, row.video_id) for row in session.scalars(select(Tombstone))]
    assert set(held) == set(segments)
    rows["tombstones"] = sorted((" ".join(held[segment]), video) for segment, video in tombstones)
    rows["singly"] = sorted((" ".join(held[segment]), tracklet) for segment, tracklet in singly)
    rows["segments"] = {
        " ".join(videos): (*segments[key], hashes(gallery.data_dir / "segments" / key))
        for key, videos in held.items()
    }
    rows["segment directories"] = sorted(path.name for path in (gallery.data_dir / "segments").glob("*"))
    assert rows.pop("segment directories") == sorted(segments)
    rows["thumbnails"] = hashes(gallery.data_dir / "thumbnails")
    rows["staging"] = hashes(gallery.data_dir / "staging")
    return rows


def hashes(directory: Path) -> dict[str, str]:
    """The SHA-256 of each file below a directory."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
