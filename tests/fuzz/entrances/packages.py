"""Entrances for archives: evidence packages, backups, segments of vectors."""

import hashlib
import io
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from gallery.backup.restoring import _read_manifest
from gallery.errors import CatalogueDamaged, CorruptSegment, InvalidInput, SchemaMismatch
from gallery.gallery import Gallery
from gallery.settings import GallerySettings
from gallery.sql import schema
from gallery.vectors.segment import DATA_FILES, MANIFEST, open_segment, read_clips
from service.evidence import verifier
from service.evidence.archive import Archive, Part
from tests.fuzz.entrances.base import Entrance, change_one, must, pack, unpack, written
from tests.fuzz.mutate import Shake
from tests.gallery.making import make_tracklets, store

_DATABASE = {"gallery.sqlite3", "gallery.sqlite3-wal", "gallery.sqlite3-shm", "gallery.sqlite3-journal"}
FACTS = {
    "made_at": "2026-03-01T12:00:00+00:00",
    "recordings": [{"file_name": "gate.mp4", "sha256": "0" * 64}],
}


def _packed(parts: dict[str, bytes], facts: dict[str, Any]) -> bytes:
    archive = Archive()
    chunks = [chunk for name, content in parts.items() for chunk in archive.add(Part(name, content))]
    chunks += archive.finish(facts, lambda digest: None)
    return b"".join(chunks)


class Packages(Entrance):
    """Evidence packages: one that was changed in any byte is refused, by its digest at the latest."""

    name = "packages"
    watched = ("service.evidence.verifier",)
    tokens = (
        b"PK\3\4",
        b"PK\1\2",
        b"PK\5\6",
        b"PK\6\6",
        b"manifest.json",
        b"manifest.sha256",
        b"../",
        b'"files"',
    )
    share = 90
    chunk = 5000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._parts = {"hits/1.jpg": bytes(range(200)), "report.html": b"<p>", "verify.py": b"pass\n"}
        self._whole = _packed(self._parts, FACTS)
        self._digest = verifier.verify(io.BytesIO(self._whole)).digest

    def seeds(self) -> list[bytes]:
        return [self._whole]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        if shake.random.random() < 0.7:
            return shake.havoc(data, other)
        # Made anew by somebody who knows the form: whole, and refused only by the digest that was noted.
        parts = {name: shake.havoc(content) if shake.random.random() < 0.3 else content
                 for name, content in self._parts.items()}  # fmt: skip
        facts = shake.document(FACTS)
        try:
            made = _packed(parts, facts if isinstance(facts, dict) else FACTS)
        except ValueError:
            return shake.havoc(data, other)
        return made if shake.random.random() < 0.5 else shake.havoc(made)

    def check(self, data: bytes) -> str:
        try:
            found = verifier.verify(io.BytesIO(data))
        except verifier.Refused as error:
            must(str(error).isprintable() and len(str(error)) < 2000, "a reason that is none")
            return "refused"
        verifier.said(found, None)
        try:
            verifier.verify(io.BytesIO(data), self._digest)
        except verifier.Refused:
            must(found.digest != self._digest, "refused although its digest is right")
            return "another one"
        must(data == self._whole, "another package counts as the one that was noted")
        return "verified"


class BackupManifests(Entrance):
    """What a backup says of itself: files below its folder, or InvalidInput."""

    name = "backup-manifests"
    watched = ("gallery.backup",)
    tokens = (
        b"../",
        b"files",
        b"format",
        b"catalogue",
        b"schema",
        b"gallery.sqlite3",
        b"restoring",
        b"/etc/passwd",
    )
    share = 10
    chunk = 2500
    few = 60

    @classmethod
    def prepare(cls) -> None:
        backup()

    def seeds(self) -> list[bytes]:
        return [unpack(backup())["backup.json"]]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.json(data, other)

    def check(self, data: bytes) -> str:
        with written(self.folder, {"backup.json": data}) as source:
            try:
                manifest = _read_manifest(source)
            except InvalidInput:
                return "refused"
        for name, digest in manifest.files.items():
            path = Path(name)
            must(not path.is_absolute() and ".." not in path.parts and len(path.parts) > 1, "a file outside")
            must("\0" not in name and isinstance(digest, str), "no file")
        must(isinstance(manifest.data_dir, str) and isinstance(manifest.videos, int), "fields of other types")
        return "read"


class Restores(Entrance):
    """Backups: a gallery whose database is sound, or an error of the gallery and nothing left of it."""

    name = "restores"
    watched = ("gallery.backup",)
    tokens = BackupManifests.tokens
    seconds = 20.0
    share = 0.04
    chunk = 10
    few = 1

    @classmethod
    def prepare(cls) -> None:
        backup()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._template = _template()

    def seeds(self) -> list[bytes]:
        return [backup()]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        parts = unpack(change_one(shake, data, other))
        if shake.random.random() < 0.7:
            _as_if_written(parts)
        return pack(parts)

    def check(self, data: bytes) -> str:
        source, target = self.folder / "backup", self.folder / "gallery"
        _spread(unpack(data), source)
        target.mkdir()
        (target / "gallery.sqlite3").write_bytes(self._template)
        settings = GallerySettings(data_dir=target)
        try:
            Gallery.restore(settings, source)
        except (InvalidInput, SchemaMismatch, CatalogueDamaged) as error:
            left = {one.name for one in target.iterdir()} - _DATABASE
            must(not left, f"left behind: {sorted(left)}")
            with Gallery.open(settings) as gallery:
                must(gallery.catalogue.videos() == [], "rows of a backup that was refused")
            return type(error).__name__
        else:
            with Gallery.open(settings) as gallery:
                faults = gallery.verify().problems
            return "restored with faults" if faults else "restored"
        finally:
            for folder in (source, target):
                shutil.rmtree(folder)


class Segments(Entrance):
    """Segments of vectors, as a backup may bring them: opened, or CorruptSegment.

    Most have the checksums of what was changed: somebody who makes a segment makes these, too.
    """

    name = "segments"
    watched = ("gallery.vectors.segment",)
    tokens = (
        b"\x93NUMPY",
        b"{'descr':",
        b"'<i8'",
        b"'|O'",
        b"IxSQ",
        b"IxFI",
        b"'shape': (",
        b"'fortran_order': True",
    )
    share = 10
    chunk = 1000
    few = 60

    @classmethod
    def prepare(cls) -> None:
        backup()

    def seeds(self) -> list[bytes]:
        prefix = "files/segments/"
        names = {name.split("/")[2] for name in unpack(backup()) if name.startswith(prefix)}
        parts = unpack(backup())
        return [
            pack({name.rpartition("/")[2]: content for name, content in parts.items() if f"/{one}/" in name})
            for one in sorted(names)
        ]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        parts = unpack(change_one(shake, data, other))
        if shake.random.random() < 0.8:
            try:
                manifest = json.loads(parts[MANIFEST])
                for name in DATA_FILES:
                    digest = hashlib.sha256(parts[name]).hexdigest()
                    manifest["files"][name] = {"bytes": len(parts[name]), "sha256": digest}
                parts[MANIFEST] = json.dumps(manifest).encode()
            except (ValueError, TypeError, KeyError, RecursionError):
                pass
        return pack(parts)

    def check(self, data: bytes) -> str:
        parts = {name: content for name, content in unpack(data).items() if name in {*DATA_FILES, MANIFEST}}
        with written(self.folder, parts) as directory:
            try:
                rows = open_segment(directory)
                read_clips(directory, 16, [(0, 1)])
            except CorruptSegment:
                return "refused"
        must(rows.columns.shape[1] == len(rows.video_of_row), "columns without vectors")
        return "opened"


@cache
def _template() -> bytes:
    """A migrated database without rows."""
    with tempfile.TemporaryDirectory() as folder:
        schema.upgrade(f"sqlite:///{folder}/gallery.sqlite3")
        return Path(folder, "gallery.sqlite3").read_bytes()


@cache
def backup() -> bytes:
    """A backup of a small gallery."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder, "gallery")
        data_dir.mkdir()
        (data_dir / "gallery.sqlite3").write_bytes(_template())
        with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
            store(gallery, 1, make_tracklets(1, 3))
            gallery.probes.add(b"\xff\xd8\xffphoto", "image/jpeg", 8, 8, [])
            gallery.back_up(Path(folder, "backup"))
        root = Path(folder, "backup")
        files = sorted(one for one in root.rglob("*") if one.is_file())
        return pack({str(one.relative_to(root)): one.read_bytes() for one in files})


def _spread(parts: dict[str, bytes], root: Path) -> None:
    root.mkdir()
    for name, content in parts.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _as_if_written(parts: dict[str, bytes]) -> None:
    """Let the manifest name the digests of what is there."""
    try:
        manifest = json.loads(parts["backup.json"])
        for name in manifest["files"]:
            manifest["files"][name] = hashlib.sha256(parts[f"files/{name}"]).hexdigest()
        manifest["catalogue"] = hashlib.sha256(parts["gallery.sqlite3"]).hexdigest()
        parts["backup.json"] = json.dumps(manifest).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return
