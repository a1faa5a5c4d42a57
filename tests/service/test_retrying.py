"""Recordings that failed: listed, and tried again over REST."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Gallery, NewRecording
from tests.service.conftest import NOON, Archive
from tests.service.test_records import send

Json = dict[str, Any]
NOWHERE = "0" * 32


def file(client: TestClient, *recordings: Json) -> Json:
    """File a job for recordings of the gate."""
    start = NOON.isoformat()
    body = {"recordings": [{"camera": "gate", "start": start, **one} for one in recordings]}
    answer = client.post("/v1/index-jobs", json=body)
    assert answer.status_code == 202, answer.text
    job: Json = answer.json()
    return job


def fail_all(gallery: Gallery) -> None:
    """A worker fails on all that waits."""
    while (claim := gallery.jobs.claim("worker", lease_seconds=60)) is not None:
        gallery.jobs.finish(claim, state="failed", reason="the network was away")


def test_tries_again_what_failed(client: TestClient, archive: Archive) -> None:
    upload = send(client, b"a recording", file_name="from phone.mp4")
    job = file(client, {"upload_id": upload}, {"path": "gate.mp4"})
    assert [one["retry"] for one in job["recordings"]] == [None, None]
    path = f"/v1/index-jobs/{job['id']}"
    refused = client.post(f"{path}/retry")
    assert (refused.status_code, refused.json()["detail"]) == (409, "No recording of the job failed.")
    fail_all(archive.gallery)
    failed = client.get(path).json()["recordings"]
    assert [one["retry"]["possible"] for one in failed] == [True, True]
    assert [one["retry"]["kept_until"] is None for one in failed] == [False, True]
    listed = client.get("/v1/failed-recordings", params={"camera": "gate"}).json()
    by_id = {one["id"]: one for one in listed["items"]}
    assert by_id == {one["id"]: {**one, "job_id": job["id"]} for one in failed}
    assert listed["next_cursor"] is None
    assert client.get("/v1/failed-recordings", params={"camera": "roof"}).json()["items"] == []

    answer = client.post(f"{path}/retry")
    assert answer.status_code == 202, answer.text
    again = answer.json()
    assert answer.headers["location"] == f"/v1/index-jobs/{again['id']}"
    assert [(one["file_name"], one["state"]) for one in again["recordings"]] == [
        ("from phone.mp4", "queued"),
        ("gate.mp4", "queued"),
    ]
    assert {one["retry"]["obstacle"] for one in client.get(path).json()["recordings"]} == {"filed_again"}
    assert client.get("/v1/failed-recordings").json()["items"] == []
    refused = client.post(f"{path}/retry")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "from phone.mp4 cannot be tried again: it was filed again."
    assert client.delete(f"/v1/uploads/{upload}").status_code == 409, "the job needs it"
    event = archive.gallery.audit.events(action="job.retry")[0]
    assert (event.subject, event.detail["of"]) == (again["id"], job["id"])


def test_tries_one_again_and_a_repeated_request_once(client: TestClient, archive: Archive) -> None:
    job = file(client, {"path": "gate.mp4"}, {"path": "yard.mp4"})
    fail_all(archive.gallery)
    first, second = (one["id"] for one in job["recordings"])
    headers = {"Idempotency-Key": "again"}

    def retry(ids: list[str] | None, **sent: Any) -> Any:
        return client.post(f"/v1/index-jobs/{job['id']}/retry", json={"recordings": ids}, **sent)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: retry([second], headers=headers), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [one["file_name"] for one in answers[0].json()["recordings"]] == ["yard.mp4"]
    reused = retry([first], headers=headers)
    assert (reused.status_code, reused.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    assert retry([first, second]).status_code == 409, "all that is named, or nothing"
    assert [one["file_name"] for one in retry(None).json()["recordings"]] == ["gate.mp4"], "what is left"


def test_says_what_cannot_be_tried_again(client: TestClient, archive: Archive) -> None:
    gallery, media = archive.gallery, archive.media
    kept, deleted = (send(client, b"recording %d" % number) for number in range(2))
    names = ("moved", "linked")
    for name in names:
        (media / f"{name}.mp4").write_bytes(name.encode())
    job = file(
        client, {"upload_id": kept}, {"upload_id": deleted}, *({"path": f"{name}.mp4"} for name in names)
    )
    fail_all(gallery)
    gate = gallery.catalogue.camera_named("gate").id
    by_hand = gallery.jobs.record_failure(NewRecording(gate, "/srv/a.mp4", "a.mp4", False, NOON), "damaged")
    watched = gallery.jobs.file([NewRecording(gate, "/elsewhere/b.mp4", "b.mp4", False, NOON)])
    fail_all(gallery)
    assert client.delete(f"/v1/uploads/{deleted}").status_code == 204
    (media / "moved.mp4").unlink()
    (media / "linked.mp4").unlink()
    (media / "linked.mp4").symlink_to("/etc/passwd")
    path = f"/v1/index-jobs/{job['id']}"
    told = [one["retry"]["obstacle"] for one in client.get(path).json()["recordings"]]
    assert told == [None, "upload_deleted", "file_missing", "file_missing"]
    for job_id, said in ((by_hand.id, "by_command"), (watched.id, None)):
        (one,) = client.get(f"/v1/index-jobs/{job_id}").json()["recordings"]
        assert (one["retry"]["possible"], one["retry"]["obstacle"]) == (said is None, said)
    refused = client.post(f"{path}/retry", json={"recordings": [job["recordings"][1]["id"]]})
    assert refused.status_code == 409
    assert "the uploaded file was deleted; upload it again" in refused.json()["detail"]
    assert len(client.post(f"{path}/retry").json()["recordings"]) == 1, "the one that can be"
    assert client.post(f"/v1/index-jobs/{by_hand.id}/retry").status_code == 409
    assert client.post(f"/v1/index-jobs/{watched.id}/retry").status_code == 202


def test_an_upload_that_waits_again_is_not_swept(client: TestClient, archive: Archive) -> None:
    upload = send(client, b"a recording")
    job = file(client, {"upload_id": upload})
    fail_all(archive.gallery)
    (recording,) = archive.gallery.jobs.get(job["id"]).recordings
    os.utime(recording.path, (0, 0))
    uploads = client.app.state.sightline.uploads  # type: ignore[attr-defined]
    assert client.post(f"/v1/index-jobs/{job['id']}/retry").status_code == 202
    os.utime(recording.path, (0, 0))
    assert uploads.expire() == 0
    assert Path(recording.path).exists()
    fail_all(archive.gallery)
    assert uploads.expire() == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"recordings": []}, 422, "/recordings"),
        ({"recordings": [NOWHERE]}, 422, "/recordings/0"),
        ({"recordings": ["\0"]}, 422, "/recordings/0"),
        ({"recordings": ["x" * 65]}, 422, "/recordings/0"),
        ({"recordings": [NOWHERE] * 1001}, 422, "/recordings"),
        ({"recordings": "all"}, 422, "/recordings"),
        ({"recordings": [{"$ne": 1}]}, 422, "/recordings/0"),
        ({"job": NOWHERE}, 422, "/job"),
        ([], 422, None),
    ],
)
def test_refuses_nonsense(
    client: TestClient, archive: Archive, body: Any, status: int, pointer: str | None
) -> None:
    job = file(client, {"path": "gate.mp4"})
    fail_all(archive.gallery)
    answer = client.post(f"/v1/index-jobs/{job['id']}/retry", json=body)
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert len(archive.gallery.jobs.list()) == 1


def test_finds_no_job_camera_or_page_that_is_not_there(client: TestClient, archive: Archive) -> None:
    for job_id in (NOWHERE, "%00", "..%2f", "x" * 65):
        assert client.post(f"/v1/index-jobs/{job_id}/retry").status_code in {404, 422}
    for wrong in ({"camera": "cellar"}, {"cursor": "nonsense"}, {"limit": 0}, {"limit": 51}):
        assert client.get("/v1/failed-recordings", params=wrong).status_code == 422, wrong
    jobs = [file(client, {"path": "gate.mp4"}, {"path": "yard.mp4"})]
    fail_all(archive.gallery)
    first = client.get("/v1/failed-recordings", params={"limit": 1}).json()
    rest = client.get("/v1/failed-recordings", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert {one["file_name"] for one in first["items"] + rest["items"]} == {"yard.mp4", "gate.mp4"}
    assert rest["next_cursor"] is None
    assert {one["job_id"] for one in first["items"]} == {jobs[0]["id"]}


def test_a_limited_key_tries_its_uploads_again_and_no_files_of_the_server(
    archive: Archive, client: TestClient
) -> None:
    gallery = archive.gallery
    gallery.groups.add("north", ["gate"])
    secret = gallery.keys.create("north", groups=["north"])[1]
    limited = TestClient(client.app, headers={"X-API-Key": secret})
    of_server = file(client, {"path": "gate.mp4"})
    mixed = file(client, {"path": "gate.mp4"}, {"path": "yard.mp4", "camera": "yard"})
    own = file(limited, {"upload_id": send(limited, b"a recording")})
    fail_all(gallery)
    seen = {
        one["job_id"]: one["retry"]["obstacle"]
        for one in limited.get("/v1/failed-recordings").json()["items"]
    }
    assert seen == {mixed["id"]: "server_file", own["id"]: None}
    assert limited.post(f"/v1/index-jobs/{mixed['id']}/retry").status_code == 404
    assert limited.post(f"/v1/index-jobs/{of_server['id']}/retry").status_code == 409
    assert limited.post(f"/v1/index-jobs/{own['id']}/retry").status_code == 202
