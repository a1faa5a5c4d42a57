"""Every error is a problem document, and none of them tells what it should not."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

import gallery.errors
import models.errors
import service.errors
from gallery import Gallery, GallerySettings
from service import description, problems
from service.app import create_app
from service.networks import Networks
from service.settings import ServiceSettings
from tests.service.conftest import Archive
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import encoded
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def subclasses(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(deeper for sub in base.__subclasses__() for deeper in subclasses(sub))]


def is_problem(answer: Any, status: int) -> bool:
    body = answer.json()
    return bool(
        answer.status_code == status
        and answer.headers["content-type"] == problems.MEDIA_TYPE
        and body["status"] == status
        and body["type"].startswith("urn:sightline:problem:")
        and body["title"]
        and body["detail"]
        and body["request_id"] == answer.headers["x-request-id"]
    )


def test_every_error_has_a_status() -> None:
    over_http = [
        *subclasses(service.errors.ServiceError),
        *subclasses(gallery.errors.GalleryError),
        *subclasses(models.errors.ModelError),
    ]
    not_over_http = {service.errors.ServiceError, service.errors.UnsafeSettings}
    for error in over_http:
        assert error in not_over_http or any(base in problems.TABLE for base in error.__mro__), error


def test_errors_that_nobody_foresaw(shared_client: TestClient) -> None:
    assert is_problem(shared_client.get("/nowhere"), 404)
    assert is_problem(shared_client.get("/v1/nowhere"), 404)
    assert is_problem(shared_client.get("/web/nowhere.js"), 404)
    assert is_problem(shared_client.get("/web/../app.py"), 404)
    assert is_problem(shared_client.get("/web/%2e%2e/app.py"), 404)
    wrong_method = shared_client.patch("/v1/cameras")
    assert is_problem(wrong_method, 405)
    assert wrong_method.headers["allow"]
    assert is_problem(shared_client.post("/livez"), 405)
    assert is_problem(shared_client.post("/v1/cameras", content=b"{"), 422)
    large = shared_client.post("/v1/cameras", content=bytes(2_000_000))
    assert is_problem(large, 413)
    assert large.json()["type"].endswith(":too-large")
    assert is_problem(shared_client.post("/v1/probes"), 422)
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert is_problem(shared_client.post("/v1/probes", content=b"no form", headers=form), 400)
    assert is_problem(shared_client.post("/v1/probes", data={"file": "no file"}), 422)


def test_an_unexpected_error_tells_nothing(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    app = make_app()

    @app.get("/v1/broken")
    def broken() -> None:
        raise KeyError("the secret path /srv/archive")

    with TestClient(app, headers={"X-API-Key": secret}, raise_server_exceptions=False) as client:
        answer = client.get("/v1/broken")
    assert is_problem(answer, 500)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_what_failed_inside_stays_inside() -> None:
    inside = gallery.errors.CatalogueUnavailable("cannot reach postgres at 10.1.2.3")
    answer = problems.from_error({"state": {"request_id": "r"}}, inside)
    assert answer.status_code == 503
    assert b"10.1.2.3" not in bytes(answer.body)


def test_echoes_no_input(shared_client: TestClient) -> None:
    answer = shared_client.post("/v1/cameras", json={"name": "a", "colour": "<script>alert(1)</script>"})
    assert is_problem(answer, 422)
    assert "<script>" not in answer.text


def test_keeps_a_sensible_request_id(shared_client: TestClient) -> None:
    assert (
        shared_client.get("/livez", headers={"X-Request-ID": "trace-1234"}).headers["x-request-id"]
        == "trace-1234"
    )
    for odd in ("short", "x" * 100, "with space and more", "<script>alert</script>"):
        assert shared_client.get("/livez", headers={"X-Request-ID": odd}).headers["x-request-id"] != odd


HOSTILE = [
    "", "0", "-1", "null", "..", "%00", "%2e%2e%2f", "'; DROP TABLE video; --", "%F0%9F%92%A9", "a" * 3000,
    "${jndi:ldap://x}", "{{7*7}}", "%0d%0aSet-Cookie:x=1", "\u202e", "0" * 32,
    "f" * 32 + "-99999999999999999999",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_ids(shared_client: TestClient, value: str) -> None:
    for path in (
        "/v1/probes/{}", "/v1/probes/{}/image", "/v1/searches/{}", "/v1/tracklets/{}",
        "/v1/tracklets/{}/clip", "/v1/tracklets/{}/thumbnail", "/v1/cameras/{}", "/v1/videos/{}",
        "/v1/uploads/{}", "/v1/index-jobs/{}",
    ):  # fmt: skip
        answer = shared_client.get(path.format(value))
        assert answer.status_code in {200, 404, 405, 422}, (path, answer.text)
        assert "set-cookie" not in answer.headers
        if answer.status_code != 200:
            assert answer.headers["content-type"] == problems.MEDIA_TYPE, path
    for method, path in (
        ("DELETE", "/v1/probes/{}"), ("DELETE", "/v1/videos/{}"), ("DELETE", "/v1/uploads/{}"),
        ("PUT", "/v1/uploads/{}?offset=0"), ("POST", "/v1/index-jobs/{}/cancel"),
    ):  # fmt: skip
        assert shared_client.request(method, path.format(value)).status_code in {404, 405, 422}, path


BODIES: list[Any] = [
    None, [], "", 0, True, {}, {"recordings": None}, {"recordings": [None]}, {"recordings": {}}, {"name": {}},
    {"probes": [[]]}, {"probes": [{"probe_id": 1}]}, {"probes": [{"probe_id": "x" * 99}]}, {"file_name": []},
    {"name": "\ud800"}, {"file_name": "\ud800"}, {"size_bytes": -5}, {"size_bytes": 1e400},
    {"name": "x" * 10**5},
    {"recordings": [{"path": "\ud800", "camera": "gate", "start": "2026-01-01T00:00:00Z"}]},
    {"recordings": [{"path": "gate.mp4", "camera": "\ud800", "start": "2026-01-01T00:00:00Z"}]},
    {"probes": [{"tracklet_id": "\ud800"}]}, {"probes": [{"tracklet_id": "0" * 32 + "-٣"}]},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/v1/searches", "/v1/cameras", "/v1/index-jobs", "/v1/uploads"])
def test_hostile_bodies(shared_client: TestClient, path: str, body: Any) -> None:
    sent = json.dumps(body)
    answer = shared_client.post(path, content=sent, headers={"Content-Type": "application/json"})
    harmless = path == "/v1/uploads" and body in (None, {})
    assert answer.status_code == 201 if harmless else answer.status_code in {404, 413, 422}, answer.text


def test_a_file_name_is_only_a_name(client: TestClient, archive: Archive) -> None:
    recording = {"path": "gate.mp4", "camera": "gate", "start": "2026-01-01T00:00:00Z"}
    for name, kept in (("../../etc/passwd", "passwd"), ("..", "recording"), ("C:\\video\\c.mp4", "c.mp4")):
        body = {"recordings": [{**recording, "file_name": name}]}
        job = client.post("/v1/index-jobs", json=body).json()
        assert job["recordings"][0]["file_name"] == kept


def test_alive_before_ready(
    archive: Archive, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads_for_ever(self: Networks, *_: object) -> None:
        pass

    monkeypatch.setattr(Networks, "load", loads_for_ever)
    _, secret = archive.gallery.keys.create("early")
    with TestClient(create_app(settings, gallery=archive.gallery), headers={"X-API-Key": secret}) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        ready = client.get("/readyz")
        assert is_problem(ready, 503)
        assert ready.json()["checks"]["database"]["ok"] is True
        assert ready.json()["checks"]["model"]["ok"] is False
        assert is_problem(
            client.post("/v1/probes", files={"file": encoded(np.zeros((64, 32, 3), np.uint8))}), 503
        )
        search = client.post("/v1/searches", json={"probes": [{"tracklet_id": "x"}]})
        assert is_problem(search, 503)
        assert search.headers["retry-after"]


def test_a_model_that_cannot_be_loaded(archive: Archive, settings: ServiceSettings) -> None:
    app = create_app(settings.model_copy(update={"model": "no-such-model"}), gallery=archive.gallery)
    with TestClient(app) as client:
        check = eventually(client, lambda answer: "no-such-model" in answer["checks"]["model"]["detail"])
        assert not check["checks"]["model"]["ok"]
        assert client.get("/livez").status_code == 200


def eventually(client: TestClient, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What /readyz says once something is true of it: networks load beside the test, however slowly."""

    def look() -> dict[str, Any] | None:
        answer: dict[str, Any] = client.get("/readyz").json()
        return answer if true(answer) else None

    return until(look)


def test_ready(shared_client: TestClient) -> None:
    checks = eventually(shared_client, lambda answer: answer.get("ready", False))["checks"]
    kept = {"database", "schema", "snapshot", "model", "detector", "device", "features", "room", "writable"}
    assert set(checks) == kept
    assert all(check["ok"] for check in checks.values())
    assert "on cpu" in checks["model"]["detail"]


def test_not_ready_without_room(make_app: Callable[..., FastAPI]) -> None:
    with TestClient(make_app(min_free_bytes=2**62)) as client:
        room = client.get("/readyz").json()["checks"]["room"]
        assert (room["ok"], "MiB left" in room["detail"]) == (False, True)


def test_a_full_database_is_507_and_not_ready(
    archive: Archive, settings: ServiceSettings, secret: str
) -> None:
    def no_more_pages(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are now

    event.listen(Engine, "connect", no_more_pages)
    try:
        with Gallery.open(GallerySettings(data_dir=archive.gallery.data_dir)) as full:
            app = create_app(settings, gallery=full, embedder=ColourEmbedder(), detector=ContrastDetector())
            with TestClient(app, headers={"X-API-Key": secret}) as client:
                assert client.get("/readyz").json()["checks"]["room"]["ok"]
                names = (f"{number:03} {'x' * 90}" for number in range(1000))
                answers = (client.post("/v1/cameras", json={"name": name}) for name in names)
                refused = next(answer for answer in answers if answer.status_code != 201)
                assert is_problem(refused, 507)
                assert refused.json()["title"] == "The disk is full"
                assert not client.get("/readyz").json()["checks"]["room"]["ok"]
                assert client.get("/v1/cameras").status_code == 200
    finally:
        event.remove(Engine, "connect", no_more_pages)


def test_the_committed_description_is_true() -> None:
    """After a change of the API: python -m service.openapi > openapi.json."""
    app = create_app(ServiceSettings(), embedder=ColourEmbedder(), detector=ContrastDetector())
    assert (ROOT / "openapi.json").read_text() == description.text(app)


def test_the_description_is_complete() -> None:
    document = json.loads((ROOT / "openapi.json").read_text())
    names = set()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            names.add(operation["operationId"])
            assert operation["summary"]
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert set(answer["content"]) == {problems.MEDIA_TYPE}, (path, status)
            if path.startswith("/v1"):
                assert operation["security"] == [{"APIKeyHeader": []}, {"HTTPBearer": []}]
                assert {"401", "422", "500", "503"} <= set(operation["responses"])
    assert len(names) == sum(len(methods) for methods in document["paths"].values())
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        if name not in {"Problem"}:
            assert f"#/components/schemas/{name}" in text, name


def test_all_that_is_sent_and_answered_is_described() -> None:
    """For callers who read a generated client: in it these descriptions are all there is."""
    document = json.loads((ROOT / "openapi.json").read_text())
    parameters = [
        (f"{method} {path}", parameter["name"], parameter)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", [])
    ]
    properties = [
        (name, member, described)
        for name, schema in document["components"]["schemas"].items()
        for member, described in schema.get("properties", {}).items()
    ]
    assert len(properties) > 200
    nothing_said = [(of, name) for of, name, said in parameters + properties if not said.get("description")]
    assert nothing_said == []


def test_an_operation_has_one_body() -> None:
    """Generated clients break on two."""
    document = json.loads((ROOT / "openapi.json").read_text())
    bodies = [
        operation["requestBody"]["content"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    assert len(bodies) > 10
    assert [list(body) for body in bodies if len(body) > 1] == []
