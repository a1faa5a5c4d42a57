"""Jobs about models: which rows they get, who goes first, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.jobs import AdaptOptions, JobKind, NewRecording, ReindexOptions
from gallery.records.searching import Filters
from tests.gallery.making import MODEL, START, make_tracklets, store

OTHER = ReindexOptions("other", "b" * 64)
ADAPT = AdaptOptions("ours", "tkp")


def test_a_reindex_job_has_the_videos_that_lack_the_model(gallery: Gallery) -> None:
    kept = [store(gallery, name, make_tracklets(n, 2)) for n, name in enumerate("abc")]
    camera = gallery.catalogue.camera(kept[0].camera_id)
    with pytest.raises(Conflict, match="already"):
        gallery.jobs.file_reindex(ReindexOptions(MODEL.name, MODEL.id))
    job = gallery.jobs.file_reindex(OTHER, idempotency_key="k")
    assert gallery.jobs.file_reindex(OTHER, idempotency_key="k") == job
    assert (job.kind, job.options) == (JobKind.REINDEX, {"model": "other", "model_id": "b" * 64})
    assert {r.video_id for r in job.recordings} == {video.id for video in kept}
    assert {(r.camera_id, r.owned) for r in job.recordings} == {(camera.id, False)}
    (covered, *_) = gallery.catalogue.coverage(Filters(), MODEL.id).cameras
    assert not covered.unindexed  # the old model finds them all the while
    with pytest.raises(Conflict, match="idempotency"):
        gallery.jobs.file_reindex(OTHER, camera_ids=[camera.id], idempotency_key="k")
    empty = gallery.catalogue.add_camera("empty")
    with pytest.raises(Conflict):
        gallery.jobs.file_reindex(OTHER, camera_ids=[empty.id])
    with pytest.raises(NotFound):
        gallery.jobs.file_reindex(OTHER, camera_ids=[2**40])


def test_new_recordings_go_first_and_adaptations_last(gallery: Gallery) -> None:
    video = store(gallery, "a", make_tracklets(1, 2))
    gallery.jobs.file_adapt(replace(ADAPT, camera_ids=[video.camera_id]))
    gallery.jobs.file_reindex(OTHER)
    gallery.jobs.file([NewRecording(video.camera_id, "/m/new.mp4", "new.mp4", False, START)])
    claims = [gallery.jobs.claim("w", lease_seconds=60) for _ in range(3)]
    assert [claim and claim.kind for claim in claims] == ["index", "reindex", "adapt"]
    adapt = claims[2]
    assert adapt is not None
    assert (adapt.recording.camera_id, adapt.recording.start_time) == (None, None)
    assert (adapt.recording.file_name, adapt.options["rounds"]) == ("ours", 6)
    assert [job.kind for job in gallery.jobs.list(kinds=[JobKind.ADAPT])] == ["adapt"]
    assert len(gallery.jobs.list()) == 3


def test_a_worker_leaves_the_kinds_of_job_that_it_does_not_take(gallery: Gallery) -> None:
    video = store(gallery, "a", make_tracklets(1, 2))
    gallery.jobs.file_adapt(replace(ADAPT, camera_ids=[video.camera_id]))
    assert gallery.jobs.claim("w", lease_seconds=60, kinds=[JobKind.INDEX]) is None
    gallery.jobs.file([NewRecording(video.camera_id, "/m/new.mp4", "new.mp4", False, START)])
    models = [JobKind.REINDEX, JobKind.ADAPT]
    claims = [gallery.jobs.claim("w", lease_seconds=60, kinds=models) for _ in range(2)]
    assert [claim and claim.kind for claim in claims] == [JobKind.ADAPT, None]
    claim = gallery.jobs.claim("w", lease_seconds=60, kinds=[JobKind.INDEX])
    assert claim is not None
    assert claim.kind == JobKind.INDEX


@pytest.mark.parametrize(
    "wrong",
    [
        {"rounds": 0},
        {"rounds": 10**9},
        {"hours": 0.0},
        {"hours": float("nan")},
        {"hours": float("inf")},
        {"seed": -1},
        {"name": ""},
        {"name": "a\0"},
        {"name": "../up"},
        {"parent": "a\0"},
        {"parent": "x" * 10_000},
        {"start": "yesterday"},
        {"start": "2026-01-01T00:00:00"},
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_no_adaptation_can_be(sqlite_gallery: Gallery, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        sqlite_gallery.jobs.file_adapt(replace(ADAPT, **wrong))
    assert sqlite_gallery.jobs.list() == []


def test_an_unknown_camera(gallery: Gallery) -> None:
    with pytest.raises(NotFound):
        gallery.jobs.file_adapt(replace(ADAPT, camera_ids=[7]))
    assert gallery.jobs.list() == []
