"""A copy of the whole gallery, taken while it is used.

    backup.json      what is here: the version of the schema, where the gallery lay, SHA-256 of each file
    gallery.sqlite3  all rows at one moment, whichever database they came from
    files/           what those rows name: segments, thumbnails, probe photos, models, uploaded recordings

Vectors that are in Milvus are fetched from it, and are files here like all others.
Recordings that were indexed in place are not copied: they lie where their owner keeps them.
"""

import glob
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.backup.exports import Exports
from gallery.backup.transfer import copy_rows
from gallery.disk.files import (
    copy_file,
    is_full,
    make_private,
    remove_tree,
    sync_directory,
    sync_file,
    write_durably,
)
from gallery.disk.media import model_directory, thumbnails_directory
from gallery.errors import Conflict, StorageFull
from gallery.investigation.probes import probe_file
from gallery.jobs.state import QUEUED, RUNNING
from gallery.sql import schema
from gallery.sql.database import Database, create_engine_at
from gallery.sql.tables import JobRecording, Model, Probe, Segment, Tracklet, Video
from gallery.upkeep.files import is_lost, sha256_of
from gallery.vectors.segment import DATA_FILES, segment_directory
from gallery.vectors.segment import MANIFEST as SEGMENT_MANIFEST
from gallery.vectors.segments import Segments

FORMAT = 1
MANIFEST, CATALOGUE, FILES = "backup.json", "gallery.sqlite3", "files"
SEGMENT_FILES = (*DATA_FILES, SEGMENT_MANIFEST)
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, or a restored gallery was made of; `missing` files the gallery had lost before."""

    videos: int
    files: int
    bytes: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup says of itself.

    Attributes:
        format, schema: of the backup, and of its rows.
        data_dir: where the gallery lay.
        videos: how many.
        files: SHA-256 of each file by its path below `files/`.
        missing: paths that the rows name and that were not in the gallery.
        catalogue: SHA-256 of the rows' file; None in a backup of an earlier version.
    """

    format: int
    schema: str
    data_dir: str
    videos: int
    files: Mapping[str, str]
    missing: Sequence[str] = ()
    catalogue: str | None = None


def back_up(database: Database, segments: Segments, target: Path) -> BackupReport:
    """Copy the gallery into a new directory, while it is searched and written to.

    Rows are copied first, as they are at one moment; then the files that they name. When compaction or an
    erasure has removed one of these meanwhile, the rows are copied again. What the rows still name then is
    missing from the gallery: the backup says so, and holds everything else. One that was begun and not ended
    has no `backup.json` and cannot be restored.

    Raises:
        Conflict: the directory is there and not empty, or the gallery changes too fast to be copied.
        VectorsUnavailable: Milvus, which has vectors, cannot be reached; what was copied is removed again.
        StorageFull: there is no room for it; what was copied is removed again.
        OSError: something cannot be read or written.
    """
    if target.exists() and any(target.iterdir()):
        raise Conflict(f"{target} is not empty: a backup goes into a new folder")
    make_private(target)
    try:
        return _copy(database, segments, target)
    except BaseException as error:
        for entry in target.iterdir():
            remove_tree(entry) if entry.is_dir() else entry.unlink()
        if is_full(error):
            raise StorageFull(f"there is no room for a backup in {target}: nothing is left of it") from error
        raise


def _copy(database: Database, segments: Segments, target: Path) -> BackupReport:
    data_dir = segments.data_dir
    copied: dict[str, str] = {}
    exports = Exports(segments, target / FILES, SEGMENT_FILES)
    absent: set[str] = set()
    for _ in range(_ATTEMPTS):
        with _copied_catalogue(database, target / CATALOGUE) as rows:
            wanted = dict(_named_files(rows, data_dir))
            videos = _count(rows)
            lost = exports.add(rows, copied)
        missing = _copy_files(wanted, target, copied, lost)
        if missing <= absent:
            break
        absent = missing  # erased or compacted since the rows were copied, or missing from the gallery
    else:
        raise Conflict("files went away while they were copied: try again when less is erased or compacted")
    for name in copied.keys() - wanted.keys():
        (target / FILES / name).unlink()
        del copied[name]
    sync_file(target / CATALOGUE)
    rows_sha256 = sha256_of(target / CATALOGUE)
    manifest = BackupManifest(
        FORMAT, schema.HEAD, str(data_dir), videos, copied, sorted(missing), rows_sha256
    )
    write_durably(target / MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode())
    sync_directory(target.parent)
    return BackupReport(videos, len(copied), total_bytes(target / FILES, copied), tuple(sorted(missing)))


def _copy_files(wanted: Mapping[str, Path], target: Path, copied: dict[str, str], lost: Set[str]) -> set[str]:
    """Copy what is not `copied` yet, by name; returns what is not there, or `lost`."""
    missing = set(lost)
    for name, source in wanted.items():
        if name not in copied and name not in lost:
            try:
                copied[name] = copy_file(source, target / FILES / name)
            except FileNotFoundError:
                missing.add(name)
    return missing


@contextmanager
def _copied_catalogue(database: Database, file: Path) -> Iterator[Session]:
    """Copy all rows, as they are at one moment, into a new SQLite file; gives a session of it."""
    for leftover in file.parent.glob(f"{file.name}*"):
        leftover.unlink()
    url = f"sqlite:///{file.absolute()}"
    schema.upgrade(url)
    copy = Database(create_engine_at(url))
    try:
        with database.read() as source, copy.write() as target:
            copy_rows(source, target)
        with copy.write() as rows:
            yield rows
        copy.fold_log()
    finally:
        copy.close()


def _named_files(rows: Session, data_dir: Path) -> Iterator[tuple[str, Path]]:
    """List the files that rows name, below the data directory: by their path in it."""
    for segment_id in rows.scalars(select(Segment.id)):
        directory = segment_directory(data_dir, segment_id)
        yield from ((_inside(directory / name, data_dir), directory / name) for name in SEGMENT_FILES)
    strips = select(Tracklet.video_id, Tracklet.number, Tracklet.thumbnail_sha256)
    for video_id, number, digest in rows.execute(strips):
        if is_lost(digest):
            continue
        file = thumbnails_directory(data_dir, video_id) / f"{number}.jpg"
        yield _inside(file, data_dir), file
    for probe_id, media_type in rows.execute(select(Probe.id, Probe.media_type)):
        file = probe_file(data_dir, probe_id, media_type)
        yield _inside(file, data_dir), file
    for model_id, names in rows.execute(select(Model.id, Model.files).where(Model.files.is_not(None))):
        directory = model_directory(data_dir, model_id)
        yield from ((_inside(directory / name, data_dir), directory / name) for name in names)
    waiting = select(JobRecording.path).where(JobRecording.owned, JobRecording.state.in_([QUEUED, RUNNING]))
    for path in {*rows.scalars(select(Video.path).where(Video.owned)), *rows.scalars(waiting)}:
        recording = Path(path)
        if not recording.is_relative_to(data_dir):
            continue
        # Beside an upload lies what the service notes of it, under the same name.
        for file in recording.parent.glob(f"{glob.escape(recording.stem)}*"):
            yield _inside(file, data_dir), file


def _inside(file: Path, data_dir: Path) -> str:
    return str(file.relative_to(data_dir))


def _count(rows: Session) -> int:
    return rows.execute(select(func.count()).select_from(Video)).scalar_one()


def total_bytes(root: Path, names: Iterable[str]) -> int:
    """Add up the sizes of some files."""
    return sum((root / name).stat().st_size for name in names)
