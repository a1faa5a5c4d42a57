"""Verifying: is everything that the catalogue names as it was written, and the catalogue itself?"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from gallery.catalogue.digests import rows_digest
from gallery.disk.media import model_directory, thumbnails_directory
from gallery.errors import CorruptSegment
from gallery.investigation.probes import probe_file
from gallery.sql.checking import check_database
from gallery.sql.database import Database
from gallery.sql.tables import Model, Probe, Segment, SegmentVideo, Tracklet, Video
from gallery.vectors.segment import MANIFEST, SegmentVanished, segment_directory, verify_segment


@dataclass(frozen=True, slots=True)
class DamagedVideo:
    """A video that its recording can mend: index it again under this model, replacing what there is."""

    video_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, and what is wrong.

    Attributes:
        segments, vector_bytes, videos: how much was compared.
        unsealed: videos whose rows have no checksum: an earlier version wrote them.
        problems: a sentence for everything that is wrong.
        damaged: videos with damaged vectors, thumbnails or rows.
    """

    segments: int
    vector_bytes: int
    videos: int
    unsealed: int
    problems: tuple[str, ...]
    damaged: tuple[DamagedVideo, ...]


@dataclass(slots=True)
class _Findings:
    vector_bytes: int = 0
    unsealed: int = 0
    problems: list[str] = field(default_factory=list)
    damaged: set[tuple[str, str]] = field(default_factory=set)


def verify(database: Database, data_dir: Path) -> VerifyReport:
    """Compare segments, thumbnails, probe photos, models and the rows of videos with their checksums.

    Reads everything but the recordings. What is erased or compacted meanwhile is no problem.
    """
    found = _Findings(problems=check_database(database))
    with database.read() as session:
        segments = list(session.scalars(select(Segment).order_by(Segment.id)))
        videos = list(session.scalars(select(Video).order_by(Video.id)))
        probes = list(session.scalars(select(Probe).order_by(Probe.id)))
        models = list(session.scalars(select(Model).where(Model.files.is_not(None)).order_by(Model.id)))
    for segment in segments:
        _verify_segment(database, data_dir, segment, found)
    for video in videos:
        _verify_video(database, data_dir, video, found)
    for probe in probes:
        file = probe_file(data_dir, probe.id, probe.media_type)
        if _sha256(file) != probe.image_hash and _is_there(database, Probe, probe.id):
            found.problems.append(f"the photo of probe {probe.id} is not what was uploaded")
    for model in models:
        folder, digests = model_directory(data_dir, model.id), model.files or {}
        wrong = [name for name, digest in digests.items() if _sha256(folder / name) != digest]
        if wrong and _is_there(database, Model, model.id):
            found.problems.append(f"{wrong[0]} of model {model.name} is not what was added")
    damaged = tuple(DamagedVideo(*one) for one in sorted(found.damaged))
    return VerifyReport(
        len(segments), found.vector_bytes, len(videos), found.unsealed, tuple(found.problems), damaged
    )


def _verify_segment(database: Database, data_dir: Path, segment: Segment, found: _Findings) -> None:
    try:
        found.vector_bytes += _compared_bytes(segment_directory(data_dir, segment.id), segment)
    except CorruptSegment as error:
        if isinstance(error, SegmentVanished) and not _is_there(database, Segment, segment.id):
            return  # compaction or an erasure took it meanwhile
        found.problems.append(str(error))
        query = select(SegmentVideo.video_id).where(SegmentVideo.segment_id == segment.id)
        with database.read() as session:
            found.damaged |= {(video_id, segment.model_id) for video_id in session.scalars(query)}


def _compared_bytes(directory: Path, segment: Segment) -> int:
    """Compare a segment with its checksums and with the catalogue, and return its size."""
    manifest = verify_segment(directory)
    written = (manifest.model_id, manifest.tracklets, manifest.clips)
    if written != (segment.model_id, segment.tracklet_count, segment.clip_count):
        raise CorruptSegment(segment.id, "is another one than the catalogue says")
    if segment.manifest_sha256 not in {None, _sha256(directory / MANIFEST)}:
        raise CorruptSegment(segment.id, "was rewritten together with its manifest")
    return sum(int(file["bytes"]) for file in manifest.files.values())


def _verify_video(database: Database, data_dir: Path, video: Video, found: _Findings) -> None:
    with database.read() as session:
        if session.get(Video, video.id) is None:
            return  # erased meanwhile
        query = select(Tracklet.number, Tracklet.thumbnail_sha256).where(Tracklet.video_id == video.id)
        thumbnails = dict(session.execute(query).all())
        sealed = session.get_one(Video, video.id).rows_sha256
        altered = sealed is not None and rows_digest(session, video.id) != sealed
        models = list(
            session.scalars(
                select(SegmentVideo.model_id)
                .where(SegmentVideo.video_id == video.id)
                .order_by(SegmentVideo.model_id)
            )
        )
    found.unsealed += sealed is None
    wrong = list(_wrong_thumbnails(thumbnails_directory(data_dir, video.id), thumbnails))
    if (not wrong and not altered) or not _is_there(database, Video, video.id):
        return
    if wrong:
        found.problems.append(
            f"video {video.id}: {len(wrong)} thumbnails are not what was written: {wrong[0]}"
        )
    if altered:
        found.problems.append(f"video {video.id}: its rows are not what was written")
    found.damaged |= {(video.id, model_id) for model_id in models[:1]}


def _wrong_thumbnails(directory: Path, thumbnails: dict[int, str | None]) -> Iterator[str]:
    """Name those that are missing, changed or too many."""
    names = {f"{number}.jpg": digest for number, digest in thumbnails.items()}
    there = {path.name for path in directory.glob("*.jpg")}
    yield from sorted(there ^ names.keys())
    for name in sorted(there & names.keys()):
        if names[name] not in {None, _sha256(directory / name)}:
            yield name


def _sha256(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def _is_there(database: Database, table: type[Model | Probe | Segment | Video], row_id: str) -> bool:
    with database.read() as session:
        return session.get(table, row_id) is not None
