"""Recordings: still the one that was indexed, and none outside the media folder."""

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gallery import VideoInfo
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
        width=1, height=1, frames_decoded=1, frames_bad=0, report={}, indexed_at=NOW - timedelta(hours=1),
        tracklet_count=0,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recording.mp4"
    path.write_bytes(b"first recording")
    return path


def test_accepts_what_nobody_touched(file: Path) -> None:
    assert RecordingCheck().path_of(indexed(file)) == file


def test_accepts_a_copy_with_the_same_content(file: Path) -> None:
    video = indexed(file)
    os.utime(file)
    assert RecordingCheck().path_of(video) == file


def test_notices_another_recording_of_the_same_size(file: Path) -> None:
    video, check = indexed(file), RecordingCheck()
    file.write_bytes(b"other recording")
    for _ in range(2):
        with pytest.raises(RecordingUnavailable, match="changed"):
            check.path_of(video)
    file.write_bytes(b"first recording")
    assert check.path_of(video) == file


def test_notices_another_size_and_absence(file: Path, tmp_path: Path) -> None:
    video, check = indexed(file), RecordingCheck()
    with pytest.raises(RecordingUnavailable, match="size"):
        check.path_of(replace(video, size_bytes=3))
    with pytest.raises(RecordingUnavailable, match="imported as pictures"):
        check.path_of(replace(video, path=str(tmp_path)))
    file.unlink()
    with pytest.raises(RecordingUnavailable, match="no longer"):
        check.path_of(video)


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
