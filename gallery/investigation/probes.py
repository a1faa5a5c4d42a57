"""Uploaded images: the bytes in a file, what is known of them in a row.

The file is on the disk before its row is, so every row has its image; a crash in between leaves a file
without a row, which `sweep` removes.
"""

import contextlib
import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from gallery.catalogue.holds import Holding, refuse
from gallery.disk.files import PART, sync_directory, write_durably
from gallery.errors import InvalidInput, NotFound
from gallery.investigation.cases import note_erased_photos
from gallery.records.notices import Notice
from gallery.records.probes import FoundPerson, ProbeInfo
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database, batches
from gallery.sql.documents import Document
from gallery.sql.tables import Probe
from gallery.validation import known_id, optional_text

SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
}
_PERSONS = Document(FoundPerson, "the persons of a probe")
_NOTICES = Document(Notice, "the notices of a probe")
GRACE_SECONDS = 3600.0  # how long a photo may wait for its row
_SWEPT_AT_ONCE = 500
_MAX_SIDE = 100_000  # pixels; what an image may really have is the service's to decide


class Probes:
    """The uploaded images under `<data_dir>/probes/`."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._directory = data_dir / "probes"

    def add(  # noqa: PLR0917  (an image, what it is, and whose)
        self,
        image: bytes,
        media_type: str,
        width: int,
        height: int,
        persons: Sequence[FoundPerson],
        key_id: str | None = None,
        notices: Sequence[Notice] = (),
        *,
        by_operator: bool = False,
    ) -> ProbeInfo:
        """Store an image that has been decoded and judged already; it is not looked into here.

        Its event in the audit trail names the key, unless an operator on the machine stores it for one.

        Raises:
            InvalidInput: empty image, unknown media type, impossible size, or persons that cannot be stored.
        """
        if not image:
            raise InvalidInput("the image is empty")
        if media_type not in SUFFIXES:
            raise InvalidInput(f"media type must be one of {', '.join(SUFFIXES)}, not {media_type!r:.100}")
        if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
            raise InvalidInput(f"an image of {width} x {height} pixels")
        row = Probe(
            id=secrets.token_hex(16),
            key_id=optional_text(key_id, "key id", longest=32),
            image_hash=hashlib.sha256(image).hexdigest(),
            media_type=media_type,
            width=width,
            height=height,
            persons=_PERSONS.dump_all(persons),
            notices=_NOTICES.dump_all(notices),
            created_at=datetime.now(UTC),
        )
        # A failed transaction leaves the file to `sweep`: when the connection breaks in the middle of a
        # commit nobody can say whether the row is there.
        self._directory.mkdir(parents=True, exist_ok=True)
        self._write(self._path(row.id, media_type), image)
        with self._database.write() as session:
            session.add(row)
            detail = {"image_hash": row.image_hash, "persons": len(persons)}
            actor = None if by_operator else row.key_id
            add_event(session, "probe.add", key_id=actor, subject=row.id, detail=detail)
            return self._info(row)

    def get(self, probe_id: str) -> ProbeInfo:
        """Return a probe.

        Raises:
            NotFound: no such probe.
        """
        with self._database.read() as session:
            row = session.get(Probe, known_id(probe_id, "probe"))
            if row is None:
                raise NotFound(f"no probe {probe_id}")
            return self._info(row)

    def delete(self, probe_id: str, *, key_id: str | None = None) -> None:
        """Remove a probe's row and its image; `key_id` is who does it, None for the command line.

        Raises:
            NotFound: no such probe.
            Held: a case that it is in is under legal hold.
        """
        with self._database.write() as session:
            holding = Holding.read(session)
            row = session.get(Probe, known_id(probe_id, "probe"), with_for_update=True)
            if row is None:
                raise NotFound(f"no probe {probe_id}")
            refuse(holding.items.get(row.id), f"photo {row.id}")
            path = self._path(row.id, row.media_type)
            note_erased_photos(session, [row.id], "it was deleted")
            session.delete(row)
            add_event(session, "probe.delete", key_id=key_id, subject=row.id)
        # After the commit: an image without a row is swept, a row without an image would be a broken probe.
        path.unlink(missing_ok=True)
        if self._directory.is_dir():
            sync_directory(self._directory)

    def kept(self, probe_ids: Sequence[str]) -> set[str]:
        """Return those of some probes that are still there."""
        with self._database.read() as session:
            return set(session.scalars(select(Probe.id).where(Probe.id.in_(probe_ids))))

    def count(self, key_id: str | None) -> int:
        """Count the probes of a key."""
        with self._database.read() as session:
            query = select(func.count()).select_from(Probe).where(Probe.key_id == key_id)
            return session.execute(query).scalar_one()

    def expire(self, before: datetime) -> int:
        """Remove the probes made before a time, each with an audit event, and return how many.

        Those of cases under legal hold stay.
        """
        removed = 0
        while True:
            with self._database.write() as session:
                held = list(Holding.read(session).items)
                query = select(Probe).where(Probe.created_at < before, Probe.id.not_in(held))
                query = query.limit(_SWEPT_AT_ONCE)
                rows = session.scalars(query).all()
                note_erased_photos(session, [row.id for row in rows], "photos are not kept for longer")
                for row in rows:
                    session.delete(row)
                    add_event(session, "probe.expire", subject=row.id)
            for row in rows:  # after the commit, as in `delete`
                self._path(row.id, row.media_type).unlink(missing_ok=True)
            removed += len(rows)
            if len(rows) < _SWEPT_AT_ONCE:
                return removed

    def sweep(self, *, grace_seconds: float = GRACE_SECONDS) -> int:
        """Remove images without a row and return how many.

        Files younger than `grace_seconds` stay: somebody may be about to write their row.
        """
        orphans = self.orphans(grace_seconds=grace_seconds)
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)

    def orphans(self, *, grace_seconds: float = GRACE_SECONDS) -> list[Path]:
        """List what `sweep` would remove."""
        oldest_kept = time.time() - grace_seconds
        old = [path for path in self._files() if _modified(path) < oldest_kept]
        found = []
        for some in batches(old, _SWEPT_AT_ONCE):
            # Asked after listing: what was listed as old has its row by now, if it will ever have one.
            with self._database.read() as session:
                known = set(session.scalars(select(Probe.id).where(Probe.id.in_([p.stem for p in some]))))
            found += [path for path in some if path.suffix == PART or path.stem not in known]
        return found

    def _write(self, path: Path, image: bytes) -> None:
        try:
            write_durably(path, image)
        except OSError:  # a full disk should not stay full of what could not be written
            path.with_name(path.name + PART).unlink(missing_ok=True)
            raise

    def _files(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return [path for path in self._directory.iterdir() if path.is_file()]
        return []

    def _path(self, probe_id: str, media_type: str) -> Path:
        return probe_file(self._directory.parent, probe_id, media_type)

    def _info(self, row: Probe) -> ProbeInfo:
        return copied(
            ProbeInfo,
            row,
            persons=_PERSONS.load_all(row.persons),
            notices=_NOTICES.load_all(row.notices or ()),
            path=str(self._path(row.id, row.media_type)),
        )


def probe_file(data_dir: Path, probe_id: str, media_type: str) -> Path:
    """Name the file of a probe's image."""
    return data_dir / "probes" / (probe_id + SUFFIXES[media_type])


def _modified(path: Path) -> float:
    """Return the time a file was last written; the current time if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
