"""Bearer tokens of an OIDC issuer: which open, which do not, and what an issuer may do to us."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Scope
from service.access.issuer import IssuerKeys, fetch_json
from service.errors import IssuerUnavailable, UnsafeSettings
from service.roles import Role
from tests.service.access.issuing import AUDIENCE, Issuer, pem, rsa_key, running_issuer
from tests.service.conftest import Archive

HOUR = timedelta(hours=1)
VIEWER = Role(scopes=(Scope.VIEW,))


@pytest.fixture
def client(make_app: Callable[..., FastAPI], issuer: Issuer) -> Iterator[TestClient]:
    app = make_app(
        oidc_issuer=issuer.url,
        oidc_audience=AUDIENCE,
        oidc_roles={
            "analyst": Role(scopes=(Scope.SEARCH, Scope.VIEW)),
            "auditor": Role(scopes=(Scope.AUDIT,)),
        },
        address_failures_per_minute=0,
    )
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def status(client: TestClient, token: str, path: str = "/v1/cameras") -> int:
    return client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_does_what_its_roles_may_and_the_audit_names_its_subject(
    client: TestClient, archive: Archive, issuer: Issuer, secret: str
) -> None:
    assert status(client, issuer.token()) == 200
    assert status(client, issuer.token(aud=["other", AUDIENCE])) == 200
    assert status(client, issuer.token(), "/v1/audit-events") == 403
    assert status(client, issuer.token(roles="auditor stranger"), "/v1/audit-events") == 200
    assert status(client, issuer.token(sub="grace"), "/v1/searches") == 200
    assert status(client, secret) == 200, "keys go on working"
    ada, grace = (key for key in archive.gallery.keys.list() if key.subject)
    assert (ada.name, ada.subject, grace.name) == ("ada", f"{issuer.url}#ada", "grace")
    events = archive.gallery.audit.events(key_id=ada.id)
    assert [event.action for event in events] == ["audit.list", "key.refuse"]
    (made,) = archive.gallery.audit.events(subject=ada.id, action="key.create")
    assert made.detail["subject"] == f"{issuer.url}#ada"
    (changed,) = archive.gallery.audit.events(subject=ada.id, action="key.scopes")
    assert changed.detail["scopes"] == ["audit"]
    archive.gallery.keys.revoke(ada.id)
    assert status(client, issuer.token()) == 401, "a subject is shut out like a key"
    assert status(client, issuer.token(sub="grace")) == 200


def unsigned(header: dict[str, Any], claims: dict[str, Any], key: bytes = b"") -> str:
    """A token put together by hand; signed with HMAC if there is a key."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    body = b".".join(parts)
    mac = base64.urlsafe_b64encode(hmac.digest(key, body, hashlib.sha256)).rstrip(b"=") if key else b""
    return (body + b"." + mac).decode()


def test_hostile_tokens_open_nothing(client: TestClient, archive: Archive, issuer: Issuer) -> None:
    now = datetime.now(UTC)
    ends = int(now.timestamp()) + 99
    plain = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "exp": ends, "roles": ["analyst"]}
    public = pem(issuer.signers["one"])
    published = json.dumps(json.loads(issuer.documents()["/keys"])["keys"][0]).encode()
    own = json.loads(published)
    good = issuer.token()
    head, body, signature = good.split(".")
    stranger = Issuer(issuer.url, {"one": rsa_key(), "two": rsa_key()})
    hostile = {
        "alg none": unsigned({"alg": "none", "kid": "one"}, plain),
        "alg None": unsigned({"alg": "None", "kid": "one"}, plain),
        "no alg": unsigned({"kid": "one"}, plain),
        "no kid": unsigned({"alg": "RS256"}, plain),
        "kid is no text": unsigned({"alg": "RS256", "kid": ["one"]}, plain),
        "HS256 with the public key": unsigned({"alg": "HS256", "kid": "one"}, plain, public),
        "HS256 with the published key": unsigned({"alg": "HS256", "kid": "one"}, plain, published),
        "RS256 that is HMAC": unsigned({"alg": "RS256", "kid": "one"}, plain, public),
        "a key of its own": unsigned({"alg": "RS256", "kid": "one", "jwk": own}, plain, b"x"),
        "another's key under our kid": stranger.token(),
        "unknown kid": stranger.token("two"),
        "another algorithm of the same key": issuer.token(algorithm="PS256"),
        "signature cut": ".".join((head, body, signature[:-8])),
        "signature gone": f"{head}.{body}.",
        "claims of another": ".".join((head, issuer.token(sub="root").split(".")[1], signature)),
        "other audience": issuer.token(aud="another service"),
        "no audience": issuer.token(aud=None),
        "other issuer": issuer.token(iss=issuer.url + "/"),
        "no issuer": issuer.token(iss=None),
        "expired": issuer.token(exp=now - timedelta(minutes=5)),
        "never expires": issuer.token(exp=None),
        "expires in words": unsigned({"alg": "RS256", "kid": "one"}, {**plain, "exp": "tomorrow"}),
        "end of all time": issuer.token(exp=10**20),
        "not yet": issuer.token(nbf=now + timedelta(minutes=5)),
        "no subject": issuer.token(sub=None),
        "empty subject": issuer.token(sub=""),
        "endless subject": issuer.token(sub="a" * 300),
        "subject of two lines": issuer.token(sub="ada\nroot"),
        "giant": issuer.token(more="x" * 40_000),
        "dots": "..",
        "not base64": "a.b.c",
        "deep": unsigned({"alg": "RS256", "kid": "one"}, {}).replace(".", "." + "W1tb" * 3000, 1),
    }  # fmt: skip
    for name, token in hostile.items():
        answer = client.get("/v1/cameras", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (name, answer.text)
        assert token not in answer.text
    assert [key for key in archive.gallery.keys.list() if key.subject] == []
    for roles in ([], ["stranger"], [["analyst"]], {"analyst": True}, 7, None, "ANALYST"):
        assert status(client, issuer.token(roles=roles)) == 403, roles
    assert [key for key in archive.gallery.keys.list() if key.subject] == []
    assert status(client, good) == 200


def test_clocks_may_differ_a_little(client: TestClient, issuer: Issuer) -> None:
    now = datetime.now(UTC)
    assert status(client, issuer.token(exp=now - timedelta(seconds=5))) == 200
    assert status(client, issuer.token(nbf=now + timedelta(seconds=15))) == 200


def test_roles_stand_where_the_setting_says(make_app: Callable[..., FastAPI], issuer: Issuer) -> None:
    app = make_app(
        oidc_issuer=issuer.url,
        oidc_audience=AUDIENCE,
        oidc_roles={"analyst": VIEWER},
        oidc_roles_claim="realm_access.roles",
    )
    with TestClient(app) as client:
        assert status(client, issuer.token(realm_access={"roles": ["analyst"]})) == 200
        others: list[Any] = [{"roles": []}, ["analyst"], "roles", None]
        for elsewhere in others:
            assert status(client, issuer.token(realm_access=elsewhere)) == 403


def test_a_session_of_a_token_ends_with_it(client: TestClient, archive: Archive, issuer: Issuer) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    token = issuer.token(exp=soon)
    assert client.post("/v1/session", headers={"Authorization": f"Bearer {token}"}).status_code == 201
    (session,) = archive.gallery.sessions.list()
    assert abs(session.expires_at - soon) < timedelta(seconds=2)
    assert client.get("/v1/searches").status_code == 200
    assert client.get("/v1/audit-events").status_code == 403


def test_a_session_has_no_roles_that_its_token_had_not(client: TestClient, issuer: Issuer) -> None:
    few, many = issuer.token(roles=["analyst"]), issuer.token(roles=["analyst", "auditor"])
    browser = TestClient(client.app)
    assert browser.post("/v1/session", headers={"Authorization": f"Bearer {few}"}).status_code == 201
    assert browser.get("/v1/audit-events").status_code == 403
    assert status(client, few) == browser.get("/v1/cameras").status_code == 200
    assert status(client, many, "/v1/audit-events") == 200
    assert browser.get("/v1/audit-events").status_code == 403
    assert browser.get("/v1/searches").status_code == 200


def test_other_kinds_of_keys(make_app: Callable[..., FastAPI]) -> None:
    with running_issuer() as issuer:
        issuer.signers |= {
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "ed": ed25519.Ed25519PrivateKey.generate(),
        }
        app = make_app(oidc_issuer=issuer.url, oidc_audience=AUDIENCE, oidc_roles={"analyst": VIEWER})
        with TestClient(app) as client:
            assert status(client, issuer.token("ec", algorithm="ES256")) == 200
            assert status(client, issuer.token("ed", algorithm="EdDSA")) == 200


def test_an_issuer_that_is_away_is_503_and_no_refusal(
    make_app: Callable[..., FastAPI], archive: Archive
) -> None:
    with running_issuer() as issuer:
        token = issuer.token()
    app = make_app(oidc_issuer=issuer.url, oidc_audience=AUDIENCE, oidc_roles={"analyst": VIEWER})
    with TestClient(app) as client:
        answer = client.get("/v1/cameras", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "urn:sightline:problem:issuer-unavailable"
        assert issuer.url not in answer.text
        _, secret = archive.gallery.keys.create("still works")
        assert status(client, secret) == 200


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_keys_rotate_and_are_asked_for_seldom() -> None:
    clock = Clock()
    with running_issuer() as issuer:
        keys = IssuerKeys(issuer.url, clock=clock)
        assert keys.key("one") is not None
        for number in range(50):
            assert keys.key(f"unknown {number}") is None
        assert len(issuer.asked) == 2, "the discovery document and the keys, once"
        issuer.signers["two"] = rsa_key()
        clock.now = 59
        assert keys.key("two") is None
        clock.now = 61
        assert keys.key("two") is not None
        del issuer.signers["one"]
        clock.now = 61 + 3599
        assert keys.key("one") is not None
        clock.now = 61 + 3601
        assert keys.key("one") is None, "what the issuer took back, within the hour"
        assert len(issuer.asked) == 6
        issuer.instead = b"<html>"
        clock.now += 86_000
        assert keys.key("two") is not None, "the keys of yesterday, while it is out of order"
        clock.now += 500
        with pytest.raises(IssuerUnavailable):
            keys.key("two")
        issuer.instead = None
        clock.now += 61
        assert keys.key("two") is not None


@pytest.mark.parametrize(
    "instead",
    [b"", b"null", b"[]", b'{"keys": {}}', b'{"keys": 7}', b"{" * 100_000, b" " * 1_000_001, b"\xff"],
)
def test_what_is_no_list_of_keys_is_an_issuer_out_of_order(issuer: Issuer, instead: bytes) -> None:
    issuer.instead = instead
    try:
        with pytest.raises(IssuerUnavailable):
            IssuerKeys(issuer.url).key("one")
    finally:
        issuer.instead = None


def test_a_bad_key_leaves_the_others_usable(issuer: Issuer) -> None:
    good = json.loads(issuer.documents()["/keys"])["keys"][0]
    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}
    bad = [
        7,
        {},
        {"kty": "RSA", "kid": "x"},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": 7},
        secret,
    ]
    issuer.instead = json.dumps({"keys": [*bad, good]}).encode()
    try:
        keys = IssuerKeys(issuer.url)
        assert keys.key("one") is not None
        assert [keys.key(kid) for kid in ("x", "enc", "secret", "7")] == [None] * 4
    finally:
        issuer.instead = None


@pytest.mark.parametrize(
    "described",
    [{"issuer": "https://another.example"}, {"issuer": None}, {"jwks_uri": "http://192.0.2.1/keys"},
     {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": None}, {"jwks_uri": 7}],
)  # fmt: skip
def test_an_issuer_that_names_another_or_an_open_road_is_not_followed(
    issuer: Issuer, described: dict[str, Any]
) -> None:
    issuer.described = described
    try:
        with pytest.raises(IssuerUnavailable):
            IssuerKeys(issuer.url).key("one")
    finally:
        issuer.described = {}


@pytest.mark.parametrize("document", ["/.well-known/openid-configuration", "/keys"])
def test_redirects_of_an_issuer_are_not_followed(issuer: Issuer, document: str) -> None:
    """Where they lead was named by nobody here: it may be without TLS, or inside the network."""
    asked = len(issuer.asked)
    issuer.moved = document
    try:
        with pytest.raises(IssuerUnavailable):
            IssuerKeys(issuer.url).key("one")
        assert issuer.asked[-1] == document
        assert "/moved" not in issuer.asked[asked:]
    finally:
        issuer.moved = None


def test_an_issuer_that_answers_byte_by_byte_is_given_up(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte would be in time, and all of them would take a minute."""
    monkeypatch.setattr("service.access.issuer._TIMEOUT", 0.5)
    issuer.pause = 0.1
    try:
        with pytest.raises(IssuerUnavailable):
            IssuerKeys(issuer.url).key("one")
    finally:
        issuer.pause = 0.0


def test_keys_come_by_tls_or_from_this_machine(make_app: Callable[..., FastAPI]) -> None:
    named: dict[str, Any] = {"oidc_audience": AUDIENCE, "oidc_roles": {"analyst": VIEWER}}
    unsafe = ["http://issuer.example", "ftp://issuer.example", "issuer.example", "https://", ""]
    unsafe += ["https://a:b@issuer.example", "https://issuer.example?x=1", "http://localhost.example"]
    for url in unsafe:
        with pytest.raises(UnsafeSettings):
            make_app(oidc_issuer=url, **named)
    for url in ("https://issuer.example/realms/x", "http://localhost:8080", "http://[::1]:8080"):
        make_app(oidc_issuer=url, **named)
    lacking: list[dict[str, Any]] = [{"oidc_audience": None}, {"oidc_audience": ""}, {"oidc_roles": {}}]
    for missing in lacking:
        with pytest.raises(UnsafeSettings, match="needs SIGHTLINE_OIDC_AUDIENCE"):
            make_app(oidc_issuer="https://issuer.example", **{**named, **missing})
    with pytest.raises(IssuerUnavailable):
        fetch_json("http://issuer.example/keys")
