"""Watched folders: what has settled is filed once, with camera and start, and what cannot be is named."""

import hashlib
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from gallery import FiledFile, Gallery
from indexer import sandbox
from indexer.errors import BadPattern, UnreadablePath, UnreadableRecording
from indexer.settings import IndexSettings
from indexer.watching.pattern import Pattern
from indexer.watching.settling import Settling, is_being_written
from indexer.watching.watcher import Filed, Look, Place, Watcher
from tests.gallery.making import store
from tests.indexer.videos import make_video

TEMPLATE = "{camera}/{year}-{month}-{day}_{hour}-{minute}-{second}{*}.mp4"
LONG_AGO = 1_700_000_000


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(root: Path, name: str, content: bytes = b"recording", *, mtime: float = LONG_AGO) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def watcher(gallery: Gallery, root: Path, *, zone: str | None = None, clock: Clock | None = None) -> Watcher:
    place = Place(root.resolve(), Pattern(TEMPLATE, camera=True, start=True), time_zone=zone)
    return Watcher(gallery, place, Settling(30, 900, clock=clock or Clock()))


def round_of(watching: Watcher) -> tuple[Look, list[Filed]]:
    look = watching.look()
    return look, list(watching.file(look.ready))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def test_patterns_say_camera_and_start() -> None:
    def read(text: str, path: str, *, camera: bool = True) -> tuple[str | None, str]:
        said = Pattern(text, camera=camera, start=True).read(path)
        assert said.start is not None
        return said.camera, said.start.isoformat()

    assert read(TEMPLATE, "gate/2026-01-05_09-00-01_x.mp4") == ("gate", "2026-01-05T09:00:01")
    assert read(
        "{**}/{camera}_{year}{month}{day}T{hour}{minute}{second}.{fraction}{offset}.ts",
        "a/b/north gate_20260105T090001.25+0130.ts",
    ) == ("north gate", "2026-01-05T09:00:01.250000+01:30")
    assert read("{camera}-{epoch}.mkv", "c1-1767603600.mkv") == ("c1", "2026-01-05T09:00:00+00:00")
    assert read("{camera}-{epoch}.mkv", "c1-1767603600500.mkv")[1] == "2026-01-05T09:00:00.500000+00:00"
    assert read("{year}/{year}{month}{day}-{hour}{minute}.mp4", "2026/20260105-0900.mp4", camera=False) == (
        None,
        "2026-01-05T09:00:00",
    )
    regular = (
        r"cam(?P<camera>\d+)_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)_(?P<hour>\d\d)(?P<minute>\d\d)\.\w+"
    )
    assert read(regular, "cam7_20260105_0900.avi") == ("7", "2026-01-05T09:00:00")
    for text, path, why in (
        (TEMPLATE, "gate/note.mp4", "does not fit"),
        (TEMPLATE, "gate/2026-02-30_09-00-01.mp4", "says no time"),
        (TEMPLATE, "gate/2026-01-05_24-00-01.mp4", "says no time"),
        (TEMPLATE, "a/b/2026-01-05_09-00-01.mp4", "does not fit"),
        (TEMPLATE, " /2026-01-05_09-00-01.mp4", "names no camera"),
        ("{camera}/{year}/{year}{month}{day}-{hour}{minute}.mp4", "c/2025/20260105-0900.mp4", "does not fit"),
        (TEMPLATE, "gate/\uff12\uff10\uff12\uff16-01-05_09-00-01.mp4", "does not fit"),
    ):
        with pytest.raises(UnreadablePath, match=why):
            Pattern(text, camera=True, start=True).read(path)
    for bad, why in (
        ("{year}{month}{day}{hour}{minute}.mp4", "camera's name"),
        ("{camera}/{day}.mp4", "the start"),
        ("{camera}/{jahr}.mp4", "jahr"),
        ("(?P<camera>.*)(?P<name>x)", "looks for name"),
        ("(?P<camera>(.mp4", "cannot be read"),
        ("{camera/{epoch}.mp4", "."),
        ("{camera}{}{epoch}", "braces"),
    ):
        with pytest.raises(BadPattern, match=why):
            Pattern(bad, camera=True, start=True)


def test_each_content_is_filed_once_through_renames_and_restarts(gallery: Gallery, root: Path) -> None:
    gallery.catalogue.add_camera("gate", time_zone="Europe/Berlin")
    first = record(root, "gate/2026-01-05_09-00-00.mp4", b"one")
    record(root, "gate/2026-01-05_09-10-00.mp4", b"two")
    record(root, "gate/2026-01-05_09-10-00_copy.mp4", b"two")
    watching = watcher(gallery, root)
    look, (filed,) = round_of(watching)
    assert [one.start.isoformat() for one in look.ready][:2] == [
        "2026-01-05T09:00:00+01:00",
        "2026-01-05T09:10:00+01:00",
    ]
    assert filed.job is not None
    assert [r.file_name for r in filed.job.recordings] == [first.name, "2026-01-05_09-10-00.mp4"]
    assert filed.job.recordings[0].start_time == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert (filed.known, filed.job.state) == (1, "queued")
    (event, *_) = gallery.audit.events(action="job.file")
    assert (event.subject, event.detail) == (filed.job.id, {"recordings": 2, "by": "watch"})

    for watching_on in (watching, watcher(gallery, root)):
        look, filed_more = round_of(watching_on)
        assert (look.ready, filed_more, look.known) == ([], [], 3)

    moved = first.rename(root / "gate/2026-01-05_09-00-00_moved.mp4")  # it waits under its new name
    look, (filed,) = round_of(watcher(gallery, root))
    assert ([one.path for one in look.ready], filed.job, filed.known) == ([moved], None, 1)
    assert round_of(watcher(gallery, root))[0].ready == []
    touched = time.time() - 100
    os.utime(moved, (touched, touched))  # and looks like another one now
    look, (filed,) = round_of(watcher(gallery, root))
    assert (len(look.ready), filed.job, filed.known) == (1, None, 1)
    (waiting,) = [
        r for job in gallery.jobs.list() for r in gallery.jobs.get(job.id).recordings if r.number == 0
    ]
    assert waiting.path == str(moved)
    about = FiledFile.at(moved)
    assert about is not None
    content = hashlib.sha256(moved.read_bytes()).hexdigest()
    assert waiting.filed == replace(about, sha256=content), "a worker takes what has this content"

    record(root, "gate/2026-01-05_09-20-00.mp4", b"two, and more")
    moved.write_bytes(b"other content")
    os.utime(moved, (LONG_AGO, LONG_AGO))
    look, (filed,) = round_of(watcher(gallery, root))
    assert filed.job is not None
    assert len(filed.job.recordings) == 2


def test_a_recording_whose_file_was_moved_away_from_a_worker_is_filed_anew(
    gallery: Gallery, root: Path
) -> None:
    gallery.catalogue.add_camera("gate")
    path = record(root, "gate/2026-01-05_09-00-00.mp4")
    round_of(watcher(gallery, root))
    claim = gallery.jobs.claim("w", lease_seconds=60)
    assert claim is not None
    gallery.jobs.finish(claim, state="failed", reason="no such file")
    assert round_of(watcher(gallery, root))[1] == [], "what failed as it lies there is not tried for ever"
    shutil.copyfile(path, root / "gate/2026-01-05_09-00-00_again.mp4")
    os.utime(root / "gate/2026-01-05_09-00-00_again.mp4", (LONG_AGO + 1, LONG_AGO + 1))
    (filed,) = round_of(watcher(gallery, root))[1]
    assert filed.job is not None
    assert round_of(watcher(gallery, root))[1] == []


def test_what_is_still_written_waits_and_what_never_settles_is_named(
    sqlite_gallery: Gallery, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_gallery.catalogue.add_camera("gate")
    clock = Clock()
    path = record(
        root, "gate/2026-01-05_09-00-00.mp4", b"1", mtime=time.time() + 3600
    )  # a clock that is ahead
    watching = watcher(sqlite_gallery, root, clock=clock)
    for _ in range(40):
        look, filed = round_of(watching)
        assert (look.ready, filed, set(look.waiting)) == ([], [], {path})
        clock.now += 25
        path.write_bytes(path.read_bytes() + b"1")
        os.utime(path, (time.time() + 3600, time.time() + 3600))
    assert watching.look().restless == {path}
    clock.now += 31
    with path.open("ab"):  # a copy that stands still
        assert is_being_written(path)
        look, _ = round_of(watching)
        assert look.waiting == {path: "somebody has it open for writing"}
    assert not is_being_written(path)
    empty = record(root, "gate/2026-01-05_10-00-00.mp4", b"")
    look = watching.look()
    assert ([one.path for one in look.ready], look.waiting) == ([path], {empty: "it is empty"})
    monkeypatch.setattr(  # written to while it is read: nothing is filed under the wrong content
        "indexer.watching.watcher.content_hash", lambda file: (file.write_bytes(b"more"), "0" * 64)[1]
    )
    assert [filed.job for filed in watching.file(look.ready)] == [None]
    assert sqlite_gallery.jobs.list() == []


def test_what_does_not_belong_there_is_passed_over_and_said(
    sqlite_gallery: Gallery, root: Path, tmp_path: Path
) -> None:
    outside = record(tmp_path, "secret.mp4", b"not of this folder")
    good = record(root, "gate/2026-01-05_09-00-00.mp4")
    record(root, "gate/.2026-01-05_09-00-00.mp4.Xa81Zq", b"rsync")
    record(root, "gate/2026-01-05_09-10-00.mp4.part")
    record(root, "new/2026-01-05_09-00-00.mp4", b"of a camera that is not here")
    record(root, "gate/2026-10-25_02-30-00.mp4", b"twice")
    record(root, "gate/2026-03-29_02-30-00.mp4", b"never")
    record(root, "gate/1970-01-01_00-00-00.mp4", b"no clock")
    record(root, "gate/2999-01-01_00-00-00.mp4", b"no clock either")
    (root / "gate/2026-01-05_11-00-00.mp4").symlink_to(outside)
    (root / "gate/2026-01-05_12-00-00.mp4").symlink_to(good)
    (root / "gate/2026-01-05_13-00-00.mp4").symlink_to(root / "nothing")
    (root / "linked").symlink_to(tmp_path)
    os.mkfifo(root / "gate/2026-01-05_14-00-00.mp4")
    sqlite_gallery.catalogue.add_camera("gate", time_zone="Europe/Berlin")

    look, filed = round_of(watcher(sqlite_gallery, root))

    assert {path.name: why for path, why in look.passed_over} == {
        "2026-01-05_09-10-00.mp4.part": "not called like a recording",
        "2026-01-05_11-00-00.mp4": "a link out of the folder",
        "2026-01-05_13-00-00.mp4": "a link to nothing",
        "2026-01-05_14-00-00.mp4": "not a file",
        "linked": "a linked folder",
    }
    refused = {str(path.relative_to(root.resolve())): why for path, why in look.refused}
    assert "comes twice" in refused["gate/2026-10-25_02-30-00.mp4"]
    assert "+02:00 or 2026-10-25T02:30:00+01:00" in refused["gate/2026-10-25_02-30-00.mp4"]
    assert "does not exist" in refused["gate/2026-03-29_02-30-00.mp4"]
    assert "no camera 'new'" in refused["new/2026-01-05_09-00-00.mp4"]
    assert "would have begun" in refused["gate/1970-01-01_00-00-00.mp4"]
    assert "would have begun" in refused["gate/2999-01-01_00-00-00.mp4"]
    assert len(refused) == 5
    recordings = [r.path for one in filed if one.job for r in one.job.recordings]
    assert recordings == [str(good.resolve())], "the link within the folder is the same content"
    look, filed = round_of(watcher(sqlite_gallery, root, zone="Asia/Tokyo"))
    assert [one.new_camera for one in look.ready] == [True]
    assert sqlite_gallery.catalogue.camera_named("new").time_zone == "Asia/Tokyo"


def test_what_was_indexed_or_erased_is_not_filed_again(sqlite_gallery: Gallery, root: Path) -> None:
    record(root, "gate/2026-01-05_09-00-00.mp4", b"indexed by hand")
    video = store(sqlite_gallery, "indexed by hand", [])
    look, (filed,) = round_of(watcher(sqlite_gallery, root))
    assert (len(look.ready), filed.job, filed.known) == (1, None, 1)
    sqlite_gallery.erase_video(video.id)
    assert round_of(watcher(sqlite_gallery, root))[0].ready == [], "an erasure would not last"


def test_thousands_of_files_are_cheap(sqlite_gallery: Gallery, root: Path) -> None:
    """A look asks once for each file, and reads none that is known."""
    sqlite_gallery.catalogue.add_camera("gate")
    for number in range(400):
        record(root, f"gate/2026-01-05_{number // 60:02}-{number % 60:02}-00.mp4", b"%d" % number)
    watching = watcher(sqlite_gallery, root)
    look, filed = round_of(watching)
    assert sum(len(one.recordings) for one in filed) == len(look.ready) == 400
    began = time.process_time()
    assert watching.look().known == 400
    assert time.process_time() - began < 2, "of a poll every ten seconds"


def test_what_a_file_says_of_itself(root: Path) -> None:
    plain = make_video(root / "plain.mp4", frames=3)
    stamped = root / "stamped.mp4"
    with av.open(str(plain)) as source, av.open(str(stamped), "w") as target:
        target.metadata["creation_time"] = "2026-01-05T09:00:00Z"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert sandbox.recorded_at(stamped, IndexSettings()) == datetime(2026, 1, 5, 9, tzinfo=UTC)
    with pytest.raises(UnreadableRecording, match="does not say when it began"):
        sandbox.recorded_at(plain, IndexSettings())
