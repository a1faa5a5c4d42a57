"""Recordings in an object store are indexed as files are, and wait while the store is away."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gallery import FiledFile, Gallery, GallerySettings, JobInfo, NewRecording, ObjectsUnavailable
from indexer.at_hand import at_hand
from indexer.errors import UnreadableRecording
from indexer.pipeline import IndexReport, index_video
from indexer.progress import Silent
from indexer.recrop import _unchanged
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.test_worker import QUICK, make_worker, run_once, running
from tests.objects import ROOT, Store
from tests.waiting import until

WHERE = {"video": {"path", "file_mtime_ns", "file_ctime_ns", "file_inode", "indexed_at", "rows_sha256"}}


@pytest.fixture
def gallery(sqlite_gallery: Gallery, store: Store) -> Gallery:
    store.connect(sqlite_gallery)
    return sqlite_gallery


def read(gallery: Gallery, recording: Recording, settings: IndexSettings) -> IndexReport:
    with at_hand(gallery.places, recording, Silent()) as here:
        return index_video(gallery, TinyEmbedder(), ColourDetector(), here, settings)


def file_object(
    gallery: Gallery, url: str, *, filed: FiledFile | None = None, name: str = "crowd.mp4"
) -> JobInfo:
    camera = gallery.catalogue.get_or_add_camera("gate")
    return gallery.jobs.file([NewRecording(camera.id, url, name, False, START, filed)])


def outcome(gallery: Gallery, job: JobInfo) -> tuple[str, str | None]:
    (one,) = gallery.jobs.get(job.id).recordings
    return one.state, one.reason


def test_rows_and_vectors_are_those_of_a_file(
    gallery: Gallery,
    store: Store,
    recording: Recording,
    settings: IndexSettings,
    tmp_path: Path,
    sqlite_template: Path,
) -> None:
    url = store.put("site/crowd.mp4", recording.path.read_bytes())
    of_object = Recording.at(url, recording.camera_id, START, recording.file_name)
    video = read(gallery, of_object, settings).video
    assert (video.path, video.size_bytes) == (url, recording.path.stat().st_size)
    assert not list(gallery.data_dir.rglob("*.copy"))
    (tmp_path / "other").mkdir()
    other = GallerySettings(data_dir=tmp_path / "other")
    with Gallery.open(other, create=True) as on_disk:
        on_disk.catalogue.get_or_add_camera("gate")
        read(on_disk, recording, settings)
        assert contents(gallery, WHERE) == contents(on_disk, WHERE)
    with _unchanged(gallery.places, video) as file:
        assert file.source.read_bytes() == recording.path.read_bytes()
    again = read(gallery, recording, settings)  # the same content in a file: the object is still there
    assert (again.already, again.video.path) == (True, url)
    store.remove(url)
    with pytest.raises(UnreadableRecording, match="is gone"), _unchanged(gallery.places, video):
        pass
    moved = read(gallery, recording, settings)
    assert (moved.moved, moved.video.path) == (True, str(recording.path))
    back = store.put("site/moved.mp4", recording.path.read_bytes())
    recording.path.rename(recording.path.with_suffix(".away"))
    try:
        now = read(gallery, replace(of_object, url=back), settings).video
    finally:
        recording.path.with_suffix(".away").rename(recording.path)
    with gallery.places.at_hand(back) as found:
        assert (now.path, now.stamp) == (back, found.stamp)


def test_jobs_name_objects_and_say_what_is_wrong_with_them(
    gallery: Gallery, store: Store, crowd_video: Path
) -> None:
    content = crowd_video.read_bytes()
    url = store.put("site/job.mp4", content)
    filed = gallery.places.objects.state(url).filed
    store.put("site/job.mp4", content + b"\0")
    replaced = file_object(gallery, url, filed=filed)
    foreign = file_object(gallery, store.put("site/secret.mp4", content, bucket="secrets"))
    missing = file_object(gallery, f"{ROOT}none.mp4")
    broken = file_object(gallery, store.put("site/broken.mp4", b"\0 no film"))
    run_once(gallery)
    assert outcome(gallery, replaced) == ("failed", "crowd.mp4: the object was replaced after it was filed")
    assert outcome(gallery, foreign)[1] == "crowd.mp4: the object is not below SIGHTLINE_OBJECT_ROOTS"
    assert outcome(gallery, missing)[1] == "crowd.mp4: there is no such object"
    assert outcome(gallery, broken)[1] == "crowd.mp4: not a video file, or cut off in its header"
    again = gallery.failures.retry(replaced.id, [replaced.recordings[0].id])
    run_once(gallery)
    assert outcome(gallery, again) == ("succeeded", None)


@pytest.fixture
def swapped(gallery: Gallery, store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """An object that is replaced while it is indexed."""
    url = f"{ROOT}swapped.mp4"
    own = gallery.places.seen

    def seen(place: str) -> object:
        store.put("site/swapped.mp4", b"another film")
        return own(place)

    monkeypatch.setattr(gallery.places, "seen", seen)
    return url


def test_one_that_is_replaced_while_it_is_indexed_is_not_recorded(
    gallery: Gallery, store: Store, crowd_video: Path, swapped: str
) -> None:
    store.put("site/swapped.mp4", crowd_video.read_bytes())
    job = file_object(gallery, swapped)
    run_once(gallery)
    assert outcome(gallery, job) == ("failed", "crowd.mp4: the object was replaced while it was read")
    assert gallery.catalogue.videos() == []


def test_jobs_wait_while_the_store_is_away(gallery: Gallery, store: Store, crowd_video: Path) -> None:
    job = file_object(gallery, store.put("site/later.mp4", crowd_video.read_bytes()))
    with store.away():
        impatient = make_worker(gallery, settings=QUICK.model_copy(update={"outage_seconds": 0.0}))
        with pytest.raises(ObjectsUnavailable, match="cannot be reached"):
            impatient.run(threading.Event(), once=True)
        assert outcome(gallery, job) == ("queued", None)
        with running(make_worker(gallery)):
            until(lambda: outcome(gallery, job)[0] == "running")
            store.start()
            until(lambda: outcome(gallery, job)[0] == "succeeded")


def test_jobs_wait_while_credentials_are_refused_and_one_that_is_refused_alone_fails(
    gallery: Gallery, store: Store, crowd_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = crowd_video.read_bytes()
    refused = file_object(gallery, store.put("site/refused.mp4", content))
    job = file_object(gallery, store.put("site/readable.mp4", content))
    with store.guarded(listing=False) as right:
        impatient = make_worker(gallery, settings=QUICK.model_copy(update={"outage_seconds": 0.0}))
        with pytest.raises(ObjectsUnavailable, match="needs valid credentials"):
            impatient.run(threading.Event(), once=True)
        assert outcome(gallery, refused) == outcome(gallery, job) == ("queued", None)
        with running(make_worker(gallery)):
            until(lambda: outcome(gallery, refused)[0] == "running")
            for name, value in right.items():
                monkeypatch.setenv(name, value)
            until(lambda: outcome(gallery, job)[0] == "succeeded")
        state, reason = outcome(gallery, refused)
        assert (state, "crowd.mp4: the object store at" in str(reason)) == ("failed", True)
        assert str(reason).endswith("does not let it be read")
