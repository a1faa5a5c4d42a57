"""Each fault is made, found and named; mending takes away what it can, and nothing else."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, text

from gallery.gallery import Gallery
from gallery.records.jobs import NewRecording
from gallery.records.searching import Filters
from gallery.sql.tables import Tombstone
from gallery.upkeep.faults import Part, Remedy
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, store

QUERY = make_tracklets(99, 1)[0].feature
UPLOADED = b"up"  # its SHA-256 is content_hash("up")
ID = content_hash("v")[:32]


@pytest.fixture
def filled(gallery: Gallery) -> Gallery:
    """Two videos in one segment, an uploaded one in another, a probe, a search, a job and what they did."""
    store(gallery, "v", make_tracklets(1, 3))
    store(gallery, "w", make_tracklets(2, 3))
    gallery.compact()
    upload = gallery.data_dir / "uploads" / "1.data"
    upload.parent.mkdir()
    upload.write_bytes(UPLOADED)
    yard = gallery.catalogue.add_camera("yard")
    store(gallery, "up", make_tracklets(8, 2), camera=yard, path=str(upload), owned=True)
    (upload.parent / "2.data").write_bytes(b"2")
    waiting = str(upload.parent / "2.data")
    gallery.jobs.file([NewRecording(yard.id, waiting, "2", owned=True, start_time=START)])
    gallery.probes.add(b"\xff\xd8\xffphoto", "image/jpeg", 8, 8, [])
    gallery.audit.record("probe.view", subject="x")
    assert gallery.verify().faults == ()
    return gallery


def sql(*statements: str) -> Callable[[Gallery], None]:
    """Somebody at the database, who makes it obey."""

    def run(gallery: Gallery) -> None:
        engine = gallery._database.engine
        lax = "SET session_replication_role = replica" if engine.name == "postgresql" else "SELECT 1"
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.name == "sqlite":
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            for statement in (lax, *statements):
                if "TRIGGER" not in statement or engine.name == "sqlite":
                    connection.exec_driver_sql(statement)
                else:
                    connection.exec_driver_sql(f"{statement} ON audit_event")
            if engine.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
                connection.exec_driver_sql("BEGIN")
        engine.dispose()  # no connection stays as lax

    return run


def rewrite(name: str, change: Callable[[bytearray], None]) -> Callable[[Gallery], None]:
    """Somebody who changes a file of the shared segment and knows how manifests and rows name it."""

    def run(gallery: Gallery) -> None:
        (directory,) = [
            f.parent for f in gallery.data_dir.glob("segments/*/videos.npy") if len(np.load(f)) == 2
        ]
        content = bytearray((directory / name).read_bytes())
        change(content)
        (directory / name).write_bytes(content)
        manifest = json.loads((directory / "manifest.json").read_text())
        manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
        whole = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
        (directory / "manifest.json").write_bytes(whole)
        digest = hashlib.sha256(whole).hexdigest()
        sql(f"UPDATE segment SET manifest_sha256 = '{digest}' WHERE id = '{directory.name}'")(gallery)

    return run


def nan(content: bytearray) -> None:
    content[-2:] = np.float16(np.nan).tobytes()


def long(content: bytearray) -> None:
    content[-2:] = np.float16(3).tobytes()


def later(content: bytearray) -> None:
    columns = np.frombuffer(content, np.int64, 18, len(content) - 18 * 8)
    columns[0] += 1


def folder(*parts: str) -> Callable[[Gallery], None]:
    def run(gallery: Gallery) -> None:
        made = gallery.data_dir.joinpath(*parts)
        made.mkdir(parents=True)
        (made / "0.jpg").write_bytes(b"x")

    return run


def file(name: str, content: bytes | None, *, old: bool = False) -> Callable[[Gallery], None]:
    def run(gallery: Gallery) -> None:
        path = gallery.data_dir / name
        if content is None:
            path.unlink()
            return
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        if old:
            os.utime(path, (0, 0))

    return run


def hide(gallery: Gallery) -> None:
    """A row that says a video is erased from a segment which is still said to hold it."""
    with gallery._database.write() as session:
        held = session.execute(
            text(f"SELECT segment_id FROM segment_video WHERE video_id = '{ID}'")
        ).scalar_one()
        session.execute(insert(Tombstone).values(segment_id=held, video_id=ID, change=1))


MINE = f"video_id = '{ID}'"
REFUSAL = "DROP TRIGGER audit_event_no_"
# ruff: noqa: E501  (a table: what is done; the part, the words and the remedy of the fault that is found)
FAULTS: dict[str, tuple[Callable[[Gallery], None], Part, str, Remedy | None]] = {
    "not a number": (rewrite("tracklets.faiss", nan), Part.VECTORS, "1 vectors are not finite", Remedy.REMAKE),
    "not of length 1": (rewrite("clips.f16", long), Part.VECTORS, "1 vectors are not finite", Remedy.REMAKE),
    "another time": (rewrite("columns.npy", later), Part.VECTORS, "tells of other people, times", Remedy.REMAKE),
    "rows without vectors": (
        sql("UPDATE segment_video SET segment_id = (SELECT segment_id FROM segment_video WHERE video_id <> "
            f"'{ID}' AND segment_id <> (SELECT segment_id FROM segment_video WHERE {MINE})) WHERE {MINE}"),
        Part.VECTORS, f"has no vectors of video {ID}", Remedy.REMAKE,
    ),
    "vectors without rows": (
        sql(*(f"DELETE FROM {table} WHERE {key}" for table, key in (
            ("clip", f"tracklet_id LIKE '{ID}%%'"), ("tracklet", MINE), ("video_interval", MINE),
            ("segment_video", MINE), ("video", f"id = '{ID}'")))),
        Part.LEFTOVERS, f"has vectors of video {ID}, which no row names", Remedy.CORRECT,
    ),
    "hidden and held": (hide, Part.ROWS, f"hides video {ID}", Remedy.REMAKE),
    "a segment of no video": (sql("INSERT INTO segment SELECT 'ffff', model_id, 0, 0, 1, created_at, NULL "
                                  "FROM segment LIMIT 1"), Part.VECTORS, "segment ffff: ", Remedy.REMAKE),
    "no model's vectors": (sql(f"DELETE FROM segment_video WHERE {MINE}"), Part.ROWS, "no model's vectors", None),
    "altered row": (sql(f"UPDATE video SET path = '/y' WHERE id = '{ID}'"), Part.ROWS, "its rows", Remedy.REMAKE),
    "lost reference": (sql("DELETE FROM camera WHERE name = 'yard'"), Part.ROWS, "a row of video refers to", None),
    "unreadable document": (sql("UPDATE probe SET persons = '[{\"box\": 7}]'"), Part.ROWS, "cannot be read", None),
    "sequence put back": (sql("UPDATE gallery_state SET change = 0"), Part.ROWS, "is behind", Remedy.CORRECT),
    "event changed": (sql(f"{REFUSAL}update", "UPDATE audit_event SET subject = 'y' WHERE action = 'probe.view'"),
                      Part.AUDIT, "the audit trail is broken at event", None),
    "event taken out": (sql(f"{REFUSAL}delete", "DELETE FROM audit_event WHERE action = 'probe.view'"),
                        Part.AUDIT, "the audit trail is broken at event", None),
    "events unprotected": (sql(f"{REFUSAL}delete"), Part.AUDIT, "does not refuse to delete audit events", None),
    "recording changed": (file("uploads/1.data", b"other"), Part.FILES, "its uploaded recording", None),
    "recording gone": (file("uploads/1.data", None), Part.FILES, "its uploaded recording", None),
    "upload of a job gone": (file("uploads/2.data", None), Part.FILES, "of a job was uploaded", None),
    "dead staging": (folder("staging", "dead"), Part.LEFTOVERS, "staging/dead: unfinished writing", Remedy.REMOVE),
    "orphan segment": (folder("segments", "e" * 32), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "orphan strips": (folder("thumbnails", "e" * 32), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "orphan clips": (folder("cache", "e" * 32), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "waiting strips": (folder("thumbnails", f"{ID}.new"), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "orphan photo": (file(f"probes/{'e' * 32}.jpg", b"x", old=True), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "orphan model": (folder("models", "e" * 64), Part.LEFTOVERS, "no row names it", Remedy.REMOVE),
    "erasure begun": (file(f"erasing/{'e' * 32}.json", b'{"path": "/nowhere"}'), Part.LEFTOVERS,
                      "was interrupted", Remedy.REMOVE),
}  # fmt: skip


ON_A_SERVER = ("vectors without rows", "lost reference", "unreadable document", "sequence put back",
               "event changed", "events unprotected")  # fmt: skip


def plain(problems: Sequence[str]) -> set[str]:
    """Problems, wherever a trail is broken: the repair is one more event of it."""
    return {re.sub(r"broken at event .*", "broken", one) for one in problems}


@pytest.mark.parametrize(
    ("gallery_settings", "name"),
    [*(("sqlite", name) for name in FAULTS), *(("postgresql", name) for name in ON_A_SERVER)],
    indirect=["gallery_settings"],
)
def test_a_fault_is_named_and_mended_where_it_can_be(filled: Gallery, name: str) -> None:
    make, part, words, remedy = FAULTS[name]
    make(filled)
    report = filled.verify()
    named = [fault for fault in report.faults if words in fault.what]
    assert [(fault.part, fault.remedy) for fault in named] == [(part, remedy)], report.problems
    assert str(filled.data_dir) not in " ".join(report.problems)
    assert all(fault.remedy or fault.advice for fault in report.faults)

    before = rows(filled)
    filled.mend(report)

    left = filled.verify()
    assert plain(left.problems) <= plain(report.problems), "nothing is worse"
    mended = remedy in {Remedy.REMOVE, Remedy.CORRECT}
    assert mended != any(words in fault.what for fault in left.faults)
    kept = before - {"gallery_state", "tombstone"}
    assert kept <= rows(filled), "no row of people, searches or events goes"
    store(filled, "after", make_tracklets(50, 1))
    found = filled.snapshot(MODEL.id).search(QUERY, limit=99, filters=Filters()).hits
    assert f"{content_hash('after')[:32]}-0" in {hit.tracklet_id for hit in found}


def rows(gallery: Gallery) -> set[Any]:
    """All rows of what is recorded of people, searches and events."""
    tables = ("camera", "video", "tracklet", "clip", "segment_video", "probe", "job_recording", "audit_event")
    with gallery._database.engine.connect() as connection:
        return {
            (table, *map(repr, row))
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        }


@pytest.mark.parametrize("gallery_settings", ["sqlite"], indirect=True)
def test_vectors_without_rows_are_found_by_no_search_once_mended(filled: Gallery) -> None:
    FAULTS["vectors without rows"][0](filled)
    found = filled.snapshot(MODEL.id).search(QUERY, limit=99).hits
    assert any(hit.tracklet_id.startswith(ID) for hit in found), "the fault is one that matters"
    filled.mend(filled.verify())
    (told,) = filled.audit.events(action="gallery.repair")
    assert told.detail == {"unnamed": 1, "empty": 0, "damaged": 0}
    found = filled.snapshot(MODEL.id).search(QUERY, limit=99).hits
    assert not any(hit.tracklet_id.startswith(ID) for hit in found)
    filled.compact()
    assert filled.verify().faults == ()


def test_a_living_writers_files_are_no_leftovers(sqlite_gallery: Gallery) -> None:
    with sqlite_gallery.writer(content_hash("v"), MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
        assert sqlite_gallery.verify().faults == ()
        assert sqlite_gallery.mend(sqlite_gallery.verify()).removed == 0


def test_a_strip_that_is_lost_is_remembered_and_found_again(filled: Gallery) -> None:
    strip = filled.data_dir / "thumbnails" / ID / "1.jpg"
    content, tracklet = strip.read_bytes(), f"{ID}-1"
    strip.unlink()
    assert filled.strips.wrong(ID) == {tracklet}
    filled.strips.lose(tracklet)
    report = filled.verify()
    assert (report.faults, report.lost, report.strips) == ((), 1, (ID,))
    strip.write_bytes(content)
    assert filled.strips.tidy(ID) == 1
    assert (filled.verify().lost, filled.strips.wrong(ID)) == (0, frozenset())
    strip.write_bytes(b"damaged")
    assert filled.strips.put(tracklet, content)
    assert not filled.strips.put(tracklet, content + b"another")
    assert filled.verify().faults == ()
    assert Path(filled.catalogue.thumbnail_path(tracklet)).read_bytes() == content + b"another"
