import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from gallery.catalogue.keys import Keys
from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.access import Scope
from gallery.sql.tables import ApiKey, AuditEvent


def test_a_key_opens(gallery: Gallery) -> None:
    key, secret = gallery.keys.create("front desk")
    assert gallery.keys.verify(secret) == key
    assert (key.name, key.expires_at, key.revoked_at) == ("front desk", None, None)
    assert re.fullmatch(r"sl_[A-Za-z0-9_-]{43}", secret)


def test_only_the_hash_of_a_secret_is_stored(gallery: Gallery) -> None:
    key, secret = gallery.keys.create("front desk")
    with gallery._database.read() as session:
        row = session.get_one(ApiKey, key.id)
        assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
        rows = [*session.scalars(select(ApiKey)), *session.scalars(select(AuditEvent))]
        stored = [str(vars(found)) for found in rows]
    assert not any(secret in text or secret[3:] in text for text in stored)
    assert secret not in repr(key)


def test_secrets_differ(gallery: Gallery) -> None:
    assert len({gallery.keys.create("same name")[1] for _ in range(20)}) == 20


def test_an_expired_key_is_refused(gallery: Gallery) -> None:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    key, secret = gallery.keys.create("visitor", expires_at=expires_at)
    assert key.expires_at == expires_at
    before = Keys(gallery._database, clock=lambda: expires_at - timedelta(microseconds=1))
    after = Keys(gallery._database, clock=lambda: expires_at)
    assert before.verify(secret) == key
    assert after.verify(secret) is None


def test_a_revoked_key_is_refused(gallery: Gallery) -> None:
    key, secret = gallery.keys.create("leaver")
    _, other = gallery.keys.create("stays")
    revoked = gallery.keys.revoke(key.id)
    assert revoked.revoked_at is not None
    assert gallery.keys.verify(secret) is None
    assert gallery.keys.verify(other) is not None
    assert gallery.keys.revoke(key.id) == revoked


def test_list_shows_all_keys(gallery: Gallery) -> None:
    first, _ = gallery.keys.create("a")
    second, _ = gallery.keys.create("b", expires_at=datetime.now(UTC) + timedelta(hours=1))
    revoked = gallery.keys.revoke(first.id)
    assert gallery.keys.list() == [revoked, second]


def test_making_and_revoking_is_recorded(gallery: Gallery) -> None:
    key, _ = gallery.keys.create("front desk")
    gallery.keys.revoke(key.id)
    gallery.keys.revoke(key.id)
    events = gallery.audit.events(subject=key.id)
    assert [(event.action, event.detail) for event in events] == [
        ("key.revoke", {"name": "front desk"}),
        ("key.create", {"name": "front desk", "scopes": list(Scope), "groups": None}),
    ]


def test_secrets_of_no_key(gallery: Gallery, subtests: pytest.Subtests) -> None:
    key, secret = gallery.keys.create("front desk")
    hostile = [
        "",
        "sl_",
        key.id,
        secret[3:],
        secret[:-1],
        secret + "=",
        secret + "\n",
        " " + secret,
        secret.upper(),
        secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        "sl_" + "\0" * 43,
        "sl_" + "é" * 43,
        "sl_" + "\ud800" * 43,
        "sl_" + "'" * 43,
        hashlib.sha256(secret.encode()).hexdigest(),
        "x" * 1_000_000,
    ]
    for guess in hostile:
        with subtests.test(guess=guess[:60]):
            assert gallery.keys.verify(guess) is None


def test_keys_that_cannot_be_made(gallery: Gallery, subtests: pytest.Subtests) -> None:
    for name in ["", "a\0", "\ud800", "x" * 201]:
        with subtests.test(name=name), pytest.raises(InvalidInput):
            gallery.keys.create(name)
    now = datetime.now(UTC)
    naive = now.replace(tzinfo=None) + timedelta(days=1)
    for expires_at in [now - timedelta(seconds=1), naive, datetime.max.replace(tzinfo=UTC)]:
        with subtests.test(expires_at=expires_at), pytest.raises(InvalidInput):
            gallery.keys.create("name", expires_at=expires_at)
    assert gallery.keys.list() == []
    assert gallery.audit.events() == []


def test_revoking_what_is_no_key(gallery: Gallery, subtests: pytest.Subtests) -> None:
    for key_id in ["", "f" * 32, "\0" * 32, "\ud800", "' OR 1=1 --"]:
        with subtests.test(key_id=key_id), pytest.raises(NotFound):
            gallery.keys.revoke(key_id)
