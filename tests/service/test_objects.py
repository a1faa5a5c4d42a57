"""Recordings in an object store over HTTP: what may be named, and playing while the store comes and goes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Scope
from tests.objects import BUCKET, ROOT, SECRET, Store
from tests.service.conftest import Archive
from tests.service.searches.asking import search
from tests.service.test_media_folder import stamped
from tests.service.videos import RED


@pytest.fixture
def url(archive: Archive, store: Store) -> Iterator[str]:
    """The recording of the gate lies in the store, and nowhere else."""
    store.connect(archive.gallery)
    file = archive.media / "gate.mp4"
    place = store.put("site/gate.mp4", file.read_bytes())
    file.unlink()
    moved_to(archive, place)
    yield place
    store.remove(place)


def moved_to(archive: Archive, place: str) -> None:
    with archive.gallery.places.at_hand(place) as found:
        archive.gallery.correct_video(archive.videos["gate"].id, path=place, stamp=found.stamp)


def file(client: TestClient, path: str, expect: int = 202, **more: str) -> Any:
    job = {"recordings": [{"path": path, "camera": "gate", "start": "2026-03-13T08:00:00Z", **more}]}
    answer = client.post("/v1/index-jobs", json=job)
    assert answer.status_code == expect, (path, answer.text)
    return answer.json()


@pytest.mark.parametrize("roots", [ROOT, ""])
def test_only_objects_below_the_roots_are_filed(
    client: TestClient, archive: Archive, store: Store, roots: str
) -> None:
    store.connect(archive.gallery, object_roots=roots)
    good = store.put("site/a.mp4", b"film")
    foreign = store.put("site/a.mp4", b"film", bucket="secrets")
    outside = store.put("other/a.mp4", b"film")
    bad = [foreign, outside, f"{ROOT}none.mp4", f"{ROOT}../other/a.mp4", f"{good}?versionId=null", ROOT]
    bad += [
        f"s3://{BUCKET}",
        "s3://169.254.169.254/latest/meta-data",
        "s3://x@recordings/site/a.mp4",
        "s3://",
    ]
    bad += [f"{ROOT}{'x' * 1050}", *([] if roots else [good])]
    for place in bad:
        said = file(client, place, expect=422)["detail"]
        assert said == f"There is no recording {place!r} that this server may read."[:300]
        assert client.get("/v1/media/start", params={"path": place}).status_code == 422
    for place in (f"file://{archive.media}/gate.mp4", "http://169.254.169.254/latest/meta-data", "S3://a/b"):
        assert "in the media folder" in file(client, place, expect=422)["detail"]
    if not roots:
        return
    job = archive.gallery.jobs.get(file(client, good)["id"])
    (recording,) = job.recordings
    assert (recording.path, recording.file_name) == (good, "a.mp4")
    assert recording.filed == archive.gallery.places.objects.state(good).filed
    archive.gallery.groups.add("north", ["gate"])
    _, limited = archive.gallery.keys.create("l", scopes=[Scope.INDEX], groups=["north"])
    asked = {"recordings": [{"path": good, "camera": "gate", "start": "2026-03-13T08:00:00Z"}]}
    refused = client.post("/v1/index-jobs", json=asked, headers={"X-API-Key": limited})
    assert (refused.status_code, "limited to cameras" in refused.json()["detail"]) == (422, True)


def test_an_object_says_when_it_began(
    client: TestClient, archive: Archive, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.connect(archive.gallery)
    stamped(tmp_path / "said.mp4", "2026-01-05T09:00:00Z")
    content = (tmp_path / "said.mp4").read_bytes()
    # A box that nobody needs makes it long: what is in the middle is not fetched.
    monkeypatch.setattr("gallery.disk.places._ENDS_BYTES", len(content) + 100)
    at = content.index(b"mdat") - 4
    hole = (1 << 20).to_bytes(4) + b"free" + bytes((1 << 20) - 8)
    place = store.put("site/said.mp4", content[:at] + hole + content[at:])
    answer = client.get("/v1/media/start", params={"path": place})
    found = answer.json()
    assert (found["start"], found["why"]) == ("2026-01-05T09:00:00Z", None)
    file(client, place, version=found["version"])
    store.put("site/said.mp4", content)
    assert (
        "changed since it was listed" in file(client, place, expect=422, version=found["version"])["detail"]
    )
    nothing = store.put("site/notes.mp4", b"no recording")
    assert client.get("/v1/media/start", params={"path": nothing}).json()["why"] == "unreadable"
    with store.away():
        assert client.get("/v1/media/start", params={"path": place}).status_code == 503
        file(client, place, expect=503)


def test_clips_come_from_the_store_and_searches_do_without(
    client: TestClient, archive: Archive, store: Store, url: str, probe: dict[str, Any]
) -> None:
    path = f"/v1/tracklets/{archive.tracklets['gate', RED]}/clip"

    def clip(padding: float) -> Any:
        return client.get(path, params={"padding": padding})

    with store.away():
        away = clip(0.1)
        assert (away.status_code, away.json()["type"]) == (503, "urn:sightline:problem:objects-unavailable")
        assert "Retry-After" in away.headers
        found = search(client, probe)["hits"]
    assert archive.tracklets["gate", RED] in {hit["tracklet_id"] for hit in found}
    assert clip(0.1).status_code == 200
    cache = archive.gallery.data_dir / "cache" / archive.videos["gate"].id
    (copy,) = cache.glob("*.copy")
    assert copy.stat().st_mode & 0o777 == 0o400
    inode = copy.stat().st_ino
    with store.away():
        assert clip(0.1).status_code == 200, "it was cut before"
    assert clip(0.2).status_code == 200
    assert copy.stat().st_ino == inode, "the copy is used again"
    content = store.client.get_object(Bucket=BUCKET, Key="site/gate.mp4")["Body"].read()
    store.put("site/gate.mp4", content[:-1] + b"\0")
    changed = clip(0.3)
    assert (changed.status_code, "changed since it was indexed" in changed.json()["detail"]) == (410, True)
    store.put("site/gate.mp4", content[:-1])
    assert "its size differs" in clip(0.3).json()["detail"]
    assert archive.gallery.verify().away == 0
    with store.away():
        assert archive.gallery.verify().away == 1
    store.remove(url)
    assert archive.gallery.verify().away == 1
    gone = clip(0.3)
    assert (gone.status_code, "there is no such object" in gone.json()["detail"]) == (410, True)
    store.put("site/gate.mp4", content)
    assert clip(0.3).status_code == 200
    answers = [away.json(), changed.json(), gone.json()]
    told = json.dumps([answers, [str(event) for event in archive.gallery.audit.events()]])
    assert SECRET not in told
    archive.gallery.erase_video(archive.videos["gate"].id)
    assert not list(archive.gallery.data_dir.rglob("*.copy"))


def test_credentials_that_are_refused_are_for_the_operator(
    client: TestClient, archive: Archive, store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/tracklets/{archive.tracklets['gate', RED]}/clip"
    store.connect(archive.gallery)  # a connection of its own, whose credentials have not been looked at
    with store.guarded(listing=False, refused="gate") as right:
        refused = client.get(path)
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        assert refused.json()["type"] == "urn:sightline:problem:objects-unavailable"
        assert "credentials" not in refused.text
        file(client, url, expect=503)
        for name, value in right.items():
            monkeypatch.setenv(name, value)
        assert client.get(path).status_code == 503, "nothing shows that it is this object alone"


def test_what_is_erased_while_it_is_copied_stays_nowhere(
    client: TestClient, archive: Archive, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, video = archive.gallery.places.objects.pieces, archive.videos["gate"]

    def pieces(*arguments: Any) -> Iterator[bytes]:
        archive.gallery.erase_video(video.id)
        yield from own(*arguments)

    monkeypatch.setattr(archive.gallery.places.objects, "pieces", pieces)
    answer = client.get(f"/v1/tracklets/{archive.tracklets['gate', RED]}/clip")
    assert answer.status_code in {404, 410}
    assert not list(archive.gallery.data_dir.rglob("*.copy"))
