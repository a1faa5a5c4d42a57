"""Tracklets over HTTP: what is known, what can be watched."""

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.service.conftest import Archive
from tests.service.test_playback import is_line
from tests.service.videos import BACKGROUND, RED, Pixels, read_video


@pytest.fixture
def path(archive: Archive) -> str:
    """The URL of the one in red at the gate."""
    return f"/v1/tracklets/{archive.tracklets['gate', RED]}"


def frames(content: bytes, tmp_path: Path) -> list[tuple[float, Pixels]]:
    file = tmp_path / "answer.mp4"
    file.write_bytes(content)
    return read_video(file)


def test_says_what_is_known(client: TestClient, archive: Archive, path: str) -> None:
    tracklet = client.get(path).json()
    assert tracklet["camera"] == {"name": "gate", "site": "north", "time_zone": "Europe/Berlin"}
    assert (tracklet["start"], tracklet["end"]) == (
        "2026-03-01T12:00:00.500000Z",
        "2026-03-01T12:00:04.500000Z",
    )
    assert (tracklet["offset_seconds"], tracklet["width"], tracklet["height"]) == (0.5, 320, 240)
    assert len(tracklet["boxes"]) == tracklet["frame_count"] == 21
    assert tracklet["boxes"][0] == [0.5, 40, 10, 40, 100, 0.9]
    assert tracklet["boxes"][-1] == [4.5, 200, 10, 40, 100, 0.9]
    assert [clip["number"] for clip in tracklet["clips"]] == [0, 1]
    assert tracklet["clips"][1]["start"] == "2026-03-01T12:00:02.500000Z"
    thumbnail = client.get(tracklet["thumbnail_url"])
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert thumbnail.content.startswith(b"\xff\xd8")


def test_plays_the_whole_tracklet_with_its_box(client: TestClient, path: str, tmp_path: Path) -> None:
    answer = client.get(f"{path}/clip", params={"padding": 0.3})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    pictures = frames(answer.content, tmp_path)
    assert len(pictures) == 47
    for time, picture in pictures:
        second = 0.2 + time
        assert picture.shape == (240, 320, 3)
        drawn = np.array([is_line(pixel) for pixel in picture[80]])
        if not 0.49 < second < 4.51:
            assert not drawn.any(), second
            continue
        # The figure walks with its box: the box ends where it ends.
        figure = np.flatnonzero(np.abs(picture[30].astype(int) - BACKGROUND).max(axis=1) > 60)
        assert np.flatnonzero(drawn).min() == pytest.approx(20 + 40 * second, abs=3)
        assert figure.min() == pytest.approx(np.flatnonzero(drawn).min(), abs=3)


def test_plays_one_moment_plain(client: TestClient, path: str, tmp_path: Path) -> None:
    answer = client.get(f"{path}/clip", params={"moment": 1, "padding": 0, "box": "none"})
    pictures = frames(answer.content, tmp_path)
    assert len(pictures) == 21
    assert not any(is_line(pixel) for _, picture in pictures for pixel in picture[80])


def test_begins_at_the_recordings_first_frame(client: TestClient, path: str, tmp_path: Path) -> None:
    assert len(frames(client.get(f"{path}/clip", params={"padding": 10}).content, tmp_path)) == 50


def test_ends_at_the_limit(make_app: Callable[..., FastAPI], secret: str, path: str, tmp_path: Path) -> None:
    with TestClient(make_app(max_clip_seconds=1.0), headers={"X-API-Key": secret}) as client:
        answer = client.get(f"{path}/clip", params={"padding": 0})
    assert len(frames(answer.content, tmp_path)) == 11


def test_supports_ranges(client: TestClient, path: str) -> None:
    whole = client.get(f"{path}/clip")
    size = len(whole.content)
    part = client.get(f"{path}/clip", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 100-199/{size}"
    assert part.content == whole.content[100:200]
    last = client.get(f"{path}/clip", headers={"Range": "bytes=-50", "If-Range": whole.headers["etag"]})
    assert (last.status_code, last.content) == (206, whole.content[-50:])
    stale = client.get(f"{path}/clip", headers={"Range": "bytes=-50", "If-Range": '"other"'})
    assert (stale.status_code, len(stale.content)) == (200, size)
    for wrong, status in ((f"bytes={size}-", 416), ("bytes=9-2", 400), ("lines=1-2", 400)):
        answer = client.get(f"{path}/clip", headers={"Range": wrong})
        assert answer.status_code == status
        assert answer.json()["status"] == status
    assert (
        client.get(f"{path}/clip", headers={"Range": f"bytes={size}-"}).headers["content-range"]
        == f"bytes */{size}"
    )


def test_is_kept_by_no_browser_and_shown_on_no_other_page(client: TestClient, path: str) -> None:
    for url in (f"{path}/clip", f"{path}/thumbnail"):
        answer = client.get(url)
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_clip_has_so_many_variants_and_no_more(client: TestClient, path: str) -> None:
    tags = {
        client.get(f"{path}/clip", params={"padding": padding}).headers["etag"]
        for padding in (0.2, 0.2000001, 0.19, 0.2499, 1 / 5)
    }
    assert len(tags) == 1


def test_a_decoder_that_wants_too_much_ends_alone(
    make_app: Callable[..., FastAPI], secret: str, path: str, archive: Archive
) -> None:
    with TestClient(make_app(clip_memory_bytes=1 << 20), headers={"X-API-Key": secret}) as client:
        answer = client.get(f"{path}/clip")
        assert answer.status_code == 410
        # FFmpeg calls a lack of memory by whatever it was doing then.
        assert answer.json()["type"] == "urn:sightline:problem:recording-unavailable"
        assert client.get("/livez").status_code == 200
    assert not [*(archive.gallery.data_dir / "cache").rglob("*.mp4")]


def test_cuts_a_clip_once(client: TestClient, archive: Archive, path: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.get(f"{path}/clip"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == 1
    (kept,) = (archive.gallery.data_dir / "cache" / archive.videos["gate"].id).iterdir()
    assert kept.read_bytes() == answers[0].content


LOOKS = [("", "tracklet.read"), ("/thumbnail", "thumbnail.view"), ("/clip", "clip.view")]


@pytest.mark.parametrize(("part", "action"), LOOKS)
def test_writes_down_who_looked(
    client: TestClient, archive: Archive, path: str, part: str, action: str
) -> None:
    first = client.get(path + part)
    client.get(path + part, headers={"If-None-Match": first.headers.get("etag", "")})
    client.head(path + part)
    assert client.get("/v1/tracklets/unknown" + part).status_code == 404
    events = archive.gallery.audit.events(action=action)
    (key,) = archive.gallery.keys.list()
    assert [(event.subject, event.key_id) for event in events] == [
        (archive.tracklets["gate", RED], key.id)
    ] * 3, "once a look, and none of what is not there"


@pytest.mark.parametrize(("part", "action"), LOOKS)
def test_shows_nobody_without_a_record(
    client: TestClient, archive: Archive, path: str, part: str, action: str
) -> None:
    with sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_event BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    answer = client.get(path + part)
    assert answer.status_code in {500, 503}, action
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["padding=-1", "padding=11", "padding=nan", "box=red", "moment=2", "moment=-1", "moment=best"]
)
def test_refuses_what_makes_no_sense(client: TestClient, path: str, query: str) -> None:
    answer = client.get(f"{path}/clip?{query}")
    assert answer.status_code == 422, query
    assert answer.json()["errors"][0]["pointer"] == query.partition("=")[0]


@pytest.mark.parametrize("tracklet_id", ["0" * 32 + "-0", "nonsense", "..", "%2e%2e%2fx", "0" * 64])
@pytest.mark.parametrize("part", ["", "/thumbnail", "/clip"])
def test_does_not_know_others(shared_client: TestClient, tracklet_id: str, part: str) -> None:
    answer = shared_client.get(f"/v1/tracklets/{tracklet_id}{part}")
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_says_why_a_recording_cannot_be_played(client: TestClient, archive: Archive, path: str) -> None:
    recording = Path(archive.videos["gate"].path)
    content = recording.read_bytes()
    os.utime(recording, (0, 0))
    for replacement, word in ((None, "no longer"), (content[:-1], "size"), (content[::-1], "changed")):
        recording.unlink(missing_ok=True)
        if replacement is not None:
            recording.write_bytes(replacement)
        answer = client.get(f"{path}/clip")
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:sightline:problem:recording-unavailable"
        assert word in answer.json()["detail"]
        assert str(archive.media) not in answer.text
    assert not list((archive.gallery.data_dir / "cache").rglob("*.mp4"))
    recording.write_bytes(content)
    assert client.get(f"{path}/clip").status_code == 200


def test_shows_nothing_of_what_was_erased(client: TestClient, archive: Archive, path: str) -> None:
    assert client.get(f"{path}/clip").status_code == 200
    archive.gallery.erase_video(archive.videos["gate"].id)
    for part in ("", "/thumbnail", "/clip"):
        assert client.get(path + part).status_code == 404
    assert not (archive.gallery.data_dir / "cache" / archive.videos["gate"].id).exists()
