"""A gallery made from a backup (see `gallery.backup.backup`)."""

import errno
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import String, func, literal, select, update
from sqlalchemy.orm import Session

from gallery.backup.backup import (
    CATALOGUE,
    FILES,
    FORMAT,
    MANIFEST,
    BackupManifest,
    BackupReport,
    total_bytes,
)
from gallery.backup.transfer import copy_rows, is_empty
from gallery.catalogue.digests import rows_digest
from gallery.disk.files import copy_file, is_full, make_private, remove_tree, write_durably
from gallery.errors import Conflict, InvalidInput, StorageFull
from gallery.settings import GallerySettings
from gallery.sql import schema
from gallery.sql.chain import add_event
from gallery.sql.database import Database, create_engine_at
from gallery.sql.tables import JobRecording, Video
from gallery.upkeep.files import sha256_of

_MANIFEST = TypeAdapter(BackupManifest)
_BEGUN = "restoring"  # there while a restore is under way: the folders that it fills


def restore(settings: GallerySettings, source: Path) -> BackupReport:
    """Make a gallery from a backup where there is none: files first, then all rows in one transaction.

    The database may be of another kind than the one that was backed up, and the folder another one. A backup
    of an earlier version is brought to this version's schema. One that was interrupted is begun anew.

    Raises:
        InvalidInput: no backup, or a file of it is missing or not what was written; nothing is left of it.
        Conflict: there is a gallery already.
        StorageFull: there is no room for it; nothing is left of it.
        SchemaMismatch: the backup was made by a later version.
    """
    manifest = _read_manifest(source)
    data_dir = settings.data_dir.absolute()
    make_private(data_dir)
    schema.upgrade(settings.resolved_database_url)
    database = Database(create_engine_at(settings.resolved_database_url))
    try:
        _make_sure_of_room(database, data_dir)
        _fill(database, data_dir, source, manifest)
    except OSError as error:
        if is_full(error):
            raise StorageFull(
                f"there is no room for the gallery in {data_dir}: nothing is left of it"
            ) from error
        raise
    finally:
        database.close()
    size = total_bytes(data_dir, manifest.files)
    return BackupReport(manifest.videos, len(manifest.files), size, tuple(manifest.missing))


def _make_sure_of_room(database: Database, data_dir: Path) -> None:
    """Raise Conflict where there is a gallery. What an interrupted restore left is none, and goes."""
    with database.read() as session:
        empty = is_empty(session)
    begun = data_dir / _BEGUN
    if not empty or ((data_dir / "segments").exists() and not begun.exists()):
        raise Conflict("there is a gallery already: restore into an empty folder and database")
    if begun.exists():
        for folder in json.loads(begun.read_bytes() or b"[]"):
            remove_tree(data_dir / folder)


def _fill(database: Database, data_dir: Path, source: Path, manifest: BackupManifest) -> None:
    """Copy files and rows; leaves nothing when it cannot copy all."""
    folders = sorted({Path(name).parts[0] for name in manifest.files})
    begun = data_dir / _BEGUN
    write_durably(begun, json.dumps(folders).encode())
    at_commit = False
    try:
        for name, digest in manifest.files.items():
            if _copied(source / FILES / name, data_dir / name) != digest:
                raise InvalidInput(f"{name} is not what was backed up")
        if manifest.catalogue not in {None, sha256_of(source / CATALOGUE)}:
            raise InvalidInput(f"{CATALOGUE} is not what was backed up")
        with _readable_catalogue(source / CATALOGUE, data_dir) as rows, database.write() as session:
            copy_rows(rows, session)
            _move_paths(session, manifest.data_dir, str(data_dir))
            detail = {"files": len(manifest.files), "rows_sha256": manifest.catalogue}
            add_event(session, "gallery.restore", detail=detail)
            at_commit = True
    finally:
        if not at_commit:
            for folder in folders:
                shutil.rmtree(data_dir / folder, ignore_errors=True)
        begun.unlink(missing_ok=True)


def _copied(source: Path, target: Path) -> str | None:
    """Copy a file and return its SHA-256; None if it is not there, or cannot be a file."""
    try:
        return copy_file(source, target)
    except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None
        raise


def _read_manifest(source: Path) -> BackupManifest:
    try:
        manifest = _MANIFEST.validate_json((source / MANIFEST).read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        raise InvalidInput(f"{source} holds no backup") from error
    if manifest.format != FORMAT or not all(map(_is_name, manifest.files)):
        raise InvalidInput(f"{source} holds a backup of another format")
    return manifest


def _is_name(name: str) -> bool:
    """Whether a file may be called so: in a folder of the gallery's, and in none that restoring makes."""
    path = Path(name)
    parts = path.parts
    inside = not path.is_absolute() and ".." not in parts and len(parts) > 1 and "\0" not in name
    return inside and parts[0] != _BEGUN and not parts[0].startswith(CATALOGUE)


@contextmanager
def _readable_catalogue(file: Path, data_dir: Path) -> Iterator[Session]:
    """Bring a copy of a backup's rows to this version's schema and read it; the backup stays as it is."""
    with tempfile.TemporaryDirectory(dir=data_dir) as folder:
        copy = Path(folder) / file.name
        shutil.copyfile(file, copy)
        url = f"sqlite:///{copy}"
        schema.upgrade(url)
        database = Database(create_engine_at(url))
        try:
            schema.check(database)
            with database.read() as rows:
                yield rows
        finally:
            database.close()


def _move_paths(session: Session, before: str, now: str) -> None:
    """Let uploaded recordings be found where they lie now."""
    if before == now:
        return
    moved = []
    for table in (Video, JobRecording):
        inside = (table.owned, table.path.startswith(before + "/", autoescape=True))
        if table is Video:
            moved = list(session.scalars(select(Video).where(*inside, Video.rows_sha256.is_not(None))))
        path = literal(now, String) + func.substr(table.path, len(before) + 1)
        session.execute(
            update(table).where(*inside).values(path=path).execution_options(synchronize_session=False)
        )
    for video in moved:
        video.rows_sha256 = rows_digest(session, video.id)
