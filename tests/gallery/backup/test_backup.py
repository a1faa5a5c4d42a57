"""A gallery restored from a backup answers the same, on an empty machine and on another database."""

import errno
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gallery.backup import backup, restoring
from gallery.disk import files
from gallery.errors import Conflict, InvalidInput, StorageFull
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
    for name, content in {"1.data": b"up", "1.json": b"1.json", "2.data": b"2.data"}.items():
        (uploads / name).write_bytes(content)
    for number in range(4):
        store(gallery, number, make_tracklets(number, 3))
    gallery.compact()
    gallery.erase_video(content_hash(0)[:32])
    yard = gallery.catalogue.add_camera("yard")
    store(gallery, "up", make_tracklets(8, 2), camera=yard, path=str(uploads / "1.data"), owned=True)
    gallery.jobs.file([NewRecording(yard.id, str(uploads / "2.data"), "2", owned=True, start_time=START)])
    gallery.probes.add(b"\xff\xd8\xffphoto", "image/jpeg", 8, 8, [])
    gallery.keys.create("reader")
    gallery.audit.record("camera.view", subject="yard")
    gallery.audit.prune(gallery.audit.anchor_at(2), START + timedelta(days=36_500))


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
        told = restored.audit.events(action="gallery.")
        assert [one.action for one in told] == ["gallery.restore", "gallery.backup"], (
            "the copy tells of itself"
        )
        assert restored.verify().problems == ()
        assert next(restored.audit.trail()).id == 3, "what was removed from the trail is not back"
        (up,) = [video for video in restored.catalogue.videos() if video.owned]
        assert Path(up.path).read_bytes() == b"up"
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


@pytest.fixture
def backed_up(sqlite_gallery: Gallery, tmp_path: Path) -> Path:
    fill(sqlite_gallery)
    sqlite_gallery.back_up(tmp_path / "backup")
    return tmp_path / "backup"


def lose(file: Path) -> None:
    file.unlink()


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def left_of(settings: GallerySettings) -> list[str]:
    """Folders and notes in a gallery's folder, but its database."""
    return [path.name for path in settings.data_dir.iterdir() if not path.name.startswith("gallery.sqlite3")]


@pytest.mark.parametrize("damage", [lose, flip])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    backed_up: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A byte changed or a file missing: a clear error; the undamaged backup goes in afterwards."""
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    for pattern in (
        "files/thumbnails/*/*.jpg",
        "files/segments/*/clips.f16",
        "gallery.sqlite3",
    ):
        file = next(backed_up.glob(pattern))
        right = file.read_bytes()
        damage(file)
        with pytest.raises(InvalidInput, match="is not what was backed up"):
            Gallery.restore(settings, backed_up)
        file.write_bytes(right)
        assert left_of(settings) == []
    Gallery.restore(settings, backed_up)


def test_a_full_disk_leaves_nothing_of_a_backup_or_of_a_restored_gallery(
    backed_up: Path, sqlite_gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_file", full)
        with pytest.raises(StorageFull, match="no room for the gallery"):
            Gallery.restore(settings, backed_up)
        with pytest.raises(StorageFull, match="no room for a backup"):
            sqlite_gallery.back_up(tmp_path / "second")
    assert left_of(settings) == []
    assert list((tmp_path / "second").iterdir()) == []
    assert sqlite_gallery.back_up(tmp_path / "second") == Gallery.restore(settings, backed_up)


def test_an_interrupted_restore_is_begun_anew(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at its last step, it has left every file and no row."""
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        patched.setattr(restoring, "copy_rows", full)
        with pytest.raises(StorageFull):
            Gallery.restore(settings, backed_up)
    assert {"segments", "thumbnails", "restoring"} <= set(left_of(settings))
    (settings.data_dir / "segments" / "stranger").mkdir()
    Gallery.restore(settings, backed_up)
    with Gallery.open(settings) as restored:
        assert restored.verify().faults == ()
    assert "restoring" not in left_of(settings)


def test_what_the_gallery_had_lost_is_named_and_the_rest_backed_up(
    sqlite_gallery: Gallery, tmp_path: Path
) -> None:
    fill(sqlite_gallery)
    strip = next(sqlite_gallery.data_dir.glob("thumbnails/*/0.jpg"))
    strip.unlink()
    report = sqlite_gallery.back_up(tmp_path / "backup")
    assert report.missing == (str(strip.relative_to(sqlite_gallery.data_dir)),)
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    assert Gallery.restore(settings, tmp_path / "backup").missing == report.missing
    with Gallery.open(settings) as restored:
        assert len(restored.verify().problems) == 1


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
