"""What /metrics says, to whom, and that no label of it names anybody or anything."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest
from fastapi import FastAPI
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from gallery import Gallery, GalleryError, JobKind, NewRecording
from service import problems
from service.metrics.instruments import METHODS, OTHER
from tests.service.conftest import Archive, upload
from tests.service.videos import RED, encoded, scene
from tests.waiting import until

TOKEN: Final = "t" * 40
AUTHORISED: Final = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def app(make_app: Callable[..., FastAPI]) -> FastAPI:
    return make_app(metrics_token=SecretStr(TOKEN))


def scraped(client: TestClient) -> dict[str, Metric]:
    answer = client.get("/metrics", headers=AUTHORISED)
    assert answer.status_code == 200, answer.text
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    """The one sample of this name whose labels include these."""
    (one,) = [
        sample.value
        for family in found.values()
        for sample in family.samples
        if sample.name == f"sightline_{name}" and labels.items() <= sample.labels.items()
    ]
    return one


def test_they_are_closed_and_open_to_the_token_alone(client: TestClient, app: FastAPI, secret: str) -> None:
    assert client.get("/metrics").status_code == 404, "closed unless the operator opens them"
    with TestClient(app) as opened:
        for sent in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {secret}", "Bearer \xe9"):
            answer = opened.get("/metrics", headers={b"Authorization": sent.encode("latin-1")})
            assert answer.status_code == 401, sent
            assert "sightline_" not in answer.text
        assert opened.get("/metrics", headers={"X-API-Key": secret}).status_code == 401
        assert opened.get("/metrics", headers=AUTHORISED).headers["cache-control"] == "private, no-store"


def test_figures_of_requests_searches_jobs_and_the_gallery(
    app: FastAPI, archive: Archive, secret: str
) -> None:
    camera = archive.gallery.catalogue.camera_named("gate")
    recording = NewRecording(
        camera.id, "/media/Jane.mp4", "Jane.mp4", False, datetime(2026, 1, 1, tzinfo=UTC)
    )
    archive.gallery.jobs.file([recording])
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        photo = {"file": ("Jane.png", encoded(scene((RED, 100, 60))))}
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.post("/v1/searches/by-photo", files=photo).status_code == 201
        assert client.get("/v1/videos/nobody").status_code == 404
        found = scraped(client)
    asked = {"method": "POST", "route": "/v1/searches/by-photo"}
    assert value(found, "requests_total", **asked, status="201") == 1
    assert value(found, "request_seconds_count", **asked) == 1
    assert value(found, "requests_total", route="/v1/videos/{video_id}", status="404") == 1
    assert value(found, "problems_total", type="not-found") == 1
    for stage in ("photo", "detect", "embed", "search", "rank", "record"):
        assert value(found, "search_stage_seconds_count", stage=stage) == 1
        assert value(found, "search_stage_seconds_sum", stage=stage) > 0
    assert value(found, "recordings", kind="index", state="queued") == 1
    assert value(found, "queue_oldest_seconds", kind="index") >= 0
    assert (value(found, "videos"), value(found, "tracklets"), value(found, "segments")) == (2, 4, 2)
    assert (value(found, "vectors", of="tracklets"), value(found, "vectors", of="clips")) == (4, 8)
    assert (value(found, "snapshot_tracklets"), value(found, "snapshot_changes_behind")) == (4, 0)
    assert (value(found, "probes"), value(found, "database_up"), value(found, "networks_ready")) == (1, 1, 1)
    assert 0 < value(found, "disk_free_bytes") <= value(found, "disk_bytes")
    assert found["process_resident_memory_bytes"].samples[0].value > 1e6


def test_no_label_is_an_id_a_name_or_a_path(app: FastAPI, archive: Archive, secret: str) -> None:
    """After requests that try to become series: each label is one of the words that the program knows."""
    video, tracklet = archive.videos["gate"].id, archive.tracklets["gate", RED]
    with TestClient(app, headers={"X-API-Key": secret}, raise_server_exceptions=False) as client:
        probe = upload(client, scene((RED, 100, 60)))
        paths = [f"/v1/videos/{video}", f"/v1/tracklets/{tracklet}", f"/v1/probes/{probe['id']}", "/v1/Jane"]
        paths += [f"/{secret}", "/v1/cameras/gate", "/web/js/api.js", "/web/../etc/passwd", "/%00", "/livez"]
        for path in paths:
            for method in ("GET", "HEAD", "PATCH", "JANE"):
                client.request(method, path)
            client.get(path, headers={"X-API-Key": "sl_wrong"})
        found = scraped(client)
        templates = {*app.openapi()["paths"], "/", "/web", "/metrics", "/openapi.json", "none"}
    allowed = {
        "route": templates,
        "method": METHODS | {OTHER},
        "type": problems.slugs() | {OTHER},
        "kind": set(JobKind),
        "state": {"queued", "running", "succeeded", "skipped", "failed", "cancelled"},
        "stage": {"photo", "detect", "embed", "search", "rank", "record"},
        "of": {"tracklets", "clips"},
        "lane": {"photos", "networks", "clips"},
    }
    patterns = {
        "status": "[1-5][0-9][0-9]",
        "le": r"[0-9.]+|\+Inf",
        "generation": "[0-2]",
        "version": r"[\d.]+",
    }
    patterns |= dict.fromkeys(("major", "minor", "patchlevel", "implementation"), r"\w+")
    for family in found.values():
        for sample in family.samples:
            for name, label in sample.labels.items():
                known = label in allowed[name] if name in allowed else re.fullmatch(patterns[name], label)
                assert known, (sample.name, name, label)
    assert value(found, "requests_total", method=OTHER, route="/livez", status="405") == 1


def test_an_absent_database_is_a_figure_and_not_a_failure(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Gallery) -> None:
        raise GalleryError("the database cannot be used")

    monkeypatch.setattr(Gallery, "figures", away)
    with TestClient(app) as client:
        found = scraped(client)
    assert value(found, "database_up") == 0
    assert "sightline_videos" not in found
    assert "sightline_disk_free_bytes" in found
