"""The closed door: who gets in, from where, and what strangers learn."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.app import create_app
from service.errors import UnsafeSettings
from service.settings import ServiceSettings, is_loopback
from tests.service.conftest import Archive

HERE = ("127.0.0.1", 50000)


def routes(app: FastAPI) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]


def test_nothing_of_the_api_opens_without_a_key(make_app: Callable[..., FastAPI], archive: Archive) -> None:
    app = make_app()
    seen = 0
    with TestClient(app, client=HERE) as client:
        for method, path in routes(app):
            if not path.startswith("/v1"):
                continue
            seen += 1
            answer = client.request(method, re.sub(r"\{\w+\}", "x", path), content=b"{" * 100)
            assert answer.status_code == 401, path
            assert answer.json()["type"] == "urn:sightline:problem:unauthenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/v1/unknown").status_code == client.get("/v1").status_code == 401
    assert seen >= 20


def test_health_page_and_description_are_open(make_app: Callable[..., FastAPI]) -> None:
    with TestClient(make_app()) as client:
        for path in ("/livez", "/readyz", "/openapi.json", "/", "/web/js/api.js"):
            assert client.get(path).status_code == 200, path


def test_accepts_both_ways_to_send_a_key(make_app: Callable[..., FastAPI], secret: str) -> None:
    with TestClient(make_app()) as client:
        for headers in (
            {"X-API-Key": secret},
            {"Authorization": f"Bearer {secret}"},
            {"Authorization": f"bearer  {secret} "},
        ):
            assert client.get("/v1/cameras", headers=headers).status_code == 200


def test_refuses_other_keys(make_app: Callable[..., FastAPI], archive: Archive, secret: str) -> None:
    revoked, revoked_secret = archive.gallery.keys.create("revoked")
    archive.gallery.keys.revoke(revoked.id)
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    _, expired_secret = archive.gallery.keys.create("expires", expires_at=soon)
    while datetime.now(UTC) <= soon:
        pass
    wrong = [
        "",
        "sl_",
        "x",
        secret[:-1],
        secret + "x",
        secret.upper(),
        "sl_" + "a" * 43,
        "sl_" + "é" * 43,
        "x" * 9000,
    ]
    with TestClient(make_app()) as client:
        for key in (revoked_secret, expired_secret, *wrong):
            answer = client.get("/v1/cameras", headers=[(b"X-API-Key", key.encode())])
            assert answer.status_code == 401, key
            assert len(key) < 20 or key not in answer.text
        for scheme in (f"Basic {secret}", f"Token {secret}", secret, "Bearer", "Bearer "):
            answer = client.get("/v1/cameras", headers={"Authorization": scheme})
            assert answer.status_code == 401, scheme
        assert client.get(f"/v1/cameras?api_key={secret}").status_code == 401
        archive.gallery.keys.revoke(archive.gallery.keys.list()[0].id)
        assert client.get("/v1/cameras", headers={"X-API-Key": secret}).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "localhost.example.org"])
def test_does_not_start_open_to_strangers(host: str, settings: ServiceSettings) -> None:
    with pytest.raises(UnsafeSettings, match="this machine only"):
        create_app(settings.model_copy(update={"allow_anonymous": True, "host": host}))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("localhost", True), ("::1", True), ("[::1]", True),
        ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False), ("10.0.0.1", False), ("0.0.0.0", False),
        ("127.0.0.1.example.org", False), ("", False), ("testclient", False),
    ],
)  # fmt: skip
def test_knows_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("client_address", "headers", "status"),
    [
        (HERE, {}, 200),
        (("::1", 50000), {}, 200),
        (HERE, {"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200),
        (HERE, {"Host": "[::1]:8000"}, 200),
        (("192.168.1.9", 50000), {}, 401),
        (HERE, {"X-Forwarded-For": "127.0.0.1"}, 401),
        (HERE, {"Forwarded": "for=127.0.0.1"}, 401),
        (HERE, {"X-Forwarded-Host": "sightline.example"}, 401),
        (HERE, {"X-Real-IP": "127.0.0.1"}, 401),
        (HERE, {"Via": "1.1 proxy"}, 401),
        (HERE, {"CF-Connecting-IP": "10.0.0.1"}, 401),
        (HERE, {"Sec-Fetch-Site": "none"}, 200),
        (HERE, {"Sec-Fetch-Site": "same-origin"}, 200),
        (HERE, {"Sec-Fetch-Site": "same-site"}, 401),
        (HERE, {"Sec-Fetch-Site": "cross-site"}, 401),
        (HERE, {"Origin": "https://evil.example"}, 401),
        (HERE, {"Origin": "null"}, 401),
        (HERE, {"Origin": "http://127.0.0.1:9999"}, 401),
        (HERE, {"Host": "rebound.evil.example"}, 401),
        (HERE, {"X-API-Key": "sl_wrong"}, 401),
    ],
)
def test_anonymous_callers_are_of_this_machine(
    make_app: Callable[..., FastAPI], client_address: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    app = make_app(allow_anonymous=True)
    with TestClient(app, base_url="http://127.0.0.1:8000", client=client_address) as client:
        assert client.get("/v1/cameras", headers=headers).status_code == status


def test_cors_is_closed_unless_opened(make_app: Callable[..., FastAPI], secret: str) -> None:
    asks = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    with TestClient(make_app()) as client:
        assert client.options("/v1/searches", headers=asks).status_code == 401
        answer = client.get("/v1/cameras", headers={"X-API-Key": secret, "Origin": "https://app.example"})
        assert "access-control-allow-origin" not in answer.headers
    with TestClient(make_app(cors_origins=("https://app.example",))) as client:
        assert client.options("/v1/searches", headers=asks).status_code == 200
        answer = client.get("/v1/cameras", headers={"X-API-Key": secret, "Origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        refused = client.options("/v1/searches", headers=asks | {"Origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["status"]) == (400, 400)
        evil = client.get("/v1/cameras", headers={"X-API-Key": secret, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers


def test_reads_origins_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_CORS_ORIGINS", "https://a.example, https://b.example")
    assert ServiceSettings().cors_origins == ("https://a.example", "https://b.example")


def test_sends_safe_headers(shared_client: TestClient) -> None:
    page = shared_client.get("/")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "blob:" in policy
    assert "<script>" not in page.text
    for answer in (page, shared_client.get("/v1/cameras"), shared_client.get("/v1/unknown")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"
    assert shared_client.get("/web/js/api.js").headers["cache-control"] == "no-cache"
    assert "no-store" in shared_client.get("/v1/cameras").headers["cache-control"]


@pytest.mark.parametrize("path", ["/livez/", "/v1/searches/", "/v1/cases/"])
def test_leads_to_no_host_that_a_request_names(shared_client: TestClient, path: str) -> None:
    answer = shared_client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
