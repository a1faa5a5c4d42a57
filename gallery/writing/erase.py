"""Erasing a video: its rows, vectors, thumbnails, cut clips, and its file if it was uploaded to us.

The transaction removes the rows and, with them, the video from every answer. The files follow. What is to be
removed of the recording itself is noted on the disk first, since no row tells it afterwards: the next sweep
finishes what a crash interrupted.
"""

import errno
import json
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gallery.disk.files import PART, discard_tree, sync_directory, write_durably
from gallery.disk.locks import staging_root, video_lock
from gallery.disk.media import cache_directory, thumbnails_directory
from gallery.disk.reserve import Reserve
from gallery.errors import NotFound, StorageFull
from gallery.investigation.marks import forget_marks
from gallery.registry.sources import mark_erased
from gallery.sql.changes import advance_change
from gallery.sql.database import Database
from gallery.sql.tables import Video
from gallery.validation import known_id
from gallery.vectors.segment import segment_directory
from gallery.writing.leaving import leave_segments, lock_segments


def erase_video(database: Database, data_dir: Path, video_id: str) -> int:
    """Erase a video and everything made from it; what was recorded of jobs, probes and searches stays.

    No search that begins afterwards finds it. Marks on its tracklets go, and their searches count them.
    Models that learnt from it are marked. Vectors that share a segment with other videos are masked, and
    leave the disk when the segment is compacted. On a full disk the room kept back for this is used.

    Returns:
        How many marks went.

    Raises:
        NotFound: no such video.
        StorageFull: not even that was enough.
    """
    known_id(video_id, "video")
    reserve = Reserve(data_dir)
    try:
        return _erase(database, data_dir, video_id)
    except (StorageFull, OSError) as error:
        if isinstance(error, OSError) and error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        if not reserve.spend():
            raise StorageFull("the disk is full: nothing was erased") from error
        marks = _erase(database, data_dir, video_id)
        reserve.keep()
        return marks


def _erase(database: Database, data_dir: Path, video_id: str) -> int:
    with video_lock(data_dir, video_id):
        with database.read() as session:
            video = session.get(Video, video_id)
        if video is None:
            finish_erasure(database, data_dir, video_id)
            raise NotFound(f"no video {video_id}")
        if video.owned:
            note = _note(data_dir, video_id)
            note.parent.mkdir(parents=True, exist_ok=True)
            write_durably(note, json.dumps({"path": video.path}).encode())
        with database.write() as session:
            segments, marks = _delete_rows(session, video_id)
        for segment_id in segments:
            discard_tree(segment_directory(data_dir, segment_id), staging_root(data_dir))
        finish_erasure(database, data_dir, video_id)
        return marks


def finish_erasure(database: Database, data_dir: Path, video_id: str) -> bool:
    """Remove the files of a video that has no row; False if it has one. Call it with the video locked."""
    with database.read() as session:
        video = session.get(Video, video_id)
    note = _note(data_dir, video_id)
    with suppress(FileNotFoundError):
        recording = Path(json.loads(note.read_bytes())["path"])
        # Its row may be there again: the erasure did not come to pass, or the recording was indexed once
        # more.
        if video is None or video.path != str(recording):
            recording.unlink(missing_ok=True)
            _sync_parent(recording)
    if video is None:
        discard_tree(thumbnails_directory(data_dir, video_id), staging_root(data_dir))
        discard_tree(cache_directory(data_dir, video_id), staging_root(data_dir))
    for file in (note, note.with_name(note.name + PART)):
        if file.exists():
            file.unlink()
            sync_directory(file.parent)
    return video is None


def noted_erasures(data_dir: Path) -> list[str]:
    """List the videos whose erasure has begun and not ended."""
    return sorted({note.name.partition(".")[0] for note in (data_dir / "erasing").glob("*.json*")})


def _note(data_dir: Path, video_id: str) -> Path:
    return data_dir / "erasing" / f"{video_id}.json"


def _sync_parent(recording: Path) -> None:
    with suppress(FileNotFoundError):
        sync_directory(recording.parent)


def _delete_rows(session: Session, video_id: str) -> tuple[list[str], int]:
    """Delete a video's rows; return the segments that held nothing else, and how many marks went."""
    segment_ids = lock_segments(session, video_id)
    session.get(Video, video_id, with_for_update=True)  # nobody marks a hit of it meanwhile
    mark_erased(session, video_id)
    marks = forget_marks(session, video_id)
    if session.scalar(delete(Video).where(Video.id == video_id).returning(Video.id)) is None:
        raise NotFound(f"no video {video_id}")
    return leave_segments(session, video_id, segment_ids, advance_change(session)), marks
