"""Jobs about models over REST: filed, followed, cancelled, and the report of an adaptation."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Gallery
from models.names import SHIPPED, shipped_ids
from tests.service.conftest import Archive

JOBS = "/v1/model-jobs"
ADAPT = {"kind": "adapt", "name": "ours"}


def claimed(gallery: Gallery) -> Any:
    claim = gallery.jobs.claim("w", lease_seconds=60)
    assert claim is not None
    return claim


def test_a_reindex_job(client: TestClient, archive: Archive) -> None:
    wanted = {"kind": "reindex", "model": SHIPPED[0], "cameras": ["gate"]}
    filed = client.post(JOBS, json=wanted, headers={"Idempotency-Key": "k"})
    assert filed.status_code == 202
    job = filed.json()
    assert filed.headers["location"] == f"{JOBS}/{job['id']}"
    assert job["options"] == {"model": SHIPPED[0], "model_id": shipped_ids()[SHIPPED[0]]}
    assert (job["kind"], job["state"], job["counts"], job["outcome"]) == (
        "reindex",
        "queued",
        {"queued": 1},
        None,
    )
    assert client.post(JOBS, json=wanted, headers={"Idempotency-Key": "k"}).json()["id"] == job["id"]
    other = client.post(JOBS, json=ADAPT, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    archive.gallery.jobs.finish(claimed(archive.gallery), state="failed", reason="gate.mp4: gone")
    (recording,) = client.get(filed.headers["location"]).json()["recordings"]
    assert (recording["camera"], recording["reason"]) == ("gate", "gate.mp4: gone")
    assert client.get(f"{JOBS}/{job['id']}/report").status_code == 404
    # Index jobs and model jobs are lists of their own.
    assert client.get("/v1/index-jobs").json()["items"] == []
    assert client.get(f"/v1/index-jobs/{job['id']}").status_code == 404
    assert client.post(f"/v1/index-jobs/{job['id']}/cancel").status_code == 404


def test_an_adaptation_and_its_report(client: TestClient, archive: Archive) -> None:
    job = client.post(
        JOBS, json={**ADAPT, "cameras": ["yard"], "hours": 8, "start": "2026-01-01T00:00:00Z"}
    ).json()
    assert (job["options"]["cameras"], job["options"]["hours"]) == (["yard"], 8)
    claim = claimed(archive.gallery)
    archive.gallery.jobs.renew(claim, lease_seconds=60, stage="learning 1/6", progress=0.25)
    now = client.get(f"{JOBS}/{job['id']}").json()
    assert (now["stage"], now["progress"], now["recordings"]) == ("learning 1/6", 0.25, [])
    with archive.gallery.adaptations.work("ours") as folder:
        (folder / "report.html").write_text("<!doctype html><p>people</p>")
    told: dict[str, Any] = {
        "outcome": "kept",
        "model_id": None,
        "counts": {"used": 3},
        "figures": [],
        "report": "report.html",
    }
    archive.gallery.jobs.finish(claim, state="succeeded", reason="The old model stays.", counters=told)
    ended = client.get(f"{JOBS}/{job['id']}").json()
    assert ended["outcome"]["reason"] == "The old model stays."
    page = client.get(ended["outcome"]["report_url"])
    assert (page.status_code, page.text) == (200, "<!doctype html><p>people</p>")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; img-src data:")
    assert "sandbox" in page.headers["content-security-policy"]
    assert archive.gallery.adaptations.discard("ours")
    assert client.get(f"{JOBS}/{job['id']}/report").status_code == 404
    assert [one["id"] for one in client.get(JOBS).json()["items"]] == [job["id"]]


def test_cancelling(client: TestClient, archive: Archive) -> None:
    job = client.post(JOBS, json=ADAPT).json()
    assert client.post(f"{JOBS}/{job['id']}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{JOBS}/{'0' * 32}/cancel").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "train"},
        {"kind": "reindex"},
        {"kind": "reindex", "model": "../../etc"},
        {"kind": "reindex", "model": "/etc/passwd"},
        {"kind": "reindex", "model": SHIPPED[0], "cameras": ["nowhere"]},
        {"kind": "reindex", "model": SHIPPED[0], "cameras": []},
        {**ADAPT, "name": "../up"},
        {**ADAPT, "name": "a\u0000"},
        {**ADAPT, "name": "x" * 65},
        {**ADAPT, "parent": "/etc"},
        {**ADAPT, "rounds": 0},
        {**ADAPT, "rounds": 10**9},
        {**ADAPT, "hours": -1},
        {**ADAPT, "hours": 1e300},
        {**ADAPT, "seed": 2**40},
        {**ADAPT, "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {**ADAPT, "start": "2026-01-02T00:00:00"},
        {**ADAPT, "simulated": "/etc"},
    ],
)
def test_what_cannot_be_asked_for(client: TestClient, archive: Archive, wrong: dict[str, Any]) -> None:
    assert client.post(JOBS, json=wrong).status_code == 422
    assert archive.gallery.jobs.list() == []
