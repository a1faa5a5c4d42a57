"""What an answer says was searched and what was not, and why."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import NewRecording, Snapshot
from service import coverage
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.conftest import NOON, Archive, index, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.searches.asking import Json, gaps, search
from tests.service.videos import BLUE, RED, scene


def test_states_what_was_searched(client: TestClient, probe: Json) -> None:
    answer = search(client, probe, sites=["north"], start="2026-03-01T12:00:01Z", end="2026-03-01T12:00:11Z")
    coverage = answer["coverage"]
    assert coverage["cameras"] == [
        {
            "camera": "gate",
            "site": "north",
            "time_zone": "Europe/Berlin",
            "videos": 1,
            "seconds": 4.0,
            "first": "2026-03-01T12:00:01Z",
            "last": "2026-03-01T12:00:05Z",
            "tracklets": 2,
            "intervals": [{"start": "2026-03-01T12:00:01Z", "end": "2026-03-01T12:00:05Z"}],
            "more_intervals": 0,
            "missing": [
                {
                    "start": "2026-03-01T12:00:05Z",
                    "end": "2026-03-01T12:00:11Z",
                    "reason": "not_recorded",
                    "at_most": False,
                }
            ],
            "more_missing": 0,
            "unindexed": [],
            "more_unindexed": 0,
        }
    ]
    assert (coverage["exact"], coverage["recall"], coverage["tracklets_compared"]) == (True, 1.0, 2)
    assert {(gap["what"], gap["reason"]) for gap in coverage["not_searched"]} == {
        ("6 s (2026-03-01 13:00:05 to 13:00:11) of gate", "no recording is indexed"),
        ("yard", "left out by the filter"),
        ("roof", "left out by the filter"),
    }


def test_states_what_could_not_be_searched(client: TestClient, archive: Archive, probe: Json) -> None:
    catalogue, jobs = archive.gallery.catalogue, archive.gallery.jobs
    yard, roof = catalogue.camera_named("yard"), catalogue.camera_named("roof")
    jobs.file([NewRecording(roof.id, "/a", "waits.mp4", False, NOON)])
    jobs.file([NewRecording(yard.id, "/b", "broken.mp4", False, NOON)])
    for _ in range(2):
        claim = jobs.claim("worker", lease_seconds=100)
        assert claim is not None
        if claim.recording.file_name == "broken.mp4":
            jobs.finish(claim, state="failed", reason="no picture in it")
        else:
            jobs.renew(claim, lease_seconds=100, stage="detect", progress=0.42)
    answer = search(client, probe)
    assert gaps(answer) == {
        ("roof", "nothing is indexed for this time"),
        ("waits.mp4 of roof (from 2026-03-01 12:00:00)", "being indexed, 42% done"),
        ("broken.mp4 of yard (within 2026-03-01 12:00:00 to 13:00:00)", "indexing failed: no picture in it"),
    }
    there = next(one for one in answer["coverage"]["cameras"] if one["camera"] == "yard")
    hour = {"start": "2026-03-01T12:00:00Z", "end": "2026-03-01T13:00:00Z"}
    assert there["missing"] == [{**hour, "reason": "failed", "at_most": True}]
    assert there["unindexed"] == [
        {**hour, "file_name": "broken.mp4", "exact": False, "state": "failed", "reason": "no picture in it"}
    ]
    later = search(client, probe, end="2026-03-01T11:00:00Z")["coverage"]["not_searched"]
    assert not [gap for gap in later if "mp4" in gap["what"]]


def test_overlaps_and_holes_are_no_coverage(client: TestClient, archive: Archive, probe: Json) -> None:
    """The gate's second video begins within the first; the roof's has no pictures for a while."""
    index(archive, "gate", NOON + timedelta(seconds=3), [BLUE], name="late")
    hole = [(0, 1_000_000), (4_000_000, 5_000_000)]
    index(archive, "roof", NOON, [], seconds=5, intervals=hole)
    start, end = "2026-03-01T12:00:00Z", "2026-03-01T12:00:08Z"
    answer = search(client, probe, cameras=["gate", "roof"], start=start, end=end)
    assert [camera["seconds"] for camera in answer["coverage"]["cameras"]] == [8.0, 2.0]
    assert gaps(answer) == {
        ("yard", "left out by the filter"),
        ("3 s (2026-03-01 12:00:01 to 12:00:04) of roof", "the recording has no pictures there"),
        ("3 s (2026-03-01 12:00:05 to 12:00:08) of roof", "no recording is indexed"),
    }


def test_another_model_is_the_only_reason_where_it_is_the_true_one(
    archive: Archive, settings: ServiceSettings, secret: str
) -> None:
    other = ColourEmbedder()
    other.id = "d" * 64
    app = create_app(settings, gallery=archive.gallery, embedder=other, detector=ContrastDetector())
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        probe = upload(client, scene((RED, 100, 60)))
        answer = search(client, probe)
        start, end = "2026-03-01T11:59:55Z", "2026-03-01T12:00:05Z"
        partly = search(client, probe, cameras=["gate"], start=start, end=end)
    assert gaps(answer) == {
        ("gate", "indexed with another model only"),
        ("yard", "indexed with another model only"),
        ("roof", "nothing is indexed for this time"),
    }
    there = "5 s (2026-03-01 13:00:00 to 13:00:05) of gate"
    assert (there, "indexed with another model only") in gaps(partly)


def test_a_damaged_segment_is_said_and_stops_no_other(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    for file in sorted((archive.gallery.data_dir / "segments").iterdir())[0].glob("tracklets*"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 0x40
        file.write_bytes(content)
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        answer = search(client, upload(client, scene((RED, 100, 60))))
        ready = client.get("/readyz")
    assert (ready.status_code, "without 1 damaged segment" in ready.text) == (200, True)
    assert len(answer["hits"]) == 2
    assert all(abs(hit["score"]) < 1.01 for hit in answer["hits"])
    (damaged,) = [gap for gap in answer["coverage"]["not_searched"] if gap["cause"] == "damaged"]
    assert "repair" in damaged["reason"]
    assert str(archive.gallery.data_dir) not in str(answer)


def test_counts_the_rest_by_reason(client: TestClient, archive: Archive, probe: Json) -> None:
    roof = archive.gallery.catalogue.camera_named("roof")
    filed = [NewRecording(roof.id, f"/m/{i}", f"{i}.mp4", False, NOON) for i in range(50)]
    archive.gallery.jobs.file(filed)
    for i in range(12):
        claim = archive.gallery.jobs.claim("worker", lease_seconds=100)
        assert claim is not None
        archive.gallery.jobs.finish(claim, state="failed", reason="empty" if i % 2 else "no video")
    rest = {gap for gap in gaps(search(client, probe)) if "more" in gap[0]}
    assert sum(int(what.split()[0]) for what, _ in rest) == 30
    assert {reason for _, reason in rest} <= {
        "waiting to be indexed", "indexing failed: empty", "indexing failed: no video",
    }  # fmt: skip


def test_lists_many_stretches_up_to_a_limit_and_counts_the_rest(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_LISTED", 0)
    monkeypatch.setattr(coverage, "_LEAST", 2)
    parts = [(2_000_000 * i, 2_000_000 * i + 500_000) for i in range(5)]
    index(archive, "roof", NOON, [], seconds=9, intervals=parts)
    (roof,) = search(client, probe, cameras=["roof"])["coverage"]["cameras"]
    assert [one["start"] for one in roof["intervals"]] == ["2026-03-01T12:00:00Z", "2026-03-01T12:00:02Z"]
    assert [len(roof[name]) for name in ("missing", "unindexed")] == [2, 0]
    assert [roof[f"more_{name}"] for name in ("intervals", "missing", "unindexed")] == [3, 2, 0]


def test_searches_recorded_before_stretches_were_told_stay_readable(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    answer = search(client, probe, cameras=["gate"])
    with closing(sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3")) as database, database:
        for name in ("intervals", "more_intervals", "time_zone", "unindexed", "more_unindexed"):
            path = f"$.cameras[0].{name}"
            database.execute("UPDATE search SET coverage = json_remove(coverage, ?)", [path])
    (gate,) = client.get(f"/v1/searches/{answer['id']}").json()["coverage"]["cameras"]
    assert (gate["intervals"], gate["unindexed"], gate["seconds"]) == (None, [], 5.0)


def test_an_empty_gallery_answers_that_it_is_empty(client: TestClient, archive: Archive, probe: Json) -> None:
    for video in archive.videos.values():
        archive.gallery.erase_video(video.id)
    answer = search(client, probe)
    assert answer["hits"] == []
    assert answer["coverage"]["tracklets_compared"] == 0
    assert all(camera["videos"] == 0 for camera in answer["coverage"]["cameras"])


def test_a_video_that_came_while_it_was_ranked_is_not_said_to_be_searched(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Snapshot.search

    def ranked(self: Snapshot, *args: Any, **options: Any) -> Any:
        found = real(self, *args, **options)
        index(archive, "roof", NOON, [RED])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Snapshot, "search", ranked)
        answer = search(client, probe, cameras=["roof"])
    assert (answer["hits"], answer["coverage"]["cameras"][0]["videos"]) == ([], 0)
    assert ("roof.mp4 of roof (2026-03-01 12:00:00 to 12:00:05)", "being indexed, 99% done") in gaps(answer)
    assert search(client, probe, cameras=["roof"])["coverage"]["cameras"][0]["videos"] == 1
