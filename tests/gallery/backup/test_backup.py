"""A gallery restored from a backup answers the same, on an empty machine and on another database."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery.backup import backup
from gallery.disk import files
from gallery.errors import Conflict, InvalidInput
from gallery.gallery import Gallery
from gallery.records.jobs import NewRecording
from gallery.settings import GallerySettings
from tests.gallery.dump import dump
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, store
from tests.postgres import PostgresServer

QUERY = make_tracklets(99, 1)[0].feature


def fill(gallery: Gallery) -> None:
    """Four videos of two cameras, one of them uploaded, one erased from a segment that it shared; a job."""
    uploads = gallery.data_dir / "uploads"
    uploads.mkdir()
    for name in ("1.data", "1.json", "2.data"):
        (uploads / name).write_bytes(name.encode())
    for number in range(4):
        store(gallery, number, make_tracklets(number, 3))
    gallery.compact()
    gallery.erase_video(content_hash(0)[:32])
    yard = gallery.catalogue.add_camera("yard")
    store(gallery, "up", make_tracklets(8, 2), camera=yard, path=str(uploads / "1.data"), owned=True)
    gallery.jobs.file([NewRecording(yard.id, str(uploads / "2.data"), "2", owned=True, start_time=START)])
    gallery.probes.add(b"\xff\xd8\xffphoto", "image/jpeg", 8, 8, [])
    gallery.keys.create("reader")


def answers(gallery: Gallery) -> list[tuple[str, float]]:
    hits = gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits
    return [(hit.tracklet_id, hit.score) for hit in hits]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GallerySettings]:
    """A machine without a gallery, with either database."""
    folder = tmp_path / "another machine"
    if request.param == "sqlite":
        yield GallerySettings(data_dir=folder, database_url=None)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    yield GallerySettings(data_dir=folder, database_url=server.create("restored"))
    server.drop("restored")


def test_a_restored_gallery_answers_the_same(
    gallery: Gallery, empty: GallerySettings, tmp_path: Path
) -> None:
    fill(gallery)
    before, held = answers(gallery), dump(gallery)
    report = gallery.back_up(tmp_path / "backup")
    assert report.videos == 4
    shutil.move(gallery.data_dir, tmp_path / "gone")  # nothing of it is needed

    assert Gallery.restore(empty, tmp_path / "backup") == report

    with Gallery.open(empty) as restored:
        assert answers(restored) == before
        now = dump(restored)
        paths = (str(gallery.data_dir), str(empty.data_dir))
        assert [row.replace(*paths) for row in held.pop("video")] == now.pop("video")
        assert now == held
        assert restored.verify().problems == ()
        (up,) = [video for video in restored.catalogue.videos() if video.owned]
        assert Path(up.path).read_bytes() == b"1.data"
        assert Path(up.path).with_suffix(".json").read_bytes() == b"1.json"
        (recording,) = restored.jobs.get(restored.jobs.list()[0].id).recordings
        assert Path(recording.path).read_bytes() == b"2.data"
        assert [key.name for key in restored.keys.list()] == ["reader"]
        assert restored.catalogue.add_camera("one more").id == 3  # numbers go on
        store(restored, "new", make_tracklets(50, 1))
        restored.sweep()
        assert len(answers(restored)) == len(before) + 1


def test_a_compaction_in_between(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        store(gallery, number, make_tracklets(number, 2))
    before = answers(gallery)
    copy, left = files.copy_file, [gallery.compact]

    def compact_first(*arguments: Any) -> str:
        if left:
            left.pop()()
        return copy(*arguments)

    monkeypatch.setattr(backup, "copy_file", compact_first)
    gallery.back_up(tmp_path / "backup")
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    Gallery.restore(settings, tmp_path / "backup")
    with Gallery.open(settings) as restored:
        assert answers(restored) == before
        assert len(list((settings.data_dir / "segments").iterdir())) == 1


def test_a_damaged_backup_is_refused_and_leaves_nothing(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    fill(sqlite_gallery)
    sqlite_gallery.back_up(tmp_path / "backup")
    thumbnail = next((tmp_path / "backup").glob("files/thumbnails/*/*.jpg"))
    right = thumbnail.read_bytes()
    thumbnail.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    with pytest.raises(InvalidInput, match="is not what was backed up"):
        Gallery.restore(settings, tmp_path / "backup")
    assert [path.name for path in settings.data_dir.iterdir() if path.is_dir()] == []
    thumbnail.write_bytes(right)
    Gallery.restore(settings, tmp_path / "backup")


def test_what_cannot_be_done_is_said(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    fill(sqlite_gallery)
    sqlite_gallery.back_up(tmp_path / "backup")
    with pytest.raises(Conflict, match="not empty"):
        sqlite_gallery.back_up(tmp_path / "backup")
    here = GallerySettings(data_dir=sqlite_gallery.data_dir)
    with pytest.raises(Conflict, match="a gallery already"):
        Gallery.restore(here, tmp_path / "backup")
    manifest = tmp_path / "backup" / "backup.json"
    manifest.write_text(manifest.read_text().replace('"probes/', '"../probes/'))
    elsewhere = GallerySettings(data_dir=tmp_path / "restored")
    for folder in (tmp_path / "backup", tmp_path / "nowhere"):
        with pytest.raises(InvalidInput):
            Gallery.restore(elsewhere, folder)


def test_nobody_else_can_read_a_backup(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    fill(sqlite_gallery)
    sqlite_gallery.back_up(tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    files = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.name for path in (tmp_path / "backup").iterdir()} == {
        "backup.json",
        "gallery.sqlite3",
        "files",
    }
