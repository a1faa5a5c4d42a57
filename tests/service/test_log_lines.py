"""One line a request, with what an operator needs and nothing about a person."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from sightline.logs import LogSettings, of_server, write_printable_logs
from tests.service.conftest import Archive
from tests.service.videos import RED, encoded, scene
from tests.sightline.test_logs import FullDisk


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    write_printable_logs(LogSettings(format=request.param))
    yield request.param
    structlog.reset_defaults()


def test_neither_keys_nor_names_reach_the_log(
    make_app: Callable[..., FastAPI],
    archive: Archive,
    secret: str,
    form: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Sent in each place where a request has room for them."""
    name = "Jane_Doe_17.png"
    photo = encoded(scene((RED, 100, 60)))
    headers = {"X-API-Key": secret}
    with TestClient(make_app(), raise_server_exceptions=False) as client:
        assert client.post("/v1/probes", files={"file": (name, photo)}, headers=headers).status_code == 201
        client.post("/v1/probes", files={"file": (name, b"no picture")}, headers=headers)
        client.post("/v1/probes", files={name: (name, photo)}, headers=headers)
        client.post(
            "/v1/searches/by-photo", files={"file": (name, photo)}, data={"query": name}, headers=headers
        )
        for path in (
            f"/{name}",
            f"/?key={secret}&{name}",
            f"/v1/{secret}",
            f"/v1/videos/{secret}",
            f"/v1/cameras/{name}",
        ):
            client.get(path, headers=headers)
            client.get(path, headers={"Authorization": f"Bearer {secret}", "Referer": f"http://x/{name}"})
        client.get("/livez", headers={"X-Request-ID": secret, "User-Agent": name})
        client.get("/livez", headers={"X-Request-ID": f"id-{secret}"})
        client.request(secret.replace("_", "-"), "/livez")
        upload = client.post("/v1/uploads", json={"file_name": name}, headers=headers)
        assert upload.status_code == 201
    written = capsys.readouterr()
    lines = [line for line in (written.out + written.err).splitlines() if "request" in line]
    assert len(lines) >= 18
    for line in lines:
        for forbidden in (secret, secret.replace("_", "-"), name, "Jane", archive.videos["gate"].id):
            assert forbidden not in line
    if form == "json":
        _check_fields([json.loads(line) for line in lines], archive)


def _check_fields(events: list[dict[str, Any]], archive: Archive) -> None:
    (key,) = archive.gallery.keys.list()
    first = next(event for event in events if event["event"] == "request")
    assert first.keys() == {
        *("event", "level", "timestamp", "request_id", "method", "route", "status", "problem", "key_id"),
        "milliseconds",
    }
    assert (first["method"], first["route"], first["status"]) == ("POST", "/v1/probes", 201)
    assert (first["key_id"], first["problem"]) == (key.id, None)
    requests = [event for event in events if event["event"] == "request"]
    assert len({event["request_id"] for event in requests}) == len(requests)
    assert {event["problem"] for event in requests} > {"unsupported-image", "not-found"}


def test_the_lines_of_the_server_look_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    import logging.config

    logger = logging.getLogger("uvicorn.error")
    for form in ("json", "text"):
        logging.config.dictConfig(of_server(LogSettings(format=form)))
        try:
            logger.info("Started \x1b[2J%s", "server")
        finally:
            logging.getLogger("uvicorn").handlers.clear()
        written = capsys.readouterr().out
        assert written.rstrip("\n").isprintable()
        assert "server" in written
        assert form == "text" or json.loads(written)["level"] == "info"


def test_a_log_on_a_full_disk_stops_no_request(
    client: TestClient, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    assert client.get("/v1/cameras").status_code == 200
    monkeypatch.setattr("gallery.catalogue.catalogue.Catalogue.cameras", lambda _: 1 // 0)
    broken = client.get("/v1/cameras")
    assert (broken.status_code, broken.json()["title"]) == (500, "Internal error"), form
