"""Stretches of a recording over HTTP."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.service.conftest import NOON, Archive
from tests.service.test_erasures import erase
from tests.service.test_playback import is_line
from tests.service.test_tracklets import frames
from tests.service.videos import GREEN, RED


@pytest.fixture
def path(archive: Archive) -> str:
    """The URL of the recording of the gate, five seconds at ten frames a second."""
    return f"/v1/videos/{archive.videos['gate'].id}/clip"


def test_plays_a_stretch_and_says_when_it_was(client: TestClient, path: str, tmp_path: Path) -> None:
    answer = client.get(path, params={"offset": 2, "seconds": 1})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.headers["sightline-clip-start"] == "2026-03-01T12:00:02Z"
    pictures = frames(answer.content, tmp_path)
    assert len(pictures) == 11
    assert not any(is_line(pixel) for _, picture in pictures for pixel in picture[80])
    part = client.get(path, params={"offset": 2, "seconds": 1}, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, answer.content[:10])
    assert len(frames(client.get(path).content, tmp_path)) == 50, "no further than the recording"


def test_draws_the_box_of_a_tracklet(client: TestClient, archive: Archive, path: str, tmp_path: Path) -> None:
    red, green = (archive.tracklets["gate", colour] for colour in (RED, GREEN))
    columns = []
    for tracklet in (red, green):
        ((_, first), *_) = frames(
            client.get(path, params={"offset": 1, "seconds": 1, "tracklet": tracklet}).content, tmp_path
        )
        columns.append(np.flatnonzero([is_line(pixel) for pixel in first[140]]))
    assert len(columns[0]) == 0, "the box of the one in red ends above"
    assert len(columns[1])


def test_the_clip_of_a_tracklet_says_when_it_begins(client: TestClient, archive: Archive) -> None:
    clip = f"/v1/tracklets/{archive.tracklets['gate', RED]}/clip"
    for padding, start in ((0, "12:00:00.500000Z"), (0.3, "12:00:00.200000Z"), (10, "12:00:00Z")):
        answer = client.get(clip, params={"padding": padding})
        assert answer.headers["sightline-clip-start"] == f"2026-03-01T{start}"


def test_what_was_erased_is_not_played(
    client: TestClient, archive: Archive, path: str, tmp_path: Path
) -> None:
    assert len(frames(client.get(path).content, tmp_path)) == 50
    start, end = ((NOON + timedelta(seconds=s)).isoformat() for s in (4.7, 60))
    erase(client, {"camera": "gate", "start": start, "end": end})
    assert len(frames(client.get(path).content, tmp_path)) == 47
    erase(client, {"camera": "gate", "start": (NOON + timedelta(seconds=1.9)).isoformat(), "end": end})
    refused = client.get(path, params={"offset": 2})
    assert (refused.status_code, "erased" in refused.json()["detail"]) == (410, True)
    files = (archive.gallery.data_dir / "cache").rglob("*.mp4")
    assert all(len(frames(file.read_bytes(), tmp_path)) < 20 for file in files)


def test_who_watched_is_on_record(client: TestClient, archive: Archive, path: str) -> None:
    client.get(path, params={"offset": 1, "seconds": 2})
    (event,) = archive.gallery.audit.events(action="video.view")
    assert event.subject == archive.videos["gate"].id
    assert event.detail == {"offset_seconds": 1, "seconds": 2, "tracklet": None}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("offset=5", 422),
        ("offset=-1", 422),
        ("offset=1e999", 422),
        ("offset=99999999999999999999", 422),
        ("seconds=0", 422),
        ("seconds=121", 422),
        ("tracklet=nonsense", 404),
        ("tracklet=%00", 404),
    ],
)
def test_refuses_what_makes_no_sense(client: TestClient, path: str, query: str, status: int) -> None:
    assert client.get(f"{path}?{query}").status_code == status


def test_knows_no_others(client: TestClient, archive: Archive, path: str) -> None:
    assert client.get("/v1/videos/unknown/clip").status_code == 404
    other = next(id_ for (camera, _), id_ in archive.tracklets.items() if camera != "gate")
    assert client.get(path, params={"tracklet": other}).status_code == 404
    assert not archive.gallery.audit.events(action="video.view")
