"""What an erasure does to the rows and the files of videos.

The transaction removes rows and, with them, what they are about from every answer. The files follow. What is
to be removed of them is noted on the disk first, since no row tells it afterwards: the next sweep finishes
what a crash interrupted.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gallery.catalogue.digests import rows_digest
from gallery.disk.files import PART, discard_tree, sync_directory, write_durably
from gallery.disk.locks import lock_name, staging_root, video_lock
from gallery.disk.media import cache_directory, thumbnails_directory
from gallery.errors import NotFound
from gallery.investigation.leaving_marks import forget_marks
from gallery.registry.sources import mark_erased
from gallery.sql.changes import advance_change
from gallery.sql.database import Database, batches
from gallery.sql.erasure_tables import PartErased
from gallery.sql.tables import SegmentVideo, Tracklet, TrackletTombstone, Video, VideoInterval
from gallery.times import microseconds
from gallery.writing.leaving import leave_segments, lock_segments


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves the gallery: whole videos, numbers of tracklets and stretches (µs) of videos that stay."""

    videos: Sequence[str]
    numbers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    cuts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def touched(self) -> list[str]:
        """All videos that lose something."""
        return sorted({*self.videos, *self.numbers, *self.cuts})


@dataclass(frozen=True, slots=True)
class Left:
    """What left: segments that hold nothing any more, and how many marks went."""

    segments: Sequence[str]
    marks: int


@contextmanager
def video_locks(data_dir: Path, video_ids: Sequence[str]) -> Iterator[None]:
    """Lock several videos, in the order that every caller who holds more than one keeps to."""
    with ExitStack() as stack:
        for _, one in sorted({lock_name(video_id): video_id for video_id in video_ids}.items()):
            stack.enter_context(video_lock(data_dir, one))
        yield


def note_files(data_dir: Path, video: Video, erasure_id: str, numbers: Sequence[int] | None) -> None:
    """Note which files go with a video (`numbers` None), or with some of its tracklets."""
    content: dict[str, object] = {"path": video.path} if video.owned and numbers is None else {}
    if numbers is not None:
        content = {"strips": list(numbers), "erasure": erasure_id}
    if content:
        note = _note(data_dir, video.id)
        note.parent.mkdir(parents=True, exist_ok=True)
        write_durably(note, json.dumps(content).encode())


def delete_rows(session: Session, leaving: Leaving) -> Left:
    """Remove the rows of what leaves, and mask its vectors; the last thing a transaction does but events.

    Raises:
        NotFound: a video is gone.
    """
    touched = leaving.touched
    locked = lock_segments(session, touched)
    for some in batches(touched):  # nobody marks a hit of them meanwhile
        held = select(Video.id).where(Video.id.in_(some)).order_by(Video.id).with_for_update()
        if missing := set(some) - set(session.scalars(held)):
            raise NotFound(f"no video {min(missing)}")
    segments: dict[str, list[str]] = {}
    for some in batches(touched):
        query = select(SegmentVideo.video_id, SegmentVideo.segment_id).where(SegmentVideo.video_id.in_(some))
        for video_id, segment_id in session.execute(query):
            segments.setdefault(video_id, []).append(segment_id)
    assert {one for own in segments.values() for one in own} <= set(locked)
    marks = 0
    for video_id in touched:
        mark_erased(session, video_id)
    for video_id in leaving.videos:
        marks += forget_marks(session, video_id)
    for video_id in sorted({*leaving.numbers, *leaving.cuts}):
        marks += _shrink(session, video_id, leaving.numbers.get(video_id, ()), leaving.cuts.get(video_id))
    for some in batches(leaving.videos):
        session.execute(delete(Video).where(Video.id.in_(some)))
    session.expire_all()
    change = advance_change(session)
    lone: set[str] = set()
    for video_id in leaving.videos:
        lone.update(leave_segments(session, video_id, segments.get(video_id, ()), change))
    session.add_all(
        TrackletTombstone(segment_id=segment_id, video_id=video_id, number=number, change=change)
        for video_id, numbers in leaving.numbers.items()
        for segment_id in segments.get(video_id, ())
        for number in numbers
    )
    return Left(sorted(lone), marks)


def _shrink(session: Session, video_id: str, numbers: Sequence[int], cut: tuple[int, int] | None) -> int:
    """Take tracklets and a stretch out of a video that stays; returns how many marks went."""
    marks = forget_marks(session, video_id, numbers)
    row = session.get_one(Video, video_id)
    for some in batches(numbers):
        session.execute(delete(Tracklet).where(Tracklet.video_id == video_id, Tracklet.number.in_(some)))
    row.tracklet_count -= len(numbers)
    if cut is not None:
        origin = microseconds(row.start_time)
        _cut_intervals(session, video_id, origin + cut[0], origin + cut[1])
    session.flush()
    if row.rows_sha256 is not None:
        row.rows_sha256 = rows_digest(session, video_id)
    session.flush()
    return marks


def _cut_intervals(session: Session, video_id: str, start_us: int, end_us: int) -> None:
    """Coverage says from then on that nothing of the stretch is there."""
    mine = VideoInterval.video_id == video_id
    pairs = session.execute(select(VideoInterval.start_us, VideoInterval.end_us).where(mine)).all()
    session.execute(delete(VideoInterval).where(mine))
    left = [
        (begin, end)
        for first, last in pairs
        for begin, end in ((first, min(last, start_us)), (max(first, end_us), last))
        if begin < end
    ]
    session.add_all(
        VideoInterval(video_id=video_id, start_us=begin, end_us=end) for begin, end in sorted(set(left))
    )


def finish_erasure(database: Database, data_dir: Path, video_id: str) -> bool:
    """Remove the files that went with a video, or with tracklets of it; False if the video has a row.

    Call it with the video locked.
    """
    with database.read() as session:
        video = session.get(Video, video_id)
        parts = set(session.scalars(select(PartErased.erasure_id).where(PartErased.video_id == video_id)))
    note = _note(data_dir, video_id)
    with suppress(FileNotFoundError):
        noted = json.loads(note.read_bytes())
        # A row may be there again: the erasure did not come to pass, or the recording was indexed once more.
        if "path" in noted and (video is None or video.path != noted["path"]):
            recording = Path(noted["path"])
            recording.unlink(missing_ok=True)
            _sync_parent(recording)
        if video is not None and noted.get("erasure") in parts:
            _remove_strips(data_dir, video_id, noted["strips"])
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


def _remove_strips(data_dir: Path, video_id: str, numbers: Sequence[int]) -> None:
    directory = thumbnails_directory(data_dir, video_id)
    for number in sorted(numbers):
        (directory / f"{number}.jpg").unlink(missing_ok=True)
    _sync_parent(directory / "-")
    # Clips of others may show them in passing.
    discard_tree(cache_directory(data_dir, video_id), staging_root(data_dir))


def _note(data_dir: Path, video_id: str) -> Path:
    return data_dir / "erasing" / f"{video_id}.json"


def _sync_parent(file: Path) -> None:
    with suppress(FileNotFoundError):
        sync_directory(file.parent)
