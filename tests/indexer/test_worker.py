"""Workers: what becomes of filed recordings, on both databases."""

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from gallery import (
    Gallery,
    GallerySettings,
    HoldKind,
    JobInfo,
    ModelInfo,
    NewRecording,
    ReindexOptions,
    RetentionKind,
    VideoWriter,
)
from gallery.erasure import retention
from gallery.errors import VectorsUnavailable
from gallery.signing import check, keep_daily, public_key
from indexer import upkeep as upkeep_module
from indexer.settings import IndexSettings
from indexer.worker import Worker
from models.detector import Detections
from models.errors import DetectorError
from models.preprocessing import Crop
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.videos import make_video
from tests.postgres import PostgresServer
from tests.waiting import PATIENCE, take_time, until

QUICK = IndexSettings(renew_seconds=0.05, poll_seconds=0.05, lease_seconds=30.0, outage_seconds=30.0)


def file_job(gallery: Gallery, *paths: Path) -> JobInfo:
    camera = gallery.catalogue.get_or_add_camera("gate")
    return gallery.jobs.file([NewRecording(camera.id, str(p), p.name, False, START) for p in paths])


def make_worker(gallery: Gallery, *, seconds: float = 0.0, settings: IndexSettings = QUICK) -> Worker:
    return Worker(
        gallery, TinyEmbedder, settings, "w1", detector_factory=lambda size: ColourDetector(seconds=seconds)
    )


def run_once(gallery: Gallery) -> None:
    make_worker(gallery).run(threading.Event(), once=True)


class Runs(Protocol):
    """A worker, or what drives a cluster in its place."""

    def run(self, stop: threading.Event) -> None: ...


@contextmanager
def running(worker: Runs) -> Iterator[threading.Event]:
    """The worker in a thread, until the block is left."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            worker.run(stop)
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not errors


def states(gallery: Gallery, job: JobInfo) -> list[str]:
    return [recording.state for recording in gallery.jobs.get(job.id).recordings]


def test_recordings_end_as_they_deserve(gallery: Gallery, crowd_video: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all\n" * 100)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(crowd_video.read_bytes())
    job = file_job(gallery, crowd_video, text, copy, tmp_path / "gone.mp4")
    camera = gallery.catalogue.get_or_add_camera("gate")
    kept = [tmp_path / "kept.mp4", tmp_path / "lost.mp4"]  # as uploads are, under names of the server's own
    kept[0].write_bytes(text.read_bytes())
    named = gallery.jobs.file([NewRecording(camera.id, str(p), "Yard 1.mp4", True, START) for p in kept])
    run_once(gallery)
    reasons = [str(one.reason) for one in gallery.jobs.get(named.id).recordings]
    assert reasons == ["Yard 1.mp4: a text, not a recording", "Yard 1.mp4: No such file or directory"]
    done = gallery.jobs.get(job.id)
    assert done.state == "partial"
    assert [r.state for r in done.recordings] == ["succeeded", "failed", "skipped", "failed"]
    good, bad, again, gone = done.recordings
    assert good.video_id is not None
    assert gallery.catalogue.video(good.video_id).tracklet_count == 3
    assert good.counters["frames_decoded"] == 80
    assert good.counters["tracklets"] == 3
    assert (good.reason, good.progress) == (None, 1.0)
    assert "notes.mp4" in str(bad.reason)
    assert "already" in str(again.reason)
    assert again.video_id == good.video_id
    assert "no such file" in str(gone.reason).lower()


def test_a_link_that_took_a_recordings_place_after_filing_is_not_followed(
    sqlite_gallery: Gallery, crowd_video: Path, tmp_path: Path
) -> None:
    """Who may write into the media folder could have any file of the server indexed and shown."""
    media, outside = tmp_path / "media", tmp_path / "outside"
    media.mkdir()
    (media / "gate").mkdir()
    outside.mkdir()
    for place in (media / "link.mp4", media / "gate" / "a.mp4", media / "b.mp4"):
        place.write_bytes(crowd_video.read_bytes())
    (outside / "a.mp4").write_bytes(crowd_video.read_bytes())
    job = file_job(sqlite_gallery, media / "link.mp4", media / "gate" / "a.mp4", media / "b.mp4")
    (media / "link.mp4").unlink()
    (media / "link.mp4").symlink_to(outside / "a.mp4")
    (media / "gate").rename(media / "before")
    (media / "gate").symlink_to(outside)

    swap = threading.Lock()

    class Swapping(ColourDetector):
        """Moves the folder away and links to it while a recording is read: the file stays the same."""

        def detect(self, frames: Sequence[Crop]) -> list[Detections]:
            with swap:  # frames are looked at by several threads
                if media.exists() and not media.is_symlink():
                    media.rename(tmp_path / "moved")
                    media.symlink_to(tmp_path / "moved")
            return super().detect(frames)

    def swapping(_size: int | None) -> ColourDetector:
        return Swapping()

    Worker(sqlite_gallery, TinyEmbedder, QUICK, "w1", detector_factory=swapping).run(
        threading.Event(), once=True
    )
    done = sqlite_gallery.jobs.get(job.id).recordings
    assert [one.state for one in done] == ["failed"] * 3
    assert all("after it was filed" in str(one.reason) for one in done), [one.reason for one in done]
    assert sqlite_gallery.catalogue.videos() == []


def test_the_camera_may_ask_for_another_detector_input(gallery: Gallery, crowd_video: Path) -> None:
    camera = gallery.catalogue.add_camera("far", detector_input=640)
    gallery.jobs.file([NewRecording(camera.id, str(crowd_video), "a.mp4", False, START)])
    asked: list[int | None] = []

    def factory(size: int | None) -> ColourDetector:
        asked.append(size)
        return ColourDetector()

    Worker(gallery, TinyEmbedder, QUICK, "w1", detector_factory=factory).run(threading.Event(), once=True)
    assert asked == [640]


def test_the_camera_says_what_shape_its_pixels_have(sqlite_gallery: Gallery, crowd_video: Path) -> None:
    camera = sqlite_gallery.catalogue.add_camera("narrow", pixel_aspect=2.0)
    sqlite_gallery.jobs.file([NewRecording(camera.id, str(crowd_video), "a.mp4", False, START)])
    run_once(sqlite_gallery)
    (video,) = sqlite_gallery.catalogue.videos()
    assert (video.width, video.height, video.tracklet_count) == (640, 240, 3)


def test_a_worker_keeps_an_anchor_of_the_audit_trail(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    folder, key = tmp_path / "anchors", tmp_path / "anchor.pem"

    def keep() -> Path | None:
        return keep_daily(sqlite_gallery.audit.anchor(), folder, key)

    def work() -> None:
        Worker(sqlite_gallery, TinyEmbedder, QUICK, "w1", keep_anchor=keep).run(threading.Event(), once=True)

    key.write_bytes(b"no key")
    key.chmod(0o600)
    work()
    assert list(folder.iterdir()) == [], "a key that is none stops no worker"
    key.unlink()
    work()
    (file,) = folder.iterdir()
    assert check(file.read_text(), public_key(key)) == sqlite_gallery.audit.anchor()


def test_a_failing_network_fails_the_recording_not_the_worker(gallery: Gallery, crowd_video: Path) -> None:
    job = file_job(gallery, crowd_video)

    def factory(size: int | None) -> ColourDetector:
        raise DetectorError("no such detector")

    Worker(gallery, TinyEmbedder, QUICK, "w1", detector_factory=factory).run(threading.Event(), once=True)
    (recording,) = gallery.jobs.get(job.id).recordings
    assert (recording.state, recording.reason) == ("failed", "no such detector")


def test_cancelling_stops_the_work_and_keeps_nothing(gallery: Gallery, crowd_video: Path) -> None:
    before = contents(gallery)["video"]
    job = file_job(gallery, crowd_video)
    with running(make_worker(gallery, seconds=0.5)):
        until(lambda: states(gallery, job) == ["running"])
        gallery.jobs.cancel(job.id)
        until(lambda: states(gallery, job) == ["cancelled"])
    assert contents(gallery)["video"] == before
    assert list(gallery.data_dir.glob("staging/*")) == []


def test_stopping_gives_the_recording_back(gallery: Gallery, crowd_video: Path) -> None:
    job = file_job(gallery, crowd_video)
    with running(make_worker(gallery, seconds=0.5)) as stop:
        until(lambda: states(gallery, job) == ["running"])
        stop.set()
        until(lambda: states(gallery, job) == ["queued"])
    run_once(gallery)
    assert states(gallery, job) == ["succeeded"]


def test_progress_is_reported_while_the_work_goes_on(gallery: Gallery, crowd_video: Path) -> None:
    job = file_job(gallery, crowd_video)

    def reported() -> bool:
        (recording,) = gallery.jobs.get(job.id).recordings
        return recording.stage == "index" and recording.progress > 0 and recording.counters["detections"] > 0

    with running(make_worker(gallery, seconds=0.05)):
        until(reported)
        until(lambda: states(gallery, job) == ["succeeded"])


def test_a_recording_that_was_handed_over_is_committed_once(gallery: Gallery, crowd_video: Path) -> None:
    job = file_job(gallery, crowd_video)
    asleep = QUICK.model_copy(update={"lease_seconds": 0.2, "renew_seconds": 60.0})  # never renews
    slow = Worker(
        gallery, TinyEmbedder, asleep, "slow", detector_factory=lambda size: ColourDetector(seconds=0.2)
    )
    with running(slow):
        until(lambda: states(gallery, job) == ["running"])
        until(lambda: _taken_over(gallery))
        run_once(gallery)  # finds nothing more
        until(lambda: states(gallery, job) == ["succeeded"])
    (recording,) = gallery.jobs.get(job.id).recordings
    assert recording.worker == "w2"
    assert len(gallery.catalogue.videos()) == 1
    assert len(contents(gallery)["segments"]) == 1


def _taken_over(gallery: Gallery) -> bool:
    worker = Worker(gallery, TinyEmbedder, QUICK, "w2", detector_factory=lambda size: ColourDetector())
    worker.run(threading.Event(), once=True)
    return len(gallery.catalogue.videos()) == 1


def file_reindex(gallery: Gallery, crowd_video: Path) -> JobInfo:
    file_job(gallery, crowd_video)
    run_once(gallery)
    return gallery.jobs.file_reindex(ReindexOptions("1", "1" * 64))


def reindexer(gallery: Gallery, *, seconds: float = 0.0, settings: IndexSettings = QUICK) -> Worker:
    return Worker(
        gallery,
        TinyEmbedder,
        settings,
        "w1",
        model_factory=lambda model: TinyEmbedder(model=model, seconds=seconds),
    )


def test_a_reindex_job_embeds_what_is_there(gallery: Gallery, crowd_video: Path) -> None:
    job = file_reindex(gallery, crowd_video)
    slow = QUICK.model_copy(update={"embed_batch": 8, "clip_frames": 8, "workers": 1})
    with running(reindexer(gallery, seconds=0.5, settings=slow)) as stop:
        until(lambda: states(gallery, job) == ["running"])
        stop.set()
        until(lambda: states(gallery, job) == ["queued"])
    assert list(gallery.data_dir.glob("staging/*")) == []
    reindexer(gallery).run(threading.Event(), once=True)
    (recording,) = gallery.jobs.get(job.id).recordings
    assert (recording.state, recording.reason, recording.counters["tracklets"]) == ("succeeded", None, 3)
    assert gallery.snapshot("1" * 64).tracklet_count == 3


def test_a_reindex_job_whose_video_or_model_is_gone(sqlite_gallery: Gallery, crowd_video: Path) -> None:
    job = file_reindex(sqlite_gallery, crowd_video)
    other = sqlite_gallery.jobs.file_reindex(ReindexOptions("1", "2" * 64))
    gone = sqlite_gallery.jobs.file_reindex(ReindexOptions("1", "1" * 64))
    work = reindexer(sqlite_gallery)
    work.run(threading.Event(), once=True)
    assert [states(sqlite_gallery, j) for j in (job, other, gone)] == [["succeeded"], ["failed"], ["skipped"]]
    assert "another one" in str(sqlite_gallery.jobs.get(other.id).recordings[0].reason)
    erased = sqlite_gallery.jobs.file_reindex(ReindexOptions("3", "3" * 64))
    sqlite_gallery.erase_video(sqlite_gallery.catalogue.videos()[0].id)
    work.run(threading.Event(), once=True)
    (recording,) = sqlite_gallery.jobs.get(erased.id).recordings
    assert (recording.state, recording.reason) == ("skipped", "the recording was erased")


@pytest.mark.long
def test_many_segments_are_merged(
    sqlite_gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_module, "MANY_SEGMENTS", 3)
    videos = [make_video(tmp_path / f"{seed}.mp4", frames=20, seed=seed) for seed in range(4)]
    file_job(sqlite_gallery, *videos)
    run_once(sqlite_gallery)
    assert len(contents(sqlite_gallery)["segments"]) == 2
    assert sqlite_gallery.snapshot("0" * 64).tracklet_count == 12


def test_rules_of_retention_are_followed_and_what_they_took_leaves_the_disk(
    sqlite_gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 1)  # a worker goes on until nothing is due
    videos = [make_video(tmp_path / f"{seed}.mp4", frames=20, seed=seed) for seed in range(2)]
    file_job(sqlite_gallery, *videos)
    sqlite_gallery.retention.set(RetentionKind.RECORDINGS, 1)  # START is longer ago
    held = sqlite_gallery.holds.put(HoldKind.CAMERA, camera_id=1, reason="court")
    run_once(sqlite_gallery)
    assert len(sqlite_gallery.catalogue.videos()) == 2
    sqlite_gallery.holds.lift(held.id, reason="over")
    run_once(sqlite_gallery)
    assert sqlite_gallery.catalogue.videos() == []
    done = sqlite_gallery.erasures.certificates.list()
    assert [one.certificate["counts"]["recordings"] for one in done] == [1, 1]
    assert all(one.settled_at is not None for one in done)
    assert list((sqlite_gallery.data_dir / "segments").iterdir()) == []


class FullDisk(Gallery):
    """A gallery that refuses what is written while `full` is set, as its disk has no room."""

    full: threading.Event
    refused = 0
    error: Exception = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def writer(self, content_hash: str, model: ModelInfo) -> VideoWriter:
        if self.full.is_set():
            self.refused += 1
            raise self.error
        return super().writer(content_hash, model)


@pytest.mark.parametrize("error", [FullDisk.error, VectorsUnavailable("Milvus cannot be used")])
def test_a_full_disk_or_milvus_away_is_waited_for_and_fails_no_recording(
    sqlite_settings: GallerySettings, crowd_video: Path, error: Exception
) -> None:
    with FullDisk.open(sqlite_settings) as gallery:
        assert isinstance(gallery, FullDisk)
        gallery.full = threading.Event()
        gallery.full.set()
        gallery.error = error
        job = file_job(gallery, crowd_video)
        with running(make_worker(gallery)):
            until(lambda: gallery.refused >= 2)
            assert states(gallery, job) == ["running"]
            gallery.full.clear()
            until(lambda: states(gallery, job) == ["succeeded"])
        assert gallery.jobs.get(job.id).recordings[0].attempts == 1


def test_a_disk_that_stays_full_stops_the_worker_and_gives_the_recording_back(
    sqlite_settings: GallerySettings, crowd_video: Path
) -> None:
    with FullDisk.open(sqlite_settings) as gallery:
        assert isinstance(gallery, FullDisk)
        gallery.full = threading.Event()
        gallery.full.set()
        job = file_job(gallery, crowd_video)
        hasty = QUICK.model_copy(update={"outage_seconds": 0.0})
        with pytest.raises(OSError, match="No space"):
            make_worker(gallery, settings=hasty).run(threading.Event(), once=True)
        assert states(gallery, job) == ["queued"]


def test_the_database_may_go_away_for_a_while(
    postgres_settings: GallerySettings, postgres_server: PostgresServer, crowd_video: Path
) -> None:
    url = postgres_settings.resolved_database_url
    name = url.removeprefix("postgresql://postgres@/").split("?", maxsplit=1)[0]
    with Gallery.open(postgres_settings) as gallery:
        job = file_job(gallery, crowd_video)
        with running(make_worker(gallery, seconds=0.1)):
            until(lambda: states(gallery, job) == ["running"])
            with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
                admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
                )
                take_time(3.0)  # the work ends meanwhile and cannot be committed
                admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            until(lambda: states(gallery, job) == ["succeeded"])
        assert len(gallery.catalogue.videos()) == 1
