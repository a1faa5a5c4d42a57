"""The server's media folder over HTTP: what can be named in an index job, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from gallery import Scope
from service import media_folder
from tests.service.conftest import Archive
from tests.service.videos import scene, write_video


def names(client: TestClient, folder: str = "") -> tuple[list[str], list[str]]:
    answer = client.get("/v1/media", params={"folder": folder})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["folder"] == folder
    return found["folders"], [one["path"] for one in found["files"]]


def test_folders_and_recordings_of_the_media_folder_are_listed(client: TestClient, archive: Archive) -> None:
    media, outside = archive.media, archive.media.parent / "outside"
    before = names(client)
    (media / "gate" / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.mp4").write_bytes(b"x")
    for name in ("gate/b.MKV", "gate/a.mp4", "gate/notes.txt", "gate/.hidden.mp4", "gate/noise"):
        (media / name).write_bytes(b"film")
    (media / "gate" / "inside.mp4").symlink_to(media / "gate" / "a.mp4")
    (media / "gate" / "out.mp4").symlink_to(outside / "secret.mp4")
    (media / "gate" / "out").symlink_to(outside)
    (media / "gate" / "loop").symlink_to(media / "gate" / "loop")
    os.mkfifo(media / "gate" / "pipe.mp4")
    (media / os.fsdecode(b"gate/\xff.mp4")).write_bytes(b"film")
    assert names(client) == (["gate"], before[1])
    assert client.get("/v1/session").json()["media_folder"] is True
    files = ["gate/a.mp4", "gate/b.MKV", "gate/inside.mp4"]
    assert names(client, "gate") == (["gate/deep"], files)
    assert names(client, "gate/deep") == ([], [])
    (one, *_) = client.get("/v1/media", params={"folder": "gate"}).json()["files"]
    assert (one["name"], one["size_bytes"]) == ("a.mp4", 4)
    for bad in ("..", "gate/../..", "/etc", "gate/out", "gate/loop", "gate/a.mp4", "none", "a\0b", "x" * 400):
        refused = client.get("/v1/media", params={"folder": bad})
        assert refused.status_code == 422, bad
        assert str(media) not in refused.text
    assert client.get("/v1/media", params={"folder": "x" * 1001}).status_code == 422
    camera = archive.gallery.catalogue.cameras()[0].name
    job = {"recordings": [{"path": files[0], "camera": camera, "start": "2026-03-13T08:00:00Z"}]}
    assert client.post("/v1/index-jobs", json=job).status_code == 202
    assert archive.gallery.audit.events(action="media.list")[-1].detail == {"folder": ""}


def test_a_crowded_folder_says_that_it_holds_more(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive.media / "many").mkdir()
    for number in range(5):
        (archive.media / "many" / f"{number}.mp4").write_bytes(b"x")
    monkeypatch.setattr(media_folder, "MOST", 3)
    found = client.get("/v1/media", params={"folder": "many"}).json()
    assert (len(found["files"]), found["more"], found["complete"]) == (3, 2, True)
    monkeypatch.setattr(media_folder, "_LOOKED_AT", 4)
    assert client.get("/v1/media", params={"folder": "many"}).json()["complete"] is False


def stamped(path: Path, said: str | None) -> str:
    """A short recording whose metadata say this; its name."""
    plain = path.with_suffix(".avi")
    write_video(plain, [scene()] * 3, rate=10)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        if said is not None:
            target.metadata["creation_time"] = said
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    plain.unlink()
    return path.name


def test_a_file_says_when_it_began(client: TestClient, archive: Archive) -> None:
    media = archive.media

    def start(path: str) -> tuple[str | None, str | None]:
        answer = client.get("/v1/media/start", params={"path": path})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["path"] == path
        return found["start"], found["why"]

    assert start(stamped(media / "said.mp4", "2026-01-05T09:00:00Z")) == ("2026-01-05T09:00:00Z", None)
    assert [one.detail for one in archive.gallery.audit.events(action="media.start")] == [
        {"path": "said.mp4"}
    ]
    assert start(stamped(media / "there.mkv", "2026-01-05T11:00:00+02:00"))[0] == "2026-01-05T09:00:00Z"
    assert start(stamped(media / "early.mkv", "1970-01-01T00:00:00Z")) == (None, "not_said")
    assert start(stamped(media / "late.mkv", "2099-12-31T23:59:59Z")) == (None, "impossible")
    assert start(stamped(media / "odd.mkv", "yesterday \N{SNOWMAN}" * 40)) == (None, "not_said")
    assert start(stamped(media / "none.mkv", None)) == (None, "not_said")
    (media / "notes.mp4").write_bytes(b"no recording")
    (media / "list.mp4").write_bytes(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    assert {start(name) for name in ("notes.mp4", "list.mp4")} == {(None, "unreadable")}
    os.mkfifo(media / "pipe.mp4")
    (media / "out.mp4").symlink_to("/etc/passwd")
    for bad in ("../x.mp4", "/etc/passwd", "out.mp4", "pipe.mp4", "missing.mp4", "a\0b", ".", "x" * 400, ""):
        refused = client.get("/v1/media/start", params={"path": bad})
        assert refused.status_code == 422, bad
        assert str(media) not in refused.text


def test_only_keys_that_add_recordings_of_all_cameras_look_there(
    make_app: Callable[..., FastAPI], archive: Archive
) -> None:
    keys = archive.gallery.keys
    archive.gallery.groups.add("north", ["gate"])
    keys_of = {
        "searcher": keys.create("s", scopes=[Scope.SEARCH, Scope.VIEW])[1],
        "limited": keys.create("l", scopes=[Scope.INDEX], groups=["north"])[1],
    }
    with TestClient(make_app()) as client:
        for name, secret in keys_of.items():
            for asked in ("/v1/media", "/v1/media/start?path=gate.mp4"):
                assert client.get(asked, headers={"X-API-Key": secret}).status_code == 403, name
            assert not client.get("/v1/session", headers={"X-API-Key": secret}).json()["media_folder"], name
        assert client.get("/v1/media").status_code == 401
    with TestClient(make_app(media_dir=None)) as client:
        _, secret = keys.create("indexer", scopes=[Scope.INDEX])
        none = client.get("/v1/media", headers={"X-API-Key": secret})
        assert (none.status_code, "no media folder" in none.json()["detail"]) == (422, True)
        assert client.get("/v1/session", headers={"X-API-Key": secret}).json()["media_folder"] is False


def test_a_file_that_changed_since_it_was_looked_at_is_not_filed(
    client: TestClient, archive: Archive
) -> None:
    stamped(archive.media / "dock.mp4", "2026-01-05T09:00:00Z")

    def version() -> str:
        (listed,) = (one for one in client.get("/v1/media").json()["files"] if one["name"] == "dock.mp4")
        read = client.get("/v1/media/start", params={"path": "dock.mp4"}).json()
        assert read["version"] == listed["version"]
        return str(read["version"])

    def file(**place: str) -> Response:
        recording = {"camera": "gate", "start": "2026-01-05T09:00:00Z", **place}
        return client.post("/v1/index-jobs", json={"recordings": [recording]})

    before, status = version(), (archive.media / "dock.mp4").stat()
    assert before == version(), "to look changes nothing"
    assert file(path="dock.mp4", version=before).status_code == 202
    stamped(archive.media / "copy.mp4", "2026-01-05T10:00:00Z")
    os.utime(archive.media / "copy.mp4", ns=(status.st_atime_ns, status.st_mtime_ns))
    (archive.media / "copy.mp4").replace(archive.media / "dock.mp4")
    refused = file(path="dock.mp4", version=before)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "pointer": "/recordings/0/version",
            "message": "The file changed since it was listed or its start was read.",
        }
    ]
    assert file(path="dock.mp4", version=version()).status_code == 202
    assert file(path="dock.mp4").status_code == 202, "who does not say what they saw gets what is there"
    for place in (
        {"path": "dock.mp4", "version": "0"},
        {"path": "dock.mp4", "version": before.upper()},
        {"upload_id": "0" * 32, "version": before},
    ):
        assert file(**place).status_code == 422
    assert len(archive.gallery.jobs.list()) == 3
