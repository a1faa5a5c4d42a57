"""Cameras, videos, uploads and index jobs over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.service.conftest import Archive
from tests.service.videos import RED

START = "2026-03-01T14:00:00+01:00"


def test_adds_cameras(client: TestClient, archive: Archive) -> None:
    about = {
        "name": "North gate 2", "site": "north", "time_zone": "Europe/Berlin", "latitude": 52.5,
        "longitude": 13.4, "detector_input": 640,
    }  # fmt: skip
    answer = client.post("/v1/cameras", json=about)
    assert answer.status_code == 201
    assert answer.json().items() >= about.items()
    assert client.get("/v1/cameras/North gate 2").json() == answer.json()
    assert client.get(answer.headers["location"]).json() == answer.json()
    names = [camera["name"] for camera in client.get("/v1/cameras").json()["items"]]
    assert names == ["North gate 2", "gate", "roof", "yard"]
    assert client.post("/v1/cameras", json=about).status_code == 409
    assert archive.gallery.audit.events(action="camera.add")[0].subject == "North gate 2"


@pytest.mark.parametrize("name", ["Вход 1", "北门 摄像头", "50 % #1?", "a&b=c", "Mu\u0308ller Hof", "📷"])
def test_a_new_camera_is_found_at_its_location(client: TestClient, name: str) -> None:
    answer = client.post("/v1/cameras", json={"name": name})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].isascii()
    assert client.get(answer.headers["location"]).json() == answer.json()


def test_names_may_be_spelt_in_any_form_of_unicode(client: TestClient) -> None:
    composed, decomposed = "M\u00fcller", "Mu\u0308ller"
    client.post("/v1/cameras", json={"name": decomposed, "site": decomposed}).raise_for_status()
    for name in (composed, decomposed):
        assert client.get(f"/v1/cameras/{name}").json()["name"] == composed
        assert client.get("/v1/videos", params={"camera": name}).status_code == 200
        job = {"recordings": [{"path": "gate.mp4", "camera": name, "start": START}]}
        assert client.post("/v1/index-jobs", json=job).status_code == 202


@pytest.mark.parametrize(
    "about",
    [
        {}, {"name": ""}, {"name": "a/b"}, {"name": "a\nb"}, {"name": "x" * 101}, {"name": 5},
        {"name": "a\0"},
        {"name": "a", "time_zone": "Mars/Olympus"}, {"name": "a", "time_zone": "../../etc/passwd"},
        {"name": "a", "latitude": 91, "longitude": 0}, {"name": "a", "latitude": "NaN", "longitude": 0},
        {"name": "a", "detector_input": 1000}, {"name": "a", "colour": "red"}, [], "gate", None,
    ],
)  # fmt: skip
def test_refuses_bad_cameras(shared_client: TestClient, about: Any) -> None:
    answer = shared_client.post("/v1/cameras", json=about)
    assert answer.status_code == 422, answer.text
    assert answer.json()["status"] == 422


def test_changes_cameras(client: TestClient, archive: Archive) -> None:
    before = client.get("/v1/cameras/gate").json()
    answer = client.patch("/v1/cameras/gate", json={"site": None, "latitude": 1.5, "longitude": 2})
    assert answer.status_code == 200, answer.text
    assert answer.json() == before | {"site": None, "latitude": 1.5, "longitude": 2}
    renamed = client.patch("/v1/cameras/gate", json={"name": "Tor 北", "time_zone": "Asia/Tokyo"})
    assert renamed.json()["time_zone"] == "Asia/Tokyo"
    assert client.get(renamed.headers["content-location"]).json() == renamed.json()
    assert client.get("/v1/cameras/gate").status_code == 404
    assert {video["camera"] for video in client.get("/v1/videos").json()["items"]} == {"Tor 北", "yard"}
    assert archive.gallery.audit.events(action="camera.edit")[0].key_id is not None
    assert client.patch("/v1/cameras/yard", json={}).json()["name"] == "yard"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "gate"}, 409), ({"name": "a/b"}, 422), ({"time_zone": "Mars/Olympus"}, 422),
        ({"latitude": 5}, 422), ({"colour": "red"}, 422), ({"detector_input": 5}, 422), ([], 422),
    ],
)  # fmt: skip
def test_refuses_bad_changes(shared_client: TestClient, change: Any, status: int) -> None:
    assert shared_client.patch("/v1/cameras/yard", json=change).status_code == status
    assert shared_client.patch("/v1/cameras/cellar", json={}).status_code == 404


def test_deletes_cameras_without_videos(client: TestClient, archive: Archive) -> None:
    assert client.delete("/v1/cameras/roof").status_code == 204
    assert client.delete("/v1/cameras/roof").status_code == 404
    refused = client.delete("/v1/cameras/gate")
    assert refused.status_code == 409
    assert "recordings" in refused.json()["detail"]
    assert [camera.name for camera in archive.gallery.catalogue.cameras()] == ["gate", "yard"]


def test_lists_videos(client: TestClient, archive: Archive) -> None:
    page = client.get("/v1/videos").json()
    assert page["next_cursor"] is None
    assert {video["camera"] for video in page["items"]} == {"gate", "yard"}
    (video,) = client.get("/v1/videos", params={"camera": "gate"}).json()["items"]
    assert (video["file_name"], video["seconds"], video["tracklets"]) == ("gate.mp4", 5.0, 2)
    assert (video["start"], video["end"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:00:05Z")
    assert client.get(f"/v1/videos/{video['id']}").json() == video
    assert "path" not in video
    first = client.get("/v1/videos", params={"limit": 1}).json()
    second = client.get("/v1/videos", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [*first["items"], *second["items"]] == page["items"]
    assert second["next_cursor"] is None
    for query in ({"camera": "cellar"}, {"cursor": "nonsense"}, {"limit": 0}, {"limit": 1001}):
        assert client.get("/v1/videos", params=query).status_code == 422, query


def test_the_largest_page_of_videos(shared_client: TestClient) -> None:
    assert (
        shared_client.get("/v1/videos", params={"limit": 1000}).json()
        == shared_client.get("/v1/videos").json()
    )
    assert shared_client.get("/v1/videos", params={"limit": 1001}).status_code == 422


def test_erases_videos(client: TestClient, archive: Archive) -> None:
    path = f"/v1/videos/{archive.videos['gate'].id}"
    seed = archive.tracklets["gate", RED]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404
    search = client.post("/v1/searches", json={"probes": [{"tracklet_id": archive.tracklets["yard", RED]}]})
    assert {hit["camera"]["name"] for hit in search.json()["hits"]} == {"yard"}
    assert client.post("/v1/searches", json={"probes": [{"tracklet_id": seed}]}).status_code == 404
    assert archive.gallery.audit.events(action="video.erase")[0].subject == archive.videos["gate"].id
    assert Path(archive.videos["gate"].path).exists()


def test_corrects_videos(client: TestClient, archive: Archive) -> None:
    path = f"/v1/videos/{archive.videos['gate'].id}"
    answer = client.patch(path, json={"start": "2026-03-02T12:00:00+01:00", "camera": "roof"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["camera"], answer.json()["start"]) == ("roof", "2026-03-02T11:00:00Z")
    assert client.get(path).json() == answer.json()
    seed = {"probes": [{"tracklet_id": archive.tracklets["yard", RED]}]}
    found = client.post("/v1/searches", json=seed | {"cameras": ["roof"]}).json()["hits"]
    assert {hit["start"] for hit in found} == {"2026-03-02T11:00:00.500000Z"}
    assert client.post("/v1/searches", json=seed | {"cameras": ["gate"]}).json()["hits"] == []
    assert client.get(found[0]["clip_url"]).status_code == 200
    assert client.patch(path, json={}).json() == answer.json()
    assert archive.gallery.audit.events(action="video.edit")[0].subject == archive.videos["gate"].id


def test_refuses_bad_corrections(client: TestClient, archive: Archive) -> None:
    path = f"/v1/videos/{archive.videos['gate'].id}"
    for change in ({"camera": "cellar"}, {"start": "2026-03-02"}, {"path": "/etc/passwd"}, {"file_name": ""}):
        assert client.patch(path, json=change).status_code == 422, change
    assert client.patch("/v1/videos/" + "0" * 32, json={"file_name": "x"}).status_code == 404


def send(client: TestClient, content: bytes, **about: Any) -> str:
    """Upload a recording in two chunks."""
    upload = client.post("/v1/uploads", json=about).json()
    half = len(content) // 2
    for offset, chunk in ((0, content[:half]), (half, content[half:])):
        answer = client.put(f"/v1/uploads/{upload['id']}", params={"offset": offset}, content=chunk)
        assert answer.status_code == 200, answer.text
    upload_id: str = upload["id"]
    return upload_id


def test_uploads_in_chunks(client: TestClient, other: TestClient) -> None:
    answer = client.post("/v1/uploads", json={"file_name": "a.mp4", "size_bytes": 10})
    assert answer.status_code == 201
    path = answer.headers["location"]
    assert answer.json().items() >= {"size": 0, "file_name": "a.mp4", "size_bytes": 10}.items()
    assert answer.json()["expires_at"]
    assert client.put(path, params={"offset": 0}, content=b"12345").json()["size"] == 5
    wrong = client.put(path, params={"offset": 3}, content=b"45678")
    assert (wrong.status_code, wrong.json()["size"]) == (409, 5)
    assert client.put(path, params={"offset": 5}, content=b"678901").status_code == 413
    assert client.put(path, params={"offset": 5}, content=b"67890").json()["size"] == 10
    assert client.get(path).json()["size"] == 10
    for answer in (other.get(path), other.delete(path), other.put(path, params={"offset": 10}, content=b"x")):
        assert answer.status_code == 404
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.post("/v1/uploads").status_code == 201


@pytest.mark.parametrize("query", ["", "offset=-1", "offset=x", "offset=1e9"])
def test_refuses_bad_offsets(shared_client: TestClient, query: str) -> None:
    path = shared_client.post("/v1/uploads").json()["id"]
    assert shared_client.put(f"/v1/uploads/{path}?{query}", content=b"x").status_code == 422


def test_bounds_uploads(make_app: Any, secret: str) -> None:
    app: FastAPI = make_app(max_upload_bytes=1000)
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        assert client.post("/v1/uploads", json={"size_bytes": 1001}).status_code == 413
        path = client.post("/v1/uploads").headers["location"]
        assert client.put(path, params={"offset": 0}, content=bytes(1001)).status_code == 413
        assert (
            client.put(path, params={"offset": 0}, content=iter([bytes(600), bytes(600)])).status_code == 413
        )
        assert client.put(path, params={"offset": 0}, content=bytes(600)).status_code == 200
        assert client.put(path, params={"offset": 600}, content=bytes(600)).status_code == 413
        assert client.get(path).json()["size"] == 600
        assert client.post("/v1/uploads", content=bytes(100_000)).status_code == 413


def test_files_jobs(client: TestClient, archive: Archive) -> None:
    upload_id = send(client, b"a recording", file_name="from phone.mp4")
    recordings = [
        {"upload_id": upload_id, "camera": "roof", "start": START},
        {"path": "gate.mp4", "camera": "gate", "start": START, "file_name": "first hour"},
    ]
    answer = client.post("/v1/index-jobs", json={"recordings": recordings})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/index-jobs/{job['id']}"
    assert answer.headers["retry-after"]
    assert (job["state"], job["progress"], job["cancel_requested"]) == ("queued", 0, False)
    shown = [(r["camera"], r["file_name"], r["start"], r["state"]) for r in job["recordings"]]
    assert shown == [
        ("roof", "from phone.mp4", "2026-03-01T13:00:00Z", "queued"),
        ("gate", "first hour", "2026-03-01T13:00:00Z", "queued"),
    ]
    assert client.get(answer.headers["location"]).json() == job
    assert client.get("/v1/index-jobs").json()["items"] == [job]
    filed = archive.gallery.jobs.get(job["id"]).recordings
    assert [r.owned for r in filed] == [True, False]
    assert Path(filed[0].path).read_bytes() == b"a recording"
    assert client.delete(f"/v1/uploads/{upload_id}").status_code == 409
    assert client.put(f"/v1/uploads/{upload_id}?offset=11", content=b"x").status_code == 409


def test_cancels_jobs(client: TestClient) -> None:
    recording = {"path": "gate.mp4", "camera": "gate", "start": START}
    path = client.post("/v1/index-jobs", json={"recordings": [recording]}).headers["location"]
    answer = client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert "retry-after" not in client.get(path).headers
    assert client.post("/v1/index-jobs/" + "0" * 32 + "/cancel").status_code == 404


def test_lists_jobs_by_pages(client: TestClient) -> None:
    recording = {"path": "gate.mp4", "camera": "gate", "start": START}
    filed = [client.post("/v1/index-jobs", json={"recordings": [recording]}).json()["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(
            "/v1/index-jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == filed[::-1]
    assert client.get("/v1/index-jobs", params={"cursor": "nonsense"}).status_code == 422


def test_files_a_repeated_request_once(client: TestClient, other: TestClient) -> None:
    body = {"recordings": [{"path": "gate.mp4", "camera": "gate", "start": START}]}
    headers = {"Idempotency-Key": "monday"}

    def file(_: int = 0, by: TestClient = client) -> str:
        answer = by.post("/v1/index-jobs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(file, range(8)))) == 1
    assert file(by=other) != file()
    assert client.post("/v1/index-jobs", json=body).json()["id"] != file()
    body["recordings"][0]["start"] = "2026-03-02T14:00:00+01:00"
    reused = client.post("/v1/index-jobs", json=body, headers=headers)
    assert reused.status_code == 422
    assert reused.json()["errors"][0]["pointer"] == "Idempotency-Key"


def test_repeats_a_request_with_uploads(client: TestClient) -> None:
    upload_id = send(client, b"a recording")
    body = {"recordings": [{"upload_id": upload_id, "camera": "gate", "start": START}]}
    headers = {"Idempotency-Key": "once"}
    first, second = (client.post("/v1/index-jobs", json=body, headers=headers) for _ in range(2))
    assert first.json() == second.json()


def test_filing_twice_and_deleting_at_once_lose_no_file(client: TestClient, archive: Archive) -> None:
    """Whatever comes first: a job that was filed has its file, and a deleted upload has no job."""
    with ThreadPoolExecutor(3) as pool:
        for number in range(25):
            upload_id = send(client, b"a recording %d" % number)
            body = {"recordings": [{"upload_id": upload_id, "camera": "gate", "start": START}]}
            headers = {"Idempotency-Key": f"once-{number}"}
            file = partial(client.post, "/v1/index-jobs", json=body, headers=headers)
            filings = [pool.submit(file) for _ in range(2)]
            deletion = pool.submit(client.delete, f"/v1/uploads/{upload_id}")
            jobs = {one.result().json()["id"] for one in filings if one.result().status_code == 202}
            assert len(jobs) == (0 if deletion.result().status_code == 204 else 1)
            for job_id in jobs:
                (recording,) = archive.gallery.jobs.get(job_id).recordings
                assert Path(recording.path).exists()
                assert client.delete(f"/v1/uploads/{upload_id}").status_code == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"camera": "cellar"}, "/recordings/0/camera"),
        ({"camera": ""}, "/recordings/0/camera"),
        ({"start": "2026-03-01T14:00:00"}, "/recordings/0/start"),
        ({"start": None}, "/recordings/0/start"),
        ({"start": "0001-01-01T00:00:00Z"}, None),
        ({"path": "../gate.mp4"}, "/recordings/0/path"),
        ({"path": "/etc/passwd"}, "/recordings/0/path"),
        ({"path": "missing.mp4"}, "/recordings/0/path"),
        ({"path": ""}, "/recordings/0/path"),
        ({"path": None}, "/recordings/0"),
        ({"upload_id": "0" * 32}, "/recordings/0"),
        ({"path": None, "upload_id": "0" * 32}, "/recordings/0/upload_id"),
        ({"path": None, "upload_id": "../x"}, "/recordings/0/upload_id"),
        ({"owned": True}, "/recordings/0/owned"),
    ],
)
def test_refuses_bad_recordings(client: TestClient, change: dict[str, Any], pointer: str | None) -> None:
    recording = {"path": "gate.mp4", "camera": "gate", "start": START, **change}
    answer = client.post("/v1/index-jobs", json={"recordings": [recording]})
    assert answer.status_code == 422, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert client.get("/v1/index-jobs").json()["items"] == []


def test_refuses_empty_doubled_and_unfinished_jobs(client: TestClient, other: TestClient) -> None:
    recording = {"path": "gate.mp4", "camera": "gate", "start": START}
    empty = client.post("/v1/uploads").json()["id"]
    half = client.post("/v1/uploads", json={"size_bytes": 10}).json()["id"]
    client.put(f"/v1/uploads/{half}?offset=0", content=b"12345")
    foreign = send(other, b"a recording")
    uploads = [{"upload_id": one, "camera": "gate", "start": START} for one in (empty, half, foreign)]
    for recordings in ([], [recording] * 2, *([one] for one in uploads)):
        answer = client.post("/v1/index-jobs", json={"recordings": recordings})
        assert answer.status_code == 422, recordings
    assert client.delete(f"/v1/uploads/{half}").status_code == 204
