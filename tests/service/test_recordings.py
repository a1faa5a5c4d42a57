"""Recordings: still the one that was indexed, and none outside the media folder."""

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

import pytest

from gallery import FileStamp, Gallery, VideoInfo, VideoReport
from service.errors import InvalidRequest, RecordingUnavailable
from service.recordings import RecordingCheck, media_path

NOW = datetime.now(UTC)


def indexed(path: Path) -> VideoInfo:
    """The record of a file as it is now, indexed an hour ago."""
    content = path.read_bytes()
    os.utime(path, (0, (NOW - timedelta(days=1)).timestamp()))
    return VideoInfo(
        id="0" * 32, content_hash=hashlib.sha256(content).hexdigest(), camera_id=1, file_name=path.name,
        path=str(path), owned=False, size_bytes=len(content), start_time=NOW, end_time=NOW, duration_us=0,
        width=1, height=1, frames_decoded=1, frames_bad=0, report=VideoReport(detector="test"),
        indexed_at=NOW - timedelta(hours=1), tracklet_count=0, stamp=None,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recording.mp4"
    path.write_bytes(b"first recording")
    return path


def play(check: RecordingCheck, video: VideoInfo) -> bytes:
    """Read a recording while nothing happens to it."""
    with check.unchanged(video) as path:
        return path.read_bytes()


def test_accepts_what_nobody_touched(sqlite_gallery: Gallery, file: Path) -> None:
    with RecordingCheck(sqlite_gallery).unchanged(indexed(file)) as path:
        assert path.read_bytes() == b"first recording"


def test_what_was_looked_at_is_what_is_read(sqlite_gallery: Gallery, file: Path, tmp_path: Path) -> None:
    """Also when another file is in its place by then: a folder above it can be changed without a trace."""
    folder = tmp_path / "folder"
    folder.mkdir()
    inside, secret = folder / "a.mp4", tmp_path / "secret" / "a.mp4"
    secret.parent.mkdir()
    inside.write_bytes(b"first recording")
    secret.write_bytes(b"what is secret!")
    with RecordingCheck(sqlite_gallery).unchanged(indexed(inside)) as path:
        folder.rename(tmp_path / "moved")
        folder.symlink_to(secret.parent)
        assert inside.read_bytes() == b"what is secret!"
        assert path.read_bytes() == b"first recording"
    os.mkfifo(tmp_path / "pipe.mp4")
    pipe = replace(indexed(file), path=str(tmp_path / "pipe.mp4"))
    with pytest.raises(RecordingUnavailable, match="no longer"):
        play(RecordingCheck(sqlite_gallery), pipe)


def test_accepts_a_copy_with_the_same_content(sqlite_gallery: Gallery, file: Path) -> None:
    video = indexed(file)
    os.utime(file)
    assert play(RecordingCheck(sqlite_gallery), video) == b"first recording"


def test_notices_another_recording_of_the_same_size(sqlite_gallery: Gallery, file: Path) -> None:
    video, check = indexed(file), RecordingCheck(sqlite_gallery)
    file.write_bytes(b"other recording")
    for _ in range(2):
        with pytest.raises(RecordingUnavailable, match="changed"):
            play(check, video)
    file.write_bytes(b"first recording")
    assert play(check, video) == b"first recording"


def test_is_not_deceived_by_an_old_time_of_writing(sqlite_gallery: Gallery, file: Path) -> None:
    video, before = indexed(file), file.stat()
    other = file.with_name("other.mp4")
    other.write_bytes(b"other recording")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    with pytest.raises(RecordingUnavailable, match="changed"):
        play(RecordingCheck(sqlite_gallery), video)


def test_compares_all_that_is_known_of_the_file(
    sqlite_gallery: Gallery, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[FileIO] = []

    def other(_check: RecordingCheck, file: FileIO, _state: object) -> str:
        hashed.append(file)
        return "other"

    monkeypatch.setattr(RecordingCheck, "_hash", other)
    video = replace(indexed(file), stamp=FileStamp.of(file.stat()))
    assert play(RecordingCheck(sqlite_gallery), video) == b"first recording"
    assert hashed == []
    for differs in ("mtime_ns", "ctime_ns", "inode"):
        known = FileStamp.of(file.stat())
        changed = replace(known, **{differs: getattr(known, differs) - 1})
        with pytest.raises(RecordingUnavailable, match="changed"):
            play(RecordingCheck(sqlite_gallery), replace(video, stamp=changed))
    assert len(hashed) == 3


def test_notices_a_recording_that_changes_while_it_is_read(sqlite_gallery: Gallery, file: Path) -> None:
    video = indexed(file)
    with (
        pytest.raises(RecordingUnavailable, match="while it was read"),
        RecordingCheck(sqlite_gallery).unchanged(video),
    ):
        file.write_bytes(b"other recording")


def test_notices_another_size_and_absence(sqlite_gallery: Gallery, file: Path, tmp_path: Path) -> None:
    video, check = indexed(file), RecordingCheck(sqlite_gallery)
    with pytest.raises(RecordingUnavailable, match="size"):
        play(check, replace(video, size_bytes=3))
    with pytest.raises(RecordingUnavailable, match="imported as pictures"):
        play(check, replace(video, path=str(tmp_path)))
    file.unlink()
    with pytest.raises(RecordingUnavailable, match="no longer"):
        play(check, video)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A media folder with a secret beside it and links that lead to it."""
    root = tmp_path / "media"
    (root / "gate").mkdir(parents=True)
    (root / "gate" / "a.mp4").write_bytes(b"video")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "media-else").mkdir()
    (tmp_path / "media-else" / "b.mp4").write_bytes(b"secret")
    (root / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (root / "folder").symlink_to(tmp_path)
    (root / "inside.mp4").symlink_to(root / "gate" / "a.mp4")
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.mark.parametrize("path", ["gate/a.mp4", "./gate/a.mp4", "gate/../gate/a.mp4", "inside.mp4"])
def test_finds_media(media: Path, path: str) -> None:
    assert media_path(media, path, "/path") == (media / "gate" / "a.mp4").resolve()


@pytest.mark.parametrize(
    "path",
    [
        "../secret.mp4", "gate/../../secret.mp4", "link.mp4", "folder/secret.mp4", "../media-else/b.mp4",
        "/etc/passwd", "gate", ".", "..", "missing.mp4", "gate/a.mp4/x", "a\0b", "loop", "x" * 900, "~/a.mp4",
    ],
)  # fmt: skip
def test_lets_no_path_out(media: Path, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        media_path(media, path, "/recordings/0/path")
    assert caught.value.pointer == "/recordings/0/path"


def test_needs_a_media_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="upload"):
        media_path(None, "a.mp4", "/path")
    with pytest.raises(InvalidRequest, match="no file"):
        media_path(tmp_path / "nowhere", "a.mp4", "/path")
