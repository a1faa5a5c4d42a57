"""Roles of tokens that are limited to camera groups: what is seen, and what closes at the next request."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.testclient import TestClient

from gallery import Scope
from gallery.catalogue.keys import Keys
from service.roles import Role, Roles
from service.settings import ServiceSettings
from tests.service.access.issuing import AUDIENCE, Issuer
from tests.service.conftest import Archive

ROLES = TypeAdapter(dict[str, Role]).validate_python(
    {
        "analyst": ["search", "view"],
        "auditor": ["audit"],
        "north": {"scopes": ["view"], "groups": ["north"]},
        "south": {"scopes": ["view"], "groups": ["south", "gone"]},
        "roof only": {"scopes": [], "groups": ["roof"]},
        "typo": {"scopes": ["view", "audit"], "groups": ["nroth"]},
        "nothing": [],
        "blind": {"scopes": ["view"], "groups": []},
    }
)


@pytest.fixture
def make(make_app: Callable[..., FastAPI], archive: Archive, issuer: Issuer) -> Callable[..., FastAPI]:
    for group, camera in (("north", "gate"), ("south", "yard"), ("roof", "roof")):
        archive.gallery.groups.add(group, [camera])

    def made(roles: dict[str, Role] = ROLES, **changes: object) -> FastAPI:
        named = {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "oidc_roles": roles}
        return make_app(**{**named, **changes})

    return made


def seen(client: TestClient, token: str | None = None) -> list[str] | int:
    """The cameras that a request sees, or how it is refused."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = client.get("/v1/cameras", headers=headers)
    if answer.status_code != 200:
        return answer.status_code
    return sorted(camera["name"] for camera in answer.json()["items"])


def signed_in(app: FastAPI, token: str) -> TestClient:
    browser = TestClient(app, raise_server_exceptions=False)
    assert browser.post("/v1/session", headers={"Authorization": f"Bearer {token}"}).status_code == 201
    return browser


def test_roles_see_the_union_of_their_groups(
    make: Callable[..., FastAPI], archive: Archive, issuer: Issuer
) -> None:
    everything = ["gate", "roof", "yard"]
    expected: list[tuple[list[str], list[str] | int]] = [
        (["north"], ["gate"]),
        (["north", "south"], ["gate", "yard"]),
        (["north", "roof only"], ["gate", "roof"]),
        (["north", "analyst"], everything),
        (["north", "auditor"], everything),
        (["analyst", "typo"], everything),
        (["north", "nothing"], ["gate"]),
        (["north", "stranger"], ["gate"]),
        (["typo"], []),
        (["blind"], []),
        (["roof only"], 403),
        (["nothing", "roof only"], 403),
    ]
    with TestClient(make()) as client:
        for roles, cameras in expected:
            assert seen(client, issuer.token(roles=roles)) == cameras, roles
        limited = {"Authorization": f"Bearer {issuer.token(roles=['typo'])}"}
        assert client.get("/v1/audit-events", headers=limited).status_code == 403, "it is the whole gallery's"
        hidden = archive.videos["yard"].id
        north = {"Authorization": f"Bearer {issuer.token(roles=['north'])}"}
        assert client.get(f"/v1/videos/{hidden}", headers=north).status_code == 404
    (key,) = archive.gallery.keys.list()
    assert (key.scopes, key.camera_groups, key.roles) == (["view"], ["north"], ["north"])
    newest = archive.gallery.audit.events(subject=key.id, action="key.scopes")[0]
    assert (newest.detail["groups"], newest.detail["roles"]) == (["north"], ["north"])


def test_a_group_that_goes_closes_and_one_that_changes_counts_at_once(
    make: Callable[..., FastAPI], archive: Archive, issuer: Issuer
) -> None:
    groups, app = archive.gallery.groups, make()
    with TestClient(app) as client:
        token = issuer.token(roles=["north"])
        browser = signed_in(app, token)
        groups.add("north", ["yard"])
        assert (seen(client, token), seen(browser)) == (["gate", "yard"], ["gate", "yard"])
        groups.delete("north")  # no key of a subject is in the way: the setting, not the key, names it
        assert (seen(client, token), seen(browser)) == ([], [])
        groups.put("north", ["roof"])
        assert (seen(client, token), seen(browser)) == (["roof"], ["roof"])


def test_a_session_has_no_role_that_is_lost(
    make: Callable[..., FastAPI], archive: Archive, issuer: Issuer
) -> None:
    app = make()
    with TestClient(app) as client:
        wide = issuer.token(roles=["analyst", "north"])
        first = signed_in(app, wide)
        assert seen(first) == ["gate", "roof", "yard"]
        second = signed_in(app, issuer.token(roles=["north"]))
        assert (seen(first), seen(second)) == (["gate"], ["gate"]), "the first has lost one"
        assert first.get("/v1/searches").status_code == 403
        seen(client, wide)
        assert seen(second) == ["gate"], "an older token sent again widens no session but its own"
        assert seen(client, issuer.token(sub="grace", roles=["analyst"])) == ["gate", "roof", "yard"]
        assert seen(second) == ["gate"], "nor does another subject's"
        assert seen(client, issuer.token(roles=[])) == 403
        assert (seen(first), seen(second)) == (401, 401), "all roles lost"
        ada = next(key for key in archive.gallery.keys.list() if key.name == "ada")
        assert (ada.scopes, ada.camera_groups, ada.roles) == ([], [], [])
        assert seen(client, issuer.token(sub="nobody", roles=["stranger"])) == 403
        assert "nobody" not in {key.name for key in archive.gallery.keys.list()}


def test_a_session_follows_the_setting(
    make: Callable[..., FastAPI], archive: Archive, issuer: Issuer, secret: str
) -> None:
    before = make()
    with TestClient(before):
        kept = signed_in(before, issuer.token(roles=["analyst"]))
        of_key = signed_in(before, secret)
        key_id = archive.gallery.sessions.list()[0].key_id
        noted = archive.gallery.audit.events(subject=key_id)
    narrower = {"analyst": Role(scopes=(Scope.VIEW,), groups=("north",))}
    closed: list[dict[str, object]] = [
        {"roles": {"other": ROLES["analyst"]}},
        {"oidc_issuer": "https://another.example"},
        {"oidc_issuer": None},
        {"roles": {"analyst": Role(scopes=(), groups=("north",))}},
    ]
    for changes, expected in [({"roles": narrower}, ["gate"]), *((one, 401) for one in closed)]:
        app = make(**changes)  # type: ignore[arg-type]
        with TestClient(app) as client:
            client.cookies = kept.cookies
            assert seen(client) == expected, changes
            assert client.get("/v1/searches").status_code == (403 if expected == ["gate"] else 401)
            client.cookies = of_key.cookies
            assert seen(client) == ["gate", "roof", "yard"], "who signed in with a key is not concerned"
    assert archive.gallery.audit.events(subject=key_id) == noted


def test_a_session_marks_the_last_use_of_its_key(
    make: Callable[..., FastAPI], archive: Archive, issuer: Issuer, secret: str
) -> None:
    app, later = make(), datetime.now(UTC) + timedelta(minutes=5)
    with TestClient(app):
        browsers = [signed_in(app, secret), signed_in(app, issuer.token(roles=["north"]))]
        archive.gallery.keys = Keys(archive.gallery._database, clock=lambda: later)
        for browser in browsers:
            assert isinstance(seen(browser), list)
    assert [key.last_used_at for key in archive.gallery.keys.list()] == [later, later]


@pytest.mark.parametrize(
    "value",
    [{"groups": ["north"]}, {"scopes": ["view"], "groups": None}, {"scopes": ["view"], "group": ["north"]},
     {"scopes": ["view"], "groups": "north"}, {"scopes": ["view"], "groups": [""]}, "view", None, ["look"],
     {"scopes": ["view"], "groups": ["a/b"]}, {"scopes": ["view"], "groups": ["\0"]},
     {"scopes": ["view"], "groups": [7]}],
)  # fmt: skip
def test_what_is_no_role_stops_the_server(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_OIDC_ROLES", json.dumps({"analyst": value}))
    with pytest.raises(ValidationError, match="oidc_roles"):
        ServiceSettings()


def test_a_name_in_another_spelling_is_the_same_group() -> None:
    grant = Roles("https://issuer.example", {"a": Role(scopes=(Scope.VIEW,), groups=("cafe\u0301",))})
    assert grant.grant(["a"]).groups == ("caf\u00e9",)
