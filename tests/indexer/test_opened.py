"""What is indexed is the file that was filed, and the digest is of the bytes that were decoded."""

import dataclasses
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gallery import FiledFile, Gallery
from indexer import looking
from indexer.errors import UnreadableRecording
from indexer.opened import opened_file
from indexer.pipeline import index_video
from indexer.sandbox import Sandboxed, open_sandboxed
from indexer.settings import IndexSettings
from indexer.types import Recording
from indexer.worker import Worker
from tests.indexer.conftest import START
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.test_worker import QUICK, file_job, run_once
from tests.indexer.videos import CROWD, make_video


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of a second."""
    return make_video(tmp_path_factory.mktemp("short") / "short.mp4", CROWD[:1], frames=10).read_bytes()


@pytest.fixture
def media(tmp_path: Path, short: bytes) -> Path:
    """A folder with recordings that differ in their ends."""
    folder = tmp_path / "media"
    folder.mkdir()
    for name in ("gate", "yard", "dock", "roof"):
        (folder / f"{name}.mp4").write_bytes(short + name.encode())
    return folder


def other(file: Path) -> bytes:
    """Another recording, just as long."""
    return file.read_bytes()[:-1] + b"?"


def replace(file: Path) -> None:
    """Put another file in its place, which has its size and its time as far as a program can set it."""
    before, new = file.stat(), file.with_suffix(".new")
    new.write_bytes(other(file))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(file)


def overwrite(file: Path) -> None:
    """Write to it, and set its time back."""
    before, content = file.stat(), other(file)
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def grow(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"more")


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 2)


def test_a_file_that_changed_since_it_was_filed_is_not_indexed_until_it_is_filed_again(
    sqlite_gallery: Gallery, media: Path
) -> None:
    changes = {"gate": replace, "yard": overwrite, "dock": grow, "roof": truncate}
    files = [media / f"{name}.mp4" for name in changes]
    job = file_job(sqlite_gallery, *files)
    for file in files:
        changes[file.stem](file)
    run_once(sqlite_gallery)
    failed = sqlite_gallery.jobs.get(job.id).recordings
    for one in failed:
        assert one.state == "failed"
        assert f"{one.file_name}: the file changed since it was filed" in str(one.reason)
    assert sqlite_gallery.catalogue.videos() == []
    again = sqlite_gallery.failures.retry(job.id, [one.id for one in failed])
    run_once(sqlite_gallery)
    tried = sqlite_gallery.jobs.get(again.id).recordings
    assert [one.state for one in tried] == ["succeeded"] * 4, [one.reason for one in tried]
    indexed = {video.content_hash for video in sqlite_gallery.catalogue.videos()}
    assert indexed == {sha256(file) for file in files}


def test_how_a_file_was_filed_is_kept(gallery: Gallery, media: Path) -> None:
    """On both databases, and of uploads nobody asks: they lie elsewhere after a restore."""
    file = media / "gate.mp4"
    status = file.stat()
    (one,) = file_job(gallery, file).recordings
    claim = gallery.jobs.claim("w1", lease_seconds=60)
    assert claim is not None
    assert claim.recording.filed == one.filed
    assert one.filed is not None
    assert (one.filed.size_bytes, one.filed.mtime_ns, one.filed.ctime_ns) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    (gone,) = file_job(gallery, media / "gone.mp4").recordings
    assert gone.filed is None


@pytest.mark.parametrize("change", [replace, overwrite, truncate])
def test_a_file_that_changes_while_it_is_indexed_is_not_indexed(
    sqlite_gallery: Gallery, media: Path, change: Callable[[Path], None]
) -> None:
    file, once = media / "gate.mp4", threading.Lock()

    class Changing(ColourDetector):
        def detect(self, frames):  # type: ignore[no-untyped-def]
            if once.acquire(blocking=False):
                change(file)
            return super().detect(frames)

    job = file_job(sqlite_gallery, file)
    work(sqlite_gallery, Changing)
    (one,) = sqlite_gallery.jobs.get(job.id).recordings
    assert (one.state, one.reason) == ("failed", "gate.mp4: the file changed while it was read")
    assert sqlite_gallery.catalogue.videos() == []


def test_a_link_to_a_file_outside_is_followed_neither_before_nor_meanwhile(
    sqlite_gallery: Gallery, media: Path, tmp_path: Path
) -> None:
    before, meanwhile, once = media / "gate.mp4", media / "yard.mp4", threading.Lock()
    (tmp_path / "other.mp4").write_bytes(other(before))

    def link(file: Path) -> None:
        file.unlink()
        file.symlink_to(tmp_path / "other.mp4")

    class Linking(ColourDetector):
        def detect(self, frames):  # type: ignore[no-untyped-def]
            if once.acquire(blocking=False):
                link(meanwhile)
            return super().detect(frames)

    job = file_job(sqlite_gallery, before, meanwhile)
    link(before)
    work(sqlite_gallery, Linking)
    assert [one.state for one in sqlite_gallery.jobs.get(job.id).recordings] == ["failed"] * 2
    assert sqlite_gallery.catalogue.videos() == []


def test_what_is_decoded_is_what_was_hashed(
    sqlite_gallery: Gallery,
    recording: Recording,
    settings: IndexSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder is exchanged for another just while the decoder opens the file, and then put back."""
    media, aside = tmp_path / "media", tmp_path / "aside"
    media.mkdir()
    file = media / "gate.mp4"
    file.write_bytes(recording.path.read_bytes())
    nobody = make_video(tmp_path / "nobody.mp4", CROWD[:1], frames=20)

    @contextmanager
    def exchanging(path: Path, *args: object, **named: object) -> Iterator[Sandboxed]:
        media.rename(aside)
        media.mkdir()
        nobody.rename(file)
        with open_sandboxed(path, *args, **named) as opened:  # type: ignore[arg-type]
            file.unlink()
            media.rmdir()
            aside.rename(media)
            yield opened

    monkeypatch.setattr(looking, "open_sandboxed", exchanging)
    filed = Recording(file, recording.camera_id, START, file.name)
    video = index_video(sqlite_gallery, TinyEmbedder(), ColourDetector(), filed, settings).video
    assert (video.content_hash, video.tracklet_count) == (sha256(file), 3)


def test_other_names_and_rights_of_a_file_change_nothing(media: Path) -> None:
    """While it is read, and since it was filed where its content was read then, as in a watched folder."""
    file = media / "gate.mp4"
    before = FiledFile.at(file)
    assert before is not None
    os.link(file, media / "mirror.mp4")
    with opened_file(file) as opened:
        digest = opened.digest
        opened.require_as_filed(dataclasses.replace(before, sha256=digest))
        for filed in (before, dataclasses.replace(before, sha256="0" * 64)):
            with pytest.raises(UnreadableRecording, match="changed since it was filed"):
                opened.require_as_filed(filed)
        os.link(file, media / "backup.mp4")
        file.chmod(0o640)
        opened.require_unchanged(digest)
        assert opened.status.st_ctime_ns == file.stat().st_ctime_ns
        overwrite(file)
        with pytest.raises(UnreadableRecording, match="changed while"):
            opened.require_unchanged(digest)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableRecording, match="not a file"), opened_file(tmp_path / "pipe.mp4"):
        pass


def work(gallery: Gallery, detector: type[ColourDetector]) -> None:
    """Let a worker work until nothing is left."""
    Worker(gallery, TinyEmbedder, QUICK, "w1", detector_factory=lambda _: detector()).run(
        threading.Event(), once=True
    )
