"""Verifying notices whatever is not as it was written: files, rows, and both together."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from gallery.catalogue import digests
from gallery.gallery import Gallery
from gallery.sql.tables import Clip, Tracklet, Video, VideoInterval
from gallery.upkeep.faults import DamagedVideo
from tests.gallery.making import MODEL, make_tracklets, store


def fill(gallery: Gallery) -> Gallery:
    """Two videos and a probe, all intact."""
    store(gallery, "v", make_tracklets(1, 3), intervals=[(0, 10_000_000), (20_000_000, 60_000_000)])
    store(gallery, "w", make_tracklets(2, 3))
    gallery.probes.add(b"\xff\xd8\xffphoto", "image/jpeg", 8, 8, [])
    assert gallery.verify().problems == ()
    return gallery


@pytest.fixture
def filled(gallery: Gallery) -> Gallery:
    return fill(gallery)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def thumbnails(gallery: Gallery) -> list[Path]:
    return sorted((gallery.data_dir / "thumbnails").glob("*/*.jpg"))


def swap(gallery: Gallery) -> None:
    one, other = thumbnails(gallery)[:2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


FILES: dict[str, Callable[[Gallery], object]] = {
    "flipped thumbnail": lambda gallery: flip(thumbnails(gallery)[0]),
    "emptied thumbnail": lambda gallery: thumbnails(gallery)[0].write_bytes(b""),
    "lost thumbnail": lambda gallery: thumbnails(gallery)[0].unlink(),
    "one thumbnail more": lambda gallery: thumbnails(gallery)[0].with_name("99.jpg").write_bytes(b"x"),
    "swapped thumbnails": swap,
    "flipped vector": lambda gallery: flip(next(gallery.data_dir.glob("segments/*/tracklets.faiss"))),
    "flipped clip": lambda gallery: flip(next(gallery.data_dir.glob("segments/*/clips.f16"))),
    "flipped probe": lambda gallery: flip(next(gallery.data_dir.glob("probes/*.jpg"))),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_changed(sqlite_gallery: Gallery, name: str) -> None:
    filled = fill(sqlite_gallery)
    FILES[name](filled)
    report = filled.verify()
    assert len(report.problems) == 1
    assert str(filled.data_dir) not in report.problems[0]
    assert len(report.damaged) == name.endswith(("vector", "clip"))
    assert len(report.strips) == ("thumbnail" in name)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE video SET start_time = (SELECT max(created_at) FROM camera)",
        "UPDATE video SET path = '/another'",
        'UPDATE video SET report = \'{"detector": "another"}\'',
        "UPDATE video SET frames_bad = frames_bad + 1",
        "UPDATE video SET file_inode = 7",
        "UPDATE video_interval SET end_us = end_us - 1",
        "DELETE FROM video_interval WHERE start_us > (SELECT min(start_us) FROM video_interval)",
        "UPDATE tracklet SET start_us = start_us + 1",
        "UPDATE tracklet SET quality = '{}' WHERE number = 1",
        "UPDATE tracklet SET boxes = (SELECT min(boxes) FROM tracklet)",
        "DELETE FROM clip WHERE number > 0",
        "UPDATE clip SET frame_count = 1 + frame_count",
    ],
)
def test_a_row_that_was_altered(filled: Gallery, statement: str) -> None:
    with filled._database.write() as session:
        session.execute(text(statement))
    report = filled.verify()
    assert any("rows are not what was written" in problem for problem in report.problems)
    assert {one.model_id for one in report.damaged} == {MODEL.id}


def test_vectors_rewritten_together_with_their_manifest(filled: Gallery) -> None:
    directory = next((filled.data_dir / "segments").iterdir())
    video_id = np.load(directory / "videos.npy")["id"][0].decode()
    flip(directory / "clips.f16")
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"]["clips.f16"]["sha256"] = hashlib.sha256(
        (directory / "clips.f16").read_bytes()
    ).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    report = filled.verify()
    assert report.problems == (f"segment {directory.name}: was rewritten together with its manifest",)
    assert report.damaged == (DamagedVideo(video_id, MODEL.id),)


def test_references_that_lead_nowhere(sqlite_gallery: Gallery) -> None:
    store(sqlite_gallery, "v", make_tracklets(1, 1))
    with sqlite_gallery._database.engine.connect().execution_options(
        isolation_level="AUTOCOMMIT"
    ) as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("DELETE FROM camera")
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("BEGIN")
    assert "a row of video refers to a missing row of camera" in sqlite_gallery.verify().problems


def test_every_column_of_a_video_counts() -> None:
    """A new column must be decided on: older checksums were made without it."""
    since = "tracklets_change"  # younger than the first checksums, which would not match any more
    for table, named in (
        (Video, {*digests.VIDEO_COLUMNS, "rows_sha256", since}),
        (VideoInterval, {*digests.INTERVAL_COLUMNS}),
        (Tracklet, {*digests.TRACKLET_COLUMNS}),
        (Clip, {*digests.CLIP_COLUMNS}),
    ):
        assert named == set(table.__table__.columns.keys())
