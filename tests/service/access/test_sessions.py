"""Signing in on the page: what its cookies open, and what they do not."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Scope
from tests.service.conftest import Archive

PLAIN, TLS = "http://sightline.example", "https://sightline.example"
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def app(make_app: Callable[..., FastAPI]) -> Iterator[FastAPI]:
    made = make_app()
    with TestClient(made):
        yield made


def signed_in(app: FastAPI, secret: str, base_url: str = PLAIN) -> TestClient:
    """A browser after signing in."""
    browser = TestClient(app, base_url=base_url, raise_server_exceptions=False)
    answer = browser.post("/v1/session", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 201, answer.text
    return browser


def csrf(browser: TestClient) -> dict[str, str]:
    """What the page sends with changes."""
    name = next(name for name in browser.cookies if name.endswith("sightline-csrf"))
    return {**OWN, "X-CSRF-Token": browser.cookies[name]}


CAMERA = {"name": "door", "time_zone": "UTC"}


def test_cookies_open_what_the_key_opens(app: FastAPI, archive: Archive) -> None:
    key, secret = archive.gallery.keys.create("viewer", scopes=[Scope.VIEW])
    browser = signed_in(app, secret)
    assert browser.get("/v1/cameras").status_code == 200
    tracklet = next(iter(archive.tracklets.values()))
    strip = browser.get(f"/v1/tracklets/{tracklet}/thumbnail")
    assert (strip.status_code, strip.headers["content-type"]) == (200, "image/jpeg")
    assert browser.post("/v1/cameras", json=CAMERA, headers=csrf(browser)).status_code == 403
    seen = archive.gallery.audit.events(key_id=key.id)
    assert [event.action for event in seen] == ["key.refuse", "thumbnail.view", "session.open"]
    assert seen[-1].detail == {"address": "testclient"}
    assert seen[-1].subject == archive.gallery.sessions.list()[0].id
    archive.gallery.keys.revoke(key.id)
    assert browser.get("/v1/cameras").status_code == 401


def test_changes_need_the_page(app: FastAPI, archive: Archive, secret: str) -> None:
    browser, other = signed_in(app, secret), signed_in(app, secret)
    token = csrf(browser)["X-CSRF-Token"]
    foreign: list[dict[str, str]] = [
        {},
        OWN,
        {"X-CSRF-Token": token},
        {**OWN, "X-CSRF-Token": ""},
        {**OWN, "X-CSRF-Token": token[:-1]},
        {**OWN, "X-CSRF-Token": token.upper() + "é"},
        csrf(other),
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "none"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site", "Origin": PLAIN},
        {"X-CSRF-Token": token, "Origin": "null"},
        {"X-CSRF-Token": token, "Origin": "http://evil.example"},
        {"X-CSRF-Token": token, "Origin": "http://sightline.example:8080"},
        {"X-CSRF-Token": token, "Origin": "http://sightline.example.evil"},
        {"X-CSRF-Token": token, "Host": "", "Origin": "http://"},
    ]
    for headers in foreign:
        for method, path in (("POST", "/v1/cameras"), ("DELETE", "/v1/session"), ("PATCH", "/v1/cameras/x")):
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            answer = browser.request(method, path, json=CAMERA, headers=raw)
            assert answer.status_code in {401, 403}, (headers, answer.text)
    assert "door" not in {camera.name for camera in archive.gallery.catalogue.cameras()}
    assert answer.json()["type"] == "urn:sightline:problem:foreign-request"
    # Behind a proxy that is not trusted the page may see TLS where we do not.
    own = [csrf(browser), *({"X-CSRF-Token": token, "Origin": origin} for origin in (PLAIN, TLS))]
    for number, headers in enumerate(own):
        answer = browser.post("/v1/cameras", json={**CAMERA, "name": f"door {number}"}, headers=headers)
        assert answer.status_code == 201, (headers, answer.text)
    # Not even read where another site asks; a link that is opened by hand is.
    assert browser.get("/v1/cameras", headers={"Sec-Fetch-Site": "same-site"}).status_code == 401
    assert browser.get("/v1/cameras", headers={"Sec-Fetch-Site": "none"}).status_code == 200


def test_signing_out_ends_the_session_for_whoever_has_its_cookie(
    app: FastAPI, archive: Archive, secret: str
) -> None:
    browser = signed_in(app, secret)
    stolen = dict(browser.cookies)
    again = browser.post("/v1/session", headers={"X-API-Key": secret})
    assert again.status_code == 201, "another key, or the same once more, replaces the session"
    assert len(archive.gallery.sessions.list()) == 1
    thief = TestClient(app, base_url=PLAIN, cookies=stolen)
    assert thief.get("/v1/cameras").status_code == 401
    thief.cookies = browser.cookies
    assert thief.get("/v1/cameras").status_code == 200
    out = browser.delete("/v1/session", headers=csrf(browser))
    assert (out.status_code, dict(browser.cookies)) == (204, {})
    refused = thief.get("/v1/cameras")
    assert (refused.status_code, refused.json()["detail"]) == (401, "The session has ended. Sign in again.")
    assert browser.delete("/v1/session", headers={"X-API-Key": secret}).status_code == 404
    assert [event.action for event in archive.gallery.audit.events(limit=4)] == [
        "session.close", "session.open", "session.close", "session.open",
    ]  # fmt: skip


def test_a_session_is_opened_with_a_key_and_nothing_else(
    app: FastAPI, archive: Archive, secret: str, make_app: Callable[..., FastAPI]
) -> None:
    browser = signed_in(app, secret)
    assert browser.post("/v1/session", headers=csrf(browser)).status_code == 401, "not out of itself"
    wrong = "sl_" + "a" * 43
    before = browser.cookies["sightline-session"]
    for headers in ({"X-API-Key": wrong}, {"Authorization": f"Bearer {wrong}"}, {"X-API-Key": "x" * 9000}):
        answer = browser.post("/v1/session", headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert browser.cookies["sightline-session"] == before
    refused = archive.gallery.audit.events(action="session.refuse")
    assert [event.detail for event in refused] == [{"address": "testclient"}] * 3
    assert browser.get("/v1/cameras", headers={"X-API-Key": wrong}).status_code == 401, "a key counts first"
    assert len(archive.gallery.audit.events(action="session.refuse")) == 3
    here = TestClient(make_app(allow_anonymous=True), base_url="http://127.0.0.1", client=("127.0.0.1", 5))
    with here:
        assert here.post("/v1/session").status_code == 401
        here.cookies.set("sightline-session", "ended")
        assert here.get("/v1/cameras").status_code == 200, "an old cookie closes nothing that is open"


def test_behind_tls_cookies_are_for_this_host_and_tls(app: FastAPI, secret: str) -> None:
    browser = TestClient(app, base_url=TLS)
    answer = browser.post("/v1/session", headers={"X-API-Key": secret})
    session, token = answer.headers.get_list("set-cookie")
    assert session.startswith("__Host-sightline-session=")
    assert token.startswith("__Host-sightline-csrf=")
    for cookie in (session, token):
        assert {"Secure", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert "Max-Age" not in cookie
    assert ("HttpOnly" in session, "HttpOnly" in token) == (True, False)
    assert browser.get("/v1/cameras").status_code == 200
    planted = TestClient(
        app, base_url=TLS, cookies={"sightline-session": dict(browser.cookies)["__Host-sightline-session"]}
    )
    assert planted.get("/v1/cameras").status_code == 401, "a cookie that plain HTTP could have set"
    token_of = csrf(browser)["X-CSRF-Token"]
    downgraded = {"X-CSRF-Token": token_of, "Origin": "http://sightline.example"}
    assert browser.delete("/v1/session", headers=downgraded).status_code == 403
    assert browser.delete("/v1/session", headers={**downgraded, "Origin": TLS}).status_code == 204
